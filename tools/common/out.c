// SPDX-License-Identifier: MIT
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"

void out_begin(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			/* opened the wrong way round, so that reads and writes still fail */
			open("/dev/null", fd ? O_RDONLY : O_WRONLY);
}

int out_finish(int status, int on_failure)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "%s: cannot write: %s\n", program_invocation_short_name, strerror(errno));
	return status ? status : on_failure;
}

void out_text(FILE *f, const char *string)
{
	const unsigned char *text = (const unsigned char *)string;

	for (; *text; text++)
		fputc(*text < 0x20 || *text >= 0x7f ? '?' : *text, f);
}

const char *out_colour(enum out_colour colour)
{
	static const char *const sequences[] = { "\033[0m", "\033[32m", "\033[33m", "\033[31m" };
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (!isatty(STDOUT_FILENO) || (no && *no) || !term || !strcmp(term, "dumb"))
		return "";
	return sequences[colour];
}

const char *out_bytes(char *text, size_t room, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	unsigned int unit = 0;

	for (; value >= 1024 && unit < 4; unit++)
		value /= 1024;
	snprintf(text, room, value == (double)(uint64_t)value ? "%.0f %s" : "%.1f %s", value,
		 units[unit]);
	return text;
}

/* ----------------------------------------------------------------------------------------- JSON */

/* Length in bytes of the UTF-8 character at @s, or 0 if it is invalid. */
static int utf8(const unsigned char *s)
{
	int n = *s >= 0xf0 && *s < 0xf5	  ? 4
		: *s >= 0xe0 && *s < 0xf0 ? 3
		: *s >= 0xc2 && *s < 0xe0 ? 2
					  : 0;

	for (int i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void quoted(FILE *f, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', f);
	while (*s) {
		int n = *s < 0x80 ? 1 : utf8(s);

		if (!n)
			fputs("\\ufffd", f);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(f, "\\u%04x", *s);
		else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else
			fwrite(s, 1, (size_t)n, f);
		s += n ? n : 1;
	}
	fputc('"', f);
}

static void begin(struct out_json *j, const char *key)
{
	if (j->more)
		fputc(',', j->f);
	if (j->depth)
		fprintf(j->f, "\n%*s", 2 * (int)j->depth, "");
	j->more = true;
	if (!key)
		return;
	quoted(j->f, key);
	fputs(": ", j->f);
}

static void open_level(struct out_json *j, const char *key, const char *brackets)
{
	begin(j, key);
	assert(j->depth < sizeof(j->close));
	j->close[j->depth++] = brackets[1];
	j->more = false;
	fputc(brackets[0], j->f);
}

void out_object(struct out_json *j, const char *key)
{
	open_level(j, key, "{}");
}

void out_array(struct out_json *j, const char *key)
{
	open_level(j, key, "[]");
}

void out_end(struct out_json *j)
{
	bool empty = !j->more;

	j->depth--;
	if (!empty)
		fprintf(j->f, "\n%*s", 2 * (int)j->depth, "");
	fputc(j->close[j->depth], j->f);
	j->more = true;
	if (!j->depth)
		fputc('\n', j->f);
}

void out_string(struct out_json *j, const char *key, const char *value)
{
	begin(j, key);
	if (value)
		quoted(j->f, value);
	else
		fputs("null", j->f);
}

void out_number(struct out_json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->f, "%" PRIu64, value);
}

void out_real(struct out_json *j, const char *key, double value)
{
	begin(j, key);
	fprintf(j->f, "%.3f", value);
}

void out_bool(struct out_json *j, const char *key, bool value)
{
	begin(j, key);
	fputs(value ? "true" : "false", j->f);
}
