// SPDX-License-Identifier: MIT
/*
 * A forked child has a copy of every object and the parent's descriptors. What it calls fails
 * before it touches anything, what it closes is its copy, and the parent goes on: every byte comes
 * once, every send goes out once, the NIC is as it was.
 */
#include <errno.h>
#include <glob.h>
#include <netinet/in.h>
#include <pthread.h>
#include <regex.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devmem/backend.h"
#include "lab.h"

#define MIB   (1u << 20)
#define PART  20000u /* bytes that come, before the fork and after it */
#define SENT  30000u /* bytes that are sent */
#define SENDS 16u    /* more sends, of a MiB: the connection does not take them all at once */

/* All kinds of objects, in use. */
struct world {
	struct lab lab;
	/* what is sent lies here; what is gathered goes behind it */
	struct devmem_buffer *other;
	struct devmem_buffer *later; /* gathers into it are over when later_is_now() says so */
	struct devmem_binding *tx;
	struct devmem_ring *ring;
	struct lab_stream stream;
	struct lab_pair pair;
	struct devmem_event held[64]; /* fragments that are out at the fork */
	unsigned int n;
	int quiet;		     /* a descriptor that is watched */
	unsigned int sends, gathers; /* that were told of */
	/* what is expected in the end */
	unsigned int want_sends, want_gathers;
	uint64_t want_bytes; /* at the far end */
	bool told;	     /* ... and END was */
};

/* ------------------------------------------------------------------------ every public function */

static struct devmem_event scratch[64];
static unsigned char bytes[PART];

static int call_wait(struct world *w)
{
	return devmem_wait(w->ring, scratch, 64, 0);
}

static int call_flush(struct world *w)
{
	return devmem_flush(w->ring);
}

static int call_release(struct world *w)
{
	return devmem_release(w->ring, w->held, w->n);
}

static int call_event_read(struct world *w)
{
	char byte;

	return devmem_event_read(w->ring, w->held, 0, &byte, 1);
}

static int call_events_read(struct world *w)
{
	char byte;

	return devmem_events_read(w->ring, w->held, w->n, 0, &byte, 1);
}

static int call_gather(struct world *w)
{
	return devmem_gather(w->ring, w->held, w->n, w->other, MIB, 1);
}

static int call_send(struct world *w)
{
	return devmem_send(w->stream.sock, w->tx, &(struct devmem_range){ 0, 100 }, 1, 99);
}

static int call_attach(struct world *w)
{
	struct devmem_sock *sock;

	return devmem_attach(w->ring, w->pair.near, w->lab.binding, 1, NULL, &sock);
}

static int call_sock_queue(struct world *w)
{
	return devmem_sock_queue(w->stream.sock);
}

static int call_watch(struct world *w)
{
	return devmem_watch(w->ring, 0, 1);
}

static int call_unwatch(struct world *w)
{
	return devmem_unwatch(w->ring, w->quiet);
}

static int call_ring_fd(struct world *w)
{
	return devmem_ring_fd(w->ring);
}

static int call_ring_prepare(struct world *w)
{
	return devmem_ring_prepare(w->ring, w->lab.binding);
}

static int call_ring_stats(struct world *w)
{
	struct devmem_stats st = { .size = sizeof(st) };

	return devmem_ring_stats(w->ring, &st);
}

static int call_sock_stats(struct world *w)
{
	struct devmem_sock_counters st = { .size = sizeof(st) };

	return devmem_sock_stats(w->stream.sock, &st);
}

static int call_map(struct world *w)
{
	void *memory;

	return devmem_buffer_map(w->other, &memory);
}

static int call_sync(struct world *w)
{
	return devmem_buffer_sync(w->other, DEVMEM_SYNC_START | DEVMEM_SYNC_READ);
}

static int call_read(struct world *w)
{
	return devmem_buffer_read(w->other, 0, bytes, 1);
}

static int call_write(struct world *w)
{
	return devmem_buffer_write(w->other, 0, bytes, 1);
}

static int call_plan(struct world *w)
{
	return devmem_plan(w->lab.nic, &(struct devmem_plan){ .size = sizeof(struct devmem_plan) });
}

