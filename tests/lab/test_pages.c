// SPDX-License-Identifier: MIT
/*
 * The memory of buffers, and the pages that queues take from it. Wants 128 huge pages reserved.
 * "lab_pages older" is for a kernel whose bind knows no page sizes. With DEVMEM_TEST_ENGINE=zcrx,
 * "lab_pages received" alone makes sense: the size is found when a ring takes the queue.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "lab.h"

#define KIB 1024u
#define MIB (1024u * KIB)

static void says(const char *why, const char *word)
{
	if (!strstr(why, word))
		fail_msg("no \"%s\" in: %s", word, why);
}

static struct devmem_buffer *make_buffer(const char *backend, size_t bytes, uint32_t page_size)
{
	struct devmem_buffer *buffer;

	ok(devmem_buffer_create(backend, bytes,
				DEVMEM_OPTS(devmem_buffer_opts, .page_size = page_size), &buffer));
	return buffer;
}

static void pages_are(const struct devmem_binding *binding, uint32_t size, const char *word)
{
	const char *why = NULL;

	if (devmem_binding_page_size(binding, &why) != size)
		fail_msg("pages of %u bytes, not %u: %s", devmem_binding_page_size(binding, NULL),
			 size, why);
	says(why, word);
}

/* As lab_open(), around a buffer of the test's own. */
static void open_with(struct lab *lab, struct devmem_buffer *buffer, unsigned int queues,
		      uint32_t page_size)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	memset(lab, 0, sizeof(*lab));
	lab->port = PORT;
	lab->buffer = buffer;
	ok(devmem_buffer_map(buffer, (void **)&lab->memory));
	ok(devmem_nic_open(NIC, NULL, &lab->nic));
	ok(devmem_bind_rx(lab->nic, buffer,
			  DEVMEM_OPTS(devmem_bind_opts, .queues = queues, .page_size = page_size,
				      .engine = lab_engine()),
			  &lab->binding));
	ok(devmem_steer(lab->binding, (struct sockaddr *)&v4, NULL));
	ok(devmem_steer(lab->binding, (struct sockaddr *)&v6, NULL));
	lab->listener = lab_listen(PORT);
}

/* ---------------------------------------------------------------------------- received in pages */

/*
 * Every packet begins a page and no fragment has more than one: that is how the size shows. A
 * fragment that did not fit into a completion comes in two parts.
 */
static void check_fragments(const struct lab_flows *flows, uint64_t *end,
			    const struct devmem_event *ev, int n, uint32_t page)
{
	for (int i = 0; i < n; i++) {
		uint64_t *last =
			&end[(struct lab_stream *)(uintptr_t)ev[i].user_data - flows->stream];

		if (ev[i].type != DEVMEM_EVENT_DATA)
			continue;
		if (ev[i].offset % page)
			assert_int_equal(ev[i].offset, *last);
		assert_true(ev[i].offset % page + ev[i].length <= page);
		*last = ev[i].offset + ev[i].length;
	}
}

static struct devmem_stats receive(struct lab *lab, uint32_t page, unsigned int n, uint64_t bytes)
{
	struct devmem_ring *ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
	struct lab_flows flows;
	struct devmem_event ev[256];
	uint64_t sum = 0, length = 0, *end = calloc(n, sizeof(*end));
	struct devmem_stats st;

	lab_flows_start(&flows, ring, lab, n, bytes);
	while (sum < n * bytes) {
		int got = ok(devmem_wait(ring, ev, 256, 10000));

		assert_true(got > 0);
		check_fragments(&flows, end, ev, got, page);
		lab_check(lab, ev, got);
		for (int i = 0; i < got; i++) {
			if (ev[i].type != DEVMEM_EVENT_DATA)
				continue;
			sum += ev[i].length;
			length = ev[i].length > length ? ev[i].length : length;
		}
		ok(devmem_release(ring, ev, (unsigned int)got));
	}
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	print_message("%u KiB pages: %llu bytes in %llu fragments, the longest %llu\n", page / KIB,
		      (unsigned long long)st.bytes_device, (unsigned long long)st.fragments,
		      (unsigned long long)length);
	assert_int_equal(st.bytes_device, n * bytes);
	if (page > 4 * KIB)
		assert_true(length > 4 * KIB);
	devmem_ring_close(ring);
	free(end);
	return st;
}

