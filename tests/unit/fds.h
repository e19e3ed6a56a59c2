/* SPDX-License-Identifier: MIT */
/* How many descriptors are open: as many as before, if nothing was leaked. */
#ifndef FDS_H
#define FDS_H

#include <dirent.h>

#include "unit.h"

static inline unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

#endif
