// SPDX-License-Identifier: MIT
/* Sending from device memory: every byte arrives, every cookie comes back once, and memory is left
 * alone until then. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sending.h"

/* -------------------------------------------------------------------------------------- streams */

static void a_stream_on_each_of_eight_sockets(void **state)
{
	struct out *o = *state;
	const uint64_t bytes = lab_in("lo") ? 2 * MIB : 16 * MIB;

	out_start(o, 8, bytes);
	out_pump(o);
	out_expect(o, 8 * bytes);
	out_finish(o);
}

static void losses_and_disorder(void **state)
{
	struct out *o = *state;

	lab_cannot("lo", "its NIC loses nothing");
	far_fault("drop_every", 97);
	far_fault("reorder_every", 31);
	far_fault("delay_every", 211);
	out_start(o, 8, 4 * MIB);
	out_pump(o);
	out_expect(o, 32 * MIB);
	out_finish(o);
}

/* The memory of each send is spoiled at its event (sending.c), and packets that were lost are sent
 * again from there. */
static void ten_thousand_sends_and_memory_used_again_at_once(void **state)
{
	struct out *o = *state;
	struct devmem_stats st;

	if (!lab_in("lo"))
		far_fault("drop_every", 499);
	o->most = 12000;
	out_start(o, 1, 64000000);
	out_pump(o);
	if (o->flow[0].failed || o->flow[0].error)
		fail_msg("after %llu sends: %s, %s (%s)", (unsigned long long)o->flow[0].next_back,
			 strerror(-o->flow[0].first_error), strerror(-o->flow[0].error),
			 devmem_error());
	assert_true(o->flow[0].next_back >= 10000);
	st = lab_stats(o->ring);
	assert_int_equal(st.sends, o->flow[0].next_back);
	out_expect(o, 64000000);
	out_finish(o);
}

static void the_link_goes_down_and_up(void **state)
{
	struct out *o = *state;

	lab_cannot("lo", "its link is always up");
	out_start(o, 4, 12 * MIB);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++) {
			out_send(o);
			out_turn(o, 10);
		}
		far_fault("link", 0);
		usleep(300000);
		out_turn(o, 0);
		far_fault("link", 1);
	}
	out_pump(o);
	out_expect(o, 48 * MIB);
	out_finish(o);
}

/* One byte at a time, each alone, as a request and its answer would be. */
static void small_sends_one_after_the_other(void **state)
{
	struct out *o = *state;

	o->most = 1;
	out_start(o, 2, 500);
	for (int i = 0; i < 500; i++) {
		out_send(o);
		out_turn(o, 1);
	}
	out_pump(o);
	out_expect(o, 1000);
	out_finish(o);
}

/* There is room for one request at a time. */
static void a_submission_queue_of_one(void **state)
{
	struct out *o = *state;
	const char *engine = lab_in("syscall") ? "syscall" : NULL;

	devmem_ring_close(o->ring);
	ok(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .entries = 1, .engine = engine),
			    &o->ring));
	out_start(o, 8, 4 * MIB);
	out_pump(o);
	out_expect(o, 32 * MIB);
	out_finish(o);
}

/* ------------------------------------------------------------------------------------- pressure */

/* A reader that does not read: nothing is asked of the kernel again and again meanwhile. */
static void a_full_send_buffer_is_waited_for(void **state)
{
	struct out *o = *state;
	struct devmem_stats before, after;

	o->n = 2;
	for (unsigned int i = 0; i < o->n; i++) {
		out_connect(o, i, NULL);
		o->flow[i].bytes = 48 * MIB;
		o->flow[i].reader.pause = true;
		out_read(&o->flow[i]);
	}
	for (int silent = 0; silent < 3;) {
		out_send(o);
		silent = out_turn(o, 100) ? 0 : silent + 1;
	}
	before = lab_stats(o->ring);
	assert_true(before.send_waits > 0);
	assert_true(before.sends_outstanding > 0);
	for (int i = 0; i < 3; i++)
		out_turn(o, 100);
	after = lab_stats(o->ring);
	assert_true(after.enter_calls - before.enter_calls < 50);
	for (unsigned int i = 0; i < o->n; i++)
		o->flow[i].reader.pause = false;
	out_pump(o);
	out_expect(o, 96 * MIB);
	out_finish(o);
}

