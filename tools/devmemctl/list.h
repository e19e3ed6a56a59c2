/* SPDX-License-Identifier: MIT */
/* A list of things that work here or do not, with the reason: one line each for people, or one JSON
 * object each for programs. */
#ifndef LIST_H
#define LIST_H

#include "out.h"

struct list {
	bool for_programs;
	const char *key; /* the JSON key of a name */
	int width;	 /* the column width of a name */
	struct out_json json;
	unsigned int working;
};

/* list_begin() - starts the list on standard output. @array: its JSON key. */
void list_begin(struct list *list, bool for_programs, const char *array, const char *key,
		int width);

/* list_add() - @result: 0 or a negative errno. @text: details if it works, the reason if not; or
 * "". */
void list_add(struct list *list, const char *name, const char *what, int result, const char *text);
void list_end(struct list *list);

#endif
