// SPDX-License-Identifier: MIT
/*
 * The lab's NIC, loaded as mimic=NAME, with what that driver refuses: lab_quirks
 * mlx5|bnxt|gve|fbnic. Whatever was bound and received, and whatever failed, it is left as it was
 * to the letter.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#include "netlink/ethtool.h"

#define STREAMS 4u
#define BYTES	(2u << 20)

#define refused(call, err, word) check_refused(call, -(err), word, #call, __LINE__)

static void check_refused(int result, int want, const char *word, const char *what, int line)
{
	if (result == want && strstr(devmem_error(), word))
		return;
	print_error("%s: %d instead of %d, or not \"%s\": %s\n", what, result, want, word,
		    devmem_error());
	_fail(__FILE__, line);
}

/* -------------------------------------------------------------------- the NIC, as others see it */

/* Somebody else, as far as the library can tell. */
static struct devmem__ethtool other;
static char *before;
static struct devmem__split_state split_before;
static bool gro_hw_before;

static struct devmem__split_state split(void)
{
	struct devmem__split_state s;

	ok(devmem__ethtool_split(&other, &s));
	return s;
}

static bool gro_hw(void)
{
	struct devmem__feature f;

	ok(devmem__ethtool_feature(&other, "rx-gro-hw", &f));
	return f.on;
}

static void is_as_before(void)
{
	struct devmem__split_state now = split();

	assert_true(lab_same_view(before));
	/* older ethtool programs do not show the threshold */
	assert_int_equal(now.split, split_before.split);
	assert_int_equal(now.has_thresh, split_before.has_thresh);
	assert_int_equal(now.thresh, split_before.thresh);
}

static int set_up(void **state)
{
	(void)state;
	ok(devmem__ethtool_open(&other, NIC));
	before = lab_nic_view();
	split_before = split();
	gro_hw_before = gro_hw();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	is_as_before();
	free(before);
	devmem__ethtool_close(&other);
	return 0;
}

static int bind_queues(struct devmem_nic *nic, struct devmem_buffer *buffer, unsigned int n,
		       const uint32_t *list, struct devmem_binding **binding)
{
	return devmem_bind_rx(nic, buffer,
			      DEVMEM_OPTS(devmem_bind_opts, .queues = n, .queue_list = list,
					  .engine = "devmem"),
			      binding);
}

/* Two queues are bound; no flow is steered yet. */
static void open_bound(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	lab->port = PORT;
	lab->listener = lab_listen(PORT);
	lab->buffer = lab_buffer(16 << 20);
	ok(devmem_buffer_map(lab->buffer, (void **)&lab->memory));
	ok(devmem_nic_open(NIC, NULL, &lab->nic));
	ok(bind_queues(lab->nic, lab->buffer, 2, NULL, &lab->binding));
	assert_int_equal(split().split, DEVMEM_SPLIT_ENABLED);
	assert_int_equal(split().thresh, 0);
}

static void ends(int fd, struct sockaddr_in6 *local, struct sockaddr_in6 *peer)
{
	socklen_t len = sizeof(*local);

	assert_int_equal(getsockname(fd, (struct sockaddr *)local, &len), 0);
	len = sizeof(*peer);
	assert_int_equal(getpeername(fd, (struct sockaddr *)peer, &len), 0);
}

static int ask_port(struct lab *lab, int fd)
{
	struct sockaddr_in6 local, peer;

	ends(fd, &local, &peer);
	return devmem_source_port(lab->binding, (struct sockaddr *)&local,
				  (struct sockaddr *)&peer);
}

/* The connection by itself, or all of the port with an RSS context. */
static int steer(struct lab *lab, int fd, bool alone)
{
	struct sockaddr_in6 local, peer;

	ends(fd, &local, &peer);
	return devmem_steer(lab->binding, (struct sockaddr *)&local,
			    alone ? (struct sockaddr *)&peer : NULL);
}

