// SPDX-License-Identifier: MIT
/* Makes, submits and cancels requests, for the kernel's io_uring or what replaces it. */
#include <errno.h>
#include <string.h>

#include "uring/syscall_ring.h"
#include "base/uapi_sock.h"
#include "uring/uring.h"

/* --------------------------------------------------------------------------- thread and process */

/* An io_uring has one submitter, and the kernel answers others with EEXIST. Ours is EPERM: EEXIST
 * is what a forked child gets. [io_uring/io_uring.c: IORING_SETUP_SINGLE_ISSUER] */
int devmem__uring_elsewhere(void)
{
	return devmem__fail(EPERM, "another thread opened this ring, and only that one can use "
				   "it: call devmem_ring_open() in the thread that attaches and "
				   "waits");
}

int devmem__uring_check_thread(const struct devmem__uring *uring)
{
	if (devmem__uring_is_this_thread_s(uring))
		return 0;
	return devmem__uring_check_process(uring) ?: devmem__uring_elsewhere();
}

int devmem__uring_check_process(const struct devmem__uring *uring)
{
	return devmem__process_check(uring->process, "the ring");
}

/* ----------------------------------------------------------------------------------- submitting */

int devmem__uring_submit(struct devmem__uring *uring)
{
	uring->enters++;
	return uring->syscalls ? devmem__syscall_ring_submit(uring->syscalls)
			       : io_uring_submit(&uring->io);
}

struct io_uring_sqe *devmem__uring_sqe(struct devmem__uring *uring, enum devmem__cqe_kind kind,
				       const void *object)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->io);

	if (!sqe) {
		devmem__uring_submit(uring); /* even if it fails it may have taken some */
		sqe = io_uring_get_sqe(&uring->io);
	}
	if (!sqe)
		return NULL;
	memset(sqe, 0, sizeof(*sqe)); /* liburing before 2.4 leaves old contents */
	sqe->user_data = (uintptr_t)object | kind;
	return sqe;
}

static bool names(const struct io_uring_sqe *sqe, const void *object, int fd)
{
	const uint64_t named = sqe->opcode == IORING_OP_ASYNC_CANCEL ? sqe->addr : sqe->user_data;

	return (named & ~(uint64_t)DEVMEM__CQE_KINDS) == (uintptr_t)object ||
	       (sqe->opcode == IORING_OP_URING_CMD && sqe->fd == fd);
}

/*
 * The kernel has not taken these requests yet, perhaps for want of memory, so they can be changed.
 * Submitted later they would name a descriptor and memory that have been reused.
 */
void devmem__uring_forget(struct devmem__uring *uring, const void *object, int fd)
{
	const struct io_uring_sq *sq = &uring->io.sq;

	for (unsigned int i = sq->sqe_tail - io_uring_sq_ready(&uring->io); i != sq->sqe_tail;
	     i++) {
		struct io_uring_sqe *sqe = &sq->sqes[i & sq->ring_mask];

		if (!names(sqe, object, fd))
			continue;
		memset(sqe, 0, sizeof(*sqe));
		io_uring_prep_nop(sqe);
		sqe->user_data = DEVMEM__CQE_OTHER;
	}
}

/*
 * A setsockopt at level SOL_SOCKET, without a completion if it succeeds. liburing 2.3 has no names
 * for its fields: level and optname share the place of addr, optlen that of splice_fd_in, and
 * optval that of addr3. [include/uapi/linux/io_uring.h, 6.7]
 */
void devmem__uring_setsockopt(struct io_uring_sqe *sqe, int fd, int name, const void *value,
			      size_t bytes)
{
	const uint32_t level_and_name[2] = { SOL_SOCKET, (uint32_t)name };

	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe->cmd_op = DEVMEM_SOCKET_URING_OP_SETSOCKOPT;
	memcpy(&sqe->addr, level_and_name, sizeof(level_and_name));
	sqe->splice_fd_in = (int)bytes;
	sqe->addr3 = (uintptr_t)value;
}

int devmem__uring_buffers(struct devmem__uring *uring, struct io_uring_buf_ring *bufs,
			  unsigned int entries, unsigned int group, unsigned int flags)
{
	struct devmem__buf_reg reg = {
		.ring_addr = (uintptr_t)bufs,
		.ring_entries = entries,
		.group = (uint16_t)group,
		.flags = (uint16_t)flags,
	};
	int err;

	io_uring_buf_ring_init(bufs);
	if (uring->syscalls)
		return devmem__syscall_ring_buffers(uring->syscalls, bufs, entries, group,
						    flags & DEVMEM_PBUF_RING_INC);
	err = io_uring_register(uring->io.ring_fd, IORING_REGISTER_PBUF_RING, &reg, 1);
	return err < 0 ? err : 0;
}

void devmem__uring_no_buffers(struct devmem__uring *uring, unsigned int group)
{
	if (!uring->syscalls && !uring->abandoned)
		io_uring_unregister_buf_ring(&uring->io, (int)group);
}

/*
 * If this is not the ring's thread, the kernel refuses to carry out work that only that thread may
 * do. A request with such work never writes: it is cancelled a moment after the io_uring is closed.
 * [io_uring/io_uring.c: io_ring_exit_work()]
 */
void devmem__uring_cancel_all(struct devmem__uring *uring)
{
	devmem__uring_submit(uring);
	if (uring->syscalls) {
		devmem__syscall_ring_cancel_all(uring->syscalls);
		return;
	}
	devmem__uring_cancel_waiting(&uring->io);
	io_uring_get_events(&uring->io);
}

int devmem__uring_cancel_waiting(struct io_uring *io)
{
	struct io_uring_sync_cancel_reg all = {
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = { -1, -1 },
	};

	return io_uring_register_sync_cancel(io, &all);
}
