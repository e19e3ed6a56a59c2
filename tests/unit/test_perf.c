// SPDX-License-Identifier: MIT
/* The parts of devmem-perf that are logic: the histogram, what the ends say to each other, the
 * command line, processors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "unit.h"
#include "command_line.h"
#include "hdr.h"
#include "live.h"
#include "message.h"
#include "perf.h"
#include "pin.h"
#include "plot.h"
#include "result.h"

#define VALUES 20000

/* -------------------------------------------------------------------------------- the histogram */

static struct hdr *new_hdr(void)
{
	struct hdr *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	return h;
}

/* The same row each time. */
static uint64_t random_value(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Of itself and of its neighbours, up to the largest. */
static void is_kept(struct hdr *h, uint64_t value)
{
	uint64_t got;

	hdr_reset(h);
	hdr_record(h, value);
	hdr_record(h, HDR_MAX);
	got = hdr_percentile(h, 50.1); /* the second of two */
	assert_int_equal(got, HDR_MAX);
	hdr_record(h, 0);
	got = hdr_percentile(h, 50); /* the second of three */
	if (got < value || got - value > value / 1000)
		fail_msg("%llu is told as %llu", (unsigned long long)value,
			 (unsigned long long)got);
}

static void a_value_keeps_three_digits_whatever_its_size(void **state)
{
	struct hdr *h = new_hdr();

	(void)state;
	for (unsigned int bit = 0; bit < HDR_BITS; bit++)
		for (uint64_t k = 0; k < 3; k++)
			if ((UINT64_C(1) << bit) + k > 1 && (UINT64_C(1) << bit) + k - 1 <= HDR_MAX)
				is_kept(h, (UINT64_C(1) << bit) + k - 1);
	is_kept(h, HDR_MAX);
	for (uint64_t value = 0; value < 5000; value++)
		is_kept(h, value);
	free(h);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
	static const struct {
		double percent;
		size_t rank; /* of 20,000, from 1 */
	} cases[] = { { 0, 1 },		 { 0.001, 1 },	  { 50, 10000 },    { 90, 18000 },
		      { 99, 19800 },	 { 99.9, 19980 }, { 99.99, 19998 }, { 99.995, 19999 },
		      { 99.996, 20000 }, { 100, 20000 } };
	static uint64_t values[VALUES];
	struct hdr *h = new_hdr();
	uint64_t x = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < VALUES; i++) {
		values[i] = random_value(&x) >> (22 + random_value(&x) % 40); /* of all sizes */
		hdr_record(h, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), by_size);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t exact = values[cases[i].rank - 1],
			       got = hdr_percentile(h, cases[i].percent);

		if (got < exact || got - exact > exact / 1000)
			fail_msg("%g %%: %llu instead of %llu", cases[i].percent,
				 (unsigned long long)got, (unsigned long long)exact);
	}
	assert_int_equal(h->min, values[0]);
	assert_int_equal(h->max, values[VALUES - 1]);
	assert_int_equal(hdr_percentile(h, 100), values[VALUES - 1]);
	free(h);
}

static void merged_is_as_recorded_together(void **state)
{
	struct hdr *a = new_hdr(), *b = new_hdr(), *both = new_hdr();
	uint64_t x = 1234567;

	(void)state;
	for (size_t i = 0; i < VALUES; i++) {
		const uint64_t value = random_value(&x) >> (20 + i % 30);

		hdr_record(i % 3 ? a : b, value);
		hdr_record(both, value);
	}
	hdr_merge(a, b);
	assert_int_equal(a->count, VALUES);
	assert_memory_equal(a->counter, both->counter, sizeof(a->counter));
	assert_int_equal(a->min, both->min);
	assert_int_equal(a->max, both->max);
	assert_int_equal(a->over, both->over);
	hdr_reset(b);
	hdr_merge(a, b); /* nothing */
	assert_int_equal(a->min, both->min);
	hdr_merge(b, a); /* into nothing */
	assert_int_equal(b->min, both->min);
	free(a);
	free(b);
	free(both);
}

