// SPDX-License-Identifier: MIT
/*
 * Whatever is found in the place of a journal: reading it never goes outside, and what it says is
 * in whole records. Sums are mended before it is read, or hardly a damaged record would be looked
 * at.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "nic/journal_format.h"

/* As far as lengths make sense. One sum in eight stays as it is. */
static void mend(unsigned char *data, size_t size)
{
	struct devmem__record_header h;

	for (size_t at = 0; size - at >= sizeof(h); at += sizeof(h) + h.bytes) {
		memcpy(&h, data + at, sizeof(h));
		if (h.bytes > size - at - sizeof(h))
			return;
		if (h.sum % 8)
			h.sum = devmem__record_sum(data + at, h.bytes);
		memcpy(data + at, &h, sizeof(h));
	}
}

/* Everything that is to be undone has an owner, and numbers rise. */
static void check(const struct devmem__journal_state *state, size_t size)
{
	uint64_t last = 0;

	if (state->bytes > size || (!state->has_head && (state->nowners || state->nentries)))
		abort();
	for (unsigned int i = 0; i < state->nentries; i++) {
		const struct devmem__journal_entry *e = &state->entries[i];

		if (!devmem__journal_state_owner(state, e->owner) || e->seq <= last ||
		    e->seq > state->seq || e->change.seq != e->seq)
			abort();
		if (e->change.kind == DEVMEM__CHANGE_TABLE &&
		    (!e->change.before || !e->change.after))
			abort();
		if (e->change.size && !e->change.before && !e->change.after)
			abort();
		last = e->seq;
	}
	for (unsigned int i = 0; i < state->nowners; i++)
		if (state->owners[i].nqueues && !state->owners[i].queues)
			abort();
}

/* In two portions, as by a process that reads what others appended meanwhile: it comes to the
 * same. */
static void read_in_portions(const unsigned char *data, size_t size,
			     const struct devmem__journal_state *whole)
{
	struct devmem__journal_state state = { 0 };
	size_t first = whole->bytes / 2;
	int err;

	devmem__journal_state_apply(&state, data, first, &err);
	devmem__journal_state_apply(&state, data + state.bytes, size - state.bytes, &err);
	if (state.bytes != whole->bytes || state.nentries != whole->nentries ||
	    state.nowners != whole->nowners)
		abort();
	devmem__journal_state_free(&state);
}

/* The fewest records that say the same do say it. */
static void rewrite(const struct devmem__journal_state *state)
{
	struct devmem__journal_state again = { 0 };
	struct devmem__record all;
	int err;

	if (!devmem__journal_state_encode(state, &all) ||
	    !devmem__journal_state_apply(&again, all.p, all.bytes, &err))
		abort();
	if (again.nentries != state->nentries || again.nowners > state->nowners ||
	    again.seq != state->seq || again.last_owner != state->last_owner)
		abort();
	for (unsigned int i = 0; i < state->nentries; i++)
		if (again.entries[i].seq != state->entries[i].seq ||
		    again.entries[i].done != state->entries[i].done ||
		    again.entries[i].owner != state->entries[i].owner)
			abort();
	devmem__journal_state_free(&again);
	free(all.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct devmem__journal_state state = { 0 };
	/* of its own, so that the sanitizer sees its end */
	unsigned char *data = malloc(size ? size : 1);
	int err;

	if (!data)
		return 0;
	if (size)
		memcpy(data, input, size);
	mend(data, size);
	if (devmem__journal_state_apply(&state, data, size, &err) && state.bytes != size)
		abort();
	check(&state, size);
	if (!err && state.has_head)
		rewrite(&state);
	if (!err)
		read_in_portions(data, size, &state);
	devmem__journal_state_free(&state);
	free(data);
	return 0;
}

static void add(uint8_t *data, size_t room, size_t *at, struct devmem__record *r)
{
	if (!devmem__record_end(r) || *at + r->bytes > room)
		abort();
	memcpy(data + *at, r->p, r->bytes);
	*at += r->bytes;
	free(r->p);
}

/* A transaction in its middle: two owners, a change of each kind, one of them undone. */
size_t fuzz_seed(uint8_t *data, size_t room)
{
	const struct devmem__journal_head head = {
		.netns = 4026531840, .ifindex = 2, .ifname = "lab0", .boot = "b"
	};
	const struct devmem__journal_owner owners[] = { { .id = 1, .pid = 10, .name = "a" },
							{ .id = 2, .pid = 11, .name = "b" } };
	uint32_t table[] = { 0, 1, 2, 3 }, queues[] = { 2, 3 };
	struct devmem__change changes[] = {
		{ .kind = DEVMEM__CHANGE_SPLIT,
		  .split = true,
		  .split_before = DEVMEM_SPLIT_DISABLED },
		{ .kind = DEVMEM__CHANGE_TABLE, .size = 4, .before = table, .after = table },
		{ .kind = DEVMEM__CHANGE_CONTEXT,
		  .size = 4,
		  .after = table,
		  .queues = queues,
		  .nqueues = 2 },
		{ .kind = DEVMEM__CHANGE_RULE, .had_rule = true },
		{ .kind = DEVMEM__CHANGE_FEATURE, .feature = "rx-gro-hw" },
	};
	struct devmem__record r;
	size_t at = 0;

	devmem__record_head(&r, &head);
	add(data, room, &at, &r);
	for (unsigned int i = 0; i < 2; i++) {
		devmem__record_join(&r, &owners[i]);
		add(data, room, &at, &r);
	}
	devmem__record_claim(&r, 1, queues, 2);
	add(data, room, &at, &r);
	for (unsigned int i = 0; i < ARRAY_SIZE(changes); i++)
		for (int done = 0; done < 2; done++) {
			devmem__record_change(&r,
					      done ? DEVMEM__RECORD_DONE : DEVMEM__RECORD_INTENT,
					      i % 2 + 1, i + 1, &changes[i]);
			add(data, room, &at, &r);
		}
	devmem__record_gone(&r, 4);
	add(data, room, &at, &r);
	devmem__record_leave(&r, 2);
	add(data, room, &at, &r);
	return at;
}
