// SPDX-License-Identifier: MIT
/*
 * Both directions on the same sockets: what comes lies in device memory and what goes comes from
 * there, from the same buffer too. Notifications must not disturb what is received, nor an end or a
 * reset be missed among them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sending.h"

#define FLOWS 4u
#define PIECE (64u << 10)

struct duplex {
	struct lab lab;
	struct devmem_binding *tx;
	struct devmem_ring *ring;
	struct lab_stream stream[FLOWS];
	struct lab_pair pair[FLOWS];
	struct lab_sender *sender[FLOWS];
	struct reader reader[FLOWS];
	uint64_t queued[FLOWS], back[FLOWS]; /* bytes; sends */
	uint64_t sends[FLOWS];
	unsigned int failed;
	bool echo;
	struct devmem_event *kept; /* fragments that are being sent */
	unsigned int kept_n;
};

#define KEPT	65536u
#define LATE_US 100000

/*
 * What is sent waits for acknowledgements, which come to the same queue. Where these need a buffer
 * of it, an echo that holds all of them for its sends would wait for ever: so it limits what it
 * holds, as gpu_echo_server does.
 */
#define FEW_FRAGMENTS 256u
#define FEW_BUFFERS   2u

static bool has_to_limit(const struct duplex *d)
{
	return d->echo && !lab_nic_can("bare-packets");
}

static struct duplex *open_duplex(void **state, bool echo)
{
	struct duplex *d = calloc(1, sizeof(*d));

	(void)state;
	lab_open(&d->lab, 32 * MIB, 2);
	d->tx = out_bind(d->lab.buffer, NULL);
	d->echo = echo;
	d->ring = lab_ring(has_to_limit(d) ? DEVMEM_OPTS(devmem_ring_opts, .buffers = FEW_BUFFERS)
					   : NULL);
	d->kept = calloc(KEPT, sizeof(*d->kept));
	return d;
}

static void connect_all(struct duplex *d)
{
	for (unsigned int i = 0; i < FLOWS; i++) {
		d->pair[i] = lab_connect(&d->lab, i % 2);
		lab_attach_opts(d->ring, &d->lab, d->pair[i].near, &d->stream[i],
				DEVMEM_OPTS(devmem_attach_opts, .max_sends = KEPT,
					    .max_fragments = has_to_limit(d) ? FEW_FRAGMENTS : 0));
		d->reader[i] = (struct reader){ .fd = d->pair[i].far };
		out_read_from(&d->reader[i]);
	}
}

static void close_duplex(struct duplex *d)
{
	devmem_ring_close(d->ring);
	devmem_binding_close(d->tx);
	lab_close(&d->lab);
	free(d->kept);
	free(d);
}

/* A fragment goes back where it came from, and is released when it is sent. The cookie: where it is
 * kept. */
static void echo(struct duplex *d, const struct devmem_event *ev)
{
	const struct devmem_range range = { ev->offset, ev->length };
	struct lab_stream *s = (struct lab_stream *)(uintptr_t)ev->user_data;

	int err = devmem_send(s->sock, d->tx, &range, 1, d->kept_n);

	assert_true(d->kept_n < KEPT);
	/* it failed on the way, and more that came before is here */
	if (err == -ECONNRESET) {
		ok(devmem_release(d->ring, ev, 1));
		return;
	}
	lab_ok(err, "devmem_send", __FILE__, __LINE__);
	d->kept[d->kept_n++] = *ev;
	d->sends[s - d->stream]++;
}

static void sent(struct duplex *d, const struct devmem_event *ev)
{
	const size_t i = (size_t)((struct lab_stream *)(uintptr_t)ev->user_data - d->stream);

	if (d->echo)
		ok(devmem_release(d->ring, &d->kept[ev->cookie], 1));
	else
		assert_int_equal(ev->cookie, d->back[i]);
	d->back[i]++;
	d->failed += ev->result < 0;
}

