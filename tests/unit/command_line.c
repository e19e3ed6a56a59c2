// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"
#include "command_line.h"

#define MAX_ARGUMENTS 32

int command_line(const char *program, const char *line,
		 int (*parse)(int argc, char **argv, void *opt), void *opt)
{
	static char words[512];
	char *argv[MAX_ARGUMENTS] = { (char *)(uintptr_t)program }, *save = NULL;
	int argc = 1, status, to = dup(STDERR_FILENO);

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	assert_true(argc < MAX_ARGUMENTS);
	assert_non_null(freopen("/dev/null", "w", stderr));
	status = parse(argc, argv, opt);
	fflush(stderr);
	dup2(to, STDERR_FILENO);
	close(to);
	return status;
}
