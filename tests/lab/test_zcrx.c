// SPDX-License-Identifier: MIT
/*
 * What only zero-copy receive by io_uring has: a queue that belongs to one ring, a refill ring that
 * can be full, and bytes that it cannot have. The rest of its tests are those of every engine, with
 * DEVMEM_TEST_ENGINE=zcrx.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB (1u << 20)

static const uint32_t queue_1 = 1, queue_2 = 2;

static int look_after(void **state)
{
	lab_faults_off();
	return lab_look_after(state);
}

/* What comes between accept and attach lies in the buffer if the ring took the queue before;
 * otherwise it was copied. */
static void receive_what_came_before(bool prepared)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_sender *sender;
	struct lab_stream stream;
	struct devmem_stats st;
	struct lab_pair pair;
	struct lab lab;

	lab_open(&lab, 8 * MIB, 1);
	if (prepared) {
		ok(devmem_ring_prepare(ring, lab.binding));
		ok(devmem_ring_prepare(ring, lab.binding));
	}
	pair = lab_connect(&lab, false);
	sender = lab_send(pair.far, 20000, 0, true);
	assert_true(lab_sent(sender));
	usleep(100000);
	lab_attach(ring, &lab, pair.near, &stream);
	assert_true(lab_drain(ring, &lab, &stream, 1));
	lab_settle(ring);
	st = lab_stats(ring);
	assert_int_equal(st.bytes_device, prepared ? 20000 : 0);
	assert_int_equal(st.bytes_plain, prepared ? 0 : 20000);
	devmem_detach(stream.sock);
	close(pair.near);
	close(pair.far);
	devmem_ring_close(ring);
	lab_close(&lab);
}

static void a_ring_takes_the_queue_before_the_first_connection(void **state)
{
	(void)state;
	receive_what_came_before(false);
	receive_what_came_before(true);
}

static void what_cannot_be_prepared(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL), *other = lab_ring(NULL), *plain;
	struct devmem_buffer *buffer = lab_buffer(MIB);
	struct devmem_binding *tx;
	struct lab lab;

	(void)state;
	lab_open(&lab, 8 * MIB, 1);
	ok(devmem_bind_tx(NIC, buffer, NULL, &tx));
	ok(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "devmem"), &plain));
	assert_int_equal(devmem_ring_prepare(NULL, lab.binding), -EINVAL);
	assert_int_equal(devmem_ring_prepare(ring, NULL), -EINVAL);
	assert_int_equal(devmem_ring_prepare(ring, tx), -EINVAL);
	assert_int_equal(devmem_ring_prepare(plain, lab.binding), -EOPNOTSUPP);
	ok(devmem_ring_prepare(ring, lab.binding));
	assert_int_equal(devmem_ring_prepare(other, lab.binding), -EBUSY);
	devmem_binding_close(tx);
	devmem_buffer_close(buffer);
	devmem_ring_close(plain);
	devmem_ring_close(other);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* The reader keeps what it has until nothing comes, and gives back more at a time than the ring has
 * room for. */
