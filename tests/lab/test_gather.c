// SPDX-License-Identifier: MIT
/*
 * Fragments gathered into one piece: by the processor, and by a device, which here is a fake:
 * memory that the processor cannot map, and a gather that a thread of its own ends when the test
 * lets it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devmem/backend.h"
#include "lab.h"

#define MIB (1u << 20)

/* -------------------------------------------------------------------------------- a fake device */

static sem_t fake_may_end; /* a gather */
static atomic_int fake_result, fake_refusal, fake_refuses_in;
static atomic_uint fake_begun, fake_ended, fake_freed;

struct fake_job {
	pthread_t thread;
	struct devmem_memory *to, *from;
	uint64_t offset;
	void (*done)(void *arg, int result);
	void *arg;
	unsigned int n;
	struct devmem_range range[];
};

static int fake_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		      struct devmem_memory *mem)
{
	(void)opts;
	mem->fd = memfd_create("fake", MFD_CLOEXEC);
	mem->priv = malloc(bytes);
	return mem->fd >= 0 && mem->priv ? 0 : -ENOMEM;
}

static void fake_free(struct devmem_memory *mem)
{
	fake_freed++;
	free(mem->priv);
}

static int fake_copy_in(struct devmem_memory *mem, uint64_t offset, const void *from, size_t bytes)
{
	if (fake_refuses_in)
		return devmem_backend_fail(EIO, "the fake refuses");
	memcpy((char *)mem->priv + offset, from, bytes);
	return 0;
}

static int fake_copy_out(struct devmem_memory *mem, uint64_t offset, void *to, size_t bytes)
{
	memcpy(to, (char *)mem->priv + offset, bytes);
	return 0;
}

static void *fake_work(void *arg)
{
	struct fake_job *job = arg;
	uint64_t at = job->offset;

	while (sem_wait(&fake_may_end))
		;
	for (unsigned int i = 0; i < job->n; i++) {
		job->from->backend->copy_out(job->from, job->range[i].offset,
					     (char *)job->to->priv + at, job->range[i].length);
		at += job->range[i].length;
	}
	fake_ended++;
	job->done(job->arg, fake_result);
	free(job);
	return NULL;
}

static int fake_gather(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
		       const struct devmem_range *ranges, unsigned int n,
		       void (*done)(void *arg, int result), void *arg)
{
	struct fake_job *job = malloc(sizeof(*job) + n * sizeof(*ranges));
	pthread_t thread;

	if (fake_refusal || !job) {
		free(job);
		return devmem_backend_fail(fake_refusal, "the fake does not begin");
	}
	*job = (struct fake_job){
		.to = to, .from = from, .offset = offset, .done = done, .arg = arg, .n = n
	};
	memcpy(job->range, ranges, n * sizeof(*ranges));
	fake_begun++;
	assert_int_equal(pthread_create(&thread, NULL, fake_work, job), 0);
	pthread_detach(thread);
	return 0;
}

static const struct devmem_backend fake = {
	.size = sizeof(struct devmem_backend),
	.name = "fake",
	.alloc = fake_alloc,
	.free = fake_free,
	.copy_in = fake_copy_in,
	.copy_out = fake_copy_out,
	.gather = fake_gather,
};

static struct devmem_buffer *fake_buffer(void)
{
	struct devmem_buffer *b;

	sem_init(&fake_may_end, 0, 0);
	fake_result = fake_refusal = fake_refuses_in = 0;
	fake_begun = fake_ended = fake_freed = 0;
	ok(devmem_buffer_create("fake", 8 * MIB, NULL, &b));
	return b;
}

static void let_end(unsigned int gathers)
{
	while (gathers--)
		sem_post(&fake_may_end);
}

/* ------------------------------------------------------------------------- what comes, gathered */

struct gathering {
	struct lab lab;
	struct devmem_ring *ring;
	struct devmem_buffer *to;
	struct lab_pair pair;
	struct devmem_sock *sock;
	struct lab_sender *sender;
	uint64_t at;	       /* bytes that were gathered, or are being */
	uint64_t begun, ended; /* gathers: they are their cookies */
	bool end;
};

