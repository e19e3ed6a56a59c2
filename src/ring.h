/* SPDX-License-Identifier: MIT */
/* What the files of the loop share: the ring, its sockets, and the table behind which engines live. */
#ifndef DEVMEM_RING_H
#define DEVMEM_RING_H

#include <pthread.h>
#include <stdatomic.h>

#include "bind/attached.h"
#include "ring/gather.h"
#include "base/internal.h"
#include "netlink/link.h"
#include "base/list.h"
#include "base/process.h"
#include "recv.h"
#include "uring/recv_buffers.h"
#include "tokens.h"
#include "ring/stalled_by_urgent.h"
#include "uring/uring.h"
#include "base/engine_name.h"

/* A batch of tokens on its way from the application to the kernel: dontneed.h. */
struct devmem__batch {
	struct devmem__list node;	/* ring->batches_spare, or ring->batches_out until the kernel has done it */
	struct devmem_sock *sock;
	unsigned int sq_tail;		/* the submission queue's, behind its request */
	struct devmem__token_batch tokens;
};

/* What receiving must know of a socket's sends. Sending writes it (tx.c) whenever that changes. */
struct devmem__sends {
	uint64_t freed;			/* bytes that the kernel has let go of */
	uint32_t count;			/* sends that have not come back */
	uint32_t numbered;		/* calls of sendmsg() whose notifications are to come: a poll of the socket may end with one */
};

/* Of a paused socket: does it stand still? pressure.c */
struct devmem__stall {
	uint64_t freed;			/* @sends.freed when that was asked last */
	uint64_t looked;		/* ns: when that was asked last */
	uint64_t received;		/* bytes, then */
	uint32_t segments;		/* with data, then */
	unsigned int steps;		/* by which its receive buffer has grown ... */
	uint32_t rcvbuf;		/* ... from so many bytes */
};

/* Options of the caller's socket, as they were: sockopts.c */
struct devmem__before {
	int lowat, rcvbuf;
	bool lowat_set, rcvbuf_set;	/* by us */
	bool limited;			/* @rcvbuf was, since it is to have so many fragments */
	bool tuned;			/* the kernel may change @rcvbuf by itself */
};

struct devmem__samples;
struct devmem__tx;

struct devmem_sock {
	struct devmem_ring *ring;
	struct devmem_binding *binding;	/* the source's */
	struct devmem__source *source;
	const struct devmem__engine *engine;
	struct devmem__stream stream;
	int fd;				/* our duplicate: tokens die with the last descriptor */
	uint64_t cookie;		/* the connection's, as long as it is attached; 0: not known */
	bool armed;			/* a multishot receive is in the kernel */
	bool end_armed;			/* the kernel is to tell of the connection's end */
	bool ending;			/* it has while a receive was armed, which may not know */
	unsigned int cancels;		/* requests to cancel the receive that are in the kernel */
	bool ended;			/* END or ERROR was handed out */
	bool behind;			/* bytes of it wait for room in the spill buffer, or behind such */
	int error;			/* why the connection failed, once that is known, or 0 */
	int end;			/* of a socket on ring->over: what is to be told: 0 is END */
	struct devmem__list over;	/* ring->over */
	struct devmem__list leaving;	/* ring->leaving */
	unsigned int waited;		/* so often it was found to have failed, and what it had queued could not be received */
	bool detached;			/* the application has let go */
	bool place;			/* host bytes go to the spill buffer */
	bool host;			/* it has no binding: what is copied is told by address */
	bool messages;			/* (zcrx) it receives messages for a while: bytes that it could not have */
	unsigned int stuck;		/* (zcrx) changes between the two without a byte */
	bool misplaced;			/* its last bytes came through a queue that is not bound */
	bool paused;			/* it has more fragments out than it may */
	struct devmem__list pausing;	/* ring->pausing: it is */
	struct devmem__stall stall;
	struct devmem__urgent urgent;
	struct devmem__before before;
	uint32_t max_tokens;		/* that many; 0: no limit */
	bool unsplit;			/* when that was looked at last, its host bytes came through a bound queue */
	uint64_t last_look;		/* ns */
	struct devmem__batch *batch;	/* tokens given back and not yet handed in */
	unsigned int batches_out;	/* batches handed in and not yet known to be done */
	struct devmem__list dirty;	/* ring->dirty, or ring->due: @batch is not empty */
	struct devmem__list rearm;	/* ring->rearm: wants a receive armed */
	struct devmem__list raised;	/* ring->raised: SO_RCVLOWAT is above 1, the longest silent first */
	uint32_t lowat;			/* SO_RCVLOWAT as we set it last */
	bool lowat_managed;
	uint32_t fill_pages;		/* of some time, and ... */
	uint64_t fill_bytes;		/* ... what was in them */
	unsigned int full_receives;	/* in a row */
	unsigned int held_back;		/* so often a mark held back what somebody waited for; forgotten in time ... */
	unsigned int reached;		/* ... as marks are reached */
	uint64_t streamed;		/* bytes since a mark fell */
	uint64_t fell;			/* ns: when, if nothing has come since; else 0 */
	uint64_t last_receive;		/* ns, CLOCK_MONOTONIC */
	uint64_t recent;		/* bytes of this turn, after the first completion */
	uint64_t patience;		/* ns: how long it may be silent before its mark falls */
	struct devmem__tx *tx;		/* what it sends, or NULL: nothing yet */
	struct devmem__sends sends;
	uint32_t max_sends;
};

