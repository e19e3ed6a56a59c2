// SPDX-License-Identifier: MIT
/* The report as text. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "live.h"
#include "out.h"
#include "plot.h"
#include "report.h"
#include "say.h"
#include "stop.h"

#define GIB 1073741824.0

static FILE *create(const char *path, const char *what)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "we") : stdout;

	if (!f)
		failed("cannot write the %s to %s: %s", what, path, strerror(errno));
	return f;
}

int report_open(struct report *r, const struct perf_options *opt)
{
	*r = (struct report){ .opt = opt, .test = &opt->test };
	if (opt->json && !(r->json = create(opt->json, "figures")))
		return -1;
	if (opt->plot && !(r->plot = create(opt->plot, "picture")))
		return -1;
	return 0;
}

struct flow_figures report_flow(const struct side *receiver)
{
	const double seconds = (double)receiver->nanoseconds / 1e9;

	return (struct flow_figures){
		.bytes = receiver->bytes_received,
		.messages = receiver->messages_received,
		.nanoseconds = receiver->nanoseconds,
		.bits_per_second = seconds > 0 ? (double)receiver->bytes_received * 8 / seconds : 0,
		.messages_per_second =
			seconds > 0 ? (double)receiver->messages_received / seconds : 0,
	};
}

bool report_zero_copy(const struct report *r)
{
	return result_zero_copy(&r->own.side) && result_zero_copy(&r->peer.side);
}

/* -------------------------------------------------------------------------------------- one end */

static void print_flow(FILE *f, const char *name, const struct side *receiver, const struct test *t)
{
	const struct flow_figures figures = report_flow(receiver);
	char rate[32], bytes[32];

	fprintf(f, "%-10s %s, %s in %.2f s", name,
		live_rate(rate, sizeof(rate), figures.bits_per_second),
		out_bytes(bytes, sizeof(bytes), figures.bytes), (double)figures.nanoseconds / 1e9);
	if (t->mode != TEST_STREAM)
		fprintf(f, ", %.0f %s/s", figures.messages_per_second,
			t->mode == TEST_RR ? "transactions" : "messages");
	fputc('\n', f);
}

static void print_latency(FILE *f, const char *name, const struct latency *l, const char *of)
{
	static const char *const names[] = { "min", "p50", "p90", "p99", "p99.9", "p99.99", "max" };
	const uint64_t values[] = { l->min, l->p50, l->p90, l->p99, l->p999, l->p9999, l->max };
	char text[32];

	if (!l->count)
		return;
	fprintf(f, "%-10s ", name);
	for (unsigned int i = 0; i < 7; i++)
		fprintf(f, "%s%s %s", i ? ", " : "", names[i],
			live_time(text, sizeof(text), values[i]));
	fprintf(f, " (%" PRIu64 " times %s)\n", l->count, of);
	if (l->over)
		fprintf(f,
			"%-10s %" PRIu64 " of them took more than 73 minutes and count as that\n",
			"", l->over);
}

/* Prints text from the other end, filtered for the terminal. */
static void print_engine(FILE *f, const char *engine, const char *reason)
{
	fputs("           engine ", f);
	out_text(f, engine);
	fputs(": ", f);
	out_text(f, reason);
	fputc('\n', f);
}

static void print_in(FILE *f, const struct side *s)
{
	char in_place[32], linear[32], plain[32];

	if (!s->engine[0])
		return;
	fprintf(f,
		"  received %s written by the NIC to device memory; copied: %s not split, %s by an "
		"ordinary queue\n",
		out_bytes(in_place, sizeof(in_place), s->bytes_device),
		out_bytes(linear, sizeof(linear), s->bytes_linear),
		out_bytes(plain, sizeof(plain), s->bytes_plain));
	print_engine(f, s->engine, s->engine_reason);
	if (!s->descriptors)
		return;
	fprintf(f, "           %.1f fragments per descriptor",
		(double)s->fragments / (double)s->descriptors);
	if (s->release_operations)
		fprintf(f, ", %.1f per release",
			(double)s->tokens_released / (double)s->release_operations);
	if (s->page_size)
		fprintf(f, ", pages of %s, %" PRIu64 " queue%s",
			out_bytes(plain, sizeof(plain), s->page_size), s->queues,
			s->queues == 1 ? "" : "s");
	fputc('\n', f);
	if (s->pools)
		fprintf(f,
			"           page pools of the queues: up to %" PRIu64 " pages, %s, were "
			"in use\n",
			s->pool_pages, out_bytes(plain, sizeof(plain), s->pool_bytes));
}