static int call_bind_rx(struct world *w)
{
	struct devmem_binding *b;

	return devmem_bind_rx(w->lab.nic, w->other, NULL, &b);
}

static int call_bind_tx(struct world *w)
{
	struct devmem_binding *b;

	return devmem_bind_tx(NIC, w->other, NULL, &b);
}

static const struct sockaddr *somewhere(void)
{
	static const struct sockaddr_in in = { .sin_family = AF_INET,
					       .sin_port = 0x1234,
					       .sin_addr.s_addr = 0x0100007f };

	return (const struct sockaddr *)&in;
}

static int call_steer(struct world *w)
{
	return devmem_steer(w->lab.binding, somewhere(), NULL);
}

static int call_unsteer(struct world *w)
{
	return devmem_unsteer(w->lab.binding, somewhere(), NULL);
}

static int call_source_port(struct world *w)
{
	return devmem_source_port(w->lab.binding, somewhere(), somewhere());
}

static int call_detach(struct world *w)
{
	devmem_detach(w->stream.sock);
	return 0;
}

static int call_abort(struct world *w)
{
	devmem_abort(w->stream.sock);
	return 0;
}

static int call_wake(struct world *w)
{
	devmem_wake(w->ring);
	return 0;
}

/* Of a copy of memory, and they cannot fail. */
static int call_readers(struct world *w)
{
	const char *why;
	uint32_t queue;

	return devmem_buffer_backend(w->other, &why) && devmem_buffer_fd(w->other) > 0 &&
			       devmem_buffer_size(w->other) == 2 * MIB &&
			       devmem_buffer_id(w->other) &&
			       devmem_binding_engine(w->lab.binding, &why) &&
			       devmem_binding_page_size(w->lab.binding, &why) + 1 &&
			       devmem_binding_id(w->lab.binding) + 1 &&
			       devmem_binding_queues(w->lab.binding, &queue, 1) + 1 &&
			       devmem_ring_engine(w->ring, &why) &&
			       devmem_sock_engine(w->stream.sock, &why) &&
			       !devmem_ring_spill(w->ring)
		       ? 0
		       : -1;
}

/* The device is the parent's, whatever the address was there. */
static int call_address(struct world *w)
{
	const char *why;

	return !devmem_buffer_device_address(w->other, &why) && strstr(why, "forked") ? 0 : -1;
}

static int call_close(struct world *w)
{
	(void)w; /* close_all() */
	return 0;
}

/* With a parameter that is an object; @expected of its call in a child. */
static const struct call {
	const char *name;
	int (*call)(struct world *w);
	int expected;
} calls[] = {
	{ "devmem_wait", call_wait, -EEXIST },
	{ "devmem_flush", call_flush, -EEXIST },
	{ "devmem_release", call_release, -EEXIST },
	{ "devmem_gather", call_gather, -EEXIST },
	{ "devmem_event_read", call_event_read, -EEXIST },
	{ "devmem_events_read", call_events_read, -EEXIST },
	{ "devmem_send", call_send, -EEXIST },
	{ "devmem_attach", call_attach, -EEXIST },
	{ "devmem_sock_queue", call_sock_queue, -EEXIST },
	{ "devmem_watch", call_watch, -EEXIST },
	{ "devmem_unwatch", call_unwatch, -EEXIST },
	{ "devmem_ring_fd", call_ring_fd, -EEXIST },
	{ "devmem_ring_prepare", call_ring_prepare, -EEXIST },
	{ "devmem_ring_stats", call_ring_stats, -EEXIST },
	{ "devmem_sock_stats", call_sock_stats, -EEXIST },
	{ "devmem_buffer_map", call_map, -EEXIST },
	{ "devmem_buffer_sync", call_sync, -EEXIST },
	{ "devmem_buffer_read", call_read, -EEXIST },
	{ "devmem_buffer_write", call_write, -EEXIST },
	{ "devmem_plan", call_plan, -EEXIST },
	{ "devmem_bind_rx", call_bind_rx, -EEXIST },
	{ "devmem_bind_tx", call_bind_tx, -EEXIST },
	{ "devmem_steer", call_steer, -EEXIST },
	{ "devmem_unsteer", call_unsteer, -EEXIST },
	{ "devmem_source_port", call_source_port, -EEXIST },
	{ "devmem_detach", call_detach, 0 },
	{ "devmem_abort", call_abort, 0 },
	{ "devmem_wake", call_wake, 0 },
	{ "devmem_buffer_backend", call_readers, 0 },
	{ "devmem_buffer_fd", call_readers, 0 },
	{ "devmem_buffer_device_address", call_address, 0 },
	{ "devmem_buffer_size", call_readers, 0 },
	{ "devmem_buffer_id", call_readers, 0 },
	{ "devmem_binding_engine", call_readers, 0 },
	{ "devmem_binding_page_size", call_readers, 0 },
	{ "devmem_binding_id", call_readers, 0 },
	{ "devmem_binding_queues", call_readers, 0 },
	{ "devmem_ring_engine", call_readers, 0 },
	{ "devmem_ring_spill", call_readers, 0 },
	{ "devmem_sock_engine", call_readers, 0 },
	{ "devmem_ring_close", call_close, 0 },
	{ "devmem_binding_close", call_close, 0 },
	{ "devmem_nic_close", call_close, 0 },
	{ "devmem_buffer_close", call_close, 0 },
};

