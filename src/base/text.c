// SPDX-License-Identifier: MIT
/*
 * Text for people. It contains names of interfaces, paths, and words of drivers and the kernel. Any
 * of these may hold bytes that a terminal or a log acts on. Such bytes are shown as \xNN instead.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/internal.h"

#define RAW_TEXT 1280 /* bytes of the longest text */

/* Characters that reorder the text around them, or begin a new line or a command. The C1 controls
 * begin at U+0080; one of them, 0x9b, means "ESC [". */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Returns the length of the UTF-8 character at @p in bytes, or 0 if it is not valid. The
 * terminating zero makes a truncated character invalid. */
static size_t character(const unsigned char *p, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t bytes = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;

	*c = bytes == 1 ? *p : bytes ? *p & (0x7fu >> bytes) : 0;
	for (size_t i = 1; i < bytes; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	return *c >= least[bytes] && *c <= 0x10ffff && *c >> 11 != 0x1b ? bytes : 0;
}

/* Stops before the first character that does not fit whole. */
static void make_harmless(char *to, size_t room, const unsigned char *from)
{
	size_t at = 0;

	while (*from) {
		uint32_t c;
		size_t bytes = character(from, &c);
		bool good = bytes && !is_control(c);
		size_t step = good ? bytes : 1, need = good ? bytes : 4;

		if (at + need >= room)
			break;
		if (good)
			memcpy(to + at, from, bytes);
		else
			snprintf(to + at, need + 1, "\\x%02x", *from);
		at += need;
		from += step;
	}
	to[at] = '\0';
}

void devmem__text_v(char *to, size_t room, const char *fmt, va_list ap)
{
	char raw[RAW_TEXT];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	make_harmless(to, room, (unsigned char *)raw);
}

void devmem__text(char *to, size_t room, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	devmem__text_v(to, room, fmt, ap);
	va_end(ap);
}
