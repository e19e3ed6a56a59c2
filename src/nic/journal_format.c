// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/journal_format.h"
#include "netlink/rss.h"

#define MAGIC	0x4a4d5644u /* "DVMJ" */
#define VERSION 2u	    /* of the format; the first field of HEAD */

/* CRC-32 as in zlib, bit by bit: journals are short. */
static uint32_t check_sum(const unsigned char *p, size_t n)
{
	uint32_t sum = 0xffffffffu;

	while (n--) {
		sum ^= *p++;
		for (int i = 0; i < 8; i++)
			sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
	}
	return ~sum;
}

#define UNSUMMED offsetof(struct devmem__record_header, bytes)

uint32_t devmem__record_sum(const unsigned char *record, size_t bytes_behind_header)
{
	return check_sum(record + UNSUMMED,
			 sizeof(struct devmem__record_header) - UNSUMMED + bytes_behind_header);
}

/* ------------------------------------------------------------------------------------- encoding */

static void put(struct devmem__record *r, const void *from, size_t n)
{
	if (r->bytes + n > r->room) {
		size_t room = (r->bytes + n) * 2;
		unsigned char *p = r->failed ? NULL : realloc(r->p, room);

		r->failed |= !p;
		if (!p)
			return;
		r->p = p;
		r->room = room;
	}
	if (n)
		memcpy(r->p + r->bytes, from, n);
	r->bytes += n;
}

#define PUT(r, value) put(r, &(value), sizeof(value))

static void begin(struct devmem__record *r, enum devmem__record_type type)
{
	const struct devmem__record_header h = { .magic = MAGIC, .type = type };

	*r = (struct devmem__record){ 0 };
	PUT(r, h);
}

bool devmem__record_end(struct devmem__record *r)
{
	struct devmem__record_header h;

	if (r->failed)
		return false;
	memcpy(&h, r->p, sizeof(h));
	h.bytes = (uint32_t)(r->bytes - sizeof(h));
	memcpy(r->p, &h, sizeof(h));
	h.sum = devmem__record_sum(r->p, h.bytes);
	memcpy(r->p, &h, sizeof(h));
	return true;
}

static void put_array(struct devmem__record *r, const uint32_t *array, uint32_t n)
{
	if (!array)
		n = 0;
	PUT(r, n);
	put(r, array, n * sizeof(*array));
}

void devmem__record_head(struct devmem__record *r, const struct devmem__journal_head *head)
{
	const uint32_t version = VERSION;

	begin(r, DEVMEM__RECORD_HEAD);
	PUT(r, version);
	PUT(r, head->netns);
	PUT(r, head->ifindex);
	PUT(r, head->ifname);
	PUT(r, head->driver);
	PUT(r, head->bus);
	PUT(r, head->boot);
}

void devmem__record_join(struct devmem__record *r, const struct devmem__journal_owner *owner)
{
	begin(r, DEVMEM__RECORD_JOIN);
	PUT(r, owner->id);
	PUT(r, owner->pid);
	PUT(r, owner->started);
	PUT(r, owner->name);
}

void devmem__record_claim(struct devmem__record *r, uint32_t owner, const uint32_t *queues,
			  uint32_t n)
{
	begin(r, DEVMEM__RECORD_CLAIM);
	PUT(r, owner);
	put_array(r, queues, n);
}

void devmem__record_change(struct devmem__record *r, enum devmem__record_type type, uint32_t owner,
			   uint64_t seq, const struct devmem__change *c)
{
	const uint8_t kind = (uint8_t)c->kind, split = c->split, thresh = c->thresh,
		      had_rule = c->had_rule;
	const uint8_t feature_before = c->feature_before;

	begin(r, type);
	PUT(r, owner);
	PUT(r, seq);
	PUT(r, kind);
	PUT(r, split);
	PUT(r, thresh);
	PUT(r, c->split_before);
	PUT(r, c->thresh_before);
	PUT(r, c->context);
	PUT(r, c->contexts_before);
	put_array(r, c->before, c->size);
	put_array(r, c->after, c->size);
	put_array(r, c->queues, c->nqueues);
	PUT(r, had_rule);
	PUT(r, c->rule);
	PUT(r, c->rule_before);
	PUT(r, c->feature);
	PUT(r, feature_before);
	PUT(r, c->guard_id);
}