/* @bound: false: a socket without a binding, whose bytes are told by their address. */
static void open_gathering_of(struct gathering *g, struct devmem_buffer *to, uint64_t bytes,
			      const struct devmem_attach_opts *opts, bool bound)
{
	memset(g, 0, sizeof(*g));
	lab_open(&g->lab, 16 * MIB, 1);
	g->ring = lab_ring(NULL);
	g->to = to;
	g->pair = lab_connect(&g->lab, false);
	ok(devmem_attach(g->ring, g->pair.near, bound ? g->lab.binding : NULL, 7, opts, &g->sock));
	g->sender = lab_send(g->pair.far, bytes, 0, true);
}

static void open_gathering(struct gathering *g, struct devmem_buffer *to, uint64_t bytes,
			   const struct devmem_attach_opts *opts)
{
	open_gathering_of(g, to, bytes, opts, true);
}

static void close_gathering(struct gathering *g)
{
	struct devmem_stats st;

	devmem_detach(g->sock);
	close(g->pair.near);
	lab_settle(g->ring);
	st = lab_stats(g->ring);
	assert_int_equal(st.gathers_outstanding, 0);
	assert_true(lab_sent(g->sender));
	close(g->pair.far);
	devmem_ring_close(g->ring);
	lab_close(&g->lab);
	devmem_buffer_close(g->to);
}

static void note(struct gathering *g, const struct devmem_event *ev, int result)
{
	if (ev->type == DEVMEM_EVENT_ERROR)
		fail_msg("the connection broke: %d", ev->result);
	if (ev->type == DEVMEM_EVENT_END)
		g->end = true;
	if (ev->type != DEVMEM_EVENT_GATHERED)
		return;
	assert_int_equal(ev->cookie, ++g->ended);
	assert_int_equal(ev->result < 0 ? ev->result : 0, result);
	assert_int_equal(ev->buffer, devmem_buffer_id(g->to));
}

static bool is_bytes(const struct devmem_event *ev)
{
	return ev->type == DEVMEM_EVENT_DATA || ev->type == DEVMEM_EVENT_HOST;
}

/* One wait, and what it brought is gathered. Returns how many bytes that is. */
static uint64_t gather_once(struct gathering *g, int timeout_ms, int result)
{
	struct devmem_event ev[64];
	int n = ok(devmem_wait(g->ring, ev, 64, timeout_ms));
	uint64_t bytes = 0;

	for (int i = 0; i < n; i++) {
		note(g, &ev[i], result);
		bytes += is_bytes(&ev[i]) ? ev[i].length : 0;
	}
	if (!bytes)
		return 0;
	ok(devmem_gather(g->ring, ev, (unsigned int)n, g->to, g->at, ++g->begun));
	g->at += bytes;
	return bytes;
}

static void check_gathered(const struct gathering *g, uint64_t bytes)
{
	static unsigned char copy[MIB];

	assert_int_equal(g->at, bytes);
	for (uint64_t at = 0; at < bytes; at += sizeof(copy)) {
		size_t some = bytes - at < sizeof(copy) ? (size_t)(bytes - at) : sizeof(copy);

		ok(devmem_buffer_read(g->to, at, copy, some));
		assert_true(pattern_matches(at, copy, some));
	}
}

static void finish(struct gathering *g, uint64_t bytes)
{
	struct devmem_stats st;

	while (!g->end || g->ended < g->begun)
		gather_once(g, 5000, 0);
	check_gathered(g, bytes);
	st = lab_stats(g->ring);
	assert_int_equal(st.bytes_gathered, bytes);
	assert_int_equal(st.gathers, g->begun);
	assert_int_equal(st.bytes_device + st.bytes_plain + st.bytes_linear, bytes);
	close_gathering(g);
}

/* 24 MiB through 16 MiB of memory: what was gathered was released. */
static void a_stream_is_gathered_into_one_piece(void **state)
{
	struct gathering g;

	(void)state;
	open_gathering(&g, lab_buffer(24 * MIB), 24 * MIB - 4321, NULL);
	finish(&g, 24 * MIB - 4321);
}

