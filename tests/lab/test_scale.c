// SPDX-License-Identifier: MIT
/*
 * Many: sockets, rings, threads, queues, bindings. The NIC gets eight queues for this ("ethtool
 * -L"), so the program can be started as the others are.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB (1u << 20)

static int eight_queues(void **state)
{
	struct rlimit many = { 65536, 65536 };

	(void)state;
	if (lab_in("lo")) { /* as many as this user may have */
		assert_int_equal(getrlimit(RLIMIT_NOFILE, &many), 0);
		many.rlim_cur = many.rlim_max;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
	if (!lab_in("lo"))
		lab_set_queues(8);
	return 0;
}

static int four_queues(void **state)
{
	(void)state;
	if (!lab_in("lo"))
		lab_set_queues(4);
	return 0;
}

static uint32_t opened_queues(const struct lab *lab, uint32_t *queues, unsigned int n)
{
	uint32_t mask = 0;

	if (lab_copies())
		n = 0;
	else if (lab_in("zcrx"))
		n = 1;
	assert_int_equal(devmem_binding_queues(lab->binding, queues, 8), n);
	for (unsigned int i = 0; i < n; i++)
		mask |= 1u << queues[i];
	return mask;
}

/* -------------------------------------------------------------------------------------- threads */

#define THREADS 4
#define EACH	16 /* sockets of a thread; every second one is closed early */

struct worker {
	pthread_t thread;
	struct lab *lab;
	struct lab_pair pair[EACH];
	struct lab_stream stream[EACH];
	struct lab_sender *sender[EACH];
	struct devmem_stats stats;
	uint32_t queues; /* a mask: where its sockets' packets came in */
	unsigned int closed;
};

/* In mid-stream, with data in flight, data queued and fragments out. */
static void close_early(struct worker *w, unsigned int i)
{
	assert_false(w->stream[i].ended);
	devmem_detach(w->stream[i].sock);
	shutdown(w->pair[i].near, SHUT_RDWR);
	close(w->pair[i].near);
	w->closed++;
}

static bool finished(const struct worker *w)
{
	for (unsigned int i = 0; i < EACH; i += 2)
		if (!w->stream[i].ended)
			return false;
	return w->closed == EACH / 2;
}

/* It asks through the NIC's one netlink socket, which is used by one thread at a time. */
static uint32_t queue_of(const struct lab_stream *stream)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int queue;

	if (lab_copies())
		return 0;
	pthread_mutex_lock(&lock);
	queue = ok(devmem_sock_queue(stream->sock));
	pthread_mutex_unlock(&lock);
	return 1u << queue;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct devmem_ring *ring = lab_ring(NULL);
	bool closed[EACH] = { false };
	struct devmem_event ev[64];

	for (unsigned int i = 0; i < EACH; i++)
		lab_attach(ring, w->lab, w->pair[i].near, &w->stream[i]);
	while (!finished(w)) {
		int n = ok(devmem_wait(ring, ev, 64, 10000));

		assert_true(n > 0);
		lab_check(w->lab, ev, n);
		for (unsigned int i = 1; i < EACH; i += 2)
			if (!closed[i] && w->stream[i].position > (i * MIB) / 8) {
				close_early(w, i); /* some of its events are in ev */
				closed[i] = true;
			}
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
	for (unsigned int i = 0; i < EACH; i += 2) {
		w->queues |= queue_of(&w->stream[i]);
		devmem_detach(w->stream[i].sock);
	}
	lab_settle(ring);
	w->stats = lab_stats(ring);
	devmem_ring_close(ring);
	return NULL;
}

