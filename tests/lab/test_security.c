// SPDX-License-Identifier: MIT
/*
 * Urgent data on a bound queue: the kernel would die of it (lab: status 125), so each test that ends shows that it was
 * kept away. "lab_security unguarded" is the other half: without a guard the machine dies.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define BYTES	100000u

#define refused(call, err, word) check_refused(call, err, word, #call, __LINE__)

static void check_refused(int result, int err, const char *word, const char *what, int line)
{
	if (result != -err || !strstr(devmem_error(), word)) {
		print_error("%s: %d instead of %d, or no \"%s\" in: %s\n", what, result, -err, word, devmem_error());
		_fail(__FILE__, line);
	}
}

static uint32_t drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len), 0);
	return info[SK_MEMINFO_DROPS];
}

static socklen_t filter_length(int fd)
{
	socklen_t n = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n), 0);
	return n;
}

static void send_urgent(int far)
{
	assert_int_equal(send(far, "!", 1, MSG_OOB), 1);
}

static void await_drop(int fd)
{
	for (int i = 0; i < 60000 && !drops(fd); i++)
		usleep(1000);
	assert_true(drops(fd) > 0);
}

static void receive(struct devmem_ring *ring, struct lab *lab, struct lab_stream *stream, uint64_t bytes)
{
	struct devmem_event ev[64];

	while (stream->position < bytes) {
		int n = ok(devmem_wait(ring, ev, 64, 10000));

		assert_true(n > 0);
		lab_check(lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
}

static void attach_guards(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct lab_pair pair = lab_connect(lab, ipv6);
		struct lab_stream stream;
		struct lab_sender *sender;

		lab_attach(ring, lab, pair.near, &stream);
		sender = lab_send(pair.far, BYTES, 0, false);
		receive(ring, lab, &stream, BYTES);
		assert_true(lab_sent(sender));
		assert_int_equal(drops(pair.near), 0);
		send_urgent(pair.far);
		await_drop(pair.near);
		devmem_detach(stream.sock);
		assert_int_equal(filter_length(pair.near), 4);	/* its packets still come through that queue */
		close(pair.near);
		close(pair.far);
	}
	devmem_ring_close(ring);
}

/* Between accept() and devmem_attach(). */
static void a_listener_guards(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_stream stream;
	struct lab_pair pair;

	ok(devmem_guard(lab->listener));
	pair = lab_connect(lab, false);
	send_urgent(pair.far);
	await_drop(pair.near);
	lab_attach(ring, lab, pair.near, &stream);
	assert_int_equal(filter_length(pair.near), 4);
	devmem_detach(stream.sock);
	close(pair.near);
	close(pair.far);
	devmem_ring_close(ring);
}

static void a_filter_of_the_program_stays(void **state)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };
	const struct sock_fprog program = { .len = 1, .filter = all };
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, true);
	struct devmem_sock *sock = (void *)1;
	struct lab_stream stream;

	assert_int_equal(setsockopt(pair.near, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	refused(devmem_attach(ring, pair.near, lab->binding, 0, NULL, &sock), EBUSY, "devmem_guard(3)");
	assert_ptr_equal(sock, (void *)1);
	lab_attach_opts(ring, lab, pair.near, &stream,
			DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_NO_GUARD));
	assert_int_equal(filter_length(pair.near), 1);
	devmem_detach(stream.sock);
	close(pair.near);
	close(pair.far);
	devmem_ring_close(ring);
}

/* What came in time, by an ordinary queue, did no harm; what is to come could. */
static void what_came_before_the_guard_is_refused(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct devmem_sock *sock = (void *)1;
	char byte;

	lab_fault("misroute_every", 1);
	send_urgent(pair.far);
	while (recv(pair.near, &byte, 1, MSG_OOB | MSG_PEEK) < 0)
		usleep(1000);
	lab_faults_off();
	refused(devmem_attach(ring, pair.near, lab->binding, 0, NULL, &sock), EPROTO, "URG");
	assert_int_equal(filter_length(pair.near), 0);	/* as it was */
	close(pair.near);
	close(pair.far);
	devmem_ring_close(ring);
}

/* Receives until the stream is over. */
static void receive_end(struct devmem_ring *ring, struct lab *lab, struct lab_stream *stream)
{
	struct devmem_event ev[64];

	while (!stream->ended) {
		int n = ok(devmem_wait(ring, ev, 64, 120000));

		assert_true(n > 0);
		lab_check(lab, ev, n);
		if (ev[n - 1].type == DEVMEM_EVENT_ERROR)
			assert_non_null(strstr(devmem_error(), "URG"));
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
}

/*
 * ... at that byte, and ends with an error that says why: one in the middle of a stream, and one that was silent. Another, whose
 * peer sent none, goes on.
 */
static void the_connection_ends(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_stream stream[3];
	struct lab_pair pair[3];
	struct lab_sender *sender;

	for (int i = 0; i < 3; i++) {
		pair[i] = lab_connect(lab, i & 1);
		lab_attach(ring, lab, pair[i].near, &stream[i]);
	}
	sender = lab_send(pair[0].far, BYTES, 0, false);
	assert_true(lab_sent(sender));
	send_urgent(pair[0].far);
	sender = lab_send_from(pair[0].far, BYTES + 1, BYTES, false);
	receive_end(ring, lab, &stream[0]);
	assert_int_equal(stream[0].error, -EPROTO);
	assert_true(stream[0].position <= BYTES);	/* what was sent with that byte may be in its segment */
	lab_sent(sender);
	send_urgent(pair[1].far);
	receive_end(ring, lab, &stream[1]);
	assert_int_equal(stream[1].error, -EPROTO);
	assert_false(stream[2].ended);
	sender = lab_send(pair[2].far, BYTES, 0, false);
	receive(ring, lab, &stream[2], BYTES);
	assert_true(lab_sent(sender));
	for (int i = 0; i < 3; i++) {
		devmem_detach(stream[i].sock);
		close(pair[i].near);
		close(pair[i].far);
	}
	lab_settle(ring);
	devmem_ring_close(ring);
}

static void copying_needs_no_guard(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .engine = "copy"));
	struct lab_pair pair = lab_connect(lab, false);
	struct devmem_sock *sock;

	ok(devmem_attach(ring, pair.near, NULL, 0, NULL, &sock));
	assert_int_equal(filter_length(pair.near), 0);
	devmem_detach(sock);
	close(pair.near);
	close(pair.far);
	devmem_ring_close(ring);
}

/* ------------------------------------------------------------------------------------ without */

static void unguarded(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_stream stream;

	lab_attach_opts(ring, lab, pair.near, &stream,
			DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_NO_GUARD));
	send_urgent(pair.far);
	sleep(10);
	print_error("this kernel is mended: it takes urgent data from device memory\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(attach_guards, lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(a_listener_guards, lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(a_filter_of_the_program_stays, lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(what_came_before_the_guard_is_refused, lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(the_connection_ends, lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(copying_needs_no_guard, lab_set_up, lab_tear_down),
	};
	const struct CMUnitTest without[] = {
		cmocka_unit_test_setup_teardown(unguarded, lab_set_up, lab_tear_down),
	};

	if (argc > 1 && !strcmp(argv[1], "unguarded"))
		return cmocka_run_group_tests(without, NULL, NULL);
	lab_begin(argc, argv);
	return lab_end(cmocka_run_group_tests(tests, NULL, NULL));
}
