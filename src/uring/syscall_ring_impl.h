/* SPDX-License-Identifier: MIT */
/* What syscall_ring.c and syscall_ring_wait.c share: waiting requests, and completions. */
#ifndef DEVMEM__URING_SYSCALL_RING_IMPL_H
#define DEVMEM__URING_SYSCALL_RING_IMPL_H

#include "uring/syscall_ring.h"

#define GROUPS 32u
#define SPARE  4u /* completions that one request may need */
/* how often to poll the requests that epoll did not accept */
#define DEVMEM__SYSCALL_RING_LOOK_NS 10000000

struct devmem__request {
	struct devmem__request *next; /* in the list of waiting requests */
	struct devmem__request **link;
	uint64_t user_data;
	int fd;
	uint8_t opcode;
	bool multishot, unwatched; /* @unwatched: epoll did not accept it */
	uint16_t group;
	const struct msghdr *msg;
	void *to; /* where a read puts its bytes */
	unsigned int bytes, flags, events;
};

struct devmem__group {
	struct io_uring_buf_ring *ring;
	unsigned int entries;
	uint16_t head;
	unsigned int used; /* bytes used of the buffer at the head */
	bool incremental;
};

struct devmem__syscall_ring {
	struct io_uring *io;
	int epoll, timer;
	uint64_t timer_user_data, made;
	bool timer_set;
	struct devmem__request *waiting;
	unsigned int unwatched;		/* how many of these epoll did not accept */
	struct devmem__request **by_fd; /* the waiting requests by descriptor */
	unsigned int fds;
	struct devmem__group group[GROUPS];
	/* what the kernel's io_uring would share with us */
	unsigned int sq_head, sq_tail, cq_head, cq_tail, sq_flags, cq_flags;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static inline bool devmem__syscall_ring_room(const struct devmem__syscall_ring *c)
{
	return c->io->cq.ring_entries - (c->cq_tail - c->cq_head) >= SPARE;
}

static inline void devmem__syscall_ring_complete(struct devmem__syscall_ring *c, uint64_t user_data,
						 int res, unsigned int flags)
{
	c->cqes[c->cq_tail++ & c->io->cq.ring_mask] = (struct io_uring_cqe){
		.user_data = user_data,
		.res = res,
		.flags = flags,
	};
}

/* devmem__syscall_ring_wait_for() - let a copy of @like wait. -EBUSY: another request waits for the
 * same descriptor. -EBADF, -ENOMEM; -EPERM: epoll does not support this kind of file. */
int devmem__syscall_ring_wait_for(struct devmem__syscall_ring *calls,
				  const struct devmem__request *like);
void devmem__syscall_ring_forget(struct devmem__syscall_ring *calls,
				 struct devmem__request *request);

/* devmem__syscall_ring_watch() - offer epoll a request again that it did not accept before. false:
 * it does not accept it now either. */
bool devmem__syscall_ring_watch(struct devmem__syscall_ring *calls,
				struct devmem__request *request);

/*
 * devmem__syscall_ring_sleep() - sleep until a request may be ready. -EINTR: a signal came. -ETIME:
 * @timeout has passed, or it is time to poll the requests that epoll did not accept.
 */
int devmem__syscall_ring_sleep(struct devmem__syscall_ring *calls,
			       const struct __kernel_timespec *timeout);

#endif
