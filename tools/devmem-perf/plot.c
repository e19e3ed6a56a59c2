// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "plot.h"

#define WIDTH  900
#define LEFT   90 /* LEFT, RIGHT and HEIGHT are the same for both panels */
#define RIGHT  880
#define HEIGHT 220

/* one colour for each meaning */
#define TO_SERVER "#1f6feb"
#define TO_CLIENT "#d9730d"
#define P50	  "#1a7f37"
#define P99	  "#8250df"
#define GREY	  "#57606a"

#define TOP    112 /* upper edge of the first panel, below what was measured where */
#define APART  310
#define BOTTOM (TOP + APART + HEIGHT + 60)

static const char *const rates[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s" };
static const char *const times[] = { "ns", "us", "ms", "s" };

struct line {
	const char *name, *colour;
	unsigned int n;
	double *x, *y; /* seconds; values in the panel's unit, NaN where there is none */
};

struct panel {
	const char *title;
	const char *unit; /* of all values; NULL: each has its own */
	double top;	  /* its upper edge */
	double seconds;	  /* the length of its time axis; with @sizes the number of steps */
	/* the names of the steps, if the axis has sizes and not time */
	const struct plot_row *sizes;
	unsigned int nsizes;
	/* the values at the lower and upper edge. @log: a logarithmic axis, on which p50 is as
	 * legible as a p99 of a hundred times as much */
	double low, high;
	bool log;
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

static double lowest(const struct panel *p)
{
	double least = highest(p);

	for (unsigned int i = 0; i < p->lines; i++)
		for (unsigned int k = 0; k < p->line[i].n; k++)
			if (p->line[i].y[k] > 0)
				least = fmin(least, p->line[i].y[k]);
	return least;
}

double plot_step(double value, bool up)
{
	static const double steps[] = { 1, 2, 5, 10 };
	const double decade = pow(10, floor(log10(value) + 1e-9));
	double found = decade;

	for (unsigned int i = 0; i < 4; i++) {
		if (!up && steps[i] * decade <= value * 1.0001)
			found = steps[i] * decade;
		if (up && steps[i] * decade >= value * 0.9999)
			return steps[i] * decade;
	}
	return found;
}

static double x_of(const struct panel *p, double seconds)
{
	return LEFT + (RIGHT - LEFT) * seconds / p->seconds;
}

static double y_of(const struct panel *p, double value)
{
	const double part = p->log ? log(value / p->low) / log(p->high / p->low) : value / p->high;

	return p->top + HEIGHT - HEIGHT * part;
}

static void draw_grid(FILE *f, const struct panel *p, double value)
{
	char number[48];
	double shown = value;
	unsigned int unit = 0;

	for (; p->log && shown > 999.9 && unit < 3; unit++)
		shown /= 1000;
	fprintf(f, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#d0d7de\"/>\n", LEFT,
		y_of(p, value), RIGHT, y_of(p, value));
	snprintf(number, sizeof(number), p->log ? "%g %s" : "%g", shown, times[unit]);
	text(f, LEFT - 8, y_of(p, value) + 4, "text-anchor=\"end\"", number);
}

static void draw_values(FILE *f, const struct panel *p, double tick)
{
	if (!p->log)
		for (double y = 0; y <= p->high + tick / 2; y += tick)
			draw_grid(f, p, y);
	/* 1, 2, 5, 10, ...; with many decades only these */
	for (double y = p->low; p->log && y <= p->high * 1.0001; y = plot_step(y * 1.01, true))
		if (p->high / p->low <= 1000 || fabs(remainder(log10(y), 1)) < 0.01)
			draw_grid(f, p, y);
}

static void draw_steps(FILE *f, const struct panel *p)
{
	const double y = p->top + HEIGHT + 18, step = plot_tick(p->seconds, 10);
	char number[48];

	for (unsigned int i = 0; i < p->nsizes; i++)
		text(f, x_of(p, i), y, "text-anchor=\"middle\"",
		     out_bytes(number, sizeof(number), p->sizes[i].size));
	for (double x = 0; !p->nsizes && x <= p->seconds * 1.0001; x += step) {
		snprintf(number, sizeof(number), "%g", x);
		text(f, x_of(p, x), y, "text-anchor=\"middle\"", number);
	}
}

static void draw_axes(FILE *f, const struct panel *p, double tick)
{
	const double bottom = p->top + HEIGHT;
	char turned[48];

	draw_values(f, p, tick);
	draw_steps(f, p);
	fprintf(f, "<path d=\"M%d %.1fV%.1fH%d\" fill=\"none\" stroke=\"" GREY "\"/>\n", LEFT,
		p->top, bottom, RIGHT);
	text(f, (LEFT + RIGHT) / 2.0, bottom + 36, "text-anchor=\"middle\" fill=\"" GREY "\"",
	     p->nsizes ? "size" : "seconds");
	if (!p->unit)
		return;
	snprintf(turned, sizeof(turned), "transform=\"rotate(-90 24 %.0f)\"",
		 bottom - HEIGHT / 2.0);
	fprintf(f, "<g text-anchor=\"middle\" fill=\"" GREY "\" %s>", turned);
	text(f, 24, bottom - HEIGHT / 2.0, "", p->unit);
	fputs("</g>\n", f);
}

/* The line is interrupted where a value is missing. */
static void draw_line(FILE *f, const struct panel *p, const struct line *l)
{
	bool down = false;

	/* dashed, so that what goes both ways at one rate is seen to be two lines */
	fprintf(f,
		"<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-linejoin=\"round\"%s "
		"d=\"M%d %.1f",
		l->colour, strcmp(l->colour, TO_CLIENT) ? "" : " stroke-dasharray=\"9 6\"", LEFT,
		p->top + HEIGHT);
	for (unsigned int i = 0; i < l->n; i++) {
		if (isnan(l->y[i])) {
			down = false;
			continue;
		}
		fprintf(f, "%c%.1f %.1f", down ? 'L' : 'M', x_of(p, l->x[i]), y_of(p, l->y[i]));
		down = true;
	}
	fputs("\"/>\n", f);
	for (unsigned int i = 0; i < l->n && l->n <= 60; i++)
		if (!isnan(l->y[i]))
			fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
				x_of(p, l->x[i]), y_of(p, l->y[i]), l->colour);
}

static void draw_legend(FILE *f, const struct panel *p)
{
	for (unsigned int i = 0; i < p->lines; i++) {
		const double x = RIGHT - 110.0 * (p->lines - i);

		fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"4\" fill=\"%s\"/>\n",
			x, p->top - 18, p->line[i].colour);
		text(f, x + 20, p->top - 12, "", p->line[i].name);
	}
}

