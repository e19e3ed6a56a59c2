// SPDX-License-Identifier: MIT
/*
 * The leanest loop that we know for io_uring's zero-copy receive into a dma-buf. It does not
 * account for fragments that are out, cannot take bytes that the NIC did not write there, and every
 * error is fatal; each fragment is released at once. libdevmem's engine "zcrx" is measured against
 * it, so every way to make receiving cheaper goes in here first, even one that a library could not
 * use.
 *
 * What was measured to save time, and so is done here:
 *   few wake-ups	SO_RCVLOWAT 512 KiB, fixed as in leanest.c. With 4 KiB pages, 256 KiB costs
 *			8 % more and 1 MiB 2 % more. With 64 KiB pages, wake-ups are most of the
 *			remaining cost: 1 MiB costs 30 % less and 2 MiB half. But that would compare
 *			marks, which also affect latency, so the mark stays
 *   large pages	the largest that the buffer takes
 *   no look-ups	a completion's offset is written to the refill ring unchanged: the kernel
 *			uses only the page that it is in, not the length [io_uring/zcrx.c:
 *			io_parse_rqe]
 *   one store		of each ring's index for all that a wake-up brought
 *   cheap wake-ups	DEFER_TASKRUN and SINGLE_ISSUER, which zcrx requires anyway
 *   less than 1 % each	a registered ring, registered files
 */
#include <errno.h>
#include <liburing.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "setup.h"
#include "base/uapi_sock.h"

#define LARGEST_PAGE  (64u << 10)
#define SMALLEST_PAGE (4u << 10)
#define REFILL	      16384u /* a power of two, at least the number of the buffer's pages */
/* completions of waiting fragments: when the ring is full, the kernel gives up */
#define COMPLETIONS 8192u
#define LOWAT	    (512u << 10)

struct leanest {
	struct io_uring io;
	struct devmem__zcrx_rqe *rqes;
	uint32_t *rqes_tail, tail;
	uint32_t zcrx_id, page_size;
	unsigned int open;
	struct bench_result r;
};

static void open_ring(struct leanest *l, const struct bench *b)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_CQE32 | IORING_SETUP_CQSIZE,
		.cq_entries = COMPLETIONS,
	};

	if (io_uring_queue_init_params(1024, &l->io, &p) ||
	    io_uring_register_ring_fd(&l->io) != 1 ||
	    io_uring_register_files(&l->io, b->fd, b->connections))
		bench_die("no io_uring");
}

static int register_queue(struct leanest *l, const struct bench *b, void *region,
			  size_t region_bytes, uint32_t page)
{
	struct devmem__region_desc desc = {
		.user_addr = (uintptr_t)region,
		.size = region_bytes,
		.flags = DEVMEM_REGION_USER,
	};
	struct devmem__zcrx_area_reg area = {
		.len = devmem_buffer_size(b->buffer),
		.flags = DEVMEM_ZCRX_AREA_DMABUF,
		.dmabuf_fd = (uint32_t)devmem_buffer_fd(b->buffer),
	};
	struct devmem__zcrx_ifq_reg reg = {
		.if_idx = if_nametoindex(b->interface),
		.rq_entries = REFILL,
		.area_ptr = (uintptr_t)&area,
		.region_ptr = (uintptr_t)&desc,
		.rx_buf_len = page > SMALLEST_PAGE ? page : 0,
	};
	int err;

	devmem_binding_queues(b->binding, &reg.if_rxq, 1);
	err = io_uring_register((unsigned int)l->io.ring_fd, DEVMEM_IORING_REGISTER_ZCRX_IFQ, &reg,
				1);
	if (err < 0)
		return err;
	l->rqes = (struct devmem__zcrx_rqe *)((unsigned char *)region + reg.offsets.rqes);
	l->rqes_tail = (uint32_t *)((unsigned char *)region + reg.offsets.tail);
	l->zcrx_id = reg.zcrx_id;
	l->page_size = page;
	return 0;
}

