/* SPDX-License-Identifier: MIT */
/*
 * Room recv: what one socket receives, from the request in the kernel to the tokens on their way
 * back: requests, low-water marks, backpressure, the spill buffer, ends, guards. It may include
 * bind and what is below; it knows no engine, no send and no loop.
 */
#ifndef DEVMEM__RECV_RECEIVING_H
#define DEVMEM__RECV_RECEIVING_H

#include "ring.h"

/* request.c: what a socket has in the kernel, armed and cancelled */
void devmem__sock_arm_pending(struct devmem_ring *ring);
void devmem__sock_cancel(struct devmem_sock *sock);
void devmem__sock_cancel_end(struct devmem_sock *sock); /* the poll for the connection's end */
/* those for which there was no room before: ring->requests.uncancelled */
void devmem__sock_cancel_again(struct devmem_ring *ring);
void devmem__sock_disarmed(struct devmem_sock *sock);
void devmem__sock_end_comes(struct devmem_sock *sock, int res);
void devmem__sock_watch_end(struct devmem_sock *sock);
bool devmem__sock_cancel_request(struct devmem_sock *sock, enum devmem__cqe_kind kind);
void devmem__sock_cancelled(struct devmem_sock *sock, int res);

/*
 * ends.c: how connections end. devmem__end_is_there() - both directions are over. devmem__end_is()
 * - the kernel said @err; returns what is to be told. devmem__end_why() - the connection is over:
 * asks why; @otherwise if nobody knows. devmem__end_by_us() - it is to be reset because of @err, of
 * which the kernel knows nothing; returns why it ends, which may be something before that.
 * devmem__end_of_stream() - a receive brought nothing, which is the end of the stream: 0, or the
 * error that it really is.
 */
bool devmem__end_is_there(int fd);
int devmem__end_is(struct devmem_sock *sock, int err);
int devmem__end_why(struct devmem_sock *sock, int otherwise);
int devmem__end_by_us(struct devmem_sock *sock, int err);
int devmem__end_of_stream(const struct devmem_sock *sock);

/* ends.c: sockets that cannot receive now, those that stay on ring->requests.rearm. Did their
 * streams end? Then they are on ring->ends.known. */
void devmem__ends_look(struct devmem_ring *ring);

/* ... and with the spill buffer full, all sockets. After devmem__overtake(), with no completion in
 * between. */
void devmem__ends_look_past(struct devmem_ring *ring);

/* backpressure.c: what is out, of a socket and of a buffer */
void devmem__backpressure_out(struct devmem_sock *sock, size_t pages);
void devmem__backpressure_back(struct devmem_sock *sock, size_t pages);
unsigned int devmem__backpressure_events(struct devmem_ring *ring, struct devmem_event *event);

/* Paused sockets: are there any, which are looked at so often; and one is paused no more, or left
 * to the application. */
#define DEVMEM__STALL_NS 100000000u
static inline bool devmem__backpressure_waits(const struct devmem_ring *ring)
{
	return !devmem__list_empty(&ring->backpressure.paused);
}

void devmem__backpressure_look(struct devmem_ring *ring);
void devmem__backpressure_leave(struct devmem_sock *sock);

/* spill.c: host bytes into device memory */
int devmem__spill_check(const struct devmem_ring_opts *o);
int devmem__spill_open(struct devmem_ring *ring, const struct devmem_binding *binding);
void devmem__spill_close(struct devmem_ring *ring);
bool devmem__spill_owns(const struct devmem_ring *ring, const struct devmem_event *ev);
int devmem__spill_put(struct devmem_ring *ring, uint32_t chunk, unsigned int chunks);
int devmem__spill_held(struct devmem_ring *ring, struct devmem_event *event);
void devmem__spill_drop(struct devmem_ring *ring);

/*
 * sockopts.c: options of the caller's socket. devmem__sockopts_look() - how they are, before one is
 * set. The receive buffer is limited to so many @fragments, set to so many @bytes as the kernel
 * counts them, and set back to what the limit made of it, or to what it was.
 * devmem__sockopts_back() - all are as they were.
 */
void devmem__sockopts_look(struct devmem_sock *sock);
int devmem__sockopts_lowat(struct devmem_sock *sock, int bytes);
int devmem__sockopts_limit(struct devmem_sock *sock, uint32_t fragments);
void devmem__sockopts_rcvbuf(struct devmem_sock *sock, uint32_t bytes);
void devmem__sockopts_rcvbuf_back(struct devmem_sock *sock, uint32_t bytes);
void devmem__sockopts_back(struct devmem_sock *sock);

/* lowat.c: SO_RCVLOWAT */
void devmem__lowat_received(struct devmem_sock *sock, uint32_t bytes);
/* what that was: a page for each fragment */
void devmem__lowat_fragments(struct devmem_sock *sock, size_t pages);
void devmem__lowat_fall(struct devmem_ring *ring);
void devmem__lowat_forget(struct devmem_sock *sock);
void devmem__lowat_leave(struct devmem_sock *sock);
static inline bool devmem__lowat_waits(const struct devmem_ring *ring)
{
	return !devmem__list_empty(&ring->lowat.raised);
}

/* ns until the first mark may fall, if one is raised */
uint64_t devmem__lowat_due(const struct devmem_ring *ring);
#define DEVMEM__TICK_NS 2000000u /* how often it is looked at what is held back */

#endif
