/* SPDX-License-Identifier: MIT */
/* Ordinary descriptors. */
#ifndef SOCKETS_H
#define SOCKETS_H

struct addrinfo;

/* What a server waits on. -1 on failure, after a sentence. */
/* readable when SIGINT or SIGTERM came, which are blocked */
int open_signals(void);

/* TCP, any address of IPv4 and IPv6, not blocking. @interface: this one's connections alone; NULL:
 * all. */
int open_listener(unsigned int port, const char *interface);

/* A TCP connection to the first of these addresses that answers; -1: errno says why not. */
int connect_to(const struct addrinfo *ai);

#endif
