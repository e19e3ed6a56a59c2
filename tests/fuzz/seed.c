// SPDX-License-Identifier: MIT
/* Before libFuzzer starts: the good input goes into the folders of inputs that the command line
 * names. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void add_seed(const char *folder)
{
	static uint8_t seed[8192];
	size_t bytes = fuzz_seed(seed, sizeof(seed));
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/seed", folder);
	f = fopen(path, "we");
	if (!f || fwrite(seed, 1, bytes, f) != bytes || fclose(f)) {
		perror(path);
		exit(1);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct stat st;

	for (int i = 1; i < *argc; i++)
		if (!stat((*argv)[i], &st) && S_ISDIR(st.st_mode))
			add_seed((*argv)[i]);
	return 0;
}
