/* SPDX-License-Identifier: MIT */
/*
 * The objects of the loop, which the rooms recv, engines, tx and ring share: the ring, its sockets,
 * and the table behind which engines live. Each room has its part of them.
 */
#ifndef DEVMEM__RING_H
#define DEVMEM__RING_H

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

/* A batch of tokens on its way from the application to the kernel: token_release.h. */
struct devmem__batch {
	/* ring->batches_spare, or ring->batches_out until the kernel has done it */
	struct devmem__list node;
	struct devmem_sock *sock;
	unsigned int sq_tail; /* the submission queue's, behind its request */
	struct devmem__token_batch tokens;
};

/* What receiving must know of a socket's sends. Sending writes it (tx.c) whenever that changes. */
struct devmem__sends {
	uint64_t freed; /* bytes that the kernel has let go of */
	uint32_t count; /* sends that have not come back */
	/* calls of sendmsg() whose notifications are to come: a poll of the socket may end with
	 * one */
	uint32_t numbered;
};

/* Of a paused socket: does it stand still? backpressure.c */
struct devmem__stall {
	uint64_t freed;	    /* @sends.freed when that was asked last */
	uint64_t looked;    /* ns: when that was asked last */
	uint64_t received;  /* bytes, then */
	uint32_t segments;  /* with data, then */
	unsigned int steps; /* by which its receive buffer has grown ... */
	uint32_t rcvbuf;    /* ... from so many bytes */
};

/* Options of the caller's socket, as they were: sockopts.c */
struct devmem__before {
	int lowat, rcvbuf;
	bool lowat_set, rcvbuf_set; /* by us */
	bool limited;		    /* @rcvbuf was, since it is to have so many fragments */
	bool tuned;		    /* the kernel may change @rcvbuf by itself */
};

struct devmem__samples;
struct devmem__tx;

struct devmem_sock {
	struct devmem_ring *ring;
	struct devmem_binding *binding; /* the source's */
	struct devmem__binding_use *source;
	const struct devmem__engine *engine;
	struct devmem__stream stream;
	int fd; /* our duplicate: tokens die with the last descriptor */
	/* the connection's, as long as it is attached; 0: not known */
	uint64_t cookie;
	bool armed;	      /* a multishot receive is in the kernel */
	bool end_armed;	      /* the kernel is to tell of the connection's end */
	bool ending;	      /* it has while a receive was armed, which may not know */
	unsigned int cancels; /* requests to cancel the receive that are in the kernel */
	bool ended;	      /* END or ERROR was handed out */
	/* bytes of it wait for room in the spill buffer, or behind such */
	bool behind;
	int error; /* why the connection failed, once that is known, or 0 */
	/* of a socket on ring->over: what is to be told: 0 is END */
	int end;
	struct devmem__list over;    /* ring->over */
	struct devmem__list leaving; /* ring->leaving */
	/* so often it was found to have failed, and what it had queued could not be received */
	unsigned int waited;
	bool detached; /* the application has let go */
	bool place;    /* host bytes go to the spill buffer */
	bool host;     /* it has no binding: what is copied is told by address */
	/* (zcrx) it receives messages for a while: bytes that it could not have */
	bool messages;
	unsigned int stuck;	     /* (zcrx) changes between the two without a byte */
	bool misplaced;		     /* its last bytes came through a queue that is not bound */
	bool paused;		     /* it has more fragments out than it may */
	struct devmem__list pausing; /* ring->pausing: it is */
	struct devmem__stall stall;
	struct devmem__urgent urgent;
	struct devmem__before before;
	uint32_t max_tokens; /* that many; 0: no limit */
	/* when that was looked at last, its host bytes came through a bound queue */
	bool unsplit;
	uint64_t last_look;	     /* ns */
	struct devmem__batch *batch; /* tokens given back and not yet handed in */
	unsigned int batches_out;    /* batches handed in and not yet known to be done */
	struct devmem__list dirty;   /* ring->dirty, or ring->due: @batch is not empty */
	struct devmem__list rearm;   /* ring->rearm: wants a receive armed */
	/* ring->raised: SO_RCVLOWAT is above 1, the longest silent first */
	struct devmem__list raised;
	uint32_t lowat; /* SO_RCVLOWAT as we set it last */
	bool lowat_managed;
	uint32_t fill_pages;	    /* of some time, and ... */
	uint64_t fill_bytes;	    /* ... what was in them */
	unsigned int full_receives; /* in a row */
	/* so often a mark held back what somebody waited for; forgotten in time ... */
	unsigned int held_back;
	unsigned int reached;  /* ... as marks are reached */
	uint64_t streamed;     /* bytes since a mark fell */
	uint64_t fell;	       /* ns: when, if nothing has come since; else 0 */
	uint64_t last_receive; /* ns, CLOCK_MONOTONIC */
	uint64_t recent;       /* bytes of this turn, after the first completion */
	uint64_t patience;     /* ns: how long it may be silent before its mark falls */
	struct devmem__tx *tx; /* what it sends, or NULL: nothing yet */
	struct devmem__sends sends;
	uint32_t max_sends;
};

