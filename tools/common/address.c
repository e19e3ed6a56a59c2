// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <devmem/devmem.h>

#include "../../examples/accept.h"
#include "address.h"
#include "say.h"
#include "stop.h"

/* What to do about a failure, behind strerror(). */
#define NO_IPV6	  ": this machine has no IPv6, use -4 for IPv4 only"
#define NOT_LOCAL ": this machine does not have that address, see \"ip address\""
#define NO_ROUTE  ": no route leads there through that interface, see \"ip route\""

static socklen_t length(const struct address *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

void address_unmap(struct address *a)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = a->v6.sin6_port };

	if (a->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
		return;
	memcpy(&v4.sin_addr, &a->v6.sin6_addr.s6_addr[12], sizeof(v4.sin_addr));
	memset(a, 0, sizeof(*a));
	a->v4 = v4;
}

int address_resolve(const char *name, uint16_t port, int family, struct address *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_family = family,
				  .ai_flags = name ? 0 : AI_PASSIVE },
			*list;
	char service[8];
	int err;

	if (!name && family == AF_UNSPEC)
		hints.ai_family = AF_INET6;
	snprintf(service, sizeof(service), "%u", port);
	err = getaddrinfo(name, service, &hints, &list);
	if (err)
		return failed("%s: %s: give an address such as 192.0.2.1 or 2001:db8::1, or a name "
			      "that the system knows",
			      name ? name : "any address", gai_strerror(err));
	memset(out, 0, sizeof(*out));
	memcpy(&out->sa, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	address_unmap(out);
	return 0;
}

const char *address_text(const struct address *a, char text[ADDRESS_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof(host));
	snprintf(text, ADDRESS_TEXT, a->sa.sa_family == AF_INET ? "%s:%u" : "[%s]:%u", host,
		 ntohs(a->v4.sin_port));
	return text;
}

/* A socket of the address's family. Its port can be reused at once, as ncdevmem's can. */
static int new_socket(const struct address *a)
{
	int one = 1, fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return failed("cannot create a socket: %s%s", strerror(errno),
			      errno == EAFNOSUPPORT && a->sa.sa_family == AF_INET6 ? NO_IPV6 : "");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	return fd;
}

static int give_up(int fd, const char *what, const struct address *a, const char *hint)
{
	char text[ADDRESS_TEXT];

	if (errno != EINTR || !stopped())
		failed("cannot %s %s: %s%s", what, address_text(a, text), strerror(errno), hint);
	close(fd);
	return -1;
}

int address_listen(const struct address *at, bool both, int backlog)
{
	int only = !both, fd = new_socket(at);

	if (fd < 0)
		return -1;
	if (at->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	/* a failure is not reported here: devmem_attach() insists on the guard where it matters */
	devmem_guard(fd);
	if (bind(fd, &at->sa, length(at)) || listen(fd, backlog))
		return give_up(fd, "listen at", at,
			       errno == EADDRINUSE ? ": \"ss -ltnp\" shows which program uses it"
			       : errno == EADDRNOTAVAIL ? NOT_LOCAL
							: "");
	return fd;
}

/* Lack of a resource that may be available again in a moment. */
static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS || err == -ENOMEM ||
	       err == -EPERM;
}

int address_accept(int listener, struct address *peer)
{
	socklen_t bytes;
	int fd, reported = 0;

	while (!stopped()) {
		bytes = sizeof(*peer);
		memset(peer, 0, sizeof(*peer));
		fd = accept_next(listener, &peer->sa, &bytes);
		if (fd >= 0) {
			address_unmap(peer);
			return fd;
		}
		if (is_shortage(fd)) {
			if (fd != reported)
				say("cannot accept a connection now: %s", strerror(-fd));
			reported = fd;
			poll(NULL, 0, 100);
		} else if (fd != -EINTR) {
			return failed("cannot accept a connection: %s", strerror(-fd));
		}
	}
	return -1;
}

int address_local(int fd, struct address *out)
{
	socklen_t bytes = sizeof(*out);

	if (getsockname(fd, &out->sa, &bytes))
		return failed("cannot read the local address: %s", strerror(errno));
	address_unmap(out);
	return 0;
}

int address_connect(const struct address *to, const struct address *from, const char *interface)
{
	int fd = new_socket(to);

	if (fd < 0)
		return -1;
	if (interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
				    (socklen_t)strlen(interface) + 1))
		return give_up(fd, "use that interface to reach", to, "");
	if (from && bind(fd, &from->sa, length(from)))
		return give_up(fd, "send from", from, errno == EADDRNOTAVAIL ? NOT_LOCAL : "");
	if (connect(fd, &to->sa, length(to)))
		return give_up(fd, "connect to", to,
			       errno == ECONNREFUSED ? ": nobody listens there"
			       : errno == ENETUNREACH || errno == EHOSTUNREACH ? NO_ROUTE
									       : "");
	return fd;
}
