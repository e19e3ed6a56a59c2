// SPDX-License-Identifier: MIT
/* The verb "backends": prints devmem_backends(). */
#include "base/internal.h"

#include "ctl.h"
#include "list.h"

static int backends(const struct ctl_options *opt)
{
	struct devmem_backend_info all[64];
	int n = devmem_backends(all, ARRAY_SIZE(all), sizeof(all[0]));
	struct list list;

	list_begin(&list, opt->json, "backends", "backend", 9);
	for (int i = 0; i < n && i < (int)ARRAY_SIZE(all); i++)
		list_add(&list, all[i].name, all[i].what, all[i].result, all[i].text);
	list_end(&list);
	return list.working ? CTL_OK : CTL_NO;
}

const struct ctl_verb ctl_backends = {
	.name = "backends",
	.what = "which memory can buffers be made of, and why not of the rest?",
	.about = "Lists the backends: which memory can buffers be made of here, and why not of the "
		 "rest? Allocates none.",
	.status = "0 at least one works, 1 none does, 2 wrong arguments",
	.letters = "j",
	.no_interface = true,
	.run = backends,
};
