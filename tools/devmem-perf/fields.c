// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "fields.h"
#include "number.h"

static const char *text_of(const struct field *f, const void *from)
{
	return (const char *)from + f->offset;
}

static uint64_t number_of(const struct field *f, const void *from)
{
	uint64_t n;

	memcpy(&n, text_of(f, from), sizeof(n));
	return n;
}

void fields_add(struct message *m, const struct field *fields, const void *from)
{
	for (const struct field *f = fields; f->name; f++) {
		if (f->room)
			message_add(m, f->name, "%s", text_of(f, from));
		else
			message_add(m, f->name, "%" PRIu64, number_of(f, from));
	}
}

int fields_take(const struct field *fields, void *to, const char *key, const char *value)
{
	const struct field *f = fields;
	uint64_t n;

	while (f->name && strcmp(f->name, key))
		f++;
	if (!f->name)
		return 0;
	if (f->room) {
		snprintf((char *)to + f->offset, f->room, "%s", value);
		return 1;
	}
	if (!number_parse(value, UINT64_MAX, false, &n))
		return -1;
	memcpy((char *)to + f->offset, &n, sizeof(n));
	return 1;
}

void fields_out(struct out_json *j, const struct field *fields, const void *from)
{
	for (const struct field *f = fields; f->name; f++) {
		if (f->room)
			out_string(j, f->name, *text_of(f, from) ? text_of(f, from) : NULL);
		else
			out_number(j, f->name, number_of(f, from));
	}
}
