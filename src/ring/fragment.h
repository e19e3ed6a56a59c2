/* SPDX-License-Identifier: MIT */
/* The bytes of one fragment: where they lie. */
#ifndef DEVMEM__RING_FRAGMENT_H
#define DEVMEM__RING_FRAGMENT_H

#include "base/internal.h"

/*
 * devmem__fragment_buffer() - find the buffer in which a fragment, or a part of one, lies. *buffer
 * is NULL if its bytes are in this process's memory, at an address. -EINVAL: the event is not of
 * this ring, or was changed, or its buffer is unknown.
 */
int devmem__fragment_buffer(const struct devmem_ring *ring, const struct devmem_event *ev,
			    struct devmem_buffer **buffer);

#endif