/* What the sockets of one binding share on one ring. */
struct devmem__binding_use {
	struct devmem__list node; /* ring->sources */
	struct devmem_ring *ring;
	const struct devmem__engine *engine;
	struct devmem_binding *binding; /* a reference */
	unsigned int socks;
	void *own; /* the engine's */
};

/* How bytes get from the kernel to us. One file of src/engines each; nothing else knows its
 * details. */
struct devmem__engine {
	enum devmem__engine_id way;
	/* make what the sockets of @source need, and end it; both may be NULL */
	int (*open)(struct devmem__binding_use *source, const struct devmem_ring_opts *opts);
	void (*close)(struct devmem__binding_use *source);
	/* its multishot receives may miss that a connection has ended */
	bool ends_get_lost;
	/* a source stays until the ring is closed, with or without sockets */
	bool keep;
	/* fill in a multishot receive */
	void (*arm)(struct devmem_sock *sock, struct io_uring_sqe *sqe);
	/* can a receive be armed, or is nothing free to receive into? */
	bool (*can_arm)(const struct devmem_sock *sock);
	/*
	 * Completions of @sock at the head of the queue that are fragments by themselves: consume
	 * them, write events. 0: the first is not one of those. -ENOMEM: nothing is lost, call
	 * again. NULL: messages (messages.h) alone.
	 */
	int (*take)(struct devmem_sock *sock, struct devmem_event *events, unsigned int n);
	/* a receive completed without bytes: @cqe may have used something up. May be NULL */
	void (*empty)(struct devmem_sock *sock, const struct io_uring_cqe *cqe);
	/* a receive failed: true if there is another way to go on, and the next arm() takes it. May
	 * be NULL */
	bool (*recover)(struct devmem_sock *sock, int res);
	/*
	 * Fragments that came out of take(), or as messages, come back: the first of @events, and
	 * as many behind it as go with it. Returns how many; -EINVAL, with a sentence, if the first
	 * is not out
	 */
	int (*release)(struct devmem_sock *sock, const struct devmem_event *events, unsigned int n);
	/* the ring is being closed: all that @sock has out goes back */
	void (*drop)(struct devmem_sock *sock);
	/* before the kernel is entered: make room to receive into. true: look again soon. May be
	 * NULL */
	bool (*refill)(struct devmem__binding_use *source);
};

extern const struct devmem__engine devmem__engine_devmem, devmem__engine_copy, devmem__engine_zcrx;

/* The spill buffer, and the run of host bytes that is next to go there. */
struct devmem__place {
	struct devmem_buffer *buffer; /* NULL: nobody asked for placement yet */
	size_t bytes;		      /* asked for; 0: the default */
	unsigned int chunks;
	struct devmem__token_set used; /* chunks that are out */
	struct devmem_sock *held_of;   /* whose run @held is, or NULL */
	struct devmem_event held;
};

