// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sending.h"

/* ------------------------------------------------------------------------ the ordinary receiver */

static void *read_all(void *arg)
{
	/* as thread-local it would be cleared for every thread of the program */
	char buf[256 << 10];
	struct reader *r = arg;

	for (;;) {
		ssize_t n;

		while (r->pause && r->bytes >= r->pause_at)
			usleep(1000);
		n = recv(r->fd, buf, sizeof(buf), 0);
		if (n <= 0) {
			r->ended = n == 0;
			return NULL;
		}
		if (!pattern_matches(r->bytes, buf, (size_t)n))
			r->wrong = true;
		r->bytes += (uint64_t)n;
	}
}

/* ----------------------------------------------------------------------------------- the sender */

/* The engine that sends: zcrx only receives. */
static const char *tx_engine(void)
{
	return lab_copies() ? "copy" : "devmem";
}

struct devmem_ring *out_ring(void)
{
	struct devmem_ring *ring;

	ok(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts,
					.engine = lab_in("syscall") ? "syscall" : NULL),
			    &ring));
	return ring;
}

struct devmem_binding *out_bind(struct devmem_buffer *buffer, const char *engine)
{
	struct devmem_binding *binding;

	engine = engine ? engine : tx_engine();
	ok(devmem_bind_tx(NIC, buffer, DEVMEM_OPTS(devmem_bind_tx_opts, .engine = engine),
			  &binding));
	assert_string_equal(devmem_binding_engine(binding, NULL), engine);
	return binding;
}

struct out *out_open_with(struct devmem_buffer *buffer)
{
	struct out *o = calloc(1, sizeof(*o));

	/* as hardware does, the NIC reads the memory later than it is told to */
	if (lab_has_fault("wire_apart"))
		lab_fault("wire_apart", 1);
	o->listener = lab_listen(lab_in("lo") ? 0 : PORT + 1);
	o->port = lab_port(o->listener);
	o->buffer = buffer;
	o->memory = lab_view(o->buffer);
	o->binding = out_bind(o->buffer, NULL);
	o->ring = out_ring();
	o->most = SLOT;
	o->seed = 1;
	return o;
}

int out_open(void **state)
{
	lab_look_before(state);
	*state = out_open_with(lab_buffer(SLOTS * SLOT));
	return 0;
}

void out_connect(struct out *o, unsigned int i, const struct devmem_attach_opts *opts)
{
	struct flow *f = &o->flow[i];

	f->pair.far = lab_dial(o->port, i % 2);
	f->pair.near = accept4(o->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(f->pair.near >= 0);
	ok(devmem_attach(o->ring, f->pair.near, NULL, i, opts, &f->sock));
}

void out_read_from(struct reader *r)
{
	assert_int_equal(pthread_create(&r->thread, NULL, read_all, r), 0);
}

void out_read(struct flow *f)
{
	f->reader.fd = f->pair.far;
	out_read_from(&f->reader);
}

void out_start(struct out *o, unsigned int n, uint64_t bytes)
{
	o->n = n;
	for (unsigned int i = 0; i < n; i++) {
		out_connect(o, i, NULL);
		o->flow[i].bytes = bytes;
		out_read(&o->flow[i]);
	}
}

static uint32_t random_bytes(struct out *o)
{
	o->seed = o->seed * 1664525 + 1013904223;
	return 1 + (o->seed >> 8) % o->most;
}

static int free_slot(const struct out *o)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (!o->slot[i].used)
			return (int)i;
	return -1;
}

static void fill(unsigned char *to, uint64_t position, uint32_t bytes)
{
	while (bytes) {
		size_t n;
		const unsigned char *p = pattern_at(position, bytes, &n);

		memcpy(to, p, n);
		to += n;
		position += n;
		bytes -= (uint32_t)n;
	}
}

void out_fill(struct out *o, unsigned int at, uint64_t position, uint32_t bytes)
{
	ok(devmem_buffer_sync(o->buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_WRITE));
	fill(o->memory + (size_t)at * SLOT, position, bytes);
	ok(devmem_buffer_sync(o->buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_WRITE));
}

/* One send of up to three ranges; its cookie names the slot too. false: not now. */
static bool send_one(struct out *o, unsigned int i)
{
	struct flow *f = &o->flow[i];
	uint32_t bytes = random_bytes(o), third = bytes / 3;
	int at = free_slot(o), err;
	struct devmem_range range[3];
	unsigned int n = 0;

	if (f->refused || at < 0 || f->next_cookie - f->next_back >= SLOTS / o->n)
		return false;
	if (bytes > f->bytes - f->queued)
		bytes = (uint32_t)(f->bytes - f->queued);
	out_fill(o, (unsigned int)at, f->queued, bytes);
	for (uint32_t from = 0; from < bytes; n++) {
		uint32_t piece = third && n < 2 && third < bytes - from ? third : bytes - from;

		range[n] = (struct devmem_range){ (uint64_t)at * SLOT + from, piece };
		from += piece;
	}
	err = devmem_send(f->sock, o->binding, range, n, f->next_cookie << 16 | (unsigned int)at);
	if (err == -EAGAIN) { /* an answer, and no error: it leaves the message as it is */
		devmem_feature(NULL);
		assert_int_equal(devmem_send(f->sock, o->binding, range, n, 0), -EAGAIN);
		assert_string_equal(devmem_error(), "devmem_feature: no name");
		f->refused = true;
		return false;
	}
	lab_ok(err, "devmem_send", __FILE__, __LINE__);
	o->slot[at] = (struct slot){ true, bytes, i };
	f->queued += bytes;
	f->next_cookie++;
	return true;
}

