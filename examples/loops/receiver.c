// SPDX-License-Identifier: MIT
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"
#include "../sockets.h"
#include "receiver.h"

struct connection {
	int fd;
	struct devmem_sock *sock;
	uint64_t position; /* bytes received so far */
};

static void must(int result, const char *what)
{
	if (result < 0)
		errx(1, "%s: %s", what, devmem_error());
}

static unsigned int number(const char *text, unsigned long most)
{
	unsigned long n = strtoul(text, NULL, 10);

	if (!n || n > most)
		errx(2, "%s is not a number from 1 to %lu", text, most);
	return (unsigned int)n;
}

void receiver_open(struct receiver *r, int argc, char **argv)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (argc != 4)
		errx(2, "usage: %s INTERFACE PORT CONNECTIONS", argv[0]);
	v4.sin_port = v6.sin6_port = htons((uint16_t)number(argv[2], 65535));
	*r = (struct receiver){ .connections = number(argv[3], 65536) };
	must(devmem_buffer_create(NULL, 64 << 20, NULL, &r->buffer), "buffer");
	must(devmem_nic_open(argv[1], NULL, &r->nic), "NIC");
	must(devmem_bind_rx(r->nic, r->buffer, NULL, &r->binding), "bind");
	must(devmem_steer(r->binding, (struct sockaddr *)&v4, NULL), "steer");
	must(devmem_steer(r->binding, (struct sockaddr *)&v6, NULL), "steer");
	must(devmem_ring_open(NULL, &r->ring), "ring");
	r->ring_fd = devmem_ring_fd(r->ring);
	must(r->ring_fd, "the ring's descriptor");
	r->listener = open_listener(ntohs(v4.sin_port), NULL);
	if (r->listener < 0)
		exit(2);
}

static void attach(struct receiver *r, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	r->accepted++;
	if (!c)
		err(1, "a connection");
	c->fd = fd;
	must(devmem_attach(r->ring, fd, r->binding, (uintptr_t)c, NULL, &c->sock), "attach");
}

void receiver_accept(struct receiver *r)
{
	int fd;

	while ((fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR)
		if (fd >= 0)
			attach(r, fd);
	if (errno != EAGAIN && errno != ECONNABORTED)
		err(1, "accept");
}

static void end(struct receiver *r, struct connection *c, int result)
{
	if (result) {
		warnx("a connection broke: %s", devmem_error());
		r->broken++;
	}
	shutdown(c->fd, SHUT_RDWR);
	devmem_detach(c->sock);
	close(c->fd);
	free(c);
	r->ended++;
}

static void take_event(struct receiver *r, const struct devmem_event *ev)
{
	struct connection *c = (struct connection *)(uintptr_t)ev->user_data;

	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST: /* a real program would launch a kernel on (offset, length) */
		r->wrong += !check_event(r->buffer, c->position, ev);
		r->bytes += ev->length;
		c->position += ev->length;
		break;
	case DEVMEM_EVENT_END:
	case DEVMEM_EVENT_ERROR:
		end(r, c, ev->result);
		break;
	}
}

bool receiver_take(struct receiver *r)
{
	struct devmem_event ev[64];
	int n;

	do {
		n = devmem_wait(r->ring, ev, 64, 0);
		if (n == -EINTR) /* a signal: try again */
			continue;
		must(n, "wait");
		for (int i = 0; i < n; i++)
			take_event(r, &ev[i]);
		must(devmem_release(r->ring, ev, (unsigned int)n), "release");
	} while (n);
	return r->ended >= r->connections;
}

int receiver_close(struct receiver *r)
{
	printf("%u connections, %llu bytes, %llu fragments wrong, %u connections broken\n",
	       r->ended, r->bytes, r->wrong, r->broken);
	close(r->listener);
	devmem_ring_close(r->ring);
	devmem_binding_close(r->binding);
	must(devmem_nic_close(r->nic), "the NIC");
	devmem_buffer_close(r->buffer);
	return r->wrong || r->broken;
}
