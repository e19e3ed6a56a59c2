// SPDX-License-Identifier: MIT
/*
 * A NIC that leaves every second packet unsplit, in pages, with GRO on: the kernel makes one packet
 * of both kinds, and takes what is in device memory for pages if those come first. [net/core/gro.c:
 * skb_gro_receive()] Nobody may read a wrong byte of that, the first such packet ends its
 * connection with the reason, and GRO is turned off. "lab_merged captured" is what it is turned off
 * for: a capture of packets makes the kernel read them (lab: status 125).
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define BYTES	400000u
#define ALONE	80u /* bytes of one packet */
#define MIB	(1u << 20)
#define ETH_ALL 0x0003

static const uint32_t queue = 1;

/*
 * gve leaves only the first bytes of a packet unsplit: which are all of a short one, so packets are
 * short there, by an announced maximum. And GRO waits for those that it could merge; labnic hands
 * up many at once.
 */
static void make_mergeable(struct lab *lab)
{
	const int most = 100;

	run("echo 50000000 >/sys/class/net/" NIC "/gro_flush_timeout");
	assert_int_equal(setsockopt(lab->listener, IPPROTO_TCP, TCP_MAXSEG, &most, sizeof(most)),
			 0);
	lab_fault_alone("nosplit_bytes", (unsigned long)most);
}

/* As it is at the beginning: the NIC splits all. */
static void set_up(struct lab *lab)
{
	lab_open_as(lab,
		    &(struct lab_opts){ .bytes = 16 * MIB, .queues = 1, .queue_list = &queue });
	if (lab_nic_is("gve"))
		make_mergeable(lab);
}

static void tear_down(struct lab *lab)
{
	lab_close(lab);
	if (lab_nic_is("gve"))
		run("echo 0 >/sys/class/net/" NIC "/gro_flush_timeout");
	lab_fault_alone("nosplit_every", 0);
	lab_fault_alone("nosplit_bytes", 128);
	if (lab_has_fault("unsplit_pages"))
		lab_fault_alone("unsplit_pages", 0);
}

/* The first packet of each batch in pages, the next one in device memory, and so on. */
static void leave_unsplit(void)
{
	if (lab_has_fault("unsplit_pages")) {
		lab_fault_alone("unsplit_pages", 1);
		lab_fault_alone("nosplit_bytes", 0);
	}
	lab_fault_alone("nosplit_every", 2);
}

/* A packet alone, first: which kind the NIC begins with, then, is the other one. Returns what the
 * connection ended with. */
static int first_one(struct devmem_ring *ring, struct lab *lab, bool other_kind)
{
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_sender *sender;
	struct lab_stream stream;

	lab_attach(ring, lab, pair.near, &stream);
	leave_unsplit();
	if (other_kind) {
		assert_true(lab_sent(lab_send(pair.far, ALONE, 0, false)));
		lab_receive(ring, lab, &stream, ALONE);
	}
	sender = lab_send_from(pair.far, stream.position, BYTES, true);
	lab_receive_end(ring, lab, &stream, "GRO merged");
	print_message("%s after %llu bytes\n", strerror(-stream.error),
		      (unsigned long long)stream.position);
	lab_reset(pair.far); /* the socket may still be held: its sender would wait for ever */
	lab_close_pair(pair);
	devmem_detach(stream.sock);
	lab_sent(sender);
	return stream.error;
}

/* Until packets of both kinds have been the first one of a merged packet: the NIC counts on, so
 * that depends on what was before. */
static void it_ends_with_the_reason(void **state)
{
	bool pages_first = false, device_first = false;

	(void)state;
	lab_cannot_copy("nothing is in device memory");
	for (int i = 0; i < 8 && !(pages_first && device_first); i++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab lab;
		int error;

		set_up(&lab);
		error = first_one(ring, &lab, i & 1);
		pages_first = pages_first || error == -EFAULT || !lab_tokens();
		device_first = device_first || error == -ENODEV || !lab_tokens();
		devmem_ring_close(ring);
		tear_down(&lab);
	}
	assert_true(pages_first && device_first);
}

