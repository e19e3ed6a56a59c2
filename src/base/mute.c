// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/internal.h"
#include "base/mute.h"

static const int raised[] = { SIGXFSZ, SIGPIPE };

void devmem__mute(struct devmem__mute *mute)
{
	int saved = errno;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(raised); i++)
		sigaddset(&set, raised[i]);
	pthread_sigmask(SIG_BLOCK, &set, &mute->before);
	sigpending(&mute->pending);
	errno = saved;
}

/* The kernel sends both to the thread that writes, so no other can have taken it.
 * [send_sig(SIGXFSZ, current, 0)] */
static void consume(int signal)
{
	const struct timespec now = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
		;
}

void devmem__unmute(const struct devmem__mute *mute)
{
	int saved = errno;
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < ARRAY_SIZE(raised); i++)
		if (sigismember(&pending, raised[i]) && !sigismember(&mute->pending, raised[i]))
			consume(raised[i]);
	pthread_sigmask(SIG_SETMASK, &mute->before, NULL);
	errno = saved;
}

ssize_t devmem__mute_pwrite(int fd, const void *p, size_t bytes, off_t at)
{
	struct devmem__mute mute;
	ssize_t n;

	devmem__mute(&mute);
	n = pwrite(fd, p, bytes, at);
	devmem__unmute(&mute);
	return n;
}
