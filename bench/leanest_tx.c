// SPDX-License-Identifier: MIT
/*
 * The leanest loop that we know for sending device memory with liburing: one connection, one
 * sendmsg at a time, the oldest memory first, and every error is fatal. libdevmem's sender (tx.c)
 * is measured against it, so every way to make sending cheaper goes in here first.
 *
 *   few calls		a sendmsg is offered everything that may be sent, and takes what fits into
 *			the send buffer
 *   few wake-ups	when that is full, the next sendmsg waits until a third of it is free, which
 *			notifications show. A poll for room would be woken by each notification
 *   cheap notifications	a receive from the error queue that waits in the ring
 */
#include <time.h> /* errqueue.h needs it and does not include it */

#include <errno.h>
#include <liburing.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "setup.h"
#include "base/uapi_sock.h"

#define PARTS 1024 /* a power of two */

enum { SEND = 1, HEAR };

struct leanest {
	struct io_uring io;
	struct msghdr msg, err_msg;
	struct iovec iov;
	_Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(sizeof(uint32_t))];
	_Alignas(struct cmsghdr) unsigned char err_control[256];
	uint32_t part[PARTS]; /* bytes of each successful sendmsg, by its number */
	uint32_t next_id;
	uint64_t sent, freed, resume; /* bytes */
	bool sending, hearing, full;
	struct bench_result r;
};

static void prepare(struct leanest *l, const struct bench *b)
{
	struct io_uring_params p = { .flags = IORING_SETUP_SINGLE_ISSUER |
					      IORING_SETUP_DEFER_TASKRUN };
	struct cmsghdr *c = (struct cmsghdr *)l->control;
	const uint32_t id = devmem_binding_id(b->tx);
	int one = 1;

	if (io_uring_queue_init_params(64, &l->io, &p) || io_uring_register_ring_fd(&l->io) != 1 ||
	    io_uring_register_files(&l->io, b->fd, 1))
		bench_die("no io_uring");
	if (setsockopt(b->fd[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		bench_die("SO_ZEROCOPY: %s", strerror(errno));
	*c = (struct cmsghdr){ CMSG_LEN(sizeof(id)), SOL_SOCKET, DEVMEM_SCM_DMABUF };
	memcpy(CMSG_DATA(c), &id, sizeof(id));
	l->msg = (struct msghdr){ .msg_iov = &l->iov,
				  .msg_iovlen = 1,
				  .msg_control = l->control,
				  .msg_controllen = sizeof(l->control) };
}

static void send_next(struct leanest *l, const struct bench *b)
{
	uint64_t at = l->sent % b->portion, left = b->bytes - l->sent;
	struct io_uring_sqe *sqe;

	if (l->sending || l->full || !left)
		return;
	l->iov.iov_base = (void *)(uintptr_t)at; /* an offset in the dma-buf */
	l->iov.iov_len = b->portion - at < left ? b->portion - at : left;
	sqe = io_uring_get_sqe(&l->io);
	io_uring_prep_sendmsg(sqe, 0, &l->msg, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_ZEROCOPY);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = SEND;
	l->sending = true;
}

static void hear(struct leanest *l)
{
	struct io_uring_sqe *sqe;

	if (l->hearing)
		return;
	l->err_msg = (struct msghdr){ .msg_control = l->err_control,
				      .msg_controllen = sizeof(l->err_control) };
	sqe = io_uring_get_sqe(&l->io);
	io_uring_prep_recvmsg(sqe, 0, &l->err_msg, MSG_ERRQUEUE);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = HEAR;
	l->hearing = true;
}

static void is_full(struct leanest *l)
{
	l->full = true;
	l->resume = (l->sent - l->freed) / 3 * 2;
}

static void sent(struct leanest *l, int res)
{
	l->sending = false;
	if (res < 0 && res != -EAGAIN)
		bench_die("sending failed: %s", strerror(-res));
	if (res > 0) {
		l->part[l->next_id++ & (PARTS - 1)] = (uint32_t)res;
		l->sent += (uint32_t)res;
		l->r.send_operations++;
		if (l->next_id > PARTS && !l->freed)
			bench_die("too many parts");
	}
	if (res < (int)l->iov.iov_len)
		is_full(l);
}

static void heard(struct leanest *l, int res)
{
	const struct cmsghdr *c = (const struct cmsghdr *)l->err_control;
	struct sock_extended_err ee;

	l->hearing = false;
	if (res < 0)
		bench_die("the error queue: %s", strerror(-res));
	memcpy(&ee, CMSG_DATA(c), sizeof(ee));
	if (ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY || ee.ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
		bench_die("a send was copied");
	l->r.send_notices++;
	for (uint32_t id = ee.ee_info; id != ee.ee_data + 1; id++)
		l->freed += l->part[id & (PARTS - 1)];
	if (l->sent - l->freed <= l->resume)
		l->full = false;
}

static void send_all(struct leanest *l, const struct bench *b)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n;

	while (l->freed < b->bytes) {
		send_next(l, b);
		hear(l);
		l->r.enter_calls++;
		io_uring_submit_and_wait(&l->io, 1);
		n = 0;
		io_uring_for_each_cqe (&l->io, head, cqe) {
			if (cqe->user_data == SEND)
				sent(l, cqe->res);
			else
				heard(l, cqe->res);
			n++;
		}
		io_uring_cq_advance(&l->io, n);
	}
}

int main(int argc, char **argv)
{
	static struct leanest l;
	struct bench b;

	bench_parse(&b, "leanest_tx", argc, argv);
	if (b.connections != 1)
		bench_die("one connection only");
	bench_bind_tx(&b);
	bench_listen(&b);
	bench_accept(&b);
	prepare(&l, &b);
	bench_begin(&b, &l.r);
	send_all(&l, &b);
	l.r.bytes = l.sent;
	bench_end(&l.r);
	l.r.engine = l.r.tx_engine = "by hand, devmem";
	io_uring_queue_exit(&l.io);
	bench_result(&b, &l.r);
	bench_close(&b);
	return 0;
}
