// SPDX-License-Identifier: MIT
/*
 * NICs that lack something, as the lab's can be loaded: lab_lesser split|contexts|ntuple says what. The refusal
 * names it, and leaves the NIC as it was.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

static char *before;
static struct devmem_buffer *buffer;
static struct devmem_nic *nic;
static const struct sockaddr_in port = { .sin_family = AF_INET, .sin_port = 0x5014 };
static const struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = 0x6014, .sin_addr.s_addr = 0x020200c0 };
static const struct sockaddr_in other_peer = { .sin_family = AF_INET, .sin_port = 0x7014,
					       .sin_addr.s_addr = 0x020200c0 };

static int set_up(void **state)
{
	(void)state;
	before = lab_nic_view();
	ok(devmem_buffer_create("udmabuf", 4 << 20, NULL, &buffer));
	ok(devmem_nic_open(NIC, NULL, &nic));
	return 0;
}

static int tear_down(void **state)
{
	char *after;

	(void)state;
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
	after = lab_nic_view();
	assert_string_equal(before, after);
	free(before);
	free(after);
	return 0;
}

/* What is asked for is refused; by itself it copies, and receives. */
static void without_split(void **state)
{
	static const char *const engines[] = { "devmem", "zcrx" };
	struct lab lab = { .port = PORT, .nic = nic, .buffer = buffer, .listener = lab_listen(PORT) };
	struct lab_stream stream;
	struct lab_sender *sender;
	struct devmem_ring *ring;
	struct devmem_stats st;
	struct lab_pair pair;
	const char *reason;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = engines[i]),
						&lab.binding), -EPROTONOSUPPORT);
		assert_non_null(strstr(devmem_error(), "split headers from data"));
	}
	ok(devmem_bind_rx(nic, buffer, NULL, &lab.binding));
	assert_string_equal(devmem_binding_engine(lab.binding, &reason), "copy");
	assert_non_null(strstr(reason, "split headers from data"));
	ok(devmem_ring_open(NULL, &ring));
	ok(devmem_buffer_map(buffer, (void **)&lab.memory));
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	assert_string_equal(devmem_ring_engine(ring, NULL), "copy");
	sender = lab_send(pair.far, 16 << 20, 0, true);
	assert_true(lab_drain(ring, &lab, &stream, 1));
	assert_true(lab_sent(sender));
	st = lab_stats(ring);
	assert_int_equal(stream.position, 16 << 20);
	assert_int_equal(st.bytes_plain, 16 << 20);
	assert_int_equal(st.bytes_device + st.bytes_linear, 0);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	devmem_binding_close(lab.binding);
	close(pair.near);
	close(pair.far);
	close(lab.listener);
}

static void without_contexts(void **state)
{
	struct devmem_binding *one, *two;

	(void)state;
	ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 2), &two));
	assert_int_equal(devmem_steer(two, (const struct sockaddr *)&port, NULL), -EOPNOTSUPP);
	assert_non_null(strstr(devmem_error(), "RSS contexts"));
	/* single connections take turns */
	ok(devmem_steer(two, (const struct sockaddr *)&port, (const struct sockaddr *)&peer));
	ok(devmem_steer(two, (const struct sockaddr *)&port, (const struct sockaddr *)&other_peer));
	assert_int_equal(system("test $(ethtool -n " NIC " | sed -n 's/.*Direct to queue //p' | sort -u | wc -l) = 2"), 0);
	devmem_binding_close(two);
	ok(devmem_bind_rx(nic, buffer, NULL, &one));
	ok(devmem_steer(one, (const struct sockaddr *)&port, NULL));	/* one queue needs none */
	devmem_binding_close(one);
}

static void without_ntuple(void **state)
{
	struct devmem_binding *b;

	(void)state;
	ok(devmem_bind_rx(nic, buffer, NULL, &b));
	assert_int_equal(devmem_steer(b, (const struct sockaddr *)&port, NULL), -EOPNOTSUPP);
	assert_non_null(strstr(devmem_error(), "has no n-tuple rules"));
	devmem_binding_close(b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest split[] = { cmocka_unit_test_setup_teardown(without_split, set_up, tear_down) };
	const struct CMUnitTest contexts[] = { cmocka_unit_test_setup_teardown(without_contexts, set_up, tear_down) };
	const struct CMUnitTest ntuple[] = { cmocka_unit_test_setup_teardown(without_ntuple, set_up, tear_down) };
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "split"))
		return cmocka_run_group_tests(split, NULL, NULL);
	if (!strcmp(what, "contexts"))
		return cmocka_run_group_tests(contexts, NULL, NULL);
	if (!strcmp(what, "ntuple"))
		return cmocka_run_group_tests(ntuple, NULL, NULL);
	fprintf(stderr, "usage: lab_lesser split|contexts|ntuple, with the NIC loaded as no_...=1\n");
	return 2;
}