static int turn(struct duplex *d, int timeout_ms)
{
	struct devmem_event ev[64];
	int n = ok(devmem_wait(d->ring, ev, 64, timeout_ms));

	for (int i = 0; i < n; i++) {
		if (ev[i].type == DEVMEM_EVENT_SENT) {
			sent(d, &ev[i]);
			continue;
		}
		lab_check(&d->lab, &ev[i], 1);
		if (d->echo && ev[i].type == DEVMEM_EVENT_DATA)
			echo(d, &ev[i]);
		else
			ok(devmem_release(d->ring, &ev[i], 1));
	}
	return n;
}

static bool all_back(const struct duplex *d)
{
	for (unsigned int i = 0; i < FLOWS; i++)
		if (d->back[i] < d->sends[i])
			return false;
	return true;
}

static void run_until(struct duplex *d, bool (*done)(const struct duplex *d))
{
	for (int silent = 0; !done(d);) {
		silent = turn(d, 1000) ? 0 : silent + 1;
		if (silent == 20)
			fail_msg("nothing happened for 20 seconds");
	}
}

static bool all_ended(const struct duplex *d)
{
	for (unsigned int i = 0; i < FLOWS; i++)
		if (!d->stream[i].ended)
			return false;
	return true;
}

static bool ended_and_back(const struct duplex *d)
{
	return all_ended(d) && all_back(d);
}

/* Sends of @bytes on every flow, from a buffer of their own that has the pattern's first piece at
 * each place. */
static void send_on_all(struct duplex *d, struct out *from, unsigned int pieces)
{
	for (unsigned int p = 0; p < pieces; p++)
		for (unsigned int i = 0; i < FLOWS; i++) {
			const struct devmem_range range = { (uint64_t)p * PIECE, PIECE };

			ok(devmem_send(d->stream[i].sock, from->binding, &range, 1, d->sends[i]++));
			d->queued[i] += PIECE;
		}
}

static void finish_far(struct duplex *d, unsigned int i)
{
	shutdown(d->pair[i].near, SHUT_WR);
	pthread_join(d->reader[i].thread, NULL);
	assert_false(d->reader[i].wrong);
	devmem_detach(d->stream[i].sock);
	close(d->pair[i].near);
	close(d->pair[i].far);
}

/* ---------------------------------------------------------------------------------------- tests */

static void both_ways_at_once(void **state)
{
	struct out *from = *state;
	struct duplex *d = open_duplex(state, false);
	struct devmem_stats st;

	for (unsigned int p = 0; p < SLOTS; p++)
		out_fill(from, p, (uint64_t)p * SLOT, SLOT);
	connect_all(d);
	for (unsigned int i = 0; i < FLOWS; i++)
		d->sender[i] = lab_send(d->pair[i].far, 16 * MIB, 0, true);
	send_on_all(d, from, SLOTS);
	run_until(d, ended_and_back);
	lab_settle(d->ring);
	st = lab_stats(d->ring);
	lab_expect(&st, FLOWS * 16 * MIB, true);
	assert_int_equal(st.bytes_sent + st.bytes_sent_copied, FLOWS * SLOTS * SLOT);
	assert_int_equal(lab_copies() ? st.bytes_sent : st.bytes_sent_copied, 0);
	for (unsigned int i = 0; i < FLOWS; i++) {
		assert_true(lab_sent(d->sender[i]));
		assert_int_equal(d->stream[i].error, 0);
		assert_int_equal(d->stream[i].position, 16 * MIB);
		finish_far(d, i);
		assert_int_equal(d->reader[i].bytes, SLOTS * SLOT);
	}
	close_duplex(d);
}

/* Every byte goes back from where the NIC has put it. */
static void fragments_are_sent_from_where_they_came(void **state)
{
	struct duplex *d = open_duplex(state, true);
	struct devmem_stats st;

	connect_all(d);
	for (unsigned int i = 0; i < FLOWS; i++)
		d->sender[i] = lab_send(d->pair[i].far, 32 * MIB, 0, true);
	run_until(d, ended_and_back);
	lab_settle(d->ring);
	st = lab_stats(d->ring);
	lab_expect(&st, FLOWS * 32 * MIB, true);
	assert_int_equal(st.bytes_sent + st.bytes_sent_copied, FLOWS * 32 * MIB);
	assert_int_equal(lab_copies() ? st.bytes_sent : st.bytes_sent_copied, 0);
	for (unsigned int i = 0; i < FLOWS; i++) {
		assert_true(lab_sent(d->sender[i]));
		finish_far(d, i);
		assert_int_equal(d->reader[i].bytes, 32 * MIB);
	}
	close_duplex(d);
}

