// SPDX-License-Identifier: MIT
/*
 * Log records go to whoever asks for them: the program by devmem_log_set(), or the user by the
 * environment. By default nobody does, and a record costs one comparison. The data path logs
 * nothing as long as all goes well.
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

#define MAX_TEXT 1280
#define NOT_READ (-2) /* DEVMEM_LOG has not been read yet */

static const char *const names[] = {
	[DEVMEM_LOG_ERROR] = "error",
	[DEVMEM_LOG_WARNING] = "warning",
	[DEVMEM_LOG_INFO] = "info",
	[DEVMEM_LOG_DEBUG] = "debug",
};

/*
 * The process has one log, as it has one standard error: an error message belongs to a thread,
 * there are many objects, and many records concern no object or one that could not be made. The
 * lock is held while @fn runs. So records arrive one after the other, and when devmem_log_set()
 * returns, no thread is in the previous @fn.
 */
static struct {
	atomic_int level;
	pthread_mutex_t lock; /* protects what follows, and stores to @level */
	void (*fn)(void *arg, int level, const char *text);
	void *arg;
} sink = { .level = NOT_READ, .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local bool delivering; /* this thread is in @fn */

/* ------------------------------------------------------------------------------------- how much */

static int parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && !strcmp(word, names[i]))
			return (int)i;
	return word[0] >= '0' && word[0] <= '7' && !word[1] ? word[0] - '0' : DEVMEM_LOG_OFF;
}

/* A program that runs with more rights than its user must not trust the environment. */
static int environment(void)
{
	const char *word = secure_getenv("DEVMEM_LOG");

	return word ? parse(word) : DEVMEM_LOG_OFF;
}

/* If the program has set a level meanwhile, that one stays. */
static int read_environment(void)
{
	int before = NOT_READ, level = environment();

	return atomic_compare_exchange_strong(&sink.level, &before, level) ? level : before;
}

bool devmem__log_wants(int level)
{
	int most = atomic_load_explicit(&sink.level, memory_order_relaxed);

	return level <= (most == NOT_READ ? read_environment() : most) && !delivering;
}

/* -------------------------------------------------------------------------------------- records */

/* By one write(): others write to standard error too. */
static void print(int level, const char *text)
{
	char line[MAX_TEXT + 32];
	int n = snprintf(line, sizeof(line), "libdevmem: %s: %s\n", names[level], text);
	struct devmem__nosignal nosignal;
	ssize_t ignored;

	devmem__nosignal_begin(&nosignal);
	ignored = write(STDERR_FILENO, line, (size_t)n);
	devmem__nosignal_end(&nosignal);
	(void)ignored; /* there is nobody to report it to */
}

/*
 * Only the thread that called fork() exists in the child. If another thread held the lock, nobody
 * would ever release it, and the child could log nothing. A thread that called fork() inside @fn
 * holds the lock itself and releases it when @fn returns.
 */
static void in_child(void)
{
	if (!delivering)
		pthread_mutex_init(&sink.lock, NULL);
}

static void handle_forks(void)
{
	pthread_atfork(NULL, NULL, in_child);
}

static void take_lock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, handle_forks);
	pthread_mutex_lock(&sink.lock);
}

/* Cancellation is off: a cancelled thread would keep the lock. */
static void deliver(int level, const char *text)
{
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	take_lock();
	delivering = true;
	if (level > atomic_load(&sink.level))
		; /* the level was lowered meanwhile */
	else if (sink.fn)
		sink.fn(sink.arg, level, text);
	else
		print(level, text);
	delivering = false;
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
	deliver(level, text);
	errno = saved;
}

/* ------------------------------------------------------------------------------------- where to */

int devmem__log_to(int level, void (*fn)(void *arg, int level, const char *text), void *arg)
{
	if (level < DEVMEM_LOG_ENVIRONMENT || level > DEVMEM_LOG_DEBUG)
		return -EINVAL;
	if (delivering)
		return -EBUSY;
	take_lock();
	sink.fn = fn;
	sink.arg = arg;
	atomic_store(&sink.level, level == DEVMEM_LOG_ENVIRONMENT ? environment() : level);
	pthread_mutex_unlock(&sink.lock);
	return 0;
}
