// SPDX-License-Identifier: MIT
/* The verb "features": prints devmem_features(). */
#include "base/internal.h"

#include "ctl.h"
#include "list.h"

static int features(const struct ctl_options *opt)
{
	struct devmem_feature_info all[64];
	int n = devmem_features(all, ARRAY_SIZE(all), sizeof(all[0]));
	struct list list;

	list_begin(&list, opt->json, "features", "feature", 11);
	for (int i = 0; i < n && i < (int)ARRAY_SIZE(all); i++)
		list_add(&list, all[i].name, all[i].what, all[i].result, all[i].text);
	list_end(&list);
	return CTL_OK;
}

const struct ctl_verb ctl_features = {
	.name = "features",
	.what = "which features are available with this kernel, and why not the rest?",
	.about = "Lists the library's features: which are available with this kernel and to this "
		 "user, and why not the rest? Changes nothing.",
	.status = "0 done, 2 wrong arguments",
	.letters = "j",
	.no_interface = true,
	.run = features,
};
