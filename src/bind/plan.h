/* SPDX-License-Identifier: MIT */
/* How large a buffer should be, as arithmetic: no NIC is asked here. */
#ifndef DEVMEM__BIND_PLAN_H
#define DEVMEM__BIND_PLAN_H

#include "base/internal.h"

/*
 * devmem__plan_compute() - from the questions, ring_entries and mtu to the answers. -ENOSPC: the
 * buffer is too small. -EINVAL: there is no such page; no answers.
 */
int devmem__plan_compute(struct devmem_plan *plan);

#endif
