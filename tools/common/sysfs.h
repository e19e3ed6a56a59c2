/* SPDX-License-Identifier: MIT */
/* Small files of /proc and /sys. */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first line, without its end. false: it cannot be read, and @text is "". */
bool sysfs_line(const char *path, char *text, size_t room);

/* A decimal or 0x number. false: there is none. */
bool sysfs_number(const char *path, int64_t *value);

/* sysfs_field() - the number behind "@name" in a file of lines, as in /proc/meminfo. */
bool sysfs_field(const char *path, const char *name, uint64_t *value);

#endif
