// SPDX-License-Identifier: MIT
/* Echoes what it receives: each fragment is sent from where the NIC wrote it, and released when the
 * send is complete. The processor never touches a byte. echo_copy.c does the same by copying. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setup.h"

#define EVENTS 256
#define PAGE   4096u /* a fragment has at least one */

struct echo {
	struct devmem_ring *ring;
	struct devmem_sock **sock; /* one per connection */
	struct devmem_event *held; /* by cookie: the fragments being sent */
	uint32_t *free;		   /* unused cookies: the first @free_n of these */
	uint32_t free_n, most;
	unsigned int open;
	uint64_t bytes;
};

static void prepare(struct echo *e, const struct bench *b)
{
	uint32_t most = (uint32_t)(devmem_buffer_size(b->buffer) / PAGE);

	e->open = b->connections;
	e->most = most;
	e->sock = calloc(b->connections, sizeof(e->sock[0]));
	e->held = calloc(most, sizeof(*e->held));
	e->free = calloc(most, sizeof(*e->free));
	if (!e->sock || !e->held || !e->free)
		bench_die("no memory");
	while (e->free_n < most) {
		e->free[e->free_n] = most - 1 - e->free_n;
		e->free_n++;
	}
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = b->engine), &e->ring))
		bench_die("%s", devmem_error());
	/* as many sends as there can be fragments, so that devmem_send() never returns -EAGAIN */
	for (unsigned int i = 0; i < b->connections; i++)
		if (devmem_attach(e->ring, b->fd[i], b->binding, i,
				  DEVMEM_OPTS(devmem_attach_opts, .lowat = b->lowat,
					      .max_sends = most),
				  &e->sock[i]))
			bench_die("%s", devmem_error());
}

static void send_back(struct echo *e, const struct bench *b, const struct devmem_event *ev)
{
	const struct devmem_range range = { ev->offset, ev->length };
	uint32_t cookie;

	if (!e->free_n)
		bench_die("more is out than the buffer has");
	cookie = e->free[--e->free_n];
	e->held[cookie] = *ev;
	if (devmem_send(e->sock[ev->user_data], b->tx, &range, 1, cookie))
		bench_die("%s", devmem_error());
}

static void sent(struct echo *e, const struct devmem_event *ev)
{
	if (ev->result < 0 || ev->flags & DEVMEM_EVENT_F_COPIED)
		bench_die("a send %s", ev->result < 0 ? strerror(-ev->result) : "was copied");
	e->bytes += (uint32_t)ev->result;
	e->free[e->free_n++] = (uint32_t)ev->cookie;
}

/* Handles events. Puts fragments that may be released into @back and returns their number. */
static unsigned int take(struct echo *e, const struct bench *b, const struct devmem_event *ev,
			 int n, struct devmem_event *back)
{
	unsigned int over = 0;

	for (int i = 0; i < n; i++) {
		switch (ev[i].type) {
		case DEVMEM_EVENT_DATA:
			send_back(e, b, &ev[i]);
			break;
		case DEVMEM_EVENT_SENT:
			back[over++] = e->held[ev[i].cookie];
			sent(e, &ev[i]);
			break;
		case DEVMEM_EVENT_END: /* the client has received everything by then */
			e->open--;
			break;
		case DEVMEM_EVENT_HOST:
			bench_die("bytes came to host memory");
		case DEVMEM_EVENT_ERROR:
			bench_die("a connection broke: %s", strerror(-ev[i].result));
		}
	}
	return over;
}

static void echo(struct echo *e, const struct bench *b)
{
	struct devmem_event ev[EVENTS], back[EVENTS];

	while (e->open || e->free_n < e->most) {
		int n = devmem_wait(e->ring, ev, EVENTS, -1);
		unsigned int over;

		if (n == -EINTR)
			continue;
		if (n < 0)
			bench_die("%s", devmem_error());
		over = take(e, b, ev, n, back);
		if (over && devmem_release(e->ring, back, over))
			bench_die("%s", devmem_error());
	}
}

/* Checks that what was meant to be measured was measured. */
static void check(const struct bench_result *r, const struct devmem_stats *now)
{
	if (now->bytes_sent_copied || now->bytes_sent != r->bytes || now->sends_outstanding)
		bench_die("%llu bytes were sent from device memory, %llu copied, of %llu",
			  (unsigned long long)now->bytes_sent,
			  (unsigned long long)now->bytes_sent_copied, (unsigned long long)r->bytes);
	if (now->bytes_device < r->bytes / 100 * 99)
		bench_die("%llu bytes came into device memory, of %llu",
			  (unsigned long long)now->bytes_device, (unsigned long long)r->bytes);
}

int main(int argc, char **argv)
{
	struct devmem_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct bench_result r = { 0 };
	struct echo e = { 0 };
	struct bench b;

	bench_parse(&b, "echo", argc, argv);
	bench_bind(&b);
	bench_bind_tx(&b);
	bench_listen(&b);
	bench_accept(&b);
	prepare(&e, &b);
	devmem_ring_stats(e.ring, &before);
	bench_begin(&b, &r);
	echo(&e, &b);
	r.bytes = e.bytes;
	bench_end(&r);
	devmem_ring_stats(e.ring, &after);
	check(&r, &after);
	bench_difference(&before, &after, &r);
	r.engine = after.engine;
	r.tx_engine = devmem_binding_engine(b.tx, NULL);
	r.page_size = devmem_binding_page_size(b.binding, NULL);
	bench_result(&b, &r);
	devmem_ring_close(e.ring);
	bench_close(&b);
	free(e.sock);
	free(e.held);
	free(e.free);
	return 0;
}
