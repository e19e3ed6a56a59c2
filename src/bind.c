// SPDX-License-Identifier: MIT
/*
 * Makes bindings: a buffer and the way that bytes get into it. The kernel ties bound queues to the
 * netlink socket that requested them and unbinds them when it is closed, which also happens when
 * the process dies. So each binding owns a socket. [net/core/netdev-genl.c:
 * netdev_nl_bind_rx_doit()] If binding is impossible or not wanted, the rings that copy into the
 * buffer share it.
 */
#include <errno.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bind/bind_impl.h"
#include "bind/netlink_bind.h"
#include "memory/placement.h"
#include "netlink/ethtool.h"
#include "netlink/iface.h"
#include "netlink/link.h"
#include "netlink/genl.h"
#include "netlink/probe.h"
#include "netlink/queue_use.h"
#include "netlink/tx_offloads.h"
#include "nic/nic.h"
#include "nic/quirks.h"

/* bytes: the most that a ring takes of a buffer at a time, to copy into */
#define MAX_CHUNK (256u << 10)

static void set_page_size(struct devmem_binding *b, uint32_t bytes)
{
	size_t all = devmem_buffer_size(b->buffer) / bytes;
	size_t others = b->n ? (size_t)(b->n - 1) * b->entries : 0;

	b->page_size = bytes;
	b->pages = others < all / 2 ? all - others : all / 2;
}

/* NULL: out of memory; the error message is set. */
static struct devmem_binding *new_binding(struct devmem_nic *nic, struct devmem_buffer *buffer,
					  unsigned int n)
{
	struct devmem_binding *b = calloc(1, sizeof(*b) + n * sizeof(b->queues[0]));

	if (!b) {
		devmem__fail(ENOMEM, "no memory for a binding");
		return NULL;
	}
	atomic_init(&b->refs, 1);
	b->process = devmem__process();
	b->nic = nic;
	b->buffer = buffer;
	set_page_size(b, devmem__system_page());
	b->n = n;
	return b;
}

static int read_engine(const char *name, enum devmem__engine_id *wanted)
{
	int err = devmem__engine_name_parse(name, wanted);

	/* "syscall" restricts the ring alone; the binding uses whatever is available */
	if (!err && *wanted == DEVMEM__ENGINE_SYSCALL)
		*wanted = DEVMEM__ENGINE_ANY;
	return err;
}

static int check_rx_options(const struct devmem_bind_opts *o, enum devmem__engine_id wanted)
{
	if (o->queue_list && !o->queues)
		return devmem__fail(EINVAL, "devmem_bind_rx: queue_list needs its length in "
					    "queues");
	if (o->queues > DEVMEM__NIC_MAX_QUEUES)
		return devmem__fail(ERANGE, "devmem_bind_rx: %u queues; no NIC has that many",
				    o->queues);
	if (wanted == DEVMEM__ENGINE_ZCRX && o->queues > 1)
		return devmem__fail(EINVAL,
				    "devmem_bind_rx: engine zcrx takes one queue for each buffer, "
				    "not %u: make one binding for each queue",
				    o->queues);
	return 0;
}

static int read_rx_options(const struct devmem_bind_opts *opts, struct devmem_bind_opts *o,
			   enum devmem__engine_id *wanted)
{
	int err = devmem__options(o, sizeof(*o), opts, "devmem_bind_opts");

	if (!err)
		err = read_engine(o->engine, wanted);
	return err ? err : check_rx_options(o, *wanted);
}

/* --------------------------------------------------------------------------------------- queues */

int devmem__binding_pages(struct devmem_binding *b, struct devmem__pages *pages)
{
	struct devmem__page_size_question q = {
		.asked = b->page_asked,
		.system = devmem__system_page(),
		.block = devmem__buffer_block(b->buffer),
		.queues = b->n,
		.bytes = devmem_buffer_size(b->buffer),
	};
	uint32_t mtu;

	if (devmem__nic_ring_and_mtu(b->nic, &q.entries, &mtu))
		q.entries = 0; /* unknown: the kernel will refuse a size that is too large */
	b->entries = q.entries;
	return devmem__page_size_list(&q, pages);
}

void devmem__binding_set_pages(struct devmem_binding *b, const struct devmem__pages *pages,
			       unsigned int taken)
{
	set_page_size(b, pages->size[taken]);
	snprintf(b->page_why, sizeof(b->page_why), "%s", pages->why);
}

