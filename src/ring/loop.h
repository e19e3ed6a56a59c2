/* SPDX-License-Identifier: MIT */
/*
 * Room ring: the loop. Sockets are attached, completions become events, fragments come back; a turn
 * of devmem_wait() drives all of it. It is the highest room and may include every other.
 */
#ifndef DEVMEM__RING_LOOP_H
#define DEVMEM__RING_LOOP_H

#include "recv/receiving.h"

/* open.c */
/* what devmem_ring_open() does */
int devmem__ring_open(const struct devmem_ring_opts *opts, struct devmem_ring **out);

/*
 * devmem__ring_end_used() - end what the ring was the last to use. It may take seconds, so it is
 * for calls that are not on the way of the data: devmem_attach(), devmem_detach(),
 * devmem_ring_close().
 */
void devmem__ring_end_used(struct devmem_ring *ring);

/* abandon.c: closed by a forked child */
void devmem__ring_abandon(struct devmem_ring *ring);

/* binding_use.c: what sockets of one binding share, and what is ended with the last of them */
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

/* attach.c: attached and detached. devmem__socks_reap() - free the detached ones that nothing
 * refers to any more. */
void devmem__socks_reap(struct devmem_ring *ring);
void devmem__sock_free(struct devmem_sock *sock);

/* devmem__sock_queue_known() - devmem_sock_queue() without waiting: -EBUSY: it cannot be known now.
 * Without a sentence. */
int devmem__sock_queue_known(const struct devmem_sock *sock);

/* wake.c */
void devmem__wake(struct devmem_ring *ring);

/* Around what another thread does with the ring: closing it waits for the end. */
int devmem__visit(struct devmem_ring *ring);
/* @cancel: what devmem__visit() returned */
void devmem__visit_over(struct devmem_ring *ring, int cancel);
void devmem__await_visitors(struct devmem_ring *ring);

/* completions.c: all completions that there are */
int devmem__completions_to_events(struct devmem_ring *ring, struct devmem_event *events,
				  unsigned int n);

/* completion.c: one of them. Both return how many events that makes: 0 or 1. @error: 0 is the end
 * of the stream. */
unsigned int devmem__completion_to_event(struct devmem_ring *ring, const struct io_uring_cqe *cqe,
					 struct devmem_event *event);
unsigned int devmem__end_stream(struct devmem_sock *sock, int error, struct devmem_event *event);

/* overtake.c: the spill buffer is full. Hand out what is not behind that, and say of each socket
 * whether it is. */
unsigned int devmem__overtake(struct devmem_ring *ring, struct devmem_event *events,
			      unsigned int n);

/* watch.c: other descriptors */
struct devmem__watch;
void devmem__watch_arm(struct devmem_ring *ring);
unsigned int devmem__watch_done(struct devmem__watch *watch, int res, struct devmem_event *event);
void devmem__watch_close(struct devmem_ring *ring);

#endif
