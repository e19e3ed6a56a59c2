// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

#define MAGIC	 "devmem-perf "
#define MAX_KIND 16 /* bytes */

/* -------------------------------------------------------------------------------------- writing */

static void append(struct message *m, const char *text, size_t bytes)
{
	size_t room = m->room ? m->room : 1024;
	char *larger;

	while (room - m->bytes < bytes)
		room *= 2;
	larger = room > m->room ? realloc(m->text, room) : m->text;
	if (!larger) {
		m->lost = true;
		return;
	}
	m->text = larger;
	m->room = room;
	/* cppcheck-suppress uninitvar ; vsnprintf() wrote @bytes of it */
	memcpy(m->text + m->bytes, text, bytes);
	m->bytes += bytes;
}

void message_begin(struct message *m, const char *kind)
{
	char line[64];

	m->bytes = 0;
	append(m, line,
	       (size_t)snprintf(line, sizeof(line), MAGIC "%d %s\n", MESSAGE_VERSION, kind));
}

void message_add(struct message *m, const char *key, const char *fmt, ...)
{
	char value[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	for (char *c = value; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	append(m, key, strlen(key));
	append(m, " ", 1);
	append(m, value, strlen(value));
	append(m, "\n", 1);
}

void message_end(struct message *m)
{
	append(m, "\n", 1);
}

void message_free(struct message *m)
{
	free(m->text);
	*m = (struct message){ 0 };
}

/* -------------------------------------------------------------------------------------- reading */

/* Checks the first line as far as it has arrived. Returns 0 if nothing is wrong yet. */
static int first_line(const char *text, size_t bytes)
{
	const size_t magic = strlen(MAGIC), most = magic + 10 + 1 + MAX_KIND;
	const char *end = memchr(text, '\n', bytes);
	char line[64];
	int version, at;

	if (memcmp(text, MAGIC, bytes < magic ? bytes : magic))
		return -EPROTO;
	if (!end)
		return bytes > most ? -EPROTO : 0;
	if ((size_t)(end - text) > most)
		return -EPROTO;
	snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
	if (sscanf(line + magic, "%9d %n", &version, &at) != 1)
		return -EPROTO;
	if (version != MESSAGE_VERSION)
		return -EPROTONOSUPPORT;
	return line[magic + (size_t)at] ? 0 : -EPROTO;
}

int message_find(const char *text, size_t bytes)
{
	int err = bytes ? first_line(text, bytes) : 0;
	const char *end;

	if (err || !bytes)
		return err;
	end = memmem(text, bytes, "\n\n", 2);
	if (memchr(text, '\0', end ? (size_t)(end - text) : bytes))
		return -EPROTO;
	return end ? (int)(end - text) + 2 : 0;
}

/* Ends the string at the line's end. Returns the next line. */
static char *cut(char *line)
{
	char *end = strchr(line, '\n');

	if (!end)
		return line + strlen(line);
	*end = '\0';
	return end + 1;
}

void message_open(struct lines *l, char *text, size_t bytes)
{
	text[bytes - 1] = '\0';
	l->next = cut(text);
	l->kind = strchr(text + strlen(MAGIC), ' ');
	l->kind = l->kind ? l->kind + 1 : text + strlen(text);
}

bool message_next(struct lines *l, const char **key, const char **value)
{
	char *line = l->next, *space;

	if (!*line)
		return false;
	l->next = cut(line);
	space = strchr(line, ' ');
	*key = line;
	*value = space ? space + 1 : "";
	if (space)
		*space = '\0';
	return true;
}
