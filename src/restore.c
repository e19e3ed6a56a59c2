// SPDX-License-Identifier: MIT
/* What the dead left, undone by hand: one interface, or all that have a journal. */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "journal.h"
#include "nic.h"

static int restore_one(const char *ifname, const struct devmem_restore_opts *o)
{
	const struct devmem__restore restore = { .report = o->report, .arg = o->arg };
	struct devmem_nic *nic;
	int err = devmem__nic_open_idle(ifname, o->journal, &nic);

	if (err)
		return err;
	err = devmem__nic_recover(nic, &restore);
	devmem__nic_unref(nic);
	return err;
}

/* The interface that a journal is of, by its file's name. An interface that is not here cannot be helped from here. */
static bool is_here(const char *file, uint64_t netns, char name[IF_NAMESIZE])
{
	unsigned long long of;
	unsigned int ifindex;
	int end = 0;

	if (sscanf(file, "%llu-%u.journal%n", &of, &ifindex, &end) != 2 || !end || file[end] || of != netns)
		return false;
	return if_indextoname(ifindex, name);
}

static int restore_all(const struct devmem_restore_opts *o)
{
	const char *folder = o->journal ? o->journal : DEVMEM__JOURNAL_FOLDER;
	const uint64_t netns = devmem__journal_netns();
	char name[IF_NAMESIZE], first[512] = "";
	struct dirent *entry;
	int result = 0;
	DIR *dir = opendir(folder);

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return devmem__fail(errno, "cannot read %s: %s", folder, strerror(errno));
	while ((entry = readdir(dir))) {
		int err = is_here(entry->d_name, netns, name) ? restore_one(name, o) : 0;

		if (err && !result) {
			result = err;
			snprintf(first, sizeof(first), "%s", devmem_error());
		}
	}
	closedir(dir);
	return result ? devmem__fail(-result, "%s", first) : 0;
}

int devmem_nic_restore(const char *ifname, const struct devmem_restore_opts *opts)
{
	struct devmem_restore_opts o;
	int err = devmem__options(&o, sizeof(o), opts, "devmem_restore_opts");

	if (err)
		return err;
	return ifname ? restore_one(ifname, &o) : restore_all(&o);
}
