/* SPDX-License-Identifier: MIT */
/* Ordinary descriptors of a server. */
#ifndef SOCKETS_H
#define SOCKETS_H

struct addrinfo;

/* What a server waits for. Both return -1 after an error message. */
/* readable when SIGINT or SIGTERM came, which are blocked */
int open_signals(void);

/* A non-blocking TCP listener on any IPv4 or IPv6 address. @interface: accept only its connections;
 * NULL: accept all. */
int open_listener(unsigned int port, const char *interface);

/* Connects by TCP to the first of these addresses that answers. While none does, tries again for up
 * to @seconds. Returns -1 and sets errno if none does. */
int connect_to(const struct addrinfo *ai, unsigned int seconds);

#endif
