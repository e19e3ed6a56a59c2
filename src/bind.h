/* SPDX-License-Identifier: MIT */
/*
 * Room bind: binds buffers to RX queues, or to an interface to send by. This header is what rings
 * and sockets see of a binding. The room may include nic, netlink, memory and base, and knows no
 * ring.
 */
#ifndef DEVMEM__BIND_H
#define DEVMEM__BIND_H

#include "bind/chunks.h"
#include "base/internal.h"
#include "bind/page_size.h"
#include "base/engine_name.h"

void devmem__binding_ref(struct devmem_binding *binding);

/*
 * devmem__binding_drop() - drop a reference without ever waiting. If it was the last one, the
 * binding is put on @ended, the ring's list. devmem__binding_end_all() - end the bindings on that
 * list; this may wait for the kernel, the NIC and other processes.
 */
void devmem__binding_drop(struct devmem_binding *binding, struct devmem_binding **ended);
void devmem__binding_end_all(struct devmem_binding **ended);

/* devmem__binding_check() - 0; -EEXIST and the error message, if another process made the
 * binding. */
int devmem__binding_check(const struct devmem_binding *binding);

enum devmem__engine_id devmem__binding_engine_id(const struct devmem_binding *binding);
struct devmem_buffer *devmem__binding_buffer(const struct devmem_binding *binding);
uint16_t devmem__binding_buffer_id(const struct devmem_binding *binding);
size_t devmem__binding_bytes(const struct devmem_binding *binding);
/* 0: it has no interface */
unsigned int devmem__binding_ifindex(const struct devmem_binding *binding);

/* devmem__binding_own() - make a ring's own binding: without a NIC, bytes are copied. @why: the
 * reason for copying. The buffer may be bound already. */
int devmem__binding_own(struct devmem_buffer *buffer, const char *why, struct devmem_binding **out);

/* Is it for sending? Then it has no queues and receives nothing. */
bool devmem__binding_sends(const struct devmem_binding *binding);
/* the caller requested its engine: no other will do */
bool devmem__binding_forced(const struct devmem_binding *binding);
/* (for sending) the most pieces of a packet that the driver takes, as in quirks.h; 0: unknown.
 * @before_tso: that is the limit of a packet before TSO divides it. */
unsigned int devmem__binding_pieces(const struct devmem_binding *binding, bool *before_tso);
/* (for sending) a counter of the driver's, as in quirks.h; or NULL */
const char *devmem__binding_tx_dropped(const struct devmem_binding *binding);
const char *devmem__binding_ifname(const struct devmem_binding *binding); /* (for sending) or "" */

/* For engine "copy": how the buffer is divided, and the memory that the kernel copies to, which is
 * the mapped buffer or, if @staged is set, a staging area. */
struct devmem__chunks *devmem__binding_chunks(struct devmem_binding *binding);
unsigned char *devmem__binding_memory(const struct devmem_binding *binding, bool *staged);

/* devmem__binding_pages() - the page sizes to try for its queues. devmem__binding_set_pages() - the
 * one at index @taken is in use. */
int devmem__binding_pages(struct devmem_binding *binding, struct devmem__pages *pages);
void devmem__binding_set_pages(struct devmem_binding *binding, const struct devmem__pages *pages,
			       unsigned int taken);

/* For engine "zcrx": one ring at a time has the queue, and gives it back when the ring is closed.
 * false: another ring has it. @was_bound: wait until the kernel has unbound the queue. */
bool devmem__binding_take_queue(struct devmem_binding *binding);
void devmem__binding_give_queue(struct devmem_binding *binding, bool was_bound);

/*
 * devmem__binding_out() - count @pages more outstanding pages. If the buffer has thereby just
 * become low, returns how many bytes of it are outstanding, at most; otherwise 0.
 * devmem__binding_back() - count @pages returned pages. Any thread.
 */
uint64_t devmem__binding_out(struct devmem_binding *binding, size_t pages);
void devmem__binding_back(struct devmem_binding *binding, size_t pages);

/* devmem__binding_saw_mixture() - GRO merged packets that the NIC split with packets that it did
 * not split: turn GRO off on the interface. */
void devmem__binding_saw_mixture(const struct devmem_binding *binding);

/* devmem__binding_misplaced() - set the error message about a flow that arrives on @queue, which is
 * not bound. @queue may be a negative errno. Returns @queue. */
int devmem__binding_misplaced(const struct devmem_binding *binding, int queue);

/* devmem__nic_explain_link_down() of the binding's NIC. */
bool devmem__binding_blame_link(struct devmem_binding *binding, int err);

/* devmem__binding_guarded() - is urgent data for it dropped at the interface's ingress? */
bool devmem__binding_guarded(const struct devmem_binding *binding);

bool devmem__binding_has_queue(const struct devmem_binding *binding, int queue);
int devmem__binding_queue_of_napi(const struct devmem_binding *binding, unsigned int napi_id);

/* The same without asking the kernel, for the data path. -EBUSY: the queue is not known now. Sets
 * no error message. */
int devmem__binding_queue_known(const struct devmem_binding *binding, unsigned int napi_id);

#endif
