/* SPDX-License-Identifier: MIT */
/* Addresses, and ordinary TCP sockets. -1 is a failure that had its sentence. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct nc_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/*
 * nc_resolve() - a name or address. NULL: the unspecified one, of IPv6 unless @family is AF_INET. What IPv6 writes of an
 * IPv4 address is that one.
 */
int nc_resolve(const char *name, uint16_t port, int family, struct nc_address *out);

/* nc_address_text() - "192.0.2.1:5201" or "[2001:db8::1]:5201". Returns @text. */
#define NC_ADDRESS_TEXT 64
const char *nc_address_text(const struct nc_address *address, char text[NC_ADDRESS_TEXT]);

/* nc_listen() - @both: the unspecified address of IPv6 stands for IPv4's, too. */
int nc_listen(const struct nc_address *at, bool both);

/* nc_accept() - the first connection. */
int nc_accept(int listener, struct nc_address *peer);

/* nc_connect() - by @interface; @from: its address and port, or NULL. */
int nc_connect(const struct nc_address *to, const struct nc_address *from, const char *interface);

#endif