/* Memory comes back some time after its buffer was closed, and the next one wants all of it. */
static void close_all(struct lab *lab)
{
	lab_close(lab);
	assert_int_equal(lab_dmabufs(), 0);
}

static void received_in_pages_of(struct devmem_buffer *buffer, uint32_t page)
{
	struct lab lab;

	open_with(&lab, buffer, 1, page);
	receive(&lab, page, 4, 12 * MIB);
	pages_are(lab.binding, page, "asked for");
	close_all(&lab);
}

static void sixteen_kib(void **state)
{
	(void)state;
	received_in_pages_of(make_buffer("udmabuf", 64 * MIB, 2 * MIB), 16 * KIB);
}

static void sixty_four_kib(void **state)
{
	(void)state;
	received_in_pages_of(make_buffer("udmabuf", 128 * MIB, 2 * MIB), 64 * KIB);
}

/* The smallest ring takes half of the largest buffer. */
static void two_mib(void **state)
{
	(void)state;
	lab_set_ring_entries(64);
	received_in_pages_of(make_buffer("udmabuf", 256 * MIB, 2 * MIB), 2 * MIB);
	lab_set_ring_entries(1024);
}

static void sixty_four_kib_of_the_heap(void **state)
{
	(void)state;
	received_in_pages_of(make_buffer("dma-heap", 128 * MIB, 0), 64 * KIB);
}

static void four_kib_although_larger_ones_could_be_had(void **state)
{
	(void)state;
	received_in_pages_of(make_buffer("udmabuf", 64 * MIB, 2 * MIB), 4 * KIB);
}

/* --------------------------------------------------------------------------------------- chosen */

static void chosen(struct devmem_buffer *buffer, unsigned int queues, uint32_t page,
		   const char *word)
{
	struct lab lab;

	open_with(&lab, buffer, queues, 0);
	receive(&lab, page, 2, 4 * MIB);
	pages_are(lab.binding, page, word);
	close_all(&lab);
}

static void the_largest_where_nothing_is_asked(void **state)
{
	(void)state;
	chosen(make_buffer("udmabuf", 128 * MIB, 0), 1, 64 * KIB, "unasked");
	chosen(make_buffer("dma-heap", 128 * MIB, 0), 1, 64 * KIB, "unasked");
}

static void rings_take_at_most_half(void **state)
{
	(void)state;
	chosen(make_buffer("udmabuf", 64 * MIB, 0), 1, 32 * KIB,
	       "more than half of the buffer with 64 KiB");
	chosen(make_buffer("udmabuf", 64 * MIB, 0), 2, 16 * KIB,
	       "more than half of the buffer with 32 KiB");
	chosen(make_buffer("udmabuf", 4 * MIB, 0), 1, 4 * KIB,
	       "more than half of the buffer with 8 KiB");
	lab_set_ring_entries(256);
	chosen(make_buffer("udmabuf", 64 * MIB, 0), 2, 64 * KIB, "unasked");
	lab_set_ring_entries(1024);
}

static void small_where_the_memory_is(void **state)
{
	(void)state;
	chosen(make_buffer("udmabuf", 128 * MIB, 4 * KIB), 1, 4 * KIB, "pieces of 4 KiB");
}

