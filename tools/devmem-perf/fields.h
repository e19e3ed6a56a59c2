/* SPDX-License-Identifier: MIT */
/* Structures as lists of named members, so that they go over a connection, and into JSON, by one
 * table. */
#ifndef FIELDS_H
#define FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "message.h"
#include "out.h"

/* A member is a uint64_t, or text in an array. */
struct field {
	const char *name;
	size_t offset;
	size_t room; /* of text; 0: it is a number */
};

#define FIELD_NUMBER(type, member)                        \
	{                                                 \
#member, offsetof(struct type, member), 0 \
	}
#define FIELD_TEXT(type, member)                                                           \
	{                                                                                  \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}

/* Ends with a field without a name. */
void fields_add(struct message *m, const struct field *fields, const void *from);

/* fields_take() - 1: it is one of them; 0: it is none; -1: it is, and the value is no number. */
int fields_take(const struct field *fields, void *to, const char *key, const char *value);

/* Text that is empty is null. */
void fields_out(struct out_json *j, const struct field *fields, const void *from);

#endif
