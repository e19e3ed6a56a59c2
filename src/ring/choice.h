/* SPDX-License-Identifier: MIT */
#ifndef DEVMEM_PORT_H
#define DEVMEM_PORT_H

#include "recv/receiving.h"

/*
 * devmem__port_open() - by @ring->way and @ring->opts: opens @uring, and fills in @engine, @why and @no_uring. Sets the error
 * message.
 */
int devmem__port_open(struct devmem_ring *ring);

#endif
