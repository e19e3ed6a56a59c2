// SPDX-License-Identifier: MIT
/*
 * The leanest loop that we know for receiving into device memory with liburing. It does not account
 * for fragments that are out, does not order host bytes, sheds nothing, and every error is fatal.
 * libdevmem is measured against it, so every way to make receiving cheaper goes in here first, even
 * one that a library could not use.
 *
 * What was measured to save time, and so is done here:
 *   large receives	control data for 400 fragments and 1 MiB of payload, so that no limit cuts a
 *			packet in two
 *   few buffers	4, without transparent huge pages: they stay in the cache
 *   few wake-ups	SO_RCVLOWAT 768 KiB, fixed. 512 KiB costs 2 % more with paced traffic and
 *			the same otherwise. With 1 MiB, pages overflow the pool's own store, which
 *			costs 1 % more with unpaced traffic
 *   few releases	one SO_DEVMEM_DONTNEED for all that a wake-up brought, submitted with the
 *			next wait; its own completion is skipped, as it would end the wait
 *   cheap wake-ups	DEFER_TASKRUN and SINGLE_ISSUER
 *   less than 1 % each	a registered ring, registered files
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "setup.h"
#include "base/uapi_sock.h"

#define BUFFERS	      4	    /* a power of two */
#define CONTROL	      16000 /* bytes: 400 fragments of 40 */
#define PAYLOAD	      (1u << 20)
#define LOWAT	      (768u << 10)
#define NOT_A_RECEIVE UINT64_MAX

struct batch {
	unsigned int runs, tokens;
	struct devmem__token_run run[DEVMEM__MAX_RUNS];
};

struct leanest {
	struct io_uring io;
	struct io_uring_buf_ring *ring;
	unsigned char *memory;
	size_t stride;
	struct msghdr msg;
	struct batch *batch; /* one per connection */
	unsigned int open;
	struct bench_result r;
};

static void give_buffer(struct leanest *l, unsigned int id, int at)
{
	io_uring_buf_ring_add(l->ring, l->memory + id * l->stride, (unsigned int)l->stride,
			      (unsigned short)id, io_uring_buf_ring_mask(BUFFERS), at);
}

static void make_buffers(struct leanest *l)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS };

	l->stride = (sizeof(struct io_uring_recvmsg_out) + CONTROL + PAYLOAD + 4095) / 4096 * 4096;
	l->ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	l->memory = mmap(NULL, BUFFERS * l->stride, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l->ring == MAP_FAILED || l->memory == MAP_FAILED)
		bench_die("no memory");
	madvise(l->memory, BUFFERS * l->stride, MADV_NOHUGEPAGE);
	reg.ring_addr = (uintptr_t)l->ring;
	if (io_uring_register_buf_ring(&l->io, &reg, 0))
		bench_die("no provided buffers");
	io_uring_buf_ring_init(l->ring);
	for (unsigned int i = 0; i < BUFFERS; i++)
		give_buffer(l, i, (int)i);
	io_uring_buf_ring_advance(l->ring, BUFFERS);
}

static void open_ring(struct leanest *l, const struct bench *b)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_CQSIZE,
		.cq_entries = 2048,
	};

	if (io_uring_queue_init_params(256, &l->io, &p) || io_uring_register_ring_fd(&l->io) != 1 ||
	    io_uring_register_files(&l->io, b->fd, b->connections))
		bench_die("no io_uring");
	make_buffers(l);
	l->msg.msg_controllen = CONTROL;
	l->batch = calloc(b->connections, sizeof(*l->batch));
}

static struct io_uring_sqe *get_sqe(struct leanest *l)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->io);

	if (sqe)
		return sqe;
	l->r.enter_calls++;
	io_uring_submit(&l->io);
	sqe = io_uring_get_sqe(&l->io);
	if (!sqe)
		bench_die("the submission queue is full");
	return sqe;
}

static void arm(struct leanest *l, unsigned int connection)
{
	struct io_uring_sqe *sqe = get_sqe(l);

	io_uring_prep_recvmsg_multishot(sqe, (int)connection, &l->msg, DEVMEM_MSG_SOCK_DEVMEM);
	sqe->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
	sqe->buf_group = 0;
	sqe->user_data = connection;
}

