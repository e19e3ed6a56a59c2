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
static void check(const struct devmem__book *book, size_t size)
{
	uint64_t last = 0;

	if (book->bytes > size || (!book->has_head && (book->nowners || book->nentries)))
		abort();
	for (unsigned int i = 0; i < book->nentries; i++) {
		const struct devmem__entry *e = &book->entries[i];

		if (!devmem__book_owner(book, e->owner) || e->seq <= last || e->seq > book->seq ||
		    e->change.seq != e->seq)
			abort();
		if (e->change.kind == DEVMEM__CHANGE_TABLE &&
		    (!e->change.before || !e->change.after))
			abort();
		if (e->change.size && !e->change.before && !e->change.after)
			abort();
		last = e->seq;
	}
	for (unsigned int i = 0; i < book->nowners; i++)
		if (book->owners[i].nqueues && !book->owners[i].queues)
			abort();
}

/* In two portions, as by a process that reads what others appended meanwhile: it comes to the
 * same. */
static void read_in_portions(const unsigned char *data, size_t size,
			     const struct devmem__book *whole)
{
	struct devmem__book book = { 0 };
	size_t first = whole->bytes / 2;
	int err;

	devmem__book_read(&book, data, first, &err);
	devmem__book_read(&book, data + book.bytes, size - book.bytes, &err);
	if (book.bytes != whole->bytes || book.nentries != whole->nentries ||
	    book.nowners != whole->nowners)
		abort();
	devmem__book_free(&book);
}

/* The fewest records that say the same do say it. */
static void write_anew(const struct devmem__book *book)
{
	struct devmem__book again = { 0 };
	struct devmem__record all;
	int err;

	if (!devmem__book_write(book, &all) || !devmem__book_read(&again, all.p, all.bytes, &err))
		abort();
	if (again.nentries != book->nentries || again.nowners > book->nowners ||
	    again.seq != book->seq || again.last_owner != book->last_owner)
		abort();
	for (unsigned int i = 0; i < book->nentries; i++)
		if (again.entries[i].seq != book->entries[i].seq ||
		    again.entries[i].done != book->entries[i].done ||
		    again.entries[i].owner != book->entries[i].owner)
			abort();
	devmem__book_free(&again);
	free(all.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct devmem__book book = { 0 };
	/* of its own, so that the sanitizer sees its end */
	unsigned char *data = malloc(size ? size : 1);
	int err;

	if (!data)
		return 0;
	if (size)
		memcpy(data, input, size);
	mend(data, size);
	if (devmem__book_read(&book, data, size, &err) && book.bytes != size)
		abort();
	check(&book, size);
	if (!err && book.has_head)
		write_anew(&book);
	if (!err)
		read_in_portions(data, size, &book);
	devmem__book_free(&book);
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
	const struct devmem__owner owners[] = { { .id = 1, .pid = 10, .name = "a" },
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
