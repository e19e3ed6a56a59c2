/* SPDX-License-Identifier: MIT */
/*
 * Who owns a journal and its folder? The library, also as root, does to the NIC what a journal
 * says. So a journal is trusted only if it comes from root, from this process's user, or from the
 * user to whom root gave the folder.
 */
#ifndef DEVMEM__NIC_OWNED_H
#define DEVMEM__NIC_OWNED_H

#include "base/internal.h"

/*
 * devmem__owned_folder() - check the folder of the file @path. It must not be writable for its
 * group or for others, nor be a symbolic link that an untrusted user owns. Its owner must be root
 * or this process's effective user, or any user if only root can have made the folder for him (the
 * parent folder is writable for root alone). A missing folder passes. -EPERM, -ENOTDIR; sets the
 * error message. Users are those of this process's user namespace: the real root is an untrusted
 * user in a namespace that does not map it.
 */
int devmem__owned_folder(const char *path);

/*
 * devmem__owned_file() - check the open file @path. It must be a regular file and not be writable
 * for its group or for others; its owner must be root, this process's effective user, or the owner
 * of its folder. -EPERM, -EPROTO; sets the error message.
 */
int devmem__owned_file(int fd, const char *path);

/* devmem__owned_folder_name() - the part of @path before its last slash, or "" if it has none;
 * @more is appended. */
void devmem__owned_folder_name(const char *path, const char *more, char *folder, size_t room);

#endif
