// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "stop.h"

static volatile sig_atomic_t caught;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static void on_signal(int number)
{
	if (number != SIGALRM)
		caught = number;
	alarm(1);
}

/* Keeps a signal ignored if the parent process chose so: nohup does, and shells do for background
 * jobs. */
static void handle(int number)
{
	/* without SA_RESTART, so that waits return EINTR */
	struct sigaction action = { .sa_handler = on_signal }, before;

	if (!sigaction(number, NULL, &before) && before.sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

void stop_begin(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	handle(SIGALRM);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		handle(signals[i]);
}

int stopped(void)
{
	return caught;
}

static void mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(how, &set, NULL);
}

void stop_end(void)
{
	mask(SIG_BLOCK);
	alarm(0);
}

void stop_go_on(void)
{
	mask(SIG_UNBLOCK);
}
