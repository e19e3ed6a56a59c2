// SPDX-License-Identifier: MIT
/*
 * without_uring EPERM|ENOSYS|NUMBER[:CALL] COMMAND [ARGUMENT]...: runs a command under a policy
 * that refuses io_uring with that error, as containers (EPERM) and sandboxes (ENOSYS) do. CALL is
 * setup, enter or register: that one alone; setup if none is. No privilege is needed for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "refuse.h"

int main(int argc, char **argv)
{
	char *word = argc > 2 ? strtok(argv[1], ":") : NULL,
	     *name = word ? strtok(NULL, ":") : NULL;
	int err = !word			    ? 0
		  : !strcmp(word, "EPERM")  ? EPERM
		  : !strcmp(word, "ENOSYS") ? ENOSYS
					    : atoi(word);
	long call = refuse_uring(name ? name : "setup");

	if (err <= 0 || call < 0) {
		fprintf(stderr, "usage: without_uring EPERM|ENOSYS|NUMBER[:setup|enter|register] "
				"COMMAND [ARGUMENT]...\n");
		return 2;
	}
	if (refuse(call, err, NULL, 0)) {
		perror("seccomp");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
