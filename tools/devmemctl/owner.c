// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/exporter.h"

#include "owner.h"
#include "sysfs.h"

struct inodes {
	unsigned int count;
	uint64_t *inode;
};

/* Collects the inodes of the generic netlink sockets in this network namespace from
 * /proc/net/netlink, where the inode is the last column. */
static void find_sockets(struct inodes *all)
{
	FILE *f = fopen("/proc/net/netlink", "re");
	unsigned int protocol;
	char line[256];
	uint64_t inode;

	while (f && fgets(line, sizeof(line), f)) {
		uint64_t *more;

		if (sscanf(line, "%*s %u %*s %*s %*s %*s %*s %*s %*s %" SCNu64, &protocol,
			   &inode) != 2 ||
		    protocol != NETLINK_GENERIC)
			continue;
		more = realloc(all->inode, (all->count + 1) * sizeof(*more));
		if (!more)
			break;
		all->inode = more;
		all->inode[all->count++] = inode;
	}
	if (f)
		fclose(f);
}

static bool contains(const struct inodes *all, uint64_t inode)
{
	for (unsigned int i = 0; i < all->count; i++)
		if (all->inode[i] == inode)
			return true;
	return false;
}

static void note_dmabuf(struct owner *owner, const char *fd)
{
	char path[64];
	uint64_t bytes;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", owner->pid, fd);
	if (!sysfs_field(path, "size:", &bytes) || bytes < owner->bytes)
		return;
	owner->bytes = bytes;
	if (devmem__exporter_name(path, owner->exporter))
		owner->exporter[0] = '\0';
}

/* Notes what a descriptor is, by the target of its link in /proc. */
static void note_descriptor(struct owner *owner, const struct inodes *sockets, const char *fd)
{
	char path[64], target[128];
	uint64_t inode;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", owner->pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	if (!strncmp(target, "/dmabuf:", strlen("/dmabuf:")))
		note_dmabuf(owner, fd);
	else if (!strcmp(target, "anon_inode:[io_uring]"))
		owner->io_uring = true;
	else if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1 && contains(sockets, inode))
		owner->netlink = true;
}

/* False: this process may not inspect it. A process that has ended meanwhile has nothing. */
static bool inspect(struct owner *owner, const struct inodes *sockets)
{
	struct dirent *e;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", owner->pid);
	dir = opendir(path);
	if (!dir)
		return errno != EACCES && errno != EPERM;
	while ((e = readdir(dir)))
		if (isdigit((unsigned char)*e->d_name))
			note_descriptor(owner, sockets, e->d_name);
	closedir(dir);
	snprintf(path, sizeof(path), "/proc/%d/comm", owner->pid);
	sysfs_line(path, owner->command, sizeof(owner->command));
	return true;
}

static int add(struct owners *owners, const struct owner *owner)
{
	struct owner *more = realloc(owners->owner, (owners->count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	owners->owner = more;
	owners->owner[owners->count++] = *owner;
	return 0;
}

int owners_find(struct owners *owners)
{
	struct inodes sockets = { 0 };
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int err = 0;

	memset(owners, 0, sizeof(*owners));
	find_sockets(&sockets);
	while (!err && proc && (e = readdir(proc))) {
		struct owner owner = { .pid = atoi(e->d_name) };

		if (owner.pid <= 0 || owner.pid == getpid())
			continue;
		if (!inspect(&owner, &sockets))
			owners->hidden = true;
		else if (owner.bytes && (owner.netlink || owner.io_uring))
			err = add(owners, &owner);
	}
	if (proc)
		closedir(proc);
	free(sockets.inode);
	return err;
}
