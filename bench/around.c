// SPDX-License-Identifier: MIT
/* Counts a program that has no marks in it. Its other end is the command that is run between the
 * marks. Whatever the program does meanwhile besides receiving is counted too. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../examples/args.h"
#include "../lab/count/mark.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double seconds;
	uint64_t bytes;
	int status, err;
	pid_t pid;

	if (argc < 4) {
		fputs("usage: around NAME BYTES COMMAND [ARGUMENT]...\n", stderr);
		return 2;
	}
	bytes = arg_bytes(argv[2]);
	lab_count_name(argv[1]);
	seconds = -now();
	lab_count_begin();
	err = posix_spawnp(&pid, argv[3], NULL, NULL, argv + 3, environ);
	if (!err && waitpid(pid, &status, 0) != pid)
		err = ECHILD;
	lab_count_end();
	seconds += now();
	if (err || status) {
		fprintf(stderr, "around: %s: %s\n", argv[3], err ? strerror(err) : "failed");
		return 1;
	}
	lab_count_bytes(bytes);
	printf("{\"name\": \"%s\", \"engine\": \"none, not ours\", \"page_size\": 0, \"bytes\": "
	       "%llu, \"seconds\": %.6f}\n",
	       argv[1], (unsigned long long)bytes, seconds);
	return 0;
}
