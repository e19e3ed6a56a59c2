/* SPDX-License-Identifier: MIT */
/* State of the spill buffer: spill.c. */
#ifndef DEVMEM__RECV_SPILL_H
#define DEVMEM__RECV_SPILL_H

#include "base/internal.h"
#include "tokens.h"

struct devmem_sock;

struct devmem__sock_spill {
	bool wanted; /* the socket's host bytes go to the spill buffer */
	/* bytes of the socket wait for room there, or behind bytes that do: overtake.c */
	bool blocked;
};

struct devmem__ring_spill {
	struct devmem_buffer *buffer; /* NULL: no socket has asked for placement yet */
	size_t bytes;		      /* its size, as asked for; 0: the default */
	unsigned int chunks;
	struct devmem__token_set used; /* chunks that are out */
	/* the socket whose run of host bytes, @held, is next to be placed; or NULL */
	struct devmem_sock *held_of;
	struct devmem_event held;
};

#endif