static bool is_called(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, name))
			return true;
	return false;
}

/* The files of that pattern, one behind the other: the caller's. NULL: there are none. */
static char *contents(const char *pattern)
{
	const size_t room = 512 << 10;
	char *text = calloc(1, room);
	size_t n = 0;
	glob_t files;

	assert_non_null(text);
	if (glob(pattern, 0, NULL, &files)) {
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE *f = fopen(files.gl_pathv[i], "re");

		assert_non_null(f);
		n += fread(text + n, 1, room - 1 - n, f);
		assert_true(feof(f));
		fclose(f);
	}
	globfree(&files);
	return text;
}

/* Does its prototype take an object? Those that make one take a pointer to a pointer. */
static bool takes_an_object(const char *header, const char *name)
{
	char pattern[256];
	regex_t re;
	bool found;

	snprintf(pattern, sizeof(pattern),
		 "DEVMEM_API [a-z0-9_ ]*[ *]%s\\([^;]*struct devmem_(buffer|nic|binding|ring|sock) "
		 "\\*[a-z][^;]*\\);",
		 name);
	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = !regexec(&re, header, 0, NULL, 0);
	regfree(&re);
	return found;
}

/* A public function that is new must be in the table, or it is not known what it does in a
 * child. */
static void none_is_left_out(void **state)
{
	char *map, *header, *name;
	unsigned int found = 0;

	(void)state;
	map = contents(TREE "/src/devmem.map");
	if (!map && !lab_in("lo"))
		skip(); /* the guest has no source */
	assert_non_null(map);
	header = contents(TREE "/include/devmem/*.h");
	assert_non_null(header);
	for (name = strtok(strstr(map, "global:"), "\n\t; "); name; name = strtok(NULL, "\n\t; ")) {
		if (strncmp(name, "devmem_", 7) || !takes_an_object(header, name))
			continue;
		found++;
		if (!is_called(name))
			fail_msg("%s takes an object, and is not called in a child here", name);
	}
	assert_int_equal(found, sizeof(calls) / sizeof(calls[0]));
	free(map);
	free(header);
}

/* ----------------------------------------------------------------------------------- the parent */

static void peer_writes(struct world *w, uint64_t from, size_t n)
{
	while (n) {
		size_t some;
		const unsigned char *p = pattern_at(from, n, &some);

		assert_int_equal(send(w->pair.far, p, some, 0), some);
		from += some;
		n -= some;
	}
}

static void note(struct world *w, const struct devmem_event *ev)
{
	if (ev->type == DEVMEM_EVENT_SENT) {
		assert_int_equal(ev->cookie, 7);
		assert_true(ev->result > 0);
		w->sends++;
	} else if (ev->type == DEVMEM_EVENT_GATHERED) {
		assert_true(ev->result > 0);
		w->gathers++;
	} else if (ev->type != DEVMEM_EVENT_READY) {
		lab_check(&w->lab, ev, 1);
	}
}

