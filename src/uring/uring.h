/* SPDX-License-Identifier: MIT */
/*
 * Room uring: what a ring is built on, which is the kernel's io_uring or, where that is not
 * available, plain system calls behind the same queues (syscall_ring.h). The room may include base,
 * and knows nothing of sockets, bindings or events.
 */
#ifndef DEVMEM__URING_URING_H
#define DEVMEM__URING_URING_H

#include <liburing.h>

#include "base/internal.h"
#include "base/process.h"

/* The kind of a completion, in the low bits of its user_data. The other bits are a pointer or 0. */
enum devmem__cqe_kind {
	DEVMEM__CQE_RECV,    /* struct devmem_sock */
	DEVMEM__CQE_RELEASE, /* struct devmem__batch; only if the operation failed */
	DEVMEM__CQE_WAKE,    /* another thread has handed fragments over */
	DEVMEM__CQE_WATCH,   /* struct devmem__watch */
	/* a timer: look after what is held back, if the program sleeps on the ring's descriptor */
	DEVMEM__CQE_TICK,
	DEVMEM__CQE_LINK,   /* link notifications can be read */
	DEVMEM__CQE_END,    /* struct devmem_sock: its connection is ending */
	DEVMEM__CQE_CANCEL, /* struct devmem_sock: the result of cancelling its receive */
	DEVMEM__CQE_OTHER,  /* nothing to do: a socket option */
	DEVMEM__CQE_SEND,   /* struct devmem_sock: a sendmsg */
	DEVMEM__CQE_HEAR,   /* struct devmem_sock: a message from its error queue */
	DEVMEM__CQE_ROOM,   /* struct devmem_sock: there is room in its send buffer */
	/* struct devmem_sock: its error queue may have a message; repeated */
	DEVMEM__CQE_STIR,
};
#define DEVMEM__CQE_KINDS 15u /* malloc() aligns to more than this */

struct devmem__syscall_ring;

struct devmem__uring {
	struct io_uring io;
	struct devmem__syscall_ring *syscalls; /* replaces the kernel's io_uring, or NULL */
	uint64_t enters;		       /* calls of io_uring_enter() */
	uint32_t process;		       /* the process that opened it ... */
	uint64_t thread;		       /* ... and the thread: devmem__thread() */
	/* a forked child closes its copy, and must not change anything in the kernel */
	bool abandoned;
};

struct devmem__uring_opts {
	unsigned int entries; /* of the submission queue */
	/* the size of the first provided-buffer ring; 0: the largest that is ever used */
	unsigned int buffers;
	uint32_t busy_poll_us;
	bool large; /* completions of 32 bytes, as zcrx needs */
};

/*
 * devmem__uring_open() - open an io_uring and try every kind of call that is needed later.
 * devmem__uring_open_syscall_ring() - the same queues by plain system calls. Both set the error
 * message. devmem__uring_close() - call it after all requests have ended.
 */
int devmem__uring_open(struct devmem__uring *uring, const struct devmem__uring_opts *o);
int devmem__uring_open_syscall_ring(struct devmem__uring *uring, unsigned int entries);
void devmem__uring_close(struct devmem__uring *uring);

/* devmem__uring_elsewhere() - set the error message for a thread that did not open the ring.
 * Returns -EPERM. */
int devmem__uring_elsewhere(void);

/* devmem__uring_check_thread(), devmem__uring_check_process() - 0; or, with the error message,
 * -EPERM: another thread opened the ring; -EEXIST: another process did. */
int devmem__uring_check_thread(const struct devmem__uring *uring);
int devmem__uring_check_process(const struct devmem__uring *uring);
static inline bool devmem__uring_is_this_thread_s(const struct devmem__uring *uring)
{
	return devmem__process_is(uring->process) && uring->thread == devmem__thread();
}

/* devmem__uring_sqe() - a request that is zero but for its user_data. NULL: the submission queue is
 * full, and the kernel takes nothing from it. */
struct io_uring_sqe *devmem__uring_sqe(struct devmem__uring *uring, enum devmem__cqe_kind kind,
				       const void *object);
void devmem__uring_setsockopt(struct io_uring_sqe *sqe, int fd, int name, const void *value,
			      size_t bytes);
int devmem__uring_submit(struct devmem__uring *uring);

/* devmem__uring_forget() - turn requests into no-ops that have not been submitted and either name
 * @object or set an option of @fd. */
void devmem__uring_forget(struct devmem__uring *uring, const void *object, int fd);

/* devmem__uring_cancel_all() - cancel every waiting request. Their completions can be read
 * afterwards. */
void devmem__uring_cancel_all(struct devmem__uring *uring);

/* devmem__uring_cancel_waiting() - the kernel's part of that. Returns how many requests there were,
 * or -errno without an error message. */
int devmem__uring_cancel_waiting(struct io_uring *io);

/* Registers a ring of provided buffers. -errno, without an error message; -EINVAL: the kernel does
 * not support these flags. */
int devmem__uring_buffers(struct devmem__uring *uring, struct io_uring_buf_ring *bufs,
			  unsigned int entries, unsigned int group, unsigned int flags);
void devmem__uring_no_buffers(struct devmem__uring *uring, unsigned int group);

#endif
