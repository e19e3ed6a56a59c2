/* SPDX-License-Identifier: MIT */
/* What "devmemctl show" has collected about an interface, and its two forms of output. */
#ifndef SHOW_H
#define SHOW_H

#include "netlink/netdev.h"

#include "link.h"
#include "out.h"
#include "owner.h"
#include "pools.h"

struct iface {
	char name[IFNAMSIZ], driver[32];
	struct link_facts link;
	struct devmem__split_state split;
	struct devmem__netdev_queues queues;
	struct pools pools;
	uint32_t rules; /* number of rules that lead to bound queues */
	struct iface_rule {
		struct devmem__rule rule;
		uint8_t *hit; /* one flag per queue */
	} * rule;
	struct devmem__journal *journal; /* NULL: there is none */
	char aside[300];		 /* path of a damaged journal that was set aside, or "" */
	char no_journal[256];		 /* why the journal cannot be read, or "" */
	unsigned int bindings;
	struct iface_binding {
		uint32_t dmabuf;     /* the kernel's number; 0: zcrx uses the queue */
		uint32_t queue;	     /* the queue that zcrx uses */
		unsigned int owners; /* number of candidate owners; @owner is the first */
		const struct owner *owner;
	} * binding;
};

/* iface_bound() - true if the queue is bound. iface_binds() - true if this binding has it. */
bool iface_bound(const struct iface *i, uint32_t queue);
bool iface_binds(const struct iface *i, const struct iface_binding *b, uint32_t queue);

/* iface_owner() - true if the binding may belong to this process. */
bool iface_owner(const struct iface_binding *b, const struct owner *owner);

/* What the library's processes have written to the interface's journal: who they are, and which
 * changes are to be undone. */
struct devmem__journal;
void show_journal_print(const struct devmem__journal *journal);
void show_journal_json(struct out_json *j, const struct devmem__journal *journal);

void show_print(const struct iface *i, const struct owners *owners);
void show_json(struct out_json *j, const struct iface *i, const struct owners *owners);

#endif