struct devmem_ring {
	struct devmem__uring uring;
	struct devmem_ring_opts opts;
	enum devmem__engine_id way;   /* asked for */
	const char *engine;	      /* of the socket attached last */
	char why[512], no_uring[256]; /* @no_uring: why there is none */
	struct devmem__list sources;
	/* what it was the last to use, until devmem__ring_end_used() */
	struct devmem_binding *ended;
	struct devmem_buffer *ended_buffers;
	uint32_t groups;	    /* buffer groups in use, a bit each */
	struct devmem_binding *own; /* for sockets without a binding, or NULL */
	bool hungry;		    /* a source found nothing to receive into */
	/* @bufs.ring is NULL until a socket receives messages */
	struct devmem__recv_buffers bufs;
	/* of every multishot recvmsg: says how the buffers are divided */
	struct msghdr msg;

	struct devmem_sock **socks; /* by slot */
	unsigned int slots;
	uint32_t merge;
	struct devmem__attached attached;

	struct devmem_sock *rx_sock; /* whose completion @rx is being handed out, or NULL */
	struct devmem__rx rx;

	struct devmem__place place;

	/* sockets that hold back tokens; those whose tokens go with the next turn */
	struct devmem__list dirty, due;
	struct devmem__list rearm, raised, pausing;
	bool uncancelled; /* a request to cancel one of a socket found no room */
	/* sockets whose stream has ended while nothing could be received: that is to be told */
	struct devmem__list over;
	uint64_t ends_looked; /* ns: when they were looked at last */
	/* detached sockets that something has let go of: devmem__sock_let_go() */
	struct devmem__list leaving;
	unsigned int raised_count;
	struct devmem__list sending, told; /* tx_impl.h */
	/* the error message is about the connection whose stream ends next */
	bool explained;
	/* the event that was made is the last one of its wait, so that the error message is its
	 * own */
	bool last;
	uint64_t sends_over;
	uint64_t sends_looked; /* ns: when it was looked whether they get out */
	struct devmem__gathers gathers;
	uint64_t gathers_over;
	struct devmem__list watches;
	bool watches_idle; /* one of them is not armed */
	struct devmem__links links;
	bool link_armed;
	struct devmem__list batches_spare, batches_out;
	size_t tokens_pending; /* in batches that were not handed in */
	uint64_t now;	       /* ns, CLOCK_MONOTONIC, at the end of the last wait */

	_Atomic(struct devmem__handover *) handover; /* released by other threads */
	atomic_bool woken;			     /* devmem_wake() was called */
	atomic_bool sleeping;			     /* the ring is about to wait, or waiting */
	atomic_uint visitors; /* other threads in devmem_wake() or devmem_release() */
	/* it lets completions come together, and only devmem_wake() ends that */
	atomic_bool resting;
	/* ns: when the last turn ended, if it brought something; else 0 */
	uint64_t brought;
	int wake_fd;
	atomic_int notify_fd; /* what devmem_ring_fd() gave away, or -1: nobody asked */
	bool wake_armed, tick_armed;
	bool idle;		  /* a tick has passed without an event */
	unsigned int watched;	  /* sockets that urgent data may bring to a stand ... */
	unsigned int urgent_slot; /* ... which of them was looked at last ... */
	uint64_t urgent_due;	  /* ... and, ns, when the next are */
	/* of what is dropped before it gets to a socket, or NULL */
	struct devmem__samples *samples;
	bool samples_refused;
	struct __kernel_timespec tick;
	uint64_t tick_due; /* ns: when the one that is armed is over */
	bool stirred;	   /* there were events since it was armed */
	/* of the buffer @low_buffer are out, and it is to be told; 0: nothing is */
	uint64_t low_bytes;
	uint16_t low_buffer;
	uint64_t wake_value;

	struct devmem__rx_count count;
	struct devmem_stats stats; /* all that @count has not */
};

/*
 * devmem__sock_let_go() - something refers to the socket no more. If it is detached, the next turn
 * of the loop asks whether that was the last, and frees it: what freeing it ends may take long, and
 * is no affair of who gives a fragment back.
 */
static inline void devmem__sock_let_go(struct devmem_sock *sock)
{
	if (sock->detached)
		devmem__list_append(&sock->ring->leaving, &sock->leaving);
}

#endif
