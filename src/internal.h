/* SPDX-License-Identifier: MIT */
/* The thin floor under every room: option structures, the error sentence, small helpers. */
#ifndef DEVMEM_INTERNAL_H
#define DEVMEM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devmem/devmem.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define DEVMEM_PRINTF(f, a) __attribute__((format(printf, f, a)))

#ifndef ETOOSMALL
#define ETOOSMALL 525 /* the kernel's own: a control buffer too small for one cmsg; libc has no name for it */
#endif

/*
 * devmem__fail() - set this thread's sentence and return -err, so that a failing call reads
 * "return devmem__fail(ENODEV, ...)". errno is kept. err is positive.
 */
int devmem__fail(int err, const char *fmt, ...) DEVMEM_PRINTF(2, 3);

/*
 * devmem__options() - copy a caller's options structure into one of ours.
 * What the caller's (older) structure lacks is zero; what it has beyond ours must be zero.
 */
int devmem__options(void *ours, size_t our_size, const void *theirs, const char *name);

#endif
