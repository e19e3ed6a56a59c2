// SPDX-License-Identifier: MIT
/*
 * The NIC misbehaves while many sockets receive: every byte comes, in order, and at the end the
 * kernel has every fragment back. Each test shows by a counter that its fault has happened.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB (1u << 20)

static const uint32_t queue_1 = 1, queue_2 = 2;

/* @n streams of @bytes under the faults that are set; @array events at a time. */
static struct devmem_stats transfer(struct lab *lab, const struct devmem_ring_opts *opts,
				    unsigned int n, uint64_t bytes, unsigned int array,
				    unsigned int *switches)
{
	struct devmem_ring *ring = lab_ring(opts);
	struct lab_flows flows;
	struct devmem_stats st;

	lab_flows_start(&flows, ring, lab, n, bytes);
	flows.array = array;
	lab_flows_receive(&flows, n * bytes);
	if (switches)
		for (unsigned int i = 0; i < n; i++)
			*switches += flows.stream[i].switches;
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, n * bytes, false);
	devmem_ring_close(ring);
	return st;
}

/* ------------------------------------------------------------------------- bytes in host memory */

static void payload_that_stays_with_the_headers(void **state)
{
	/* what a header buffer of 256 bytes has room for beside headers of IPv6 */
	static const unsigned long bytes[] = { 1, 64, 128, 256 - 14 - 40 - 32 };

	lab_cannot_copy("the NIC is asked to split nothing");
	for (int i = 0; i < 4; i++) {
		uint64_t before = lab_counter("fault_unsplit");
		struct devmem_stats st;
		unsigned int switches = 0;

		lab_fault("nosplit_bytes", bytes[i]);
		lab_fault("nosplit_every", 3);
		st = transfer(*state, NULL, 4, 2 * MIB, 128, &switches);
		assert_true(lab_counter("fault_unsplit") > before);
		assert_true(st.bytes_linear > 0 && st.bytes_device > 0);
		assert_int_equal(st.bytes_plain, 0);
		assert_true(switches > 100);
	}
}

static void packets_that_are_not_split_at_all(void **state)
{
	struct devmem_stats st;
	unsigned int switches = 0;

	lab_cannot_copy("the NIC is asked to split nothing");
	lab_needs("unsplit");
	lab_fault("nosplit_bytes", 0);
	lab_fault("nosplit_every", 5);
	st = transfer(*state, NULL, 4, 4 * MIB, 128, &switches);
	assert_true(st.bytes_linear + st.bytes_plain > MIB);
	assert_true(st.bytes_device > MIB);
	assert_true(switches > 100);
}

static void every_packet_is_unsplit(void **state)
{
	struct devmem_stats st;

	lab_cannot_copy("the NIC is asked to split nothing");
	lab_fault("nosplit_bytes", 128);
	lab_fault("nosplit_every", 1);
	st = transfer(*state, NULL, 4, 2 * MIB, 128, NULL);
	assert_true(st.bytes_linear > 0);
	if (!lab_nic_can("unsplit"))
		return;
	lab_fault("nosplit_bytes", 0);
	st = transfer(*state, NULL, 4, 2 * MIB, 128, NULL);
	assert_int_equal(st.bytes_device, 0);
}

/* Plain bytes between device bytes on one connection. */
static void packets_through_a_queue_that_is_not_bound(void **state)
{
	static const unsigned long every[] = { 1, 2, 7 };

	for (int i = 0; i < 3; i++) {
		uint64_t before = lab_counter("fault_misrouted");
		struct devmem_stats st;
		unsigned int switches = 0;

		lab_fault("misroute_every", every[i]);
		st = transfer(*state, NULL, 4, 4 * MIB, 128, &switches);
		assert_true(lab_counter("fault_misrouted") > before);
		assert_true(st.bytes_plain > 0);
		if (every[i] == 1 || lab_copies())
			continue;
		assert_true(st.bytes_device > 0);
		assert_true(switches > 20);
	}
}

/*
 * ... and through one that is bound to other memory. Its fragments do not name that: a socket knows
 * only the binding that it was attached with.
 */