static void into_memory_that_only_its_backend_can_write(void **state)
{
	struct gathering g;

	(void)state;
	open_gathering(&g, fake_buffer(), 8 * MIB, NULL);
	fake_refusal = EOPNOTSUPP; /* it can copy, and not gather */
	finish(&g, 8 * MIB);
	assert_int_equal(fake_begun, 0);
}

static void by_a_device_that_takes_its_time(void **state)
{
	struct gathering g;

	(void)state;
	open_gathering(&g, fake_buffer(), 8 * MIB, NULL);
	let_end(100000);
	finish(&g, 8 * MIB);
	assert_true(fake_begun > 0);
}

/* Unsplit packets lie in host memory, or in the spill buffer: those are sources of their own, in
 * between. */
static void host_bytes_between(const struct devmem_attach_opts *opts)
{
	struct devmem_stats st;
	struct gathering g;

	open_gathering(&g, fake_buffer(), 8 * MIB, opts);
	let_end(100000);
	lab_fault("nosplit_every", 5);
	while (!g.end || g.ended < g.begun)
		gather_once(&g, 5000, 0);
	lab_fault("nosplit_every", 0);
	check_gathered(&g, 8 * MIB);
	st = lab_stats(g.ring);
	assert_true(st.bytes_linear + st.bytes_plain > 0);
	assert_int_equal(st.bytes_placed, opts ? st.bytes_linear + st.bytes_plain : 0);
	close_gathering(&g);
}

static void with_host_bytes_in_between(void **state)
{
	(void)state;
	lab_cannot_copy("all its bytes are in the buffer");
	host_bytes_between(NULL);
}

static void with_placed_bytes_in_between(void **state)
{
	(void)state;
	lab_cannot_copy("all its bytes are in the buffer");
	host_bytes_between(DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE));
}

/* They are the ring's, and not their socket's: it may be gone. What lies in the binding's buffer
 * keeps it, and goes back before. */
static void host_bytes_outlive_their_socket(const struct devmem_attach_opts *opts)
{
	struct devmem_event ev[64], ours[64];
	struct gathering g;
	unsigned int n = 0;
	uint64_t bytes = 0;

	lab_fault("nosplit_every", 2);
	open_gathering(&g, lab_buffer(MIB), 20000, opts);
	while (!g.end) {
		int got = ok(devmem_wait(g.ring, ev, 64, 5000));

		for (int i = 0; i < got; i++) {
			note(&g, &ev[i], 0);
			if (!is_bytes(&ev[i]) || (ev[i].type == DEVMEM_EVENT_DATA &&
						  ev[i].buffer == devmem_buffer_id(g.lab.buffer))) {
				ok(devmem_release(g.ring, &ev[i], 1));
				continue;
			}
			bytes += ev[i].length;
			ours[n++] = ev[i];
		}
	}
	lab_fault("nosplit_every", 0);
	assert_true(n > 0);
	devmem_detach(g.sock);
	g.sock = NULL;
	lab_settle(g.ring);
	ok(devmem_gather(g.ring, ours, n, g.to, 0, ++g.begun));
	while (g.ended < g.begun)
		gather_once(&g, 5000, 0);
	assert_int_equal(lab_stats(g.ring).bytes_gathered, bytes);
	close_gathering(&g);
}

static void host_bytes_of_a_socket_that_is_gone(void **state)
{
	(void)state;
	lab_cannot_copy("all its bytes are in the buffer");
	host_bytes_outlive_their_socket(NULL);
	host_bytes_outlive_their_socket(
		DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE));
}

static void of_a_socket_without_a_binding(void **state)
{
	struct gathering g;

	(void)state;
	if (!lab_in("lo"))
		lab_name_case(__func__, "the rule leads its packets into device memory");
	open_gathering_of(&g, fake_buffer(), 8 * MIB, NULL, false);
	finish(&g, 8 * MIB);
	assert_int_equal(fake_begun, 0);
}

/* ------------------------------------------------------------------------------------- messages */

#define MESSAGE 10007u /* bytes */
#define APART	16384u /* where they go */