static void a_tiny_refill_ring_loses_nothing(void **state)
{
	struct devmem_ring *ring =
		lab_ring(DEVMEM_OPTS(devmem_ring_opts, .refill_entries = 8, .merge = 1));
	static struct devmem_event kept[16384];
	struct lab_sender *sender;
	struct lab_stream stream;
	struct devmem_stats st;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	lab_open(&lab, 8 * MIB, 1);
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	sender = lab_send(pair.far, 32 * MIB, 0, true);
	while (!stream.ended) {
		unsigned int n = 0;
		int got;

		while (n < 1024 && (got = ok(devmem_wait(ring, kept + n, 16384 - n, 300)))) {
			lab_check(&lab, kept + n, got);
			n += (unsigned int)got;
		}
		assert_true(n > 0);
		ok(devmem_release(ring, kept, n));
		assert_int_equal(devmem_release(ring, kept, 1),
				 kept[0].type == DEVMEM_EVENT_DATA ? -EINVAL : 0);
	}
	assert_true(lab_sent(sender));
	lab_settle(ring);
	st = lab_stats(ring);
	print_message("%llu of %llu fragments had to wait for room\n",
		      (unsigned long long)st.refill_waits, (unsigned long long)st.fragments);
	assert_true(st.refill_waits > 0);
	lab_expect(&st, 32 * MIB, true);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

static void a_second_ring_must_wait_for_the_first(void **state)
{
	struct devmem_ring *first = lab_ring(NULL), *second = lab_ring(NULL);
	struct lab_stream stream;
	struct devmem_sock *sock = (void *)1;
	struct lab_flows flows;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	lab_open(&lab, 8 * MIB, 1);
	pair = lab_connect(&lab, false);
	lab_attach(first, &lab, pair.near, &stream);
	assert_int_equal(devmem_attach(second, pair.near, lab.binding, 0, NULL, &sock), -EBUSY);
	assert_non_null(strstr(devmem_error(), "another ring"));
	assert_ptr_equal(sock, (void *)1);
	devmem_detach(stream.sock);
	/* still */
	assert_int_equal(devmem_attach(second, pair.near, lab.binding, 0, NULL, &sock), -EBUSY);
	devmem_ring_close(first);
	lab_flows_start(&flows, second, &lab, 4, 4 * MIB);
	lab_flows_finish(&flows);
	assert_int_equal(lab_stats(second).bytes_device, 16 * MIB);
	devmem_ring_close(second);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

/* What was out and what was queued goes back with the ring; the buffer then serves others, by
 * either engine. */
static void a_ring_closed_with_fragments_out_frees_the_buffer(void **state)
{
	static const char *const next[] = { "zcrx", "devmem", "zcrx", "copy" };
	struct devmem_event ev[256];
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	void *memory;

	(void)state;
	buffer = lab_buffer(8 * MIB);
	ok(devmem_buffer_map(buffer, &memory));
	for (int i = 0; i < 4; i++) {
		struct devmem_ring *ring;
		struct lab lab = { .port = PORT,
				   .memory = memory,
				   .buffer = buffer,
				   .listener = lab_listen(PORT) };
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
		struct lab_sender *sender;
		struct lab_stream stream;
		struct lab_pair pair;

		ok(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = next[i]), &ring));
		ok(devmem_nic_open(NIC, NULL, &nic));
		ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = next[i]),
				  &lab.binding));
		ok(devmem_steer(lab.binding, (struct sockaddr *)&v4, NULL));
		pair = lab_connect(&lab, false);
		lab_attach(ring, &lab, pair.near, &stream);
		sender = lab_send(pair.far, 64 * MIB, 0, false);
		while (stream.position < 4 * MIB) {
			int n = ok(devmem_wait(ring, ev, 256, 5000));

			assert_true(n > 0);
			lab_check(&lab, ev, n);
		}
		assert_true(lab_stats(ring).tokens_outstanding > 0);
		devmem_ring_close(ring);
		shutdown(pair.near, SHUT_RDWR);
		close(pair.near);
		lab_sent(sender);
		close(pair.far);
		close(lab.listener);
		devmem_binding_close(lab.binding);
		ok(devmem_nic_close(nic));
	}
	devmem_buffer_close(buffer);
}

/* -------------------------------------------------------------------------------------- threads */

struct worker {
	pthread_t thread;
	struct lab lab;
	struct lab_pair pair[4];
	struct lab_stream stream[4];
	struct lab_sender *sender[4];
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_stats st;

	/* the queue is taken with the first socket: what is sent before that comes another way */
	for (int i = 0; i < 4; i++)
		lab_attach(ring, &w->lab, w->pair[i].near, &w->stream[i]);
	for (int i = 0; i < 4; i++)
		w->sender[i] = lab_send(w->pair[i].far, 8 * MIB, 0, true);
	assert_true(lab_drain(ring, &w->lab, w->stream, 4));
	for (int i = 0; i < 4; i++)
		devmem_detach(w->stream[i].sock);
	lab_settle(ring);
	st = lab_stats(ring);
	lab_expect(&st, 4 * 8 * MIB, true);
	devmem_ring_close(ring);
	return NULL;
}

