/* SPDX-License-Identifier: MIT */
/*
 * Room base: what every other room builds on: option structures, the error message, the log and
 * small helpers. It includes only the public headers.
 */
#ifndef DEVMEM__BASE_INTERNAL_H
#define DEVMEM__BASE_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "devmem/admin.h" /* the levels of the log */

#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define DEVMEM_PRINTF(f, a)		__attribute__((format(printf, f, a)))

/* Buffers may be larger than 2 GiB, and a journal's owners lock bytes beyond its first 1 TiB. */
_Static_assert(sizeof(off_t) == 8, "off_t must have 64 bits: compile with -D_FILE_OFFSET_BITS=64, "
				   "as CMakeLists.txt does");

#ifndef ETOOSMALL
/* from the kernel, without a name in libc: the control buffer is too small for one cmsg */
#define ETOOSMALL 525
#endif

/*
 * devmem__text() - snprintf() for text that people read, on terminals and in logs too. Control
 * characters and bytes that are not UTF-8 come out as \xNN (text.c). Arguments may lie in @to.
 */
void devmem__text(char *to, size_t room, const char *fmt, ...) DEVMEM_PRINTF(3, 4);
void devmem__text_v(char *to, size_t room, const char *fmt, va_list ap) DEVMEM_PRINTF(3, 0);

/*
 * devmem__fail() - set this thread's error message and return -err, so that a failing call reads
 * "return devmem__fail(ENODEV, ...)". @err is positive. errno is kept.
 */
int devmem__fail(int err, const char *fmt, ...) DEVMEM_PRINTF(2, 3);

/*
 * devmem__log() - send a record to whoever asked for records (log.c). @level is DEVMEM_LOG_ERROR
 * and so on. The text is one line without a newline. errno and the error message are kept. Log only
 * what is out of the ordinary or happens once for each object.
 * devmem__log_wants() - true if somebody asked for records of this level. Ask before doing work
 * that only the record needs.
 */
void devmem__log(int level, const char *fmt, ...) DEVMEM_PRINTF(2, 3);
bool devmem__log_wants(int level);

/* devmem__log_to() - devmem_log_set() without an error message. -EINVAL: no such level. -EBUSY:
 * called from @fn itself. */
int devmem__log_to(int level, void (*fn)(void *arg, int level, const char *text), void *arg);

/* devmem__failed() - log the error message with the name of the public call that failed. */
void devmem__failed(const char *call, int result);

/*
 * devmem__result() - each public call that can fail returns through here, so that a failure is
 * logged as an error once, when the program sees it. An attempt that failed on the way is no error:
 * devmem__fail() logs it for debugging. -EAGAIN, -EINTR and -ENOBUFS are no errors either: they
 * tell the program when to go on. On the data path they are returned without devmem__fail(), since
 * a program may get them often.
 */
#define devmem__result(result) devmem__result_of(__func__, result)
static inline int devmem__result_of(const char *call, int result)
{
	if (__builtin_expect(result < 0, 0))
		devmem__failed(call, result);
	return result;
}

/*
 * devmem__options() - copy a caller's options structure into ours. Members that the caller's older
 * structure lacks become zero. Bytes that a newer one has beyond ours must be zero.
 */
int devmem__options(void *ours, size_t our_size, const void *theirs, const char *name);

/*
 * A list that the caller wants filled in: room for @n items of @size bytes each, as an older or a
 * newer program has them.
 * devmem__array_check() - 0, or -EINVAL with an error message: the items are smaller than @least,
 * or there is no list.
 * devmem__array_put() - make ours item @i of the list if there is room for it. Bytes that a newer
 * structure has beyond ours become zero.
 */
struct devmem__array {
	void *items;
	unsigned int n;
	size_t size;
};
int devmem__array_check(const struct devmem__array *list, size_t least, const char *call);
void devmem__array_put(const struct devmem__array *list, unsigned int i, const void *ours,
		       size_t our_size);

#endif