void devmem__record_gone(struct devmem__record *r, uint64_t seq)
{
	begin(r, DEVMEM__RECORD_GONE);
	PUT(r, seq);
}

void devmem__record_leave(struct devmem__record *r, uint32_t owner)
{
	begin(r, DEVMEM__RECORD_LEAVE);
	PUT(r, owner);
}

void devmem__record_counters(struct devmem__record *r, uint64_t seq, uint32_t last_owner)
{
	begin(r, DEVMEM__RECORD_COUNTERS);
	PUT(r, seq);
	PUT(r, last_owner);
}

/* ------------------------------------------------------------------------------ the whole state */

static void add(struct devmem__record *all, struct devmem__record *r)
{
	if (devmem__record_end(r))
		put(all, r->p, r->bytes);
	else
		all->failed = true;
	free(r->p);
}

static bool has_entries(const struct devmem__journal_state *state, uint32_t owner)
{
	for (unsigned int i = 0; i < state->nentries; i++)
		if (state->entries[i].owner == owner)
			return true;
	return false;
}

static void add_owners(struct devmem__record *all, const struct devmem__journal_state *state)
{
	struct devmem__record r;

	for (unsigned int i = 0; i < state->nowners; i++) {
		const struct devmem__journal_owner *o = &state->owners[i];

		if (o->left && !has_entries(state, o->id))
			continue;
		devmem__record_join(&r, o);
		add(all, &r);
		if (!o->nqueues)
			continue;
		devmem__record_claim(&r, o->id, o->queues, o->nqueues);
		add(all, &r);
	}
}

static void add_entries(struct devmem__record *all, const struct devmem__journal_state *state)
{
	struct devmem__record r;

	for (unsigned int i = 0; i < state->nentries; i++) {
		const struct devmem__journal_entry *e = &state->entries[i];

		devmem__record_change(&r, DEVMEM__RECORD_INTENT, e->owner, e->seq, &e->change);
		add(all, &r);
		if (!e->done)
			continue;
		devmem__record_change(&r, DEVMEM__RECORD_DONE, e->owner, e->seq, &e->change);
		add(all, &r);
	}
}

/* The changes of an owner are valid only before its LEAVE, so LEAVE records come after them. */
bool devmem__journal_state_encode(const struct devmem__journal_state *state,
				  struct devmem__record *all)
{
	struct devmem__record r;

	*all = (struct devmem__record){ 0 };
	devmem__record_head(&r, &state->head);
	add(all, &r);
	add_owners(all, state);
	add_entries(all, state);
	for (unsigned int i = 0; i < state->nowners; i++)
		if (state->owners[i].left && has_entries(state, state->owners[i].id)) {
			devmem__record_leave(&r, state->owners[i].id);
			add(all, &r);
		}
	devmem__record_counters(&r, state->seq, state->last_owner);
	add(all, &r);
	return !all->failed;
}

/* ------------------------------------------------------------------------------------- decoding */

/* The rest of a record. @bad: it is too short, or has an invalid value. */
struct cursor {
	const unsigned char *p;
	size_t left;
	bool bad, no_memory;
};

static void get(struct cursor *c, void *to, size_t n)
{
	if (c->bad || n > c->left) {
		c->bad = true;
		memset(to, 0, n);
		return;
	}
	memcpy(to, c->p, n);
	c->p += n;
	c->left -= n;
}

#define GET(c, value) get(c, &(value), sizeof(value))

static void get_text(struct cursor *c, char *text, size_t room)
{
	get(c, text, room);
	c->bad |= text[room - 1] != '\0';
	text[room - 1] = '\0';
}

#define GET_TEXT(c, text) get_text(c, text, sizeof(text))

static bool get_bool(struct cursor *c)
{
	uint8_t value;

	GET(c, value);
	c->bad |= value > 1;
	return value;
}

static uint32_t *get_array(struct cursor *c, uint32_t *n)
{
	uint32_t *array;

	GET(c, *n);
	c->bad |= *n > DEVMEM__RSS_MAX_ENTRIES || *n * sizeof(*array) > c->left;
	if (c->bad || !*n)
		return NULL;
	array = malloc(*n * sizeof(*array));
	c->no_memory |= !array;
	if (array)
		get(c, array, *n * sizeof(*array));
	return array;
}

