// SPDX-License-Identifier: MIT
/*
 * The interface goes from under a receiver and comes back: moved to another network namespace,
 * reset by its driver, down, removed. The ring tells, connections go on where they can, and
 * whatever is closed in between, in any order, nothing hangs or is left, and the NIC is as it was
 * if it can be reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB	 (1u << 20)
#define PATIENCE 250 /* seconds for a test: what hangs is ended by SIGALRM */

static int look_before(void **state)
{
	alarm(PATIENCE);
	/* of a test that failed */
	(void)!system("for n in near aside; do for l in decoy blocker; do ip -n $n link del $l "
		      "2>/dev/null; done; done");
	return lab_look_before(state);
}

static int look_after(void **state)
{
	alarm(0);
	return lab_look_after(state);
}

/* --------------------------------------------------------------------------- what happens to it */

/* Addresses and routes are lost with the namespace. */
static void configure(void)
{
	run("ip address add 192.0.2.1/24 dev " NIC " && ip address add 2001:db8:1ab::1/64 dev " NIC
	    " nodad && ip link set " NIC " mtu 9000 up");
}

static void move_away(void)
{
	run("ip link set " NIC " netns aside");
}

static void move_back(void)
{
	run("ip -n aside link set " NIC " netns near");
	configure();
}

static void go_down(void)
{
	run("ip link set " NIC " down");
}

static void go_up(void)
{
	run("ip link set " NIC " up");
}

static void unplug(void)
{
	lab_fault("link", 0);
}

static void plug(void)
{
	lab_fault("link", 1);
}

/*
 * With labnic a reset lasts as long as the write, which is waited for by stop_reset(). gve's is
 * over at once. So its link stays down as long, and the transaction makes its settings again
 * meanwhile.
 */
static pthread_t resetter;

static void *reset(void *ms)
{
	lab_fault("reset", (uintptr_t)ms);
	return NULL;
}

static void start_reset(void)
{
	if (!lab_nic_is("gve")) {
		assert_int_equal(pthread_create(&resetter, NULL, reset, (void *)3000), 0);
		return;
	}
	unplug();
	lab_fault("reset", 1);
}

static void stop_reset(void)
{
	if (lab_nic_is("gve"))
		plug();
	else
		pthread_join(resetter, NULL);
}

/* Its settings are back, where a reset loses them. */
static void await_settings(void)
{
	if (!lab_nic_can("kept-rules") && !lab_copies())
		run("until ethtool -n " NIC " | grep -q 'Filter:'; do sleep 0.1; done");
}

static void fail_reset(void)
{
	lab_fault("fail_queue_alloc", 1);
	lab_fault("reset", 1);
	run("ip link show " NIC " | grep -q 'state DOWN'");
}

static void remove_it(void)
{
	run("/devmem/lab/guest/nic-fault remove 1");
}

/* What it is like then has nothing to do with what it was like before. */
static void add_again(void)
{
	if (lab_nic_is("gve"))
		run("echo 1 >/sys/bus/pci/rescan; first='nsenter --net=/proc/1/ns/net ip'; "
		    "name=$($first "
		    "-br link | awk '$3 == \"02:67:76:65:00:01\" { print $1 }'); $first link set "
		    "$name name " NIC " netns near");
	else
		run("until [ ! -e /sys/bus/platform/devices/labnic.0/driver ]; do sleep 0.1; done; "
		    "echo labnic.0 >/sys/bus/platform/drivers/labnic/bind && nsenter "
		    "--net=/proc/1/ns/net ip link set " NIC " netns near");
	run("ethtool -K " NIC " ntuple on");
	configure();
	lab_look_before(NULL);
}

/* What was changed is still changed. The journal knows it, whatever number the interface has
 * now. */
static void move_back_and_restore(void)
{
	move_back();
	assert_int_equal(lab_is_changed(), !lab_copies());
	ok(devmem_nic_restore(NULL, NULL));
}

static void move_to_where_its_index_is_taken(void)
{
	run("ip -n aside link add blocker index $(cat /sys/class/net/" NIC "/ifindex) type dummy");
	move_away();
	run("ip link add decoy type dummy");
}

static void move_back_with_another_index(void)
{
	move_back_and_restore();
	run("ip link del decoy; ip -n aside link del blocker");
}

/* ------------------------------------------------------------------------ and the streams go on */

static void expect_all(struct devmem_ring *ring, uint64_t bytes)
{
	struct devmem_stats st = lab_stats(ring);

	lab_expect(&st, bytes, true);
}

