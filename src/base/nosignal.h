/* SPDX-License-Identifier: MIT */
/*
 * Writing to a file may raise SIGXFSZ (RLIMIT_FSIZE) and to a pipe SIGPIPE, and either ends a
 * program that knows nothing of our files. Between these two calls neither reaches this thread, and
 * what the write raised is gone afterwards: what is left is the errno, EFBIG or EPIPE. Signals that
 * were pending before still are, handlers and the thread's mask are as before.
 */
#ifndef DEVMEM__BASE_NOSIGNAL_H
#define DEVMEM__BASE_NOSIGNAL_H

#include <signal.h>
#include <sys/types.h>

struct devmem__nosignal {
	sigset_t before; /* the thread's mask */
	sigset_t pending;
};

/* errno is kept by both. */
void devmem__nosignal_begin(struct devmem__nosignal *nosignal);
void devmem__nosignal_end(const struct devmem__nosignal *nosignal);

/* devmem__nosignal_pwrite() - pwrite() between the two. */
ssize_t devmem__nosignal_pwrite(int fd, const void *p, size_t bytes, off_t at);

#endif