static void packets_through_a_queue_of_another_binding(void **state)
{
	struct lab *lab = *state;
	struct devmem_binding *binding;
	struct devmem_buffer *buffer;
	struct devmem_ring *ring;
	struct lab_flows flows;
	void *memory;

	lab_cannot_copy("it cannot read device memory of somebody's binding");
	lab_cannot("zcrx", "it cannot read device memory of another binding: the connection breaks "
			   "(test_zcrx.c)");
	ring = lab_ring(NULL);
	buffer = lab_buffer(16 * MIB);
	ok(devmem_buffer_map(buffer, &memory));
	binding = lab_bind(lab->nic, buffer, 1, &queue_2);
	lab_fault("misroute_every", 3);
	lab_flows_start(&flows, ring, lab, 4, 8 * MIB);
	for (unsigned int i = 0; i < 4; i++)
		flows.stream[i].foreign = memory;
	lab_flows_finish(&flows);
	assert_int_equal(lab_stats(ring).bytes_plain, 0);
	assert_true(lab_counter("rx2_split") > 0);
	devmem_ring_close(ring);
	devmem_binding_close(binding);
	devmem_buffer_close(buffer);
}

/* ----------------------------------------------------------------------------------- a bad wire */

static void drops_reordering_and_delays(void **state)
{
	lab_fault("drop_every", 53);
	lab_fault("reorder_every", 31);
	lab_fault("delay_every", 41);
	lab_fault("delay_us", 3000);
	transfer(*state, NULL, 8, 2 * MIB, 128, NULL);
	assert_true(lab_counter("fault_dropped") > 0);
	assert_true(lab_counter("fault_reordered") > 0);
	assert_true(lab_counter("fault_delayed") > 0);
}

/* Nobody verified their checksums; the kernel cannot either, warns of it once, and drops them. What
 * comes again is right. */
static void bytes_that_change_on_the_way(void **state)
{
	const uint64_t before = lab_counter("fault_corrupted");

	if (!lab_copies())
		lab_expect_warning("skb_checksum");
	lab_fault("corrupt_every", 97);
	transfer(*state, NULL, 8, 2 * MIB, 128, NULL);
	assert_true(lab_counter("fault_corrupted") > before);
}

static bool checksums_are_verified(void)
{
	return !system("ethtool -k " NIC " | grep -q 'rx-checksumming: on'");
}

/* Without the NIC's checksums nothing would arrive: they are on as long as a queue is bound. */
static void checksums_are_turned_on_for_the_binding(void **state)
{
	struct lab_flows flows;
	struct lab lab;
	struct devmem_ring *ring;

	(void)state;
	lab_cannot_copy("the processor verifies what it copies");
	run("ethtool -K " NIC " rx off >/dev/null");
	assert_false(checksums_are_verified());
	lab_open(&lab, 16 * MIB, 1);
	assert_true(checksums_are_verified());
	ring = lab_ring(NULL);
	lab_flows_start(&flows, ring, &lab, 2, MIB);
	lab_flows_finish(&flows);
	devmem_ring_close(ring);
	lab_close(&lab);
	assert_false(checksums_are_verified());
	run("ethtool -K " NIC " rx on >/dev/null");
}

/* Where the settings are somebody else's it is an error, in which case nothing has changed. */
static void checksums_that_are_others_affair(void **state)
{
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct devmem_nic *nic;
	const uint32_t queue = 1;

	(void)state;
	lab_cannot_copy("the processor verifies what it copies");
	run("ethtool -K " NIC " rx off >/dev/null");
	buffer = lab_buffer(4 * MIB);
	ok(devmem_nic_open(NIC, DEVMEM_OPTS(devmem_nic_opts, .flags = DEVMEM_NIC_KEEP), &nic));
	assert_int_equal(devmem_bind_rx(nic, buffer,
					DEVMEM_OPTS(devmem_bind_opts,
						    .engine = lab_in("zcrx") ? "zcrx" : "devmem",
						    .queues = 1, .queue_list = &queue),
					&binding),
			 -EPROTONOSUPPORT);
	assert_non_null(strstr(devmem_error(), "checksums"));
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
	run("ethtool -K " NIC " rx on >/dev/null");
}