static void sockets_of_four_threads_on_one_binding(void **state)
{
	struct worker *w = calloc(THREADS, sizeof(*w));
	uint32_t queues[8], bound, used = 0;
	struct lab lab;

	(void)state;
	lab_cannot("zcrx", "one ring owns the queue: threads take a binding each (test_zcrx.c)");
	lab_open(&lab, 64 * MIB, 4);
	bound = opened_queues(&lab, queues, 4);
	for (unsigned int t = 0; t < THREADS; t++) {
		w[t].lab = &lab;
		for (unsigned int i = 0; i < EACH; i++)
			w[t].pair[i] = lab_connect(&lab, i / 2 % 2);
	}
	for (unsigned int t = 0; t < THREADS; t++)
		for (unsigned int i = 0; i < EACH; i++)
			w[t].sender[i] = lab_send(w[t].pair[i].far, 4 * MIB, 0, true);
	for (unsigned int t = 0; t < THREADS; t++)
		pthread_create(&w[t].thread, NULL, work, &w[t]);
	for (unsigned int t = 0; t < THREADS; t++) {
		pthread_join(w[t].thread, NULL);
		assert_int_equal(w[t].closed, EACH / 2);
		assert_int_equal(w[t].stats.tokens_outstanding, 0);
		assert_int_equal(w[t].stats.bytes_linear, 0);
		if (lab_copies())
			assert_int_equal(w[t].stats.bytes_device, 0);
		else
			assert_int_equal(w[t].stats.bytes_plain, 0);
		used |= w[t].queues;
		for (unsigned int i = 0; i < EACH; i++) {
			bool all = lab_sent(w[t].sender[i]);

			if (i % 2 == 0) {
				assert_true(all);
				assert_int_equal(w[t].stream[i].error, 0);
				assert_int_equal(w[t].stream[i].device, 4 * MIB);
				close(w[t].pair[i].near);
			}
			close(w[t].pair[i].far);
		}
	}
	/* 32 connections: all four queues, and no other. If each was steered by itself, in turns,
	 * those that were closed early are every second one. */
	assert_int_equal(used | bound, bound);
	if (!lab.steers_each)
		assert_int_equal(used, bound);
	free(w);
	lab_close(&lab);
}

/* ------------------------------------------------------------------------------------ idle ones */

#define IDLE 512
#define BUSY 8

/* So little that it fits into the socket's buffer: no thread is needed for it. */
static void say(int fd, size_t bytes)
{
	size_t n;
	const void *p = pattern_at(0, bytes, &n);

	assert_int_equal(n, bytes);
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), n);
	shutdown(fd, SHUT_WR);
}

static void many_idle_and_a_few_busy_ones(void **state)
{
	struct lab_stream *idle = calloc(IDLE, sizeof(*idle));
	struct lab_pair *pair = calloc(IDLE, sizeof(*pair));
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_flows flows;
	struct devmem_stats st;
	struct lab lab;

	(void)state;
	lab_open(&lab, 32 * MIB, lab_queues_for(4, IDLE + BUSY));
	for (unsigned int i = 0; i < IDLE; i++) {
		pair[i] = lab_connect(&lab, i % 2);
		lab_attach(ring, &lab, pair[i].near, &idle[i]);
	}
	lab_flows_start(&flows, ring, &lab, BUSY, 16 * MIB);
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, BUSY * 16 * MIB, true);
	print_message("%llu io_uring_enter, %llu completions, %llu changes of the mark for %u "
		      "MiB\n",
		      (unsigned long long)st.enter_calls, (unsigned long long)st.completions,
		      (unsigned long long)st.lowat_changes, BUSY * 16);
	/* the idle ones were left alone */
	assert_true(st.rearms < 2 * (IDLE + BUSY) + st.no_buffers);
	/* and now each of the idle ones says something, all at once: there are fewer receive
	 * buffers */
	for (unsigned int i = 0; i < IDLE; i++)
		say(pair[i].far, 100 + i);
	assert_true(lab_drain(ring, &lab, idle, IDLE));
	for (unsigned int i = 0; i < IDLE; i++) {
		assert_int_equal(idle[i].error, 0);
		assert_int_equal(idle[i].position, 100 + i);
		devmem_detach(idle[i].sock);
		close(pair[i].near);
		close(pair[i].far);
	}
	lab_settle(ring);
	devmem_ring_close(ring);
	lab_close(&lab);
	free(idle);
	free(pair);
}

/* More completions at a time than the queue has room for: the kernel holds them back, or ends
 * receives. */
static void a_small_ring_for_many_sockets(void **state)
{
	struct devmem_ring *ring =
		lab_ring(DEVMEM_OPTS(devmem_ring_opts, .entries = 8, .merge = 1));
	struct lab_flows flows;
	struct devmem_stats st;
	struct lab lab;

	(void)state;
	lab_open(&lab, 32 * MIB, lab_queues_for(4, 96));
	lab_flows_start(&flows, ring, &lab, 96, MIB / 4);
	usleep(300000); /* all of them have something by now */
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 96 * MIB / 4, true);
	print_message("%llu receives armed again for %u sockets\n", (unsigned long long)st.rearms,
		      96);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* ------------------------------------------------------------------------------------- bindings */

