// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

bool sysfs_line(const char *path, char *text, size_t room)
{
	FILE *f = fopen(path, "re");
	bool got;

	text[0] = '\0';
	if (!f)
		return false;
	got = fgets(text, (int)room, f);
	text[strcspn(text, "\n")] = '\0';
	fclose(f);
	return got;
}

bool sysfs_number(const char *path, int64_t *value)
{
	char line[64], *end;

	if (!sysfs_line(path, line, sizeof(line)))
		return false;
	*value = strtoll(line, &end, 0);
	return end != line;
}

bool sysfs_field(const char *path, const char *name, uint64_t *value)
{
	FILE *f = fopen(path, "re");
	size_t len = strlen(name);
	bool found = false;
	char line[256];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, name, len) && sscanf(line + len, "%" SCNu64, value) == 1;
	fclose(f);
	return found;
}