static void what_is_too_long_counts_as_the_longest_and_is_told(void **state)
{
	struct hdr *h = new_hdr();

	(void)state;
	assert_int_equal(hdr_percentile(h, 50), 0);
	assert_int_equal(hdr_mean(h), 0);
	hdr_record(h, HDR_MAX);
	assert_int_equal(h->over, 0);
	hdr_record(h, HDR_MAX + 1);
	hdr_record(h, UINT64_MAX);
	assert_int_equal(h->over, 2);
	assert_int_equal(h->count, 3);
	assert_int_equal(h->max, HDR_MAX);
	assert_int_equal(hdr_percentile(h, 100), HDR_MAX);
	assert_int_equal(hdr_mean(h), HDR_MAX);
	free(h);
}

/* ----------------------------------------------------------------------------- the command line */

static int parse_words(int argc, char **argv, void *opt)
{
	return perf_parse(argc, argv, opt);
}

static int parse(const char *line, struct perf_options *opt)
{
	return command_line("devmem-perf", line, parse_words, opt);
}

static struct perf_options parsed(const char *line)
{
	struct perf_options opt;

	assert_int_equal(parse(line, &opt), PERF_OK);
	return opt;
}

static void is_wrong(const char *line)
{
	struct perf_options opt;

	if (parse(line, &opt) != PERF_USAGE)
		fail_msg("taken: %s", line);
}

static struct test test_of(const struct perf_options *opt, unsigned int i)
{
	struct test t;

	perf_set_size(opt, i, &t);
	return t;
}

static void each_size_is_a_test(void **state)
{
	struct perf_options opt = parsed("client -M rr -l 64,1K,2M -c 3 lo ::1");

	(void)state;
	assert_int_equal(opt.sizes, 3);
	assert_int_equal(test_of(&opt, 0).size, 64);
	assert_int_equal(test_of(&opt, 0).response, 64);
	assert_int_equal(test_of(&opt, 2).size, 2 << 20);
	assert_int_equal(test_of(&opt, 2).response, 2 << 20);
	assert_int_equal(test_of(&opt, 1).connections, 3);
	opt = parsed("client -M rr -l 64,1K -r 8 lo ::1");
	assert_int_equal(test_of(&opt, 1).response, 8);
	opt = parsed("client lo ::1");
	assert_int_equal(opt.sizes, 0);
	assert_int_equal(test_of(&opt, 0).size, 256 << 10);
}

static void what_is_not_said_depends_on_the_mode(void **state)
{
	struct perf_options opt = parsed("client lo ::1");

	(void)state;
	assert_int_equal(opt.action, PERF_CLIENT);
	assert_string_equal(opt.interface, "lo");
	assert_string_equal(opt.host, "::1");
	assert_int_equal(opt.test.mode, TEST_STREAM);
	assert_int_equal(opt.test.direction, TEST_TO_SERVER);
	assert_int_equal(opt.test.size, 256 << 10);
	assert_int_equal(opt.test.depth, 16);
	assert_int_equal(opt.test.time_ms, 10000);
	assert_int_equal(opt.test.warmup_ms, 1000);
	assert_null(opt.engine);
	assert_int_equal(opt.data_port, 5302);
	opt = parsed("client --mode rr --size 1K lo ::1");
	assert_int_equal(test_of(&opt, 0).response, 1024);
	assert_int_equal(opt.test.depth, 1);
	opt = parsed("client -M messages -D rx -n 1M lo ::1");
	assert_int_equal(opt.test.direction, TEST_TO_CLIENT);
	assert_int_equal(opt.test.size, 64);
	assert_int_equal(opt.test.warmup_ms, 0);
	opt = parsed("server -p 7000 -1 lo");
	assert_int_equal(opt.action, PERF_SERVER);
	assert_int_equal(opt.data_port, 7001);
	assert_true(opt.once);
	opt = parsed("client -H ::1");
	assert_null(opt.interface);
	assert_string_equal(opt.host, "::1");
}

