// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nic/owned.h"

#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)

static bool is_trusted(uid_t user)
{
	return user == 0 || user == geteuid();
}

void devmem__owned_folder_name(const char *path, const char *more, char *folder, size_t room)
{
	const char *slash = strrchr(path, '/');
	int bytes = slash ? (int)(slash - path) : 0;

	snprintf(folder, room, "%.*s%s", bytes, path, more);
}

static bool was_given_by_root(const char *path)
{
	char above[300];
	struct stat st;

	devmem__owned_folder_name(path, "/..", above, sizeof(above));
	return !stat(above, &st) && st.st_uid == 0 && !(st.st_mode & WRITABLE_BY_OTHERS);
}

int devmem__owned_folder(const char *path)
{
	char folder[300];
	struct stat st;

	devmem__owned_folder_name(path, "", folder, sizeof(folder));
	if (lstat(folder, &st))
		return 0; /* opening the file will fail and say why */
	if (S_ISLNK(st.st_mode) && !is_trusted(st.st_uid))
		return devmem__fail(EPERM,
				    "the journal's folder %s is a link of user %u, and is not "
				    "followed: remove it, or name another folder",
				    folder, st.st_uid);
	if (stat(folder, &st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return devmem__fail(ENOTDIR,
				    "%s, where the journal should be, is not a folder: name "
				    "another one",
				    folder);
	if (st.st_mode & WRITABLE_BY_OTHERS)
		return devmem__fail(EPERM,
				    "the journal's folder %s can be written to by others, who "
				    "could put anything there: \"chmod go-w %s\", or name another "
				    "folder",
				    folder, folder);
	if (is_trusted(st.st_uid) || was_given_by_root(path))
		return 0;
	return devmem__fail(EPERM,
			    "the journal's folder %s belongs to user %u, who is not trusted: name "
			    "another folder",
			    folder, st.st_uid);
}

int devmem__owned_file(int fd, const char *path)
{
	char folder[300];
	struct stat st, above;

	if (fstat(fd, &st))
		return devmem__fail(errno, "cannot %s the journal %s: %s", "look at", path,
				    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return devmem__fail(EPROTO,
				    "%s is not a regular file, so it is not a journal: remove it",
				    path);
	devmem__owned_folder_name(path, "", folder, sizeof(folder));
	if (!is_trusted(st.st_uid) && (stat(folder, &above) || above.st_uid != st.st_uid))
		return devmem__fail(EPERM,
				    "the journal %s belongs to user %u, who is neither root, nor "
				    "this process's user, nor the owner of the folder, so it is "
				    "not trusted: remove it",
				    path, st.st_uid);
	if (st.st_mode & WRITABLE_BY_OTHERS)
		return devmem__fail(EPERM,
				    "the journal %s can be written to by others, so it is not "
				    "trusted: remove it",
				    path);
	return 0;
}
