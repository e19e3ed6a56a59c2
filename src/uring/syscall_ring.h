/* SPDX-License-Identifier: MIT */
/*
 * The io_uring requests that this library makes, carried out by plain system calls: for machines without io_uring, or
 * with a policy against it. The queues are ordinary memory behind the same struct io_uring, so that whoever makes
 * requests and reads completions knows no difference.
 */
#ifndef DEVMEM_CALLS_H
#define DEVMEM_CALLS_H

#include <liburing.h>

#include "base/internal.h"

struct devmem__calls;

/* devmem__calls_open() - @io: its queues are set up. -ENOMEM, -EMFILE */
int devmem__calls_open(struct io_uring *io, unsigned int entries, unsigned int completions, struct devmem__calls **out);
void devmem__calls_close(struct devmem__calls *calls);

/* A ring of provided buffers. @incremental: a receive uses up only what it fills. -EMFILE: too many groups */
int devmem__calls_buffers(struct devmem__calls *calls, struct io_uring_buf_ring *ring, unsigned int entries,
			  unsigned int group, bool incremental);

/* devmem__calls_submit() - do what was asked for, or begin to wait for it. */
int devmem__calls_submit(struct devmem__calls *calls);

/*
 * devmem__calls_enter() - and wait until there is a completion beyond the @known ones, or the time is over. NULL: for ever.
 * -EINTR
 */
int devmem__calls_enter(struct devmem__calls *calls, const struct __kernel_timespec *timeout, unsigned int known);

/* devmem__calls_cancel_all() - every request that waits completes with -ECANCELED. */
void devmem__calls_cancel_all(struct devmem__calls *calls);

/* Readable when something that a request waits for has happened. */
int devmem__calls_fd(const struct devmem__calls *calls);

/* How many system calls it took. */
uint64_t devmem__calls_made(const struct devmem__calls *calls);

#endif