static void print_out(FILE *f, const struct side *s)
{
	char in_place[32], copied[32];

	if (!s->tx_engine[0])
		return;
	out_bytes(in_place, sizeof(in_place), s->bytes_sent_device);
	out_bytes(copied, sizeof(copied), s->bytes_sent_copied);
	fprintf(f,
		"  sent     %s from device memory, %s copied on their way; %" PRIu64
		" retransmits, round trip %" PRIu64 " us\n",
		in_place, copied, s->retransmits, s->rtt_us);
	print_engine(f, s->tx_engine, s->tx_engine_reason);
}

/* Processor time and system calls, for each GiB and, with messages, for each message. */
static void print_cost(FILE *f, const struct result *r, const struct test *t)
{
	const struct side *s = &r->side;
	const double gib = (double)(s->bytes_received + s->bytes_sent) / GIB;
	const double n = (double)(s->messages_received > s->messages_sent ? s->messages_received
									  : s->messages_sent);

	if (gib > 0)
		fprintf(f, "  cost     %.3f s user + %.3f s system, %.0f system calls per GiB\n",
			(double)s->user_us / 1e6 / gib, (double)s->system_us / 1e6 / gib,
			(double)s->enter_calls / gib);
	if (n > 0 && t->mode != TEST_STREAM)
		fprintf(f, "           %.2f us user + %.2f us system, %.2f system calls per %s\n",
			(double)s->user_us / n, (double)s->system_us / n,
			(double)s->enter_calls / n, t->mode == TEST_RR ? "transaction" : "message");
	for (unsigned int i = 0; i < r->threads && r->threads > 1; i++) {
		const struct thread_share *own = &r->thread[i];
		const double share = (double)(own->bytes_received + own->bytes_sent) / GIB;

		fprintf(f, "  thread %-2u %.2f GiB, %.3f s user + %.3f s system per GiB", i, share,
			share > 0 ? (double)own->user_us / 1e6 / share : 0,
			share > 0 ? (double)own->system_us / 1e6 / share : 0);
		if (own->cpu != CPU_ANY)
			fprintf(f, ", on processor %" PRIu64, own->cpu);
		fputc('\n', f);
	}
}

static void print_side(FILE *f, const char *name, const struct result *r, const struct test *t)
{
	const struct side *s = &r->side;

	fprintf(f, "%s: ", name);
	out_text(f, s->interface[0] ? s->interface : "host memory");
	if (s->backend[0])
		fputs(", memory of backend ", f);
	out_text(f, s->backend);
	fputs(", kernel ", f);
	out_text(f, s->kernel);
	fputc('\n', f);
	print_in(f, s);
	print_out(f, s);
	print_cost(f, r, t);
	if (s->warning[0]) {
		fputs("  warning  ", f);
		out_text(f, s->warning);
		fputc('\n', f);
	}
}

/* ------------------------------------------------------------------------------------ both ends */

static void warn_of_copies(FILE *f, const struct report *r)
{
	const struct side *side[] = { &r->peer.side, &r->own.side };
	char text[32];

	for (int i = 0; i < 2; i++)
		if (result_copied(side[i]))
			fprintf(f, "WARNING: not zero-copy: the %s's processor copied %s%s\n",
				i ? "client" : "server",
				out_bytes(text, sizeof(text), result_copied(side[i])),
				side[i]->interface[0] ? ""
						      : ", since it was run with --host-memory");
}

static void warn_of_unsent(FILE *f, const struct report *r)
{
	const uint64_t unsent = r->own.side.unsent + r->peer.side.unsent;

	if (unsent)
		fprintf(f,
			"WARNING: %" PRIu64 " messages were due and were never sent: --rate is too "
			"high, and the latencies do not include them\n",
			unsent);
}