static void get_change(struct cursor *c, struct devmem__change *change)
{
	uint32_t nbefore = 0, nafter = 0;
	uint8_t kind;

	memset(change, 0, sizeof(*change));
	GET(c, kind);
	change->kind = kind;
	change->split = get_bool(c);
	change->thresh = get_bool(c);
	GET(c, change->split_before);
	GET(c, change->thresh_before);
	GET(c, change->context);
	GET(c, change->contexts_before);
	change->before = get_array(c, &nbefore);
	change->after = get_array(c, &nafter);
	change->queues = get_array(c, &change->nqueues);
	change->had_rule = get_bool(c);
	GET(c, change->rule);
	GET(c, change->rule_before);
	GET_TEXT(c, change->feature);
	change->feature_before = get_bool(c);
	GET(c, change->guard_id);
	change->size = nafter ? nafter : nbefore;
	c->bad |= kind < DEVMEM__CHANGE_SPLIT || kind > DEVMEM__CHANGE_LAST ||
		  change->split_before > DEVMEM_SPLIT_ENABLED;
	c->bad |= kind == DEVMEM__CHANGE_TABLE && (!nbefore || nbefore != nafter);
	c->bad |= kind == DEVMEM__CHANGE_CONTEXT && !nafter;
}

static bool finished(const struct cursor *c)
{
	return !c->bad && !c->no_memory && !c->left;
}

/* ----------------------------------------------------------------------------- applying records */

struct devmem__journal_owner *devmem__journal_state_owner(const struct devmem__journal_state *state,
							  uint32_t id)
{
	for (unsigned int i = 0; i < state->nowners; i++)
		if (state->owners[i].id == id)
			return &state->owners[i];
	return NULL;
}

static struct devmem__journal_entry *find(const struct devmem__journal_state *state, uint64_t seq)
{
	for (unsigned int i = state->nentries; i-- > 0;)
		if (state->entries[i].seq == seq)
			return &state->entries[i];
	return NULL;
}

/* Make room for one more element in an array whose capacity is a power of two. NULL: no memory. */
static void *one_more(void *array, unsigned int n, size_t size)
{
	bool full = !(n & (n - 1));

	return full ? realloc(array, (n ? 2 * n : 1) * size) : array;
}

static void read_head(struct devmem__journal_state *state, struct cursor *c)
{
	struct devmem__journal_head head;
	uint32_t version;

	GET(c, version);
	GET(c, head.netns);
	GET(c, head.ifindex);
	GET_TEXT(c, head.ifname);
	GET_TEXT(c, head.driver);
	GET_TEXT(c, head.bus);
	GET_TEXT(c, head.boot);
	c->bad |= version != VERSION;
	if (!finished(c))
		return;
	state->head = head;
	state->has_head = true;
}

static void read_join(struct devmem__journal_state *state, struct cursor *c)
{
	struct devmem__journal_owner owner = { 0 }, *more;

	GET(c, owner.id);
	GET(c, owner.pid);
	GET(c, owner.started);
	GET_TEXT(c, owner.name);
	c->bad |= owner.id <= state->last_owner;
	if (!finished(c))
		return;
	more = one_more(state->owners, state->nowners, sizeof(*more));
	c->no_memory = !more;
	if (!more)
		return;
	state->owners = more;
	state->owners[state->nowners++] = owner;
	state->last_owner = owner.id;
}

static void read_claim(struct devmem__journal_state *state, struct cursor *c)
{
	struct devmem__journal_owner *owner;
	uint32_t id, n, *queues;

	GET(c, id);
	queues = get_array(c, &n);
	owner = devmem__journal_state_owner(state, id);
	c->bad |= !owner || owner->left;
	if (!finished(c)) {
		free(queues);
		return;
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): finished() tells */
	free(owner->queues);
	owner->queues = queues;
	owner->nqueues = n;
}

static void add_entry(struct devmem__journal_state *state, struct cursor *c,
		      struct devmem__journal_entry *entry)
{
	struct devmem__journal_entry *more =
		one_more(state->entries, state->nentries, sizeof(*more));

	c->no_memory = !more;
	if (!more) {
		devmem__change_free(&entry->change);
		return;
	}
	state->entries = more;
	state->entries[state->nentries++] = *entry;
	state->seq = entry->seq;
}

