/* SPDX-License-Identifier: MIT */
/*
 * The other end of QEMU's vfio-user-pci: one connection for each device. The protocol is
 * docs/interop/vfio-user.rst of QEMU; commands and flags are those of <linux/vfio.h>.
 */
#ifndef GVE_SERVER_H
#define GVE_SERVER_H

#include <stdbool.h>

struct device;

/* Listens on a UNIX socket. Returns the descriptor, or -1 with a message on stderr. */
int server_listen(const char *path);

/* Reads one message and answers it. False: the connection has ended, or there is no use in it. */
bool server_serve(struct device *d, int fd);

#endif