static void for_people(FILE *f, const struct report *r)
{
	const struct test *t = r->test;
	char text[200];

	fprintf(f, "%s%s\n", test_text(t, text, sizeof(text)),
		t->verify ? ", every byte verified" : "");
	if (test_receives(t, TEST_SERVER))
		print_flow(f, "to server", &r->peer.side, t);
	if (test_receives(t, TEST_CLIENT))
		print_flow(f, "to client", &r->own.side, t);
	print_latency(f, t->direction == TEST_BOTH ? "at client" : "latency", &r->own.latency,
		      result_latency_of(t, &r->own.side));
	print_latency(f, t->direction == TEST_BOTH ? "at server" : "latency", &r->peer.latency,
		      result_latency_of(t, &r->peer.side));
	print_side(f, "server", &r->peer, t);
	print_side(f, "client", &r->own, t);
	warn_of_unsent(f, r);
	warn_of_copies(f, r);
}

/* The summary of a test that was ended by a signal: what is known without the server. */
static void for_people_interrupted(FILE *f, const struct report *r)
{
	const struct side *s = &r->own.side;
	const double seconds = (double)s->nanoseconds / 1e9;
	char text[200], rate[32];

	fprintf(f, "%s\n", test_text(r->test, text, sizeof(text)));
	fprintf(f, "ended by signal %d (%s) after %.2f s: the figures are of this end alone\n",
		stopped(), strsignal(stopped()), seconds);
	if (test_sends(r->test, TEST_CLIENT))
		fprintf(f, "%-10s %s, %s\n", "sent",
			live_rate(rate, sizeof(rate), (double)s->bytes_sent * 8 / seconds),
			out_bytes(text, sizeof(text), s->bytes_sent));
	if (test_receives(r->test, TEST_CLIENT))
		print_flow(f, "to client", s, r->test);
	print_latency(f, "latency", &r->own.latency, result_latency_of(r->test, s));
	print_side(f, "client", &r->own, r->test);
}

void report_text(FILE *f, const struct report *r)
{
	if (r->peer.side.nanoseconds)
		for_people(f, r);
	else if (stopped() && r->own.side.nanoseconds)
		for_people_interrupted(f, r);
	else if (stopped())
		say("ended by signal %d (%s), before anything was measured", stopped(),
		    strsignal(stopped()));
}

static bool on_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static int end_file(FILE *f, const char *path, const char *what, int status)
{
	if (!f || (f == stdout ? !fflush(stdout) : !fclose(f)))
		return status;
	failed("cannot write the %s to %s: %s", what, path, strerror(errno));
	return status ? status : PERF_FAILED;
}

FILE *report_text_file(const struct perf_options *opt)
{
	return on_stdout(opt->json) || on_stdout(opt->plot) ? stderr : stdout;
}

static struct plot_where where(const struct report *r, struct utsname *own)
{
	uname(own);
	return (struct plot_where){ own->nodename, r->opt->host, time(NULL) };
}

void report_draw_sizes(const struct report *r, const struct side *client, const struct side *server,
		       const struct plot_row *row, unsigned int rows)
{
	struct utsname own = { 0 };
	const struct plot_where w = where(r, &own);
	struct test all = *r->test;

	all.size = 0;
	plot_draw_sizes(r->plot, &all, &w, client, server, row, rows);
}

int report_end_files(struct report *r, int status)
{
	status = end_file(r->plot, r->opt->plot, "picture", status);
	return end_file(r->json, r->opt->json, "figures", status);
}

int report_close(struct report *r, int status)
{
	struct out_json j = { .f = r->json };
	struct utsname own = { 0 };
	const struct plot_where w = where(r, &own);

	report_text(report_text_file(r->opt), r);
	if (r->plot)
		plot_draw(r->plot, r->test, &w, &r->own, &r->peer);
	if (r->json)
		report_json(&j, r, status);
	status = report_end_files(r, status);
	result_free(&r->own);
	result_free(&r->peer);
	return status;
}

void report_server(const struct report *r)
{
	const struct side *s = &r->own.side;
	char text[200];

	fprintf(stderr, "%s\n", test_text(r->test, text, sizeof(text)));
	if (s->engine[0])
		print_flow(stderr, "received", s, r->test);
	print_side(stderr, "server", &r->own, r->test);
}
