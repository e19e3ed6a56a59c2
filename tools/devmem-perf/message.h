/* SPDX-License-Identifier: MIT */
/*
 * Messages between client and server, as lines of text (no I/O here):
 *
 *	devmem-perf 1 KIND
 *	KEY VALUE
 *	...
 *	(an empty line)
 *
 * Both ends must have the same version. A received message may be anything: whoever can reach the
 * port can send it.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define MESSAGE_VERSION 1

/* A message to be sent. Initialise it with zeros. */
struct message {
	char *text;
	size_t bytes, room;
	bool lost; /* there was not enough memory */
};

void message_begin(struct message *m, const char *kind);

/* message_add() - adds a line. Characters that would end the line early become spaces. */
void message_add(struct message *m, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void message_end(struct message *m);
void message_free(struct message *m);

/* A received message, whose lines are parsed in place. */
struct lines {
	char *kind;
	char *next;
};

/* message_find() - returns the length of the first message in these @bytes. 0: it is not complete
 * yet. -EPROTO: this cannot become a message. -EPROTONOSUPPORT: its version is another one. */
int message_find(const char *text, size_t bytes);

/* message_open() - begins to read the message that message_find() has found. Its last byte is
 * overwritten. */
void message_open(struct lines *l, char *text, size_t bytes);

/* message_next() - the next line. False: there are no more. A line without a value has the value
 * "". */
bool message_next(struct lines *l, const char **key, const char **value);

#endif