struct messages {
	struct gathering g;
	struct devmem_event part[256]; /* of the message that is not complete */
	unsigned int n;
	uint32_t bytes; /* that it has */
};

static void end_message(struct messages *m)
{
	ok(devmem_gather(m->g.ring, m->part, m->n, m->g.to, m->g.begun * APART, m->g.begun + 1));
	m->g.begun++;
	m->n = m->bytes = 0;
}

static void add_fragment(struct messages *m, struct devmem_event ev)
{
	struct devmem_event rest;

	while (m->bytes + ev.length > MESSAGE) {
		ok(devmem_event_split(&ev, MESSAGE - m->bytes, &rest));
		assert_int_equal(ev.flags, DEVMEM_EVENT_F_PART);
		m->part[m->n++] = ev;
		end_message(m);
		ev = rest;
	}
	assert_in_range(m->n, 0, 254);
	m->part[m->n++] = ev;
	m->bytes += ev.length;
	if (m->bytes == MESSAGE)
		end_message(m);
}

static void check_message(const struct messages *m, uint64_t i)
{
	unsigned char copy[MESSAGE];

	ok(devmem_buffer_read(m->g.to, i * APART, copy, MESSAGE));
	assert_true(pattern_matches(i * MESSAGE, copy, MESSAGE));
}

/* ... which end in the middle of fragments: of those each message has a part, and the last one
 * releases them. */
static void messages_of_their_own(struct devmem_buffer *to, uint64_t messages,
				  unsigned long nosplit)
{
	struct messages m = { .n = 0 };
	struct devmem_event ev[16];

	open_gathering(&m.g, to, messages * MESSAGE, NULL);
	if (nosplit)
		lab_fault("nosplit_every", nosplit);
	while (!m.g.end || m.g.ended < messages) {
		int n = ok(devmem_wait(m.g.ring, ev, 16, 5000));

		for (int i = 0; i < n; i++) {
			if (ev[i].type == DEVMEM_EVENT_DATA || ev[i].type == DEVMEM_EVENT_HOST)
				add_fragment(&m, ev[i]);
			note(&m.g, &ev[i], 0);
		}
	}
	if (nosplit)
		lab_fault("nosplit_every", 0);
	for (uint64_t i = 0; i < messages; i++)
		check_message(&m, i);
	close_gathering(&m.g);
}

static void messages_that_end_within_fragments(void **state)
{
	(void)state;
	messages_of_their_own(lab_buffer(8 * MIB), 512, 0);
}

static void and_on_a_device(void **state)
{
	struct devmem_buffer *to = fake_buffer();

	(void)state;
	let_end(100000);
	messages_of_their_own(to, 512, 0);
}

static void and_partly_in_host_memory(void **state)
{
	struct devmem_buffer *to;

	(void)state;
	lab_cannot_copy("all its bytes are in the buffer");
	to = fake_buffer();
	let_end(100000);
	messages_of_their_own(to, 512, 3);
}

/* ------------------------------------------------------------------------------ when it is over */

/* Receives until there is something, and begins to gather it. */
static void gather_something(struct gathering *g)
{
	while (!gather_once(g, 5000, 0))
		;
}

static void *end_soon(void *arg)
{
	(void)arg;
	usleep(20000);
	let_end(100000);
	return NULL;
}

static void a_sleeping_ring_is_woken(void **state)
{
	struct gathering g;
	pthread_t thread;

	(void)state;
	open_gathering(&g, fake_buffer(), 1000, NULL);
	while (!g.end || g.at < 1000)
		gather_once(&g, 5000, 0);
	assert_int_equal(g.ended, 0);
	assert_true(lab_stats(g.ring).tokens_outstanding > 0);
	assert_int_equal(lab_stats(g.ring).gathers_outstanding, g.begun);
	assert_int_equal(pthread_create(&thread, NULL, end_soon, NULL), 0);
	while (g.ended < g.begun)
		gather_once(&g, -1, 0); /* for ever, if nobody wakes it */
	pthread_join(thread, NULL);
	finish(&g, 1000);
}

