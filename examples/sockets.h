/* SPDX-License-Identifier: MIT */
/* Ordinary descriptors that a server waits on. -1 on failure, after a sentence. */
#ifndef SOCKETS_H
#define SOCKETS_H

int open_listener(unsigned int port);	/* TCP, any address of IPv4 and IPv6, not blocking */
int open_signals(void);			/* readable when SIGINT or SIGTERM came, which are blocked */

#endif