static void the_next_one_does_not_end(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	lab_cannot_copy("nothing is in device memory");
	set_up(&lab);
	assert_true(first_one(ring, &lab, false) < 0);
	run("for i in $(seq 600); do ethtool -k lab0 | grep -q '^generic-receive-offload: off' && "
	    "exit; sleep 0.1; done; exit 1");

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		pair = lab_connect(&lab, ipv6);
		lab_attach(ring, &lab, pair.near, &stream);
		sender = lab_send(pair.far, BYTES, 0, true);
		lab_receive_end(ring, &lab, &stream, "GRO merged");
		assert_true(lab_sent(sender));
		assert_int_equal(stream.error, 0);
		assert_int_equal(stream.position, BYTES);
		assert_true(stream.host > 0 && stream.device > 0);
		devmem_detach(stream.sock);
		lab_close_pair(pair);
	}
	lab_settle(ring);
	devmem_ring_close(ring);
	tear_down(&lab);
}

/* A socket that is not attached, whose packets come through a bound queue. */
struct stranger {
	struct devmem_ring *ring;
	/* with engine zcrx a queue is bound when a ring attaches something */
	struct lab_pair holder, pair;
	struct lab_stream stream;
	struct lab_sender *sender;
};

static void open_stranger(struct stranger *s, struct lab *lab, bool other_kind)
{
	struct pollfd readable = { .events = POLLIN };

	s->ring = lab_ring(NULL);
	s->holder = lab_connect(lab, false);
	lab_attach(s->ring, lab, s->holder.near, &s->stream);
	s->pair = lab_connect(lab, false);
	leave_unsplit();
	readable.fd = s->pair.near;
	if (other_kind) {
		assert_true(lab_sent(lab_send(s->pair.far, ALONE, 0, false)));
		assert_int_equal(poll(&readable, 1, 60000), 1);
	}
	s->sender = lab_send(s->pair.far, BYTES, 0, true);
	assert_int_equal(poll(&readable, 1, 60000), 1);
}

static void close_stranger(struct stranger *s)
{
	lab_close_pair(s->pair);
	lab_sent(s->sender);
	devmem_detach(s->stream.sock);
	lab_close_pair(s->holder);
	lab_settle(s->ring);
	devmem_ring_close(s->ring);
}

static void who_reads_is_told(void **state)
{
	static char bytes[BYTES];
	struct stranger s;
	struct lab lab;
	ssize_t n;

	(void)state;
	lab_cannot_copy("nothing is in device memory");
	set_up(&lab);
	open_stranger(&s, &lab, false);
	n = recv(s.pair.near, bytes, sizeof(bytes), MSG_PEEK);
	assert_true(n < (ssize_t)BYTES);
	while ((n = recv(s.pair.near, bytes, sizeof(bytes), 0)) > 0)
		;
	assert_int_equal(n, -1);
	assert_int_equal(errno, EFAULT);
	close_stranger(&s);
	tear_down(&lab);
}

/* As tcpdump does. Which kind comes first in a merged packet depends on what was sent before, and
 * whether packets are merged depends on how many of them one poll finds: so it tries again, until
 * the kernel stops. */
static void captured(void **state)
{
	/* room for all: what finds none is not read */
	struct tpacket_req ring = { .tp_block_size = 1 << 17,
				    .tp_block_nr = 512,
				    .tp_frame_size = 1 << 16,
				    .tp_frame_nr = 1024 };
	struct sockaddr_ll on = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_ALL),
				  .sll_ifindex = (int)if_nametoindex(NIC) };
	int tap = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_ALL)), version = TPACKET_V2;
	struct stranger s;
	struct lab lab;

	(void)state;
	assert_int_equal(setsockopt(tap, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)), 0);
	assert_int_equal(setsockopt(tap, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)), 0);
	assert_int_equal(bind(tap, (struct sockaddr *)&on, sizeof(on)), 0);
	for (int i = 0; i < 20; i++) {
		set_up(&lab);
		open_stranger(&s, &lab, i & 1);
		/* thrown away, not looked at: that works on any packet, and the sender goes on */
		for (size_t left = BYTES + (i & 1 ? ALONE : 0); left;) {
			ssize_t n = recv(s.pair.near, NULL, left, MSG_TRUNC);

			assert_true(n > 0);
			left -= (size_t)n;
		}
		close_stranger(&s);
		tear_down(&lab);
	}
	close(tap);
	print_error("this kernel is mended: GRO does not join packets of both kinds\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(it_ends_with_the_reason),
		LAB_TEST(the_next_one_does_not_end),
		LAB_TEST(who_reads_is_told),
	};
	const struct CMUnitTest fatal[] = { cmocka_unit_test(captured) };

	if (argc > 1 && !strcmp(argv[1], "captured"))
		return cmocka_run_group_tests(fatal, NULL, NULL);
	lab_begin(argc, argv);
	return lab_run("merged", tests, NULL, NULL);
}
