// SPDX-License-Identifier: MIT
/* The verb "restore": runs devmem_nic_restore() and prints each change. */
#include <errno.h>
#include <stdio.h>

#include "base/internal.h"

#include "ctl.h"
#include "out.h"

#define ROOM 4096u /* more changes are undone, but not listed */

/* The result of a change in one word, and its colour for people. */
static const char *word_of(int result, enum out_colour *colour)
{
	*colour = OUT_YELLOW;
	switch (result) {
	case 0:
		*colour = OUT_GREEN;
		return "undone";
	case 1:
		*colour = OUT_PLAIN;
		return "kept";
	case -ESTALE:
		return "changed";
	case -EBADMSG:
		return "damaged";
	}
	*colour = OUT_RED;
	return "failed";
}

static void tell(const struct devmem_restored *change)
{
	enum out_colour colour;
	const char *word = word_of(change->result, &colour);

	printf("%s%-8s%s %s: ", out_colour(colour), word, out_colour(OUT_PLAIN), change->ifname);
	out_text(stdout, change->text);
	printf("\n");
}

static void for_people(const struct devmem_restored *list, unsigned int count, int err)
{
	for (unsigned int i = 0; i < count && i < ROOM; i++)
		tell(&list[i]);
	if (count > ROOM)
		printf("and %u more\n", count - ROOM);
	if (!err && !count)
		printf("nothing to put back\n");
}

static void for_programs(const struct devmem_restored *list, unsigned int count, int err)
{
	struct out_json json = { .f = stdout };
	enum out_colour colour;

	out_object(&json, NULL);
	out_array(&json, "changes");
	for (unsigned int i = 0; i < count && i < ROOM; i++) {
		out_object(&json, NULL);
		out_string(&json, "interface", list[i].ifname);
		out_string(&json, "result", word_of(list[i].result, &colour));
		out_string(&json, "text", list[i].text);
		out_end(&json);
	}
	out_end(&json);
	out_bool(&json, "complete", !err);
	out_end(&json);
}

static int restore(const struct ctl_options *opt)
{
	static struct devmem_restored list[ROOM];
	unsigned int count = 0;
	int err;

	err = devmem_nic_restore(opt->ifname,
				 DEVMEM_OPTS(devmem_restore_opts, .journal = opt->journal,
					     .list = list, .item_size = sizeof(*list), .room = ROOM,
					     .count = &count));
	if (opt->json)
		for_programs(list, count, err);
	else
		for_people(list, count, err);
	return err ? ctl_failed(err) : CTL_OK;
}

const struct ctl_verb ctl_restore = {
	.name = "restore",
	.what = "put back the settings that processes changed before they were killed",
	.about = "Puts back the settings that processes changed before they were killed. Without "
		 "INTERFACE: on each interface that has a journal.\n"
		 "A setting is put back only if it is still as the process left it. Changes of "
		 "processes that live are not touched.",
	.status = "0 nothing is left to put back, 1 something could not be put back, 2 wrong "
		  "arguments",
	.letters = "dj",
	.run = restore,
};
