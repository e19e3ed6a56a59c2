// SPDX-License-Identifier: MIT
/* Sending to what fails: whoever goes, and whenever, every cookie comes back exactly once, and no
 * memory is kept. */
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sending.h"

/* Connections with readers that stop early, until the kernel takes no more of any. */
static void fill_up(struct out *o, unsigned int n)
{
	const int small = 150000;

	o->n = n;
	for (unsigned int i = 0; i < n; i++) {
		out_connect(o, i, NULL);
		setsockopt(o->flow[i].pair.near, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		setsockopt(o->flow[i].pair.far, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		o->flow[i].bytes = 1u << 30;
		o->flow[i].reader.pause = true;
		o->flow[i].reader.pause_at = 300000;
		out_read(&o->flow[i]);
	}
	for (int silent = 0; silent < 2;) {
		out_send(o);
		silent = out_turn(o, 50) ? 0 : silent + 1;
	}
	for (unsigned int i = 0; i < n; i++)
		assert_true(o->flow[i].next_back < o->flow[i].next_cookie);
}

/* All that was accepted comes back; nothing twice, as sent() in sending.c sees to. */
static void await_all(struct out *o)
{
	for (unsigned int i = 0; i < o->n; i++)
		while (o->flow[i].next_back < o->flow[i].next_cookie)
			if (!out_turn(o, 10000))
				fail_msg("flow %u: %llu of %llu sends came back", i,
					 (unsigned long long)o->flow[i].next_back,
					 (unsigned long long)o->flow[i].next_cookie);
	assert_int_equal(lab_stats(o->ring).sends_outstanding, 0);
}

static void join_readers(struct out *o)
{
	for (unsigned int i = 0; i < o->n; i++) {
		o->flow[i].reader.pause = false;
		pthread_join(o->flow[i].reader.thread, NULL);
		assert_false(o->flow[i].reader.wrong);
	}
}

static void close_all(struct out *o)
{
	for (unsigned int i = 0; i < o->n; i++)
		out_close_flow(&o->flow[i]);
}

static void expect_failed(const struct flow *f, int err)
{
	assert_true(f->failed > 0);
	assert_int_equal(f->first_error, err);
}

/* ------------------------------------------------------------------------------------- the peer */

static void the_peer_resets(void **state)
{
	struct out *o = *state;
	struct devmem_range range = { 0, 1 };

	fill_up(o, 4);
	for (unsigned int i = 0; i < o->n; i++)
		lab_reset(o->flow[i].pair.far);
	await_all(o);
	for (unsigned int i = 0; i < o->n; i++) {
		while (!o->flow[i].error)
			assert_true(out_turn(o, 5000) > 0);
		expect_failed(&o->flow[i], -ECONNRESET);
		assert_int_equal(o->flow[i].error, -ECONNRESET);
		assert_true(devmem_send(o->flow[i].sock, o->binding, &range, 1, 0) < 0);
	}
	join_readers(o);
	close_all(o);
}

/* Its half was closed before, so that there is no receive to tell of the reset. */
static void the_peer_resets_after_its_end(void **state)
{
	struct out *o = *state;

	fill_up(o, 2);
	for (unsigned int i = 0; i < o->n; i++)
		shutdown(o->flow[i].pair.far, SHUT_WR);
	while (!o->flow[0].ended || !o->flow[1].ended)
		assert_true(out_turn(o, 5000) > 0);
	for (unsigned int i = 0; i < o->n; i++)
		lab_reset(o->flow[i].pair.far);
	await_all(o);
	for (unsigned int i = 0; i < o->n; i++)
		/* [net/ipv4/tcp_input.c: tcp_reset, in TCP_CLOSE_WAIT] */
		expect_failed(&o->flow[i], -EPIPE);
	join_readers(o);
	close_all(o);
}

/* In the middle of a stream that is read, again and again. */
static void resets_at_any_moment(void **state)
{
	struct out *o = *state;

	for (int round = 0; round < (lab_in("lo") ? 8 : 20); round++) {
		unsigned int turns = (unsigned int)(round * 7 % 40);

		memset(o->flow, 0, sizeof(o->flow));
		out_start(o, 2, 1u << 30);
		for (unsigned int i = 0; i < turns; i++) {
			out_send(o);
			out_turn(o, 5);
		}
		out_send(o);
		lab_reset(o->flow[0].pair.far);
		if (round % 2)
			devmem_detach(o->flow[1].sock);
		lab_reset(o->flow[1].pair.far);
		await_all(o);
		for (unsigned int i = 0; i < o->n; i++) {
			pthread_join(o->flow[i].reader.thread, NULL);
			assert_false(o->flow[i].reader.wrong);
		}
		devmem_detach(o->flow[0].sock);
		if (!(round % 2))
			devmem_detach(o->flow[1].sock);
		for (unsigned int i = 0; i < o->n; i++) {
			close(o->flow[i].pair.near);
			close(o->flow[i].pair.far);
		}
	}
}

/* The kernel tells why to one who asks; a send that waits for room and the receive say the same
 * nevertheless. */
static void the_peer_takes_nothing_for_too_long(void **state)
{
	const unsigned int milliseconds = 50;
	struct out *o = *state;

	fill_up(o, 4);
	for (unsigned int i = 0; i < o->n; i++)
		assert_int_equal(setsockopt(o->flow[i].pair.near, IPPROTO_TCP, TCP_USER_TIMEOUT,
					    &milliseconds, sizeof(milliseconds)),
				 0);
	await_all(o);
	for (unsigned int i = 0; i < o->n; i++) {
		while (!o->flow[i].error)
			assert_true(out_turn(o, 5000) > 0);
		expect_failed(&o->flow[i], -ETIMEDOUT);
		assert_int_equal(o->flow[i].error, -ETIMEDOUT);
	}
	join_readers(o);
	close_all(o);
}

static void the_peer_is_killed(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];
	char byte;
	pid_t pid;

	o->n = 1;
	out_connect(o, 0, NULL);
	f->bytes = 1u << 30;
	pid = fork();
	if (!pid) { /* it reads a little, and has the only descriptor of that end */
		for (int i = 0; i < 200000; i++)
			if (recv(f->pair.far, &byte, 1, 0) != 1)
				break;
		for (;;)
			pause();
	}
	close(f->pair.far);
	for (int silent = 0; silent < 2;) {
		out_send(o);
		silent = out_turn(o, 200) ? 0 : silent + 1;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	await_all(o);
	expect_failed(f, -ECONNRESET);
	devmem_detach(f->sock);
	close(f->pair.near);
}

/* ----------------------------------------------------------------------------------- the sender */

/* What the kernel has goes on, what it has not has failed; memory is kept as long as it must be. */
static void detached_with_sends_under_way(void **state)
{
	struct out *o = *state;
	uint64_t good = 0;

	fill_up(o, 4);
	for (unsigned int i = 0; i < o->n; i++) {
		devmem_detach(o->flow[i].sock);
		o->flow[i].reader.pause = false;
	}
	await_all(o);
	for (unsigned int i = 0; i < o->n; i++) {
		expect_failed(&o->flow[i], -ECANCELED);
		good += o->flow[i].next_back - o->flow[i].failed;
		assert_false(o->flow[i].ended || o->flow[i].error);
		shutdown(o->flow[i].pair.near, SHUT_WR);
	}
	assert_true(good > 0);
	join_readers(o);
	for (unsigned int i = 0; i < o->n; i++) {
		close(o->flow[i].pair.near);
		close(o->flow[i].pair.far);
	}
}

static void aborted_with_sends_under_way(void **state)
{
	struct out *o = *state;

	fill_up(o, 4);
	for (unsigned int i = 0; i < o->n; i++) {
		devmem_abort(o->flow[i].sock);
		if (i % 2)
			devmem_detach(o->flow[i].sock);
	}
	await_all(o);
	join_readers(o);
	for (unsigned int i = 0; i < o->n; i++) {
		expect_failed(&o->flow[i], -ECONNABORTED);
		assert_false(o->flow[i].reader.ended);
		if (i % 2) {
			close(o->flow[i].pair.near);
			close(o->flow[i].pair.far);
			continue;
		}
		while (!o->flow[i].error)
			assert_true(out_turn(o, 5000) > 0);
		assert_int_equal(o->flow[i].error, -ECONNABORTED);
		out_close_flow(&o->flow[i]);
	}
}

static void a_socket_that_never_sent_is_aborted(void **state)
{
	struct out *o = *state;
	char byte;

	o->n = 1;
	out_connect(o, 0, NULL);
	devmem_abort(o->flow[0].sock);
	while (!o->flow[0].error)
		assert_true(out_turn(o, 5000) > 0);
	assert_int_equal(o->flow[0].error, -ECONNABORTED);
	assert_int_equal(recv(o->flow[0].pair.far, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	out_close_flow(&o->flow[0]);
	devmem_abort(NULL);
}

/* Nobody uses the memory any more then, and nobody has the connection. */
static void the_ring_is_closed_with_sends_under_way(void **state)
{
	struct out *o = *state;

	fill_up(o, 4);
	devmem_ring_close(o->ring);
	o->ring = out_ring();
	memset(o->memory, 0x5a, SLOTS * SLOT);
	join_readers(o);
	for (unsigned int i = 0; i < o->n; i++) {
		assert_false(o->flow[i].reader.ended);
		close(o->flow[i].pair.near);
		close(o->flow[i].pair.far);
	}
}

/* Sends keep what they need. */
static void the_binding_is_closed_with_sends_under_way(void **state)
{
	struct out *o = *state;

	fill_up(o, 2);
	devmem_binding_close(o->binding);
	for (unsigned int i = 0; i < o->n; i++) {
		o->flow[i].reader.pause = false;
		o->flow[i].bytes = o->flow[i].queued;
	}
	await_all(o);
	o->binding = out_bind(o->buffer, NULL);
	out_finish(o);
}

static void shut_down_with_sends_under_way(void **state)
{
	struct out *o = *state;

	fill_up(o, 2);
	for (unsigned int i = 0; i < o->n; i++) {
		shutdown(o->flow[i].pair.near, SHUT_WR);
		o->flow[i].reader.pause = false;
	}
	await_all(o);
	join_readers(o);
	for (unsigned int i = 0; i < o->n; i++) {
		assert_true(o->flow[i].reader.ended);
		expect_failed(&o->flow[i], -EPIPE);
	}
	close_all(o);
}

/* Of a process of its own, which is killed: the kernel has let go of its buffer soon. */
static void the_sender_is_killed(void **state)
{
	struct out *o = *state, *own;
	struct flow *f = &o->flow[0];
	unsigned int before = lab_dmabufs();
	pid_t pid;

	f->pair.far = lab_dial(o->port, false);
	f->pair.near = accept4(o->listener, NULL, NULL, SOCK_CLOEXEC);
	pid = fork();
	if (!pid) {
		own = calloc(1, sizeof(*own));
		close(f->pair.far);
		own->buffer = lab_buffer(SLOTS * SLOT);
		ok(devmem_buffer_map(own->buffer, (void **)&own->memory));
		own->binding = out_bind(own->buffer, NULL);
		own->ring = out_ring();
		own->most = SLOT;
		own->n = 1;
		own->flow[0].bytes = 1u << 30;
		ok(devmem_attach(own->ring, f->pair.near, NULL, 0, NULL, &own->flow[0].sock));
		out_pump(own);
		_exit(0);
	}
	close(f->pair.near);
	f->reader.pause = true;
	f->reader.pause_at = 20 * MIB;
	out_read(f);
	while (f->reader.bytes < MIB) /* it is in the middle of it */
		usleep(1000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	f->reader.pause = false;
	pthread_join(f->reader.thread, NULL);
	assert_false(f->reader.wrong);
	close(f->pair.far);
	for (int i = 0; lab_dmabufs() != before; i++) {
		assert_true(i < 50);
		usleep(100000);
	}
}

/* ------------------------------------------------------------------------ the NIC and the route */

static void the_route_leads_elsewhere_for_a_while(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];
	struct devmem_stats st;

	lab_cannot_copy("it does not matter where copied bytes leave");
	devmem_binding_close(o->binding);
	ok(devmem_bind_tx(NIC, o->buffer, NULL, &o->binding));
	assert_string_equal(devmem_binding_engine(o->binding, NULL), "devmem");
	out_start(o, 1, 32 * MIB);
	for (int i = 0; i < 20; i++) {
		out_send(o);
		out_turn(o, 10);
	}
	run("ip link add dum0 type dummy && ip link set dum0 up && ip route add 192.0.2.2/32 dev "
	    "dum0");
	for (int i = 0; !f->misplaced; i++) {
		assert_true(i < 1000);
		out_send(o);
		out_turn(o, 10);
	}
	assert_non_null(strstr(devmem_error(), NIC));
	run("ip link del dum0");
	out_pump(o);
	st = lab_stats(o->ring);
	assert_true(st.bytes_sent_copied > 0);
	assert_int_equal(st.bytes_sent + st.bytes_sent_copied, 32 * MIB);
	usleep(1100000); /* then it is tried again without a copy */
	f->bytes += MIB;
	out_turn(o, 0);
	out_pump(o);
	assert_true(lab_stats(o->ring).bytes_sent > st.bytes_sent);
	out_finish(o);
}

static void a_route_that_leads_elsewhere_from_the_start(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];
	const struct devmem_range range = { 0, 100 };

	lab_cannot_copy("it does not matter where copied bytes leave");
	out_start(o, 1, 100);
	run("ip link add dum0 type dummy && ip link set dum0 up && ip route add 192.0.2.2/32 dev "
	    "dum0");
	assert_int_equal(devmem_send(f->sock, o->binding, &range, 1, 0), -ENODEV);
	assert_non_null(strstr(devmem_error(), "leaves by dum0, not by " NIC));
	run("ip link del dum0");
	out_pump(o);
	out_expect(o, 100);
	out_finish(o);
}

/*
 * The kernel notices when it sends, so the first send is its affair, and arrives when the route is
 * back. Those behind it fail, and the stream goes on after them.
 */
static void a_route_that_changes_under_a_binding_that_must(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];

	lab_cannot_copy("it does not matter where copied bytes leave");
	o->most = 1000;
	out_start(o, 1, 1000);
	out_pump(o);
	run("ip link add dum0 type dummy && ip link set dum0 up && ip route add 192.0.2.2/32 dev "
	    "dum0");
	f->bytes = 1500;
	while (f->queued < f->bytes)
		out_send(o);
	out_turn(o, 100);
	f->bytes = 6500;
	out_send(o);
	while (!f->misplaced)
		assert_true(out_turn(o, 5000) > 0);
	assert_non_null(strstr(devmem_error(), "sends fail"));
	run("ip link del dum0");
	while (f->next_back < f->next_cookie)
		assert_true(out_turn(o, 10000) > 0);
	expect_failed(f, -ENODEV);
	f->queued = f->back = 1500; /* none of the others has left */
	f->failed = 0;
	out_pump(o);
	out_finish(o);
}

static void the_interface_goes_down_and_up(void **state)
{
	struct out *o = *state;

	lab_cannot("lo", "it stays as it is");
	out_start(o, 4, 8 * MIB);
	for (unsigned int round = 0; round < 2; round++) {
		for (int i = 0; i < 10; i++) {
			out_send(o);
			out_turn(o, 10);
		}
		run("ip -n far link set lab1 down && ip -n far link set lab1 up && ip -n far addr "
		    "replace 2001:db8:1ab::2/64 dev lab1 nodad");
		lab_fault("reset", 200);
	}
	out_pump(o);
	out_expect(o, 32 * MIB);
	out_finish(o);
}

/* -------------------------------------------------------------------------------------- secrets */

/* A request like ours but for one flag: its retry takes offsets for addresses. Shows that the trap
 * works. */
static void leak(struct out *o, struct flow *f)
{
	union {
		struct cmsghdr c;
		char room[CMSG_SPACE(sizeof(uint32_t))];
	} control = { .c = { CMSG_LEN(sizeof(uint32_t)), SOL_SOCKET, 79 } };
	const uint32_t id = devmem_binding_id(o->binding);
	const int one = 1;
	struct iovec iov = { NULL, SLOTS * SLOT };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;

	assert_int_equal(setsockopt(f->pair.near, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)), 0);
	memcpy(CMSG_DATA(&control.c), &id, sizeof(id));
	assert_int_equal(io_uring_queue_init(8, &ring, 0), 0);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_sendmsg(sqe, f->pair.near, &msg, MSG_ZEROCOPY | MSG_NOSIGNAL | MSG_WAITALL);
	assert_int_equal(io_uring_submit(&ring), 1);
	f->reader.pause = false;
	assert_int_equal(io_uring_wait_cqe(&ring, &cqe), 0);
	io_uring_queue_exit(&ring);
}

/*
 * There is memory at every address that an offset of the buffer could be mistaken for, with
 * something in it that must not leave this process. The send buffer is full, so that sends are cut
 * short again and again.
 */
static void no_offset_is_taken_for_an_address(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];
	unsigned char *secret;

	lab_cannot("lo", "mapping the first page takes a privilege");
	lab_cannot_copy("addresses are what it sends from");
	lab_cannot("syscall", "there is no retry but ours, and the control needs io_uring");
	run("sysctl -qw vm.mmap_min_addr=0");
	secret = mmap(NULL, SLOTS * SLOT, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_true(secret == NULL);
	__asm__ volatile("" : "+r"(secret)); /* the compiler must not know that it is NULL */
	memset(secret, 0xa5, SLOTS * SLOT);
	fill_up(o, 2);
	assert_true(lab_stats(o->ring).send_waits > 0);
	for (unsigned int i = 0; i < o->n; i++) {
		o->flow[i].bytes = o->flow[i].queued + 16 * MIB;
		o->flow[i].reader.pause = false;
	}
	out_pump(o);
	assert_true(lab_stats(o->ring).send_waits > 4);
	out_finish(o);

	memset(o->flow, 0, sizeof(o->flow));
	o->n = 1;
	out_connect(o, 0, NULL);
	ok(devmem_buffer_sync(o->buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_WRITE));
	for (unsigned int i = 0; i < SLOTS; i++)
		out_fill(o, i, i * SLOT, SLOT);
	f->reader.pause = true;
	out_read(f);
	leak(o, f);
	shutdown(f->pair.near, SHUT_WR);
	pthread_join(f->reader.thread, NULL);
	assert_true(f->reader.wrong);
	out_close_flow(f);
	munmap(secret, SLOTS * SLOT);
	run("sysctl -qw vm.mmap_min_addr=65536");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		OUT_TEST(the_peer_resets),
		OUT_TEST(the_peer_resets_after_its_end),
		OUT_TEST(resets_at_any_moment),
		OUT_TEST(the_peer_takes_nothing_for_too_long),
		OUT_TEST(the_peer_is_killed),
		OUT_TEST(detached_with_sends_under_way),
		OUT_TEST(aborted_with_sends_under_way),
		OUT_TEST(a_socket_that_never_sent_is_aborted),
		OUT_TEST(the_ring_is_closed_with_sends_under_way),
		OUT_TEST(the_binding_is_closed_with_sends_under_way),
		OUT_TEST(shut_down_with_sends_under_way),
		OUT_TEST(the_sender_is_killed),
		OUT_TEST(the_route_leads_elsewhere_for_a_while),
		OUT_TEST(a_route_that_leads_elsewhere_from_the_start),
		OUT_TEST(a_route_that_changes_under_a_binding_that_must),
		OUT_TEST(the_interface_goes_down_and_up),
		OUT_TEST(no_offset_is_taken_for_an_address),
	};

	lab_begin(argc, argv);
	return lab_run("send_ends", tests, NULL, NULL);
}