static void the_application_is_told_when_to_go_on(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];

	o->n = 1;
	o->most = 4096;
	out_connect(o, 0, DEVMEM_OPTS(devmem_attach_opts, .max_sends = 8));
	f->bytes = 4 * MIB;
	f->reader.pause = true;
	out_read(f);
	out_send(o);
	assert_true(f->refused);
	assert_int_equal(f->next_cookie, 8);
	f->reader.pause = false;
	out_pump(o);
	assert_true(f->sendable > 10);
	out_finish(o);
}

/* The kernel's memory for notifications is short: the sends wait for each other. */
static void no_room_for_more_notifications(void **state)
{
	struct out *o = *state;
	struct devmem_stats st;

	lab_cannot_copy("nothing is notified of");
	/* acknowledgements come late, so that more than one is out */
	far_fault("delay_every", 2);
	run("sysctl -qw net.core.optmem_max=1000");
	o->most = 2000;
	out_start(o, 2, 2 * MIB);
	out_pump(o);
	st = lab_stats(o->ring);
	run("sysctl -qw net.core.optmem_max=131072");
	assert_true(st.send_no_room > 0);
	out_expect(o, 4 * MIB);
	out_finish(o);
}

/* ... and where there is none at all, it is told. The connection has not failed, and goes on. */
static void no_room_for_any_notification(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];

	lab_cannot_copy("nothing is notified of");
	o->most = 1000;
	out_start(o, 1, 100000);
	run("sysctl -qw net.core.optmem_max=100");
	out_send(o);
	while (f->next_back < f->next_cookie)
		assert_true(out_turn(o, 5000) > 0);
	run("sysctl -qw net.core.optmem_max=131072");
	assert_int_equal(f->failed, f->next_cookie);
	assert_int_equal(f->first_error, -ENOBUFS);
	f->queued = f->back = f->failed = 0; /* none of it was sent */
	out_pump(o);
	out_expect(o, 100000);
	out_finish(o);
}

/* --------------------------------------------------------------------- who else uses the socket */

/* A ring after another, and the kernel's numbers go on. */
static void a_socket_that_sent_before(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];

	out_start(o, 1, MIB);
	for (int ring = 0; ring < 3; ring++) {
		out_pump(o);
		devmem_detach(f->sock);
		out_turn(o, 10);
		devmem_ring_close(o->ring);
		o->ring = out_ring();
		ok(devmem_attach(o->ring, f->pair.near, NULL, 0, NULL, &f->sock));
		f->bytes += MIB;
	}
	out_pump(o);
	out_expect(o, MIB);
	out_finish(o);
}

/* The program's own bytes go in between. */
static void ordinary_sends_on_the_same_socket(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];
	char bytes[1000];

	out_start(o, 1, 0);
	for (int i = 0; i < 200; i++) {
		size_t n;
		const unsigned char *p;

		f->bytes += 3000;
		out_pump(o);
		p = pattern_at(f->bytes, sizeof(bytes), &n);
		assert_int_equal(send(f->pair.near, p, n, MSG_NOSIGNAL), n);
		f->bytes += n;
		f->queued += n;
		f->back += n;
	}
	out_finish(o);
}

static void the_program_s_own_zerocopy_is_told_apart(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];
	struct devmem_range range = { 0, 100 };
	const int one = 1;
	int small = 4096;

	lab_cannot_copy("it does not use MSG_ZEROCOPY");
	o->n = 1;
	out_connect(o, 0, NULL);
	setsockopt(f->pair.far, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	f->reader.pause = true;
	out_read(f);
	assert_int_equal(setsockopt(f->pair.near, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)), 0);
	f->bytes = 200000;
	out_fill(o, 0, 0, SLOT);
	for (unsigned int i = 0; i < 4; i++) {
		const unsigned char *p;
		size_t n, done = 0;

		for (; done < 50000; done += n) {
			p = pattern_at(i * 50000 + done, 50000 - done, &n);
			assert_int_equal(send(f->pair.near, p, n, MSG_ZEROCOPY | MSG_NOSIGNAL), n);
		}
	}
	assert_int_equal(devmem_send(f->sock, o->binding, &range, 1, 0), -EBUSY);
	f->reader.pause = false;
	for (int i = 0; devmem_send(f->sock, o->binding, &range, 1, 0) == -EBUSY; i++) {
		assert_true(i < 5000);
		usleep(1000);
	}
	o->slot[0] = (struct slot){ true, 100, 0 };
	out_fill(o, 0, 200000, 100);
	f->next_cookie = 1;
	f->bytes = f->queued = 200100;
	f->back = 200000;
	out_pump(o);
	out_finish(o);
}