static void what_cannot_be_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"both lo",
		"server",
		"client lo",
		"client -H",
		"client lo ::1 more",
		"server -H lo",
		"server nosuch0",
		"client --once lo ::1",
		"server -t 3 lo",
		"server --json x lo",
		"client -M fast lo ::1",
		"client -D down lo ::1",
		"client -t 0 lo ::1",
		"client -t -1 lo ::1",
		"client -t 1x lo ::1",
		"client -t nan lo ::1",
		"client -l 0 lo ::1",
		"client -l 65M lo ::1",
		"client -c 2 -T 3 lo ::1",
		"client -M rr -D both lo ::1",
		"client --rate 5 lo ::1",
		"client -n 1M -w 1 lo ::1",
		"client --corrupt 5 lo ::1",
		"client -i 0.01 -t 3600 lo ::1",
		"client -l 64M -o 64 lo ::1",
		"client -e fast lo ::1",
		"client -b 5000 lo ::1",
		"client -H -e zcrx ::1",
		"client -H --pin nic ::1",
		"client --pin 2- lo ::1",
		"client --pin , lo ::1",
		"server -p 65535 lo",
		"server -p 5 --data-port 5 lo",
		"client -x lo ::1",
		"client --size",
		"client -n 2000000000G lo ::1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		is_wrong(lines[i]);
}

/* ---------------------------------------------------------------------------- what the ends say */

static struct test a_test(void)
{
	return (struct test){ .mode = TEST_RR,
			      .size = 64,
			      .response = 100,
			      .depth = 3,
			      .connections = 7,
			      .threads = 2,
			      .time_ms = 5000,
			      .warmup_ms = 10,
			      .interval_ms = 100,
			      .rate = 9,
			      .verify = 1,
			      .corrupt = 77 };
}

/* What was sent, as the other end has it: behind it may come the next one. */
static struct lines received(const struct message *m, char *text, size_t room)
{
	struct lines l;
	int n;

	assert_false(m->lost);
	assert_true(m->bytes + 8 < room);
	memcpy(text, m->text, m->bytes);
	memcpy(text + m->bytes, "devmem-", 7);
	for (size_t some = 0; some < m->bytes; some++)
		assert_int_equal(message_find(text, some), 0);
	n = message_find(text, m->bytes + 7);
	assert_int_equal(n, m->bytes);
	message_open(&l, text, (size_t)n);
	return l;
}

static void parameters_come_as_they_were_given(void **state)
{
	struct test t = a_test(), got;
	struct message m = { 0 };
	static char text[4096];
	struct lines l;

	(void)state;
	message_begin(&m, "test");
	fields_add(&m, test_fields, &t);
	message_end(&m);
	l = received(&m, text, sizeof(text));
	assert_string_equal(l.kind, "test");
	assert_null(test_parse(&got, &l));
	assert_memory_equal(&t, &got, sizeof(t));
	message_free(&m);
}

static const char *complaint_about(const char *text)
{
	static char copy[4096];
	struct test t;
	struct lines l;
	int n = snprintf(copy, sizeof(copy), "devmem-perf 1 test\n%s\n", text);

	assert_int_equal(message_find(copy, (size_t)n), n);
	message_open(&l, copy, (size_t)n);
	return test_parse(&t, &l);
}

