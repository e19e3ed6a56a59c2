/* SPDX-License-Identifier: MIT */
/* What "devmemctl show" has collected of an interface, to be printed in one of two ways. */
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
	uint32_t rules; /* those that lead to queues that are bound */
	struct iface_rule {
		struct devmem__rule rule;
		uint8_t *hit; /* a flag for each queue */
	} * rule;
	struct devmem__journal *journal; /* or NULL: there is none */
	char aside[300];		 /* a damaged journal that was set aside, or "" */
	char no_journal[256];		 /* why it cannot be read, or "" */
	unsigned int bindings;
	struct iface_binding {
		uint32_t dmabuf;     /* the kernel's number; 0: zcrx has the queue */
		uint32_t queue;	     /* zcrx: that one */
		unsigned int owners; /* how many it may belong to, and the first of them */
		const struct owner *owner;
	} * binding;
};

/* Is the queue bound, and by this binding? */
bool iface_bound(const struct iface *i, uint32_t queue);
bool iface_binds(const struct iface *i, const struct iface_binding *b, uint32_t queue);

/* May it belong to this process? */
bool iface_owner(const struct iface_binding *b, const struct owner *owner);

/* What the library's processes have written down of the interface: who they are, and what is to be
 * undone. */
struct devmem__journal;
void show_journal_print(const struct devmem__journal *journal);
void show_journal_json(struct out_json *j, const struct devmem__journal *journal);

void show_print(const struct iface *i, const struct owners *owners);
void show_json(struct out_json *j, const struct iface *i, const struct owners *owners);

#endif