/* Bind with the largest pages that the kernel accepts. */
static int bind_largest(struct devmem_binding *b)
{
	struct devmem__pages pages;
	int err = devmem__binding_pages(b, &pages);

	for (unsigned int i = 0; !err && i < pages.n; i++) {
		err = devmem__bind_queues(&b->nl, b->nic, b->buffer, b->queues, b->n, pages.size[i],
					  &b->id);
		if (!err) {
			devmem__binding_set_pages(b, &pages, i);
			return 0;
		}
		if (err == -EOPNOTSUPP && b->page_asked > devmem__system_page())
			return -EINVAL; /* the size is unsupported: no reason to copy */
		if (!devmem__page_size_go_on(err) || i + 1 == pages.n)
			return err;
		devmem__page_size_refused(&pages, pages.size[i], devmem_error());
		err = 0;
	}
	return err;
}

static void note_place(struct devmem_binding *b, const struct devmem__placement *before)
{
	devmem__placement_end(b->buffer, before, b->place, sizeof(b->place));
}

/* For engine zcrx this only prepares the queues. The ring that receives from them binds them. */
static int take_queues(struct devmem_binding *b, const struct devmem_bind_opts *o)
{
	struct devmem__placement before;
	unsigned int savepoint;
	int err = devmem__nic_obstacle(b->nic);

	b->cannot = err;
	if (!err)
		err = devmem__bind_check(devmem__nic_name(b->nic), devmem__nic_driver(b->nic),
					 devmem__nic_bus(b->nic), b->buffer);
	if (!err && !devmem__buffer_is_whole(b->buffer))
		err = devmem__fail(EOPNOTSUPP, "the buffer is only a part of its dma-buf, and the "
					       "NIC would write to the whole: import or wrap the "
					       "whole dma-buf to receive");
	if (err)
		return err;
	savepoint = devmem__nic_savepoint(b->nic);
	err = devmem__nic_claim(b->nic, b->n, o->queue_list, b->queues, &b->cannot);
	if (err)
		return err;
	devmem__placement_begin(b->buffer, &before);
	if (b->engine == DEVMEM__ENGINE_ZCRX) {
		note_place(b, &before);
		return 0;
	}
	err = devmem__nic_socket(b->nic, &b->nl);
	if (err)
		goto err_rollback;
	err = bind_largest(b);
	if (!err) {
		note_place(b, &before);
		return 0;
	}
	devmem__nl_close(&b->nl);
err_rollback:
	devmem__nic_rollback(b->nic, savepoint);
	devmem__nic_release(b->nic, b->queues, b->n);
	return err;
}

/* ---------------------------------------------------------------------- an interface to send by */

static int read_tx_options(const struct devmem_bind_tx_opts *opts, enum devmem__engine_id *wanted)
{
	struct devmem_bind_tx_opts o;
	int err = devmem__options(&o, sizeof(o), opts, "devmem_bind_tx_opts");

	if (!err)
		err = read_engine(o.engine, wanted);
	if (!err && *wanted == DEVMEM__ENGINE_ZCRX)
		err = devmem__fail(EINVAL, "devmem_bind_tx: engine zcrx only receives: use devmem "
					   "or copy, or name no engine");
	return err;
}

/* What the kernel does not make, no driver has to take: then large sends need not be divided. */
static void note_driver(struct devmem_binding *b, const struct devmem__quirks *quirks)
{
	b->quirks = quirks;
	b->tx_pieces = quirks->tx_pieces;
	b->before_tso = quirks->tx_pieces_before_tso;
	if (b->before_tso && devmem__kernel_pieces() <= b->tx_pieces) {
		b->tx_pieces = DEVMEM__ANY_PIECES;
		b->before_tso = false;
	}
}

