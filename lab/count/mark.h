/* SPDX-License-Identifier: MIT */
/*
 * Marks for "scripts/lab run --count": instructions executed between them, on any processor, are
 * counted. A mark is a no-operation that compilers never emit: a program with marks runs anywhere.
 */
#ifndef LAB_COUNT_MARK_H
#define LAB_COUNT_MARK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The displacement of nopl displacement(%rax), which is 7 bytes: 0f 1f 80 and the displacement. */
#define LAB_COUNT_BEGIN 0x6c61620
#define LAB_COUNT_END	0x6c61621

#if defined(__x86_64__)
#define lab_count_mark(which) \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" : : "i"(which) : "memory")
#else
#define lab_count_mark(which) ((void)0)
#endif

/* Where the counting guest is told what it cannot see by itself. NULL anywhere else. */
static inline FILE *lab_count_port(void)
{
	const char *path = getenv("LAB_COUNT");

	return path ? fopen(path, "ae") : NULL;
}

/* Names the next count, and tells where the code of the program and its libraries is mapped. */
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

/* Counting starts here and stops at lab_count_end(). Neither makes a system call. */
static inline void lab_count_begin(void)
{
	lab_count_mark(LAB_COUNT_BEGIN);
}

static inline void lab_count_end(void)
{
	lab_count_mark(LAB_COUNT_END);
}

/* How many bytes the last count was for. */
static inline void lab_count_bytes(uint64_t bytes)
{
	FILE *port = lab_count_port();

	if (!port)
		return;
	fprintf(port, "bytes %llu\n", (unsigned long long)bytes);
	fclose(port);
}

#endif
