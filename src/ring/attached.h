/* SPDX-License-Identifier: MIT */
/*
 * The connections that are attached to any ring of this process. A second attachment of one
 * connection is refused, since the two would divide its bytes between them. Connections are
 * compared by the kernel's number of the socket (SO_COOKIE), which is the same through every
 * descriptor. (Before Linux 5.10 it is unique only within a network namespace.) Any thread. No I/O.
 */
#ifndef DEVMEM__RING_ATTACHED_H
#define DEVMEM__RING_ATTACHED_H

#include <stdint.h>

/* devmem__attached_add() - 0; -EEXIST: it is attached already; -ENOMEM. Sets no error message. A
 * @cookie of 0 means unknown and is ignored. */
int devmem__attached_add(uint64_t cookie);
void devmem__attached_remove(uint64_t cookie);

#endif