/* All of it comes into the buffer, as it was sent. */
static void receive(struct lab *lab, bool alone)
{
	struct lab_sender *senders[STREAMS];
	struct lab_stream streams[STREAMS];
	struct lab_pair pairs[STREAMS];
	struct devmem_ring *ring = lab_ring(NULL);

	for (unsigned int i = 0; i < STREAMS; i++) {
		pairs[i] = lab_connect(lab, i % 2);
		ok(steer(lab, pairs[i].near, alone));
		lab_attach(ring, lab, pairs[i].near, &streams[i]);
	}
	for (unsigned int i = 0; i < STREAMS; i++)
		senders[i] = lab_send(pairs[i].far, BYTES, 0, true);
	assert_true(lab_drain(ring, lab, streams, STREAMS));
	for (unsigned int i = 0; i < STREAMS; i++) {
		assert_true(lab_sent(senders[i]));
		assert_int_equal(streams[i].position, BYTES);
		assert_int_equal(streams[i].device, BYTES);
		devmem_detach(streams[i].sock);
		close(pairs[i].near);
		close(pairs[i].far);
	}
	devmem_ring_close(ring);
}

static void is_driver(const char *name)
{
	char driver[32], bus[32];

	devmem__ethtool_driver(&other, driver, bus);
	assert_string_equal(driver, name);
}

static void received(const char *driver, bool alone)
{
	struct lab lab;

	is_driver(driver);
	open_bound(&lab);
	assert_int_equal(gro_hw(), gro_hw_before || !strcmp(driver, "mlx5_core"));
	receive(&lab, alone);
	lab_close(&lab);
}

