/* SPDX-License-Identifier: MIT */
/* Which RX queues: what -t and -q say. */
#ifndef QUEUES_H
#define QUEUES_H

#include <devmem/devmem.h>

#include "nc.h"

#define NC_QUEUES 1024

struct nc_queues {
	unsigned int n;
	uint32_t list[NC_QUEUES];
	bool listed; /* otherwise the library chooses @n */
};

/* nc_queues() - those to receive from; of a probe, half of them. -1 after a sentence. */
int nc_queues(const struct nc_options *opt, struct nc_queues *queues);

/* nc_bind() - the buffer to them. @nic and @binding are set as far as it came. -1 after a
 * sentence. */
int nc_bind(const struct nc_options *opt, struct devmem_buffer *buffer, struct devmem_nic **nic,
	    struct devmem_binding **binding);

/* nc_cannot_bind() - the library's sentence, and what would go instead. Returns -1. */
int nc_cannot_bind(const struct nc_options *opt, int err);

/* nc_unbind() - and put the NIC back. -1 after a sentence: it is not as it was. */
int nc_unbind(struct devmem_nic *nic, struct devmem_binding *binding);

/* nc_queue_cannot_go() - does the kernel refuse to take bound queues away, of which @first is one?
 * -1 after a sentence. */
int nc_queue_cannot_go(const char *interface, uint32_t first);

#endif
