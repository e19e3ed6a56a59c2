/* SPDX-License-Identifier: MIT */
/* RX queues, chosen by -t and -q. */
#ifndef QUEUES_H
#define QUEUES_H

#include <devmem/devmem.h>

#include "nc.h"

#define NC_QUEUES 1024

struct nc_queues {
	unsigned int n;
	uint32_t list[NC_QUEUES];
	bool listed; /* if false, the library chooses @n queues */
};

/* nc_queues() - determines the queues to receive from; a probe without -t and -q takes half of
 * them. Returns -1 after printing an error message. */
int nc_queues(const struct nc_options *opt, struct nc_queues *queues);

/* nc_bind() - binds the buffer to the queues. Returns -1 after printing an error message; @nic and
 * @binding are then set as far as it got. */
int nc_bind(const struct nc_options *opt, struct devmem_buffer *buffer, struct devmem_nic **nic,
	    struct devmem_binding **binding);

/* nc_cannot_bind() - prints the library's error message, and an alternative if there is one.
 * Returns -1. */
int nc_cannot_bind(const struct nc_options *opt, int err);

/* nc_unbind() - closes the binding and restores the NIC. Returns -1 after printing an error
 * message: the NIC is not restored. */
int nc_unbind(struct devmem_nic *nic, struct devmem_binding *binding);

/* nc_queue_cannot_go() - checks that the kernel refuses to remove bound queues, of which @first is
 * one. Returns -1 after printing an error message: it does not. */
int nc_queue_cannot_go(const char *interface, uint32_t first);

#endif