static void all_faults_at_once_on_32_sockets(void **state)
{
	uint64_t dropped = lab_counter("fault_dropped"), reordered = lab_counter("fault_reordered");
	unsigned int switches = 0;
	struct devmem_stats st;

	lab_fault("drop_every", 211);
	lab_fault("reorder_every", 67);
	lab_fault("delay_every", 97);
	lab_fault("nosplit_every", 11);
	lab_fault("misroute_every", 13);
	st = transfer(*state, NULL, 32, MIB, 128, &switches);
	assert_true(lab_counter("fault_dropped") > dropped &&
		    lab_counter("fault_reordered") > reordered);
	assert_true(st.bytes_plain > 0);
	if (lab_copies())
		return;
	assert_true(st.bytes_linear > 0 && st.bytes_device > 0);
	assert_true(switches > 100);
}

/* Takes what comes until nothing does for a while. */
static void receive_until_silence(struct devmem_ring *ring, struct lab *lab)
{
	struct devmem_event ev[128];
	int n;

	while ((n = ok(devmem_wait(ring, ev, 128, 500)))) {
		lab_check(lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
}

static void a_queue_without_buffers_stalls_and_recovers(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	/* that the flows may come through */
	const unsigned int queues = lab_copies() ? 15 : 1u << queue_1;
	uint64_t before = lab_counter("overruns");
	struct lab_flows flows;

	lab_flows_start(&flows, ring, lab, 4, 24 * MIB);
	for (unsigned int round = 1; round <= 3; round++) {
		lab_flows_receive(&flows, round * 8 * MIB);
		lab_fault("starve", queues);
		receive_until_silence(ring, lab);
		assert_false(flows.stream[0].ended);
		lab_fault("starve", 0);
	}
	assert_true(lab_counter("overruns") > before);
	lab_flows_finish(&flows);
	devmem_ring_close(ring);
}

static void the_link_goes_down_and_up(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_stats st;
	struct lab_flows flows;

	lab_flows_start(&flows, ring, lab, 4, 24 * MIB);
	for (unsigned int round = 1; round <= 3; round++) {
		lab_flows_receive(&flows, round * 16 * MIB);
		lab_fault("link", 0);
		run("ip link show " NIC " | grep -q NO-CARRIER");
		lab_await_link(ring, lab, 0);
		receive_until_silence(ring, lab);
		assert_false(flows.stream[0].ended && flows.stream[0].position < flows.bytes);
		lab_fault("link", 1);
		lab_await_link(ring, lab, 1);
	}
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 96 * MIB, true);
	devmem_ring_close(ring);
}

/* ----------------------------------------------------------------------------- queues made anew */

/* Another user of the NIC, on another queue. */
struct binder {
	pthread_t thread;
	struct devmem_buffer *buffer;
	const uint32_t *queue;
	atomic_uint rounds;
	atomic_bool stop;
};

static void *bind_and_unbind(void *arg)
{
	struct binder *b = arg;

	while (!b->stop) {
		struct devmem_binding *binding;
		struct devmem_nic *nic;

		ok(devmem_nic_open(NIC, NULL, &nic));
		ok(devmem_bind_rx(nic, b->buffer,
				  DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .queue_list = b->queue,
					      .engine = "devmem"),
				  &binding));
		usleep(20000);
		devmem_binding_close(binding);
		ok(devmem_nic_close(nic));
		b->rounds++;
		/* nobody else has header split on, so each round restarts the whole NIC twice: TCP
		 * must get a word in */
		usleep(lab_copies() ? 300000 : 0);
	}
	return NULL;
}

static void start_binder(struct binder *b, const uint32_t *queue)
{
	memset(b, 0, sizeof(*b));
	b->queue = queue;
	ok(devmem_buffer_create("udmabuf", 16 * MIB, NULL, &b->buffer));
	pthread_create(&b->thread, NULL, bind_and_unbind, b);
}

