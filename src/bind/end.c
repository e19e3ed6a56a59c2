// SPDX-License-Identifier: MIT
/*
 * Ends bindings. This can take seconds: the kernel restarts the queues, another process may hold
 * the journal's lock, and the last binding restores the NIC's settings. So it is never done on the
 * data path: a ring that drops the last reference keeps the binding on a list until its next call
 * that may wait. A binding with queues is also on a list of its NIC, so that devmem_bind_rx() can
 * end it without the ring.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "bind/bind_impl.h"

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
	free(b);
}

static void close_copy(struct devmem_binding *b)
{
	devmem__chunks_close(&b->chunks);
	if (b->staged)
		munmap(b->memory, devmem_buffer_size(b->buffer));
}

/* Unbind the queues first: the kernel refuses to turn header/data split off while they are
 * bound. */
static void unbind(struct devmem_binding *b)
{
	devmem__log(DEVMEM_LOG_INFO, "%s: a binding with engine %s ends", devmem__binding_name(b),
		    devmem__engine_name(b->engine));
	if (b->engine == DEVMEM__ENGINE_DEVMEM)
		devmem__nl_close(&b->nl);
	if (!b->sends && b->engine == DEVMEM__ENGINE_COPY)
		close_copy(b);
	else if (!b->sends)
		devmem__nic_release(b->nic, b->queues, b->n);
}

/* In a forked child. The queues stay bound as long as the parent has the socket open. */
static void forget(struct devmem_binding *b)
{
	devmem__nl_close(&b->nl);
	if (!b->sends && b->engine == DEVMEM__ENGINE_COPY)
		close_copy(b);
}

/* Release the queues and the buffer. The struct stays. */
static void end(struct devmem_binding *b)
{
	if (devmem__process_is(b->process))
		unbind(b);
	else
		forget(b);
	if (!b->sends)
		devmem__buffer_unclaim(b->buffer);
	b->over = true;
}

void devmem_binding_close(struct devmem_binding *b)
{
	if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (!b->over)
		end(b);
	if (b->nic)
		devmem__nic_unref(b->nic);
	devmem_buffer_close(b->buffer);
	devmem__binding_free(b);
}

/* ---------------------------------------------------------------------------------------- later */

static bool drop_if_others_have_it(struct devmem_binding *b)
{
	unsigned int refs = atomic_load_explicit(&b->refs, memory_order_acquire);

	while (refs > 1)
		if (atomic_compare_exchange_weak_explicit(&b->refs, &refs, refs - 1,
							  memory_order_acq_rel,
							  memory_order_acquire))
			return true;
	return false;
}

/*
 * The last reference can be moved without a lock, since nobody else has a reference to copy. If the
 * binding also goes on the NIC's list it gets a second reference, since either list may be emptied
 * first.
 */
void devmem__binding_drop(struct devmem_binding *b, struct devmem_binding **ended)
{
	_Atomic(struct devmem_binding *) *of_nic;

	if (drop_if_others_have_it(b))
		return;
	b->next_ended = *ended;
	*ended = b;
	if (!b->nic)
		return;
	atomic_store_explicit(&b->refs, 2, memory_order_relaxed);
	of_nic = &devmem__nic_ended(b->nic)->first;
	b->next_of_nic = atomic_load_explicit(of_nic, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(of_nic, &b->next_of_nic, b))
		;
}

/* If another thread is ending these bindings already, this waits until it has finished. */
void devmem__binding_end_on(struct devmem_nic *nic)
{
	struct devmem__nic_ended *ended = devmem__nic_ended(nic);
	struct devmem_binding *first, *b;

	devmem__nic_ref(nic);
	pthread_mutex_lock(&ended->lock);
	first = atomic_exchange(&ended->first, NULL);
	for (b = first; b; b = b->next_of_nic)
		end(b);
	pthread_mutex_unlock(&ended->lock);
	while ((b = first)) {
		first = b->next_of_nic;
		devmem_binding_close(b);
	}
	devmem__nic_unref(nic);
}

void devmem__binding_end_all(struct devmem_binding **ended)
{
	struct devmem_binding *b;

	while ((b = *ended)) {
		*ended = b->next_ended;
		if (!devmem__process_is(b->process))
			atomic_store(&b->refs, 1); /* the NIC's list belongs to the parent */
		else if (b->nic)
			devmem__binding_end_on(b->nic);
		devmem_binding_close(b);
	}
}