static void two_bindings_on_one_ring(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	uint32_t queues[8], first, second;
	struct lab_stream stream[16];
	struct lab_sender *sender[16];
	struct lab_pair pair[16];
	struct devmem_stats st;
	struct lab lab[2];

	(void)state;
	lab_open(&lab[0], 16 * MIB, 2);
	lab_open_as(&lab[1],
		    &(struct lab_opts){
			    .bytes = 8 * MIB, .queues = 2, .port = PORT + 1, .nic = lab[0].nic });
	first = opened_queues(&lab[0], queues, 2);
	second = opened_queues(&lab[1], queues, 2);
	assert_int_equal(first & second, 0);
	assert_int_not_equal(devmem_buffer_id(lab[0].buffer), devmem_buffer_id(lab[1].buffer));
	for (unsigned int i = 0; i < 16; i++) {
		pair[i] = lab_connect(&lab[i % 2], i / 2 % 2);
		lab_attach(ring, &lab[i % 2], pair[i].near, &stream[i]);
		sender[i] = lab_send(pair[i].far, 8 * MIB, 0, true);
	}
	assert_true(lab_drain(ring, &lab[0], stream, 16));
	for (unsigned int i = 0; i < 16; i++) {
		if (!lab_copies())
			assert_true((i % 2 ? second : first) >>
					    ok(devmem_sock_queue(stream[i].sock)) &
				    1);
		assert_true(lab_sent(sender[i]));
		assert_int_equal(stream[i].error, 0);
		assert_int_equal(stream[i].device, 8 * MIB);
		devmem_detach(stream[i].sock);
		close(pair[i].near);
		close(pair[i].far);
	}
	lab_settle(ring);
	st = lab_stats(ring);
	lab_expect(&st, 16 * 8 * MIB, true);
	lab_close(&lab[1]);
	devmem_ring_close(ring);
	lab_close(&lab[0]);
}

static void a_port_steered_to_one_queue(void **state)
{
	static const uint32_t five = 5;
	struct devmem_ring *ring;
	struct lab_flows flows;
	struct devmem_stats st;
	struct lab lab;

	(void)state;
	lab_cannot_copy("nothing is steered");
	ring = lab_ring(NULL);
	lab_open_as(&lab,
		    &(struct lab_opts){ .bytes = 16 * MIB, .queues = 1, .queue_list = &five });
	lab_flows_start(&flows, ring, &lab, 16, MIB);
	lab_flows_receive(&flows, 16 * MIB);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(ok(devmem_sock_queue(flows.stream[i].sock)), 5);
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 16 * MIB, true);
	devmem_ring_close(ring);
	lab_close(&lab);
}

#define ROUNDS 150

/* Attached, half read and detached over and over: slots, sets and descriptors are used again. */
static void sockets_come_and_go(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_event ev[64], late;
	struct lab lab;

	(void)state;
	lab_open(&lab, 16 * MIB, lab_queues_for(2, ROUNDS));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct lab_pair pair = lab_connect(&lab, round % 2);
		struct lab_sender *sender;
		struct lab_stream stream;
		int n;

		lab_attach(ring, &lab, pair.near, &stream);
		sender = lab_send(pair.far, 300000, 0, round % 3 == 0);
		do {
			n = ok(devmem_wait(ring, ev, 64, 10000));
			assert_true(n > 0);
			lab_check(&lab, ev, n);
			if (stream.position < 100000)
				ok(devmem_release(ring, ev, (unsigned int)n));
		} while (stream.position < 100000);
		devmem_detach(stream.sock);
		shutdown(pair.near, SHUT_RDWR);
		close(pair.near);
		if (round % 5)
			assert_int_equal(ok(devmem_wait(ring, &late, 1, 0)), 0);
		ok(devmem_release(ring, ev, (unsigned int)n));
		lab_sent(sender);
		close(pair.far);
	}
	lab_settle(ring);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* lab_scale [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(sockets_of_four_threads_on_one_binding),
		LAB_TEST(many_idle_and_a_few_busy_ones),
		LAB_TEST(a_small_ring_for_many_sockets),
		LAB_TEST(two_bindings_on_one_ring),
		LAB_TEST(a_port_steered_to_one_queue),
		LAB_TEST(sockets_come_and_go),
	};

	lab_count_mappings(argv);
	lab_begin(argc, argv);
	return lab_run("scale", tests, eight_queues, four_queues);
}