static void stop_binder(struct binder *b)
{
	b->stop = true;
	pthread_join(b->thread, NULL);
	devmem_buffer_close(b->buffer);
}

static void other_queues_are_bound_and_unbound(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_flows flows;
	struct binder binder;
	uint64_t received = 0;

	start_binder(&binder, &queue_2);
	do {
		lab_flows_start(&flows, ring, *state, 4, 8 * MIB);
		lab_flows_finish(&flows);
		received += 32 * MIB;
	} while (binder.rounds < 10);
	assert_int_equal(lab_stats(ring).bytes_plain, lab_copies() ? received : 0);
	devmem_ring_close(ring);
	stop_binder(&binder);
}

/* The rings and bindings of the NIC change while streams run; what is rebound carries nobody's
 * bytes. */
static void the_next_queue_cannot_be_restarted(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_binding *binding;
	const uint64_t received = 32 * MIB;
	struct devmem_buffer *buffer;
	struct lab_flows flows;

	buffer = lab_buffer(16 * MIB);
	lab_flows_start(&flows, ring, lab, 4, 8 * MIB);
	for (unsigned int round = 0; round < 6; round++) {
		const char *fault = round % 2 && lab_has_fault("fail_queue_alloc") ? "fail_queue_"
										     "alloc"
										   : "fail_queue_"
										     "start";

		lab_fault(fault, 1);
		assert_true(devmem_bind_rx(lab->nic, buffer,
					   DEVMEM_OPTS(devmem_bind_opts, .queues = 1,
						       .queue_list = &queue_2, .engine = "devmem"),
					   &binding) < 0);
		lab_fault(fault, 0);
		lab_flows_receive(&flows, (round + 1) * 4 * MIB);
	}
	lab_flows_finish(&flows);
	if (lab_copies() || lab_nic_can("kept-rules")) /* gve resets itself when it fails */
		assert_int_equal(lab_stats(ring).bytes_plain, lab_copies() ? received : 0);
	devmem_ring_close(ring);
	devmem_buffer_close(buffer);
}

/* All queues stop, what they held is lost, and bound ones come back bound. */
static void the_ring_size_changes(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_stats st;
	const unsigned int before = lab_ring_entries();
	struct lab_flows flows;

	lab_flows_start(&flows, ring, *state, 4, 16 * MIB);
	for (unsigned int round = 0; round < 6; round++) {
		lab_flows_receive(&flows, (round + 1) * 8 * MIB);
		lab_set_ring_entries(round % 2 ? before : 2 * lab_ring_entries_min());
	}
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 64 * MIB, true);
	devmem_ring_close(ring);
}

/* The interface goes down and up: routes and neighbours go with it, connections and bindings
 * stay. */
static void the_interface_goes_down_and_up(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_stats st;
	struct lab_flows flows;

	lab_flows_start(&flows, ring, lab, 4, 32 * MIB);
	lab_flows_receive(&flows, 16 * MIB);
	run("ip link set " NIC " down");
	lab_await_link(ring, lab, 0);
	receive_until_silence(ring, lab);
	assert_false(flows.stream[0].ended);
	run("ip link set " NIC " up");
	lab_await_link(ring, lab, 1);
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 128 * MIB, true);
	devmem_ring_close(ring);
}

/* --------------------------------------------------------------------- arrays, buffers, readers */

static void arrays_of_any_size(void **state)
{
	static const unsigned int sizes[] = { 1, 2, 7, 1000, 4096 };

	lab_fault("nosplit_every", 3);
	lab_fault("misroute_every", 5);
	for (int i = 0; i < 5; i++)
		for (uint32_t merge = 0; merge < 3; merge++) {
			struct devmem_ring_opts opts = { .size = sizeof(opts), .merge = merge };
			struct devmem_stats st = transfer(*state, &opts, 4, MIB, sizes[i], NULL);

			assert_true(st.bytes_plain > 0);
			if (!lab_copies())
				assert_true(st.bytes_linear > 0 && st.bytes_device > 0);
		}
}

