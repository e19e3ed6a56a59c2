// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const struct {
	const char *word;
	enum out_colour colour;
} levels[] = {
	[OK] = { "ok", OUT_GREEN },
	[WARNING] = { "warning", OUT_YELLOW },
	[PROBLEM] = { "problem", OUT_RED },
};

/* Makes room for @n more findings. Returns the first. */
static struct finding *grow(struct report *r, unsigned int n)
{
	struct finding *more = realloc(r->finding, (r->count + n) * sizeof(*more));

	if (!more) {
		fprintf(stderr, "devmemctl: no memory\n");
		exit(1);
	}
	r->finding = more;
	more += r->count;
	r->count += n;
	return more;
}

void report_add(struct report *r, enum level level, const char *check, const char *fmt, ...)
{
	struct finding *more = grow(r, 1);
	va_list ap;

	more->level = level;
	more->check = check;
	more->todo[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(more->fact, sizeof(more->fact), fmt, ap);
	va_end(ap);
}

void report_todo(struct report *r, const char *fmt, ...)
{
	struct finding *last = &r->finding[r->count - 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last->todo, sizeof(last->todo), fmt, ap);
	va_end(ap);
}

void report_free(struct report *r)
{
	free(r->finding);
	*r = (struct report){ 0 };
}

void report_join(struct report *r, struct report *more)
{
	if (more->count)
		memcpy(grow(r, more->count), more->finding, more->count * sizeof(*more->finding));
	report_free(more);
}

void report_drop_problems(struct report *r)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < r->count; i++)
		if (r->finding[i].level != PROBLEM)
			r->finding[kept++] = r->finding[i];
	r->count = kept;
}

const struct finding *report_problem(const struct report *r)
{
	for (unsigned int i = 0; i < r->count; i++)
		if (r->finding[i].level == PROBLEM)
			return &r->finding[i];
	return NULL;
}

bool report_warns(const struct report *r, const char *check)
{
	for (unsigned int i = 0; i < r->count; i++)
		if (r->finding[i].level == WARNING && !strcmp(r->finding[i].check, check))
			return true;
	return false;
}

void report_print(const struct report *r)
{
	for (unsigned int i = 0; i < r->count; i++) {
		const struct finding *f = &r->finding[i];

		printf("%s%-8s%s %-11s ", out_colour(levels[f->level].colour),
		       levels[f->level].word, out_colour(OUT_PLAIN), f->check);
		out_text(stdout, f->fact);
		if (f->todo[0]) {
			printf(" -> ");
			out_text(stdout, f->todo);
		}
		printf("\n");
	}
}

void report_json(const struct report *r, struct out_json *j)
{
	out_array(j, "checks");
	for (unsigned int i = 0; i < r->count; i++) {
		const struct finding *f = &r->finding[i];

		out_object(j, NULL);
		out_string(j, "check", f->check);
		out_string(j, "level", levels[f->level].word);
		out_string(j, "fact", f->fact);
		out_string(j, "todo", f->todo[0] ? f->todo : NULL);
		out_end(j);
	}
	out_end(j);
}
