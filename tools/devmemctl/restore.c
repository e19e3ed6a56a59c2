// SPDX-License-Identifier: MIT
/* The verb "restore": devmem_nic_restore(), told change by change. */
#include <errno.h>
#include <stdio.h>

#include "base/internal.h"

#include "ctl.h"
#include "out.h"

static const char usage[] = "usage: devmemctl restore [options] [INTERFACE]\n"
			    "Puts back what processes changed that were killed before they could. "
			    "Without INTERFACE: all that have a journal.\n"
			    "Only what they changed, and only if it still is as they left it; "
			    "nothing of a process that lives is touched.\n"
			    "  -d, --journal FOLDER  where transactions are written down (default "
			    "/run/devmem)\n"
			    "  -j, --json            for programs\n"
			    "  -h, --help\n"
			    "Exit status: 0 nothing is left to put back, 1 something could not be, "
			    "2 wrong arguments.\n";

struct restore {
	const struct ctl_options *opt;
	struct out_json json;
	unsigned int told;
};

/* How each change ended, in a word; the colour for people. */
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

	r->told++;
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
	} else if (!err && !r.told) {
		printf("nothing to put back\n");
	}
	return err ? ctl_failed(err) : CTL_OK;
}

const struct ctl_verb ctl_restore = {
	.name = "restore",
	.what = "put back what processes changed that were killed before they could",
	.usage = usage,
	.letters = "dj",
	.run = restore,
};