static void small_receive_buffers(void **state)
{
	lab_cannot_copy("it has no receive buffers");
	lab_fault("nosplit_every", 3);
	lab_fault("misroute_every", 5);
	for (uint32_t buffers = 1; buffers <= 4; buffers *= 2)
		for (uint32_t bytes = 4096; bytes <= 16384; bytes *= 4) {
			struct devmem_ring_opts opts = { .size = sizeof(opts),
							 .buffers = buffers,
							 .buffer_bytes = bytes };
			struct devmem_stats st = transfer(*state, &opts, 8, MIB / 2, 128, NULL);

			assert_true(st.no_buffers > 0);
		}
}

/* Fewer entries than what a turn wants to hand in. */
static void a_small_submission_queue(void **state)
{
	lab_fault("nosplit_every", 3);
	transfer(*state, DEVMEM_OPTS(devmem_ring_opts, .entries = 1, .merge = 1), 16, 2 * MIB, 4096,
		 NULL);
}

/* The reader keeps host bytes until receiving has paused, then gives them back. */
static void host_bytes_that_are_kept_pause_receiving(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring;
	struct devmem_event kept[512];
	struct lab_flows flows;
	unsigned int pauses = 0;

	lab_cannot_copy("it has no receive buffers; chunks that are kept pause it in test_copy.c");
	ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .buffers = 2, .buffer_bytes = 4096));
	if (lab_nic_can("unsplit")) {
		lab_fault("nosplit_bytes", 0);
		lab_fault("nosplit_every", 1);
	} else {
		lab_fault("misroute_every", 1);
	}
	lab_flows_start(&flows, ring, lab, 3, 40000);
	while (!flows.stream[0].ended || !flows.stream[1].ended || !flows.stream[2].ended) {
		unsigned int n = 0;
		int got;

		while ((got = ok(devmem_wait(ring, kept + n, 512 - n, 200)))) {
			lab_check(lab, kept + n, got);
			n += (unsigned int)got;
		}
		if (!n)
			continue; /* the senders had no processor for so long */
		pauses++;
		ok(devmem_release(ring, kept, n));
	}
	assert_true(pauses > 4 && lab_stats(ring).no_buffers > 0);
	lab_flows_finish(&flows);
	devmem_ring_close(ring);
}

/* One keeps up to 8 MiB of its fragments for a while; the other is not held up. */
static void a_slow_reader_next_to_a_fast_one(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	static struct devmem_event kept[65536];
	unsigned int kept_n = 0;
	struct lab_sender *sender[2];
	struct lab_stream stream[2];
	struct lab_pair pair[2];
	struct devmem_event ev[64];
	bool fast_first = false;

	for (int i = 0; i < 2; i++) {
		pair[i] = lab_connect(lab, i);
		lab_attach(ring, lab, pair[i].near, &stream[i]);
	}
	sender[0] = lab_send(pair[0].far, 8 * MIB, 0, false);
	sender[1] = lab_send(pair[1].far, 64 * MIB, 0, true);
	while (stream[0].position < 8 * MIB || !stream[1].ended) {
		int n = ok(devmem_wait(ring, ev, 64, 10000));

		assert_true(n > 0);
		lab_check(lab, ev, n);
		for (int i = 0; i < n; i++) {
			if (ev[i].user_data == (uintptr_t)&stream[0])
				kept[kept_n++] = ev[i];
			else
				ok(devmem_release(ring, &ev[i], 1));
		}
		fast_first |= stream[1].ended;
	}
	assert_true(fast_first); /* with 8 MiB of the other one's out */
	stream[0].position = 0;	 /* what it kept was not overwritten */
	lab_check(lab, kept, (int)kept_n);
	ok(devmem_release(ring, kept, kept_n));
	assert_true(lab_sent(sender[0]) && lab_sent(sender[1]));
	sender[0] = lab_send_from(pair[0].far, 8 * MIB, 32 * MIB, true);
	assert_true(lab_drain(ring, lab, stream, 2));
	assert_true(lab_sent(sender[0]));
	assert_int_equal(stream[0].position, 40 * MIB);
	lab_settle(ring);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lab_leaked(pair[i].near), 0);
		devmem_detach(stream[i].sock);
		close(pair[i].near);
		close(pair[i].far);
	}
	devmem_ring_close(ring);
}

