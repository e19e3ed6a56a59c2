/* SPDX-License-Identifier: MIT */
/*
 * What the two ends say to each other, as lines of text (no I/O here):
 *
 *	devmem-perf 1 KIND
 *	KEY VALUE
 *	...
 *	(an empty line)
 *
 * Both ends have the same version or do not talk. What comes may be anything, from anybody who can
 * reach the port.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define MESSAGE_VERSION 1

/* One to be sent. Zero is a good beginning. */
struct message {
	char *text;
	size_t bytes, room;
	bool lost; /* there was no memory */
};

void message_begin(struct message *m, const char *kind);

/* message_add() - a line. What would end it early becomes a space. */
void message_add(struct message *m, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void message_end(struct message *m);
void message_free(struct message *m);

/* One that came: its lines are taken apart where they lie. */
struct lines {
	char *kind;
	char *next;
};

/*
 * message_find() - where the first message of these @bytes ends: its length. 0: more is needed.
 * -EPROTO: what is there cannot become a message, -EPROTONOSUPPORT: or is one of another version.
 */
int message_find(const char *text, size_t bytes);

/* message_open() - @text: what message_find() has found; its last byte is overwritten. */
void message_open(struct lines *l, char *text, size_t bytes);

/* message_next() - false: that was all. A line without a value has "". */
bool message_next(struct lines *l, const char **key, const char **value);

#endif
