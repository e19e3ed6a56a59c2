// SPDX-License-Identifier: MIT
/*
 * Urgent data on a bound queue: the kernel would die of it (lab: status 125), so each test that
 * ends shows that it was kept away, by sockets' filters or at the interface's ingress.
 * "lab_security unguarded" is the other half: without a guard the machine dies.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

#define BYTES  100000u
#define LITTLE 10000u /* what a window has room for before anything is read */

#define refused(call, err, word) check_refused(call, err, word, #call, __LINE__)

static void check_refused(int result, int err, const char *word, const char *what, int line)
{
	if (result != -err || !strstr(devmem_error(), word)) {
		print_error("%s: %d instead of %d, or no \"%s\" in: %s\n", what, result, -err, word,
			    devmem_error());
		_fail(__FILE__, line);
	}
}

static socklen_t filter_length(int fd)
{
	socklen_t n = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n), 0);
	return n;
}

/* --------------------------------------------------------------------------------------- set-up */

static struct lab *open_lab(unsigned int flags)
{
	static const uint32_t queue = 1;
	struct lab *lab = malloc(sizeof(*lab));
	struct devmem_nic *nic;

	ok(devmem_nic_open(NIC, DEVMEM_OPTS(devmem_nic_opts, .flags = flags), &nic));
	lab_open_as(lab,
		    &(struct lab_opts){
			    .bytes = 32 << 20, .queues = 1, .queue_list = &queue, .nic = nic });
	return lab;
}

/* Nothing is dropped before it gets to a socket. */
static int sockets_alone(void **state)
{
	*state = open_lab(DEVMEM_NIC_NO_GUARD);
	return 0;
}

static int with_ingress(void **state)
{
	*state = open_lab(0);
	return 0;
}

static int tear_down(void **state)
{
	struct lab *lab = *state;

	lab_faults_off();
	lab_close(lab);
	ok(devmem_nic_close(lab->nic));
	free(lab);
	return 0;
}

/* ---------------------------------------------------------------------------- the socket filter */

static void send_urgent(int far)
{
	assert_int_equal(send(far, "!", 1, MSG_OOB), 1);
}

/* The kernel counts duplicates too, of segments that it had acknowledged already: so more than
 * @before. */
static void await_drop(int fd, uint32_t before)
{
	for (int i = 0; i < 60000 && lab_drops(fd) == before; i++)
		usleep(1000);
	assert_true(lab_drops(fd) > before);
}

static void attach_guards(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct lab_pair pair = lab_connect(lab, ipv6);
		struct lab_stream stream;
		struct lab_sender *sender;
		uint32_t before;

		lab_attach(ring, lab, pair.near, &stream);
		sender = lab_send(pair.far, BYTES, 0, false);
		lab_receive(ring, lab, &stream, BYTES);
		assert_true(lab_sent(sender));
		before = lab_drops(pair.near);
		send_urgent(pair.far);
		await_drop(pair.near, before);
		devmem_detach(stream.sock);
		/* its packets still come through that queue */
		assert_int_equal(filter_length(pair.near), 4);
		lab_close_pair(pair);
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
	assert_int_equal(filter_length(pair.near), 4);
	await_drop(pair.near, 0);
	lab_attach(ring, lab, pair.near, &stream);
	devmem_detach(stream.sock);
	lab_close_pair(pair);
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

	assert_int_equal(setsockopt(pair.near, SOL_SOCKET, SO_ATTACH_FILTER, &program,
				    sizeof(program)),
			 0);
	refused(devmem_attach(ring, pair.near, lab->binding, 0, NULL, &sock), EBUSY,
		"devmem_guard(3)");
	assert_ptr_equal(sock, (void *)1);
	lab_attach_opts(ring, lab, pair.near, &stream,
			DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_NO_GUARD));
	assert_int_equal(filter_length(pair.near), 1);
	devmem_detach(stream.sock);
	lab_close_pair(pair);
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
	for (int i = 0; i < 60000 && recv(pair.near, &byte, 1, MSG_OOB | MSG_PEEK) < 0; i++)
		usleep(1000);
	lab_faults_off();
	refused(devmem_attach(ring, pair.near, lab->binding, 0, NULL, &sock), EPROTO, "URG");
	assert_int_equal(filter_length(pair.near), 0); /* as it was */
	lab_close_pair(pair);
	devmem_ring_close(ring);
}