/* All that waits is one end, while notifications come. */
static void an_end_among_notifications(void **state)
{
	struct out *from = *state;
	struct duplex *d = open_duplex(state, false);

	connect_all(d);
	for (unsigned int p = 0; p < SLOTS; p++)
		out_fill(from, p, (uint64_t)p * SLOT, SLOT);
	send_on_all(d, from, SLOTS);
	turn(d, 0);
	for (unsigned int i = 0; i < FLOWS; i++)
		shutdown(d->pair[i].far, SHUT_WR);
	run_until(d, all_ended);
	run_until(d, all_back);
	assert_int_equal(d->failed, 0);
	for (unsigned int i = 0; i < FLOWS; i++) {
		assert_int_equal(d->stream[i].error, 0);
		finish_far(d, i);
		assert_int_equal(d->reader[i].bytes, SLOTS * SLOT);
	}
	close_duplex(d);
}

static void resets_in_the_middle_of_both(void **state)
{
	struct duplex *d = open_duplex(state, true);

	for (unsigned int round = 0; round < (lab_in("lo") ? 6 : 15); round++) {
		d->kept_n = 0;
		memset(d->sends, 0, sizeof(d->sends));
		memset(d->back, 0, sizeof(d->back));
		connect_all(d);
		for (unsigned int i = 0; i < FLOWS; i++)
			/* never all of it */
			d->sender[i] = lab_send(d->pair[i].far, 4096ull * MIB, 0, true);
		for (unsigned int i = 0; i < round * 5; i++)
			turn(d, 5);
		for (unsigned int i = 0; i < FLOWS; i++)
			lab_reset(d->pair[i].far);
		run_until(d, ended_and_back);
		for (unsigned int i = 0; i < FLOWS; i++) {
			assert_true(d->stream[i].error < 0);
			lab_sent(d->sender[i]);
			pthread_join(d->reader[i].thread, NULL);
			assert_false(d->reader[i].wrong);
			devmem_detach(d->stream[i].sock);
			close(d->pair[i].near);
			close(d->pair[i].far);
		}
		lab_settle(d->ring);
		assert_int_equal(lab_stats(d->ring).tokens_outstanding, 0);
		assert_int_equal(lab_stats(d->ring).sends_outstanding, 0);
	}
	close_duplex(d);
}

/* Until nothing happens for a while. What comes is kept, and sends that are over are counted. */
static void keep_until_quiet(struct duplex *d, int quiet_ms)
{
	struct devmem_event ev[64];
	int n;

	while ((n = ok(devmem_wait(d->ring, ev, 64, quiet_ms))))
		for (int i = 0; i < n; i++) {
			if (ev[i].type == DEVMEM_EVENT_SENT) {
				sent(d, &ev[i]);
				continue;
			}
			assert_true(d->kept_n < KEPT);
			lab_check(&d->lab, &ev[i], 1);
			d->kept[d->kept_n++] = ev[i];
		}
}

/* Of the pattern from @position on, up to @bytes, as much as the kernel takes. Returns the position
 * after it. */
static uint64_t send_portions(int far, uint64_t position, uint64_t bytes, size_t portion)
{
	const uint64_t end = position + bytes;
	int one = 1;

	setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (ssize_t taken = 0; position < end && taken >= 0;) {
		size_t n;
		const unsigned char *p =
			pattern_at(position, portion < end - position ? portion : end - position,
				   &n);

		taken = send(far, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		position += taken > 0 ? (uint64_t)taken : 0;
	}
	return position;
}

/* Some of what near has sent, so that it goes on sending. */
static uint64_t read_some(int far, uint64_t bytes)
{
	static unsigned char data[64 << 10];
	uint64_t position = 0;
	ssize_t n;

	while (position < bytes && (n = recv(far, data, sizeof(data), MSG_DONTWAIT)) > 0) {
		assert_true(pattern_matches(position, data, (size_t)n));
		position += (uint64_t)n;
	}
	assert_true(position > 0);
	return position;
}

static int receive_buffer(int fd)
{
	int bytes;
	socklen_t len = sizeof(bytes);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len), 0);
	return bytes;
}