/* The kernel cannot restart the queue when all else has been done. */
static void failure_in_the_middle(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(4 << 20);
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	if (lab_has_fault("fail_queue_alloc")) {
		lab_fault("fail_queue_alloc", 1);
		refused(bind_queues(nic, buffer, 1, NULL, &binding), ENOMEM, "memory");
		lab_fault("fail_queue_alloc", 0);
	} else {
		lab_fault("fail_queue_start", 1);
		assert_true(bind_queues(nic, buffer, 1, NULL, &binding) < 0);
		lab_fault("fail_queue_start", 0);
	}
	is_as_before();
	ok(bind_queues(nic, buffer, 1, NULL, &binding));
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

/* ----------------------------------------------------------------------------------------- mlx5 */

static void mlx5_receives(void **state)
{
	(void)state;
	assert_false(gro_hw());
	received("mlx5_core", false);
}

/* It was on: that is nothing to change, and nothing to undo. */
static void mlx5_gro_was_on(void **state)
{
	struct lab lab;

	(void)state;
	ok(devmem__ethtool_set_feature(&other, "rx-gro-hw", true));
	open_bound(&lab);
	lab_close(&lab);
	assert_true(gro_hw());
	ok(devmem__ethtool_set_feature(&other, "rx-gro-hw", false));
}

/* The driver keeps on what it needs, and goes on keeping it when it no longer does. */
static void mlx5_off_is_asked_for_meanwhile(void **state)
{
	struct lab lab;

	(void)state;
	open_bound(&lab);
	assert_int_equal(devmem__ethtool_set_feature(&other, "rx-gro-hw", false), -EIO);
	(void)!system("ethtool -K " NIC " rx-gro-hw off >/dev/null 2>&1");
	assert_true(gro_hw());
	lab_close(&lab);
	assert_false(gro_hw());
}

/* What it depends on goes off, and it with it. It does not come back with that. */
static void mlx5_dependence_goes_off_meanwhile(void **state)
{
	struct lab lab;

	(void)state;
	open_bound(&lab);
	run("ethtool -K " NIC " rx off >/dev/null");
	assert_false(gro_hw());
	lab_close(&lab);
	run("ethtool -K " NIC " rx on >/dev/null");
	assert_false(gro_hw());
}

static void mlx5_turned_off_meanwhile(void **state)
{
	struct lab lab;

	(void)state;
	open_bound(&lab);
	run("ethtool -K " NIC " rx off rx-gro-hw off >/dev/null");
	devmem_binding_close(lab.binding);
	ok(devmem_nic_close(lab.nic)); /* it is off, as it was before us */
	devmem_buffer_close(lab.buffer);
	close(lab.listener);
	run("ethtool -K " NIC " rx on >/dev/null");
}

/* What it depends on is turned on first, and both are off again afterwards. */
static void mlx5_needs_what_is_off_itself(void **state)
{
	struct lab lab;

	(void)state;
	run("ethtool -K " NIC " rx off >/dev/null");
	assert_false(gro_hw());
	open_bound(&lab);
	assert_true(gro_hw());
	lab_close(&lab);
	run("ethtool -k " NIC " | grep -q 'rx-checksumming: off'");
	assert_false(gro_hw());
	run("ethtool -K " NIC " rx on >/dev/null");
	assert_false(gro_hw());
}

/* ----------------------------------------------------------------------------------- the others */

static void bnxt_receives(void **state)
{
	(void)state;
	received("bnxt_en", false);
}

static void gve_receives(void **state)
{
	(void)state;
	assert_false(split().has_thresh);
	received("gve", true);
}

/* Rules are off at first, hashed fields are not told, and channels are not "combined": what is
 * advised is what it has. */
static void gve_advice(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(4 << 20);
	struct devmem_binding *binding;
	struct devmem_nic *nic;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	open_bound(&lab);
	pair = lab_connect(&lab, true);
	refused(steer(&lab, pair.near, true), EOPNOTSUPP, "ethtool -K " NIC " ntuple on");
	refused(ask_port(&lab, pair.near), EOPNOTSUPP, "does not report the fields");
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
	run("ethtool -L " NIC " rx 2");
	ok(devmem_nic_open(NIC, NULL, &nic));
	refused(bind_queues(nic, buffer, 2, NULL, &binding), EBUSY, "ethtool -L " NIC " rx 4");
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
	run("ethtool -L " NIC " rx 4");
}

static void gve_has_no_contexts(void **state)
{
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	open_bound(&lab);
	pair = lab_connect(&lab, false);
	refused(steer(&lab, pair.near, false), EOPNOTSUPP, "RSS contexts");
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

/* Refused by the library and not by the kernel, whose answer would be -ERANGE; before anything is
 * changed. */
static void gve_queue_0(void **state)
{
	static const char *const engines[] = { "devmem", "zcrx", NULL };
	struct devmem_buffer *buffer = lab_buffer(4 << 20);
	const uint32_t lists[2][2] = { { 0, 1 }, { 3, 0 } };
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	for (int i = 0; i < 2; i++)
		refused(bind_queues(nic, buffer, 2, lists[i], &binding), EBUSY,
			"RX queue 0 of " NIC);
	for (int i = 0; i < 3; i++)
		refused(devmem_bind_rx(nic, buffer,
				       DEVMEM_OPTS(devmem_bind_opts, .queues = 1,
						   .queue_list = lists[0], .engine = engines[i]),
				       &binding),
			EBUSY, "(driver gve)");
	is_as_before();
	ok(bind_queues(nic, buffer, 2, (const uint32_t[]){ 2, 1 }, &binding));
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

static void fbnic_receives(void **state)
{
	(void)state;
	assert_int_equal(split_before.split, DEVMEM_SPLIT_ENABLED);
	assert_int_equal(split_before.thresh, 1536);
	received("fbnic", false);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest mlx5[] = {
		test(mlx5_receives),
		test(mlx5_gro_was_on),
		test(mlx5_off_is_asked_for_meanwhile),
		test(mlx5_dependence_goes_off_meanwhile),
		test(mlx5_turned_off_meanwhile),
		test(mlx5_needs_what_is_off_itself),
		test(failure_in_the_middle),
	};
	const struct CMUnitTest bnxt[] = { test(bnxt_receives), test(failure_in_the_middle) };
	const struct CMUnitTest gve_first[] = { test(gve_advice) };
	const struct CMUnitTest gve[] = {
		test(gve_receives),
		test(gve_has_no_contexts),
		test(gve_queue_0),
		test(failure_in_the_middle),
	};
	const struct CMUnitTest fbnic[] = { test(fbnic_receives), test(failure_in_the_middle) };
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "mlx5"))
		return cmocka_run_group_tests(mlx5, NULL, NULL);
	if (!strcmp(what, "bnxt"))
		return cmocka_run_group_tests(bnxt, NULL, NULL);
	if (!strcmp(what, "gve"))
		return cmocka_run_group_tests(gve_first, NULL, NULL) ||
		       system("ethtool -K " NIC " ntuple on") ||
		       cmocka_run_group_tests(gve, NULL, NULL);
	if (!strcmp(what, "fbnic"))
		return cmocka_run_group_tests(fbnic, NULL, NULL);
	fprintf(stderr, "usage: lab_quirks mlx5|bnxt|gve|fbnic, with the NIC loaded as "
			"mimic=...\n");
	return 2;
}