static void who_sleeps_on_the_descriptor_is_woken(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct devmem_event ev[8];
	struct gathering g;
	pthread_t thread;
	int n;

	(void)state;
	open_gathering(&g, fake_buffer(), 1000, NULL);
	while (!g.end || g.at < 1000)
		gather_once(&g, 5000, 0);
	p.fd = ok(devmem_ring_fd(g.ring));
	assert_int_equal(pthread_create(&thread, NULL, end_soon, NULL), 0);
	while (g.ended < g.begun) {
		while ((n = ok(devmem_wait(g.ring, ev, 8, 0))))
			for (int i = 0; i < n; i++)
				note(&g, &ev[i], 0);
		if (g.ended < g.begun)
			assert_int_equal(poll(&p, 1, 10000), 1);
	}
	pthread_join(thread, NULL);
	finish(&g, 1000);
}

/*
 * The ring's thread takes what is over while the device's thread still is in done(), and a longer
 * list than the one before has it free that one: ThreadSanitizer sees who reads it too late.
 */
static void a_gather_that_is_over_is_the_ring_s_at_once(void **state)
{
	struct devmem_event ev[8], part[48], rest = { 0 }, whole;
	struct gathering g;

	(void)state;
	open_gathering(&g, fake_buffer(), 1000, NULL);
	let_end(100000);
	while (!rest.length) {
		int n = ok(devmem_wait(g.ring, ev, 8, 5000));

		for (int i = 0; i < n; i++) {
			note(&g, &ev[i], 0);
			if (ev[i].type == DEVMEM_EVENT_DATA && ev[i].length > 48 && !rest.length)
				rest = ev[i];
			else
				ok(devmem_release(g.ring, &ev[i], 1));
		}
	}
	for (unsigned int i = 0; i < 48; i++) {
		whole = rest;
		ok(devmem_event_split(&whole, 1, &rest));
		part[i] = whole;
		ok(devmem_gather(g.ring, part, i + 1, g.to, 0, ++g.begun));
		while (g.ended < g.begun) {
			int n = ok(devmem_wait(g.ring, ev, 8, 0));

			for (int k = 0; k < n; k++)
				note(&g, &ev[k], 0);
			ok(devmem_release(g.ring, ev, (unsigned int)n));
		}
	}
	ok(devmem_release(g.ring, &rest, 1));
	close_gathering(&g);
}

static void a_socket_is_detached_meanwhile(void **state)
{
	struct gathering g;

	(void)state;
	open_gathering(&g, fake_buffer(), 1000, NULL);
	while (!g.end || g.at < 1000)
		gather_once(&g, 5000, 0);
	devmem_detach(g.sock);
	g.sock = NULL;
	let_end(100000);
	while (g.ended < g.begun)
		gather_once(&g, 5000, 0);
	check_gathered(&g, 1000);
	close_gathering(&g);
}

/* A device may take its time to free memory: that is not done on the way of the data, though nobody
 * else has it any more. */
static void memory_is_not_freed_in_a_wait(void **state)
{
	struct devmem_binding *tx;
	struct devmem_buffer *from;
	struct devmem_event ev;
	bool sent = false;
	struct gathering g;
	uint16_t id;

	(void)state;
	open_gathering(&g, fake_buffer(), 1000, NULL);
	while (!g.end || g.at < 1000)
		gather_once(&g, 5000, 0);
	id = devmem_buffer_id(g.to);
	ok(devmem_buffer_create("fake", MIB, NULL, &from));
	ok(devmem_bind_tx(NULL, from, NULL, &tx));
	ok(devmem_send(g.sock, tx, &(struct devmem_range){ 0, 1000 }, 1, 1));
	devmem_binding_close(tx);
	devmem_buffer_close(from);
	devmem_buffer_close(g.to);
	let_end(100000);
	while (g.ended < g.begun || !sent) {
		assert_int_equal(devmem_wait(g.ring, &ev, 1, 5000), 1);
		if (ev.type == DEVMEM_EVENT_GATHERED)
			assert_int_equal(ev.buffer, id);
		g.ended += ev.type == DEVMEM_EVENT_GATHERED;
		sent |= ev.type == DEVMEM_EVENT_SENT;
	}
	assert_int_equal(fake_freed, 0);
	devmem_detach(g.sock);
	assert_int_equal(fake_freed, 2);
	devmem_ring_close(g.ring);
	lab_sent(g.sender);
	close(g.pair.near);
	close(g.pair.far);
	lab_close(&g.lab);
}

