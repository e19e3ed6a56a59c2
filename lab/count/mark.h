/* SPDX-License-Identifier: MIT */
/*
 * Marks for "scripts/lab run --count": what is executed between them, on any processor, is counted.
 * They are no-operations that compilers do not make, so a program with marks runs anywhere.
 */
#ifndef LAB_COUNT_MARK_H
#define LAB_COUNT_MARK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* nopl displacement(%rax), as 7 bytes: 0f 1f 80 and the displacement */
#define LAB_COUNT_BEGIN 0x6c61620
#define LAB_COUNT_END	0x6c61621

#if defined(__x86_64__)
#define lab_count_mark(which) \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" : : "i"(which) : "memory")
#else
#define lab_count_mark(which) ((void)0)
#endif

/* Where the counting guest wants what it cannot see by itself; nothing elsewhere. */
static inline FILE *lab_count_port(void)
{
	const char *path = getenv("LAB_COUNT");

	return path ? fopen(path, "ae") : NULL;
}

/* What this count is called, and where the program's and its libraries' code lies. */
static inline void lab_count_name(const char *name)
{
	FILE *port = lab_count_port(), *maps = fopen("/proc/self/maps", "re");
	char line[512];

	if (port)
		fprintf(port, "count %s\n", name);
	while (port && maps && fgets(line, sizeof(line), maps))
		fprintf(port, "map %s", line);
	if (maps)
		fclose(maps);
	if (port)
		fclose(port);
}

/* Counting starts and stops here, with no system call in between that is not the program's own. */
static inline void lab_count_begin(void)
{
	lab_count_mark(LAB_COUNT_BEGIN);
}

static inline void lab_count_end(void)
{
	lab_count_mark(LAB_COUNT_END);
}

/* How many bytes the count was for. */
static inline void lab_count_bytes(uint64_t bytes)
{
	FILE *port = lab_count_port();

	if (!port)
		return;
	fprintf(port, "bytes %llu\n", (unsigned long long)bytes);
	fclose(port);
}

#endif