/*
 * More comes than there is room for: far is late to learn of it, and messages take more memory than
 * bytes. What near has just sent is late too: far acknowledges it with numbers from beyond what is
 * dropped, and has no room either. Returns how much it has sent.
 */
static uint64_t overrun(struct duplex *d)
{
	const int far = d->pair[0].far;
	uint64_t position = send_portions(far, 0, 300 << 10, 64 << 10);

	keep_until_quiet(d, 100);
	assert_true(lab_stats(d->ring).paused > 0);
	far_fault("delay_us", LATE_US);
	far_fault("delay_every", 1);
	position = send_portions(far, position, 4 * MIB, 200);
	usleep(LATE_US / 2);
	d->reader[0].bytes = read_some(far, 64 << 10);
	keep_until_quiet(d, 10 * LATE_US / 1000);
	far_faults_off();
	return position;
}

static void send_on_first(struct duplex *d, struct out *from)
{
	for (unsigned int p = 0; p < SLOTS; p++) {
		const struct devmem_range range = { (uint64_t)p * SLOT, SLOT };

		out_fill(from, p, (uint64_t)p * SLOT, SLOT);
		ok(devmem_send(d->stream[0].sock, from->binding, &range, 1, d->sends[0]++));
	}
}

/*
 * As an echo does, it receives no more until its sends are over. Meanwhile the peer sends more than
 * there is room for, and the kernel takes back the window that it had offered; without help it
 * would then never learn that the peer reads again. Returns whether it was helped: now and then
 * there is no need.
 */
static bool no_more_is_received_until_sends_are_over(struct out *from)
{
	struct duplex *d = open_duplex(NULL, false);
	uint64_t position;
	bool grown;
	int room;

	d->pair[0] = lab_connect(&d->lab, true);
	lab_attach_opts(d->ring, &d->lab, d->pair[0].near, &d->stream[0],
			DEVMEM_OPTS(devmem_attach_opts, .max_sends = KEPT, .max_fragments = 64));
	room = receive_buffer(d->pair[0].near);
	send_on_first(d, from);
	keep_until_quiet(d, 100);
	assert_true(d->back[0] < d->sends[0]);
	position = overrun(d);
	shutdown(d->pair[0].far, SHUT_WR);
	d->reader[0].fd = d->pair[0].far;
	out_read_from(&d->reader[0]);
	for (int i = 0; i < 10 && d->back[0] < d->sends[0]; i++)
		keep_until_quiet(d, 1000);
	assert_int_equal(d->back[0], d->sends[0]);
	assert_int_equal(d->failed, 0);
	grown = receive_buffer(d->pair[0].near) > room;
	ok(devmem_release(d->ring, d->kept, d->kept_n));
	assert_int_equal(receive_buffer(d->pair[0].near), room);
	while (!d->stream[0].ended)
		assert_true(turn(d, 10000) > 0);
	assert_int_equal(d->stream[0].position, position);
	finish_far(d, 0);
	assert_int_equal(d->reader[0].bytes, SLOTS * SLOT);
	close_duplex(d);
	return grown;
}

static void sends_go_on_where_nothing_more_may_be_received(void **state)
{
	lab_cannot_copy("what is copied waits in memory of the kernel's own, which nobody limits");
	for (unsigned int round = 0; !no_more_is_received_until_sends_are_over(*state); round++)
		assert_true(round < 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		OUT_TEST(both_ways_at_once),
		OUT_TEST(fragments_are_sent_from_where_they_came),
		OUT_TEST(an_end_among_notifications),
		OUT_TEST(resets_in_the_middle_of_both),
		OUT_TEST(sends_go_on_where_nothing_more_may_be_received),
	};

	lab_begin(argc, argv);
	return lab_run("duplex", tests, NULL, NULL);
}