static void open_queue(struct leanest *l, const struct bench *b)
{
	/* the entries, and a page before them for the indices */
	const size_t bytes = REFILL * sizeof(struct devmem__zcrx_rqe) + 4096;
	void *region =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t page = b->page_size ? b->page_size : LARGEST_PAGE;
	int err;

	if (region == MAP_FAILED)
		bench_die("no memory");
	err = register_queue(l, b, region, bytes, page);
	while (err && !b->page_size && page > SMALLEST_PAGE)
		err = register_queue(l, b, region, bytes, page /= 2);
	if (err)
		bench_die("no queue for io_uring with pages of %u bytes: %s", page, strerror(-err));
	if (devmem_buffer_size(b->buffer) / page > REFILL)
		bench_die("the buffer has more than %u pages", REFILL);
}

static void arm(struct leanest *l, unsigned int connection)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->io);

	if (!sqe)
		bench_die("the submission queue is full");
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = DEVMEM_IORING_OP_RECV_ZC;
	sqe->fd = (int)connection;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->splice_fd_in = (int)l->zcrx_id;
	sqe->user_data = connection;
}

/* Not a fragment: a receive has ended. */
static void ended(struct leanest *l, const struct io_uring_cqe *cqe)
{
	if (cqe->res == -ENOSPC)
		arm(l, (unsigned int)cqe->user_data);
	else if (cqe->res)
		bench_die("a connection broke: %s", strerror(-cqe->res));
	else
		l->open--;
}

/* Handles what a wake-up brought. Returns the number of completions. */
static uint32_t take(struct leanest *l)
{
	const struct io_uring_cq *cq = &l->io.cq;
	const uint32_t first = *cq->khead, last = io_uring_smp_load_acquire(cq->ktail),
		       mask = cq->ring_mask;
	uint32_t tail = l->tail;
	uint64_t bytes = 0;

	for (uint32_t head = first; head != last; head++) {
		const struct io_uring_cqe *cqe = &cq->cqes[(size_t)(head & mask) * 2];

		if (__builtin_expect(cqe->res <= 0, 0)) {
			ended(l, cqe);
			continue;
		}
		l->rqes[tail++ & (REFILL - 1)].off =
			((const struct devmem__zcrx_cqe *)(cqe + 1))->off;
		bytes += (uint32_t)cqe->res;
	}
	io_uring_smp_store_release(l->rqes_tail, tail);
	io_uring_smp_store_release(cq->khead, last);
	l->r.fragments += tail - l->tail;
	l->r.bytes += bytes;
	l->tail = tail;
	return last - first;
}

static void receive(struct leanest *l)
{
	while (l->open) {
		l->r.enter_calls++;
		io_uring_submit_and_wait(&l->io, 1);
		l->r.completions += take(l);
	}
}

/* Closes the ring. The kernel ends it some time later, and the queue is bound until then. */
static void close_ring(struct leanest *l, struct bench *b)
{
	uint32_t queue;
	int err;

	io_uring_queue_exit(&l->io);
	devmem_binding_queues(b->binding, &queue, 1);
	devmem_binding_close(b->binding);
	do {
		usleep(1000);
		err = devmem_bind_rx(b->nic, b->buffer,
				     DEVMEM_OPTS(devmem_bind_opts, .engine = b->engine, .queues = 1,
						 .queue_list = &queue),
				     &b->binding);
	} while (err == -EEXIST);
	if (err)
		bench_die("%s", devmem_error());
}

int main(int argc, char **argv)
{
	struct leanest l = { 0 };
	struct bench b;

	bench_parse(&b, "leanest-zcrx", argc, argv);
	b.engine = "zcrx";
	bench_bind(&b);
	bench_listen(&b);
	bench_accept(&b);
	open_ring(&l, &b);
	open_queue(&l, &b);
	l.open = b.connections;
	bench_lowat(&b, LOWAT);
	for (unsigned int i = 0; i < b.connections; i++)
		arm(&l, i);
	bench_begin(&b, &l.r);
	receive(&l);
	bench_end(&l.r);
	l.r.descriptors = l.r.fragments;
	l.r.engine = "by hand, zcrx";
	l.r.page_size = l.page_size;
	close_ring(&l, &b);
	bench_result(&b, &l.r);
	bench_close(&b);
	return 0;
}
