/* SPDX-License-Identifier: MIT */
/*
 * Carries out the io_uring requests that this library makes by plain system calls, for machines
 * without io_uring or with a policy against it. The queues are ordinary memory behind the same
 * struct io_uring, so that code that makes requests and reads completions need not know the
 * difference.
 */
#ifndef DEVMEM__URING_SYSCALL_RING_H
#define DEVMEM__URING_SYSCALL_RING_H

#include <liburing.h>

#include "base/internal.h"

struct devmem__syscall_ring;

/* devmem__syscall_ring_open() - set up the queues in @io. -ENOMEM, -EMFILE. Sets the error
 * message. */
int devmem__syscall_ring_open(struct io_uring *io, unsigned int entries, unsigned int completions,
			      struct devmem__syscall_ring **out);
void devmem__syscall_ring_close(struct devmem__syscall_ring *calls);

/* Registers a ring of provided buffers. @incremental: a receive uses up only the part of a buffer
 * that it fills. -EMFILE: too many groups */
int devmem__syscall_ring_buffers(struct devmem__syscall_ring *calls, struct io_uring_buf_ring *ring,
				 unsigned int entries, unsigned int group, bool incremental);

/* devmem__syscall_ring_submit() - carry out the queued requests, or begin to wait for them. Returns
 * their number; -EBUSY or -ENOMEM: some stay in the queue. */
int devmem__syscall_ring_submit(struct devmem__syscall_ring *calls);

/*
 * devmem__syscall_ring_enter() - submit, and wait until there are more than @known completions or
 * @timeout has passed. A NULL @timeout waits without a limit. -ETIME, -EINTR, -ENOMEM
 */
int devmem__syscall_ring_enter(struct devmem__syscall_ring *calls,
			       const struct __kernel_timespec *timeout, unsigned int known);

/* devmem__syscall_ring_cancel_all() - complete every waiting request with -ECANCELED. */
void devmem__syscall_ring_cancel_all(struct devmem__syscall_ring *calls);

/* A descriptor that becomes readable when an event occurs that a request waits for, or when @fd is
 * readable, given once to devmem__syscall_ring_add(). -errno: it cannot be added */
int devmem__syscall_ring_fd(const struct devmem__syscall_ring *calls);
int devmem__syscall_ring_add(struct devmem__syscall_ring *calls, int fd);

/* How many system calls it has made. */
uint64_t devmem__syscall_ring_made(const struct devmem__syscall_ring *calls);

#endif