/* The plan is made without the buffer, and comes to the same. */
static void planned_as_bound(void **state)
{
	static const uint32_t mib[] = { 16, 64, 128, 256 };
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	for (unsigned int i = 0; i < sizeof(mib) / sizeof(mib[0]); i++) {
		struct devmem_plan plan = { .size = sizeof(plan),
					    .queues = 2,
					    .buffer_bytes = (uint64_t)mib[i] * MIB };
		struct devmem_buffer *buffer = make_buffer("udmabuf", plan.buffer_bytes, 0);
		struct devmem_binding *binding;

		ok(devmem_plan(nic, &plan));
		ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 2),
				  &binding));
		assert_int_equal(plan.bind_page_size, devmem_binding_page_size(binding, NULL));
		print_message("%u MiB: %u KiB pages; %s\n", mib[i], plan.bind_page_size / KIB,
			      plan.advice ? plan.advice : "all is well");
		devmem_binding_close(binding);
		devmem_buffer_close(buffer);
		assert_int_equal(lab_dmabufs(), 0);
	}
	ok(devmem_nic_close(nic));
}

/* -------------------------------------------------------------------------------------- refused */

/* The NIC is as it was at once, not when the transaction ends. */
static void refused(struct devmem_buffer *buffer, uint32_t page, const char *word)
{
	struct devmem_binding *binding = (void *)1;
	struct devmem_nic *nic;

	ok(devmem_nic_open(NIC, NULL, &nic));
	assert_int_equal(devmem_bind_rx(nic, buffer,
					DEVMEM_OPTS(devmem_bind_opts, .page_size = page), &binding),
			 -EINVAL);
	assert_ptr_equal(binding, (void *)1);
	says(devmem_error(), word);
	assert_true(lab_as_before());
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

static void a_size_that_is_asked_for_and_cannot_be(void **state)
{
	(void)state;
	refused(make_buffer("udmabuf", 16 * MIB, 4 * KIB), 64 * KIB, "not aligned to niov size");
	refused(make_buffer("udmabuf", 16 * MIB, 2 * MIB), 4 * MIB, "not aligned to niov size");
	refused(make_buffer("udmabuf", 16 * MIB, 2 * MIB), 5000, "power of two");
	refused(make_buffer("udmabuf", 16 * MIB, 2 * MIB), 2048, "4096");
}

/* ----------------------------------------------------------------- pages that are hardly filled */

#define STREAMS 4
#define FILLED	8928 /* bytes of a page: a packet that was not merged */

static uint64_t mark_of(int fd)
{
	int mark = 0;
	socklen_t length = sizeof(mark);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, &length), 0);
	return (uint64_t)mark;
}

/*
 * Bytes that wait for a mark take pages, and seven times as much of the buffer as they are here.
 * Would all marks together leave a quarter of it? With a small buffer, since a mark is also no more
 * than comes in 5 ms. A queue without pages drops acknowledgements too, and an echo from the same
 * buffer stands still.
 */
static void marks_leave_room_in_pages_that_are_hardly_filled(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_stream stream[STREAMS];
	struct lab_sender *sender[STREAMS];
	struct lab_pair pair[STREAMS];
	struct devmem_event ev[64];
	unsigned int open = STREAMS;
	uint64_t most = 0;
	struct lab lab;

	(void)state;
	lab_set_ring_entries(64);
	open_with(&lab, make_buffer("udmabuf", 8 * MIB, 2 * MIB), 1, 0);
	pages_are(lab.binding, 64 * KIB, "unasked");
	for (unsigned int i = 0; i < STREAMS; i++) {
		pair[i] = lab_connect(&lab, i % 2);
		lab_attach(ring, &lab, pair[i].near, &stream[i]);
		sender[i] = lab_send(pair[i].far, 16 * MIB, 0, true);
	}
	while (open) {
		uint64_t marks = 0;
		int got = ok(devmem_wait(ring, ev, 64, 10000));

		assert_true(got > 0);
		lab_check(&lab, ev, got);
		for (int i = 0; i < got; i++)
			open -= ev[i].type == DEVMEM_EVENT_END;
		ok(devmem_release(ring, ev, (unsigned int)got));
		for (unsigned int i = 0; i < STREAMS; i++)
			marks += stream[i].ended ? 0 : mark_of(pair[i].near);
		most = marks > most ? marks : most;
		assert_true(marks * (64 * KIB) / FILLED <= 6 * MIB);
	}
	print_message("marks of %llu bytes at most\n", (unsigned long long)most);
	for (unsigned int i = 0; i < STREAMS; i++) {
		assert_true(lab_sent(sender[i]));
		assert_int_equal(stream[i].device, 16 * MIB);
		devmem_detach(stream[i].sock);
	}
	lab_settle(ring);
	devmem_ring_close(ring);
	for (unsigned int i = 0; i < STREAMS; i++) {
		close(pair[i].near);
		close(pair[i].far);
	}
	lab_close(&lab);
	lab_set_ring_entries(1024);
}

