/* SPDX-License-Identifier: MIT */
/* The inside of a binding: bind.c makes one, end.c ends it, and nobody else looks. */
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
	uint32_t process; /* that made it */
	/* its queues, or what it had of an interface, are given back */
	bool over;
	struct devmem_binding *next_ended;  /* of those that a ring was the last to use ... */
	struct devmem_binding *next_of_nic; /* ... and of those that had queues of the NIC */
	enum devmem__engine_id way;
	bool sends, forced;
	/* why it failed is no argument's fault, whatever the errno */
	bool cannot;
	/* NULL: for sending; or a ring's own, for sockets without a binding */
	struct devmem_nic *nic;
	struct devmem_buffer *buffer;
	struct devmem__nl nl;
	uint32_t id;
	atomic_size_t out; /* pages of all sockets and rings */
	atomic_bool low;   /* it was told that the buffer runs low */
	atomic_bool owned; /* (zcrx) a ring has the queue */
	size_t pages;	   /* of the buffer, that one queue can have */
	/* of each queue's ring, each of which keeps a page. 0: not known */
	uint32_t entries;
	uint32_t page_size; /* bytes: what a fragment that is out keeps */
	uint32_t page_asked;
	char page_why[320];
	struct devmem__attached attached;
	struct devmem__chunks chunks; /* (copy) */
	/* (copy) where the kernel copies to: the buffer, or a stage */
	unsigned char *memory;
	bool staged;
	char ifname[IFNAMSIZ];	/* (sending) */
	unsigned int ifindex;	/* (sending) 0: none */
	unsigned int tx_pieces; /* (sending) its driver's limit of them in a packet */
	char why[512];
	unsigned int n;
	uint32_t queues[];
};

/* of its interface, for people */
const char *devmem__binding_name(const struct devmem_binding *binding);
/* its memory; it may be NULL */
void devmem__binding_free(struct devmem_binding *binding);

/* devmem__binding_end_on() - those of the NIC that are over and were left to the next call that may
 * wait. */
void devmem__binding_end_on(struct devmem_nic *nic);

#endif
