// SPDX-License-Identifier: MIT
/*
 * The filter sees a segment from its TCP header on, before the connection does. Accepted sockets
 * inherit it from the listener. A dropped segment is retransmitted and dropped again and again, so
 * the connection stands still at that byte.
 * [net/ipv4/tcp_ipv4.c: tcp_filter(); net/core/sock.c: sk_clone()]
 */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "recv/guard.h"

#define FLAGS_AT 13 /* bytes from the start of a TCP header */
#define URG	 0x20

/* A filter that begins with so many of these instructions drops urgent segments, whatever it does
 * with others. */
#define GUARD_BEGINS 3u

static const struct sock_filter guard[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, URG, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
};

static int check_tcp(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len))
		return devmem__fail(errno, "devmem_guard: descriptor %d is no socket: %s", fd,
				    strerror(errno));
	return protocol == IPPROTO_TCP
		       ? 0
		       : devmem__fail(EPROTOTYPE, "descriptor %d is not a TCP socket", fd);
}

/* Returns 1 if @fd drops urgent segments already, 0 if it has no filter, -EBUSY if it has another
 * one, or why it cannot be asked. */
static int get_guard(int fd)
{
	struct sock_filter there[BPF_MAXINSNS];
	socklen_t n = BPF_MAXINSNS; /* the kernel counts instructions here, not bytes */

	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, there, &n))
		/* EACCES: the filter was not made of such instructions */
		return errno == EACCES ? -EBUSY : -errno;
	if (!n)
		return 0;
	return n >= GUARD_BEGINS && !memcmp(there, guard, GUARD_BEGINS * sizeof(*guard)) ? 1
											 : -EBUSY;
}

static int refused(int fd, int err)
{
	if (err == -EBUSY)
		return devmem__fail(EBUSY,
				    "descriptor %d has a socket filter of its own, which does not "
				    "begin with the instructions of the guard against urgent data: "
				    "see devmem_guard(3)",
				    fd);
	if (err == -EPERM)
		return devmem__fail(EPERM,
				    "descriptor %d cannot be guarded against urgent data by a "
				    "socket filter, which needs CAP_NET_ADMIN and no "
				    "SO_LOCK_FILTER: guard the listener while you have that "
				    "capability",
				    fd);
	return devmem__fail(-err,
			    "descriptor %d cannot be guarded against urgent data by a socket "
			    "filter: %s",
			    fd, strerror(-err));
}

int devmem__guard(int fd, bool *set)
{
	const struct sock_fprog program = { .len = ARRAY_SIZE(guard),
					    .filter = (struct sock_filter *)guard };
	int there = get_guard(fd);

	*set = false;
	if (there < 0)
		return refused(fd, there);
	if (there)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return refused(fd, -errno);
	*set = true;
	return 0;
}

void devmem__unguard(int fd)
{
	const int unused = 0;

	setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

/*
 * A peer can announce an urgent byte that it sends later. The segment with the byte needs no URG
 * flag, so no filter recognizes it. Reading the byte gives EAGAIN if it has not come, the byte if
 * it has, and EINVAL if there is none or the program has set SO_OOBINLINE.
 * [net/ipv4/tcp.c: tcp_recv_urg()]
 */
static bool is_urgent(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT);

	return n == 1 || (n < 0 && errno == EAGAIN);
}

static bool is_urgent_in_line(int fd, const int *in_line)
{
	const int apart = 0;
	bool urgent;

	if (setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &apart, sizeof(apart)))
		return false;
	urgent = is_urgent(fd);
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, in_line, sizeof(*in_line));
	return urgent;
}

int devmem__guard_urgent(int fd)
{
	int in_line = 0;
	socklen_t len = sizeof(in_line);

	getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &in_line, &len);
	if (!(in_line ? is_urgent_in_line(fd, &in_line) : is_urgent(fd)))
		return 0;
	return devmem__fail(EPROTO,
			    "the peer of descriptor %d has sent urgent data (TCP's URG flag), "
			    "which the kernel cannot take from device memory: end the connection",
			    fd);
}

static int guard_socket(int fd)
{
	bool set;
	int err = check_tcp(fd);

	return err ? err : devmem__guard(fd, &set);
}

int devmem_guard(int fd)
{
	return devmem__result(guard_socket(fd));
}