static void moved_and_back(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_flows flows;
	struct lab lab;

	(void)state;
	lab_open(&lab, 32 * MIB, 2);
	lab_flows_start(&flows, ring, &lab, 4, 24 * MIB);
	for (unsigned int round = 1; round <= 2; round++) {
		lab_flows_receive(&flows, round * 16 * MIB);
		move_away();
		lab_await_link(ring, &lab, -EXDEV);
		move_back();
		lab_await_link(ring, &lab, 1);
		assert_int_equal(lab.link_index, if_nametoindex(NIC));
	}
	lab_flows_finish(&flows);
	expect_all(ring, 96 * MIB);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* Its number was taken where it went, so it came back with another one; it is still the one that is
 * bound. */
static void moved_and_back_with_another_index(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	unsigned int index = if_nametoindex(NIC);
	struct devmem_binding *binding;
	struct devmem_buffer *buffer;
	struct lab_flows flows;
	struct lab lab;

	(void)state;
	lab_open(&lab, 32 * MIB, 2);
	lab_flows_start(&flows, ring, &lab, 4, 24 * MIB);
	lab_flows_receive(&flows, 16 * MIB);
	run("ip -n aside link add blocker index $(cat /sys/class/net/" NIC "/ifindex) type dummy");
	move_away();
	lab_await_link(ring, &lab, -EXDEV);
	assert_int_equal(lab.link_index, index);
	run("ip link add decoy type dummy");
	move_back();
	assert_int_not_equal(if_nametoindex(NIC), index);
	lab_await_link(ring, &lab, 1);
	assert_int_equal(lab.link_index, if_nametoindex(NIC));
	lab_flows_finish(&flows);
	expect_all(ring, 96 * MIB);
	ok(lab_make_rule(lab.binding, PORT + 1, false));
	buffer = lab_buffer(8 * MIB);
	binding = lab_bind(lab.nic, buffer, 1, NULL);
	devmem_binding_close(binding);
	devmem_buffer_close(buffer);
	devmem_ring_close(ring);
	lab_close(&lab);
	run("ip link del decoy; ip -n aside link del blocker");
}

static void reset_while_streaming(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	uint32_t queue[2] = { 0, 0 };
	struct lab_flows flows;
	unsigned int queues;
	struct lab lab;

	(void)state;
	lab_open(&lab, 32 * MIB, 2);
	queues = devmem_binding_queues(lab.binding, queue, 2);
	lab_flows_start(&flows, ring, &lab, 8, 16 * MIB);
	for (unsigned int round = 1; round <= 3; round++) {
		lab_flows_receive(&flows, round * 24 * MIB);
		start_reset();
		lab_await_link(ring, &lab, 0);
		await_settings();
		stop_reset();
		lab_await_link(ring, &lab, 1);
	}
	lab_flows_finish(&flows);
	expect_all(ring, 128 * MIB);
	for (unsigned int i = 0; i < queues; i++) {
		char name[32];

		snprintf(name, sizeof(name), "rx%u_split", queue[i]);
		assert_true(lab_counter(name) > 0);
	}
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* The driver gives up and the interface is closed, until somebody brings it up again. */
static void a_reset_that_fails(void **state)
{
	struct devmem_ring *ring;
	struct devmem_event ev[64];
	struct lab_flows flows;
	struct lab lab;

	(void)state;
	lab_needs_fault("fail_queue_alloc");
	ring = lab_ring(NULL);
	lab_open(&lab, 32 * MIB, 2);
	lab_flows_start(&flows, ring, &lab, 4, 16 * MIB);
	lab_flows_receive(&flows, 16 * MIB);
	fail_reset();
	lab_await_link(ring, &lab, 0);
	for (int n; (n = ok(devmem_wait(ring, ev, 64, 500)));) {
		lab_check(&lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
	assert_int_equal(lab.link, 0);
	go_up();
	lab_await_link(ring, &lab, 1);
	lab_flows_finish(&flows);
	expect_all(ring, 64 * MIB);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* ----------------------------------------------------------------------------- closed meanwhile */

struct trouble {
	void (*begin)(void), (*end)(void);
	bool warned; /* the kernel warns of each queue that ends then (docs/hardware.md) */
	int link;    /* what is told */
	int closed;  /* what devmem_nic_close() says, if something was changed */
};

enum { NIC_OBJECT, BINDING, RING, OBJECTS };

/* Who is closed last undoes the transaction; only devmem_nic_close() can say how that went. */
static void close_one(struct lab *lab, struct devmem_ring *ring, int object, int undone)
{
	switch (object) {
	case NIC_OBJECT:
		assert_int_equal(devmem_nic_close(lab->nic), undone);
		if (undone)
			assert_non_null(strstr(devmem_error(), "is gone"));
		break;
	case BINDING:
		devmem_binding_close(lab->binding);
		break;
	case RING:
		devmem_ring_close(ring);
		break;
	}
}

/* With data in flight and fragments out. */
static void closed_in_this_order(const struct trouble *t, const int *order, bool ipv6)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_event ev[16];
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab_pair pair;
	struct lab lab;

	lab_open(&lab, 8 * MIB, t->warned ? 1 : 2);
	pair = lab_connect(&lab, ipv6);
	lab_attach(ring, &lab, pair.near, &stream);
	sender = lab_send(pair.far, 256 * MIB, 0, false);
	while (stream.position < 300000) {
		int n = ok(devmem_wait(ring, ev, 16, 10000));

		assert_true(n > 0);
		lab_check(&lab, ev, n);
	}
	t->begin();
	lab_await_link(ring, &lab, t->link);
	if (t->warned)
		lab_expect_warning("__netif_mp_close_rxq");
	for (int i = 0; i < OBJECTS; i++)
		close_one(&lab, ring, order[i], i + 1 == OBJECTS && !lab_copies() ? t->closed : 0);
	devmem_buffer_close(lab.buffer);
	close(pair.near);
	lab_reset(pair.far);
	lab_sent(sender);
	close(pair.far);
	close(lab.listener);
	t->end();
	lab_nothing_is_left();
	assert_true(lab_as_before());
}

static void closed_in_every_order(const struct trouble *t)
{
	static const int orders[][OBJECTS] = {
		{ RING, BINDING, NIC_OBJECT }, { RING, NIC_OBJECT, BINDING },
		{ BINDING, RING, NIC_OBJECT }, { BINDING, NIC_OBJECT, RING },
		{ NIC_OBJECT, RING, BINDING }, { NIC_OBJECT, BINDING, RING },
	};

	for (unsigned int i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		closed_in_this_order(t, orders[i], i % 2);
}

static void closed_while_the_link_is_down(void **state)
{
	(void)state;
	closed_in_every_order(&(struct trouble){ .begin = unplug, .end = plug });
}

static void closed_while_it_is_down(void **state)
{
	(void)state;
	closed_in_every_order(&(struct trouble){
		.begin = go_down, .end = go_up, .warned = lab_nic_is("gve") && !lab_copies() });
}

static void closed_in_the_middle_of_a_reset(void **state)
{
	(void)state;
	closed_in_every_order(&(struct trouble){ .begin = start_reset, .end = stop_reset });
}

static void closed_after_a_reset_that_failed(void **state)
{
	(void)state;
	lab_needs_fault("fail_queue_alloc");
	closed_in_every_order(&(struct trouble){ .begin = fail_reset, .end = go_up });
}

static void closed_while_it_is_elsewhere(void **state)
{
	const bool warned = lab_nic_is("gve") && !lab_copies(); /* it is down there */

	(void)state;
	closed_in_every_order(&(struct trouble){ .begin = move_away,
						 .end = move_back_and_restore,
						 .link = -EXDEV,
						 .closed = -ENODEV,
						 .warned = warned });
	closed_in_this_order(&(struct trouble){ .begin = move_to_where_its_index_is_taken,
						.end = move_back_with_another_index,
						.link = -EXDEV,
						.closed = -ENODEV,
						.warned = warned },
			     (const int[]){ RING, BINDING, NIC_OBJECT }, true);
}

static void closed_when_it_was_removed(void **state)
{
	(void)state;
	closed_in_every_order(&(struct trouble){
		.begin = remove_it, .end = add_again, .link = -ENODEV, .closed = -ENODEV });
}

/* --------------------------------------------------------------------------- a thread elsewhere */

static void go_aside(void)
{
	int ns = open("/run/netns/aside", O_RDONLY | O_CLOEXEC);

	assert_true(ns >= 0);
	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
	close(ns);
}

static void *bind_from_aside(void *arg)
{
	struct devmem_buffer *buffer = lab_buffer(4 * MIB);
	struct devmem_binding *second;
	struct lab *lab = arg;
	const unsigned int queues =
		lab_nic_can("contexts") ? 2 : 1; /* the NIC cannot be seen from aside */

	go_aside();
	lab->binding = lab_bind(lab->nic, lab->buffer, queues, NULL);
	ok(lab_make_rule(lab->binding, PORT, false));
	if (!lab_copies() && !lab_in("zcrx")) {
		assert_int_equal(devmem_bind_rx(lab->nic, buffer, NULL, &second), -ENODEV);
		assert_non_null(strstr(devmem_error(), "namespace"));
	}
	devmem_buffer_close(buffer);
	return NULL;
}

static void *close_from_aside(void *arg)
{
	struct lab *lab = arg;

	go_aside();
	devmem_binding_close(lab->binding);
	ok(devmem_nic_close(lab->nic));
	return NULL;
}

static void in_a_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fn, arg), 0);
	pthread_join(thread, NULL);
}

/* The NIC object stays where it was opened, wherever the threads are that use it. */
static void bound_and_closed_from_another_namespace(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab lab = { .buffer = lab_buffer(32 * MIB),
			   .listener = lab_listen(PORT),
			   .port = PORT };
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab_pair pair;

	(void)state;
	ok(devmem_buffer_map(lab.buffer, (void **)&lab.memory));
	ok(devmem_nic_open(NIC, NULL, &lab.nic));
	in_a_thread(bind_from_aside, &lab);
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	sender = lab_send(pair.far, 8 * MIB, 0, true);
	assert_true(lab_drain(ring, &lab, &stream, 1));
	assert_true(lab_sent(sender));
	lab_settle(ring);
	expect_all(ring, 8 * MIB);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	close(lab.listener);
	in_a_thread(close_from_aside, &lab);
	devmem_buffer_close(lab.buffer);
}

static int make_aside(void **state)
{
	(void)state;
	run("ip netns add aside");
	return 0;
}

static int remove_aside(void **state)
{
	(void)state;
	run("ip netns del aside");
	return 0;
}

/* ----------------------------------------------------------------------- bound while it is down */

static void receive_all(struct devmem_ring *ring, struct lab *lab)
{
	struct lab_stream stream = lab_carry(ring, lab, MIB);

	if (!lab_copies())
		assert_int_equal(stream.device, MIB);
}

/* Some drivers bind queues then, and fill them when it comes up. */
static void bound_while_it_is_down(void **state)
{
	struct devmem_ring *ring;
	struct lab lab;

	(void)state;
	lab_needs("bound-down");
	ring = lab_ring(NULL);
	go_down();
	lab_open(&lab, 8 * MIB, 1);
	ok(devmem_ring_prepare(ring, lab.binding));
	go_up();
	receive_all(ring, &lab);
	devmem_ring_close(ring);
	lab_close(&lab);
}

static void is_told(int result)
{
	assert_int_equal(result, -EAGAIN);
	if (!strstr(devmem_error(), NIC " is down"))
		fail_msg("nothing of the link in: %s", devmem_error());
}

/* Others refuse, with whatever number: whoever asks for the queue is told why. */
static void refused_while_it_is_down(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_sock *sock = (void *)1;
	struct devmem_binding *none = (void *)1;
	struct lab_stream stream;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	lab_cannot_copy("nothing is bound");
	lab_open(&lab, 8 * MIB, 1);
	pair = lab_connect(&lab, true);
	if (lab_nic_can("bound-down"))
		lab_fault("down_again", 1);
	go_down();
	if (lab_in("zcrx")) { /* binds nothing itself: the ring takes the queue */
		is_told(devmem_ring_prepare(ring, lab.binding));
		is_told(devmem_attach(ring, pair.near, lab.binding, 0, NULL, &sock));
		assert_ptr_equal(sock, (void *)1);
	} else {
		struct devmem_buffer *second = lab_buffer(4 * MIB);

		is_told(devmem_bind_rx(lab.nic, second,
				       DEVMEM_OPTS(devmem_bind_opts, .engine = lab_engine()),
				       &none));
		assert_ptr_equal(none, (void *)1);
		devmem_buffer_close(second);
	}
	go_up();
	if (lab_nic_can("bound-down"))
		lab_fault("down_again", 0);
	lab_attach(ring, &lab, pair.near, &stream); /* the connection has outlived it */
	devmem_detach(stream.sock);
	lab_close_pair(pair);
	receive_all(ring, &lab);
	devmem_ring_close(ring);
	lab_close(&lab);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, look_before, look_after)

/* lab_link [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(moved_and_back),
		TEST(moved_and_back_with_another_index),
		TEST(reset_while_streaming),
		TEST(a_reset_that_fails),
		TEST(bound_and_closed_from_another_namespace),
		TEST(bound_while_it_is_down),
		TEST(refused_while_it_is_down),
		TEST(closed_while_the_link_is_down),
		TEST(closed_while_it_is_down),
		TEST(closed_in_the_middle_of_a_reset),
		TEST(closed_after_a_reset_that_failed),
		TEST(closed_while_it_is_elsewhere),
		TEST(closed_when_it_was_removed),
	};

	lab_count_mappings(argv);
	lab_begin(argc, argv);
	return lab_run("link", tests, make_aside, remove_aside);
}