/* Both directions at once, and the end of one: what receives is not disturbed by notifications, nor
 * the other way round. */
static void a_peer_that_has_closed_its_half_is_sent_to(void **state)
{
	struct out *o = *state;
	struct devmem_stats before, after;

	out_start(o, 2, 16 * MIB);
	for (unsigned int i = 0; i < o->n; i++)
		shutdown(o->flow[i].pair.far, SHUT_WR);
	while (!o->flow[0].ended || !o->flow[1].ended)
		assert_true(out_turn(o, 5000) > 0);
	out_pump(o);
	out_expect(o, 32 * MIB);
	for (unsigned int i = 0; i < o->n; i++)
		o->flow[i].bytes += SLOT;
	o->flow[0].reader.pause = o->flow[1].reader.pause = true;
	out_send(o);
	before = lab_stats(o->ring);
	for (int i = 0; i < 3; i++)
		out_turn(o, 100);
	after = lab_stats(o->ring);
	assert_true(after.enter_calls - before.enter_calls < 100);
	o->flow[0].reader.pause = o->flow[1].reader.pause = false;
	out_pump(o);
	out_finish(o);
}

/* Its half is over, and it takes nothing: that it ended is no room, and no reason to look for any
 * without end. */
static void a_peer_that_ended_its_half_and_does_not_read(void **state)
{
	struct out *o = *state;
	struct flow *f = &o->flow[0];
	uint64_t calls;

	o->n = 1;
	out_connect(o, 0, NULL);
	f->bytes = 64 * MIB;
	shutdown(f->pair.far, SHUT_WR);
	do
		out_send(o);
	while (out_turn(o, 500));
	assert_true(f->ended);
	assert_true(f->next_back < f->next_cookie);
	calls = lab_stats(o->ring).enter_calls;
	assert_int_equal(out_turn(o, 500), 0);
	assert_in_range(lab_stats(o->ring).enter_calls - calls, 0, 20);
	out_read(f);
	out_pump(o);
	out_finish(o);
}

/* From an event loop of the program's own. */
static void by_the_ring_s_descriptor(void **state)
{
	struct out *o = *state;
	struct pollfd p = { .fd = ok(devmem_ring_fd(o->ring)), .events = POLLIN };

	out_start(o, 2, 8 * MIB);
	while (out_send(o), !out_all_back(o)) {
		if (!out_turn(o, 0))
			assert_true(poll(&p, 1, 10000) > 0);
	}
	out_expect(o, 16 * MIB);
	out_finish(o);
}

/* ------------------------------------------------------------------------------------- refusals */

static void refused(int err, int want, const char *why)
{
	assert_int_equal(err, -want);
	if (!strstr(devmem_error(), why))
		fail_msg("\"%s\" does not say \"%s\"", devmem_error(), why);
}

