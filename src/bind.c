// SPDX-License-Identifier: MIT
/*
 * Bindings. The kernel ties a binding to the netlink socket that asked for it: closing the socket unbinds, also
 * when the process dies. So a binding owns one. [net/core/netdev-genl.c: netdev_nl_bind_rx_doit]
 */
#include <errno.h>
#include <netlink/attr.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "buffer.h"
#include "exporter.h"
#include "netlink.h"
#include "nic.h"
#include "uapi.h"

#define MAX_QUEUES 1024
#define PAGE_BYTES 4096		/* of the pages that the queues take from the buffer */

struct devmem_binding {
	atomic_uint refs;
	struct devmem_nic *nic;
	struct devmem_buffer *buffer;
	struct devmem__nl nl;
	uint32_t id;
	atomic_size_t out;		/* fragments of all sockets and rings */
	atomic_bool low;		/* it was told that the buffer runs low */
	size_t pages;			/* of the buffer */
	unsigned int n;
	uint32_t queues[];
};

static int check_exporter(const struct devmem_nic *nic, const struct devmem_buffer *buffer)
{
	char path[64], name[64];
	int err;

	if (devmem__nic_on_pci(nic))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", devmem_buffer_fd(buffer));
	err = devmem__exporter_name(path, name);
	if (err)
		return devmem__fail(EXDEV, "%s is not on PCI and the exporter of the buffer cannot be told (%s: %s): "
				    "not binding, since NVIDIA's memory must not be bound to it",
				    devmem__nic_name(nic), path, strerror(-err));
	if (!devmem__exporter_needs_pci(name))
		return 0;
	return devmem__fail(EXDEV, "%s is not a PCI device, and memory of an NVIDIA GPU (exporter %s) must not be "
			    "bound to it: the kernel would write elsewhere. Use a NIC on PCI, or another backend",
			    devmem__nic_name(nic), name);
}

static int got_id(struct nlattr **attrs, void *arg)
{
	uint32_t *id = arg;

	if (!attrs[DEVMEM_NETDEV_A_DMABUF_ID])
		return -EPROTO;
	*id = nla_get_u32(attrs[DEVMEM_NETDEV_A_DMABUF_ID]);
	return 0;
}

static int ask_kernel(struct devmem_binding *b)
{
	int err;

	devmem__nl_begin(&b->nl, DEVMEM_NETDEV_CMD_BIND_RX);
	devmem__nl_put_u32(&b->nl, DEVMEM_NETDEV_A_DMABUF_IFINDEX, devmem__nic_ifindex(b->nic));
	devmem__nl_put_u32(&b->nl, DEVMEM_NETDEV_A_DMABUF_FD, (uint32_t)devmem_buffer_fd(b->buffer));
	for (unsigned int i = 0; i < b->n; i++) {
		struct nlattr *queue = devmem__nl_nest(&b->nl, DEVMEM_NETDEV_A_DMABUF_QUEUES);

		devmem__nl_put_u32(&b->nl, DEVMEM_NETDEV_A_QUEUE_TYPE, DEVMEM_NETDEV_QUEUE_TYPE_RX);
		devmem__nl_put_u32(&b->nl, DEVMEM_NETDEV_A_QUEUE_ID, b->queues[i]);
		devmem__nl_nest_end(&b->nl, queue);
	}
	err = devmem__nl_call(&b->nl, got_id, &b->id);
	if (err)
		return devmem__nl_fail(&b->nl, err, "%s: the kernel does not bind the buffer",
				       devmem__nic_name(b->nic));
	return 0;
}

static struct devmem_binding *new_binding(struct devmem_nic *nic, struct devmem_buffer *buffer, unsigned int n)
{
	struct devmem_binding *b = calloc(1, sizeof(*b) + n * sizeof(b->queues[0]));

	if (!b)
		return NULL;
	atomic_init(&b->refs, 1);
	b->nic = nic;
	b->buffer = buffer;
	b->pages = devmem_buffer_size(buffer) / PAGE_BYTES;
	b->n = n;
	return b;
}

static int check_options(const struct devmem_bind_opts *o)
{
	if (o->reserved)
		return devmem__fail(EINVAL, "devmem_bind_rx: a reserved option is set");
	if (o->queue_list && !o->queues)
		return devmem__fail(EINVAL, "devmem_bind_rx: a queue list needs its length in queues");
	if (o->queues > MAX_QUEUES)
		return devmem__fail(ERANGE, "devmem_bind_rx: %u queues; no NIC has that many", o->queues);
	return 0;
}

int devmem_bind_rx(struct devmem_nic *nic, struct devmem_buffer *buffer, const struct devmem_bind_opts *opts,
		   struct devmem_binding **out)
{
	struct devmem_bind_opts o;
	struct devmem_binding *b;
	unsigned int savepoint;
	int err;