static unsigned int turn(struct world *w, struct devmem_event *ev, unsigned int room,
			 int timeout_ms)
{
	int n = ok(devmem_wait(w->ring, ev, room, timeout_ms));

	for (int i = 0; i < n; i++)
		note(w, &ev[i]);
	return (unsigned int)n;
}

static void open_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->want_sends = 1;
	w->want_bytes = SENT;
	lab_open(&w->lab, 8 * MIB, 1);
	w->other = lab_buffer(2 * MIB);
	ok(devmem_bind_tx(NIC, w->other, NULL, &w->tx));
	w->ring = lab_ring(NULL);
	w->pair = lab_connect(&w->lab, false);
	lab_attach(w->ring, &w->lab, w->pair.near, &w->stream);
	w->quiet = dup(w->lab.listener);
	ok(devmem_watch(w->ring, w->quiet, 0));
}

/* Fragments are out, one more is being gathered, bytes wait in the kernel, and a send and a release
 * to be handed in. */
static void make_busy(struct world *w)
{
	struct devmem_event gathered;

	peer_writes(w, 0, PART / 2);
	while (w->stream.position < PART / 2)
		w->n += turn(w, w->held + w->n, 64 - w->n, 5000);
	gathered = w->held[--w->n];
	ok(devmem_gather(w->ring, &gathered, 1, w->other, MIB, 3));
	w->want_gathers++;
	peer_writes(w, PART / 2, PART / 2);
	ok(devmem_send(w->stream.sock, w->tx, &(struct devmem_range){ 0, SENT }, 1, 7));
}

/* ... and more sends are in the kernel than the connection takes. */
static void send_much(struct world *w)
{
	for (unsigned int i = 0; i < SENDS; i++)
		ok(devmem_send(w->stream.sock, w->tx, &(struct devmem_range){ 0, MIB }, 1, 7));
	ok(devmem_flush(w->ring));
	w->want_sends += SENDS;
	w->want_bytes += (uint64_t)SENDS * MIB;
}

/* What waits in the kernel is received, and stays out. */
static void hold_rest(struct world *w)
{
	while (w->stream.position < PART)
		w->n += turn(w, w->held + w->n, 64 - w->n, 5000);
}

/* Memory whose gathers are over later. */
static struct {
	struct devmem_memory *to, *from;
	uint64_t offset;
	struct devmem_range range;
	void (*done)(void *arg, int result);
	void *arg;
} under_way;

static int later_alloc(uint64_t n, const struct devmem_buffer_opts *opts, struct devmem_memory *m)
{
	(void)opts;
	m->fd = memfd_create("later", MFD_CLOEXEC);
	if (m->fd < 0 || ftruncate(m->fd, (off_t)n))
		return devmem_backend_fail(errno, "no memory");
	return 0;
}

static int later_map(struct devmem_memory *m)
{
	void *p = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);

	if (p == MAP_FAILED)
		return devmem_backend_fail(errno, "no mapping");
	m->map = p;
	return 0;
}

static void later_unmap(struct devmem_memory *m)
{
	munmap(m->map, m->bytes);
	m->map = NULL;
}

static int later_gather(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
			const struct devmem_range *ranges, unsigned int n,
			void (*done)(void *arg, int result), void *arg)
{
	assert_int_equal(n, 1);
	under_way.to = to;
	under_way.from = from;
	under_way.offset = offset;
	under_way.range = ranges[0];
	under_way.done = done;
	under_way.arg = arg;
	return 0;
}

static void later_is_now(void)
{
	memcpy((char *)under_way.to->map + under_way.offset,
	       (char *)under_way.from->map + under_way.range.offset, under_way.range.length);
	under_way.done(under_way.arg, 0);
	under_way.done = NULL;
}

