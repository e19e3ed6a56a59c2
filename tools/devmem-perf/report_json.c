// SPDX-License-Identifier: MIT
/* The report as JSON. Keys may be added. Existing keys keep their names and meanings. */
#include <devmem/devmem.h>

#include "out.h"
#include "report.h"
#include "say.h"
#include "stop.h"

#define GIB 1073741824.0

static void json_list(struct out_json *j, const char *key, const struct field *fields,
		      const void *list, unsigned int n, size_t each)
{
	out_array(j, key);
	for (unsigned int i = 0; i < n; i++) {
		out_object(j, NULL);
		fields_out(j, fields, (const char *)list + i * each);
		out_end(j);
	}
	out_end(j);
}

/* A thread that was not pinned has the processor null, not CPU_ANY's number. */
static void json_threads(struct out_json *j, const struct result *r)
{
	out_array(j, "threads");
	for (unsigned int i = 0; i < r->threads; i++) {
		out_object(j, NULL);
		if (r->thread[i].cpu == CPU_ANY)
			out_string(j, "cpu", NULL);
		fields_out(j, thread_fields + (r->thread[i].cpu == CPU_ANY), &r->thread[i]);
		out_end(j);
	}
	out_end(j);
}

static double per(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void json_side(struct out_json *j, const char *key, const struct result *r,
		      const struct test *t)
{
	const struct side *s = &r->side;
	const double gib = (double)(s->bytes_received + s->bytes_sent) / GIB;

	out_object(j, key);
	fields_out(j, side_fields, s);
	out_number(j, "system_calls", s->enter_calls);
	out_bool(j, "zero_copy", result_zero_copy(s));
	out_number(j, "bytes_copied", result_copied(s));
	out_real(j, "user_us_per_gib", gib > 0 ? (double)s->user_us / gib : 0);
	out_real(j, "system_us_per_gib", gib > 0 ? (double)s->system_us / gib : 0);
	out_real(j, "fragments_per_descriptor", per(s->fragments, s->descriptors));
	out_real(j, "fragments_per_release", per(s->tokens_released, s->release_operations));
	json_threads(j, r);
	if (r->latency.count) {
		out_object(j, "latency_ns");
		out_string(j, "of", t->mode == TEST_RR ? "round-trip" : "send-completion");
		fields_out(j, latency_fields, &r->latency);
		out_end(j);
	}
	json_list(j, "intervals", point_fields, r->point, r->points, sizeof(*r->point));
	out_end(j);
}

static void json_flow(struct out_json *j, const char *key, const struct side *receiver)
{
	const struct flow_figures figures = report_flow(receiver);

	out_object(j, key);
	out_number(j, "bytes", figures.bytes);
	out_number(j, "messages", figures.messages);
	out_number(j, "nanoseconds", figures.nanoseconds);
	out_real(j, "bits_per_second", figures.bits_per_second);
	out_real(j, "messages_per_second", figures.messages_per_second);
	out_end(j);
}

static void json_test(struct out_json *j, const struct test *t)
{
	out_object(j, "test");
	out_string(j, "mode", test_modes[t->mode]);
	out_string(j, "direction", t->mode == TEST_RR ? NULL : test_directions[t->direction]);
	for (const struct field *f = test_fields + 2; f->name; f++) {
		const uint64_t n = *(const uint64_t *)(const void *)((const char *)t + f->offset);

		if (f->offset != offsetof(struct test, corrupt) || n != TEST_NO_CORRUPTION)
			out_number(j, f->name, n);
	}
	out_end(j);
}

static void json_figures(struct out_json *j, const struct report *r)
{
	const struct test *t = r->test;

	out_bool(j, "zero_copy", report_zero_copy(r));
	out_number(j, "bytes_copied", result_copied(&r->own.side) + result_copied(&r->peer.side));
	if (test_receives(t, TEST_SERVER))
		json_flow(j, "to_server", &r->peer.side);
	if (test_receives(t, TEST_CLIENT))
		json_flow(j, "to_client", &r->own.side);
	json_side(j, "server", &r->peer, t);
	json_side(j, "client", &r->own, t);
}

/* Of a test that was interrupted there are only the figures of this end. */
static void json_interrupted(struct out_json *j, const struct report *r)
{
	if (test_receives(r->test, TEST_CLIENT))
		json_flow(j, "to_client", &r->own.side);
	json_side(j, "client", &r->own, r->test);
}

void report_json(struct out_json *j, const struct report *r, int status)
{
	out_object(j, NULL);
	out_string(j, "version", devmem_version());
	out_bool(j, "ok", !status);
	out_string(j, "error", failure() ? failure() : stopped() ? "a signal ended it" : NULL);
	out_bool(j, "nic_restored", r->restored);
	json_test(j, r->test);
	if (r->peer.side.nanoseconds)
		json_figures(j, r);
	else if (stopped() && r->own.side.nanoseconds)
		json_interrupted(j, r);
	out_end(j);
}