static void two_threads_with_a_binding_each(void **state)
{
	struct worker *w = calloc(2, sizeof(*w));

	(void)state;
	lab_open_as(&w[0].lab, &(struct lab_opts){ .bytes = 16 * MIB, .queues = 1 });
	lab_open_as(&w[1].lab, &(struct lab_opts){ .bytes = 16 * MIB,
						   .queues = 1,
						   .port = PORT + 1,
						   .nic = w[0].lab.nic });
	for (int t = 0; t < 2; t++)
		for (int i = 0; i < 4; i++)
			w[t].pair[i] = lab_connect(&w[t].lab, i % 2);
	for (int t = 0; t < 2; t++)
		pthread_create(&w[t].thread, NULL, work, &w[t]);
	for (int t = 0; t < 2; t++)
		pthread_join(w[t].thread, NULL);
	for (int t = 1; t >= 0; t--) {
		for (int i = 0; i < 4; i++) {
			assert_true(lab_sent(w[t].sender[i]));
			assert_int_equal(w[t].stream[i].position, 8 * MIB);
			close(w[t].pair[i].near);
			close(w[t].pair[i].far);
		}
		lab_close(&w[t].lab);
	}
	free(w);
}

/* -------------------------------------------------------------------------- what it cannot have */

/* What comes, checked and given back. */
static void turn(struct devmem_ring *ring, struct lab *lab)
{
	struct devmem_event ev[128];
	int n = ok(devmem_wait(ring, ev, 128, 10000));

	assert_true(n > 0);
	lab_check(lab, ev, n);
	ok(devmem_release(ring, ev, (unsigned int)n));
}

/* Until the stream has so many more bytes of a kind. */
static void receive(struct devmem_ring *ring, struct lab *lab, const struct lab_stream *stream,
		    const uint64_t *kind, uint64_t more)
{
	const uint64_t target = *kind + more;

	while (*kind < target) {
		turn(ring, lab);
		if (stream->ended)
			fail_msg("it ended with %d: %s", stream->error, devmem_error());
	}
}

/* The sentence is looked at before anything else can fail. */
static void until_it_breaks(struct devmem_ring *ring, struct lab *lab, struct lab_stream *stream,
			    const char *word)
{
	while (!stream->ended)
		turn(ring, lab);
	assert_non_null(strstr(devmem_error(), word));
	assert_true(stream->error < 0);
	devmem_detach(stream->sock);
}

/* Unsplit packets and another queue, a few and then none: it goes on by copying, and comes back
 * each time. */
