// SPDX-License-Identifier: MIT
/*
 * How large a buffer should be. The queues' own rings pin entries x page size of it, whether or not
 * anything arrives. The rest carries data that is queued or outstanding. Each packet's payload
 * begins in a new page, so small packets, or packets of small messages, waste most of a page.
 */
#include <errno.h>
#include <string.h>

#include "nic/nic.h"
#include "nic/quirks.h"
#include "bind/page_size.h"
#include "bind/plan.h"

#define HEADERS 52u /* bytes: IPv4, TCP and its time stamps; IPv6 has 20 more */
/* bytes of payload: enough for the low-water mark to reach its maximum */
#define PER_CONNECTION (1u << 20)
#define MESSAGES       64u /* of each connection: queued, or held by the program */
#define HUGE_PAGE      (2u << 20)

static const char too_empty[] = "a message pins whole pages and fills little of them: bind with "
				"pages of advised_page_size";
static const char too_large[] = "pages of more than 64 KiB save little more, but the rings pin "
				"memory in proportion: bind with advised_page_size";
static const char too_much[] = "the rings alone take more than half of the buffer with such pages: "
			       "bind with advised_page_size, or take a larger buffer, fewer queues "
			       "or smaller rings (ethtool -G)";
static const char too_small[] = "larger pages make receiving several times cheaper: bind with "
				"advised_page_size";
static const char none_so_large[] = "the NIC's driver has no pages larger than the system's: "
				    "bind with advised_page_size";
static const char no_room[] = "a larger buffer, fewer queues or smaller rings (ethtool -G) allow "
			      "larger pages, which make receiving several times cheaper";