/* ------------------------------------------------------------------------------- small messages */

#define CONNECTIONS 8
#define MESSAGE	    64
#define MANY	    16384

/*
 * Each message keeps a page of 64 KiB. Nothing is released until it is told that the buffer runs
 * low: in time, since then all that was sent still comes when pages are back.
 */
static void small_messages_run_a_buffer_low(void **state)
{
	struct devmem_ring *ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
	static struct devmem_event ev[MANY];
	struct lab_stream stream[CONNECTIONS];
	struct lab_sender *sender[CONNECTIONS];
	struct lab_pair pair[CONNECTIONS];
	unsigned int n = 0, fragments = 0;
	/* enough even where messages share packets, on a busy machine */
	const uint64_t bytes = 512 * KIB;
	struct lab lab;

	(void)state;
	lab_set_ring_entries(64);
	open_with(&lab, make_buffer("udmabuf", 16 * MIB, 2 * MIB), 1, 0);
	pages_are(lab.binding, 64 * KIB, "unasked");
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		pair[i] = lab_connect(&lab, i % 2);
		lab_attach(ring, &lab, pair[i].near, &stream[i]);
	}
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		sender[i] = lab_send(pair[i].far, bytes, MESSAGE, true);
	while (!lab.low) {
		int got = ok(devmem_wait(ring, ev + n, 32, 10000));

		assert_true(got > 0 && n < MANY - 32);
		lab_check(&lab, ev + n, got);
		n += (unsigned int)got;
	}
	for (unsigned int i = 0; i < n; i++) {
		fragments += ev[i].type == DEVMEM_EVENT_DATA;
		if (ev[i].type == DEVMEM_EVENT_LOW)
			assert_in_range(ev[i].bytes_out, 12 * MIB, 16 * MIB);
	}
	print_message("low with %u fragments, %llu bytes of payload\n", fragments,
		      (unsigned long long)lab_stats(ring).bytes_device);
	assert_in_range(fragments, 12 * MIB / (64 * KIB), 16 * MIB / (64 * KIB));
	ok(devmem_release(ring, ev, n));
	assert_true(lab_drain(ring, &lab, stream, CONNECTIONS));
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		assert_true(lab_sent(sender[i]));
		assert_int_equal(stream[i].error, 0);
		assert_int_equal(stream[i].device, bytes);
		devmem_detach(stream[i].sock);
	}
	lab_settle(ring);
	devmem_ring_close(ring);
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		assert_int_equal(lab_leaked(pair[i].near), 0);
		close(pair[i].near);
		close(pair[i].far);
	}
	lab_close(&lab);
	lab_set_ring_entries(1024);
}

