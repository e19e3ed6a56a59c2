/* SPDX-License-Identifier: MIT */
/* What the machine allows: available memory, the process's cgroup, huge pages, module
 * parameters. */
#ifndef DEVMEM__MEMORY_LIMITS_H
#define DEVMEM__MEMORY_LIMITS_H

#include <stdio.h>

#include "base/internal.h"

/* devmem__limits_available() - the kernel's estimate of the bytes that can be allocated, swap
 * included; UINT64_MAX if it gives none. */
uint64_t devmem__limits_available(void);

/*
 * devmem__limits_cgroup() - the smallest memory.max of a cgroup and its ancestors below @mount. The
 * file @self (/proc/self/cgroup) names the cgroup. UINT64_MAX: there is no limit.
 * @file: the memory.max with the limit.
 */
uint64_t devmem__limits_cgroup(const char *self, const char *mount, char *file, size_t room);

/* devmem__limits_check() - -ENOMEM if there certainly is not enough memory. Otherwise the kernel
 * would kill processes to make room. */
int devmem__limits_check(uint64_t bytes, const char *what);

/* devmem__limits_huge() - how many huge pages of one size are free, and how many exist. false: this
 * machine has no such size. */
bool devmem__limits_huge(size_t page, uint64_t *unused, uint64_t *all);

/* devmem__limits_huge_words() - the same for all sizes, in words. */
void devmem__limits_huge_words(char *text, size_t room);

/* devmem__limits_number() - the number in a file. false: it cannot be read. */
bool devmem__limits_number(const char *path, uint64_t *number);

#endif
