// SPDX-License-Identifier: MIT
/*
 * Sources: what the sockets of one binding share on one ring. Made for the first of them; ended
 * with the last one's last fragment, or with the ring where the kernel cannot end it sooner.
 */
#include <errno.h>
#include <stdlib.h>

#include "bind.h"
#include "memory/buffer.h"
#include "ring/loop.h"

static const struct devmem__engine *const engines[] = {
	&devmem__engine_devmem,
	&devmem__engine_copy,
	&devmem__engine_zcrx,
};

static const struct devmem__engine *engine_of(enum devmem__engine_id way)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (engines[i]->way == way)
			return engines[i];
	return NULL;
}

static struct devmem__binding_use *find(struct devmem_ring *ring,
					const struct devmem_binding *binding)
{
	struct devmem__list *node;

	for (node = ring->sources.next; node != &ring->sources; node = node->next) {
		struct devmem__binding_use *source =
			container_of(node, struct devmem__binding_use, node);

		if (source->binding == binding)
			return source;
	}
	return NULL;
}

static void end(struct devmem__binding_use *source)
{
	devmem__list_del(&source->node);
	if (source->engine->close)
		source->engine->close(source);
	devmem__binding_drop(source->binding, &source->ring->ended);
	free(source);
}

int devmem__binding_use_get(struct devmem_ring *ring, struct devmem_binding *binding,
			    struct devmem__binding_use **out)
{
	struct devmem__binding_use *source = find(ring, binding);
	int err;

	if (!source) {
		source = calloc(1, sizeof(*source));
		if (!source)
			return devmem__fail(ENOMEM, "no memory for the first socket of a binding");
		devmem__list_init(&source->node);
		source->ring = ring;
		source->binding = binding;
		source->engine = engine_of(devmem__binding_engine_id(binding));
		err = source->engine->open ? source->engine->open(source, &ring->opts) : 0;
		if (err) {
			free(source);
			return err;
		}
		devmem__binding_ref(binding);
		devmem__list_append(&ring->sources, &source->node);
	}
	source->socks++;
	*out = source;
	return 0;
}

/* What ends with its last socket is made for the first one. */
int devmem__binding_use_prepare(struct devmem_ring *ring, struct devmem_binding *binding)
{
	const struct devmem__engine *engine = engine_of(devmem__binding_engine_id(binding));
	struct devmem__binding_use *source;
	int err;

	if (!engine->keep)
		return 0;
	err = devmem__binding_use_get(ring, binding, &source);
	if (!err)
		devmem__binding_use_put(source);
	return err;
}

void devmem__binding_use_put(struct devmem__binding_use *source)
{
	if (!--source->socks && !source->engine->keep)
		end(source);
}

/* What was given back, here or on another ring, is received into again. */
void devmem__binding_use_refill(struct devmem_ring *ring)
{
	struct devmem__list *node;

	ring->hungry = false;
	for (node = ring->sources.next; node != &ring->sources; node = node->next) {
		struct devmem__binding_use *source =
			container_of(node, struct devmem__binding_use, node);

		if (source->engine->refill && source->engine->refill(source))
			ring->hungry = true;
	}
}

void devmem__binding_use_close_all(struct devmem_ring *ring)
{
	while (!devmem__list_empty(&ring->sources))
		end(container_of(ring->sources.next, struct devmem__binding_use, node));
}

void devmem__ring_end_used(struct devmem_ring *ring)
{
	devmem__binding_end_all(&ring->ended);
	devmem__buffer_end_all(&ring->ended_buffers);
}
