/* SPDX-License-Identifier: MIT */
/*
 * libdevmem: for programs that bring memory of their own. A backend is a table of operations,
 * registered under a name that devmem_buffer_create() then takes. Programs that only use memory
 * need devmem.h alone.
 *
 * An operation that a table lacks is NULL, and the library stands in for it in one place: without
 * copy_in() and copy_out() it copies bytes through the mapping; without gather() the processor
 * gathers, by whichever other operations there are. Where no way is left, the result is
 * -EOPNOTSUPP. Operations return 0, or a negative errno after setting the error message with
 * devmem_backend_fail(). For each piece of memory, one thread at a time calls alloc() and free()
 * and gathers into it. Several threads at once may call the others, if the program uses several
 * rings: map() then gets copies of the structure, and those mappings that are not needed are
 * undone.
 */
#ifndef DEVMEM_BACKEND_H
#define DEVMEM_BACKEND_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct devmem_backend;

/* A piece of memory. The library allocates the structure, zeroed, and frees it; it may grow at its
 * end. */
struct devmem_memory {
	/* the table that made it, completed. The library's */
	const struct devmem_backend *backend;
	uint64_t bytes; /* its size */
	/* where it begins in its dma-buf, in bytes: exporters may export more than was asked for.
	 * Memory that is only a part of its dma-buf can be sent from, but not received into */
	uint64_t offset;
	/* its dma-buf; without DEVMEM_BACKEND_DMABUF any file of its own. The library closes it */
	int fd;
	/* bytes, a power of two: each aligned piece of this size is contiguous for a NIC, so
	 * receive pages may be as large. 0: unknown */
	uint32_t block;
	void *map;  /* the processor's view of it, set by map(); NULL before */
	void *priv; /* the backend's own */
	/* its device, as devmem_buffer_opts.device takes it: a ring allocates a spill buffer from
	 * the same device */
	char device[64];
	char what[320]; /* description for devmem_buffer_backend() */
};

/* its files are dma-bufs: they can be bound to a NIC, and the processor's accesses are bracketed */
#define DEVMEM_BACKEND_DMABUF 1u
/* alloc() uses opts->device and opts->near. Without this flag they are refused */
#define DEVMEM_BACKEND_DEVICES 2u
/* alloc() uses opts->page_size. Without this flag it is refused */
#define DEVMEM_BACKEND_PAGES 4u

struct devmem_backend {
	size_t size;	   /* sizeof(struct devmem_backend) */
	const char *name;  /* 1 to 63 bytes */
	const char *what;  /* what kind of memory it has, in a few words */
	uint32_t flags;	   /* DEVMEM_BACKEND_ */
	uint32_t reserved; /* 0 */
	/* the program's own, which the library does not look at: so one set of operations can be
	 * registered several times, for several pools or devices. probe() gets it as its argument;
	 * all other operations have it in their memory: memory->backend->arg */
	void *arg;
	/* is memory available here? 0 or a negative errno. @arg: of this table. @text: @room bytes
	 * for a remark on what there is. May be NULL */
	int (*probe)(void *arg, char *text, size_t room);
	/* fill in @memory, of @bytes, never 0; its @backend is set already. On failure leave
	 * nothing behind, since the library frees nothing then */
	int (*alloc)(uint64_t bytes, const struct devmem_buffer_opts *opts,
		     struct devmem_memory *memory);
	/* free what priv refers to; the file is closed and the mapping undone before. May be NULL.
	 * Not called in a forked child */
	void (*free)(struct devmem_memory *memory);
	/* set, and undo, memory->map. Both or neither */
	int (*map)(struct devmem_memory *memory);
	void (*unmap)(struct devmem_memory *memory);
	/* copy, and return when the copy is complete. Any alignment; the range lies in the memory.
	 * May be NULL */
	int (*copy_in)(struct devmem_memory *memory, uint64_t offset, const void *from,
		       size_t bytes);
	int (*copy_out)(struct devmem_memory *memory, uint64_t offset, void *to, size_t bytes);
	/*
	 * Copy @n @ranges of @from, which may be of another backend, to @offset of @to, one behind
	 * the other. The ranges do not overlap with the destination. Return when the copy is under
	 * way, without waiting for its end. Call @done once, when the copy is over: from any
	 * thread, or before returning. @ranges is the caller's again on return.
	 * -EOPNOTSUPP: not between these two; then the processor copies. On failure do not call
	 * @done. May be NULL
	 */
	int (*gather)(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
		      const struct devmem_range *ranges, unsigned int n,
		      void (*done)(void *arg, int result), void *arg);
	/* the address of the memory's first byte, as its device's own programs use it. 0: it has
	 * none; @reason: then set to a text that says why, otherwise to one that says what the
	 * address is; the text must stay as long as the memory. Unlike the others, it may be called
	 * by any thread at any time. May be NULL: 0 */
	uint64_t (*device_address)(const struct devmem_memory *memory, const char **reason);
};

/**
 * devmem_backend_register() - add a backend to this process, permanently.
 * @backend:	copied; what it points to must stay.
 *
 * Any thread.
 *
 * -EINVAL	no table, or no size in it; no name, or one of more than 63 bytes; no alloc(); only
 *		one of map() and unmap(); or unknown flags
 * -EEXIST	the name is taken
 * -ENOSPC	16 are registered already
 * -E2BIG	@backend is from a newer version of this header and has something that this library
 *		does not know
 */
DEVMEM_API int devmem_backend_register(const struct devmem_backend *backend);

/**
 * devmem_backend_fail() - set this thread's devmem_error() to a message that says what to do about
 * it.
 * @error:	an errno, positive.
 * @format:	as for printf(3).
 *
 * Does not fail itself: it returns @error negated, so that an operation can end with "return
 * devmem_backend_fail(...)".
 */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
/* On the line of DEVMEM_API, where scripts/test looks for names. */
/* clang-format off */
DEVMEM_API int devmem_backend_fail(int error, const char *format, ...);
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif /* DEVMEM_BACKEND_H */