/* What the sockets of one binding share on one ring. */
struct devmem__source {
	struct devmem__list node;	/* ring->sources */
	struct devmem_ring *ring;
	const struct devmem__engine *engine;
	struct devmem_binding *binding;	/* a reference */
	unsigned int socks;
	void *own;			/* the engine's */
};

/* How bytes get from the kernel to us. One file of src/engines each; nothing else knows its details. */
struct devmem__engine {
	enum devmem__way way;
	/* make what the sockets of @source need, and end it; both may be NULL */
	int (*open)(struct devmem__source *source, const struct devmem_ring_opts *opts);
	void (*close)(struct devmem__source *source);
	bool ends_get_lost;		/* its multishot receives may miss that a connection has ended */
	bool keep;			/* a source stays until the ring is closed, with or without sockets */
	/* fill in a multishot receive */
	void (*arm)(struct devmem_sock *sock, struct io_uring_sqe *sqe);
	/* can a receive be armed, or is nothing free to receive into? */
	bool (*can_arm)(const struct devmem_sock *sock);
	/*
	 * Completions of @sock at the head of the queue that are fragments by themselves: consume them, write events.
	 * 0: the first is not one of those. -ENOMEM: nothing is lost, call again. NULL: messages (rxmsg.h) alone.
	 */
	int (*take)(struct devmem_sock *sock, struct devmem_event *events, unsigned int n);
	/* a receive completed without bytes: @cqe may have used something up. May be NULL */
	void (*empty)(struct devmem_sock *sock, const struct io_uring_cqe *cqe);
	/* a receive failed: true if there is another way to go on, and the next arm() takes it. May be NULL */
	bool (*recover)(struct devmem_sock *sock, int res);
	/*
	 * Fragments that came out of take(), or as messages, come back: the first of @events, and as many behind it as go
	 * with it. Returns how many; -EINVAL, with a sentence, if the first is not out
	 */
	int (*release)(struct devmem_sock *sock, const struct devmem_event *events, unsigned int n);
	/* the ring is being closed: all that @sock has out goes back */
	void (*drop)(struct devmem_sock *sock);
	/* before the kernel is entered: make room to receive into. true: look again soon. May be NULL */
	bool (*refill)(struct devmem__source *source);
};

extern const struct devmem__engine devmem__engine_devmem, devmem__engine_copy, devmem__engine_zcrx;

/* The spill buffer, and the run of host bytes that is next to go there. */
struct devmem__place {
	struct devmem_buffer *buffer;	/* NULL: nobody asked for placement yet */
	size_t bytes;			/* asked for; 0: the default */
	unsigned int chunks;
	struct devmem__token_set used;	/* chunks that are out */
	struct devmem_sock *held_of;	/* whose run @held is, or NULL */
	struct devmem_event held;
};

