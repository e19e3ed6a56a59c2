/* SPDX-License-Identifier: MIT */
/*
 * Room uring: what a ring sits on, the kernel's io_uring or, where that cannot be had, plain system
 * calls behind the same queues (syscall_ring.h). The room may include base, and knows nothing of
 * sockets, bindings or events.
 */
#ifndef DEVMEM__URING_URING_H
#define DEVMEM__URING_URING_H

#include <liburing.h>

#include "base/internal.h"
#include "base/process.h"

/* What a completion belongs to, in the low bits of its user_data; the rest is a pointer or 0. */
enum devmem__cqe_kind {
	DEVMEM__CQE_RECV,    /* struct devmem_sock */
	DEVMEM__CQE_RELEASE, /* struct devmem__batch; comes only if the operation failed */
	DEVMEM__CQE_WAKE,    /* another thread has handed fragments over */
	DEVMEM__CQE_WATCH,   /* struct devmem__watch */
	/* time to look after what is held back, for who sleeps on the ring's descriptor */
	DEVMEM__CQE_TICK,
	DEVMEM__CQE_LINK,   /* link notifications can be read */
	DEVMEM__CQE_END,    /* struct devmem_sock: its connection is ending */
	DEVMEM__CQE_CANCEL, /* struct devmem_sock: its receive was to be cancelled */
	DEVMEM__CQE_OTHER,  /* nothing to do: a socket option */
	DEVMEM__CQE_SEND,   /* struct devmem_sock: a sendmsg */
	DEVMEM__CQE_HEAR,   /* struct devmem_sock: something from its error queue */
	DEVMEM__CQE_ROOM,   /* struct devmem_sock: there is room in its send buffer */
	/* struct devmem_sock: something may be in its error queue; comes again and again */
	DEVMEM__CQE_STIR,
};
#define DEVMEM__CQE_KINDS 15u /* malloc() aligns to more than this */

struct devmem__syscall_ring;

struct devmem__uring {
	struct io_uring io;
	struct devmem__syscall_ring *calls; /* in the place of the kernel's io_uring, or NULL */
	uint64_t enters;		    /* calls of io_uring_enter() */
	uint32_t process;		    /* whose it is ... */
	uint64_t thread;		    /* ... and in that process: devmem__thread() */
	/* a forked child closes its copy: the kernel is told nothing */
	bool abandoned;
};

struct devmem__uring_opts {
	unsigned int entries; /* of the submission queue */
	/* that will be provided at once; 0: the most that ever are */
	unsigned int buffers;
	uint32_t busy_poll_us;
	bool large; /* completions of 32 bytes, as zcrx needs */
};

/*
 * devmem__uring_open() - an io_uring on which every kind of request that is needed later has been
 * tried. devmem__uring_open_syscall_ring() - plain system calls in its place. Both set the error
 * message. devmem__uring_close() - its requests have ended.
 */
int devmem__uring_open(struct devmem__uring *uring, const struct devmem__uring_opts *o);
int devmem__uring_open_syscall_ring(struct devmem__uring *uring, unsigned int entries);
void devmem__uring_close(struct devmem__uring *uring);

/* devmem__uring_elsewhere() - -EEXIST with its message: this is not the thread that opened the
 * ring. */
int devmem__uring_elsewhere(void);

/* devmem__uring_check_thread() - 0; or that, or devmem__uring_check_process(): -EEXIST, it is
 * another process's. */
int devmem__uring_check_thread(const struct devmem__uring *uring);
int devmem__uring_check_process(const struct devmem__uring *uring);
static inline bool devmem__uring_is_this_thread_s(const struct devmem__uring *uring)
{
	return devmem__process_is(uring->process) && uring->thread == devmem__thread();
}

/* devmem__uring_sqe() - a zeroed request with its user_data. NULL: there is no room, and the kernel
 * makes none. */
struct io_uring_sqe *devmem__uring_sqe(struct devmem__uring *uring, enum devmem__cqe_kind kind,
				       const void *object);
void devmem__uring_setsockopt(struct io_uring_sqe *sqe, int fd, int name, const void *value,
			      size_t bytes);
int devmem__uring_submit(struct devmem__uring *uring);

/* devmem__uring_forget() - requests that were not handed in and name @object, or set an option of
 * @fd, do nothing. */
void devmem__uring_forget(struct devmem__uring *uring, const void *object, int fd);

/* devmem__uring_cancel_all() - every request that waits ends. Completions that it makes can be read
 * afterwards. */
void devmem__uring_cancel_all(struct devmem__uring *uring);

/* devmem__uring_cancel_waiting() - the kernel's part of it. How many there were, or -errno without
 * an error message. */
int devmem__uring_cancel_waiting(struct io_uring *io);

/* Provided buffers to receive into. -errno, without an error message; -EINVAL: not with these
 * flags. */
int devmem__uring_buffers(struct devmem__uring *uring, struct io_uring_buf_ring *bufs,
			  unsigned int entries, unsigned int group, unsigned int flags);
void devmem__uring_no_buffers(struct devmem__uring *uring, unsigned int group);

#endif
