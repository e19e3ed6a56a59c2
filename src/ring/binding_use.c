// SPDX-License-Identifier: MIT
/*
 * What the sockets of one binding share on one ring. It is opened for the first of them, and closed
 * with the last fragment of the last one; or with the ring, where the kernel cannot end it sooner.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bind.h"
#include "memory/buffer.h"
#include "ring/loop.h"

static const struct devmem__engine *const engines[] = {
	&devmem__engine_devmem,
	&devmem__engine_copy,
	&devmem__engine_zcrx,
};

static const struct devmem__engine *engine_of(enum devmem__engine_id id)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (engines[i]->id == id)
			return engines[i];
	return NULL;
}

static struct devmem__binding_use *find(struct devmem_ring *ring,
					const struct devmem_binding *binding)
{
	struct devmem__list *node;

	for (node = ring->bindings.uses.next; node != &ring->bindings.uses; node = node->next) {
		struct devmem__binding_use *use =
			container_of(node, struct devmem__binding_use, node);

		if (use->binding == binding)
			return use;
	}
	return NULL;
}

static void end(struct devmem__binding_use *use)
{
	devmem__list_del(&use->node);
	if (use->engine->close)
		use->engine->close(use);
	devmem__binding_drop(use->binding, &use->ring->bindings.ended);
	free(use);
}

/* Without an io_uring there are two reasons, the ring's and the binding's. */
static void note_reason(struct devmem__binding_use *use)
{
	const char *why, *name = devmem_binding_engine(use->binding, &why);

	if (use->ring->uring.syscalls)
		snprintf(use->why, sizeof(use->why), "%s; with a binding of engine %s: %.200s",
			 use->ring->choice.no_uring, name, why);
	else
		snprintf(use->why, sizeof(use->why), "%s", why);
}

int devmem__binding_use_get(struct devmem_ring *ring, struct devmem_binding *binding,
			    struct devmem__binding_use **out)
{
	struct devmem__binding_use *use = find(ring, binding);
	int err;

	if (!use) {
		use = calloc(1, sizeof(*use));
		if (!use)
			return devmem__fail(ENOMEM, "no memory for the first socket of a binding");
		devmem__list_init(&use->node);
		use->ring = ring;
		use->binding = binding;
		use->engine = engine_of(devmem__binding_engine_id(binding));
		note_reason(use);
		err = use->engine->open ? use->engine->open(use, &ring->opts) : 0;
		if (err) {
			free(use);
			return err;
		}
		devmem__binding_ref(binding);
		devmem__list_append(&ring->bindings.uses, &use->node);
	}
	use->socks++;
	*out = use;
	return 0;
}

int devmem__binding_use_prepare(struct devmem_ring *ring, struct devmem_binding *binding)
{
	const struct devmem__engine *engine = engine_of(devmem__binding_engine_id(binding));
	struct devmem__binding_use *use;
	int err;

	if (!engine->keep) /* it would be closed again at once */
		return 0;
	err = devmem__binding_use_get(ring, binding, &use);
	if (!err)
		devmem__binding_use_put(use);
	return err;
}

const char *devmem_sock_engine(const struct devmem_sock *sock, const char **reason)
{
	if (reason)
		*reason = sock->use->why;
	return devmem__engine_name(sock->ring->uring.syscalls ? DEVMEM__ENGINE_SYSCALL
							      : sock->engine->id);
}

void devmem__binding_use_put(struct devmem__binding_use *use)
{
	if (!--use->socks && !use->engine->keep)
		end(use);
}

/* Memory that was released, on this ring or another, becomes free to receive into. */
void devmem__binding_use_refill(struct devmem_ring *ring)
{
	struct devmem__list *node;

	ring->bindings.starved = false;
	for (node = ring->bindings.uses.next; node != &ring->bindings.uses; node = node->next) {
		struct devmem__binding_use *use =
			container_of(node, struct devmem__binding_use, node);

		if (use->engine->refill && use->engine->refill(use))
			ring->bindings.starved = true;
	}
}

void devmem__binding_use_close_all(struct devmem_ring *ring)
{
	while (!devmem__list_empty(&ring->bindings.uses))
		end(container_of(ring->bindings.uses.next, struct devmem__binding_use, node));
}

void devmem__ring_end_used(struct devmem_ring *ring)
{
	devmem__binding_end_all(&ring->bindings.ended);
	devmem__buffer_end_all(&ring->bindings.ended_buffers);
}
