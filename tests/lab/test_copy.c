// SPDX-License-Identifier: MIT
/*
 * What only copying has: chunks that rings of several threads share, sockets without a binding, and
 * kernels that use a whole buffer up for each receive. On loopback, with copy and syscall.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB   (1u << 20)
#define SMALL (128u << 10) /* a buffer of 32 chunks of 4 KiB */

/* ----------------------------------------------------------------------------------- few chunks */

/* Many sockets and little room: a chunk that is out in part is out whole. */
static void many_streams_through_a_small_buffer(void **state)
{
	static const unsigned int arrays[] = { 1, 7, 1000 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		for (uint32_t merge = 0; merge < 2; merge++) {
			struct devmem_ring *ring = lab_ring(
				DEVMEM_OPTS(devmem_ring_opts, .merge = merge, .entries = 4));
			struct lab_flows flows;
			struct devmem_stats st;
			struct lab lab;

			lab_open(&lab, SMALL, 1);
			lab_flows_start(&flows, ring, &lab, 16, MIB / 2);
			flows.array = arrays[i];
			lab_flows_finish(&flows);
			st = lab_stats(ring);
			lab_expect(&st, 16 * MIB / 2, true);
			devmem_ring_close(ring);
			lab_close(&lab);
		}
}

/* The reader keeps what comes until nothing does, then gives it back. */
static void chunks_that_are_kept_pause_receiving(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	static struct devmem_event kept[65536];
	struct lab_flows flows;
	unsigned int pauses = 0;
	struct lab lab;

	(void)state;
	lab_open(&lab, SMALL, 1);
	lab_flows_start(&flows, ring, &lab, 4, MIB / 2);
	while (!flows.stream[0].ended || !flows.stream[1].ended || !flows.stream[2].ended ||
	       !flows.stream[3].ended) {
		unsigned int n = 0;
		int got;

		while ((got = ok(devmem_wait(ring, kept + n, 65536 - n, 50)))) {
			lab_check(&lab, kept + n, got);
			n += (unsigned int)got;
		}
		if (!n)
			continue; /* the senders had no processor for so long */
		pauses++;
		ok(devmem_release(ring, kept, n));
	}
	assert_true(pauses >= 4 * MIB / 2 / SMALL); /* each time no more than the buffer */
	assert_true(lab_stats(ring).no_buffers > 0);
	assert_true(lab.low > 0);
	lab_flows_finish(&flows);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* Two rings of one binding, a thread each. */
struct second_ring {
	pthread_t thread;
	struct lab *lab;
	struct lab_pair pair;
	struct lab_stream stream;
	atomic_bool starved;
};

static void *receive_on_a_second_ring(void *arg)
{
	struct second_ring *r = arg;
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_event ev[64];
	struct devmem_stats st;
	int n;

	lab_attach(ring, r->lab, r->pair.near, &r->stream);
	r->starved = ok(devmem_wait(ring, ev, 64, 200)) == 0;
	while (r->starved && !r->stream.ended) {
		n = ok(devmem_wait(ring, ev, 64, 10000));
		if (!n)
			break;
		lab_check(r->lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
	devmem_detach(r->stream.sock);
	st = lab_stats(ring);
	lab_expect(&st, r->stream.position, true);
	devmem_ring_close(ring);
	return NULL;
}

/* The first one has every chunk, and the second waits, without being told when they come back. */
static void one_ring_starves_the_other_for_a_while(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	static struct devmem_event kept[65536];
	struct second_ring second = { 0 };
	struct lab_sender *sender[2];
	struct lab_stream stream;
	struct lab_pair pair;
	unsigned int n = 0;
	struct lab lab;
	int got;

	(void)state;
	lab_open(&lab, SMALL, 1);
	pair = lab_connect(&lab, false);
	second.lab = &lab;
	second.pair = lab_connect(&lab, true);
	lab_attach(ring, &lab, pair.near, &stream);
	sender[0] = lab_send(pair.far, 2 * MIB, 0, true);
	/* until it has every chunk: a sender that had no processor for a while is no sign of
	 * that */
	do {
		got = ok(devmem_wait(ring, kept + n, 65536 - n, 100));
		lab_check(&lab, kept + n, got);
		n += (unsigned int)got;
	} while (got || !lab_stats(ring).no_buffers);
	sender[1] = lab_send(second.pair.far, 2 * MIB, 0, true);
	pthread_create(&second.thread, NULL, receive_on_a_second_ring, &second);
	while (!second.starved)
		usleep(1000);
	stream.position = 0; /* nothing was written over what is out */
	lab_check(&lab, kept, (int)n);
	ok(devmem_release(ring, kept, n));
	assert_true(lab_drain(ring, &lab, &stream, 1));
	pthread_join(second.thread, NULL);
	assert_true(second.stream.ended);
	assert_int_equal(second.stream.position, 2 * MIB);
	for (int i = 0; i < 2; i++)
		assert_true(lab_sent(sender[i]));
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	for (int i = 0; i < 2; i++) {
		close(i ? second.pair.near : pair.near);
		close(i ? second.pair.far : pair.far);
	}
	lab_close(&lab);
}

/* ---------------------------------------------------------------------------- without a binding */

static void sockets_without_a_binding_beside_a_bound_one(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_stream stream[3] = { 0 };
	struct lab_sender *sender[3];
	struct devmem_event ev[32], kept = { 0 };
	struct lab_pair pair[3];
	struct devmem_stats st;
	struct lab lab;

	(void)state;
	lab_open(&lab, MIB, 1);
	for (int i = 0; i < 3; i++) {
		pair[i] = lab_connect(&lab, i % 2);
		stream[i].lab = &lab;
		ok(devmem_attach(ring, pair[i].near, i ? NULL : lab.binding, (uintptr_t)&stream[i],
				 NULL, &stream[i].sock));
		sender[i] = lab_send(pair[i].far, 8 * MIB, 0, true);
	}
	while (!stream[0].ended || !stream[1].ended || !stream[2].ended) {
		int n = ok(devmem_wait(ring, ev, 32, 5000));

		assert_true(n > 0);
		lab_check(&lab, ev, n);
		for (int i = 0; i < n; i++)
			if (ev[i].type == DEVMEM_EVENT_HOST) {
				assert_int_equal(ev[i].buffer, 0);
				kept = ev[i];
			}
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
	/* it was released with the others */
	assert_int_equal(devmem_release(ring, &kept, 1), -EINVAL);
	assert_non_null(strstr(devmem_error(), "twice"));
	for (int i = 0; i < 3; i++) {
		assert_true(lab_sent(sender[i]));
		assert_int_equal(stream[i].error, 0);
		assert_int_equal(i ? stream[i].host : stream[i].device, 8 * MIB);
		devmem_detach(stream[i].sock);
		close(pair[i].near);
		close(pair[i].far);
	}
	st = lab_stats(ring);
	lab_expect(&st, 3 * 8 * MIB, true);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* Bytes are in the buffer already: asked for, placement is granted and finds nothing to do. */
static void placement_has_nothing_to_do(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_sender *sender;
	struct lab_stream stream;
	struct devmem_stats st;
	struct lab_pair pair;
	struct devmem_sock *sock;
	struct lab lab;

	(void)state;
	lab_open(&lab, MIB, 1);
	pair = lab_connect(&lab, false);
	assert_int_equal(devmem_attach(ring, pair.near, NULL, 0,
				       DEVMEM_OPTS(devmem_attach_opts,
						   .flags = DEVMEM_ATTACH_PLACE),
				       &sock),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "without a binding"));
	lab_attach_opts(ring, &lab, pair.near, &stream,
			DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE));
	assert_null(devmem_ring_spill(ring));
	sender = lab_send(pair.far, 4 * MIB, 0, true);
	assert_true(lab_drain(ring, &lab, &stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(stream.device, 4 * MIB);
	st = lab_stats(ring);
	lab_expect(&st, 4 * MIB, true);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

/* What the kernel queues is not in the buffer, and need not be limited with it. */
static void a_limit_leaves_the_receive_buffer_alone(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab lab;
	struct lab_pair pair;
	struct lab_stream stream;
	int before = 0, after = 0;
	socklen_t len = sizeof(before);

	(void)state;
	lab_open(&lab, MIB, 1);
	pair = lab_connect(&lab, false);
	getsockopt(pair.near, SOL_SOCKET, SO_RCVBUF, &before, &len);
	lab_attach_opts(ring, &lab, pair.near, &stream,
			DEVMEM_OPTS(devmem_attach_opts, .max_fragments = 2));
	getsockopt(pair.near, SOL_SOCKET, SO_RCVBUF, &after, &len);
	assert_int_equal(before, after);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

static int option_of(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, name, &value, &len), 0);
	return value;
}

static void a_refused_socket_is_as_before(void **state)
{
	struct devmem_ring *ring;
	struct devmem_sock *sock;
	struct lab_pair pair;
	struct lab lab;
	int mark;

	(void)state;
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "devmem"), &ring))
		/* no io_uring here, and one of plain system calls refuses nothing */
		return;
	lab_open(&lab, MIB, 1);
	pair = lab_connect(&lab, false);
	mark = option_of(pair.near, SO_RCVLOWAT);
	assert_int_equal(devmem_attach(ring, pair.near, lab.binding, 0,
				       DEVMEM_OPTS(devmem_attach_opts, .lowat = 5000), &sock),
			 -EOPNOTSUPP);
	assert_int_equal(option_of(pair.near, SO_RCVLOWAT), mark);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

/* -------------------------------------------------------------------------------- many bindings */

/* Each takes a group of provided buffers, of which a ring has so many; one more is refused, and the
 * ring goes on. */
static void sockets_of_many_bindings_on_one_ring(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab lab[33] = { 0 };
	struct lab_stream stream[33];
	struct lab_pair pair[33];
	unsigned int n;
	int err = 0;

	(void)state;
	for (n = 0; n < 33; n++) {
		lab_open(&lab[n], SMALL, 1);
		pair[n] = lab_connect(&lab[n], false);
		stream[n] = (struct lab_stream){ .lab = &lab[n] };
		err = devmem_attach(ring, pair[n].near, lab[n].binding, (uintptr_t)&stream[n], NULL,
				    &stream[n].sock);
		if (err)
			break;
	}
	assert_int_equal(err, -EMFILE);
	assert_non_null(strstr(devmem_error(), "open another"));
	assert_int_equal(n, 31);
	devmem_detach(stream[0].sock);
	for (int i = 0; i < 3; i++)
		devmem_wait(ring, (struct devmem_event[1]){ 0 }, 1, 10);
	lab_attach(ring, &lab[n], pair[n].near, &stream[n]);
	for (unsigned int i = 1; i <= n; i++) {
		assert_true(lab_sent(lab_send(pair[i].far, 20000, 0, true)));
		assert_true(lab_drain(ring, &lab[i], &stream[i], 1));
		assert_int_equal(stream[i].device, 20000);
		devmem_detach(stream[i].sock);
	}
	devmem_ring_close(ring);
	for (unsigned int i = 0; i <= n; i++) {
		close(pair[i].near);
		close(pair[i].far);
		lab_close(&lab[i]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(many_streams_through_a_small_buffer),
		LAB_TEST(chunks_that_are_kept_pause_receiving),
		LAB_TEST(one_ring_starves_the_other_for_a_while),
		LAB_TEST(sockets_without_a_binding_beside_a_bound_one),
		LAB_TEST(placement_has_nothing_to_do),
		LAB_TEST(a_limit_leaves_the_receive_buffer_alone),
		LAB_TEST(a_refused_socket_is_as_before),
		LAB_TEST(sockets_of_many_bindings_on_one_ring),
	};

	lab_begin(argc, argv);
	return lab_run("copy", tests, NULL, NULL);
}
