/* SPDX-License-Identifier: MIT */
/* A ring's use of bindings: binding_use.c. */
#ifndef DEVMEM__RING_BINDING_USE_H
#define DEVMEM__RING_BINDING_USE_H

#include <stdint.h>

#include "base/list.h"

struct devmem_binding;
struct devmem_buffer;
struct devmem_ring;
struct devmem__engine;

/* What the sockets of one binding share on one ring. */
struct devmem__binding_use {
	struct devmem__list node; /* in devmem__ring_bindings.uses */
	struct devmem_ring *ring;
	const struct devmem__engine *engine;
	struct devmem_binding *binding; /* a reference */
	unsigned int socks;
	void *state;   /* the engine's own */
	char why[512]; /* this engine: devmem_sock_engine() */
};

struct devmem__ring_bindings {
	struct devmem__list uses;
	bool starved; /* in the last turn a use found nothing free to receive into */
	/* provided-buffer groups that engine copy has in use, a bit each */
	uint32_t buffer_groups;
	struct devmem_binding *own; /* for sockets attached without a binding, or NULL */
	/* This ring held the last reference to them. devmem__ring_end_used() ends them. */
	struct devmem_binding *ended;
	struct devmem_buffer *ended_buffers;
};

#endif
