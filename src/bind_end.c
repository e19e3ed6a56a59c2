// SPDX-License-Identifier: MIT
/* How bindings end. */
#include <stdlib.h>
#include <sys/mman.h>

#include "bind_impl.h"

void devmem__binding_ref(struct devmem_binding *binding)
{
	atomic_fetch_add_explicit(&binding->refs, 1, memory_order_relaxed);
}

int devmem__binding_check(const struct devmem_binding *binding)
{
	return devmem__process_check(binding->process, "the binding");
}

const char *devmem__binding_name(const struct devmem_binding *b)
{
	return b->nic ? devmem__nic_name(b->nic) : b->ifname[0] ? b->ifname : "no interface";
}

void devmem__binding_free(struct devmem_binding *b)
{
	if (b)
		devmem__attached_close(&b->attached);
	free(b);
}

static void close_copy(struct devmem_binding *b)
{
	devmem__chunks_close(&b->chunks);
	if (b->staged)
		munmap(b->memory, devmem_buffer_size(b->buffer));
}

/* The queues are unbound first: while they are bound the kernel refuses to turn header/data split off. */
static void unbind(struct devmem_binding *b)
{
	devmem__log(DEVMEM_LOG_INFO, "%s: a binding with engine %s ends", devmem__binding_name(b), devmem__way_name(b->way));
	if (b->way == DEVMEM__WAY_DEVMEM)
		devmem__nl_close(&b->nl);
	if (!b->sends && b->way == DEVMEM__WAY_COPY)
		close_copy(b);
	else if (!b->sends)
		devmem__nic_release(b->nic, b->queues, b->n);
}

/* In a forked child: the queues stay bound as long as the parent has the socket open. */
static void forget(struct devmem_binding *b)
{
	devmem__nl_close(&b->nl);
	if (!b->sends && b->way == DEVMEM__WAY_COPY)
		close_copy(b);
}

void devmem_binding_close(struct devmem_binding *b)
{
	if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (devmem__process_is(b->process))
		unbind(b);
	else
		forget(b);
	if (b->nic)
		devmem__nic_unref(b->nic);
	if (!b->sends)
		devmem__buffer_give(b->buffer);
	devmem_buffer_close(b->buffer);
	devmem__binding_free(b);
}
