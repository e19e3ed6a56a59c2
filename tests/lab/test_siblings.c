// SPDX-License-Identifier: MIT
/*
 * What else makes the kernel look at payload: each once on a bound queue, where it cannot read any.
 * That the machine lives is most of what is tested (lab: status 125); what a program sees of it is
 * the rest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/tls.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

#define BYTES	  20000u
#define MPTCP	  262 /* IPPROTO_MPTCP */
#define ETH_ALL	  0x0003
#define TLS_LEVEL 282 /* SOL_TLS */

#define cannot(reason) lab_name_case(__func__, reason)

/* ---------------------------------------------------------------------------------- connections */

/* The far end; @prepare is called before it connects. */
struct far {
	int protocol, fd;
	uint16_t port;
	bool (*prepare)(int fd, const char *peer);
};

static void *dial(void *arg)
{
	struct far *far = arg;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(far->port) };
	int ns = open("/run/netns/far", O_RDONLY | O_CLOEXEC);

	far->fd = -1;
	inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		return NULL;
	close(ns);
	far->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, far->protocol);
	if (far->prepare)
		far->prepare(far->fd, "192.0.2.1");
	if (connect(far->fd, (struct sockaddr *)&to, sizeof(to))) {
		close(far->fd);
		far->fd = -1;
	}
	return NULL;
}

static struct lab_pair connect_with(struct lab *lab, int protocol,
				    bool (*prepare)(int fd, const char *peer))
{
	struct far far = { .protocol = protocol, .port = lab->port, .prepare = prepare };
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(lab->port) };
	const int one = 1;
	struct lab_pair pair;
	pthread_t thread;
	int listener;

	close(lab->listener);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (prepare)
		prepare(listener, "192.0.2.2");
	assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(pthread_create(&thread, NULL, dial, &far), 0);
	pthread_join(thread, NULL);
	assert_true(far.fd >= 0);
	pair.far = far.fd;
	pair.near = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(pair.near >= 0);
	lab->listener = listener;
	return pair;
}

/* With engine zcrx a queue is bound when a ring attaches something. */
static struct holder {
	struct devmem_ring *ring;
	struct lab_pair pair;
	struct lab_stream stream;
} holder;

static void bind_queue(struct lab *lab)
{
	holder.ring = lab_ring(NULL);
	holder.pair = lab_connect(lab, false);
	lab_attach(holder.ring, lab, holder.pair.near, &holder.stream);
}

static void unbind_queue(void)
{
	devmem_detach(holder.stream.sock);
	devmem_ring_close(holder.ring);
	lab_close_pair(holder.pair);
}

/* Payload for a socket that is not attached lies in device memory, until it is closed. */
static struct lab_pair with_payload(struct lab *lab)
{
	struct lab_pair pair;
	struct pollfd readable = { .events = POLLIN };
	struct lab_sender *sender;

	bind_queue(lab);
	pair = lab_connect(lab, false);
	sender = lab_send(pair.far, BYTES, 0, false);
	readable.fd = pair.near;
	assert_true(lab_sent(sender));
	assert_int_equal(poll(&readable, 1, 60000), 1);
	fcntl(pair.near, F_SETFL, O_NONBLOCK);
	return pair;
}

/* A connection beside it, which goes on as if nothing were. */
static void goes_on(struct lab *lab)
{
	struct devmem_ring *ring = lab_ring(NULL);

	lab_carry(ring, lab, BYTES);
	devmem_ring_close(ring);
}

/* -------------------------------------------------------------------------------------- reading */

static void reading_in_every_way(void **state)
{
	static char bytes[BYTES];
	struct lab *lab = *state;
	struct lab_pair pair = with_payload(lab);
	int offset = 10, pipes[2];

	assert_int_equal(recv(pair.near, bytes, sizeof(bytes), MSG_PEEK), -1);
	assert_int_equal(errno, EFAULT);
	/* of TCP: Linux 6.9 */
	assert_int_equal(setsockopt(pair.near, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)),
			 0);
	assert_int_equal(recv(pair.near, bytes, sizeof(bytes), MSG_PEEK), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_true(splice(pair.near, NULL, pipes[1], NULL, 4096,
			   SPLICE_F_NONBLOCK | SPLICE_F_MOVE) <= 0);
	assert_int_equal(recv(pair.near, bytes, sizeof(bytes), 0), -1);
	assert_int_equal(errno, EFAULT);
	close(pipes[0]);
	close(pipes[1]);
	lab_close_pair(pair);
	unbind_queue();
	goes_on(lab);
}