static void draw_panel(FILE *f, struct panel *p)
{
	const double most = highest(p), tick = plot_tick(most, 6);

	text(f, LEFT, p->top - 12, "font-weight=\"bold\"", p->title);
	if (!(most > 0)) {
		text(f, LEFT, p->top + 20, "fill=\"" GREY "\"", "nothing was measured");
		return;
	}
	p->high = p->log ? plot_step(most, true) : ceil(most / tick * 0.9999) * tick;
	p->low = p->log ? plot_step(lowest(p), false) : 0;
	if (p->low == p->high)
		p->high = plot_step(p->high * 1.01, true);
	draw_axes(f, p, tick);
	for (unsigned int i = 0; i < p->lines; i++)
		draw_line(f, p, &p->line[i]);
	draw_legend(f, p);
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
	struct line *p50 = add_line(p, t, r, "p50", P50), *p99 = add_line(p, t, r, "p99", P99);

	for (unsigned int i = 0; i < p50->n && i < p99->n; i++) {
		p50->y[i] = r->point[i].count && r->point[i].p50 ? (double)r->point[i].p50 : NAN;
		p99->y[i] = r->point[i].count && r->point[i].p99 ? (double)r->point[i].p99 : NAN;
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

/* ---------------------------------------------------------------------------------- the picture */

/* "client a: receives by engine devmem, sends by engine copy, eth1, kernel 7.3.4, 0 retransmits" */
static void draw_side(FILE *f, double y, const char *what, const char *host, const struct side *s)
{
	char words[512];

	snprintf(words, sizeof(words), "%s %s: %s%s%s%s%s, %s, kernel %s, %llu retransmits", what,
		 host, s->engine[0] ? "receives by engine " : "", s->engine,
		 s->engine[0] && s->tx_engine[0] ? ", " : "",
		 s->tx_engine[0] ? "sends by engine " : "", s->tx_engine,
		 s->interface[0] ? s->interface : "host memory", s->kernel,
		 (unsigned long long)s->retransmits);
	if (s->kernel[0])
		text(f, LEFT, y, "fill=\"" GREY "\"", words);
}

static void begin_picture(FILE *f, const struct test *t, const struct plot_where *where,
			  const struct side *client, const struct side *server)
{
	char title[200], date[40];
	struct tm utc;

	fprintf(f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 "
		"0 %d %d\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#24292f\">\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
		WIDTH, BOTTOM, WIDTH, BOTTOM, WIDTH, BOTTOM);
	text(f, LEFT, 26, "font-size=\"18\" font-weight=\"bold\"", "devmem-perf");
	gmtime_r(&where->when, &utc);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &utc);
	text(f, RIGHT, 26, "text-anchor=\"end\" fill=\"" GREY "\"", date);
	text(f, LEFT, 44, "", test_text(t, title, sizeof(title)));
	draw_side(f, 60, "server", where->server, server);
	draw_side(f, 76, "client", where->client, client);
}

static void end_picture(FILE *f, struct panel *throughput, struct panel *latency)
{
	scale(throughput, rates, 5);
	draw_panel(f, throughput);
	draw_panel(f, latency);
	fputs("</svg>\n", f);
	free_lines(throughput);
	free_lines(latency);
}

void plot_draw(FILE *f, const struct test *t, const struct plot_where *where,
	       const struct result *client, const struct result *server)
{
	struct panel throughput = { .title = "Throughput", .top = TOP },
		     latency = { .top = TOP + APART, .log = true };
	const struct result *measured = client->latency.count ? client : server;
	char of[160];

	snprintf(of, sizeof(of), "Latency, %s", result_latency_of(t, &measured->side));
	latency.title = of;
	if (test_receives(t, TEST_SERVER))
		add_throughput(&throughput, t, server, "to server", TO_SERVER);
	if (test_receives(t, TEST_CLIENT))
		add_throughput(&throughput, t, client, "to client", TO_CLIENT);
	add_latency(&latency, t, measured);
	latency.seconds = throughput.seconds = fmax(throughput.seconds, latency.seconds);
	begin_picture(f, t, where, &client->side, &server->side);
	end_picture(f, &throughput, &latency);
}

/* -------------------------------------------------------------------------- a sweep over sizes */

static double row_rate(const struct plot_row *row, enum test_end receiver)
{
	return receiver == TEST_SERVER ? row->to_server : row->to_client;
}

static double row_time(const struct plot_row *row, bool p99)
{
	return (double)(p99 ? row->p99 : row->p50);
}

static void add_sizes(struct panel *p, const char *name, const char *colour, bool rates_wanted,
		      int which)
{
	struct line *l = &p->line[p->lines++];

	*l = (struct line){ .name = name, .colour = colour, .n = p->nsizes };
	l->x = calloc(l->n + 1, sizeof(double));
	l->y = calloc(l->n + 1, sizeof(double));
	if (!l->x || !l->y)
		l->n = 0;
	for (unsigned int i = 0; i < l->n; i++) {
		const double value = rates_wanted ? row_rate(&p->sizes[i], which)
						  : row_time(&p->sizes[i], which);

		l->x[i] = i;
		l->y[i] = value > 0 ? value : NAN;
	}
}

void plot_draw_sizes(FILE *f, const struct test *t, const struct plot_where *where,
		     const struct side *client, const struct side *server,
		     const struct plot_row *row, unsigned int rows)
{
	struct panel throughput = { .title = "Throughput",
				    .top = TOP,
				    .sizes = row,
				    .nsizes = rows,
				    .seconds = rows > 1 ? rows - 1 : 1 },
		     latency = throughput;
	char of[160];

	snprintf(of, sizeof(of), "Latency, %s",
		 result_latency_of(t, client->tx_engine[0] ? client : server));
	latency.title = of;
	latency.top = TOP + APART;
	latency.log = true;
	if (test_receives(t, TEST_SERVER))
		add_sizes(&throughput, "to server", TO_SERVER, true, TEST_SERVER);
	if (test_receives(t, TEST_CLIENT))
		add_sizes(&throughput, "to client", TO_CLIENT, true, TEST_CLIENT);
	add_sizes(&latency, "p50", P50, false, false);
	add_sizes(&latency, "p99", P99, false, true);
	begin_picture(f, t, where, client, server);
	end_picture(f, &throughput, &latency);
}
