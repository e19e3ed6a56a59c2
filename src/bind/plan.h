/* SPDX-License-Identifier: MIT */
/* Computes how large a buffer should be. No NIC is asked here. */
#ifndef DEVMEM__BIND_PLAN_H
#define DEVMEM__BIND_PLAN_H

#include "base/internal.h"

/*
 * devmem__plan_compute() - fill in the answers from the questions, ring_entries and mtu. -ENOSPC:
 * the buffer is too small; the answers are filled in. -EINVAL: there is no such page size; they are
 * not. @largest: the largest page that the NIC's driver has, in bytes; UINT32_MAX: unknown.
 */
int devmem__plan_compute(struct devmem_plan *plan, uint32_t largest);

#endif