static void mapping_what_came(void **state)
{
	struct lab *lab = *state;
	struct lab_pair pair = with_payload(lab);
	struct {
		uint64_t address;
		uint32_t length, hint;
		uint64_t more[6];
	} want = { .length = 8192 };
	socklen_t len = sizeof(want);
	void *at = mmap(NULL, 65536, PROT_READ, MAP_SHARED, pair.near, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	want.address = (uintptr_t)at;
	assert_int_equal(getsockopt(pair.near, IPPROTO_TCP, 35 /* TCP_ZEROCOPY_RECEIVE */, &want,
				    &len),
			 0);
	assert_int_equal(want.length, 0);
	munmap(at, 65536);
	lab_close_pair(pair);
	unbind_queue();
	goes_on(lab);
}

static void repairing(void **state)
{
	struct lab *lab = *state;
	struct lab_pair pair = with_payload(lab);
	const int on = 1, queue = 1 /* TCP_RECV_QUEUE */, off = -1;
	char bytes[4096];

	assert_int_equal(setsockopt(pair.near, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(pair.near, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue,
				    sizeof(queue)),
			 0);
	assert_int_equal(recv(pair.near, bytes, sizeof(bytes), MSG_PEEK), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(setsockopt(pair.near, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)), 0);
	lab_close_pair(pair);
	unbind_queue();
	goes_on(lab);
}

/* ----------------------------------------------------------------------------------- looking on */

static void a_filter_that_reads_payload(void **state)
{
	struct sock_filter reads[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x20, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		/* where it cannot read it gives 0 at once: dropped */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 200),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = { .len = 5, .filter = reads };
	struct lab *lab = *state;
	struct pollfd readable = { .events = POLLIN };
	struct lab_sender *sender;
	struct lab_pair pair;

	bind_queue(lab);
	pair = lab_connect(lab, false);
	readable.fd = pair.near;
	assert_int_equal(setsockopt(pair.near, SOL_SOCKET, SO_ATTACH_FILTER, &program,
				    sizeof(program)),
			 0);
	sender = lab_send(pair.far, BYTES, 0, false);
	assert_true(lab_sent(sender));
	assert_int_equal(poll(&readable, 1, 1000), 0);
	assert_true(lab_drops(pair.near) > 0); /* it came */
	lab_close_pair(pair);
	unbind_queue();
	goes_on(lab);
}

/* Less was captured than the packet has, whose length is in the header of IPv6. */
static bool is_cut(const unsigned char *frame, ssize_t n)
{
	return n > 54 && frame[12] == 0x86 && frame[13] == 0xdd &&
	       54 + (frame[18] << 8 | frame[19]) > n;
}

static void capturing(void **state)
{
	struct lab *lab = *state;
	struct sockaddr_ll on = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_ALL),
				  .sll_ifindex = (int)if_nametoindex(NIC) };
	int tap = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_ALL));
	static unsigned char frame[65536];
	unsigned int cut = 0;
	ssize_t n;

	assert_true(tap >= 0);
	assert_int_equal(bind(tap, (struct sockaddr *)&on, sizeof(on)), 0);
	goes_on(lab);
	while ((n = recv(tap, frame, sizeof(frame), 0)) > 0)
		cut += is_cut(frame, n);
	assert_true(cut > 0);
	close(tap);
}

static void capturing_into_a_ring(void **state)
{
	struct tpacket_req ring = { .tp_block_size = 1 << 17,
				    .tp_block_nr = 4,
				    .tp_frame_size = 1 << 14,
				    .tp_frame_nr = 32 };
	struct sockaddr_ll on = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_ALL),
				  .sll_ifindex = (int)if_nametoindex(NIC) };
	int tap = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_ALL)), version = TPACKET_V2;
	struct tpacket_stats seen = { 0 };
	socklen_t len = sizeof(seen);

	assert_int_equal(setsockopt(tap, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)), 0);
	assert_int_equal(setsockopt(tap, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)), 0);
	assert_int_equal(bind(tap, (struct sockaddr *)&on, sizeof(on)), 0);
	goes_on(*state);
	assert_int_equal(getsockopt(tap, SOL_PACKET, PACKET_STATISTICS, &seen, &len), 0);
	assert_true(seen.tp_packets > 0);
	close(tap);
}

