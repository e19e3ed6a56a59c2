// SPDX-License-Identifier: MIT
/* Each thread's error message, and the library's version. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/internal.h"

#define STR_(x) #x
#define STR(x)	STR_(x)

static _Thread_local char message[512] = "no error";

const char *devmem_error(void)
{
	return message;
}

const char *devmem_version(void)
{
	return STR(DEVMEM_VERSION_MAJOR) "." STR(DEVMEM_VERSION_MINOR) "." STR(
		DEVMEM_VERSION_PATCH);
}

int devmem__fail(int err, const char *fmt, ...)
{
	char text[sizeof(message)];
	int saved = errno;
	bool is_new;
	va_list ap;

	va_start(ap, fmt);
	devmem__text_v(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* log it once, even if the call is repeated or several callers pass the error on */
	is_new = devmem__log_wants(DEVMEM_LOG_DEBUG) && strcmp(text, message);
	memcpy(message, text, sizeof(message));
	if (is_new)
		devmem__log(DEVMEM_LOG_DEBUG, "%s", message);
	errno = saved;
	return -err;
}

void devmem__failed(const char *call, int result)
{
	if (result != -EAGAIN && result != -EINTR && result != -ENOBUFS)
		devmem__log(DEVMEM_LOG_ERROR, "%s (%s: %d)", message, call, result);
}
