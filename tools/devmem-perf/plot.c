// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

#define WIDTH  900
#define LEFT   90 /* LEFT, RIGHT and HEIGHT are the same for both panels */
#define RIGHT  880
#define HEIGHT 220

#define BLUE   "#1f6feb"
#define ORANGE "#d9730d"
#define GREY   "#57606a"

struct line {
	const char *name, *colour;
	unsigned int n;
	double *x, *y; /* seconds; values in the panel's unit, NaN where there is none */
};

struct panel {
	const char *title, *unit;
	double top;	/* its upper edge */
	double seconds; /* the length of its time axis */
	struct line line[2];
	unsigned int lines;
};

double plot_tick(double value, unsigned int most)
{
	double tick = pow(10, floor(log10(value > 0 ? value : 1)) - 1);
	static const double steps[] = { 2, 2.5, 2 };

	for (unsigned int i = 0; value > tick * most; i++)
		tick *= steps[i % 3];
	return tick;
}

static void text(FILE *f, double x, double y, const char *style, const char *words)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, style);
	for (; *words; words++) {
		if (*words == '<' || *words == '&')
			fputs(*words == '<' ? "&lt;" : "&amp;", f);
		else
			fputc((unsigned char)*words < 0x20 || (unsigned char)*words > 0x7e ? '?'
											   : *words,
			      f);
	}
	fputs("</text>\n", f);
}

/* -------------------------------------------------------------------------------------- a panel */

static double highest(const struct panel *p)
{
	double most = 0;

	for (unsigned int i = 0; i < p->lines; i++)
		for (unsigned int k = 0; k < p->line[i].n; k++)
			most = fmax(most, p->line[i].y[k]);
	return most;
}

static double x_of(const struct panel *p, double seconds)
{
	return LEFT + (RIGHT - LEFT) * seconds / p->seconds;
}

static void draw_axes(FILE *f, const struct panel *p, double most, double tick)
{
	const double bottom = p->top + HEIGHT, step = plot_tick(p->seconds, 10);
	char number[48];

	for (double y = 0; y <= most + tick / 2; y += tick) {
		const double at = bottom - HEIGHT * y / most;

		fprintf(f,
			"<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#d0d7de\"/>\n",
			LEFT, at, RIGHT, at);
		snprintf(number, sizeof(number), "%g", y);
		text(f, LEFT - 8, at + 4, "text-anchor=\"end\"", number);
	}
	for (double x = 0; x <= p->seconds * 1.0001; x += step) {
		snprintf(number, sizeof(number), "%g", x);
		text(f, x_of(p, x), bottom + 18, "text-anchor=\"middle\"", number);
	}
	fprintf(f, "<path d=\"M%d %.1fV%.1fH%d\" fill=\"none\" stroke=\"" GREY "\"/>\n", LEFT,
		p->top, bottom, RIGHT);
	text(f, (LEFT + RIGHT) / 2.0, bottom + 36, "text-anchor=\"middle\" fill=\"" GREY "\"",
	     "seconds");
	snprintf(number, sizeof(number), "transform=\"rotate(-90 24 %.0f)\"",
		 bottom - HEIGHT / 2.0);
	fprintf(f, "<g text-anchor=\"middle\" fill=\"" GREY "\" %s>", number);
	text(f, 24, bottom - HEIGHT / 2.0, "", p->unit);
	fputs("</g>\n", f);
}

/* The line is interrupted where a value is missing. */
static void draw_line(FILE *f, const struct panel *p, const struct line *l, double most)
{
	bool down = false;

	fprintf(f,
		"<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-linejoin=\"round\" "
		"d=\"M%d %.1f",
		l->colour, LEFT, p->top + HEIGHT);
	for (unsigned int i = 0; i < l->n; i++) {
		if (isnan(l->y[i])) {
			down = false;
			continue;
		}
		fprintf(f, "%c%.1f %.1f", down ? 'L' : 'M', x_of(p, l->x[i]),
			p->top + HEIGHT - HEIGHT * l->y[i] / most);
		down = true;
	}
	fputs("\"/>\n", f);
	for (unsigned int i = 0; i < l->n && l->n <= 60; i++)
		if (!isnan(l->y[i]))
			fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
				x_of(p, l->x[i]), p->top + HEIGHT - HEIGHT * l->y[i] / most,
				l->colour);
}

static void draw_panel(FILE *f, const struct panel *p)
{
	const double most = highest(p), tick = plot_tick(most, 6),
		     whole = ceil(most / tick * 0.9999) * tick;

	text(f, LEFT, p->top - 12, "font-weight=\"bold\"", p->title);
	if (!(most > 0)) {
		text(f, LEFT, p->top + 20, "fill=\"" GREY "\"", "nothing was measured");
		return;
	}
	draw_axes(f, p, whole, tick);
	for (unsigned int i = 0; i < p->lines; i++) {
		const double x = RIGHT - 110.0 * (p->lines - i);

		draw_line(f, p, &p->line[i], whole);
		fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"4\" fill=\"%s\"/>\n",
			x, p->top - 18, p->line[i].colour);
		text(f, x + 20, p->top - 12, "", p->line[i].name);
	}
}

