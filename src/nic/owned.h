/* SPDX-License-Identifier: MIT */
/*
 * Whose are a journal and its folder? What a journal says is done to the NIC, by root too, so it
 * must come from somebody who may say it: root, this process's user, or whoever was given the
 * folder.
 */
#ifndef DEVMEM__NIC_OWNED_H
#define DEVMEM__NIC_OWNED_H

#include "base/internal.h"

/*
 * devmem__owned_folder() - of the file by the name @path. It must not be a link of a stranger's,
 * nor be writable for its group or for others; its owner is root, this process's effective user, or
 * anybody if only root could have given it to him (the folder above is root's alone). A folder that
 * is not there is none of a stranger's. -EPERM, -ENOTDIR; sets the message. Users are as this
 * process's user namespace shows them: real root is a stranger in one that does not map it.
 */
int devmem__owned_folder(const char *path);

/*
 * devmem__owned_file() - the open file by the name @path: a regular file, not writable for its
 * group or for others, whose owner is root, this process's effective user, or the owner of its
 * folder. -EPERM, -EPROTO; sets the message.
 */
int devmem__owned_file(int fd, const char *path);

/*
 * devmem__owned_folder_name() - the name of the folder that @path is in, followed by @more. It is
 * empty but for @more if @path has no slash.
 */
void devmem__owned_folder_name(const char *path, const char *more, char *folder, size_t room);

#endif
