/* SPDX-License-Identifier: MIT */
/* Addresses, and ordinary TCP sockets. -1 is a failure that had its sentence. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/*
 * address_resolve() - a name or address. NULL: the unspecified one, of IPv6 unless @family is
 * AF_INET. What IPv6 writes of an IPv4 address is that one.
 */
int address_resolve(const char *name, uint16_t port, int family, struct address *out);

/* address_text() - "192.0.2.1:5201" or "[2001:db8::1]:5201". Returns @text. */
#define ADDRESS_TEXT 64
const char *address_text(const struct address *address, char text[ADDRESS_TEXT]);

/* address_listen() - @both: the unspecified address of IPv6 stands for IPv4's, too. */
int address_listen(const struct address *at, bool both, int backlog);

/* address_unmap() - what IPv6 writes of an IPv4 address becomes that. */
void address_unmap(struct address *a);

/*
 * address_accept() - the next connection of a listener that blocks. What ends one connection is no
 * failure, and for what this machine lacks it waits.
 */
int address_accept(int listener, struct address *peer);

/* address_local() - of this end of a connection. */
int address_local(int fd, struct address *out);

/* address_connect() - by @interface, or NULL: any; @from: its address and port, or NULL. */
int address_connect(const struct address *to, const struct address *from, const char *interface);

#endif
