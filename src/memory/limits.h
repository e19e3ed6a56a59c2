/* SPDX-License-Identifier: MIT */
/* What the machine allows: memory that is there, the process's cgroup, huge pages, parameters of a
 * module. */
#ifndef DEVMEM__MEMORY_LIMITS_H
#define DEVMEM__MEMORY_LIMITS_H

#include <stdio.h>

#include "base/internal.h"

/* devmem__limits_available() - bytes that the kernel thinks can be had, swap included; UINT64_MAX
 * if it does not tell. */
uint64_t devmem__limits_available(void);

/*
 * devmem__limits_cgroup() - the least memory.max of the cgroup that the file @self
 * (/proc/self/cgroup) names and of those that it is in, below @mount. UINT64_MAX: there is none.
 * @file: the one that says so.
 */
uint64_t devmem__limits_cgroup(const char *self, const char *mount, char *file, size_t room);

/* devmem__limits_check() - -ENOMEM if there certainly is not so much memory, rather than processes
 * killed for it. */
int devmem__limits_check(uint64_t bytes, const char *what);

/* devmem__limits_huge() - how many huge pages of one size are free, and how many there are. false:
 * no such size. */
bool devmem__limits_huge(size_t page, uint64_t *unused, uint64_t *all);

/* devmem__limits_huge_words() - the same of all sizes, in words. */
void devmem__limits_huge_words(char *text, size_t room);

/* devmem__limits_number() - the number that a file has. false: it cannot be read. */
bool devmem__limits_number(const char *path, uint64_t *number);

#endif
