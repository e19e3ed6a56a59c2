// SPDX-License-Identifier: MIT
/* The verb "backends": devmem_backends() in words. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#include "ctl.h"
#include "out.h"

static const char usage[] =
	"usage: devmemctl backends [options]\n"
	"Which memory can buffers be made of here, and why not of the rest? Makes none.\n"
	"  -j, --json            for programs\n"
	"  -h, --help\n"
	"Exit status: 0 any works, 1 none does, 2 wrong arguments.\n";

struct list {
	const struct ctl_options *opt;
	struct out_json json;
	unsigned int working;
};

static void for_people(const struct devmem_backend_info *info)
{
	const bool works = !info->result;

	printf("%s%-7s%s %-9s ", out_colour(works ? OUT_GREEN : OUT_YELLOW), works ? "works" : "cannot", out_colour(OUT_PLAIN),
	       info->name);
	out_text(stdout, info->what);
	if (*info->text) {
		printf(": ");
		out_text(stdout, info->text);
	}
	printf("\n");
}

static void for_programs(struct out_json *j, const struct devmem_backend_info *info)
{
	out_object(j, NULL);
	out_string(j, "backend", info->name);
	out_bool(j, "works", !info->result);
	out_number(j, "errno", (uint64_t)-(int64_t)info->result);
	out_string(j, "what", info->what);
	out_string(j, "text", info->text);
	out_end(j);
}

static void tell(void *arg, const struct devmem_backend_info *info)
{
	struct list *list = arg;

	list->working += !info->result;
	if (list->opt->json)
		for_programs(&list->json, info);
	else
		for_people(info);
}

static int backends(const struct ctl_options *opt)
{
	struct list list = { .opt = opt, .json.f = stdout };

	if (opt->json) {
		out_object(&list.json, NULL);
		out_array(&list.json, "backends");
	}
	devmem_backends(tell, &list);
	if (opt->json) {
		out_end(&list.json);
		out_end(&list.json);
	}
	return list.working ? CTL_OK : CTL_NO;
}

const struct ctl_verb ctl_backends = {
	.name = "backends",
	.what = "which memory can buffers be made of, and why not of the rest?",
	.usage = usage,
	.letters = "j",
	.no_interface = true,
	.run = backends,
};