static void gather_later(struct world *w)
{
	const struct devmem_backend ops = { .size = sizeof(ops),
					    .name = "later",
					    .alloc = later_alloc,
					    .map = later_map,
					    .unmap = later_unmap,
					    .gather = later_gather };
	unsigned int data;
	void *memory;

	if (devmem_buffer_create("later", MIB, NULL, &w->later)) {
		ok(devmem_backend_register(&ops));
		ok(devmem_buffer_create("later", MIB, NULL, &w->later));
	}
	ok(devmem_buffer_map(w->later, &memory));
	hold_rest(w);
	for (data = 0; data < w->n && w->held[data].type != DEVMEM_EVENT_DATA;)
		data++;
	assert_true(data < w->n);
	ok(devmem_gather(w->ring, &w->held[data], 1, w->later, 0, 4));
	assert_non_null(under_way.done);
	w->held[data] = w->held[--w->n];
	w->want_gathers++;
}

static void *read_all(void *arg)
{
	struct world *w = arg;
	uint64_t left = w->want_bytes;
	unsigned char *got = malloc(MIB);

	while (left) {
		ssize_t n = recv(w->pair.far, got, left < MIB ? left : MIB, 0);

		if (n <= 0)
			break;
		left -= (uint64_t)n;
	}
	free(got);
	return (void *)(uintptr_t)(left == 0);
}

/* Every byte, each once, and the end in order; from the buffer, if that is where this engine has
 * them. */
static void go_on(struct world *w, bool busy)
{
	struct devmem_event ev[64];
	struct devmem_stats st;
	pthread_t reader;
	unsigned char one;
	unsigned int n;
	void *all;

	if (under_way.done)
		later_is_now();
	assert_int_equal(pthread_create(&reader, NULL, read_all, w), 0);
	ok(devmem_release(w->ring, w->held, w->n));
	if (!busy) {
		peer_writes(w, 0, PART);
		ok(devmem_send(w->stream.sock, w->tx, &(struct devmem_range){ 0, SENT }, 1, 7));
	}
	peer_writes(w, PART, PART);
	assert_int_equal(shutdown(w->pair.far, SHUT_WR), 0);
	while (!w->stream.ended || w->sends < w->want_sends || w->gathers < w->want_gathers) {
		n = turn(w, ev, 64, 5000);
		assert_int_not_equal(n, 0);
		ok(devmem_release(w->ring, ev, n));
	}
	assert_int_equal(w->stream.error, 0);
	assert_int_equal(w->stream.position, 2 * PART);
	assert_int_equal(w->sends, w->want_sends);
	assert_int_equal(w->gathers, w->want_gathers);
	pthread_join(reader, &all);
	assert_non_null(all);
	assert_int_equal(recv(w->pair.far, &one, 1, MSG_DONTWAIT), -1);
	st = lab_stats(w->ring);
	assert_int_equal(lab_copies() ? st.bytes_plain : st.bytes_device, 2 * PART);
}

static void close_world(struct world *w)
{
	devmem_detach(w->stream.sock);
	lab_settle(w->ring);
	devmem_ring_close(w->ring);
	devmem_binding_close(w->tx);
	close(w->quiet);
	close(w->pair.near);
	close(w->pair.far);
	lab_close(&w->lab);
	devmem_buffer_close(w->other);
	devmem_buffer_close(w->later);
}

/* ------------------------------------------------------------------------------------ the child */

/* Without cmocka: a failure there would run the parent's other tests in the child. Returns 0, or
 * the number of what was wrong. */
static int call_all(struct world *w)
{
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int result = calls[i].call(w);

		if (result != calls[i].expected || (result && !strstr(devmem_error(), "fork"))) {
			fprintf(stderr, "in a child %s returned %d: %s\n", calls[i].name, result,
				devmem_error());
			return 1;
		}
	}
	return 0;
}

static int close_all(struct world *w, bool ring_first)
{
	int err;

	if (ring_first)
		devmem_ring_close(w->ring);
	devmem_binding_close(w->lab.binding);
	devmem_binding_close(w->tx);
	err = devmem_nic_close(w->lab.nic);
	devmem_buffer_close(w->lab.buffer);
	devmem_buffer_close(w->other);
	devmem_buffer_close(w->later);
	if (!ring_first)
		devmem_ring_close(w->ring);
	return err;
}