static int take_interface(struct devmem_binding *b)
{
	struct devmem__placement before;
	struct devmem__ethtool et;
	char driver[32], bus[32];
	const char *missing;
	int err;

	if (!b->ifname[0])
		return devmem__fail(EOPNOTSUPP, "no interface was named to send by");
	err = devmem__ethtool_open(&et, b->ifname);
	if (err)
		return err;
	b->ifindex = et.ifindex;
	devmem__ethtool_driver(&et, driver, bus);
	missing = devmem__tx_offload_missing(&et);
	devmem__ethtool_close(&et);
	note_driver(b, devmem__quirks_of(driver));
	err = devmem__bind_check(b->ifname, driver, bus, b->buffer);
	if (!err)
		err = devmem__nl_open(&b->nl, "netdev");
	devmem__placement_begin(b->buffer, &before);
	if (!err)
		err = devmem__bind_interface(&b->nl, b->ifname, b->ifindex, b->buffer, &b->id);
	if (!err)
		note_place(b, &before);
	if (!err && missing)
		err = devmem__fail(EPROTONOSUPPORT,
				   "%s (driver %s) cannot send from device memory while %s is off, "
				   "since the kernel would have to read the bytes: turn it on "
				   "(\"ethtool -K %s tx on sg on\")",
				   b->ifname, driver, missing, b->ifname);
	if (err)
		devmem__nl_close(&b->nl);
	return err;
}

/* Is the machine, the NIC or a policy the reason for the failure, so that other arguments would not
 * help? */
static bool is_obstacle(const struct devmem_binding *b, int err)
{
	return b->cannot || err == -EOPNOTSUPP || err == -EPROTONOSUPPORT || err == -EPERM ||
	       err == -EACCES || err == -EXDEV;
}

/* -------------------------------------------------------------------------------------- copying */

/* A staging area is address space as large as the buffer. Only what is copied to takes memory. */
static int make_stage(struct devmem_binding *b)
{
	size_t bytes = devmem_buffer_size(b->buffer);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return devmem__fail(ENOMEM, "no address space to stage %zu bytes", bytes);
	b->memory = p;
	b->staged = true;
	return 0;
}

static int open_copy(struct devmem_binding *b, const char *why)
{
	void *memory;
	int err;

	snprintf(b->why, sizeof(b->why), "%s", why);
	b->engine = DEVMEM__ENGINE_COPY;
	if (b->sends)
		return 0; /* each send finds out where its bytes are */
	err = devmem__chunks_open(&b->chunks, devmem_buffer_size(b->buffer), MAX_CHUNK);
	if (err)
		return err;
	err = devmem__buffer_map(b->buffer, &memory);
	if (!err)
		b->memory = memory;
	else if (err == -EOPNOTSUPP)
		err = make_stage(b);
	if (err) {
		devmem__chunks_close(&b->chunks);
		return err;
	}
	b->n = 0;
	return 0;
}

/* ------------------------------------------------------------------------------- opened, closed */

/* For sends without an interface copying is expected, and so no warning. */
static void tell_copies(const struct devmem_binding *b)
{
	devmem__log(b->sends && !b->ifname[0] ? DEVMEM_LOG_INFO : DEVMEM_LOG_WARNING,
		    "%s: what is %s is copied: %s", devmem__binding_name(b),
		    b->sends ? "sent" : "received", b->why);
}

static void tell_bound(const struct devmem_binding *b)
{
	const char *why = NULL, *name = devmem_binding_engine(b, NULL);
	char queues[128] = "";
	uint32_t bytes;

	if (!devmem__log_wants(DEVMEM_LOG_INFO))
		return;
	for (unsigned int i = 0; i < b->n && strlen(queues) < sizeof(queues) - 16; i++)
		snprintf(queues + strlen(queues), 16, "%s%u", i ? ", " : "", b->queues[i]);
	bytes = devmem_binding_page_size(b, &why);
	if (bytes && b->engine == DEVMEM__ENGINE_DEVMEM)
		devmem__log(DEVMEM_LOG_INFO,
			    "%s: a binding with engine %s, queues %s, pages of %u KiB (%s)",
			    devmem__binding_name(b), name, queues, bytes >> 10, why);
	else
		devmem__log(DEVMEM_LOG_INFO, "%s: a binding with engine %s%s%s%s: %s",
			    devmem__binding_name(b), name, b->sends ? " to send" : "",
			    b->n ? ", queue " : "", queues, b->why);
}

/* Add to the reason that there will be no LINK events, for programs that wait for them. */
static void note_links(struct devmem_binding *b)
{
	const size_t used = strlen(b->why);

	if (devmem__binding_ifindex(b) && devmem__links_refused())
		devmem__text(b->why + used, sizeof(b->why) - used, "; no LINK events: %s",
			     devmem_error());
}

