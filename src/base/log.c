// SPDX-License-Identifier: MIT
/*
 * Records for whoever asks: the program, by devmem_log_set(), or whoever runs it, by the
 * environment. Nobody by default, and then a record is one comparison; none is made for what goes
 * as it should on the way of the data.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/internal.h"
#include "base/nosignal.h"

#define MAX_TEXT   1280
#define NOT_LOOKED (-2) /* at the environment yet */

static const char *const names[] = {
	[DEVMEM_LOG_ERROR] = "error",
	[DEVMEM_LOG_WARNING] = "warning",
	[DEVMEM_LOG_INFO] = "info",
	[DEVMEM_LOG_DEBUG] = "debug",
};

/*
 * Where records go is the process's, as its standard error is: errors are of threads, objects are
 * many, and much of what is told is of no object, or of one that did not come to be. The lock is
 * held while @fn runs: records come one after the other, and when devmem_log_set() returns, nobody
 * is in the @fn that was there before.
 */
static struct {
	atomic_int level;
	pthread_mutex_t lock; /* of what follows, and of storing @level */
	void (*fn)(void *arg, int level, const char *text);
	void *arg;
} sink = { .level = NOT_LOOKED, .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local bool telling; /* this thread is in @fn */

/* ------------------------------------------------------------------------------------- how much */

static int parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && !strcmp(word, names[i]))
			return (int)i;
	return word[0] >= '0' && word[0] <= '7' && !word[1] ? word[0] - '0' : DEVMEM_LOG_OFF;
}

/* Of a program that runs with more rights than its user, the environment is not to be trusted. */
static int environment(void)
{
	const char *word = secure_getenv("DEVMEM_LOG");

	return word ? parse(word) : DEVMEM_LOG_OFF;
}

/* What the program has set meanwhile stays. */
static int look(void)
{
	int before = NOT_LOOKED, level = environment();

	return atomic_compare_exchange_strong(&sink.level, &before, level) ? level : before;
}

bool devmem__log_wants(int level)
{
	int most = atomic_load_explicit(&sink.level, memory_order_relaxed);

	return level <= (most == NOT_LOOKED ? look() : most) && !telling;
}

/* -------------------------------------------------------------------------------------- records */

/* In one piece: others write there too. */
static void print(int level, const char *text)
{
	char line[MAX_TEXT + 32];
	int n = snprintf(line, sizeof(line), "libdevmem: %s: %s\n", names[level], text);
	struct devmem__nosignal nosignal;
	ssize_t ignored;

	devmem__nosignal_begin(&nosignal);
	ignored = write(STDERR_FILENO, line, (size_t)n);
	devmem__nosignal_end(&nosignal);
	(void)ignored; /* nobody to tell */
}

/*
 * Only the thread that called fork() is in the child. If another one was telling something it has
 * the lock for ever, and what fails in the child could not be told. One that forked in @fn goes on
 * there and gives it back itself.
 */
static void in_child(void)
{
	if (!telling)
		pthread_mutex_init(&sink.lock, NULL);
}

static void look_for_forks(void)
{
	pthread_atfork(NULL, NULL, in_child);
}

static void take_lock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, look_for_forks);
	pthread_mutex_lock(&sink.lock);
}

/* A thread that was cancelled in here would keep the lock. */
static void tell(int level, const char *text)
{
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	take_lock();
	telling = true;
	if (level > atomic_load(&sink.level))
		; /* it was set to less since we looked */
	else if (sink.fn)
		sink.fn(sink.arg, level, text);
	else
		print(level, text);
	telling = false;
	pthread_mutex_unlock(&sink.lock);
	pthread_setcancelstate(cancel, NULL);
}

void devmem__log(int level, const char *fmt, ...)
{
	char text[MAX_TEXT];
	int saved = errno;
	va_list ap;

	if (!devmem__log_wants(level))
		return;
	va_start(ap, fmt);
	devmem__text_v(text, sizeof(text), fmt, ap);
	va_end(ap);
	tell(level, text);
	errno = saved;
}

/* ------------------------------------------------------------------------------------- where to */

int devmem__log_to(int level, void (*fn)(void *arg, int level, const char *text), void *arg)
{
	if (level < DEVMEM_LOG_ENVIRONMENT || level > DEVMEM_LOG_DEBUG)
		return -EINVAL;
	if (telling)
		return -EBUSY;
	take_lock();
	sink.fn = fn;
	sink.arg = arg;
	atomic_store(&sink.level, level == DEVMEM_LOG_ENVIRONMENT ? environment() : level);
	pthread_mutex_unlock(&sink.lock);
	return 0;
}