/* The kernel reads the runs during io_uring_enter(), so they may be overwritten afterwards. */
static void release(struct leanest *l, unsigned int connection)
{
	const uint32_t level_and_name[2] = { SOL_SOCKET, DEVMEM_SO_DONTNEED };
	struct batch *batch = &l->batch[connection];
	struct io_uring_sqe *sqe = get_sqe(l);

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = (int)connection;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS | IOSQE_FIXED_FILE;
	sqe->cmd_op = DEVMEM_SOCKET_URING_OP_SETSOCKOPT;
	memcpy(&sqe->addr, level_and_name, sizeof(level_and_name));
	sqe->splice_fd_in = (int)(batch->runs * sizeof(batch->run[0]));
	sqe->addr3 = (uintptr_t)batch->run;
	sqe->user_data = NOT_A_RECEIVE;
	l->r.releases++;
}

/* The batch is full in the middle of a wake-up, which the limits make rare: hand it in now. */
static void release_now(struct leanest *l, unsigned int connection)
{
	release(l, connection);
	l->r.enter_calls++;
	io_uring_submit(&l->io);
	l->batch[connection].runs = l->batch[connection].tokens = 0;
}

static void add_token(struct leanest *l, unsigned int connection, uint32_t token)
{
	struct batch *batch = &l->batch[connection];
	struct devmem__token_run *last = batch->run + batch->runs; /* one past the last run */

	if (batch->tokens && token == last[-1].start + last[-1].count &&
	    batch->tokens < DEVMEM__MAX_FRAGS) {
		last[-1].count++;
		batch->tokens++;
		return;
	}
	if (batch->runs == DEVMEM__MAX_RUNS || batch->tokens == DEVMEM__MAX_FRAGS)
		release_now(l, connection);
	batch->run[batch->runs++] = (struct devmem__token_run){ token, 1 };
	batch->tokens++;
}

static void read_fragments(struct leanest *l, unsigned int connection, const unsigned char *p,
			   size_t bytes)
{
	const unsigned char *end = p + bytes;

	for (; p < end; p += CMSG_SPACE(sizeof(struct devmem__cmsg_frag))) {
		const struct cmsghdr *h = (const struct cmsghdr *)p;
		const struct devmem__cmsg_frag *frag =
			(const struct devmem__cmsg_frag *)CMSG_DATA(h);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != DEVMEM_SO_DMABUF)
			bench_die("bytes were copied");
		l->r.bytes += frag->frag_size;
		l->r.fragments++;
		add_token(l, connection, frag->frag_token);
	}
}

static void completed(struct leanest *l, const struct io_uring_cqe *cqe)
{
	unsigned int id = cqe->flags >> IORING_CQE_BUFFER_SHIFT,
		     connection = (unsigned int)cqe->user_data;
	const struct io_uring_recvmsg_out *out;

	if (cqe->user_data == NOT_A_RECEIVE)
		bench_die("a release failed: %s", strerror(-cqe->res));
	l->r.completions++;
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		out = (const struct io_uring_recvmsg_out *)(l->memory + id * l->stride);
		read_fragments(l, connection, (const unsigned char *)(out + 1), out->controllen);
		give_buffer(l, id, 0);
		io_uring_buf_ring_advance(l->ring, 1);
		if (!out->payloadlen) {
			l->open--;
			return;
		}
	} else if (cqe->res < 0 && cqe->res != -ENOBUFS) {
		bench_die("a connection broke: %s", strerror(-cqe->res));
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		arm(l, connection);
}

static void receive(struct leanest *l, unsigned int connections)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n;

	while (l->open) {
		for (unsigned int i = 0; i < connections; i++)
			if (l->batch[i].tokens)
				release(l, i);
		l->r.enter_calls++;
		io_uring_submit_and_wait(&l->io, 1);
		for (unsigned int i = 0; i < connections; i++)
			l->batch[i].runs = l->batch[i].tokens = 0;
		n = 0;
		io_uring_for_each_cqe (&l->io, head, cqe) {
			completed(l, cqe);
			n++;
		}
		io_uring_cq_advance(&l->io, n);
	}
}

int main(int argc, char **argv)
{
	struct leanest l = { 0 };
	struct bench b;

	bench_parse(&b, "leanest", argc, argv);
	b.engine = "devmem";
	bench_bind(&b);
	bench_listen(&b);
	bench_accept(&b);
	open_ring(&l, &b);
	l.open = b.connections;
	bench_lowat(&b, LOWAT);
	for (unsigned int i = 0; i < b.connections; i++)
		arm(&l, i);
	bench_begin(&b, &l.r);
	receive(&l, b.connections);
	bench_end(&l.r);
	l.r.descriptors = l.r.fragments;
	l.r.engine = "by hand, devmem";
	l.r.page_size = devmem_binding_page_size(b.binding, NULL);
	io_uring_queue_exit(&l.io);
	bench_result(&b, &l.r);
	bench_close(&b);
	return 0;
}
