// SPDX-License-Identifier: MIT
/* The verb "restore": runs devmem_nic_restore() and prints each change. */
#include <errno.h>
#include <stdio.h>

#include "base/internal.h"

#include "ctl.h"
#include "out.h"

struct restore {
	const struct ctl_options *opt;
	struct out_json json;
	unsigned int reported;
};

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

static void tell(void *arg, const char *ifname, int result, const char *text)
{
	struct restore *r = arg;
	enum out_colour colour;
	const char *word = word_of(result, &colour);

	r->reported++;
	if (!r->opt->json) {
		printf("%s%-8s%s %s: ", out_colour(colour), word, out_colour(OUT_PLAIN), ifname);
		out_text(stdout, text);
		printf("\n");
		return;
	}
	out_object(&r->json, NULL);
	out_string(&r->json, "interface", ifname);
	out_string(&r->json, "result", word);
	out_string(&r->json, "text", text);
	out_end(&r->json);
}

static int restore(const struct ctl_options *opt)
{
	struct restore r = { .opt = opt, .json.f = stdout };
	int err;

	if (opt->json) {
		out_object(&r.json, NULL);
		out_array(&r.json, "changes");
	}
	err = devmem_nic_restore(opt->ifname,
				 DEVMEM_OPTS(devmem_restore_opts, .journal = opt->journal,
					     .report = tell, .arg = &r));
	if (opt->json) {
		out_end(&r.json);
		out_bool(&r.json, "complete", !err);
		out_end(&r.json);
	} else if (!err && !r.reported) {
		printf("nothing to put back\n");
	}
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