/* As a switch or an analyser would: what leaves by another device must be read. */
static void mirrored(void **state)
{
	run("tc qdisc show dev lab0 | grep -q clsact || tc qdisc add dev lab0 clsact");
	run("ip link add mirror0 type dummy && ip link set mirror0 up");
	run("tc filter add dev lab0 ingress pref 9 protocol all matchall action mirred egress "
	    "mirror dev mirror0");
	goes_on(*state);
	run("tc -s filter show dev lab0 ingress pref 9 | grep -q 'Sent [1-9]'");
	run("tc filter del dev lab0 ingress pref 9");
	run("ip link del mirror0");
}

static bool have(const char *program)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return !system(command);
}

static void queued_to_a_program(void **state)
{
	if (!have("nft"))
		cannot("the guest has no nft; nfqnl_build_packet_message() asks "
		       "skb_frags_readable()");
	run("nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add "
	    "rule inet t c tcp dport 5300 queue num 1 bypass'");
	goes_on(*state);
	run("nft delete table inet t");
}

static void a_helper_of_conntrack(void **state)
{
	if (!have("nft"))
		cannot("the guest has no nft; helpers linearize what they read, which fails and "
		       "drops");
	run("nft 'add table inet t; add ct helper inet t h { type \"ftp\" protocol tcp; }; add "
	    "chain inet t c { type filter hook prerouting priority 0; }; add rule inet t c tcp "
	    "dport 5300 ct helper set \"h\"'");
	goes_on(*state);
	run("nft delete table inet t");
}

/* What is encrypted is no TCP for the NIC: it comes by an ordinary queue, and is copied. */
static void carry_encrypted(struct lab *lab)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_sender *sender;
	struct lab_stream stream;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, BYTES, 0, true);
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(stream.host, BYTES);
	devmem_detach(stream.sock);
	lab_settle(ring);
	devmem_ring_close(ring);
	lab_close_pair(pair);
}

static void ipsec(void **state)
{
	static const char *const ends[2] = { "src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x1001",
					     "src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1002" };
	char command[512];
	bool can = true;

	for (int i = 0; i < 4; i++) {
		snprintf(command, sizeof(command),
			 "%s ip xfrm state add %s reqid 1 mode transport aead 'rfc4106(gcm(aes))' "
			 "0x0102030405060708090a0b0c0d0e0f1011121314 128",
			 i < 2 ? "" : "ip netns exec far", ends[i % 2]);
		can = can && !system(command);
	}
	if (!can)
		cannot("ip xfrm cannot add a state here");
	run("ip xfrm policy add src 192.0.2.2 dst 192.0.2.1 dir in tmpl proto esp reqid 1 mode "
	    "transport");
	run("ip xfrm policy add src 192.0.2.1 dst 192.0.2.2 dir out tmpl proto esp reqid 1 mode "
	    "transport");
	run("ip netns exec far ip xfrm policy add src 192.0.2.2 dst 192.0.2.1 dir out tmpl proto "
	    "esp reqid 1 mode transport");
	run("ip netns exec far ip xfrm policy add src 192.0.2.1 dst 192.0.2.2 dir in tmpl proto "
	    "esp reqid 1 mode transport");
	carry_encrypted(*state);
	run("ip xfrm policy flush; ip xfrm state flush; ip netns exec far sh -c 'ip xfrm policy "
	    "flush; ip xfrm state flush'");
}

/* ------------------------------------------------------------------------------ other protocols */

static int receive_tls(int fd)
{
	struct tls12_crypto_info_aes_gcm_128 info = {
		.info = { .version = TLS_1_2_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128 },
	};

	if (setsockopt(fd, IPPROTO_TCP, 31 /* TCP_ULP */, "tls", sizeof("tls")))
		return -errno;
	return setsockopt(fd, TLS_LEVEL, TLS_RX, &info, sizeof(info)) ? -errno : 0;
}

