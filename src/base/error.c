// SPDX-License-Identifier: MIT
/* The error sentence of each thread, and the library's version. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/internal.h"

#define STR_(x) #x
#define STR(x)	STR_(x)

static _Thread_local char sentence[512] = "no error";

const char *devmem_error(void)
{
	return sentence;
}

const char *devmem_version(void)
{
	return STR(DEVMEM_VERSION_MAJOR) "." STR(DEVMEM_VERSION_MINOR) "." STR(
		DEVMEM_VERSION_PATCH);
}

int devmem__fail(int err, const char *fmt, ...)
{
	char text[sizeof(sentence)];
	int saved = errno;
	bool news;
	va_list ap;

	va_start(ap, fmt);
	devmem__text_v(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* what is tried again and again, or handed on by several, is told once */
	news = devmem__log_wants(DEVMEM_LOG_DEBUG) && strcmp(text, sentence);
	memcpy(sentence, text, sizeof(sentence));
	if (news)
		devmem__log(DEVMEM_LOG_DEBUG, "%s", sentence);
	errno = saved;
	return -err;
}

void devmem__failed(const char *call, int result)
{
	if (result != -EAGAIN && result != -EINTR && result != -ENOBUFS)
		devmem__log(DEVMEM_LOG_ERROR, "%s (%s: %d)", sentence, call, result);
}