static void what_is_refused_changes_nothing(void **state)
{
	struct out *o = *state;
	const uint64_t size = SLOTS * SLOT;
	const struct devmem_range good = { 0, 1 }, empty = { 5, 0 }, beyond = { size, 1 },
				  long_one = { size - 4, 5 }, around = { UINT64_MAX, 2 },
				  two[2] = { { 0, 1 }, { 9, 0 } };
	struct devmem_range many[300];
	struct devmem_binding *none = NULL;
	struct devmem_stats st;
	struct devmem_sock *s;

	for (unsigned int i = 0; i < 300; i++)
		many[i] = (struct devmem_range){ 0, size };
	o->n = 1;
	out_connect(o, 0, NULL);
	s = o->flow[0].sock;
	refused(devmem_send(NULL, o->binding, &good, 1, 0), EINVAL, "an attached socket");
	refused(devmem_send(s, NULL, &good, 1, 0), EINVAL, "a binding");
	refused(devmem_send(s, o->binding, NULL, 1, 0), EINVAL, "and ranges");
	refused(devmem_send(s, o->binding, &good, 0, 0), EINVAL, "and ranges");
	refused(devmem_send(s, o->binding, &empty, 1, 0), EINVAL, "is empty");
	refused(devmem_send(s, o->binding, two, 2, 0), EINVAL, "range 1");
	refused(devmem_send(s, o->binding, &beyond, 1, 0), ERANGE, "exceeds the buffer");
	refused(devmem_send(s, o->binding, &long_one, 1, 0), ERANGE, "exceeds the buffer");
	refused(devmem_send(s, o->binding, &around, 1, 0), ERANGE, "exceeds the buffer");
	refused(devmem_send(s, o->binding, many, 300, 0), EMSGSIZE, "2 GiB");
	refused(devmem_send(s, o->binding, many, 65537, 0), EMSGSIZE, "65537 ranges");
	refused(devmem_attach(o->ring, o->flow[0].pair.near, o->binding, 0, NULL, &s), EINVAL,
		"for sending");
	refused(devmem_steer(o->binding, (struct sockaddr *)&(struct sockaddr_storage){ 0 }, NULL),
		EINVAL, "for sending");
	refused(devmem_unsteer(o->binding, (struct sockaddr *)&(struct sockaddr_storage){ 0 },
			       NULL),
		EINVAL, "for sending");
	refused(devmem_source_port(o->binding, (struct sockaddr *)&(struct sockaddr_storage){ 0 },
				   (struct sockaddr *)&(struct sockaddr_storage){ 0 }),
		EINVAL, "for sending");
	refused(devmem_bind_tx(NIC, NULL, NULL, &none), EINVAL, "no buffer");
	refused(devmem_bind_tx("nosuch0", o->buffer, NULL, &none), ENODEV, "nosuch0");
	refused(devmem_bind_tx(NIC, o->buffer, &(struct devmem_bind_tx_opts){ .size = 1 }, &none),
		EINVAL, "its own size");
	refused(devmem_bind_tx(NIC, o->buffer, DEVMEM_OPTS(devmem_bind_tx_opts, .engine = "zcrx"),
			       &none),
		EINVAL, "zcrx");
	refused(devmem_bind_tx("lo", o->buffer,
			       DEVMEM_OPTS(devmem_bind_tx_opts, .engine = "devmem"), &none),
		EOPNOTSUPP, lab_in("lo") ? "dma-buf" : "netmem TX");
	refused(devmem_bind_tx(NULL, o->buffer,
			       DEVMEM_OPTS(devmem_bind_tx_opts, .engine = "devmem"), &none),
		EOPNOTSUPP, "no interface");
	assert_null(none);
	st = lab_stats(o->ring);
	assert_int_equal(st.sends, 0);
	assert_int_equal(out_turn(o, 20), 0);
	close(o->flow[0].pair.near);
	close(o->flow[0].pair.far);
}

static void a_binding_for_receiving_does_not_send(void **state)
{
	struct out *o = *state;
	const struct devmem_range good = { 0, 1 };
	struct devmem_buffer *buffer = lab_buffer(4 * MIB);
	struct devmem_binding *rx;
	struct devmem_nic *nic;

	ok(devmem_nic_open(NIC, NULL, &nic));
	rx = lab_bind(nic, buffer, 1, NULL);
	o->n = 1;
	out_connect(o, 0, NULL);
	refused(devmem_send(o->flow[0].sock, rx, &good, 1, 0), EINVAL, "for receiving");
	devmem_binding_close(rx);
	devmem_buffer_close(buffer);
	ok(devmem_nic_close(nic));
	close(o->flow[0].pair.near);
	close(o->flow[0].pair.far);
}

static struct devmem_binding *copying(struct out *o, const char *ifname, const char *word)
{
	struct devmem_binding *any;
	const char *why;

	ok(devmem_bind_tx(ifname, o->buffer, NULL, &any));
	assert_string_equal(devmem_binding_engine(any, &why), "copy");
	assert_non_null(strstr(why, word));
	assert_int_equal(devmem_binding_page_size(any, &why), 0);
	return any;
}

