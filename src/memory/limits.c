// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory/limits.h"

#define HUGE_PAGES "/sys/kernel/mm/hugepages"
#define MAX_SIZES  8 /* of huge pages: no processor has more sizes */

bool devmem__limits_number(const char *path, uint64_t *number)
{
	FILE *f = fopen(path, "re");
	bool got;

	if (!f)
		return false;
	got = fscanf(f, "%" SCNu64, number) == 1;
	fclose(f);
	return got;
}

/* --------------------------------------------------------------------------------------- memory */

uint64_t devmem__limits_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	uint64_t available = UINT64_MAX, swap = 0;
	char line[128];

	if (!f)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "MemAvailable: %" SCNu64 " kB", &available);
		sscanf(line, "SwapFree: %" SCNu64 " kB", &swap);
	}
	fclose(f);
	return available == UINT64_MAX ? available : (available + swap) << 10;
}

/* "0::/path" is the line of cgroup version 2, the only one with a single tree for everything. */
static bool cgroup_path(const char *self, char *path, size_t room)
{
	FILE *f = fopen(self, "re");
	char line[512];
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		found = !strncmp(line, "0::/", 4);
		line[strcspn(line, "\n")] = '\0';
	}
	fclose(f);
	if (found)
		snprintf(path, room, "%s", line + strlen("0::"));
	return found;
}

uint64_t devmem__limits_cgroup(const char *self, const char *mount, char *file, size_t room)
{
	uint64_t least = UINT64_MAX, max;
	char path[512], limit[1024];
	char *slash;

	if (!cgroup_path(self, path, sizeof(path)))
		return least;
	do {
		slash = strrchr(path, '/');
		snprintf(limit, sizeof(limit), "%s%s/memory.max", mount, slash[1] ? path : "");
		/* "max" is not a number */
		if (devmem__limits_number(limit, &max) && max < least) {
			least = max;
			snprintf(file, room, "%s", limit);
		}
		if (slash == path && slash[1])
			slash++; /* only the root is left */
		*slash = '\0';
	} while (*path);
	return least;
}

int devmem__limits_check(uint64_t bytes, const char *what)
{
	uint64_t available = devmem__limits_available(), max;
	char file[256];

	if (bytes > available)
		return devmem__fail(ENOMEM,
				    "cannot allocate %" PRIu64 " bytes for %s: only "
				    "%" PRIu64 " are available",
				    bytes, what, available);
	max = devmem__limits_cgroup("/proc/self/cgroup", "/sys/fs/cgroup", file, sizeof(file));
	if (bytes > max)
		return devmem__fail(ENOMEM,
				    "cannot allocate %" PRIu64 " bytes for %s: this "
				    "process's cgroup is limited to %" PRIu64 " (%s)",
				    bytes, what, max, file);
	return 0;
}

/* ----------------------------------------------------------------------------------- huge pages */

bool devmem__limits_huge(size_t page, uint64_t *unused, uint64_t *all)
{
	char path[128];

	snprintf(path, sizeof(path), HUGE_PAGES "/hugepages-%zukB/free_hugepages", page >> 10);
	if (!devmem__limits_number(path, unused))
		return false;
	snprintf(path, sizeof(path), HUGE_PAGES "/hugepages-%zukB/nr_hugepages", page >> 10);
	return devmem__limits_number(path, all);
}

static int by_size(const void *a, const void *b)
{
	const size_t one = *(const size_t *)a, other = *(const size_t *)b;

	return one < other ? -1 : one > other;
}

static unsigned int sizes(size_t page[MAX_SIZES])
{
	DIR *dir = opendir(HUGE_PAGES);
	struct dirent *entry;
	unsigned int n = 0;
	size_t kib;

	if (!dir)
		return 0;
	while (n < MAX_SIZES && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "hugepages-%zukB", &kib) == 1)
			page[n++] = kib << 10;
	closedir(dir);
	qsort(page, n, sizeof(page[0]), by_size);
	return n;
}

void devmem__limits_huge_words(char *text, size_t room)
{
	size_t page[MAX_SIZES];
	unsigned int n = sizes(page);
	uint64_t unused, all;

	snprintf(text, room, n ? "huge pages free:" : "no huge pages");
	for (unsigned int i = 0; i < n; i++) {
		const char *unit = page[i] >> 30 ? "GiB" : "MiB";
		const size_t used = strlen(text), size = page[i] >> (page[i] >> 30 ? 30 : 20);

		if (devmem__limits_huge(page[i], &unused, &all))
			snprintf(text + used, room - used,
				 "%s %" PRIu64 " of %" PRIu64 " of %zu %s", i ? "," : "", unused,
				 all, size, unit);
	}
}
