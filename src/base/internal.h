/* SPDX-License-Identifier: MIT */
/*
 * Room base: the thin floor under every room: option structures, the error message, the log, small
 * helpers. It includes the public headers alone.
 */
#ifndef DEVMEM__BASE_INTERNAL_H
#define DEVMEM__BASE_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "devmem/devmem.h"

#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define DEVMEM_PRINTF(f, a)		__attribute__((format(printf, f, a)))

/* Buffers are larger than 2 GiB, and a journal's owners lock bytes behind 1 TiB of it. */
_Static_assert(sizeof(off_t) == 8, "off_t must have 64 bits: compile with -D_FILE_OFFSET_BITS=64, "
				   "as CMakeLists.txt does");

#ifndef ETOOSMALL
/* the kernel's own: a control buffer too small for one cmsg; libc has no name for it */
#define ETOOSMALL 525
#endif

/*
 * devmem__text() - snprintf() for whatever people read, terminals and logs included: control
 * characters, and bytes that are no UTF-8, come out as \xNN (text.c). Arguments may lie in @to.
 */
void devmem__text(char *to, size_t room, const char *fmt, ...) DEVMEM_PRINTF(3, 4);
void devmem__text_v(char *to, size_t room, const char *fmt, va_list ap) DEVMEM_PRINTF(3, 0);

/*
 * devmem__fail() - set this thread's sentence and return -err, so that a failing call reads
 * "return devmem__fail(ENODEV, ...)". errno is kept. err is positive.
 */
int devmem__fail(int err, const char *fmt, ...) DEVMEM_PRINTF(2, 3);

/*
 * devmem__log() - a record, DEVMEM_LOG_ERROR and so on, for whoever asked for it (log.c). One line,
 * without a newline. errno and the sentence are kept. For what is out of the ordinary alone, or
 * happens once for each object. devmem__log_wants() - is anybody there? For records that take more
 * than their arguments to make.
 */
void devmem__log(int level, const char *fmt, ...) DEVMEM_PRINTF(2, 3);
bool devmem__log_wants(int level);

/* devmem__log_to() - what devmem_log_set() does, without an error message: -EINVAL, or -EBUSY if
 * called from @fn itself. */
int devmem__log_to(int level, void (*fn)(void *arg, int level, const char *text), void *arg);

/* devmem__failed() - log the error message, with the public call that failed. */
void devmem__failed(const char *call, int result);

/*
 * devmem__result() - what each public call that can fail returns goes through here, so that its
 * failure is told once, as the error that the program sees. What was tried on the way and failed is
 * no error: devmem__fail() tells that for debugging. Nor are answers that say when to go on:
 * -EAGAIN, -EINTR, -ENOBUFS.
 */
#define devmem__result(result) devmem__result_of(__func__, result)
static inline int devmem__result_of(const char *call, int result)
{
	if (__builtin_expect(result < 0, 0))
		devmem__failed(call, result);
	return result;
}

/*
 * devmem__options() - copy a caller's options structure into one of ours.
 * What the caller's (older) structure lacks is zero; what it has beyond ours must be zero.
 */
int devmem__options(void *ours, size_t our_size, const void *theirs, const char *name);

#endif
