/* SPDX-License-Identifier: MIT */
/*
 * Room recv: what one socket receives, from the request in the kernel to the release of tokens. It
 * has requests, low-water marks, backpressure, the spill buffer, ends of connections, and guards.
 * It may include bind and the rooms below; it knows no engine, no send and no loop.
 */
#ifndef DEVMEM__RECV_RECEIVING_H
#define DEVMEM__RECV_RECEIVING_H

#include "ring.h"

/* request.c: arms and cancels a socket's requests in the kernel */
void devmem__sock_arm_pending(struct devmem_ring *ring);
void devmem__sock_cancel(struct devmem_sock *sock);
void devmem__sock_cancel_end(struct devmem_sock *sock); /* the poll for the connection's end */
/* repeats the cancels that found no room in the submission queue: ring->requests.uncancelled */
void devmem__sock_cancel_again(struct devmem_ring *ring);
void devmem__sock_disarmed(struct devmem_sock *sock);
void devmem__sock_end_comes(struct devmem_sock *sock, int res);
void devmem__sock_watch_end(struct devmem_sock *sock);
bool devmem__sock_cancel_request(struct devmem_sock *sock, enum devmem__cqe_kind kind);
void devmem__sock_cancelled(struct devmem_sock *sock, int res);

/*
 * ends.c: how connections end, and why.
 * devmem__end_is_there() - true if both directions are over
 * devmem__end_is() - the kernel reported @err. Returns the error that events report.
 * devmem__end_why() - returns why the connection, which is over, ended; @otherwise if nobody knows
 * devmem__end_by_us() - the library is about to reset the connection because of @err, of which the
 * kernel knows nothing. Returns why the connection ends, which may be an earlier error.
 * devmem__end_of_stream() - a receive returned no bytes, which is the end of the stream. Returns 0,
 * or the error that ended it.
 */
bool devmem__end_is_there(int fd);
int devmem__end_is(struct devmem_sock *sock, int err);
int devmem__end_why(struct devmem_sock *sock, int otherwise);
int devmem__end_by_us(struct devmem_sock *sock, int err);
int devmem__end_of_stream(const struct devmem_sock *sock);

/* ends.c: checks sockets that cannot receive now, which are those left on ring->requests.rearm.
 * Those whose streams have ended go to ring->ends.known. */
void devmem__ends_look(struct devmem_ring *ring);

/* The same for all sockets, for when the spill buffer is full. Call it after devmem__overtake(),
 * with no completion in between. */
void devmem__ends_look_past(struct devmem_ring *ring);

/* backpressure.c: counts what is out, for each socket and each buffer */
void devmem__backpressure_out(struct devmem_sock *sock, size_t pages);
void devmem__backpressure_back(struct devmem_sock *sock, size_t pages);
unsigned int devmem__backpressure_events(struct devmem_ring *ring, struct devmem_event *event);

/*
 * Paused sockets are checked every DEVMEM__STALL_NS. devmem__backpressure_waits() - true if there
 * are any. devmem__backpressure_leave() - the socket is no longer paused, or returns to the
 * application.
 */
#define DEVMEM__STALL_NS 100000000u
static inline bool devmem__backpressure_waits(const struct devmem_ring *ring)
{
	return !devmem__list_empty(&ring->backpressure.paused);
}

void devmem__backpressure_look(struct devmem_ring *ring);
void devmem__backpressure_leave(struct devmem_sock *sock);

/* spill.c: copies host bytes into device memory */
int devmem__spill_check(const struct devmem_ring_opts *o);
int devmem__spill_open(struct devmem_ring *ring, const struct devmem_binding *binding);
void devmem__spill_close(struct devmem_ring *ring);
bool devmem__spill_owns(const struct devmem_ring *ring, const struct devmem_event *ev);
int devmem__spill_put(struct devmem_ring *ring, uint32_t chunk, unsigned int chunks);
int devmem__spill_held(struct devmem_ring *ring, struct devmem_event *event);
void devmem__spill_drop(struct devmem_ring *ring);

/*
 * sockopts.c: options of the caller's socket.
 * devmem__sockopts_look() - remember them before one is set
 * devmem__sockopts_limit() - limit the receive buffer to @fragments
 * devmem__sockopts_rcvbuf() - set the receive buffer to @bytes, as the kernel counts them
 * devmem__sockopts_rcvbuf_back() - set it back to @bytes if it is limited, or to what it was
 * devmem__sockopts_back() - restore all of them
 */
void devmem__sockopts_look(struct devmem_sock *sock);
int devmem__sockopts_lowat(struct devmem_sock *sock, int bytes);
int devmem__sockopts_limit(struct devmem_sock *sock, uint32_t fragments);
void devmem__sockopts_rcvbuf(struct devmem_sock *sock, uint32_t bytes);
void devmem__sockopts_rcvbuf_back(struct devmem_sock *sock, uint32_t bytes);
void devmem__sockopts_back(struct devmem_sock *sock);

/* lowat.c: SO_RCVLOWAT */
void devmem__lowat_received(struct devmem_sock *sock, uint32_t bytes);
/* the pages that these bytes occupy: one for each fragment */
void devmem__lowat_fragments(struct devmem_sock *sock, size_t pages);
void devmem__lowat_fall(struct devmem_ring *ring);
void devmem__lowat_forget(struct devmem_sock *sock);
void devmem__lowat_leave(struct devmem_sock *sock);
static inline bool devmem__lowat_waits(const struct devmem_ring *ring)
{
	return !devmem__list_empty(&ring->lowat.raised);
}

/* ns until the first mark may fall; only to be called if one is raised */
uint64_t devmem__lowat_due(const struct devmem_ring *ring);
#define DEVMEM__TICK_NS 2000000u /* how often held-back tokens and marks are checked */

#endif