static void parameters_that_cannot_be_are_refused(void **state)
{
	static const char *const bad[] = {
		"",    "size\n",     "size 1 2\n", "size -1\n", "size 99999999999999999999999\n",
		" \n", "nosuch 1\n", "size 0x\n",
	};
	static const char whole[] = "mode %d\ndirection 0\nsize %s\nresponse 64\ndepth "
				    "%s\nconnections %s\nthreads 1\ntime_ms 1000\n"
				    "warmup_ms 0\ninterval_ms 1000\nbytes 0\nrate 0\nverify "
				    "0\ncorrupt 18446744073709551615\n";
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!complaint_about(bad[i]))
			fail_msg("taken: %s", bad[i]);
	snprintf(text, sizeof(text), whole, 0, "64", "1", "1");
	assert_null(complaint_about(text));
	snprintf(text, sizeof(text), whole, 3, "64", "1", "1");
	assert_non_null(complaint_about(text));
	snprintf(text, sizeof(text), whole, 0, "0", "1", "1");
	assert_non_null(complaint_about(text));
	/* of a size that numbers still hold */
	snprintf(text, sizeof(text), whole, 0, "67108864", "32768", "4096");
	assert_non_null(complaint_about(text));
	/* a message of a byte takes a cache line of its own, and 8 bytes more: 2 GiB are 29 million
	 * of them */
	snprintf(text, sizeof(text), whole, 0, "1", "32768", "1000");
	assert_non_null(complaint_about(text));
	snprintf(text, sizeof(text), whole, 0, "1", "32768", "900");
	assert_null(complaint_about(text));
	snprintf(text, sizeof(text), whole, 0, "18446744073709551615", "1", "1");
	assert_non_null(complaint_about(text));
}

static void what_is_no_message_is_noticed_early(void **state)
{
	static const char version2[] = "devmem-perf 2 test\nx";

	(void)state;
	assert_int_equal(message_find("GET / HTTP/1.1\r\n", 16), -EPROTO);
	assert_int_equal(message_find("G", 1), -EPROTO);
	assert_int_equal(message_find("devmem-perf x test\n", 19), -EPROTO);
	assert_int_equal(message_find("devmem-perf 1 \n\n", 16), -EPROTO);
	assert_int_equal(message_find("devmem-perf 1 test\na\0b\n\n", 24), -EPROTO);
	assert_int_equal(message_find("devmem-perf 1111111111111111111111111111111111", 46),
			 -EPROTO);
	assert_int_equal(message_find(version2, sizeof(version2) - 1), -EPROTONOSUPPORT);
	/* without lines it is one */
	assert_int_equal(message_find("devmem-perf 1 test\n\n", 20), 20);
}

static void figures_come_as_they_were_sent(void **state)
{
	struct result r = { .side = { .nanoseconds = 5,
				      .bytes_sent = UINT64_MAX,
				      .engine = "devmem",
				      .warning = "two\nlines" },
			    .latency = { .count = 3, .p9999 = 17 } },
		      got;
	static char text[16384];
	struct message m = { 0 };
	struct lines l;

	(void)state;
	for (uint64_t i = 1; i <= 5; i++)
		assert_true(result_add_point(&r, &(struct point){ .end_us = i, .p99 = 10 * i }));
	r.thread = calloc(3, sizeof(*r.thread));
	assert_non_null(r.thread);
	r.threads = 3;
	r.thread[2].user_us = 42;
	message_begin(&m, "result");
	result_pack(&m, &r);
	message_end(&m);
	l = received(&m, text, sizeof(text));
	assert_true(result_parse(&got, &l));
	assert_int_equal(got.side.bytes_sent, UINT64_MAX);
	assert_string_equal(got.side.engine, "devmem");
	assert_string_equal(got.side.engine_reason, "");
	assert_string_equal(got.side.warning, "two lines");
	assert_memory_equal(&got.latency, &r.latency, sizeof(r.latency));
	assert_int_equal(got.points, 5);
	assert_memory_equal(got.point, r.point, 5 * sizeof(*r.point));
	assert_int_equal(got.threads, 3);
	assert_int_equal(got.thread[2].user_us, 42);
	result_free(&got);
	result_free(&r);
	message_free(&m);
}

static void all_messages_are_divided_among_the_connections(void **state)
{
	struct test t = a_test();
	uint64_t all = 0;

	(void)state;
	t.bytes = 64 * 100 - 1; /* 100 messages, the last one whole */
	for (uint64_t i = 0; i < t.connections; i++) {
		assert_in_range(test_limit(&t, i), 14, 15);
		all += test_limit(&t, i);
	}
	assert_int_equal(all, 100);
	t.bytes = 0;
	assert_true(test_limit(&t, 0) == UINT64_MAX);
}

