/* SPDX-License-Identifier: MIT */
/* Small files of /proc and /sys. */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* sysfs_line() - reads the first line, without its newline. False: unreadable, and @text is "". */
bool sysfs_line(const char *path, char *text, size_t room);

/* sysfs_number() - reads a decimal or 0x number. False: there is none. */
bool sysfs_number(const char *path, int64_t *value);

/* sysfs_field() - reads the number after "@name" in a file with a field on each line, such as
 * /proc/meminfo. */
bool sysfs_field(const char *path, const char *name, uint64_t *value);

#endif