/* ---------------------------------------------------------------------------------- giving back */

/* A batch that is full is handed in with the next turn, not before; its memory is not to be used
 * until then. */
static void full_batches_between_turns(void **state)
{
	struct lab *lab = *state;

	lab_cannot_copy("nothing is handed to the kernel when fragments come back");
	for (unsigned int array = 600; array <= 2400; array += 600) {
		struct devmem_stats st = transfer(lab, DEVMEM_OPTS(devmem_ring_opts, .merge = 1), 8,
						  8 * MIB, array, NULL);

		assert_true(st.fragments > 8 * 1024);
	}
}

/* A socket is gone from the application's side, and its last release fills a batch exactly. */
static void the_last_release_of_a_detached_socket_fills_a_batch(void **state)
{
	struct lab *lab = *state;
	/* there are no batches; they are as many bytes */
	const unsigned int batch = lab_copies() ? 16 : 1024;

	for (int round = 0; round < 4; round++) {
		struct devmem_ring *ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
		struct lab_pair pair = lab_connect(lab, false), next;
		struct devmem_event ev[1024], late[16];
		struct lab_sender *sender;
		struct lab_stream stream;
		unsigned int n = 0;

		lab_attach(ring, lab, pair.near, &stream);
		sender = lab_send(pair.far, 8 * MIB, 0, false);
		while (n < batch) {
			int got = ok(devmem_wait(ring, ev + n, batch - n, 5000));

			assert_true(got > 0);
			lab_check(lab, ev + n, got);
			for (int i = 0; i < got; i++)
				if (ev[n].type == DEVMEM_EVENT_DATA)
					n++;
				else
					memmove(ev + n, ev + n + 1,
						sizeof(ev[0]) * (size_t)(got - i - 1));
		}
		devmem_detach(stream.sock);
		shutdown(pair.near, SHUT_RDWR);
		for (int i = 0; i < 5; i++)
			assert_int_equal(ok(devmem_wait(ring, late, 16, 10)), 0);
		ok(devmem_release(ring, ev, batch));
		next = lab_connect(lab, false); /* may get the descriptor's number */
		lab_settle(ring);
		assert_int_equal(lab_leaked(pair.near), 0);
		devmem_ring_close(ring);
		/* its window may be shut, and the sender would wait for ever */
		close(pair.near);
		lab_sent(sender);
		close(pair.far);
		close(next.near);
		close(next.far);
	}
}

/* Who never waits for long has their fragments back in the kernel all the same. */
static void a_loop_of_short_waits_gives_everything_back(void **state)
{
	struct lab *lab = *state;

	for (int timeout = 0; timeout <= 4; timeout++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_pair pair = lab_connect(lab, false);
		struct lab_sender *sender;
		struct lab_stream stream;
		struct devmem_event ev[16];

		lab_attach(ring, lab, pair.near, &stream);
		sender = lab_send(pair.far, 20000, 0, false);
		while (stream.position < 20000) {
			int n = ok(devmem_wait(ring, ev, 16, 5000));

			lab_check(lab, ev, n);
			ok(devmem_release(ring, ev, (unsigned int)n));
		}
		for (int i = 0; i < 1000 && lab_stats(ring).tokens_outstanding; i++) {
			assert_int_equal(ok(devmem_wait(ring, ev, 16, timeout)), 0);
			if (timeout == 0)
				usleep(1000);
		}
		if (lab_stats(ring).tokens_outstanding)
			fail_msg("a thousand waits of %d ms did not send the tokens home", timeout);
		assert_true(lab_sent(sender));
		devmem_detach(stream.sock);
		devmem_ring_close(ring);
		close(pair.near);
		close(pair.far);
	}
}

static void say(int far, uint64_t position, size_t bytes)
{
	size_t n;
	const unsigned char *p = pattern_at(position, bytes, &n);

	assert_int_equal(n, bytes);
	assert_int_equal(send(far, p, n, MSG_NOSIGNAL), bytes);
}