/* Its own objects serve it as any process. */
static int make_own(struct world *w)
{
	struct devmem_binding *binding = NULL;
	struct devmem_buffer *buffer = NULL;
	struct devmem_ring *ring = NULL;
	struct devmem_sock *sock;
	struct devmem_event ev;
	struct lab_pair pair = lab_connect(&w->lab, false);
	int err = devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts,
					       .engine = lab_in("syscall") ? "syscall" : NULL),
				   &ring);

	err = err ? err : devmem_buffer_create("shm", MIB, NULL, &buffer);
	err = err ? err : devmem_bind_tx(NULL, buffer, NULL, &binding);
	err = err ? err : devmem_attach(ring, pair.near, NULL, 1, NULL, &sock);
	err = err ? err : devmem_send(sock, binding, &(struct devmem_range){ 0, 10 }, 1, 8);
	while (!err && (err = devmem_wait(ring, &ev, 1, 5000)) == 1 && ev.type != DEVMEM_EVENT_SENT)
		err = 0;
	err = err == 1 && recv(pair.far, bytes, 10, MSG_WAITALL) == 10 ? 0 : 1;
	if (err)
		fprintf(stderr, "with its own objects a child cannot send: %s\n", devmem_error());
	devmem_ring_close(ring);
	devmem_binding_close(binding);
	devmem_buffer_close(buffer);
	close(pair.near);
	close(pair.far);
	return err;
}

/* What only AddressSanitizer's build has. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

enum doing {
	CALLS = 1,
	CLOSES = 2,
	RING_LAST = 4,
	OWN = 8,
	CLONE = 16, /* without fork(): no handler of the C library's runs */
	GRANDCHILD = 32,
};

/* @fds: how many the test has without the world's objects. */
static int child(struct world *w, unsigned int doing, unsigned int fds)
{
	int err = doing & CALLS ? call_all(w) : 0;

	if (!err && doing & OWN)
		err = make_own(w);
	if (!err && doing & CLOSES) {
		err = close_all(w, !(doing & RING_LAST));
		if (!err && lab_open_fds() != fds) {
			fprintf(stderr, "%u descriptors are open in a child that closed all: %u\n",
				lab_open_fds(), fds);
			err = 2;
		}
		if (!err && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
			err = 3;
	}
	if (!err && doing & GRANDCHILD)
		err = fork() == 0 ? call_all(w) : 0;
	return err;
}

static void fork_and(struct world *w, unsigned int doing, unsigned int fds)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = doing & CLONE ? (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0) : fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(child(w, doing, fds));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_child_that(unsigned int doing, bool busy)
{
	struct world w;
	unsigned int fds = lab_open_fds() + 4; /* the listener, the pair and @quiet */
	char *view;

	open_world(&w);
	if (busy)
		make_busy(&w);
	else
		turn(&w, scratch, 64, 0);
	view = lab_nic_view();
	fork_and(&w, doing, fds);
	assert_true(lab_same_view(view));
	free(view);
	go_on(&w, busy);
	close_world(&w);
}

static void calls_everything(void **state)
{
	(void)state;
	a_child_that(CALLS, false);
	a_child_that(CALLS, true);
	a_child_that(CALLS | CLONE, true);
	a_child_that(CALLS | GRANDCHILD, true);
}

static void closes_everything(void **state)
{
	(void)state;
	a_child_that(CLOSES, false);
	a_child_that(CLOSES, true);
	a_child_that(CLOSES | RING_LAST, true);
	a_child_that(CALLS | CLOSES | CLONE, true);
}

static void makes_objects_of_its_own(void **state)
{
	(void)state;
	a_child_that(CALLS | OWN | CLOSES, true);
}

/* Beyond what make_busy() makes. A child cannot be asked to use a binding that was closed. */
static void in_this_state(void (*more)(struct world *w), unsigned int doing)
{
	struct world w;
	unsigned int fds = lab_open_fds() + 4;

	open_world(&w);
	make_busy(&w);
	more(&w);
	fork_and(&w, doing, fds);
	go_on(&w, true);
	close_world(&w);
}

static void while_sends_are_under_way(void **state)
{
	(void)state;
	in_this_state(send_much, CALLS);
	in_this_state(send_much, CLOSES);
	in_this_state(send_much, CALLS | CLOSES | RING_LAST);
}

static void while_a_gather_is_under_way(void **state)
{
	(void)state;
	in_this_state(gather_later, CALLS);
	in_this_state(gather_later, CLOSES);
	in_this_state(gather_later, CALLS | CLOSES | RING_LAST);
}

static void close_binding(struct world *w)
{
	hold_rest(w);
	assert_true(w->n > 0);
	devmem_binding_close(w->lab.binding);
	w->lab.binding = NULL;
}

static void with_fragments_out_of_a_closed_binding(void **state)
{
	(void)state;
	in_this_state(close_binding, CLOSES);
	in_this_state(close_binding, CLOSES | RING_LAST);
	in_this_state(close_binding, CLOSES | CLONE);
}

/* A thread with a ring of its own, for @w's connection. Without cmocka. */
struct sleeper {
	struct world w;
	sem_t attached;
	uint64_t position;
	int end; /* the event that ended it, or a negative errno */
};

static void *sleep_on_ring(void *arg)
{
	struct sleeper *s = arg;
	struct devmem_sock *sock;
	struct devmem_event ev[16];
	int n;

	s->end =
		devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = lab_engine()), &s->w.ring);
	if (!s->end)
		s->end = devmem_attach(s->w.ring, s->w.pair.near, s->w.lab.binding, 1, NULL, &sock);
	s->w.stream.sock = s->end ? NULL : sock;
	sem_post(&s->attached);
	while (!s->end && ((n = devmem_wait(s->w.ring, ev, 16, -1)) > 0 || n == -EINTR))
		for (int i = 0; i < n; i++) {
			if (ev[i].type == DEVMEM_EVENT_DATA || ev[i].type == DEVMEM_EVENT_HOST)
				s->position += ev[i].length;
			else
				s->end = ev[i].type;
			devmem_release(s->w.ring, &ev[i], 1);
		}
	devmem_ring_close(s->w.ring);
	return NULL;
}

