/* SPDX-License-Identifier: MIT */
/*
 * Room ring: the loop. It attaches sockets, turns completions into events, and takes back released
 * fragments; each turn of devmem_wait() drives all of it. It is the highest room, and may include
 * every other.
 */
#ifndef DEVMEM__RING_LOOP_H
#define DEVMEM__RING_LOOP_H

#include "recv/receiving.h"

/* open.c: devmem_ring_open() without its log record */
int devmem__ring_open(const struct devmem_ring_opts *opts, struct devmem_ring **out);

/*
 * devmem__ring_end_used() - end the bindings and buffers of which this ring held the last
 * reference. It may take seconds, so only calls that are not on the way of the data do it:
 * devmem_attach(), devmem_detach(), devmem_ring_close().
 */
void devmem__ring_end_used(struct devmem_ring *ring);

/* abandon.c: a forked child closes the ring */
void devmem__ring_abandon(struct devmem_ring *ring);

/* binding_use.c: what the sockets of one binding share */
int devmem__binding_use_get(struct devmem_ring *ring, struct devmem_binding *binding,
			    struct devmem__binding_use **out);
int devmem__binding_use_prepare(struct devmem_ring *ring, struct devmem_binding *binding);
void devmem__binding_use_put(struct devmem__binding_use *use);
void devmem__binding_use_refill(struct devmem_ring *ring);
void devmem__binding_use_close_all(struct devmem_ring *ring);

/*
 * release.c: fragments that come back. Other threads queue theirs for the ring's thread:
 * devmem__remote_releases_take() - release all that are queued. devmem__remote_releases_free() -
 * free the queue alone, in a forked child.
 */
void devmem__remote_releases_take(struct devmem_ring *ring);
void devmem__remote_releases_free(struct devmem_ring *ring);
int devmem__release_all(struct devmem_ring *ring, const struct devmem_event *events,
			unsigned int n);

/* attach.c. devmem__socks_reap() - free the detached sockets to which nothing refers any more. */
void devmem__socks_reap(struct devmem_ring *ring);
void devmem__sock_free(struct devmem_sock *sock);

/* devmem__sock_queue_known() - devmem_sock_queue() without waiting. -EBUSY: the queue is not known
 * now. Sets no error message. */
int devmem__sock_queue_known(const struct devmem_sock *sock);

/* wake.c */
void devmem__wake(struct devmem_ring *ring);

/* Around each use of the ring by another thread: closing the ring waits until it is over. */
int devmem__visit(struct devmem_ring *ring);
/* @cancel: what devmem__visit() returned */
void devmem__visit_over(struct devmem_ring *ring, int cancel);
void devmem__await_visitors(struct devmem_ring *ring);

/* completions.c: events from all completions that there are. Returns how many, or -errno. */
int devmem__completions_to_events(struct devmem_ring *ring, struct devmem_event *events,
				  unsigned int n);

/* completion.c: events from one completion, and the event of a stream's end (@error: 0 is END).
 * Both return how many: 0 or 1. */
unsigned int devmem__completion_to_event(struct devmem_ring *ring, const struct io_uring_cqe *cqe,
					 struct devmem_event *event);
unsigned int devmem__end_stream(struct devmem_sock *sock, int error, struct devmem_event *event);

/* overtake.c: while the spill buffer is full, makes events from completions that need not wait for
 * it, and sets each socket's spill.blocked. Returns how many events. */
unsigned int devmem__overtake(struct devmem_ring *ring, struct devmem_event *events,
			      unsigned int n);

/* watch.c: other descriptors */
struct devmem__watch;
void devmem__watch_arm(struct devmem_ring *ring);
unsigned int devmem__watch_done(struct devmem__watch *watch, int res, struct devmem_event *event);
void devmem__watch_close(struct devmem_ring *ring);

#endif
