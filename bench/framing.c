// SPDX-License-Identifier: MIT
/*
 * framing WAY BYTES BURST MESSAGES: what it costs a receiver to know where a message begins.
 * Messages of BYTES come on one connection of the loopback interface, BURST at a time, and each is
 * gathered.
 *
 * read		their lengths are in front of them, and are read there
 * control	their lengths come on a second, ordinary connection
 * fixed	all have one length, which both ends know
 *
 * Sends and receives in turns, in one thread, so that counts repeat. framing.sh counts.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <devmem/devmem.h>

#define HEADER 8u
#define ROOM   (8u << 20)
#define MAX    256u /* fragments of a message */

struct pair {
	int near, far;
};

struct framing {
	bool in_band, control;
	uint32_t bytes, burst;
	struct pair data, lengths; /* connections */
	struct devmem_ring *ring;
	struct devmem_buffer *buffer, *to;
	unsigned char header[HEADER];
	uint32_t have, got;	       /* of the header, of the message */
	struct devmem_event list[MAX]; /* for the next gather */
	unsigned int n;
	uint64_t begun, over; /* messages */
};

#define MUST(call)                                     \
	do {                                           \
		if ((call) < 0)                        \
			errx(1, "%s", devmem_error()); \
	} while (0)

static struct pair connection(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length = sizeof(here);
	struct pair p = { .far = socket(AF_INET, SOCK_STREAM, 0) };

	if (bind(listener, (struct sockaddr *)&here, length) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&here, &length) ||
	    connect(p.far, (struct sockaddr *)&here, length))
		err(1, "a connection");
	p.near = accept(listener, NULL, NULL);
	close(listener);
	return p;
}

static void keep(struct framing *f, const struct devmem_event *ev)
{
	if (f->n == MAX)
		errx(1, "too many fragments");
	f->list[f->n++] = *ev;
}

/* Takes @bytes off the front of a fragment. @ev becomes what is left. */
static void take(struct framing *f, struct devmem_event *ev, uint32_t bytes, bool gathered)
{
	struct devmem_event rest;

	MUST(devmem_event_split(ev, bytes, &rest));
	if (gathered)
		keep(f, ev);
	*ev = rest;
}

static void read_header(struct framing *f, struct devmem_event *ev)
{
	uint32_t some = ev->length < HEADER - f->have ? ev->length : HEADER - f->have;

	MUST(devmem_event_read(f->ring, ev, 0, f->header + f->have, some));
	f->have += some;
	take(f, ev, some, false);
}

static void end_message(struct framing *f)
{
	const uint64_t to = f->begun % (ROOM / f->bytes) * f->bytes;

	MUST(devmem_gather(f->ring, f->list, f->n, f->to, to, f->begun++));
	f->n = f->have = f->got = 0;
}

static void parse_fragment(struct framing *f, struct devmem_event ev)
{
	while (ev.length) {
		uint32_t some;

		if (f->in_band && f->have < HEADER) {
			read_header(f, &ev);
			continue;
		}
		some = ev.length < f->bytes - f->got ? ev.length : f->bytes - f->got;
		take(f, &ev, some, true);
		f->got += some;
		if (!ev.length)
			keep(f, &ev); /* released with the message */
		if (f->got == f->bytes)
			end_message(f);
	}
}

/* What is counted. */
static __attribute__((noinline)) void parse_turn(struct framing *f, const struct devmem_event *ev,
						 int n)
{
	uint64_t lengths[64];

	if (f->control && f->begun == f->over &&
	    recv(f->lengths.near, lengths, f->burst * sizeof(*lengths), MSG_WAITALL) < 0)
		err(1, "lengths");
	for (int i = 0; i < n; i++) {
		if (ev[i].type == DEVMEM_EVENT_DATA)
			parse_fragment(f, ev[i]);
		f->over += ev[i].type == DEVMEM_EVENT_GATHERED;
	}
}

static void send_burst(const struct framing *f)
{
	static unsigned char bytes[4 << 20];
	const size_t one = f->bytes + (f->in_band ? HEADER : 0);

	if (f->control && send(f->lengths.far, bytes, f->burst * HEADER, 0) < 0)
		err(1, "send");
	if (send(f->data.far, bytes, f->burst * one, 0) != (ssize_t)(f->burst * one))
		err(1, "send");
}

static void open_framing(struct framing *f)
{
	struct devmem_binding *binding;
	struct devmem_sock *sock;
	struct devmem_nic *nic;

	f->data = connection();
	f->lengths = connection();
	MUST(devmem_buffer_create("shm", ROOM, NULL, &f->buffer));
	MUST(devmem_buffer_create("shm", ROOM, NULL, &f->to));
	MUST(devmem_nic_open("lo", NULL, &nic));
	MUST(devmem_bind_rx(nic, f->buffer, NULL, &binding));
	MUST(devmem_ring_open(NULL, &f->ring));
	MUST(devmem_attach(f->ring, f->data.near, binding, 0, NULL, &sock));
}

int main(int argc, char **argv)
{
	struct devmem_event ev[256];
	struct framing f = { 0 };
	uint64_t messages;

	if (argc != 5)
		errx(2, "usage: framing read|control|fixed BYTES BURST MESSAGES");
	f.in_band = !strcmp(argv[1], "read");
	f.control = !strcmp(argv[1], "control");
	f.bytes = (uint32_t)atoi(argv[2]);
	f.burst = (uint32_t)atoi(argv[3]);
	messages = (uint64_t)atoi(argv[4]);
	if (!f.bytes || !f.burst || f.burst > 64 || (uint64_t)f.bytes * f.burst > 1u << 20)
		errx(2, "at most 64 messages, and 1 MiB, at a time");
	open_framing(&f);
	while (f.over < messages) {
		const uint64_t until = f.over + f.burst;

		send_burst(&f);
		while (f.over < until) {
			int n = devmem_wait(f.ring, ev, 256, -1);

			MUST(n);
			parse_turn(&f, ev, n);
		}
	}
	printf("%llu messages\n", (unsigned long long)f.over);
	return 0;
}
