// SPDX-License-Identifier: MIT
/*
 * getpid() would cost a system call in each call on the data path, and a grandchild may get its
 * grandparent's pid. So the number is our own, in a page that the kernel clears in a child, however
 * the child was made.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/process.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

_Atomic uint32_t *devmem__process_page;

/* The last number that was given out. A child counts on from its parent's, so no object made by an
 * ancestor carries the child's number. */
static _Atomic uint32_t last_process;

static void make_page(void)
{
	const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	if (madvise(p, bytes, MADV_WIPEONFORK))
		munmap(p, bytes);
	else
		devmem__process_page = p;
}

uint32_t devmem__process(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint32_t number, none = 0;

	pthread_once(&once, make_page);
	if (!devmem__process_page)
		return (uint32_t)getpid();
	number = atomic_load(devmem__process_page);
	if (number)
		return number;
	number = atomic_fetch_add(&last_process, 1) + 1;
	return atomic_compare_exchange_strong(devmem__process_page, &none, number) ? number : none;
}

uint64_t devmem__thread(void)
{
	static _Atomic uint64_t last;
	static _Thread_local uint64_t ours;

	if (__builtin_expect(!ours, 0))
		ours = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
	return ours;
}

int devmem__process_foreign(const char *what)
{
	return devmem__fail(EEXIST,
			    "%s was made before fork(), by another process, and only that one can "
			    "use it: make what this process needs after fork()",
			    what);
}