/* Nothing may be copied from or to memory that is gone. */
static void a_closed_ring_waits_for_the_device(void **state)
{
	struct gathering g;
	pthread_t thread;

	(void)state;
	open_gathering(&g, fake_buffer(), 100000, NULL);
	gather_something(&g);
	assert_int_equal(pthread_create(&thread, NULL, end_soon, NULL), 0);
	devmem_detach(g.sock);
	devmem_ring_close(g.ring);
	assert_int_equal(fake_ended, fake_begun);
	pthread_join(thread, NULL);
	lab_reset(g.pair.far);
	lab_sent(g.sender);
	close(g.pair.near);
	close(g.pair.far);
	lab_close(&g.lab);
	devmem_buffer_close(g.to);
}

/* ------------------------------------------------------------------------------------- failures */

static void a_device_that_fails_is_told_of_and_nothing_is_kept(void **state)
{
	struct gathering g;

	(void)state;
	open_gathering(&g, fake_buffer(), 50000, NULL);
	fake_result = -EIO;
	let_end(100000);
	while (!g.end || g.ended < g.begun)
		gather_once(&g, 5000, -EIO);
	assert_int_equal(lab_stats(g.ring).bytes_gathered, 0);
	close_gathering(&g);
}

static void what_cannot_begin_leaves_the_fragments_to_the_caller(void **state)
{
	struct devmem_event ev[64];
	struct gathering g;
	int n = 0;

	(void)state;
	open_gathering(&g, fake_buffer(), 1000, NULL);
	while (!n || ev[0].type != DEVMEM_EVENT_DATA)
		n = ok(devmem_wait(g.ring, ev, 64, 5000));
	fake_refusal = EIO;
	assert_int_equal(devmem_gather(g.ring, ev, (unsigned int)n, g.to, 0, 1), -EIO);
	assert_non_null(strstr(devmem_error(), "does not begin"));
	fake_refusal = EOPNOTSUPP;
	fake_refuses_in = 1;
	assert_int_equal(devmem_gather(g.ring, ev, (unsigned int)n, g.to, 0, 1), -EIO);
	assert_int_equal(lab_stats(g.ring).gathers, 0);
	fake_refusal = fake_refuses_in = 0;
	let_end(100000);
	for (int i = 0; i < n; i++) {
		note(&g, &ev[i], 0);
		g.at += ev[i].type == DEVMEM_EVENT_DATA ? ev[i].length : 0;
	}
	ok(devmem_gather(g.ring, ev, (unsigned int)n, g.to, 0, ++g.begun));
	finish(&g, 1000);
}