static void tls_is_refused(void **state)
{
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct devmem_sock *sock = (void *)1;

	if (receive_tls(pair.near)) {
		devmem_ring_close(ring);
		lab_close_pair(pair);
		cannot("the kernel has no TLS");
	}
	assert_int_equal(devmem_attach(ring, pair.near, lab->binding, 0, NULL, &sock), -EOPNOTSUPP);
	assert_non_null(strstr(devmem_error(), "TLS_RX"));
	assert_ptr_equal(sock, (void *)1);
	devmem_ring_close(ring);
	lab_close_pair(pair);
}

/* What the kernel makes of records that it cannot read is an error, however late it becomes TLS. */
static void tls_after_attach(void **state)
{
	static const unsigned char record[64] = { 0x17, 3, 3, 0, 59 };
	struct lab *lab = *state;
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = lab_connect(lab, false);
	struct lab_stream stream;
	struct devmem_event ev[8];
	int n;

	lab_attach(ring, lab, pair.near, &stream);
	devmem_wait(ring, ev, 8, 100);
	if (receive_tls(pair.near)) {
		devmem_ring_close(ring);
		lab_close_pair(pair);
		cannot("the kernel has no TLS");
	}
	assert_int_equal(send(pair.far, record, sizeof(record), 0), sizeof(record));
	do {
		n = ok(devmem_wait(ring, ev, 8, 60000));
		assert_true(n > 0);
		ok(devmem_release(ring, ev, (unsigned int)n));
	} while (ev[n - 1].type != DEVMEM_EVENT_ERROR);
	assert_null(strstr(devmem_error(), "GRO"));
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	lab_close_pair(pair);
	goes_on(lab);
}

static void mptcp(void **state)
{
	struct lab *lab = *state;
	struct devmem_sock *sock = (void *)1;
	struct lab_pair pair;
	char bytes[4096] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, MPTCP);

	if (fd < 0)
		cannot("the kernel has no MPTCP");
	close(fd);
	bind_queue(lab);
	pair = connect_with(lab, MPTCP, NULL);
	assert_int_equal(devmem_attach(holder.ring, pair.near, lab->binding, 0, NULL, &sock),
			 -EPROTOTYPE);
	assert_true(send(pair.far, bytes, sizeof(bytes), 0) > 0);
	usleep(300000);
	assert_int_equal(recv(pair.near, bytes, sizeof(bytes), 0), -1);
	lab_close_pair(pair);
	unbind_queue();
	close(lab->listener);
	lab->listener = lab_listen(lab->port);
	goes_on(lab);
}

static int bpf_call(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* A map of sockets with a program that has the kernel take what comes, to hand it on. */
static void sockmap(void **state)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr make = {
		.map_type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_SK_SKB,
				.insns = (uintptr_t)pass,
				.insn_cnt = 2,
				.license = (uintptr_t) "GPL" };
	int map = bpf_call(BPF_MAP_CREATE, &make), program = bpf_call(BPF_PROG_LOAD, &load),
	    key = 0;
	union bpf_attr hook = { .target_fd = (uint32_t)map,
				.attach_bpf_fd = (uint32_t)program,
				.attach_type = BPF_SK_SKB_STREAM_VERDICT };
	struct lab *lab = *state;
	struct lab_pair pair;
	uint32_t value;
	union bpf_attr update = { .map_fd = (uint32_t)map,
				  .key = (uintptr_t)&key,
				  .value = (uintptr_t)&value };
	struct lab_sender *sender;
	char bytes[4096];

	bind_queue(lab);
	pair = lab_connect(lab, false);
	value = (uint32_t)pair.near;
	if (map < 0 || program < 0 || bpf_call(BPF_PROG_ATTACH, &hook) ||
	    bpf_call(BPF_MAP_UPDATE_ELEM, &update)) {
		lab_close_pair(pair);
		unbind_queue();
		cannot("the kernel makes no map of sockets");
	}
	fcntl(pair.near, F_SETFL, O_NONBLOCK);
	sender = lab_send(pair.far, BYTES, 0, false);
	assert_true(lab_sent(sender));
	usleep(300000);
	recv(pair.near, bytes, sizeof(bytes), 0);
	lab_close_pair(pair);
	close(program);
	close(map);
	unbind_queue();
	goes_on(lab);
}

/* ----------------------------------------------------------------------------------- signatures */