/* One queue of three has all the traffic: what the rings of the others keep is not there for it. */
static void low_although_others_keep_their_rings(void **state)
{
	struct devmem_ring *ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
	static struct devmem_event ev[MANY];
	const uint64_t bytes = 32 * MIB;
	struct lab_stream stream;
	struct lab_sender *sender;
	struct lab_pair pair;
	unsigned int n = 0;
	struct lab lab;

	(void)state;
	lab_set_ring_entries(64);
	open_with(&lab, make_buffer("udmabuf", 24 * MIB, 2 * MIB), 3, 0);
	pages_are(lab.binding, 64 * KIB, "unasked"); /* the rings take exactly half */
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	sender = lab_send(pair.far, bytes, 0, true);
	while (!lab.low) {
		int got = ok(devmem_wait(ring, ev + n, 32, 10000));

		assert_true(got > 0 && n < MANY - 32);
		lab_check(&lab, ev + n, got);
		n += (unsigned int)got;
	}
	print_message("low with %u events\n", n);
	ok(devmem_release(ring, ev, n));
	assert_true(lab_drain(ring, &lab, &stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(stream.device, bytes);
	devmem_detach(stream.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
	lab_set_ring_entries(1024);
}

/* -------------------------------------------------------------------------------------- buffers */

static void holds_data(struct devmem_buffer *buffer)
{
	size_t bytes = devmem_buffer_size(buffer), n;
	unsigned char out[8191], *memory;

	for (size_t at = 0; at < bytes; at += n) {
		const unsigned char *p = pattern_at(at, bytes - at, &n);

		ok(devmem_buffer_write(buffer, at, p, n));
	}
	for (size_t at = 0; at < bytes; at += n) {
		n = bytes - at < sizeof(out) ? bytes - at : sizeof(out);
		ok(devmem_buffer_read(buffer, at, out, n));
		assert_true(pattern_matches(at, out, n));
	}
	ok(devmem_buffer_map(buffer, (void **)&memory));
	ok(devmem_buffer_sync(buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_READ));
	assert_true(pattern_matches(0, memory, bytes));
	ok(devmem_buffer_sync(buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ));
	devmem_buffer_close(buffer);
}

static void buffers_hold_data(void **state)
{
	(void)state;
	holds_data(make_buffer("udmabuf", 4 * MIB, 4 * KIB));
	holds_data(make_buffer("udmabuf", 4 * MIB, 2 * MIB));
	holds_data(make_buffer("dma-heap", 4 * MIB + 4 * KIB, 0));
	holds_data(make_buffer("shm", 4 * MIB, 2 * MIB));
}

static void backend_is(struct devmem_buffer *buffer, const char *name, const char *word)
{
	const char *why, *is = devmem_buffer_backend(buffer, &why);

	print_message("%s: %s\n", is, why);
	assert_string_equal(is, name);
	says(why, word);
	devmem_buffer_close(buffer);
}

static void the_best_there_is(void **state)
{
	struct devmem_buffer *all = make_buffer("udmabuf", 256 * MIB, 2 * MIB);

	(void)state;
	backend_is(make_buffer("udmabuf", 2 * MIB, 0), "udmabuf",
		   "pages of 4 KiB (cannot allocate 2097152 bytes of huge pages");
	backend_is(make_buffer(NULL, 2 * MIB, 0), "dma-heap", "nr_hugepages");
	devmem_buffer_close(all);
	assert_int_equal(lab_dmabufs(), 0);
	backend_is(make_buffer(NULL, 2 * MIB, 0), "udmabuf",
		   "the first choice: /dev/udmabuf, in huge pages of 2048 KiB");
	backend_is(make_buffer(NULL, 2 * MIB + 4 * KIB, 0), "dma-heap", "multiple of 2097152");
	backend_is(make_buffer(NULL, 2 * MIB, 4 * KIB), "udmabuf", "pages of 4 KiB");
	backend_is(make_buffer("udmabuf", 2 * MIB, 0), "udmabuf",
		   "asked for: /dev/udmabuf, in huge pages");
}

static int made(const char *name, const char *word)
{
	struct devmem_buffer *buffer;
	const char *why;

	if (devmem_buffer_create(NULL, 2 * MIB, NULL, &buffer))
		return 10;
	if (strcmp(devmem_buffer_backend(buffer, &why), name) || !strstr(why, word)) {
		print_error("%s: %s\n", devmem_buffer_backend(buffer, NULL), why);
		return 11;
	}
	devmem_buffer_close(buffer);
	return 0;
}

static int with_devices_gone(void)
{
	int status;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/dev/dma_heap", "tmpfs", 0, NULL))
		return 1;
	status = made("udmabuf", "first choice");
	if (status || system("echo 0 >/proc/sys/vm/nr_hugepages"))
		return status ? status : 2;
	status = made("udmabuf", "/dev/dma_heap/system is missing");
	if (status || mount("tmpfs", "/dev", "tmpfs", 0, NULL))
		return status ? status : 3;
	return made("shm", "/dev/udmabuf is missing");
}

static int as_nobody(void)
{
	struct devmem_buffer *buffer;

	if (setgid(65534) || setuid(65534))
		return 1;
	if (devmem_buffer_create("dma-heap", 4096, NULL, &buffer) != -EACCES ||
	    !strstr(devmem_error(), "group"))
		return 2;
	return made("shm", "cannot be opened by this user");
}

/* Runs @fn where it can do no harm: a process of its own. */
static void elsewhere(int (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(fn());
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("status %#x: %s", status, devmem_error());
}

static void where_devices_are_missing(void **state)
{
	(void)state;
	elsewhere(with_devices_gone);
	run("echo 128 >/proc/sys/vm/nr_hugepages; test $(cat /proc/sys/vm/nr_hugepages) = 128");
	elsewhere(as_nobody);
}

/* Refused here, where the heap itself would go on until processes are killed. */
static void more_than_the_heap_has(void **state)
{
	struct devmem_buffer *buffer;

	(void)state;
	assert_int_equal(devmem_buffer_create("dma-heap", (size_t)1 << 40, NULL, &buffer), -ENOMEM);
	says(devmem_error(), "available");
}

/* -------------------------------------------------------------------------------- older kernels */

static void an_older_kernel_takes_small_pages(void **state)
{
	(void)state;
	chosen(make_buffer("udmabuf", 64 * MIB, 2 * MIB), 1, 4 * KIB, "8 KiB was refused: ");
	refused(make_buffer("udmabuf", 64 * MIB, 2 * MIB), 64 * KIB, "");
	print_message("%s\n", devmem_error());
}

int main(int argc, char **argv)
{
	const struct CMUnitTest older[] = {
		LAB_TEST(an_older_kernel_takes_small_pages),
		LAB_TEST(small_where_the_memory_is),
		LAB_TEST(buffers_hold_data),
	};
	const struct CMUnitTest received[] = {
		LAB_TEST(sixteen_kib),
		LAB_TEST(sixty_four_kib),
		LAB_TEST(two_mib),
		LAB_TEST(sixty_four_kib_of_the_heap),
		LAB_TEST(four_kib_although_larger_ones_could_be_had),
		LAB_TEST(the_largest_where_nothing_is_asked),
		LAB_TEST(small_where_the_memory_is),
	};
	const struct CMUnitTest tests[] = {
		LAB_TEST(sixteen_kib),
		LAB_TEST(sixty_four_kib),
		LAB_TEST(two_mib),
		LAB_TEST(sixty_four_kib_of_the_heap),
		LAB_TEST(four_kib_although_larger_ones_could_be_had),
		LAB_TEST(the_largest_where_nothing_is_asked),
		LAB_TEST(rings_take_at_most_half),
		LAB_TEST(small_where_the_memory_is),
		LAB_TEST(planned_as_bound),
		LAB_TEST(a_size_that_is_asked_for_and_cannot_be),
		LAB_TEST(marks_leave_room_in_pages_that_are_hardly_filled),
		LAB_TEST(small_messages_run_a_buffer_low),
		LAB_TEST(low_although_others_keep_their_rings),
		LAB_TEST(buffers_hold_data),
		LAB_TEST(the_best_there_is),
		LAB_TEST(more_than_the_heap_has),
		LAB_TEST(where_devices_are_missing),
	};

	if (argc > 1 && !strcmp(argv[1], "older"))
		return cmocka_run_group_tests_name("pages, older", older, NULL, NULL);
	if (argc > 1 && !strcmp(argv[1], "received"))
		return cmocka_run_group_tests_name("pages, received", received, NULL, NULL);
	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
