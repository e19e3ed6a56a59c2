/* SPDX-License-Identifier: MIT */
/*
 * The io_uring requests that this library makes, carried out by plain system calls: for machines
 * without io_uring, or with a policy against it. The queues are ordinary memory behind the same
 * struct io_uring, so that whoever makes requests and reads completions knows no difference.
 */
#ifndef DEVMEM__URING_SYSCALL_RING_H
#define DEVMEM__URING_SYSCALL_RING_H

#include <liburing.h>

#include "base/internal.h"

struct devmem__syscall_ring;

/* devmem__syscall_ring_open() - @io: its queues are set up. -ENOMEM, -EMFILE */
int devmem__syscall_ring_open(struct io_uring *io, unsigned int entries, unsigned int completions,
			      struct devmem__syscall_ring **out);
void devmem__syscall_ring_close(struct devmem__syscall_ring *calls);

/* A ring of provided buffers. @incremental: a receive uses up only what it fills. -EMFILE: too many
 * groups */
int devmem__syscall_ring_buffers(struct devmem__syscall_ring *calls, struct io_uring_buf_ring *ring,
				 unsigned int entries, unsigned int group, bool incremental);

/* devmem__syscall_ring_submit() - do what was asked for, or begin to wait for it. */
int devmem__syscall_ring_submit(struct devmem__syscall_ring *calls);

/*
 * devmem__syscall_ring_enter() - and wait until there is a completion beyond the @known ones, or
 * the time is over. NULL: for ever. -EINTR
 */
int devmem__syscall_ring_enter(struct devmem__syscall_ring *calls,
			       const struct __kernel_timespec *timeout, unsigned int known);

/* devmem__syscall_ring_cancel_all() - every request that waits completes with -ECANCELED. */
void devmem__syscall_ring_cancel_all(struct devmem__syscall_ring *calls);

/* Readable when something that a request waits for has happened. */
int devmem__syscall_ring_fd(const struct devmem__syscall_ring *calls);

/* How many system calls it took. */
uint64_t devmem__syscall_ring_made(const struct devmem__syscall_ring *calls);

#endif