	err = devmem__options(&o, sizeof(o), opts, "devmem_bind_opts");
	if (!err)
		err = check_options(&o);
	if (err)
		return err;
	if (!nic || !buffer || !out)
		return devmem__fail(EINVAL, "devmem_bind_rx: no NIC, no buffer, or no place for the result");
	err = check_exporter(nic, buffer);
	if (err)
		return err;
	if (!devmem__buffer_take(buffer))
		return devmem__fail(EBUSY, "the buffer is bound already: two bindings would write over each other; bind "
				    "it once, to as many queues as it is to serve");
	b = new_binding(nic, buffer, o.queues ? o.queues : 1);
	if (!b) {
		err = devmem__fail(ENOMEM, "no memory for a binding");
		goto err_give;
	}
	savepoint = devmem__nic_savepoint(nic);
	err = devmem__nic_claim(nic, b->n, o.queue_list, b->queues);
	if (err)
		goto err_free;
	err = devmem__nl_open(&b->nl, "netdev");
	if (err)
		goto err_rollback;
	err = ask_kernel(b);
	if (err)
		goto err_close;
	devmem__nic_ref(nic);
	devmem__buffer_ref(buffer);
	*out = b;
	return 0;

err_close:
	devmem__nl_close(&b->nl);
err_rollback:
	devmem__nic_rollback(nic, savepoint);
err_free:
	free(b);
err_give:
	devmem__buffer_give(buffer);
	return err;
}

void devmem__binding_ref(struct devmem_binding *binding)
{
	atomic_fetch_add_explicit(&binding->refs, 1, memory_order_relaxed);
}

/* The queues are unbound first: while they are bound the kernel refuses to turn header/data split off. */
void devmem_binding_close(struct devmem_binding *binding)
{
	if (!binding || atomic_fetch_sub_explicit(&binding->refs, 1, memory_order_acq_rel) != 1)
		return;
	devmem__nl_close(&binding->nl);
	devmem__nic_unref(binding->nic);
	devmem__buffer_give(binding->buffer);
	devmem_buffer_close(binding->buffer);
	free(binding);
}

unsigned int devmem_binding_queues(const struct devmem_binding *binding, uint32_t *list, unsigned int n)
{
	for (unsigned int i = 0; i < n && i < binding->n; i++)
		list[i] = binding->queues[i];
	return binding->n;
}

uint32_t devmem_binding_id(const struct devmem_binding *binding)
{
	return binding->id;
}

uint16_t devmem__binding_buffer_id(const struct devmem_binding *binding)
{
	return devmem_buffer_id(binding->buffer);
}

size_t devmem__binding_bytes(const struct devmem_binding *binding)
{
	return devmem_buffer_size(binding->buffer);
}

const char *devmem__binding_backend(const struct devmem_binding *binding)
{
	return devmem__buffer_backend(binding->buffer);
}

unsigned int devmem__binding_ifindex(const struct devmem_binding *binding)
{
	return devmem__nic_ifindex(binding->nic);
}

/* Low is three quarters, and no longer low is half: the queues' own rings hold some of the rest. */
uint64_t devmem__binding_out(struct devmem_binding *binding, size_t tokens)
{
	size_t out = atomic_fetch_add_explicit(&binding->out, tokens, memory_order_relaxed) + tokens;

	if (out < binding->pages / 4 * 3 || atomic_exchange_explicit(&binding->low, true, memory_order_relaxed))
		return 0;
	return (uint64_t)out * PAGE_BYTES;
}

void devmem__binding_back(struct devmem_binding *binding, size_t tokens)
{
	size_t out = atomic_fetch_sub_explicit(&binding->out, tokens, memory_order_relaxed) - tokens;

	if (atomic_load_explicit(&binding->low, memory_order_relaxed) &&
	    out < binding->pages / 2)
		atomic_store_explicit(&binding->low, false, memory_order_relaxed);
}

int devmem__binding_queue_of_napi(const struct devmem_binding *binding, unsigned int napi_id)
{
	return devmem__nic_queue_of_napi(binding->nic, napi_id);
}

int devmem__binding_misplaced(const struct devmem_binding *binding, int queue)
{
	const char *name = devmem__nic_name(binding->nic);

	if (queue < 0)
		devmem__fail(-queue, "a flow does not come through %s, whose queues are bound, and is copied: was its "
			     "route changed, or is %s part of a bond?", name, name);
	else
		devmem__fail(ENOENT, "a flow comes through RX queue %d of %s, which is not bound, and is copied: is its "
			     "steering rule gone, or another one before it? (ethtool -n %s)", queue, name, name);
	return queue;
}

int devmem_steer(struct devmem_binding *binding, const struct sockaddr *local, const struct sockaddr *peer)
{
	return devmem__nic_steer(binding->nic, binding->queues, binding->n, local, peer);
}
