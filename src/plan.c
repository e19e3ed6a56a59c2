// SPDX-License-Identifier: MIT
/*
 * How large a buffer should be. The queues' own rings pin entries x page of it, whether or not anything arrives;
 * what is left carries the data that is queued and out. A packet's payload begins in a fresh page, so that most of
 * a page is wasted where packets are small.
 */
#include <errno.h>
#include <string.h>

#include "nic.h"
#include "plan.h"

#define DEFAULT_PAGE	4096u
#define HEADERS		52u		/* IPv4, TCP and its time stamps; IPv6 has 20 more */
#define LEAST_PAGES	64u		/* for each queue, beside its ring: less does not keep a sender going */
#define PER_CONNECTION	(1u << 20)	/* bytes of payload: lets the low-water mark rise to its full height */

static uint64_t at_least(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Bytes of the buffer that hold @payload bytes, which come in packets of the MTU. */
static uint64_t pages_for(const struct devmem_plan *plan, uint64_t payload)
{
	uint64_t packet = plan->mtu > HEADERS ? plan->mtu - HEADERS : 1;
	uint64_t pages = (packet + plan->page_size - 1) / plan->page_size;

	return (payload + packet - 1) / packet * pages * plan->page_size;
}

int devmem__plan_compute(struct devmem_plan *plan)
{
	plan->queues = plan->queues ? plan->queues : 1;
	plan->connections = plan->connections ? plan->connections : 1;
	plan->page_size = plan->page_size ? plan->page_size : DEFAULT_PAGE;
	plan->pinned_bytes = (uint64_t)plan->queues * plan->ring_entries * plan->page_size;
	plan->least_bytes = plan->pinned_bytes + (uint64_t)plan->queues * LEAST_PAGES * plan->page_size;
	plan->advised_bytes = at_least(plan->least_bytes,
				       plan->pinned_bytes + plan->connections * pages_for(plan, PER_CONNECTION));
	if (!plan->buffer_bytes || plan->buffer_bytes >= plan->least_bytes)
		return 0;
	return devmem__fail(ENOSPC, "a buffer of %llu KiB is too small: the rings of %u queue(s) with %u entries take %llu "
			    "KiB of it. Use %llu KiB or more (%llu KiB is advised), fewer queues, or smaller rings "
			    "(ethtool -G)", (unsigned long long)plan->buffer_bytes >> 10, plan->queues,
			    plan->ring_entries, (unsigned long long)plan->pinned_bytes >> 10,
			    (unsigned long long)plan->least_bytes >> 10, (unsigned long long)plan->advised_bytes >> 10);
}

int devmem_plan(struct devmem_nic *nic, struct devmem_plan *plan)
{
	struct devmem_plan p;
	size_t size = plan ? plan->size : 0;
	int err;

	if (!nic || !plan)
		return devmem__fail(EINVAL, "devmem_plan: no NIC, or nothing to plan");
	err = devmem__options(&p, sizeof(p), plan, "devmem_plan");
	if (err)
		return err;
	if (p.reserved)
		return devmem__fail(EINVAL, "devmem_plan: a reserved member is set");
	if (p.page_size & (p.page_size - 1))
		return devmem__fail(EINVAL, "devmem_plan: a page of %u bytes is not a power of two", p.page_size);
	err = devmem__nic_facts(nic, &p.ring_entries, &p.mtu);
	if (err)
		return err;
	err = devmem__plan_compute(&p);
	p.size = size;
	memcpy(plan, &p, size < sizeof(p) ? size : sizeof(p));
	return err;
}
