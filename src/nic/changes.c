// SPDX-License-Identifier: MIT
/* What a transaction changed, in order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/internal.h"
#include "nic/changes.h"

void devmem__change_free(struct devmem__change *c)
{
	free(c->before);
	free(c->after);
	free(c->queues);
	memset(c, 0, sizeof(*c));
}

void devmem__change_describe(const struct devmem__change *c, char *text, size_t room)
{
	switch (c->kind) {
	case DEVMEM__CHANGE_SPLIT:
		snprintf(text, room, "header/data split and its threshold");
		return;
	case DEVMEM__CHANGE_TABLE:
		snprintf(text, room, "the RSS table");
		return;
	case DEVMEM__CHANGE_CONTEXT:
		snprintf(text, room, c->context ? "RSS context %u" : "an RSS context", c->context);
		return;
	case DEVMEM__CHANGE_RULE:
		snprintf(text, room, "the flow rule at location %u", c->rule.fs.location);
		return;
	case DEVMEM__CHANGE_FEATURE:
		snprintf(text, room, "the feature %s", c->feature);
		return;
	case DEVMEM__CHANGE_QDISC:
		snprintf(text, room, "the clsact qdisc");
		return;
	case DEVMEM__CHANGE_GUARD:
		snprintf(text, room, "the filter against urgent data");
		return;
	}
	snprintf(text, room, "a change that is not known");
}

static int grow(struct devmem__undo *undo)
{
	unsigned int room = undo->room ? undo->room * 2 : 8;
	struct devmem__change *more = realloc(undo->changes, room * sizeof(*more));

	if (!more)
		return -ENOMEM;
	memset(more + undo->room, 0, (room - undo->room) * sizeof(*more));
	undo->changes = more;
	undo->room = room;
	return 0;
}

struct devmem__change *devmem__undo_prepare(struct devmem__undo *undo,
					    enum devmem__change_kind kind)
{
	struct devmem__change *c;

	if (undo->count == undo->room && grow(undo) < 0)
		return NULL;
	c = &undo->changes[undo->count];
	devmem__change_free(c);
	c->kind = kind;
	return c;
}

void devmem__undo_commit(struct devmem__undo *undo)
{
	undo->count++;
}

void devmem__undo_forget(struct devmem__undo *undo, unsigned int at)
{
	devmem__change_free(&undo->changes[at]);
	undo->count--;
	memmove(&undo->changes[at], &undo->changes[at + 1],
		(undo->count - at) * sizeof(*undo->changes));
	/* its copy is in the entry before this one, and owns what both point to */
	memset(&undo->changes[undo->count], 0, sizeof(*undo->changes));
}

int devmem__undo_rollback(struct devmem__undo *undo, unsigned int keep, devmem__undo_fn fn,
			  void *arg)
{
	char first[512];
	int result = 0;

	if (undo->count < undo->room)
		devmem__change_free(&undo->changes[undo->count]);
	while (undo->count > keep) {
		struct devmem__change *c = &undo->changes[--undo->count];
		int err = fn(c, arg);

		if (err && !result) {
			result = err;
			snprintf(first, sizeof(first), "%s", devmem_error());
		}
		devmem__change_free(c);
	}
	return result ? devmem__fail(-result, "%s", first) : 0;
}

void devmem__undo_free(struct devmem__undo *undo)
{
	for (unsigned int i = 0; i < undo->room; i++)
		devmem__change_free(&undo->changes[i]);
	free(undo->changes);
	memset(undo, 0, sizeof(*undo));
}
