// SPDX-License-Identifier: MIT
/*
 * Runs each test in a process of its own. Whatever a test that fails had open goes with the
 * process, and what it left on the NIC is put back: so the next test begins as if it had passed.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

static const char *pattern = "*";

void lab_choose_tests(const char *names)
{
	pattern = names;
}

/* The group of this one test; what cmocka says of it the parent passes on. */
static void be_test(const char *group, const struct CMUnitTest *test, int out)
{
	const struct CMUnitTest one[] = { *test };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	if (!lab_in("lo")) { /* what it mounts goes with it, too */
		assert_int_equal(unshare(CLONE_NEWNS), 0);
		assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	}
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	close(out);
	setvbuf(stdout, NULL, _IOLBF, 0);
	exit(cmocka_run_group_tests_name(group, one, NULL, NULL) ? 1 : 0);
}

/* Is it about the group? That has one test, whose own lines say it all; at the end it is listed
 * again. */
static bool is_noise(const char *line, bool *at_end)
{
	*at_end |= strstr(line, " test(s), listed below:") != NULL;
	return !strncmp(line, "[==========]", 12) || !strncmp(line, "[  PASSED  ] ", 13) ||
	       strstr(line, " TEST(S)\n") || !strcmp(line, "\n") ||
	       (*at_end && !strncmp(line, "[  ", 3));
}

/* Shows what a test says, and counts what it names as a case that cannot be had. */
static unsigned int pass_on(FILE *from)
{
	unsigned int cases = 0;
	bool at_end = false;
	char line[4096];

	while (fgets(line, sizeof(line), from)) {
		cases += !strncmp(line, "cannot  ", 8);
		if (!is_noise(line, &at_end))
			fputs(line, stdout);
	}
	return cases;
}

/* When the test is over, ends what it has left running, which may have the pipe, too: else what it
 * says would never end. */
static void *end_the_rest(void *arg)
{
	const pid_t pid = *(pid_t *)arg;
	siginfo_t info;

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	kill(-pid, SIGKILL);
	return NULL;
}

static pid_t start(const char *group, const struct CMUnitTest *test, int *from)
{
	int out[2];
	pid_t pid;

	fflush(NULL);
	if (pipe2(out, O_CLOEXEC) || (pid = fork()) < 0) {
		perror("a test cannot be started");
		exit(1);
	}
	if (!pid)
		be_test(group, test, out[1]);
	close(out[1]);
	*from = out[0];
	return pid;
}

/* Returns whether it passed. */
static bool run_one(const char *group, const struct CMUnitTest *test, unsigned int *cases)
{
	pthread_t thread;
	int status, from;
	pid_t pid = start(group, test, &from);
	FILE *f = fdopen(from, "re");

	if (!f || pthread_create(&thread, NULL, end_the_rest, &pid)) {
		perror("a test cannot be watched");
		exit(1);
	}
	*cases += pass_on(f);
	fclose(f);
	pthread_join(thread, NULL);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("[  FAILED  ] %s: %s\n", test->name, strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void summary(const char *group, unsigned int ran, unsigned int cases, unsigned int failed,
		    const char *const *names)
{
	/* each case that cannot be had is a test that was skipped */
	printf("[==========] %s: %u test(s) run.\n[  PASSED  ] %u test(s).\n", group, ran,
	       ran - failed - cases);
	for (unsigned int i = 0; i < failed; i++)
		printf("[  FAILED  ] %s\n", names[i]);
	lab_tell_cases(cases);
}

int lab_run_tests(const char *group, const struct CMUnitTest *tests, size_t n,
		  CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
	const char **names = calloc(n, sizeof(*names));
	unsigned int ran = 0, failed = 0, cases = 0;
	void *state = NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (set_up)
		assert_int_equal(set_up(&state), 0);
	lab_nic_remember();
	for (size_t i = 0; i < n; i++) {
		if (fnmatch(pattern, tests[i].name, 0))
			continue;
		ran++;
		if (run_one(group, &tests[i], &cases))
			continue;
		names[failed++] = tests[i].name;
		if (!lab_nic_put_back()) {
			printf("the NIC cannot be put back: no other test is run\n");
			break;
		}
	}
	if (tear_down)
		assert_int_equal(tear_down(&state), 0);
	summary(group, ran, cases, failed, names);
	free(names);
	return failed ? 1 : 0;
}