/* ----------------------------------------------------------------------------------- the values */

/* Leaves out a short last interval, which says little, unless there are few intervals. */
static unsigned int whole_points(const struct test *t, const struct result *r)
{
	const uint64_t start = r->points >= 10 ? r->point[r->points - 2].end_us : 0;

	if (r->points < 10 || (r->point[r->points - 1].end_us - start) * 2 >= t->interval_ms * 1000)
		return r->points;
	return r->points - 1;
}

static struct line *add_line(struct panel *p, const struct test *t, const struct result *r,
			     const char *name, const char *colour)
{
	struct line *l = &p->line[p->lines++];

	*l = (struct line){ .name = name, .colour = colour, .n = whole_points(t, r) };
	l->x = calloc(l->n + 1, sizeof(double));
	l->y = calloc(l->n + 1, sizeof(double));
	if (!l->x || !l->y)
		l->n = 0;
	for (unsigned int i = 0; i < l->n; i++)
		l->x[i] = (double)r->point[i].end_us / 1e6;
	if (l->n && l->x[l->n - 1] > p->seconds)
		p->seconds = l->x[l->n - 1];
	return l;
}

static void free_lines(struct panel *p)
{
	for (unsigned int i = 0; i < p->lines; i++) {
		free(p->line[i].x);
		free(p->line[i].y);
	}
}

/* Values are in bits per second. */
static void add_throughput(struct panel *p, const struct test *t, const struct result *receiver,
			   const char *name, const char *colour)
{
	struct line *l = add_line(p, t, receiver, name, colour);
	double before = 0;

	for (unsigned int i = 0; i < l->n; i++) {
		l->y[i] = l->x[i] > before ? (double)receiver->point[i].bytes_received * 8 /
						     (l->x[i] - before)
					   : NAN;
		before = l->x[i];
	}
}

/* Values are in nanoseconds. */
static void add_latency(struct panel *p, const struct test *t, const struct result *r)
{
	struct line *p50 = add_line(p, t, r, "p50", BLUE), *p99 = add_line(p, t, r, "p99", ORANGE);

	for (unsigned int i = 0; i < p50->n && i < p99->n; i++) {
		p50->y[i] = r->point[i].count ? (double)r->point[i].p50 : NAN;
		p99->y[i] = r->point[i].count ? (double)r->point[i].p99 : NAN;
	}
}

/* Scales to the largest unit of which the highest value has at least one. */
static void scale(struct panel *p, const char *const *units, unsigned int n)
{
	double most = highest(p), by = 1;
	unsigned int unit = 0;

	for (; most / by >= 1000 && unit < n - 1; unit++)
		by *= 1000;
	p->unit = units[unit];
	for (unsigned int i = 0; i < p->lines; i++)
		for (unsigned int k = 0; k < p->line[i].n; k++)
			p->line[i].y[k] /= by;
}

void plot_draw(FILE *f, const struct test *t, const struct result *client,
	       const struct result *server)
{
	static const char *const rates[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s" };
	static const char *const times[] = { "ns", "us", "ms", "s" };
	struct panel throughput = { .title = "Throughput", .top = 90 }, latency = { .top = 400 };
	const struct result *measured = client->latency.count ? client : server;
	char title[200], of[100];

	snprintf(of, sizeof(of), "Latency, %s", result_latency_of(t, &measured->side));
	latency.title = of;
	if (test_receives(t, TEST_SERVER))
		add_throughput(&throughput, t, server, "to server", BLUE);
	if (test_receives(t, TEST_CLIENT))
		add_throughput(&throughput, t, client, "to client", ORANGE);
	add_latency(&latency, t, measured);
	latency.seconds = throughput.seconds = fmax(throughput.seconds, latency.seconds);
	scale(&throughput, rates, 5);
	scale(&latency, times, 4);
	fprintf(f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"680\" viewBox=\"0 "
		"0 %d 680\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#24292f\">\n"
		"<rect width=\"%d\" height=\"680\" fill=\"#ffffff\"/>\n",
		WIDTH, WIDTH, WIDTH);
	text(f, LEFT, 34, "font-size=\"18\" font-weight=\"bold\"", "devmem-perf");
	text(f, LEFT, 54, "fill=\"" GREY "\"", test_text(t, title, sizeof(title)));
	draw_panel(f, &throughput);
	draw_panel(f, &latency);
	fputs("</svg>\n", f);
	free_lines(&throughput);
	free_lines(&latency);
}