static void it_copies_for_a_while_and_comes_back(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	static const char *const faults[] = { "nosplit_every", "misroute_every" };
	struct lab_sender *sender;
	struct lab_stream stream;
	struct devmem_stats st;
	struct lab_pair pair;
	const char *reason;
	struct lab lab;

	(void)state;
	/* as much as TCP may have on its way: a queue that runs dry would be another test, and a
	 * long one */
	lab_open_as(&lab,
		    &(struct lab_opts){ .bytes = 64 * MIB, .queues = 1, .queue_list = &queue_1 });
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	sender = lab_send(pair.far, 256 * MIB, 0, false);
	for (int round = 0; round < 6; round++) {
		lab_fault(faults[round % 2], 7);
		receive(ring, &lab, &stream, &stream.host, 50000);
		lab_fault(faults[round % 2], 0);
		receive(ring, &lab, &stream, &stream.device, 2 * MIB);
	}
	st = lab_stats(ring);
	print_message("%llu fallbacks, %u switches\n", (unsigned long long)st.fallbacks,
		      stream.switches);
	assert_true(st.fallbacks >= 6);
	assert_int_equal(st.bytes_linear + st.bytes_plain, stream.host);
	assert_int_equal(st.bytes_device, stream.device);
	devmem_ring_engine(ring, &reason);
	assert_non_null(strstr(reason, "copied"));
	devmem_detach(stream.sock);
	shutdown(pair.near, SHUT_RDWR);
	lab_reset(pair.far);
	lab_sent(sender);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

/* Split in the wrong place and merged by GRO: the connection ends, with a sentence that says what
 * to do. */
static void what_gro_merged_breaks_the_connection(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	lab_open(&lab, 16 * MIB, 1);
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	lab_fault("nosplit_every", 7);
	run("ethtool -K " NIC " gro on");
	sender = lab_send(pair.far, 64 * MIB, 0, false);
	until_it_breaks(ring, &lab, &stream, "GRO");
	close(pair.near);
	lab_settle(ring);
	lab_sent(sender);
	close(pair.far);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* A second queue has other memory, by engine devmem: all, or some, of the packets are to come
 * through it. */
struct other {
	struct devmem_binding *binding;
	struct devmem_buffer *buffer;
};

static void open_other(struct other *other, struct lab *lab, struct lab_stream *stream)
{
	void *memory;

	other->buffer = lab_buffer(16 * MIB);
	ok(devmem_buffer_map(other->buffer, &memory));
	ok(devmem_bind_rx(lab->nic, other->buffer,
			  DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .queue_list = &queue_2,
				      .engine = "devmem"),
			  &other->binding));
	stream->foreign = memory;
}

static void close_other(const struct other *other)
{
	devmem_binding_close(other->binding);
	devmem_buffer_close(other->buffer);
}

/*
 * Memory of another binding, with a zero-copy packet and one of its own in one piece of the
 * kernel's, can be had neither way: the connection ends, with a sentence, and nothing hangs.
 */
static void bytes_in_memory_of_two_bindings_break_the_connection(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab_pair pair;
	struct other other;
	struct lab lab;

	(void)state;
	lab_open_as(&lab,
		    &(struct lab_opts){ .bytes = 16 * MIB, .queues = 1, .queue_list = &queue_1 });
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	open_other(&other, &lab, &stream);
	lab_fault("misroute_every", 7);
	sender = lab_send(pair.far, 64 * MIB, 0, false);
	until_it_breaks(ring, &lab, &stream, "through a queue that another program has");
	close(pair.near);
	lab_settle(ring);
	lab_sent(sender);
	close(pair.far);
	devmem_ring_close(ring);
	close_other(&other);
	lab_close(&lab);
}

/*
 * Alone they are received as messages. Their tokens are the kernel's and no pages of ours: taken
 * for those, 64 MiB would not go through 16 MiB of memory. Some are out when the ring is closed.
 */
static void bytes_in_memory_of_another_binding_go_back_to_it(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_event ev[64];
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab_pair pair;
	struct other other;
	uint64_t split;
	struct lab lab;
	int n = 0;

	(void)state;
	lab_open_as(&lab,
		    &(struct lab_opts){ .bytes = 16 * MIB, .queues = 1, .queue_list = &queue_1 });
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	open_other(&other, &lab, &stream);
	lab_fault("misroute_every", 1);
	split = lab_counter("rx1_split");
	sender = lab_send(pair.far, 66 * MIB, 0, false);
	receive(ring, &lab, &stream, &stream.device, 64 * MIB);
	assert_int_equal(stream.host, 0);
	while (!n)
		n = ok(devmem_wait(ring, ev, 64, 1000));
	assert_int_equal(ev[0].type, DEVMEM_EVENT_DATA);
	assert_int_equal(ev[0].buffer, 0);
	assert_int_equal(lab_counter("rx1_split"), split);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	shutdown(pair.near, SHUT_RDWR);
	lab_reset(pair.far);
	lab_sent(sender);
	close(pair.near);
	close(pair.far);
	close_other(&other);
	lab_close(&lab);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_look_before, look_after)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ring_takes_the_queue_before_the_first_connection),
		TEST(what_cannot_be_prepared),
		TEST(a_tiny_refill_ring_loses_nothing),
		TEST(a_second_ring_must_wait_for_the_first),
		TEST(a_ring_closed_with_fragments_out_frees_the_buffer),
		TEST(two_threads_with_a_binding_each),
		TEST(it_copies_for_a_while_and_comes_back),
		TEST(what_gro_merged_breaks_the_connection),
		TEST(bytes_in_memory_of_two_bindings_break_the_connection),
		TEST(bytes_in_memory_of_another_binding_go_back_to_it),
	};

	setenv("DEVMEM_TEST_ENGINE", "zcrx", 1);
	lab_begin(argc, argv);
	return lab_run("zcrx", tests, NULL, NULL);
}