/* Add where the memory is, and warn: the binding works, but not with the memory that was meant. */
static void tell_place(struct devmem_binding *b)
{
	const size_t used = strlen(b->why);

	if (!b->place[0] || b->engine == DEVMEM__ENGINE_COPY)
		return;
	devmem__text(b->why + used, sizeof(b->why) - used, "; %s", b->place);
	devmem__log(DEVMEM_LOG_WARNING,
		    "%s: the bound memory is in host memory, not in the card's: %s",
		    devmem__binding_name(b), b->place);
}

/* Bind for real; if any engine will do and this is not possible, copy. */
static int open_bound(struct devmem_binding *b, const struct devmem_bind_opts *o,
		      enum devmem__engine_id wanted)
{
	int err;

	b->page_asked = o->page_size;
	b->engine = wanted == DEVMEM__ENGINE_ZCRX ? wanted : DEVMEM__ENGINE_DEVMEM;
	err = b->sends ? take_interface(b) : take_queues(b, o);
	if (!err && b->sends)
		devmem__text(b->why, sizeof(b->why),
			     wanted == DEVMEM__ENGINE_ANY ? "%s sends from the buffer"
							  : "asked for, by %s",
			     b->ifname);
	else if (!err)
		devmem__text(b->why, sizeof(b->why),
			     wanted == DEVMEM__ENGINE_ANY ? "%u queue(s) of %s are bound to the "
							    "buffer"
							  : "asked for, on %u queue(s) of %s",
			     b->n, devmem__nic_name(b->nic));
	else if (wanted == DEVMEM__ENGINE_ANY && is_obstacle(b, err))
		err = open_copy(b, devmem_error());
	return err;
}

static int open_as(struct devmem_binding *b, const struct devmem_bind_opts *o,
		   enum devmem__engine_id wanted)
{
	int err;

	b->forced = wanted != DEVMEM__ENGINE_ANY;
	err = wanted == DEVMEM__ENGINE_COPY ? open_copy(b, "copying was asked for")
					    : open_bound(b, o, wanted);
	if (err)
		return err;
	note_links(b);
	tell_place(b);
	if (wanted == DEVMEM__ENGINE_ANY && b->engine == DEVMEM__ENGINE_COPY)
		tell_copies(b);
	tell_bound(b);
	return 0;
}

/* Hand the opened binding out: from here on it holds its buffer and its NIC. @err: free it. */
static int finish(struct devmem_binding *b, int err, struct devmem_binding **out)
{
	if (err) {
		devmem__binding_free(b);
		return err;
	}
	if (b->nic)
		devmem__nic_ref(b->nic);
	devmem__buffer_ref(b->buffer);
	*out = b;
	return 0;
}

static int bind_rx(struct devmem_nic *nic, struct devmem_buffer *buffer,
		   const struct devmem_bind_opts *opts, struct devmem_binding **out)
{
	enum devmem__engine_id wanted;
	struct devmem_bind_opts o;
	struct devmem_binding *b;
	int err;

	err = read_rx_options(opts, &o, &wanted);
	if (err)
		return err;
	if (!nic || !buffer || !out)
		return devmem__fail(EINVAL, "devmem_bind_rx: no NIC, no buffer, or no place for "
					    "the result");
	err = devmem__nic_check(nic) ?: devmem__buffer_check(buffer);
	if (err)
		return err;
	/* bindings that have ended may still have this buffer, or queues */
	devmem__binding_end_on(nic);
	if (!devmem__buffer_claim(buffer))
		return devmem__fail(EBUSY, "the buffer is bound already, and two bindings would "
					   "overwrite each other's data: bind it once, to all the "
					   "queues that it serves");
	b = new_binding(nic, buffer, o.queues ? o.queues : 1);
	err = finish(b, b ? open_as(b, &o, wanted) : -ENOMEM, out);
	if (err)
		devmem__buffer_unclaim(buffer);
	return err;
}

int devmem_bind_rx(struct devmem_nic *nic, struct devmem_buffer *buffer,
		   const struct devmem_bind_opts *opts, struct devmem_binding **out)
{
	return devmem__result(bind_rx(nic, buffer, opts, out));
}

