/* SPDX-License-Identifier: MIT */
#ifndef DEVMEM__RING_CHOICE_H
#define DEVMEM__RING_CHOICE_H

#include "recv/receiving.h"

/*
 * devmem__ring_choose_uring() - by @ring->way and @ring->opts: opens @uring, and fills in @engine,
 * @why and @no_uring. Sets the error message.
 */
int devmem__ring_choose_uring(struct devmem_ring *ring);

#endif