/* The child has no such thread; what it held, or was about to do, is its parent's. */
static void while_another_thread_sleeps_on_the_ring(void **state)
{
	const unsigned int rounds = 10;
	static struct sleeper s;
	unsigned int fds = lab_open_fds() + 4;
	pthread_t thread;

	(void)state;
	memset(&s, 0, sizeof(s));
	lab_open(&s.w.lab, 8 * MIB, 1);
	s.w.other = lab_buffer(2 * MIB);
	ok(devmem_bind_tx(NIC, s.w.other, NULL, &s.w.tx));
	s.w.pair = lab_connect(&s.w.lab, false);
	s.w.quiet = dup(s.w.lab.listener);
	sem_init(&s.attached, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, sleep_on_ring, &s), 0);
	while (sem_wait(&s.attached))
		;
	assert_non_null(s.w.stream.sock);
	for (unsigned int i = 0; i < rounds; i++) {
		peer_writes(&s.w, (uint64_t)i * PART, PART);
		fork_and(&s.w, i % 2 ? CALLS : CALLS | CLOSES, fds);
	}
	assert_int_equal(shutdown(s.w.pair.far, SHUT_WR), 0);
	pthread_join(thread, NULL);
	sem_destroy(&s.attached);
	assert_int_equal(s.end, DEVMEM_EVENT_END);
	assert_int_equal(s.position, rounds * PART);
	devmem_binding_close(s.w.tx);
	close(s.w.quiet);
	lab_close_pair(s.w.pair);
	lab_close(&s.w.lab);
	devmem_buffer_close(s.w.other);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_left_out),
		LAB_TEST(calls_everything),
		LAB_TEST(closes_everything),
		LAB_TEST(makes_objects_of_its_own),
		LAB_TEST(while_sends_are_under_way),
		LAB_TEST(while_a_gather_is_under_way),
		LAB_TEST(with_fragments_out_of_a_closed_binding),
		LAB_TEST(while_another_thread_sleeps_on_the_ring),
	};

	lab_begin(argc, argv);
	return lab_run("fork", tests, NULL, NULL);
}