static void bad_requests_change_nothing(void **state)
{
	struct devmem_event ev[64], bad, large[2];
	struct gathering g;
	int n = 0;

	(void)state;
	open_gathering(&g, lab_buffer(MIB), 1000, NULL);
	while (!n || ev[0].type != DEVMEM_EVENT_DATA)
		n = ok(devmem_wait(g.ring, ev, 64, 5000));
	assert_int_equal(devmem_gather(NULL, ev, 1, g.to, 0, 1), -EINVAL);
	assert_int_equal(devmem_gather(g.ring, ev, 1, NULL, 0, 1), -EINVAL);
	assert_int_equal(devmem_gather(g.ring, NULL, 1, g.to, 0, 1), -EINVAL);
	assert_int_equal(devmem_gather(g.ring, ev, 1, g.to, MIB, 1), -ERANGE);
	assert_int_equal(devmem_gather(g.ring, ev, 1, g.to, UINT64_MAX, 1), -ERANGE);
	assert_int_equal(devmem_gather(g.ring, ev, 1, g.lab.buffer, ev[0].offset, 1), -EINVAL);
	assert_non_null(strstr(devmem_error(), "overlaps"));
	bad = ev[0];
	bad.sock = 60000;
	assert_int_equal(devmem_gather(g.ring, &bad, 1, g.to, 0, 1), -EINVAL);
	bad = ev[0];
	bad.buffer = 0;
	assert_int_equal(devmem_gather(g.ring, &bad, 1, g.to, 0, 1), -EINVAL);
	assert_non_null(strstr(devmem_error(), "another binding"));
	bad = ev[0];
	bad.offset = 16 * MIB - 1;
	bad.length = 2;
	assert_int_equal(devmem_gather(g.ring, &bad, 1, g.to, 0, 1), -EINVAL);
	large[0] = large[1] = ev[0];
	large[0].length = large[1].length = UINT32_MAX;
	assert_int_equal(devmem_gather(g.ring, large, 2, g.to, 0, 1), -EMSGSIZE);
	assert_int_equal(lab_stats(g.ring).gathers, 0);
	for (int i = 0; i < n; i++) {
		note(&g, &ev[i], 0);
		g.at += ev[i].type == DEVMEM_EVENT_DATA ? ev[i].length : 0;
	}
	ok(devmem_gather(g.ring, ev, (unsigned int)n, g.to, 0, ++g.begun));
	finish(&g, 1000);
}

static void nothing_is_gathered_too(void **state)
{
	struct devmem_event ev = { .type = DEVMEM_EVENT_WOKEN };
	struct gathering g;

	(void)state;
	open_gathering(&g, lab_buffer(MIB), 0, NULL);
	ok(devmem_gather(g.ring, NULL, 0, g.to, 0, ++g.begun));
	ok(devmem_gather(g.ring, &ev, 1, g.to, MIB, ++g.begun));
	finish(&g, 0);
}

static void a_fragment_that_was_released_before_is_noticed(void **state)
{
	struct devmem_event ev[64];
	struct gathering g;
	int n = 0;

	(void)state;
	open_gathering(&g, lab_buffer(MIB), 1000, NULL);
	while (!n || ev[0].type != DEVMEM_EVENT_DATA)
		n = ok(devmem_wait(g.ring, ev, 64, 5000));
	for (int i = 0; i < n; i++)
		note(&g, &ev[i], 0);
	ok(devmem_release(g.ring, ev, (unsigned int)n));
	ok(devmem_gather(g.ring, ev, 1, g.to, 0, ++g.begun));
	while (g.ended < g.begun)
		gather_once(&g, 5000, -EINVAL);
	while (!g.end)
		gather_once(&g, 5000, 0);
	close_gathering(&g);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_stream_is_gathered_into_one_piece),
		LAB_TEST(into_memory_that_only_its_backend_can_write),
		LAB_TEST(by_a_device_that_takes_its_time),
		LAB_TEST(with_host_bytes_in_between),
		LAB_TEST(with_placed_bytes_in_between),
		LAB_TEST(host_bytes_of_a_socket_that_is_gone),
		LAB_TEST(of_a_socket_without_a_binding),
		LAB_TEST(messages_that_end_within_fragments),
		LAB_TEST(and_on_a_device),
		LAB_TEST(and_partly_in_host_memory),
		LAB_TEST(a_sleeping_ring_is_woken),
		LAB_TEST(who_sleeps_on_the_descriptor_is_woken),
		LAB_TEST(a_gather_that_is_over_is_the_ring_s_at_once),
		LAB_TEST(a_socket_is_detached_meanwhile),
		LAB_TEST(memory_is_not_freed_in_a_wait),
		LAB_TEST(a_closed_ring_waits_for_the_device),
		LAB_TEST(a_device_that_fails_is_told_of_and_nothing_is_kept),
		LAB_TEST(what_cannot_begin_leaves_the_fragments_to_the_caller),
		LAB_TEST(bad_requests_change_nothing),
		LAB_TEST(nothing_is_gathered_too),
		LAB_TEST(a_fragment_that_was_released_before_is_noticed),
	};

	lab_begin(argc, argv);
	ok(devmem_backend_register(&fake));
	return lab_run("gather", tests, NULL, NULL);
}
