// SPDX-License-Identifier: MIT
/*
 * NICs that lack something, as the lab's can be loaded: lab_lesser split|contexts|ntuple says what.
 * The refusal names it, and leaves the NIC as it was.
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
static const struct sockaddr_in peer = { .sin_family = AF_INET,
					 .sin_port = 0x6014,
					 .sin_addr.s_addr = 0x020200c0 };
static const struct sockaddr_in other_peer = { .sin_family = AF_INET,
					       .sin_port = 0x7014,
					       .sin_addr.s_addr = 0x020200c0 };

static int set_up(void **state)
{
	(void)state;
	before = lab_nic_view();
	ok(devmem_buffer_create("udmabuf", 16 << 20, NULL, &buffer));
	ok(devmem_nic_open(NIC, NULL, &nic));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
	assert_true(lab_same_view(before));
	free(before);
	return 0;
}

/* What is asked for is refused; by itself it copies, and receives. */
static void without_split(void **state)
{
	static const char *const engines[] = { "devmem", "zcrx" };
	struct lab lab = {
		.port = PORT, .nic = nic, .buffer = buffer, .listener = lab_listen(PORT)
	};
	struct lab_stream stream;
	struct lab_sender *sender;
	struct devmem_ring *ring;
	struct devmem_stats st;
	struct lab_pair pair;
	const char *reason;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(devmem_bind_rx(nic, buffer,
						DEVMEM_OPTS(devmem_bind_opts, .engine = engines[i]),
						&lab.binding),
				 -EPROTONOSUPPORT);
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

static unsigned int rules(void)
{
	FILE *f = popen("ethtool -n " NIC " | grep -c '^Filter:'", "re");
	unsigned int n = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
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
	assert_int_equal(system("test $(ethtool -n " NIC " | sed -n 's/.*Direct to queue //p' | "
				"sort -u | wc -l) = 2"),
			 0);
	/* again: each stays where it is, and one call takes its rule back */
	ok(devmem_steer(two, (const struct sockaddr *)&port, (const struct sockaddr *)&other_peer));
	assert_int_equal(rules(), 2);
	ok(devmem_unsteer(two, (const struct sockaddr *)&port, (const struct sockaddr *)&peer));
	ok(devmem_unsteer(two, (const struct sockaddr *)&port,
			  (const struct sockaddr *)&other_peer));
	assert_int_equal(rules(), 0);
	assert_int_equal(devmem_unsteer(two, (const struct sockaddr *)&port,
					(const struct sockaddr *)&peer),
			 -ENOENT);
	devmem_binding_close(two);
	ok(devmem_bind_rx(nic, buffer, NULL, &one));
	ok(devmem_steer(one, (const struct sockaddr *)&port, NULL)); /* one queue needs none */
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

/* What the peer dials, and from where; the port that it is to take, from @first on. */
static int port_from(struct devmem_binding *b, bool ipv6, uint16_t first)
{
	struct sockaddr_in local4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_in peer4 = { .sin_family = AF_INET, .sin_port = htons(first) };
	struct sockaddr_in6 local6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in6 peer6 = { .sin6_family = AF_INET6, .sin6_port = htons(first) };

	inet_pton(AF_INET, "192.0.2.1", &local4.sin_addr);
	inet_pton(AF_INET, "192.0.2.2", &peer4.sin_addr);
	inet_pton(AF_INET6, "2001:db8:1ab::1", &local6.sin6_addr);
	inet_pton(AF_INET6, "2001:db8:1ab::2", &peer6.sin6_addr);
	return ipv6 ? devmem_source_port(b, (struct sockaddr *)&local6, (struct sockaddr *)&peer6)
		    : devmem_source_port(b, (struct sockaddr *)&local4, (struct sockaddr *)&peer4);
}

/* Every byte of connections from such ports comes without a copy, and both queues have some. */
static void source_ports_lead_there(void **state)
{
	struct lab lab = {
		.port = PORT, .nic = nic, .buffer = buffer, .listener = lab_listen(PORT)
	};
	struct lab_stream stream[8];
	struct lab_sender *sender[8];
	struct devmem_ring *ring;
	struct lab_pair pair[8];
	struct devmem_stats st;
	unsigned int queues = 0;
	int from = 40000;

	(void)state;
	ok(devmem_bind_rx(nic, buffer,
			  DEVMEM_OPTS(devmem_bind_opts, .queues = 2, .engine = "devmem"),
			  &lab.binding));
	ok(devmem_buffer_map(buffer, (void **)&lab.memory));
	ok(devmem_ring_open(NULL, &ring));
	for (int i = 0; i < 8; i++) {
		from = ok(port_from(lab.binding, i % 2, (uint16_t)(from + 1)));
		assert_in_range(from, 40001, 65535);
		pair[i].far = lab_dial_from(PORT, i % 2, (uint16_t)from);
		pair[i].near = accept4(lab.listener, NULL, NULL, SOCK_CLOEXEC);
		lab_attach(ring, &lab, pair[i].near, &stream[i]);
		sender[i] = lab_send(pair[i].far, 2 << 20, 0, true);
	}
	assert_true(lab_drain(ring, &lab, stream, 8));
	for (int i = 0; i < 8; i++) {
		assert_true(lab_sent(sender[i]));
		assert_int_equal(stream[i].position, 2 << 20);
		queues |= 1u << ok(devmem_sock_queue(stream[i].sock));
		devmem_detach(stream[i].sock);
		close(pair[i].near);
		close(pair[i].far);
	}
	assert_int_equal(queues, 1u << 2 | 1u << 3);
	lab_settle(ring);
	st = lab_stats(ring);
	assert_int_equal(st.bytes_device, 8 * (2 << 20));
	devmem_ring_close(ring);
	devmem_binding_close(lab.binding);
	close(lab.listener);
}

static void source_ports_that_cannot_be(void **state)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct devmem_binding *b;
	int last;

	(void)state;
	ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"), &b));
	assert_int_equal(devmem_source_port(b, (struct sockaddr *)&any,
					    (const struct sockaddr *)&peer),
			 -EINVAL);
	assert_int_equal(devmem_source_port(b, (struct sockaddr *)&any, NULL), -EINVAL);
	assert_int_equal(devmem_source_port(b, &(struct sockaddr){ .sa_family = AF_UNIX },
					    (const struct sockaddr *)&peer),
			 -EAFNOSUPPORT);
	last = port_from(b, false, 65535);
	assert_true(last == -ENOENT || last == 65535); /* that very one is luck */
	assert_int_equal(system("ethtool -N " NIC " rx-flow-hash tcp4 sd"), 0);
	assert_int_equal(port_from(b, false, 0), -EOPNOTSUPP);
	assert_non_null(strstr(devmem_error(), "rx-flow-hash tcp4 sdfn"));
	ok(port_from(b, true, 0));
	assert_int_equal(system("ethtool -N " NIC " rx-flow-hash tcp4 sdfn"), 0);
	ok(port_from(b, false, 0));
	devmem_binding_close(b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest split[] = { cmocka_unit_test_setup_teardown(without_split, set_up,
									    tear_down) };
	const struct CMUnitTest contexts[] = { cmocka_unit_test_setup_teardown(without_contexts,
									       set_up, tear_down) };
	const struct CMUnitTest ntuple[] = {
		cmocka_unit_test_setup_teardown(without_ntuple, set_up, tear_down),
		cmocka_unit_test_setup_teardown(source_ports_lead_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(source_ports_that_cannot_be, set_up, tear_down),
	};
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "split"))
		return cmocka_run_group_tests(split, NULL, NULL);
	if (!strcmp(what, "contexts"))
		return cmocka_run_group_tests(contexts, NULL, NULL);
	if (!strcmp(what, "ntuple"))
		return cmocka_run_group_tests(ntuple, NULL, NULL);
	fprintf(stderr, "usage: lab_lesser split|contexts|ntuple, with the NIC loaded as "
			"no_...=1\n");
	return 2;
}