/*
 * It stands still at that byte, and ends with an error that says why: one in the middle of a
 * stream, and one that was silent. Another, whose peer sent none, goes on.
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
	lab_receive_end(ring, lab, &stream[0], "URG");
	assert_int_equal(stream[0].error, -EPROTO);
	/* what was sent with that byte may be in its segment */
	assert_true(stream[0].position <= BYTES);
	lab_sent(sender);
	send_urgent(pair[1].far);
	lab_receive_end(ring, lab, &stream[1], "URG");
	assert_int_equal(stream[1].error, -EPROTO);
	assert_false(stream[2].ended);
	sender = lab_send(pair[2].far, BYTES, 0, false);
	lab_receive(ring, lab, &stream[2], BYTES);
	assert_true(lab_sent(sender));
	for (int i = 0; i < 3; i++) {
		devmem_detach(stream[i].sock);
		lab_close_pair(pair[i]);
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
	lab_close_pair(pair);
	devmem_ring_close(ring);
}

/* ----------------------------------------------------------------------------------- privileges */

/* CAP_NET_ADMIN, of this thread, on or off. */
static void may_administrate(bool may)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	assert_int_equal(syscall(SYS_capget, &head, caps), 0);
	caps[0].effective &= ~(1u << CAP_NET_ADMIN);
	caps[0].effective |= (uint32_t)may << CAP_NET_ADMIN;
	assert_int_equal(syscall(SYS_capset, &head, caps), 0);
}

/* Older kernels let everybody. */
static bool everybody_may(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = devmem_guard(fd);

	close(fd);
	return !err;
}

static void who_has_dropped_privileges(void **state)
{
	struct lab *lab = *state;
	struct devmem_sock *sock = (void *)1;
	struct lab_stream stream;
	struct devmem_ring *ring;
	struct lab_pair pair;
	bool may;

	lab_cannot("zcrx", "attaching itself takes the capability");
	ring = lab_ring(NULL);
	pair = lab_connect(lab, false);
	may_administrate(false);
	may = everybody_may();
	if (!may)
		refused(devmem_attach(ring, pair.near, lab->binding, 0, NULL, &sock), EPERM,
			"CAP_NET_ADMIN");
	may_administrate(true);
	lab_close_pair(pair);
	ok(devmem_guard(lab->listener));
	pair = lab_connect(lab, false);
	may_administrate(false);
	lab_attach(ring, lab, pair.near, &stream);
	may_administrate(true);
	devmem_detach(stream.sock);
	lab_close_pair(pair);
	devmem_ring_close(ring);
}

/* ... is protected by the filter at ingress. */
static void who_has_not_guarded_listeners(void **state)
{
	struct lab *lab = *state;
	struct lab_stream stream;
	struct devmem_ring *ring;
	struct lab_pair pair;

	lab_cannot("zcrx", "attaching itself takes the capability");
	ring = lab_ring(NULL);
	pair = lab_connect(lab, false);
	may_administrate(false);
	lab_attach(ring, lab, pair.near, &stream);
	may_administrate(true);
	devmem_detach(stream.sock);
	lab_close_pair(pair);
	devmem_ring_close(ring);
}

/* ----------------------------------------------------------------------------------- at ingress */

/* "libdevmm" */
#define IS_THERE "tc filter show dev lab0 ingress | grep -q 'cookie 6c69626465766d6d'"
#define QDISC	 "tc qdisc show dev lab0 | grep -q clsact"

/* What its filters have dropped, of all flows. */
static unsigned int ingress_drops(void)
{
	FILE *f = popen("tc -s filter show dev lab0 ingress | awk 'sub(/.*dropped /, \"\") { n += "
			"$1 } END { print n + 0 }'",
			"re");
	unsigned int n = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

/* A socket that nobody guards, neither it nor its listener. */
static void nobody_guards(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);

	run(IS_THERE);
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct lab_pair pair = lab_connect(lab, ipv6);
		struct lab_stream stream;
		struct lab_sender *sender = lab_send(pair.far, LITTLE, 0, false);
		const unsigned int before = ingress_drops();

		assert_int_equal(filter_length(pair.near), 0);
		assert_true(lab_sent(sender));
		send_urgent(pair.far);
		for (int i = 0; i < 600 && ingress_drops() == before; i++)
			usleep(50000);
		assert_true(ingress_drops() > before);
		lab_attach(ring, lab, pair.near, &stream);
		lab_receive_end(ring, lab, &stream, "URG");
		assert_int_equal(stream.error, -EPROTO);
		assert_true(stream.position <= LITTLE);
		devmem_detach(stream.sock);
		lab_close_pair(pair);
	}
	lab_settle(ring);
	devmem_ring_close(ring);
}

