/* SPDX-License-Identifier: MIT */
/*
 * Writing to a file may raise SIGXFSZ (RLIMIT_FSIZE), and writing to a pipe SIGPIPE. Either ends a
 * program that knows nothing of our files. Between these two calls neither signal reaches this
 * thread, and one that the write raised is discarded: only the errno remains, EFBIG or EPIPE.
 * Signals that were pending before stay pending. Handlers and the thread's mask are unchanged.
 */
#ifndef DEVMEM__BASE_NOSIGNAL_H
#define DEVMEM__BASE_NOSIGNAL_H

#include <signal.h>
#include <sys/types.h>

struct devmem__nosignal {
	sigset_t before; /* the thread's mask */
	sigset_t pending;
};

/* Both keep errno. */
void devmem__nosignal_begin(struct devmem__nosignal *nosignal);
void devmem__nosignal_end(const struct devmem__nosignal *nosignal);

/* devmem__nosignal_pwrite() - pwrite() between these two calls. */
ssize_t devmem__nosignal_pwrite(int fd, const void *p, size_t bytes, off_t at);

#endif
