/* SPDX-License-Identifier: MIT */
/* Addresses and ordinary TCP sockets. A function that returns -1 has printed its error message. */
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

/* address_resolve() - resolves a name or an address. A NULL @name gives the unspecified address:
 * IPv6's, unless @family is AF_INET. An IPv4-mapped IPv6 address becomes the IPv4 address. */
int address_resolve(const char *name, uint16_t port, int family, struct address *out);

/* address_text() - "192.0.2.1:5201" or "[2001:db8::1]:5201". Returns @text. */
#define ADDRESS_TEXT 64
const char *address_text(const struct address *address, char text[ADDRESS_TEXT]);

/* address_listen() - opens a listening socket. @both: on IPv6's unspecified address, accept IPv4
 * connections too. */
int address_listen(const struct address *at, bool both, int backlog);

/* address_unmap() - turns an IPv4-mapped IPv6 address into the IPv4 address. */
void address_unmap(struct address *a);

/*
 * address_accept() - the next connection of a blocking listener. A connection that ended before it
 * was accepted is skipped. When this machine lacks a resource, the call waits until it is
 * available.
 */
int address_accept(int listener, struct address *peer);

/* address_local() - the address of this end of a connection. */
int address_local(int fd, struct address *out);

/* address_connect() - connects through @interface (NULL: any), from @from's address and port (NULL:
 * any). */
int address_connect(const struct address *to, const struct address *from, const char *interface);

#endif
