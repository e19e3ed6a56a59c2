// SPDX-License-Identifier: MIT
/* Sends a buffer over and over from device memory with libdevmem. leanest_tx.c does this by hand,
 * and tx_plain.c without device memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "setup.h"

#define EVENTS	  256
#define UNDER_WAY 16 /* sends per connection */

struct sender {
	struct devmem_ring *ring;
	struct devmem_sock **sock; /* one per connection */
	uint64_t *queued;	   /* bytes, per connection */
	uint64_t each;		   /* bytes per connection */
	uint64_t next;		   /* offset of the next send in the buffer */
	uint64_t sent;
};

static void prepare(struct sender *s, const struct bench *b)
{
	s->each = b->bytes / b->connections;
	s->sock = calloc(b->connections, sizeof(s->sock[0]));
	s->queued = calloc(b->connections, sizeof(*s->queued));
	if (!s->sock || !s->queued)
		bench_die("no memory");
	if (b->portion > devmem_buffer_size(b->buffer))
		bench_die("a send is larger than the buffer");
	if (devmem_ring_open(NULL, &s->ring))
		bench_die("%s", devmem_error());
	for (unsigned int i = 0; i < b->connections; i++)
		if (devmem_attach(s->ring, b->fd[i], NULL, i, NULL, &s->sock[i]))
			bench_die("%s", devmem_error());
}

static void send_next(struct sender *s, const struct bench *b, unsigned int connection)
{
	uint64_t left = s->each - s->queued[connection];
	struct devmem_range range = { s->next, left < b->portion ? left : b->portion };

	if (!left)
		return;
	if (devmem_send(s->sock[connection], b->tx, &range, 1, 0))
		bench_die("%s", devmem_error());
	s->queued[connection] += range.length;
	s->next += b->portion;
	if (s->next + b->portion > devmem_buffer_size(b->buffer))
		s->next = 0;
}

static void take(struct sender *s, const struct bench *b, const struct devmem_event *ev)
{
	switch (ev->type) {
	case DEVMEM_EVENT_SENT:
		if (ev->result < 0 || ev->flags & DEVMEM_EVENT_F_COPIED)
			bench_die("a send %s",
				  ev->result < 0 ? strerror(-ev->result) : "was copied");
		s->sent += (uint32_t)ev->result;
		send_next(s, b, (unsigned int)ev->user_data);
		break;
	case DEVMEM_EVENT_ERROR:
		bench_die("a connection broke: %s", strerror(-ev->result));
	case DEVMEM_EVENT_END:
		bench_die("a connection ended");
	}
}

static void send_all(struct sender *s, const struct bench *b)
{
	struct devmem_event ev[EVENTS];

	for (unsigned int i = 0; i < b->connections * UNDER_WAY; i++)
		send_next(s, b, i % b->connections);
	while (s->sent < b->bytes) {
		int n = devmem_wait(s->ring, ev, EVENTS, -1);

		if (n == -EINTR)
			continue;
		if (n < 0)
			bench_die("%s", devmem_error());
		for (int i = 0; i < n; i++)
			take(s, b, &ev[i]);
	}
}

int main(int argc, char **argv)
{
	struct devmem_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct bench_result r = { 0 };
	struct sender s = { 0 };
	struct bench b;

	bench_parse(&b, "tx", argc, argv);
	bench_bind_tx(&b);
	bench_listen(&b);
	bench_accept(&b);
	prepare(&s, &b);
	devmem_ring_stats(s.ring, &before);
	bench_begin(&b, &r);
	send_all(&s, &b);
	r.bytes = s.sent;
	bench_end(&r);
	devmem_ring_stats(s.ring, &after);
	if (after.bytes_sent_copied || after.bytes_sent != r.bytes)
		bench_die("%llu bytes were copied", (unsigned long long)after.bytes_sent_copied);
	bench_difference(&before, &after, &r);
	r.engine = r.tx_engine = devmem_binding_engine(b.tx, NULL);
	bench_result(&b, &r);
	for (unsigned int i = 0; i < b.connections; i++)
		shutdown(b.fd[i], SHUT_WR);
	devmem_ring_close(s.ring);
	bench_close(&b);
	free(s.sock);
	free(s.queued);
	return 0;
}