static bool sign_md5(int fd, const char *peer)
{
	struct tcp_md5sig key = { .tcpm_keylen = 6, .tcpm_key = "secret" };
	struct sockaddr_in *to = (struct sockaddr_in *)&key.tcpm_addr;

	to->sin_family = AF_INET;
	inet_pton(AF_INET, peer, &to->sin_addr);
	return !setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key));
}

struct ao_add { /* struct tcp_ao_add */
	struct sockaddr_storage addr;
	char algorithm[64];
	int32_t ifindex;
	uint32_t flags;
	uint16_t reserved2;
	uint8_t prefix, sndid, rcvid, maclen, keyflags, keylen;
	uint8_t key[80];
} __attribute__((aligned(8)));

static bool sign_ao(int fd, const char *peer)
{
	struct ao_add key = { .algorithm = "hmac(sha1)",
			      .prefix = 32,
			      .sndid = 100,
			      .rcvid = 100,
			      .keylen = 6,
			      .key = "secret" };
	struct sockaddr_in *to = (struct sockaddr_in *)&key.addr;

	to->sin_family = AF_INET;
	inet_pton(AF_INET, peer, &to->sin_addr);
	return !setsockopt(fd, IPPROTO_TCP, 38 /* TCP_AO_ADD_KEY */, &key, sizeof(key));
}

static void is_refused(struct lab *lab, bool (*sign)(int fd, const char *peer), const char *word)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair = connect_with(lab, IPPROTO_TCP, sign);
	struct devmem_sock *sock = (void *)1;

	assert_int_equal(devmem_attach(ring, pair.near, lab->binding, 0, NULL, &sock), -EOPNOTSUPP);
	assert_non_null(strstr(devmem_error(), word));
	devmem_ring_close(ring);
	lab_close_pair(pair);
	close(lab->listener);
	lab->listener = lab_listen(lab->port);
}

/* Nothing is sent: the kernel would not survive that. */
static void md5_is_refused(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can = sign_md5(fd, "192.0.2.2");

	close(fd);
	if (!can)
		cannot("the kernel has no TCP_MD5SIG");
	is_refused(*state, sign_md5, "TCP_MD5SIG");
}

static void ao_is_refused(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can = sign_ao(fd, "192.0.2.2");

	close(fd);
	if (!can)
		cannot("the kernel has no TCP-AO");
	is_refused(*state, sign_ao, "TCP-AO");
}

static void send_signed(struct lab *lab, bool (*sign)(int fd, const char *peer))
{
	struct lab_pair pair;
	char bytes[4096] = "";

	bind_queue(lab);
	pair = connect_with(lab, IPPROTO_TCP, sign);
	assert_true(send(pair.far, bytes, sizeof(bytes), 0) > 0);
	sleep(2);
	lab_close_pair(pair);
	unbind_queue();
	close(lab->listener);
	lab->listener = lab_listen(lab->port);
}

static void md5(void **state)
{
	send_signed(*state, sign_md5);
	goes_on(*state);
}

static void ao(void **state)
{
	send_signed(*state, sign_ao);
	goes_on(*state);
}

int main(int argc, char **argv)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, lab_set_up, lab_tear_down)
	const struct CMUnitTest tests[] = {
		ONE(reading_in_every_way),
		ONE(mapping_what_came),
		ONE(repairing),
		ONE(a_filter_that_reads_payload),
		ONE(capturing),
		ONE(capturing_into_a_ring),
		ONE(mirrored),
		ONE(queued_to_a_program),
		ONE(a_helper_of_conntrack),
		ONE(ipsec),
		ONE(tls_is_refused),
		ONE(tls_after_attach),
		ONE(mptcp),
		ONE(sockmap),
		ONE(md5_is_refused),
		ONE(ao_is_refused),
	};
	const struct CMUnitTest of_md5[] = { ONE(md5) }, of_ao[] = { ONE(ao) };

	if (argc > 1 && !strcmp(argv[1], "md5"))
		return cmocka_run_group_tests(of_md5, NULL, NULL);
	if (argc > 1 && !strcmp(argv[1], "ao"))
		return cmocka_run_group_tests(of_ao, NULL, NULL);
	lab_begin(argc, argv);
	return lab_run("siblings", tests, NULL, NULL);
}
