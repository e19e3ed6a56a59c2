/* SPDX-License-Identifier: MIT */
#ifndef DEVMEM__RING_CHOICE_H
#define DEVMEM__RING_CHOICE_H

#include "base/engine_name.h"

struct devmem_ring;

/* What carries out the requests of a ring, and the engine of its sockets. */
struct devmem__ring_choice {
	enum devmem__engine_id asked; /* for, by the application */
	const char *engine;	      /* of the socket attached last */
	char why[512];		      /* that engine */
	char no_uring[256];	      /* why the ring has no io_uring */
};

/*
 * devmem__ring_choose_uring() - open ring->uring as ring->opts and ring->choice.asked say, and fill
 * in the rest of ring->choice. Sets the error message.
 */
int devmem__ring_choose_uring(struct devmem_ring *ring);

#endif
