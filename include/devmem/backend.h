/* SPDX-License-Identifier: MIT */
/*
 * libdevmem, for who brings memory of their own: a table of operations, registered under a name
 * that devmem_buffer_create() takes from then on. Programs that only use memory need devmem.h
 * alone.
 *
 * An operation that a table lacks is NULL, and answered in one place: without copy_in() and
 * copy_out() bytes are copied through the mapping, without gather() by the processor, by whatever
 * of the others there is, and where nothing is left the answer is -EOPNOTSUPP. Operations return 0
 * or a negative errno, after devmem_backend_fail() has set the sentence. They are called by one
 * thread at a time for each piece of memory.
 */
#ifndef DEVMEM_BACKEND_H
#define DEVMEM_BACKEND_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct devmem_backend;

/* A piece of memory. The library makes the structure, zeroed, and frees it; it may grow at its
 * end. */
struct devmem_memory {
	/* the table that it was made by, completed. The library's */
	const struct devmem_backend *backend;
	uint64_t bytes; /* its size */
	/* bytes, where it begins in its dma-buf: exporters may export more than was asked for. What
	 * is only a part of its dma-buf can be sent from, and not be received into */
	uint64_t offset;
	/* its dma-buf; without DEVMEM_BACKEND_DMABUF any file of its own. The library closes it */
	int fd;
	/* bytes, a power of two: every such piece of it, aligned, is contiguous for a NIC, so that
	 * receive pages may be as large. 0: unknown */
	uint32_t block;
	void *map;  /* the processor's view of it: set by map(). NULL before */
	void *priv; /* the backend's own */
	/* which device it is of, as devmem_buffer_opts.device takes it: a ring makes a spill buffer
	 * like it */
	char device[64];
	char what[320]; /* what it is, in words, for devmem_buffer_backend() */
};

/* its files are dma-bufs: they can be bound to a NIC, and accesses are bracketed */
#define DEVMEM_BACKEND_DMABUF 1u
/* alloc() looks at opts->device and opts->near. Without it they are refused */
#define DEVMEM_BACKEND_DEVICES 2u
/* alloc() looks at opts->page_size. Without it that is refused */
#define DEVMEM_BACKEND_PAGES 4u

struct devmem_backend {
	size_t size; /* sizeof(struct devmem_backend) */
	const char *name;
	const char *what;  /* what memory that is, in a few words */
	uint32_t flags;	   /* DEVMEM_BACKEND_ */
	uint32_t reserved; /* 0 */
	/* can memory be had here? 0 or a negative errno; @text: a sentence on what there is. May be
	 * NULL */
	int (*probe)(char *text, size_t room);
	/* fill in @memory: @bytes, never 0. What it does not fill in on failure it must not leave
	 * behind */
	int (*alloc)(uint64_t bytes, const struct devmem_buffer_opts *opts,
		     struct devmem_memory *memory);
	/* what is in priv; the file is closed, and the mapping undone. May be NULL. Not called in a
	 * forked child */
	void (*free)(struct devmem_memory *memory);
	/* set, and undo, memory->map. Both or neither */
	int (*map)(struct devmem_memory *memory);
	void (*unmap)(struct devmem_memory *memory);
	/* copy, and return when that is complete. Any alignment; the range lies in the memory. May
	 * be NULL */
	int (*copy_in)(struct devmem_memory *memory, uint64_t offset, const void *from,
		       size_t bytes);
	int (*copy_out)(struct devmem_memory *memory, uint64_t offset, void *to, size_t bytes);
	/*
	 * Copy @n @ranges of @from, which may be of another backend, to @offset of @to, one behind
	 * the other. They do not overlap with where they go. Return when it is under way, and call
	 * @done once, from any thread, when it is over, or before returning; it may not be waited
	 * for there. What @ranges points to is the caller's again on return.
	 * -EOPNOTSUPP: not between these two; then the processor does it. On failure @done is not
	 * called. May be NULL
	 */
	int (*gather)(struct devmem_memory *to, uint64_t offset, struct devmem_memory *from,
		      const struct devmem_range *ranges, unsigned int n,
		      void (*done)(void *arg, int result), void *arg);
};

/**
 * devmem_backend_register() - make a table known in this process, for good.
 * @backend:	copied; what it points to must stay. Any thread.
 *
 * -EINVAL	no table, or no size in it; no name, no alloc(), or one of map() and unmap() without
 *		the other; unknown flags
 * -EEXIST	the name is taken
 * -ENOSPC	16 were registered
 * -E2BIG	@backend is from a newer version of this header and has something that this library
 *		does not know
 */
DEVMEM_API int devmem_backend_register(const struct devmem_backend *backend);

/**
 * devmem_backend_fail() - set devmem_error() of this thread to a sentence that says what to do
 * about it. @error: an errno, positive. Returns it negated, so that an operation ends with "return
 * devmem_backend_fail(...)".
 *	   Does not fail itself.
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