static struct devmem_binding *bind_and_steer(struct devmem_nic *nic, struct devmem_buffer *buffer,
					     uint16_t port)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct devmem_binding *binding = lab_bind(nic, buffer, 1, NULL);

	ok(devmem_steer(binding, (struct sockaddr *)&local, NULL));
	return binding;
}

static void what_others_have_there_stays(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(4 << 20);
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	(void)state;
	run("tc qdisc add dev lab0 clsact && tc filter add dev lab0 ingress pref 7 protocol all "
	    "matchall action continue");
	ok(devmem_nic_open(NIC, NULL, &nic));
	binding = bind_and_steer(nic, buffer, PORT);
	run(IS_THERE);
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	run("! " IS_THERE);
	run(QDISC);
	run("tc filter show dev lab0 ingress | grep -q 'pref 7'");
	run("tc qdisc del dev lab0 clsact");
	devmem_buffer_close(buffer);
}

/* They are told of, and stay; what is ours goes. */
static void others_come_later(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(4 << 20);
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	binding = bind_and_steer(nic, buffer, PORT);
	run("tc filter add dev lab0 egress pref 7 protocol all matchall action continue");
	devmem_binding_close(binding);
	refused(devmem_nic_close(nic), ESTALE, "clsact");
	run("! " IS_THERE);
	run("tc filter show dev lab0 egress | grep -q 'pref 7'");
	run("tc qdisc del dev lab0 clsact");
	devmem_buffer_close(buffer);
}

static void somebody_removes_it(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(4 << 20);
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	binding = bind_and_steer(nic, buffer, PORT);
	run("tc qdisc del dev lab0 clsact");
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	run("! " QDISC);
	devmem_buffer_close(buffer);
}

/* The first one's qdisc serves the second, who removes it. */
static void two_share_it(void **state)
{
	struct devmem_buffer *buffer[2] = { lab_buffer(4 << 20), lab_buffer(4 << 20) };
	struct devmem_binding *binding[2];
	struct devmem_nic *nic[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		ok(devmem_nic_open(NIC, NULL, &nic[i]));
		binding[i] = bind_and_steer(nic[i], buffer[i], (uint16_t)(PORT + i));
	}
	for (int i = 0; i < 2; i++) {
		run(IS_THERE);
		devmem_binding_close(binding[i]);
		ok(devmem_nic_close(nic[i]));
		devmem_buffer_close(buffer[i]);
	}
	run("! " QDISC);
}

static void left_out(void **state)
{
	(void)state;
	run("! " QDISC);
}

/* -------------------------------------------------------------------------------------- without */

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
#define SOCKETS(name) cmocka_unit_test_setup_teardown(name, sockets_alone, tear_down)
#define INGRESS(name) cmocka_unit_test_setup_teardown(name, with_ingress, tear_down)
	const struct CMUnitTest tests[] = {
		SOCKETS(attach_guards),
		SOCKETS(a_listener_guards),
		SOCKETS(a_filter_of_the_program_stays),
		SOCKETS(what_came_before_the_guard_is_refused),
		SOCKETS(the_connection_ends),
		SOCKETS(copying_needs_no_guard),
		SOCKETS(left_out),
		SOCKETS(who_has_dropped_privileges),
		INGRESS(who_has_not_guarded_listeners),
		INGRESS(nobody_guards),
		LAB_TEST(what_others_have_there_stays),
		LAB_TEST(others_come_later),
		LAB_TEST(somebody_removes_it),
		LAB_TEST(two_share_it),
	};
	const struct CMUnitTest without[] = {
		SOCKETS(unguarded),
	};

	if (argc > 1 && !strcmp(argv[1], "unguarded"))
		return cmocka_run_group_tests(without, NULL, NULL);
	lab_begin(argc, argv);
	return lab_run("security", tests, NULL, NULL);
}
