/* SPDX-License-Identifier: MIT */
/* The private part of a binding: bind.c makes it, end.c ends it. Nobody else includes this. */
#ifndef DEVMEM__BIND_BIND_IMPL_H
#define DEVMEM__BIND_BIND_IMPL_H

#include <net/if.h>
#include <stdatomic.h>

#include "bind.h"
#include "memory/buffer.h"
#include "netlink/genl.h"
#include "nic/nic.h"

struct devmem_binding {
	atomic_uint refs;
	uint32_t process; /* the process that made it */
	/* it has ended: its queues, or its binding to an interface, are released */
	bool over;
	struct devmem_binding *next_ended;  /* in the list of a ring, its last user ... */
	struct devmem_binding *next_of_nic; /* ... and in that of the NIC that has its queues */
	enum devmem__engine_id engine;
	bool sends, forced;
	/* opening failed for a reason that no argument can change, whatever the errno */
	bool cannot;
	/* NULL: it is for sending, or is a ring's own for sockets without a binding */
	struct devmem_nic *nic;
	struct devmem_buffer *buffer;
	struct devmem__nl nl;
	uint32_t id;
	atomic_size_t out; /* outstanding pages, of all sockets and rings */
	atomic_bool low;   /* it was reported that the buffer is low */
	atomic_bool owned; /* (zcrx) a ring has the queue */
	size_t pages;	   /* of the buffer, how many one queue can have */
	/* of each queue's ring; each entry keeps a page. 0: unknown */
	uint32_t entries;
	uint32_t page_size; /* bytes: what an outstanding fragment keeps */
	uint32_t page_asked;
	char page_why[320];
	struct devmem__chunks chunks; /* (copy) */
	/* (copy) what the kernel copies to: the mapped buffer, or a staging area */
	unsigned char *memory;
	bool staged;
	char ifname[IFNAMSIZ];		     /* (sending) */
	unsigned int ifindex;		     /* (sending) 0: none */
	const struct devmem__quirks *quirks; /* (sending) of the interface's driver; or NULL */
	/* (sending) the most pieces of a packet that the driver takes, and of which packet */
	unsigned int tx_pieces;
	bool before_tso;
	char place[160]; /* where the bound memory is, if that may surprise; or "" */
	char why[512];
	unsigned int n;
	uint32_t queues[];
};

/* its interface's name, for messages */
const char *devmem__binding_name(const struct devmem_binding *binding);
/* frees the memory alone; NULL is harmless */
void devmem__binding_free(struct devmem_binding *binding);

/* devmem__binding_end_on() - end the NIC's bindings that lost their last user in a call that must
 * not wait. This one may wait. */
void devmem__binding_end_on(struct devmem_nic *nic);

#endif