static void sends_by_copying(struct out *o, struct devmem_binding *any)
{
	struct devmem_stats st;

	devmem_binding_close(o->binding);
	o->binding = any;
	out_start(o, 2, 4 * MIB);
	out_pump(o);
	st = lab_stats(o->ring);
	assert_int_equal(st.bytes_sent, 0);
	assert_int_equal(st.bytes_sent_copied, 8 * MIB);
	assert_int_equal(st.send_notices, 0);
	for (unsigned int i = 0; i < o->n; i++)
		assert_int_equal(o->flow[i].copied, o->flow[i].next_back);
	out_finish(o);
}

/* Loopback cannot send from device memory, and nobody is to notice but in the statistics. */
static void where_the_nic_cannot_it_is_copied(void **state)
{
	struct out *o = *state;

	sends_by_copying(o, copying(o, "lo", lab_in("lo") ? "dma-buf" : "netmem TX"));
}

/* Then the kernel would have to read what it sends: the peer would get nothing, or zeros. */
static void without_the_offloads_it_is_copied(void **state)
{
	static const char *const off[] = { "tx off", "sg off", "tx off sg off" };
	struct devmem_binding *any = NULL;
	struct out *o = *state;
	char command[64];

	lab_cannot("lo", "its offloads are its own");
	for (unsigned int i = 0; i < 3; i++) {
		if (any)
			devmem_binding_close(any);
		snprintf(command, sizeof(command), "ethtool -K " NIC " %s >/dev/null", off[i]);
		run(command);
		assert_int_equal(devmem_bind_tx(NIC, o->buffer,
						DEVMEM_OPTS(devmem_bind_tx_opts, .engine = "devme"
											   "m"),
						&any),
				 -EPROTONOSUPPORT);
		assert_non_null(strstr(devmem_error(), "ethtool -K " NIC " tx on sg on"));
		any = copying(o, NIC, i ? "scatter-gather is off" : "TX checksumming is off");
		run("ethtool -K " NIC " tx on sg on >/dev/null");
	}
	run(command);
	sends_by_copying(o, any);
	run("ethtool -K " NIC " tx on sg on >/dev/null");
}

static void tso(const char *to)
{
	static const char *const names[] = { "tcp-", "tcp6-", "tcp-ecn-", "generic-" };
	char command[96];

	for (unsigned int i = 0; i < 4; i++) {
		snprintf(command, sizeof(command),
			 "ethtool -K " NIC " tx-%ssegmentation %s >/dev/null", names[i], to);
		run(command);
	}
}

/* The kernel then makes each packet itself, which takes no reading. */
static void without_tso(void **state)
{
	struct out *o = *state;

	lab_cannot("lo", "its offloads are its own");
	tso("off");
	out_start(o, 4, 4 * MIB);
	out_pump(o);
	out_expect(o, 16 * MIB);
	out_finish(o);
	tso("on");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		OUT_TEST(a_stream_on_each_of_eight_sockets),
		OUT_TEST(losses_and_disorder),
		OUT_TEST(ten_thousand_sends_and_memory_used_again_at_once),
		OUT_TEST(the_link_goes_down_and_up),
		OUT_TEST(small_sends_one_after_the_other),
		OUT_TEST(a_submission_queue_of_one),
		OUT_TEST(a_full_send_buffer_is_waited_for),
		OUT_TEST(the_application_is_told_when_to_go_on),
		OUT_TEST(no_room_for_more_notifications),
		OUT_TEST(no_room_for_any_notification),
		OUT_TEST(a_socket_that_sent_before),
		OUT_TEST(ordinary_sends_on_the_same_socket),
		OUT_TEST(the_program_s_own_zerocopy_is_told_apart),
		OUT_TEST(a_peer_that_has_closed_its_half_is_sent_to),
		OUT_TEST(a_peer_that_ended_its_half_and_does_not_read),
		OUT_TEST(by_the_ring_s_descriptor),
		OUT_TEST(what_is_refused_changes_nothing),
		OUT_TEST(a_binding_for_receiving_does_not_send),
		OUT_TEST(where_the_nic_cannot_it_is_copied),
		OUT_TEST(without_the_offloads_it_is_copied),
		OUT_TEST(without_tso),
	};

	lab_begin(argc, argv);
	return lab_run("send", tests, NULL, NULL);
}