static int bind_tx(const char *ifname, struct devmem_buffer *buffer,
		   const struct devmem_bind_tx_opts *opts, struct devmem_binding **out)
{
	const struct devmem_bind_opts no_queues = { 0 };
	struct devmem__iface iface = { 0 };
	enum devmem__engine_id wanted;
	struct devmem_binding *b;
	int err;

	err = read_tx_options(opts, &wanted);
	if (err)
		return err;
	if (!buffer || !out)
		return devmem__fail(EINVAL, "devmem_bind_tx: no buffer, or no place for the "
					    "result");
	err = devmem__buffer_check(buffer);
	if (err)
		return err;
	if (devmem_buffer_size(buffer) % devmem__system_page())
		return devmem__fail(EINVAL,
				    "devmem_bind_tx: the buffer's size, %zu bytes, is not a "
				    "multiple of the page of %u: the kernel sends from whole pages",
				    devmem_buffer_size(buffer), devmem__system_page());
	err = ifname ? devmem__iface_need(ifname, &iface) : 0;
	if (err)
		return err;
	b = new_binding(NULL, buffer, 0);
	if (!b)
		return -ENOMEM;
	b->sends = true;
	memcpy(b->ifname, iface.name, sizeof(b->ifname));
	return finish(b, open_as(b, &no_queues, wanted), out);
}

int devmem_bind_tx(const char *ifname, struct devmem_buffer *buffer,
		   const struct devmem_bind_tx_opts *opts, struct devmem_binding **out)
{
	return devmem__result(bind_tx(ifname, buffer, opts, out));
}

int devmem__binding_own(struct devmem_buffer *buffer, const char *why, struct devmem_binding **out)
{
	struct devmem_binding *b = new_binding(NULL, buffer, 0);

	return finish(b, b ? open_copy(b, why) : -ENOMEM, out);
}

unsigned int devmem_binding_queues(const struct devmem_binding *binding, uint32_t *list,
				   unsigned int n)
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

bool devmem__binding_guarded(const struct devmem_binding *binding)
{
	return binding->nic && devmem__nic_has_guards(binding->nic);
}

unsigned int devmem__binding_ifindex(const struct devmem_binding *binding)
{
	return binding->nic ? devmem__nic_ifindex(binding->nic) : binding->ifindex;
}

bool devmem__binding_sends(const struct devmem_binding *binding)
{
	return binding->sends;
}

bool devmem__binding_forced(const struct devmem_binding *binding)
{
	return binding->forced;
}

unsigned int devmem__binding_pieces(const struct devmem_binding *binding, bool *before_tso)
{
	*before_tso = binding->before_tso;
	return binding->tx_pieces;
}

const char *devmem__binding_tx_dropped(const struct devmem_binding *binding)
{
	return binding->quirks ? binding->quirks->tx_dropped : NULL;
}

const char *devmem__binding_ifname(const struct devmem_binding *binding)
{
	return binding->ifname;
}

const char *devmem_binding_engine(const struct devmem_binding *binding, const char **reason)
{
	if (reason)
		*reason = binding->why;
	return devmem__engine_name(binding->engine);
}

enum devmem__engine_id devmem__binding_engine_id(const struct devmem_binding *binding)
{
	return binding->engine;
}

struct devmem_buffer *devmem__binding_buffer(const struct devmem_binding *binding)
{
	return binding->buffer;
}

struct devmem__chunks *devmem__binding_chunks(struct devmem_binding *binding)
{
	return &binding->chunks;
}

unsigned char *devmem__binding_memory(const struct devmem_binding *binding, bool *staged)
{
	*staged = binding->staged;
	return binding->memory;
}

bool devmem__binding_take_queue(struct devmem_binding *binding)
{
	return !atomic_exchange(&binding->owned, true);
}

void devmem__binding_give_queue(struct devmem_binding *binding, bool was_bound)
{
	if (was_bound)
		devmem__nic_wait_unbound(binding->nic, binding->queues[0]);
	atomic_store(&binding->owned, false);
}

uint32_t devmem_binding_page_size(const struct devmem_binding *binding, const char **reason)
{
	bool copies = binding->engine == DEVMEM__ENGINE_COPY || binding->sends;

	if (reason && binding->sends)
		*reason = "it is for sending";
	else if (reason)
		*reason = copies ? "no queue takes pages from the buffer: bytes are copied into it"
			  : binding->page_why[0] ? binding->page_why
						 : "it is decided when a ring takes the queue";
	return copies ? 0 : binding->page_size;
}

/*
 * The buffer is low when three quarters of the pages that one queue can have are outstanding, since
 * all traffic may come through one queue. It is no longer low at half. The queue's own ring holds
 * some of the rest and is used up last.
 */
