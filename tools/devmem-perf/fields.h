/* SPDX-License-Identifier: MIT */
/* Structures as tables of named members, so that one table serves for sending them over a
 * connection and for writing JSON. */
#ifndef FIELDS_H
#define FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "message.h"
#include "out.h"

/* A member is a uint64_t or a char array. */
struct field {
	const char *name;
	size_t offset;
	size_t room; /* size of the char array; 0: it is a number */
};

#define FIELD_NUMBER(type, member)                        \
	{                                                 \
#member, offsetof(struct type, member), 0 \
	}
#define FIELD_TEXT(type, member)                                                           \
	{                                                                                  \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}

/* fields_add() - adds all members to a message. The table ends with a field without a name. */
void fields_add(struct message *m, const struct field *fields, const void *from);

/* fields_take() - stores a value. 1: stored; 0: no member has this key; -1: the member's value is
 * not a number. */
int fields_take(const struct field *fields, void *to, const char *key, const char *value);

/* fields_out() - writes all members as JSON. Empty text becomes null. */
void fields_out(struct out_json *j, const struct field *fields, const void *from);

#endif
