/* SPDX-License-Identifier: MIT */
/* The table of a ring's sockets: attach.c. */
#ifndef DEVMEM__RING_SOCKS_H
#define DEVMEM__RING_SOCKS_H

#include "base/list.h"

struct devmem_sock;

struct devmem__ring_socks {
	struct devmem_sock **slot; /* NULL where free; events name a socket by its slot */
	unsigned int slots;
	/* detached sockets that lost a reference: devmem__sock_let_go() */
	struct devmem__list reap;
};

#endif