void out_send(struct out *o)
{
	for (bool any = true; any;) {
		any = false;
		for (unsigned int i = 0; i < o->n; i++)
			if (o->flow[i].queued < o->flow[i].bytes && !o->flow[i].error &&
			    !o->flow[i].failed)
				any |= send_one(o, i);
	}
}

static void sent(struct out *o, struct flow *f, const struct devmem_event *ev)
{
	struct slot *s = &o->slot[ev->cookie & 0xffff];

	assert_int_equal(ev->cookie >> 16, f->next_back); /* exactly once, and in order */
	assert_true(s->used);
	if (ev->result >= 0)
		assert_int_equal(ev->result, s->bytes);
	assert_int_equal(ev->buffer, devmem_buffer_id(o->buffer));
	f->next_back++;
	f->back += s->bytes;
	f->copied += !!(ev->flags & DEVMEM_EVENT_F_COPIED);
	f->failed += ev->result < 0;
	f->first_error = f->first_error ? f->first_error : ev->result < 0 ? ev->result : 0;
	memset(o->memory + (ev->cookie & 0xffff) * SLOT, 0x5a, s->bytes);
	s->used = false;
}

static void take_event(struct out *o, const struct devmem_event *ev)
{
	struct flow *f = &o->flow[ev->user_data];

	switch (ev->type) {
	case DEVMEM_EVENT_SENT:
		sent(o, f, ev);
		break;
	case DEVMEM_EVENT_SENDABLE:
		assert_true(f->refused);
		f->refused = false;
		f->sendable++;
		break;
	case DEVMEM_EVENT_END:
		f->ended = true;
		break;
	case DEVMEM_EVENT_ERROR:
		f->error = ev->result;
		break;
	case DEVMEM_EVENT_MISPLACED:
		assert_int_equal(ev->result, -ENODEV);
		f->misplaced++;
		break;
	case DEVMEM_EVENT_LINK:
		break;
	default:
		fail_msg("an event of type %d", ev->type);
	}
}

/* One turn. Returns how many events there were. */
int out_turn(struct out *o, int timeout_ms)
{
	struct devmem_event ev[64];
	int n = ok(devmem_wait(o->ring, ev, 64, timeout_ms));

	for (int i = 0; i < n; i++)
		take_event(o, &ev[i]);
	return n;
}

bool out_all_back(const struct out *o)
{
	for (unsigned int i = 0; i < o->n; i++)
		if (o->flow[i].next_back < o->flow[i].next_cookie ||
		    (o->flow[i].queued < o->flow[i].bytes && !o->flow[i].failed &&
		     !o->flow[i].error))
			return false;
	return true;
}

/* Sends until all is back. */
void out_pump(struct out *o)
{
	for (int silent = 0; out_send(o), !out_all_back(o);) {
		silent = out_turn(o, 1000) ? 0 : silent + 1;
		if (silent == 30)
			fail_msg("no event for 30 seconds");
	}
}

void out_join(struct flow *f)
{
	shutdown(f->pair.near, SHUT_WR);
	f->reader.pause = false;
	pthread_join(f->reader.thread, NULL);
	assert_false(f->reader.wrong);
}

void out_close_flow(struct flow *f)
{
	devmem_detach(f->sock);
	close(f->pair.near);
	close(f->pair.far);
}

/* Everything was sent and arrived as it should. */
void out_finish(struct out *o)
{
	for (unsigned int i = 0; i < o->n; i++) {
		struct flow *f = &o->flow[i];

		out_join(f);
		assert_true(f->reader.ended);
		assert_int_equal(f->reader.bytes, f->bytes);
		assert_int_equal(f->back, f->bytes);
		assert_int_equal(f->failed, 0);
		out_close_flow(f);
	}
}

void out_end(struct out *o)
{
	far_faults_off();
	if (lab_has_fault("wire_apart"))
		lab_fault("wire_apart", 0);
	devmem_ring_close(o->ring);
	devmem_binding_close(o->binding);
	lab_unview(o->buffer, o->memory);
	devmem_buffer_close(o->buffer);
	close(o->listener);
	free(o);
}

int out_close(void **state)
{
	out_end(*state);
	return lab_look_after(state);
}

/* Does the NIC send without a copy, and do the counters say so? */
void out_expect(struct out *o, uint64_t bytes)
{
	struct devmem_stats st = lab_stats(o->ring);

	assert_int_equal(st.bytes_sent + st.bytes_sent_copied, bytes);
	assert_int_equal(lab_copies() ? st.bytes_sent : st.bytes_sent_copied, 0);
	assert_int_equal(st.sends_outstanding, 0);
	assert_true(st.send_operations > 0);
	assert_true(lab_copies() ? !st.send_notices : st.send_notices > 0);
}