uint64_t devmem__binding_out(struct devmem_binding *binding, size_t tokens)
{
	size_t out =
		atomic_fetch_add_explicit(&binding->out, tokens, memory_order_relaxed) + tokens;

	if (out < binding->pages - binding->pages / 4 ||
	    atomic_exchange_explicit(&binding->low, true, memory_order_relaxed))
		return 0;
	return (uint64_t)out * binding->page_size;
}

void devmem__binding_back(struct devmem_binding *binding, size_t tokens)
{
	size_t out =
		atomic_fetch_sub_explicit(&binding->out, tokens, memory_order_relaxed) - tokens;

	if (atomic_load_explicit(&binding->low, memory_order_relaxed) && out <= binding->pages / 2)
		atomic_store_explicit(&binding->low, false, memory_order_relaxed);
}

bool devmem__binding_blame_link(struct devmem_binding *binding, int err)
{
	return devmem__nic_explain_link_down(binding->nic, err);
}

bool devmem__binding_has_queue(const struct devmem_binding *binding, int queue)
{
	return devmem__queue_is_listed((uint32_t)queue, binding->queues, binding->n);
}

int devmem__binding_queue_of_napi(const struct devmem_binding *binding, unsigned int napi_id)
{
	if (binding->engine == DEVMEM__ENGINE_COPY)
		return devmem__fail(ENOENT, "nothing is bound: the bytes may come through any "
					    "interface");
	return devmem__nic_queue_of_napi(binding->nic, napi_id);
}

int devmem__binding_queue_known(const struct devmem_binding *binding, unsigned int napi_id)
{
	return binding->engine == DEVMEM__ENGINE_COPY
		       ? -ENOENT
		       : devmem__nic_queue_of_napi_nowait(binding->nic, napi_id);
}

void devmem__binding_saw_mixture(const struct devmem_binding *binding)
{
	if (binding->nic)
		devmem__nic_report_gro_mixture(binding->nic);
}

int devmem__binding_misplaced(const struct devmem_binding *binding, int queue)
{
	const char *name = devmem__nic_name(binding->nic);

	if (queue < 0 && devmem__nic_is_leased(binding->nic))
		devmem__fail(-queue,
			     "a flow to %s is copied: the NIC that leases its queues did not split "
			     "the packets, or the flow comes through another queue: check "
			     "header/data split and flow rules on that NIC",
			     name);
	else if (queue < 0)
		devmem__fail(-queue,
			     "a flow is copied, since it does not come through %s, whose queues "
			     "are bound: was its route changed, or is %s part of a bond?",
			     name, name);
	else
		devmem__fail(ENOENT,
			     "a flow is copied, since it comes through RX queue %d of %s, which is "
			     "not bound: is its steering rule gone, or does another rule precede "
			     "it? (ethtool -n %s)",
			     queue, name, name);
	devmem__log(DEVMEM_LOG_WARNING, "%s", devmem_error());
	return queue;
}

/* @ask answers for the binding's queues. A binding that copies has none: nothing to do. */
static int ask_about_flow(struct devmem_binding *binding, const char *caller,
			  const struct sockaddr *local, const struct sockaddr *peer,
			  int (*ask)(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
				     const struct sockaddr *local, const struct sockaddr *peer))
{
	int err = devmem__binding_check(binding);

	if (err)
		return err;
	if (binding->sends)
		return devmem__fail(EINVAL,
				    "%s: the binding is for sending and has no RX queues: pass one "
				    "from devmem_bind_rx()",
				    caller);
	if (binding->engine == DEVMEM__ENGINE_COPY)
		return 0;
	return ask(binding->nic, binding->queues, binding->n, local, peer);
}

int devmem_steer(struct devmem_binding *binding, const struct sockaddr *local,
		 const struct sockaddr *peer)
{
	return devmem__result(
		ask_about_flow(binding, "devmem_steer", local, peer, devmem__nic_steer));
}

int devmem_unsteer(struct devmem_binding *binding, const struct sockaddr *local,
		   const struct sockaddr *peer)
{
	return devmem__result(
		ask_about_flow(binding, "devmem_unsteer", local, peer, devmem__nic_unsteer));
}

int devmem_source_port(struct devmem_binding *binding, const struct sockaddr *local,
		       const struct sockaddr *peer)
{
	return devmem__result(ask_about_flow(binding, "devmem_source_port", local, peer,
					     devmem__nic_source_port));
}
