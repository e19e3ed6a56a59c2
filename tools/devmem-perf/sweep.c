// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "live.h"
#include "out.h"
#include "plot.h"
#include "stop.h"
#include "sweep.h"

struct sweep {
	const struct perf_options *opt;
	struct report files; /* only its files */
	FILE *text;
	struct plot_row row[PERF_SIZES];
	uint64_t retransmits[PERF_SIZES];
	bool zero_copy[PERF_SIZES];
	unsigned int rows;
	struct side client, server; /* of the last test */
};

static void take_row(struct sweep *s, const struct report *r)
{
	const struct latency *l = r->own.latency.count ? &r->own.latency : &r->peer.latency;
	struct plot_row *row = &s->row[s->rows];

	*row = (struct plot_row){ .size = r->test->size, .p50 = l->p50, .p99 = l->p99 };
	if (test_receives(r->test, TEST_SERVER))
		row->to_server = report_flow(&r->peer.side).bits_per_second;
	if (test_receives(r->test, TEST_CLIENT))
		row->to_client = report_flow(&r->own.side).bits_per_second;
	s->retransmits[s->rows] = r->own.side.retransmits + r->peer.side.retransmits;
	s->zero_copy[s->rows++] = report_zero_copy(r);
	s->client = r->own.side;
	s->server = r->peer.side;
}

static void print_cell(FILE *f, int width, const char *text)
{
	fprintf(f, " %*s", width, text);
}

/* One line for each size. */
static void print_table(const struct sweep *s)
{
	char text[32];

	fprintf(s->text, "\n%10s %12s %12s %10s %10s %12s  %s\n", "size", "to server", "to client",
		"p50", "p99", "retransmits", "zero-copy");
	for (unsigned int i = 0; i < s->rows; i++) {
		const struct plot_row *row = &s->row[i];

		fprintf(s->text, "%10s", out_bytes(text, sizeof(text), row->size));
		print_cell(s->text, 12,
			   row->to_server > 0 ? live_rate(text, sizeof(text), row->to_server)
					      : "-");
		print_cell(s->text, 12,
			   row->to_client > 0 ? live_rate(text, sizeof(text), row->to_client)
					      : "-");
		print_cell(s->text, 10, row->p50 ? live_time(text, sizeof(text), row->p50) : "-");
		print_cell(s->text, 10, row->p99 ? live_time(text, sizeof(text), row->p99) : "-");
		fprintf(s->text, " %12" PRIu64 "  %s\n", s->retransmits[i],
			s->zero_copy[i] ? "yes" : "no");
	}
}

/* Runs one test. Returns its exit status. */
static int run_one(struct sweep *s, unsigned int i, struct out_json *j)
{
	struct report r = { .opt = s->opt };
	struct test t;
	int status;

	perf_set_size(s->opt, i, &t);
	r.test = &t;
	status = client_run(&r);
	if (i)
		fputc('\n', s->text);
	report_text(s->text, &r);
	if (r.peer.side.nanoseconds)
		take_row(s, &r);
	if (j->f)
		report_json(j, &r, status);
	result_free(&r.own);
	result_free(&r.peer);
	stop_go_on();
	return status;
}

int perf_sweep(const struct perf_options *opt)
{
	struct sweep s = { .opt = opt };
	struct out_json j = { 0 };
	int status = PERF_OK;

	if (report_open(&s.files, opt))
		return PERF_USAGE;
	s.text = report_text_file(opt);
	j.f = s.files.json;
	if (j.f)
		out_object(&j, NULL);
	if (j.f)
		out_array(&j, "tests");
	for (unsigned int i = 0; i < opt->sizes && !status; i++)
		status = run_one(&s, i, &j);
	if (j.f) {
		out_end(&j);
		out_bool(&j, "ok", !status);
		out_end(&j);
	}
	print_table(&s);
	if (s.files.plot)
		report_draw_sizes(&s.files, &s.client, &s.server, s.row, s.rows);
	return report_end_files(&s.files, status);
}