/* ----------------------------------------------------------------------------------- processors */

static void lists_of_processors_are_read(void **state)
{
	struct pin_list list;

	(void)state;
	assert_true(pin_parse(&list, "0,2,4-6,2"));
	assert_int_equal(list.n, 5);
	assert_int_equal(list.cpu[4], 6);
	assert_false(pin_parse(&list, ""));
	assert_false(pin_parse(&list, "3-1"));
	assert_false(pin_parse(&list, "1,"));
	assert_false(pin_parse(&list, "1;2"));
	assert_false(pin_parse(&list, "99999"));
}

static void write_file(const char *root, const char *path, const char *line)
{
	char name[256];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *slash = name + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(name, 0700);
		*slash = '/';
	}
	f = fopen(name, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", line);
	fclose(f);
}

static void the_processors_of_a_nic_are_those_of_its_interrupts(void **state)
{
	char root[] = "/tmp/devmem-perf.XXXXXX", command[64];
	struct pin_list list;
	const char *why;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_false(pin_near(&list, root, "eth7", &why));
	assert_non_null(strstr(why, "name the processors"));
	write_file(root, "/sys/class/net/eth7/device/local_cpulist", "8-9");
	assert_true(pin_near(&list, root, "eth7", &why));
	assert_int_equal(list.n, 2);
	assert_int_equal(list.cpu[0], 8);
	write_file(root, "/sys/class/net/eth7/device/msi_irqs/101", "msix");
	write_file(root, "/sys/class/net/eth7/device/msi_irqs/99", "msix");
	/* and not requested */
	write_file(root, "/sys/class/net/eth7/device/msi_irqs/102", "msix");
	write_file(root, "/proc/irq/101/effective_affinity_list", "3");
	write_file(root, "/proc/irq/99/effective_affinity_list", "5");
	assert_true(pin_near(&list, root, "eth7", &why));
	assert_int_equal(list.n, 2);
	assert_int_equal(list.cpu[0], 5);
	assert_int_equal(list.cpu[1], 3);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

/* ---------------------------------------------------------------------------- as people read it */

static void figures_have_three_digits_and_a_unit(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(live_time(text, sizeof(text), 999), "999 ns");
	assert_string_equal(live_time(text, sizeof(text), 12345), "12.3 us");
	assert_string_equal(live_time(text, sizeof(text), 999949), "1.00 ms");
	assert_string_equal(live_time(text, sizeof(text), 0), "0 ns");
	assert_string_equal(live_rate(text, sizeof(text), 93.41e9), "93.4 Gbit/s");
}

static void axes_have_round_numbers(void **state)
{
	(void)state;
	for (double value = 0.001; value < 1e7; value *= 1.37) {
		double tick = plot_tick(value, 6);
		char text[32];

		assert_true(tick * 6 >= value && tick * 6 < value * 3);
		snprintf(text, sizeof(text), "%.3e", tick);
		assert_non_null(strchr("125", text[0]));
		assert_memory_equal(text + 1, ".000", 4);
	}
}

static void steps_are_round(void **state)
{
	(void)state;
	for (double value = 0.0013; value < 1e7; value *= 1.37) {
		const double down = plot_step(value, false), up = plot_step(value, true);
		char text[32];

		assert_true(down <= value && value <= up && up <= down * 2.51);
		snprintf(text, sizeof(text), "%.3e", up);
		assert_non_null(strchr("125", text[0]));
	}
	assert_true(plot_step(200, true) < 201 && plot_step(200, false) > 199);
}

/* How often @word is in @text. */
static unsigned int times(const char *text, const char *word)
{
	unsigned int n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

/* A second each, of 1 Gbit; the third has no latency, and a last one of a tenth is left out. */
static void a_picture_has_a_line_from_point_to_point(void **state)
{
	const struct test t = { .mode = TEST_STREAM,
				.size = 1,
				.interval_ms = 1000,
				.connections = 1,
				.threads = 1,
				.depth = 1 };
	struct result
		client = { .latency = { .count = 1 },
			   .side = { .tx_engine = "devmem", .kernel = "6.18", .retransmits = 17 } },
		server = { .side = { .engine = "zcrx", .interface = "eth1", .kernel = "7.3.4" } };
	char *svg = NULL;
	size_t bytes;
	FILE *f = open_memstream(&svg, &bytes);

	(void)state;
	assert_non_null(f);
	for (uint64_t i = 1; i <= 12; i++) {
		struct point p = { .end_us = i * 1000000,
				   .bytes_received = 125000000,
				   .count = i != 3,
				   .p50 = 1000,
				   .p99 = 400000 };

		if (i == 12)
			p.end_us -= 900000;
		assert_true(result_add_point(&server, &p) && result_add_point(&client, &p));
	}
	plot_draw(f, &t, &(struct plot_where){ "here<", "there", 1764547200 }, &client, &server);
	fclose(f);
	assert_int_equal(times(svg, "stroke-width=\"2\""), 3);
	assert_int_equal(times(svg, "<circle"), 11 + 2 * 10);
	assert_non_null(strstr(svg, ">Gbit/s<"));
	assert_non_null(strstr(svg, ">1 us<"));
	assert_non_null(strstr(svg, ">100 us<"));
	/* at the top: 1 of 1 */
	assert_non_null(strstr(svg, "M90 332.0M161.8 112.0L233.6 112.0L305.5 112.0L"));
	/* p50 is the lower edge: from 1 us to 500, with a logarithm; p99 is not far above */
	assert_non_null(strstr(svg, "L233.6 642.0M377.3 642.0L"));
	assert_non_null(strstr(svg, "L233.6 429.9L305.5") ?: strstr(svg, "L233.6 429.9M"));
	assert_non_null(strstr(svg, "receives by engine zcrx, eth1, kernel 7.3.4, 0 retransmits"));
	assert_non_null(strstr(svg, "client here&lt;: sends by engine devmem, host memory, kernel "
				    "6.18, "
				    "17 retransmits"));
	assert_non_null(strstr(svg, ">2025-12-01 00:00 UTC<"));
	/* no colour means two things */
	assert_int_equal(times(svg, "height=\"4\" fill="), 3);
	assert_int_equal(times(svg, "fill=\"#1f6feb\"/>\n<text"), 1);
	assert_int_equal(times(svg, "fill=\"#1a7f37\"/>\n<text"), 1);
	assert_int_equal(times(svg, "fill=\"#8250df\"/>\n<text"), 1);
	assert_null(strstr(svg, "nan"));
	assert_int_equal(times(svg, "<svg"), times(svg, "</svg>"));
	free(svg);
	result_free(&client);
	result_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_keeps_three_digits_whatever_its_size),
		cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
		cmocka_unit_test(merged_is_as_recorded_together),
		cmocka_unit_test(what_is_too_long_counts_as_the_longest_and_is_told),
		cmocka_unit_test(what_is_not_said_depends_on_the_mode),
		cmocka_unit_test(each_size_is_a_test),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(parameters_come_as_they_were_given),
		cmocka_unit_test(parameters_that_cannot_be_are_refused),
		cmocka_unit_test(what_is_no_message_is_noticed_early),
		cmocka_unit_test(figures_come_as_they_were_sent),
		cmocka_unit_test(all_messages_are_divided_among_the_connections),
		cmocka_unit_test(lists_of_processors_are_read),
		cmocka_unit_test(the_processors_of_a_nic_are_those_of_its_interrupts),
		cmocka_unit_test(figures_have_three_digits_and_a_unit),
		cmocka_unit_test(axes_have_round_numbers),
		cmocka_unit_test(steps_are_round),
		cmocka_unit_test(a_picture_has_a_line_from_point_to_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