static void read_change(struct devmem__journal_state *state, struct cursor *c, bool done)
{
	struct devmem__journal_entry entry = { .done = done }, *there;
	struct devmem__journal_owner *owner;

	GET(c, entry.owner);
	GET(c, entry.seq);
	get_change(c, &entry.change);
	entry.change.seq = entry.seq;
	owner = devmem__journal_state_owner(state, entry.owner);
	there = find(state, entry.seq);
	c->bad |= !owner || owner->left;
	c->bad |= done ? !there || there->owner != entry.owner ||
				  there->change.kind != entry.change.kind
		       : entry.seq <= state->seq;
	if (!finished(c)) {
		devmem__change_free(&entry.change);
	} else if (done) {
		devmem__change_free(&there->change);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): finished() tells */
		*there = entry;
	} else {
		add_entry(state, c, &entry);
	}
}

bool devmem__journal_state_remove(struct devmem__journal_state *state, uint64_t seq)
{
	struct devmem__journal_entry *there = find(state, seq);

	if (!there)
		return false;
	devmem__change_free(&there->change);
	state->nentries--;
	memmove(there, there + 1,
		(size_t)(state->entries + state->nentries - there) * sizeof(*there));
	return true;
}

static void read_gone(struct devmem__journal_state *state, struct cursor *c)
{
	uint64_t seq;

	GET(c, seq);
	if (finished(c) && !devmem__journal_state_remove(state, seq))
		c->bad = true;
}

static void read_leave(struct devmem__journal_state *state, struct cursor *c)
{
	struct devmem__journal_owner *owner;
	uint32_t id;

	GET(c, id);
	owner = devmem__journal_state_owner(state, id);
	c->bad |= !owner || owner->left;
	if (!finished(c))
		return;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): finished() tells */
	owner->left = true;
	owner->nqueues = 0;
}

static void read_counters(struct devmem__journal_state *state, struct cursor *c)
{
	uint32_t last_owner;
	uint64_t seq;

	GET(c, seq);
	GET(c, last_owner);
	c->bad |= seq < state->seq || last_owner < state->last_owner;
	if (!finished(c))
		return;
	state->seq = seq;
	state->last_owner = last_owner;
}

static void read_one(struct devmem__journal_state *state, uint32_t type, struct cursor *c)
{
	c->bad = state->has_head == (type == DEVMEM__RECORD_HEAD);
	switch (type) {
	case DEVMEM__RECORD_HEAD:
		read_head(state, c);
		break;
	case DEVMEM__RECORD_JOIN:
		read_join(state, c);
		break;
	case DEVMEM__RECORD_CLAIM:
		read_claim(state, c);
		break;
	case DEVMEM__RECORD_INTENT:
	case DEVMEM__RECORD_DONE:
		read_change(state, c, type == DEVMEM__RECORD_DONE);
		break;
	case DEVMEM__RECORD_GONE:
		read_gone(state, c);
		break;
	case DEVMEM__RECORD_LEAVE:
		read_leave(state, c);
		break;
	case DEVMEM__RECORD_COUNTERS:
		read_counters(state, c);
		break;
	default:
		c->bad = true;
	}
}

static bool is_whole(const struct devmem__record_header *h, const unsigned char *data, size_t left)
{
	return h->magic == MAGIC && h->bytes <= DEVMEM__MAX_RECORD &&
	       h->bytes <= left - sizeof(*h) && h->sum == devmem__record_sum(data, h->bytes);
}

bool devmem__journal_state_apply(struct devmem__journal_state *state, const unsigned char *data,
				 size_t bytes, int *err)
{
	*err = 0;
	while (bytes) {
		struct cursor c = { 0 };
		struct devmem__record_header h;

		if (bytes < sizeof(h))
			return false;
		memcpy(&h, data, sizeof(h));
		if (!is_whole(&h, data, bytes))
			return false;
		c.p = data + sizeof(h);
		c.left = h.bytes;
		read_one(state, h.type, &c);
		*err = c.no_memory ? -ENOMEM : 0;
		if (!finished(&c))
			return false;
		data += sizeof(h) + h.bytes;
		bytes -= sizeof(h) + h.bytes;
		state->bytes += sizeof(h) + h.bytes;
	}
	return true;
}

void devmem__journal_state_free(struct devmem__journal_state *state)
{
	for (unsigned int i = 0; i < state->nowners; i++)
		free(state->owners[i].queues);
	for (unsigned int i = 0; i < state->nentries; i++)
		devmem__change_free(&state->entries[i].change);
	free(state->owners);
	free(state->entries);
	memset(state, 0, sizeof(*state));
}
