// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/internal.h"
#include "base/nosignal.h"

static const int signals[] = { SIGXFSZ, SIGPIPE };

void devmem__nosignal_begin(struct devmem__nosignal *nosignal)
{
	int saved = errno;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, &nosignal->before);
	sigpending(&nosignal->pending);
	errno = saved;
}

/* The kernel sends both signals to the thread that writes, so no other thread can have taken it.
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

void devmem__nosignal_end(const struct devmem__nosignal *nosignal)
{
	int saved = errno;
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigismember(&pending, signals[i]) &&
		    !sigismember(&nosignal->pending, signals[i]))
			consume(signals[i]);
	pthread_sigmask(SIG_SETMASK, &nosignal->before, NULL);
	errno = saved;
}

ssize_t devmem__nosignal_pwrite(int fd, const void *p, size_t bytes, off_t at)
{
	struct devmem__nosignal nosignal;
	ssize_t n;

	devmem__nosignal_begin(&nosignal);
	n = pwrite(fd, p, bytes, at);
	devmem__nosignal_end(&nosignal);
	return n;
}
