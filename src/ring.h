/* SPDX-License-Identifier: MIT */
/*
 * The objects of the loop, which the rooms recv, engines, tx and ring share: the ring and its
 * sockets. Each concern has a structure of its own, defined in the header of the file that owns it.
 */
#ifndef DEVMEM__RING_H
#define DEVMEM__RING_H

#include <sys/eventfd.h>

#include "base/engine_name.h"
#include "base/internal.h"
#include "base/list.h"
#include "base/process.h"
#include "engines/engine.h"
#include "recv.h"
#include "recv/backpressure.h"
#include "recv/ends.h"
#include "recv/lowat.h"
#include "recv/message_buffers.h"
#include "recv/request.h"
#include "recv/sockopts.h"
#include "recv/spill.h"
#include "recv/token_batch.h"
#include "ring/binding_use.h"
#include "ring/choice.h"
#include "ring/gather.h"
#include "ring/report.h"
#include "ring/socks.h"
#include "ring/stalled_by_urgent.h"
#include "ring/wait.h"
#include "ring/wake.h"
#include "ring/watch.h"
#include "tx/sends.h"
#include "uring/uring.h"

struct devmem__tx;

struct devmem_sock {
	struct devmem_ring *ring;
	struct devmem_binding *binding; /* of @use */
	struct devmem__binding_use *use;
	const struct devmem__engine *engine;
	struct devmem__stream stream;
	int fd;	       /* a duplicate: the kernel drops tokens with the last descriptor */
	bool detached; /* the application has let go of it */
	bool unbound;  /* attached without a binding: its events give addresses */
	struct devmem__sock_spill spill;
	struct devmem__sock_request request;
	struct devmem__sock_tokens tokens;
	struct devmem__sock_backpressure backpressure;
	struct devmem__sock_lowat lowat;
	struct devmem__tx *tx; /* what it sends, or NULL: it has not sent yet */
	struct devmem__sock_sends sends;
	struct devmem__sock_end end;
	struct devmem__sock_arrival arrival;
	struct devmem__sock_urgent urgent;
	struct devmem__sock_saved saved;
	struct devmem__list reap; /* in devmem__ring_socks.reap */
	uint64_t cookie;	  /* the connection's (SO_COOKIE), while attached; 0: unknown */
	struct devmem__rx_count received;
	struct devmem_sock_counters stats; /* all that is not in @received */
};

struct devmem_ring {
	struct devmem__uring uring;
	struct devmem_ring_opts opts;
	struct devmem__ring_choice choice;

	uint64_t now;	    /* ns, CLOCK_MONOTONIC, at the end of the last wait */
	uint64_t events_at; /* ns: when the last turn ended, if it had events; else 0 */
	struct devmem__ring_socks socks;
	struct devmem__ring_bindings bindings;
	struct devmem__ring_messages messages;
	struct devmem__ring_spill spill;
	struct devmem__ring_tokens tokens;
	struct devmem__ring_requests requests;
	struct devmem__ring_lowat lowat;
	struct devmem__ring_backpressure backpressure;
	struct devmem__ring_ends ends;
	struct devmem__ring_report report;
	struct devmem__ring_sends sends;
	struct devmem__ring_watches watches;
	struct devmem__ring_links links;
	struct devmem__ring_tick tick;
	struct devmem__ring_wake wake;
	struct devmem__ring_urgent urgent;

	struct devmem__rx_count received; /* of sockets that are gone */
	struct devmem_stats stats;	  /* all that is not counted in a @received */

	/* Last, since they end with what other threads write, on cache lines of its own. */
	struct devmem__ring_gathers gathers;
	struct devmem__ring_remote remote;
};

/*
 * devmem__sock_let_go() - a reference to the socket is gone. If the socket is detached, the next
 * turn of the loop checks whether that was the last one, and frees it. The release of a fragment
 * does not: freeing a socket can end other objects, which may take long.
 */
static inline void devmem__sock_let_go(struct devmem_sock *sock)
{
	if (sock->detached)
		devmem__list_append(&sock->ring->socks.reap, &sock->reap);
}

/*
 * devmem__pending() - the ring's thread has something for the next turn to hand in. If the caller
 * may sleep on devmem_ring_fd() before that turn, make it readable: once, until a turn has read it.
 * A program that does not use the descriptor pays one check.
 */
static inline void devmem__pending(struct devmem_ring *ring)
{
	if (__builtin_expect(!ring->wake.quiet, 1))
		return;
	ring->wake.quiet = false;
	if (atomic_exchange(&ring->remote.sleeping, false)) /* false: another thread did it */
		eventfd_write(atomic_load(&ring->remote.notify_fd), 1);
}

#endif
