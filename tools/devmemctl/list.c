// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "list.h"

void list_begin(struct list *list, bool for_programs, const char *array, const char *key, int width)
{
	*list = (struct list){
		.for_programs = for_programs, .key = key, .width = width, .json.f = stdout
	};
	if (!for_programs)
		return;
	out_object(&list->json, NULL);
	out_array(&list->json, array);
}

static void add_line(const struct list *list, const char *name, const char *what, int result,
		     const char *text)
{
	printf("%s%-7s%s %-*s ", out_colour(result ? OUT_YELLOW : OUT_GREEN),
	       result ? "cannot" : "works", out_colour(OUT_PLAIN), list->width, name);
	out_text(stdout, what);
	if (*text) {
		printf(": ");
		out_text(stdout, text);
	}
	printf("\n");
}

static void add_object(struct list *list, const char *name, const char *what, int result,
		       const char *text)
{
	struct out_json *j = &list->json;

	out_object(j, NULL);
	out_string(j, list->key, name);
	out_bool(j, "works", !result);
	out_number(j, "errno", (uint64_t) - (int64_t)result);
	out_string(j, "what", what);
	out_string(j, "text", text);
	out_end(j);
}

void list_add(struct list *list, const char *name, const char *what, int result, const char *text)
{
	list->working += !result;
	if (list->for_programs)
		add_object(list, name, what, result, text);
	else
		add_line(list, name, what, result, text);
}

void list_end(struct list *list)
{
	if (!list->for_programs)
		return;
	out_end(&list->json);
	out_end(&list->json);
}