static uint64_t at_least(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

/* ---------------------------------------------------------------------------------------- pages */

static uint32_t at_most(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The largest page that a message fills at least by half. */
static uint32_t page_for_messages(const struct devmem_plan *plan, uint32_t largest)
{
	uint32_t page = at_most(at_least(DEVMEM__PAGE_SIZE_MAX, devmem__system_page()), largest);

	while (plan->message_bytes && page > devmem__system_page() &&
	       page / 2 > plan->message_bytes)
		page /= 2;
	return page;
}

/* The page size that devmem_bind_rx() chooses by itself. If the plan has no buffer size, assume a
 * buffer that is large enough, since the advice will be for one. */
static uint32_t page_for_buffer(const struct devmem_plan *plan)
{
	const struct devmem__page_size_question q = {
		.system = devmem__system_page(),
		.queues = plan->queues,
		.entries = plan->ring_entries,
		.bytes = plan->buffer_bytes ? plan->buffer_bytes
					    : UINT64_MAX / HUGE_PAGE * HUGE_PAGE,
	};
	struct devmem__pages pages;

	devmem__page_size_list(&q, &pages); /* cannot fail: no size is requested */
	return pages.size[0];
}

static void advise_page(struct devmem_plan *plan, uint32_t messages, uint32_t buffer,
			uint32_t largest)
{
	uint32_t taken = plan->bind_page_size;

	plan->advised_page_size = messages < buffer ? messages : buffer;
	if (taken > largest)
		plan->advice = none_so_large;
	else if (taken > messages)
		plan->advice = plan->message_bytes ? too_empty : too_large;
	else if (taken > buffer)
		plan->advice = too_much;
	else if (taken < plan->advised_page_size)
		plan->advice = too_small;
	else if (taken < messages)
		plan->advice = no_room;
	else
		plan->advice = NULL;
}

/* ---------------------------------------------------------------------------------------- bytes */

/* The payload of a packet: what the MTU allows, or a whole message if that is less. */
static uint64_t packet_bytes(const struct devmem_plan *plan)
{
	uint64_t most = plan->mtu > HEADERS ? plan->mtu - HEADERS : 1;

	return plan->message_bytes && plan->message_bytes < most ? plan->message_bytes : most;
}

/* The bytes of the buffer that one connection's data may occupy. */
static uint64_t connection_bytes(const struct devmem_plan *plan)
{
	uint64_t packet = packet_bytes(plan), payload = PER_CONNECTION;

	if (plan->message_bytes && plan->message_bytes < PER_CONNECTION / MESSAGES)
		payload = (uint64_t)plan->message_bytes * MESSAGES;
	return (payload + packet - 1) / packet * round_up(packet, plan->bind_page_size);
}

static void count_bytes(struct devmem_plan *plan)
{
	uint64_t pages = (uint64_t)plan->queues * plan->bind_page_size;
	uint64_t ring = at_least(plan->ring_entries, DEVMEM__PAGE_SIZE_MIN);
	uint64_t packet = packet_bytes(plan), held = round_up(packet, plan->bind_page_size), rest;

	plan->pinned_bytes = pages * plan->ring_entries;
	plan->least_bytes = plan->pinned_bytes + pages * DEVMEM__PAGE_SIZE_MIN;
	plan->advised_bytes =
		at_least(plan->least_bytes,
			 plan->pinned_bytes + plan->connections * connection_bytes(plan));
	/* devmem_bind_rx() chooses this page size only if the rings take at most half of the
	 * buffer */
	if (!plan->page_size)
		plan->advised_bytes = at_least(plan->advised_bytes, 2 * pages * ring);
	/* a multiple of the huge page, so that the buffer can be made of them */
	if (plan->bind_page_size > devmem__system_page())
		plan->advised_bytes =
			round_up(plan->advised_bytes, at_least(HUGE_PAGE, plan->bind_page_size));
	rest = plan->advised_bytes - plan->pinned_bytes;
	plan->wasted_bytes = rest / held * (held - packet);
}

int devmem__plan_compute(struct devmem_plan *plan, uint32_t largest)
{
	uint32_t buffer;

	if (plan->page_size & (plan->page_size - 1) ||
	    (plan->page_size && plan->page_size < devmem__system_page()))
		return devmem__fail(EINVAL,
				    "devmem_plan: a page of %u bytes is not a power of two from %u "
				    "on",
				    plan->page_size, devmem__system_page());
	plan->queues = plan->queues ? plan->queues : 1;
	plan->connections = plan->connections ? plan->connections : 1;
	buffer = at_most(page_for_buffer(plan), largest);
	plan->bind_page_size = plan->page_size ? plan->page_size : buffer;
	advise_page(plan, page_for_messages(plan, largest), buffer, largest);
	count_bytes(plan);
	if (!plan->buffer_bytes || plan->buffer_bytes >= plan->least_bytes)
		return 0;
	return devmem__fail(ENOSPC,
			    "a buffer of %llu KiB is too small: the rings of %u queue(s) with %u "
			    "entries take %llu KiB of it. Use %llu KiB or more (%llu KiB is "
			    "advised), fewer queues, or smaller rings (ethtool -G)",
			    (unsigned long long)plan->buffer_bytes >> 10, plan->queues,
			    plan->ring_entries, (unsigned long long)plan->pinned_bytes >> 10,
			    (unsigned long long)plan->least_bytes >> 10,
			    (unsigned long long)plan->advised_bytes >> 10);
}

static uint32_t largest_page(const struct devmem_nic *nic)
{
	const struct devmem__quirks *quirks = devmem__quirks_of(devmem__nic_driver(nic));

	return quirks->driver && !quirks->large_pages ? devmem__system_page() : UINT32_MAX;
}

static int answer(struct devmem_nic *nic, struct devmem_plan *plan)
{
	struct devmem_plan p;
	size_t size = plan ? plan->size : 0;
	int err;

	if (!nic || !plan)
		return devmem__fail(EINVAL, "devmem_plan: no NIC, or nothing to plan");
	err = devmem__options(&p, sizeof(p), plan, "devmem_plan");
	if (err)
		return err;
	err = devmem__nic_check(nic) ?: devmem__nic_ring_and_mtu(nic, &p.ring_entries, &p.mtu);
	if (err)
		return err;
	err = devmem__plan_compute(&p, largest_page(nic));
	p.size = size;
	memcpy(plan, &p, size < sizeof(p) ? size : sizeof(p));
	return err;
}

int devmem_plan(struct devmem_nic *nic, struct devmem_plan *plan)
{
	return devmem__result(answer(nic, plan));
}
