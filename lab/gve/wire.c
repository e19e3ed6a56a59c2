// SPDX-License-Identifier: MIT
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"

/* A frame that waits for the next one does not wait for ever. */
#define HELD_NS (10 * 1000000ull)

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct wire_frame *copy_frame(const unsigned char *data, uint32_t bytes, uint64_t due)
{
	struct wire_frame *const f = malloc(sizeof(*f) + bytes);

	if (!f)
		return NULL;
	f->next = NULL;
	f->due = due;
	f->bytes = bytes;
	memcpy(f->data, data, bytes);
	return f;
}

/* Behind those that are due at the same time. Frames are late by the same time mostly, so the
 * search, from the front, is short only if few are: WIRE_MAX_LATE. */
static void make_late(struct device *to, const unsigned char *data, uint32_t bytes)
{
	struct wire_frame **at = &to->wire.late, *f = NULL;

	if (to->wire.n < WIRE_MAX_LATE)
		f = copy_frame(data, bytes, now() + to->faults.value[FAULT_DELAY_US] * 1000ull);
	if (!f) {
		to->counters[COUNT_DROPPED]++;
		return;
	}
	while (*at && (*at)->due <= f->due)
		at = &(*at)->next;
	f->next = *at;
	*at = f;
	to->wire.n++;
	to->counters[COUNT_DELAYED]++;
}

static void release_held(struct device *to)
{
	struct wire_frame *const f = to->wire.held;

	if (!f)
		return;
	to->wire.held = NULL;
	rx_input(to, f->data, f->bytes);
	free(f);
}

static void corrupt(struct device *to, unsigned char *frame, uint32_t bytes)
{
	struct packet p;

	packet_parse(&p, frame, bytes);
	if (p.l4 != L4_TCP || p.payload_at >= p.bytes)
		return; /* only payload: a header that is wrong would go to nobody */
	if (!fault_strikes(&to->faults, FAULT_CORRUPT_EVERY))
		return;
	frame[p.payload_at + (p.bytes - p.payload_at) / 2] ^= 0x55;
	to->counters[COUNT_CORRUPTED]++;
}

/* Lost, late or held back? Then it is not received now. */
static bool diverted(struct device *to, const unsigned char *frame, uint32_t bytes)
{
	if (fault_strikes(&to->faults, FAULT_DROP_EVERY)) {
		to->counters[COUNT_DROPPED]++;
		return true;
	}
	if (fault_strikes(&to->faults, FAULT_DELAY_EVERY)) {
		make_late(to, frame, bytes);
		return true;
	}
	if (fault_strikes(&to->faults, FAULT_REORDER_EVERY) && !to->wire.held) {
		to->wire.held = copy_frame(frame, bytes, now() + HELD_NS);
		to->counters[COUNT_REORDERED]++;
		return to->wire.held;
	}
	return false;
}

void wire_send(struct device *from, unsigned char *frame, uint32_t bytes)
{
	struct device *const to = from->peer;

	if (!device_link(from) || !device_link(to) || bytes > to->params.mtu + ETH_BYTES) {
		to->counters[COUNT_DROPPED]++;
		return;
	}
	corrupt(to, frame, bytes);
	if (diverted(to, frame, bytes))
		return;
	if (fault_strikes(&to->faults, FAULT_DUPLICATE_EVERY))
		rx_input(to, frame, bytes);
	rx_input(to, frame, bytes);
	release_held(to);
}

int wire_run(struct device *to)
{
	const uint64_t time = now();
	struct wire_frame *f;
	uint64_t next;

	while ((f = to->wire.late) && f->due <= time) {
		to->wire.late = f->next;
		to->wire.n--;
		rx_input(to, f->data, f->bytes);
		free(f);
	}
	if (to->wire.held && to->wire.held->due <= time)
		release_held(to);
	rx_flush(to);
	if (!to->wire.late && !to->wire.held)
		return -1;
	next = to->wire.late ? to->wire.late->due : UINT64_MAX;
	if (to->wire.held && to->wire.held->due < next)
		next = to->wire.held->due;
	return next <= time ? 0 : (int)((next - time) / 1000000u + 1);
}

void wire_free(struct wire *wire)
{
	struct wire_frame *f;

	while ((f = wire->late)) {
		wire->late = f->next;
		free(f);
	}
	free(wire->held);
	memset(wire, 0, sizeof(*wire));
}
