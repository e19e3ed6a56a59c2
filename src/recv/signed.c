// SPDX-License-Identifier: MIT
/*
 * The kernel checks a segment's signature before anything else, and treats the payload's pages as
 * memory. With device memory it reads what is not there, and crashes.
 * [net/ipv4/tcp.c: tcp_md5_hash_skb_data(), tcp_ao.c: tcp_ao_hash_skb_data()]
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/internal.h"
#include "recv/signed.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#define TLS_RX	2  /* <linux/tls.h> */
#define AO_INFO 40 /* TCP_AO_INFO (6.7) ... */
/* ... whose structure has half as many bytes; the kernel accepts zeros behind it */
#define AO_BYTES    96
#define DIAG_MD5SIG 18 /* INET_DIAG_MD5SIG (4.14) */

/* getsockopt() fails with ENOENT if there are no keys, with ENOPROTOOPT if the kernel has no
 * TCP-AO. */
static bool has_ao(int fd)
{
	unsigned char info[AO_BYTES] = { 0 };
	socklen_t len = sizeof(info);

	return !getsockopt(fd, IPPROTO_TCP, AO_INFO, info, &len);
}

/* A segment with both of these options has no room for a signature.
 * [net/ipv4/tcp_output.c: tcp_syn_options(), tcp_synack_options()] */
static bool may_have_md5(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	const uint8_t both = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK;

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
	       (info.tcpi_options & both) != both;
}

struct request {
	struct nlmsghdr h;
	struct inet_diag_req_v2 req;
};

static bool fill_request(int fd, struct request *q)
{
	struct sockaddr_storage ends[2] = { 0 };
	socklen_t len[2] = { sizeof(ends[0]), sizeof(ends[1]) };

	if (getsockname(fd, (struct sockaddr *)&ends[0], &len[0]) ||
	    getpeername(fd, (struct sockaddr *)&ends[1], &len[1]))
		return false;
	q->h = (struct nlmsghdr){ .nlmsg_len = sizeof(*q),
				  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				  .nlmsg_flags = NLM_F_REQUEST };
	q->req = (struct inet_diag_req_v2){ .sdiag_family = (uint8_t)ends[0].ss_family,
					    .sdiag_protocol = IPPROTO_TCP,
					    .idiag_states = UINT32_MAX,
					    /* what is not asked for by its own bit comes with this
					     * one */
					    .idiag_ext = 1u << (INET_DIAG_INFO - 1) };
	q->req.id.idiag_cookie[0] = q->req.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	for (int i = 0; i < 2; i++) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&ends[i];
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&ends[i];
		void *to = i ? q->req.id.idiag_dst : q->req.id.idiag_src;

		*(i ? &q->req.id.idiag_dport : &q->req.id.idiag_sport) = v4->sin_port;
		if (v4->sin_family == AF_INET)
			memcpy(to, &v4->sin_addr, sizeof(v4->sin_addr));
		else
			memcpy(to, &v6->sin6_addr, sizeof(v6->sin6_addr));
	}
	return true;
}

static bool reports_md5(const unsigned char *answer, size_t bytes)
{
	struct nlmsghdr h;
	size_t at = NLMSG_SPACE(sizeof(struct inet_diag_msg));

	if (bytes < at)
		return false;
	memcpy(&h, answer, sizeof(h));
	if (h.nlmsg_type != SOCK_DIAG_BY_FAMILY || h.nlmsg_len > bytes)
		return false;
	while (at + sizeof(struct rtattr) <= h.nlmsg_len) {
		struct rtattr a;

		memcpy(&a, answer + at, sizeof(a));
		if (a.rta_type == DIAG_MD5SIG)
			return true;
		if (a.rta_len < sizeof(a))
			return false;
		at += RTA_ALIGN(a.rta_len);
	}
	return false;
}

/* Asks sock_diag, because the socket itself cannot be asked. Needs CAP_NET_ADMIN: without it the
 * answer is false. */
static bool has_md5(int fd)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	unsigned char answer[8192];
	struct request q = { 0 };
	ssize_t n = -1;
	int nl;

	if (!fill_request(fd, &q))
		return false;
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (nl < 0)
		return false;
	/* it is connected: only the kernel can answer, and does so before send() returns */
	if (!connect(nl, (const struct sockaddr *)&kernel, sizeof(kernel)) &&
	    send(nl, &q, sizeof(q), 0) == (ssize_t)sizeof(q))
		n = recv(nl, answer, sizeof(answer), MSG_DONTWAIT);
	close(nl);
	return n > 0 && reports_md5(answer, (size_t)n);
}

int devmem__signed(int fd)
{
	const char *what = has_ao(fd)			     ? "TCP-AO"
			   : may_have_md5(fd) && has_md5(fd) ? "TCP_MD5SIG"
							     : NULL;

	return what ? devmem__fail(EOPNOTSUPP,
				   "the segments of descriptor %d are signed (%s), and the kernel "
				   "crashes when it computes a signature over device memory: end "
				   "the connection, and attach such connections with a binding of "
				   "engine copy",
				   fd, what)
		    : 0;
}

/* [net/tls/tls_main.c: do_tls_getsockopt()] */
bool devmem__decrypted(int fd)
{
	uint16_t version_and_cipher[2];
	socklen_t len = sizeof(version_and_cipher);

	return !getsockopt(fd, SOL_TLS, TLS_RX, version_and_cipher, &len);
}
