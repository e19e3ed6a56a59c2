// SPDX-License-Identifier: MIT
/* The verb "features": prints devmem_features(). */
#include "base/internal.h"

#include "ctl.h"
#include "list.h"

static void tell(void *arg, const struct devmem_feature_info *info)
{
	list_add(arg, info->name, info->what, info->result, info->text);
}

static int features(const struct ctl_options *opt)
{
	struct list list;

	list_begin(&list, opt->json, "features", "feature", 11);
	devmem_features(tell, &list);
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
