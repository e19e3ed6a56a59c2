/* SPDX-License-Identifier: MIT */
#ifndef DEVMEM_PORT_H
#define DEVMEM_PORT_H

#include "ring.h"

/*
 * devmem__port_open() - by @ring->way and @ring->opts: fills in @io, @calls, @engine, @why and @no_uring. Sets the sentence.
 * devmem__port_close() - its requests have ended.
 */
int devmem__port_open(struct devmem_ring *ring);
void devmem__port_close(struct devmem_ring *ring);

/* devmem__port_cancel() - every request that waits. How many there were, or -errno without a sentence. */
int devmem__port_cancel(struct io_uring *io);

#endif