struct devmem_ring {
	struct devmem__uring uring;
	struct devmem_ring_opts opts;
	enum devmem__way way;		/* asked for */
	const char *engine;		/* of the socket attached last */
	char why[512], no_uring[256];	/* @no_uring: why there is none */
	struct devmem__list sources;
	struct devmem_binding *ended;		/* what it was the last to use, until devmem__ring_end_used() */
	struct devmem_buffer *ended_buffers;
	uint32_t groups;		/* buffer groups in use, a bit each */
	struct devmem_binding *own;	/* for sockets without a binding, or NULL */
	bool hungry;			/* a source found nothing to receive into */
	struct devmem__rxbufs bufs;	/* @bufs.ring is NULL until a socket receives messages */
	struct msghdr msg;		/* of every multishot recvmsg: says how the buffers are divided */

	struct devmem_sock **socks;	/* by slot */
	unsigned int slots;
	uint32_t merge;
	struct devmem__attached attached;

	struct devmem_sock *rx_sock;	/* whose completion @rx is being handed out, or NULL */
	struct devmem__rx rx;

	struct devmem__place place;

	struct devmem__list dirty, due;	/* sockets that hold back tokens; those whose tokens go with the next turn */
	struct devmem__list rearm, raised, pausing;
	bool uncancelled;		/* a request to cancel one of a socket found no room */
	struct devmem__list over;	/* sockets whose stream has ended while nothing could be received: that is to be told */
	uint64_t ends_looked;		/* ns: when they were looked at last */
	struct devmem__list leaving;	/* detached sockets that something has let go of: devmem__sock_let_go() */
	unsigned int raised_count;
	struct devmem__list sending, told;	/* tx_impl.h */
	bool explained;			/* the error message is about the connection whose stream ends next */
	bool last;			/* the event that was made is the last one of its wait, so that the error message is its own */
	uint64_t sends_over;
	uint64_t sends_looked;		/* ns: when it was looked whether they get out */
	struct devmem__gathers gathers;
	uint64_t gathers_over;
	struct devmem__list watches;
	bool watches_idle;		/* one of them is not armed */
	struct devmem__links links;
	bool link_armed;
	struct devmem__list batches_spare, batches_out;
	size_t tokens_pending;		/* in batches that were not handed in */
	uint64_t now;			/* ns, CLOCK_MONOTONIC, at the end of the last wait */

	_Atomic(struct devmem__handover *) handover; /* released by other threads */
	atomic_bool woken;		/* devmem_wake() was called */
	atomic_bool sleeping;		/* the ring is about to wait, or waiting */
	atomic_uint visitors;		/* other threads in devmem_wake() or devmem_release() */
	atomic_bool resting;		/* it lets completions come together, and only devmem_wake() ends that */
	uint64_t brought;		/* ns: when the last turn ended, if it brought something; else 0 */
	int wake_fd;
	atomic_int notify_fd;		/* what devmem_ring_fd() gave away, or -1: nobody asked */
	bool wake_armed, tick_armed;
	bool idle;			/* a tick has passed without an event */
	unsigned int watched;		/* sockets that urgent data may bring to a stand ... */
	unsigned int urgent_slot;	/* ... which of them was looked at last ... */
	uint64_t urgent_due;		/* ... and, ns, when the next are */
	struct devmem__samples *samples; /* of what is dropped before it gets to a socket, or NULL */
	bool samples_refused;
	struct __kernel_timespec tick;
	uint64_t tick_due;		/* ns: when the one that is armed is over */
	bool stirred;			/* there were events since it was armed */
	uint64_t low_bytes;		/* of the buffer @low_buffer are out, and it is to be told; 0: nothing is */
	uint16_t low_buffer;
	uint64_t wake_value;

	struct devmem__rx_count count;
	struct devmem_stats stats;	/* all that @count has not */
};

/*
 * devmem__sock_let_go() - something refers to the socket no more. If it is detached, the next turn of the loop asks whether that
 * was the last, and frees it: what freeing it ends may take long, and is no affair of who gives a fragment back.
 */
