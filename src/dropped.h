/* SPDX-License-Identifier: MIT */
/* What an interface counts as dropped while it was to be sent: "tx_dropped" of "ip -s link". */
#ifndef DEVMEM_DROPPED_H
#define DEVMEM_DROPPED_H

#include <stdint.h>

/* devmem__tx_dropped() - packets so far, of an interface of this thread's network namespace; 0 if it cannot be told. */
uint64_t devmem__tx_dropped(unsigned int ifindex);

#endif
