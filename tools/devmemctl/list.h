/* SPDX-License-Identifier: MIT */
/* Things that work here or do not, with the reason: a line each for people, or an object each for
 * programs. */
#ifndef LIST_H
#define LIST_H

#include "out.h"

struct list {
	bool for_programs;
	const char *key; /* of a name, for programs */
	int width;	 /* of a name, for people */
	struct out_json json;
	unsigned int working;
};

/* list_begin() - on standard output. @array: what the list is called for programs. */
void list_begin(struct list *list, bool for_programs, const char *array, const char *key,
		int width);

/* list_add() - @result: 0, or a negative errno; @text: which there are, or why not; or "". */
void list_add(struct list *list, const char *name, const char *what, int result, const char *text);
void list_end(struct list *list);

#endif