static inline void devmem__sock_let_go(struct devmem_sock *sock)
{
	if (sock->detached)
		devmem__list_append(&sock->ring->leaving, &sock->leaving);
}

/* ring.c */
int devmem__ring_open(const struct devmem_ring_opts *opts, struct devmem_ring **out);	/* what devmem_ring_open() does */

/*
 * devmem__ring_end_used() - end what the ring was the last to use. It may take seconds, so it is for calls that are not on the
 * way of the data: devmem_attach(), devmem_detach(), devmem_ring_close().
 */
void devmem__ring_end_used(struct devmem_ring *ring);

/* abandon.c: closed by a forked child */
void devmem__ring_abandon(struct devmem_ring *ring);

/* source.c: what sockets of one binding share, and what is ended with the last of them */
int devmem__source_get(struct devmem_ring *ring, struct devmem_binding *binding, struct devmem__source **out);
int devmem__source_prepare(struct devmem_ring *ring, struct devmem_binding *binding);
void devmem__source_put(struct devmem__source *source);
void devmem__source_refill(struct devmem_ring *ring);
void devmem__source_close_all(struct devmem_ring *ring);

/* release.c: fragments on their way back */
void devmem__release_take_over(struct devmem_ring *ring);
void devmem__release_forget(struct devmem_ring *ring);	/* what was handed over: memory alone */
int devmem__release_all(struct devmem_ring *ring, const struct devmem_event *events, unsigned int n);

/* request.c: what a socket has in the kernel, armed and cancelled */
void devmem__sock_arm_pending(struct devmem_ring *ring);
void devmem__sock_cancel(struct devmem_sock *sock);
void devmem__sock_cancel_end(struct devmem_sock *sock);	/* the poll for the connection's end */
void devmem__sock_cancel_again(struct devmem_ring *ring);	/* those for which there was no room before: ring->uncancelled */
void devmem__sock_disarmed(struct devmem_sock *sock);
void devmem__sock_end_comes(struct devmem_sock *sock, int res);
void devmem__sock_watch_end(struct devmem_sock *sock);
bool devmem__sock_cancel_request(struct devmem_sock *sock, enum devmem__cqe_kind kind);
void devmem__sock_cancelled(struct devmem_sock *sock, int res);

/* sock.c: attached and detached. devmem__socks_reap() - free the detached ones that nothing refers to any more. */
void devmem__socks_reap(struct devmem_ring *ring);
void devmem__sock_free(struct devmem_sock *sock);

/* devmem__sock_queue_known() - devmem_sock_queue() without waiting: -EBUSY: it cannot be known now. Without a sentence. */
int devmem__sock_queue_known(const struct devmem_sock *sock);

/* devmem__sock_decrypts() - does the kernel decrypt what it receives (TLS_RX)? */
bool devmem__sock_decrypts(int fd);

/*
 * ends.c: how connections end. devmem__end_is_there() - both directions are over. devmem__end_is() - the kernel said @err; returns
 * what is to be told. devmem__end_why() - the connection is over: asks why; @otherwise if nobody knows. devmem__end_by_us() - it is
 * to be reset because of @err, of which the kernel knows nothing; returns why it ends, which may be something before that.
 * devmem__end_of_stream() - a receive brought nothing, which is the end of the stream: 0, or the error that it really is.
 */
bool devmem__end_is_there(int fd);
int devmem__end_is(struct devmem_sock *sock, int err);
int devmem__end_why(struct devmem_sock *sock, int otherwise);
int devmem__end_by_us(struct devmem_sock *sock, int err);
int devmem__end_of_stream(const struct devmem_sock *sock);

/* ends.c: sockets that cannot receive now, those that stay on ring->rearm. Did their streams end? Then they are on ring->over. */
void devmem__ends_look(struct devmem_ring *ring);

/* ... and with the spill buffer full, all sockets. After devmem__overtake(), with no completion in between. */
void devmem__ends_look_past(struct devmem_ring *ring);

/* wake.c */
void devmem__wake(struct devmem_ring *ring);