/* One message, received and released. */
static void hear(struct lab *lab, struct devmem_ring *ring, const struct lab_stream *stream,
		 uint64_t until)
{
	struct devmem_event ev[16];

	while (stream->position < until) {
		int n = ok(devmem_wait(ring, ev, 16, 5000));

		lab_check(lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
}

/*
 * A tick in the middle of traffic is no silence, and what more than a few sockets hold waits for
 * the next one. But who waited in vain for as long as a tick has nothing out afterwards, whatever
 * ticks there were: that wait may be the last one.
 */
static void a_wait_in_vain_leaves_nothing_behind(void **state)
{
	enum { SOCKETS = 8, ROUNDS = 50, MESSAGE = 64 };
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair[SOCKETS];
	struct lab_stream stream[SOCKETS];
	struct devmem_event ev[16];

	for (int i = 0; i < SOCKETS; i++) {
		pair[i] = lab_connect(lab, false);
		lab_attach_opts(ring, lab, pair[i].near, &stream[i],
				DEVMEM_OPTS(devmem_attach_opts, .lowat = 1));
	}
	for (uint64_t round = 0; round < ROUNDS; round++) {
		/* the first ones arm a tick, the others come before it has passed, in most
		 * rounds */
		for (int i = 0; i < SOCKETS; i++) {
			say(pair[i].far, round * MESSAGE, MESSAGE);
			hear(lab, ring, &stream[i], (round + 1) * MESSAGE);
		}
		assert_int_equal(ok(devmem_wait(ring, ev, 16, 2)), 0);
		assert_int_equal(lab_stats(ring).tokens_outstanding, 0);
	}
	devmem_ring_close(ring);
	for (int i = 0; i < SOCKETS; i++) {
		close(pair[i].near);
		close(pair[i].far);
	}
}

/* 512 MiB through 8 MiB: what is lost on the way is lost for good, and shows. */
static void a_small_buffer_for_a_long_time(void **state)
{
	struct lab *first = *state, lab;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_flows flows;

	lab_open_as(&lab, &(struct lab_opts){ .bytes = 8 * MIB,
					      .queues = 1,
					      .queue_list = &queue_2,
					      .port = PORT + 1,
					      .nic = first->nic });
	lab_flows_start(&flows, ring, &lab, 8, 64 * MIB);
	lab_flows_finish(&flows);
	devmem_ring_close(ring);
	lab_close(&lab);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_set_up, lab_tear_down)

/* lab_faults [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(payload_that_stays_with_the_headers),
		TEST(packets_that_are_not_split_at_all),
		TEST(packets_through_a_queue_of_another_binding),
		TEST(bytes_that_change_on_the_way),
		LAB_TEST(checksums_are_turned_on_for_the_binding),
		LAB_TEST(checksums_that_are_others_affair),
		TEST(drops_reordering_and_delays),
		TEST(all_faults_at_once_on_32_sockets),
		TEST(a_queue_without_buffers_stalls_and_recovers),
		TEST(the_link_goes_down_and_up),
		TEST(other_queues_are_bound_and_unbound),
		TEST(the_next_queue_cannot_be_restarted),
		TEST(the_ring_size_changes),
		TEST(the_interface_goes_down_and_up),
		TEST(arrays_of_any_size),
		TEST(a_small_submission_queue),
		TEST(a_slow_reader_next_to_a_fast_one),
		TEST(full_batches_between_turns),
		TEST(a_small_buffer_for_a_long_time),
		TEST(every_packet_is_unsplit),
		TEST(packets_through_a_queue_that_is_not_bound),
		TEST(small_receive_buffers),
		TEST(host_bytes_that_are_kept_pause_receiving),
		TEST(the_last_release_of_a_detached_socket_fills_a_batch),
		TEST(a_loop_of_short_waits_gives_everything_back),
		TEST(a_wait_in_vain_leaves_nothing_behind),
	};

	lab_begin(argc, argv);
	return lab_run("faults", tests, NULL, NULL);
}
