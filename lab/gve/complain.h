/* SPDX-License-Identifier: MIT */
/* Complaints: what a driver should not do. A run of the lab with any of them fails. */
#ifndef GVE_COMPLAIN_H
#define GVE_COMPLAIN_H

#include <stdbool.h>

struct device;

/* Opens the file that the complaints go to. False, with a message on stderr, if that fails. */
bool complain_to(const char *path);

/* Writes one complaint, with the device's name. After the first hundred they are only counted. */
__attribute__((format(printf, 2, 3))) void complain(struct device *d, const char *format, ...);

/* With GVE_TRACE=FILE in the environment: a line there for each command, reset and fault. */
__attribute__((format(printf, 2, 3))) void trace(const struct device *d, const char *format, ...);

#endif