/* Around what another thread does with the ring: closing it waits for the end. */
int devmem__visit(struct devmem_ring *ring);
void devmem__visit_over(struct devmem_ring *ring, int cancel);	/* @cancel: what devmem__visit() returned */
void devmem__await_visitors(struct devmem_ring *ring);

/* handout.c: all completions that there are */
int devmem__hand_out(struct devmem_ring *ring, struct devmem_event *events, unsigned int n);

/* completion.c: one of them. Both return how many events that makes: 0 or 1. @error: 0 is the end of the stream. */
unsigned int devmem__hand_out_one(struct devmem_ring *ring, const struct io_uring_cqe *cqe, struct devmem_event *event);
unsigned int devmem__end_stream(struct devmem_sock *sock, int error, struct devmem_event *event);

/* overtake.c: the spill buffer is full. Hand out what is not behind that, and say of each socket whether it is. */
unsigned int devmem__overtake(struct devmem_ring *ring, struct devmem_event *events, unsigned int n);

/* watch.c: other descriptors */
struct devmem__watch;
void devmem__watch_arm(struct devmem_ring *ring);
unsigned int devmem__watch_done(struct devmem__watch *watch, int res, struct devmem_event *event);
void devmem__watch_close(struct devmem_ring *ring);

/* pressure.c: what is out, of a socket and of a buffer */
void devmem__pressure_out(struct devmem_sock *sock, size_t pages);
void devmem__pressure_back(struct devmem_sock *sock, size_t pages);
unsigned int devmem__pressure_events(struct devmem_ring *ring, struct devmem_event *event);

/* Paused sockets: are there any, which are looked at so often; and one is paused no more, or left to the application. */
#define DEVMEM__STALL_NS 100000000u
static inline bool devmem__pressure_waits(const struct devmem_ring *ring)
{
	return !devmem__list_empty(&ring->pausing);
}

void devmem__pressure_look(struct devmem_ring *ring);
void devmem__pressure_leave(struct devmem_sock *sock);

/* place.c: host bytes into device memory */
int devmem__place_check(const struct devmem_ring_opts *o);
int devmem__place_open(struct devmem_ring *ring, const struct devmem_binding *binding);
void devmem__place_close(struct devmem_ring *ring);
bool devmem__place_owns(const struct devmem_ring *ring, const struct devmem_event *ev);
int devmem__place_put(struct devmem_ring *ring, uint32_t chunk, unsigned int chunks);
int devmem__place_held(struct devmem_ring *ring, struct devmem_event *event);
void devmem__place_drop(struct devmem_ring *ring);

/*
 * sockopts.c: options of the caller's socket. devmem__sockopts_look() - how they are, before one is set. The receive buffer is
 * limited to so many @fragments, set to so many @bytes as the kernel counts them, and set back to what the limit made of it, or to
 * what it was. devmem__sockopts_back() - all are as they were.
 */
void devmem__sockopts_look(struct devmem_sock *sock);
int devmem__sockopts_lowat(struct devmem_sock *sock, int bytes);
int devmem__sockopts_limit(struct devmem_sock *sock, uint32_t fragments);
void devmem__sockopts_rcvbuf(struct devmem_sock *sock, uint32_t bytes);
void devmem__sockopts_rcvbuf_back(struct devmem_sock *sock, uint32_t bytes);
void devmem__sockopts_back(struct devmem_sock *sock);

/* lowat.c: SO_RCVLOWAT */
void devmem__lowat_received(struct devmem_sock *sock, uint32_t bytes);
void devmem__lowat_fragments(struct devmem_sock *sock, size_t pages);	/* what that was: a page for each fragment */
void devmem__lowat_fall(struct devmem_ring *ring);
void devmem__lowat_forget(struct devmem_sock *sock);
void devmem__lowat_leave(struct devmem_sock *sock);
static inline bool devmem__lowat_waits(const struct devmem_ring *ring)
{
	return !devmem__list_empty(&ring->raised);
}

uint64_t devmem__lowat_due(const struct devmem_ring *ring);	/* ns until the first mark may fall, if one is raised */
#define DEVMEM__TICK_NS 2000000u	/* how often it is looked at what is held back */

#endif
