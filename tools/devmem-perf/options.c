// SPDX-License-Identifier: MIT
/* Parses options. Only the client takes what is to be measured; each end has options for its own
 * memory. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"
#include "number.h"
#include "perf.h"
#include "pin.h"
#include "say.h"
#include "suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char say_program[] = "devmem-perf";

const char perf_usage[] =
	"usage: devmem-perf server [option]... INTERFACE\n"
	"       devmem-perf client [option]... INTERFACE HOST\n"
	"Measures how fast TCP payload reaches device memory and leaves it, and what that costs. A "
	"server runs one test after\n"
	"the other; the client says what is measured, and gets the figures of both ends.\n"
	"Both:\n"
	"  -H, --host-memory        ordinary memory at this end, and no INTERFACE\n"
	"  -e, --engine NAME        devmem, zcrx, copy, syscall, or auto: the best available "
	"(default auto)\n"
	"  -B, --backend NAME       where device memory comes from: cuda, udmabuf, ... (default: "
	"the best host memory)\n"
	"  -d, --device NAME        the backend's device (default of cuda: the nearest to "
	"INTERFACE)\n"
	"  -m, --buffer MIB         size of the buffer to receive into (default 64)\n"
	"  -q, --queues N           RX queues to bind (default 1; with engine zcrx, one for each "
	"thread)\n"
	"  -b, --page-size BYTES    page size of the queues (default: the largest up to 64K)\n"
	"      --lowat BYTES        SO_RCVLOWAT (default: managed by the library)\n"
	"      --coalesce US        wait so long to collect completions, for many connections "
	"(default 0)\n"
	"      --busy-poll US       poll for packets so long before sleeping (default 0)\n"
	"      --pin LIST           processors for the threads, such as 2,4-7; or \"nic\": those "
	"of its interrupts\n"
	"  -p, --port N             the server's port (default 5301); the next port carries the "
	"data\n"
	"  -4, --ipv4; -6, --ipv6   use only this one\n"
	"      --progress           print a line each interval, on a terminal and elsewhere "
	"(--no-progress: never)\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"Server:\n"
	"  -1, --once               end after one test, with its status\n"
	"      --data-port N        port for the data (default: the one after --port)\n"
	"      --patience SECONDS   time that a client has for each step (default 10): to say what "
	"it wants, to make its\n"
	"                           connections (and 0.1 s more for each), to begin, to take its "
	"figures\n"
	"      --max-time SECONDS   longest test allowed (default 3600)\n"
	"Client:\n"
	"  -M, --mode NAME          stream, rr (request and response), messages (many small ones; "
	"default stream)\n"
	"  -D, --direction WHICH    to-server (or tx), to-client (or rx), both (default "
	"to-server)\n"
	"  -l, --size BYTES,...     of a send, request or message (default 256K, 64, 64); several: "
	"a test of each\n"
	"  -r, --response BYTES     of a response (default: as the request)\n"
	"  -o, --depth N            sends under way on each connection (default 16, 1, 256)\n"
	"      --rate N             requests or messages per second, each measured from when it "
	"was due\n"
	"  -c, --connections N      (default 1)\n"
	"  -T, --threads N          at each end (default 1)\n"
	"  -t, --time SECONDS       (default 10)\n"
	"  -w, --warmup SECONDS     before that, not measured (default 1; with --bytes 0)\n"
	"  -n, --bytes BYTES        send so many bytes each way, instead of --time\n"
	"  -i, --interval SECONDS   between two lines of progress (default 1)\n"
	"  -v, --verify             check every byte\n"
	"      --corrupt POSITION   send that byte of each stream wrong, to see that it is "
	"noticed\n"
	"  -j, --json FILE          write all figures to FILE (-: standard output)\n"
	"      --plot FILE          draw throughput and latency over time, as SVG\n"
	"Numbers of bytes may end in K, M or G.\n"
	"Exit status: 0 done; 1 it failed, or a byte was wrong; 2 wrong arguments; 128 + N ended "
	"by signal N.\n";

enum {
	LOWAT = 256,
	BUSY_POLL,
	COALESCE,
	PIN,
	PROGRESS,
	NO_PROGRESS,
	DATA_PORT,
	PATIENCE,
	MAX_TIME,
	RATE,
	CORRUPT,
	PLOT,
};

static const struct option longs[] = {
	{ "host-memory", no_argument, NULL, 'H' },
	{ "engine", required_argument, NULL, 'e' },
	{ "backend", required_argument, NULL, 'B' },
	{ "device", required_argument, NULL, 'd' },
	{ "buffer", required_argument, NULL, 'm' },
	{ "queues", required_argument, NULL, 'q' },
	{ "page-size", required_argument, NULL, 'b' },
	{ "lowat", required_argument, NULL, LOWAT },
	{ "busy-poll", required_argument, NULL, BUSY_POLL },
	{ "coalesce", required_argument, NULL, COALESCE },
	{ "pin", required_argument, NULL, PIN },
	{ "port", required_argument, NULL, 'p' },
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ "progress", no_argument, NULL, PROGRESS },
	{ "no-progress", no_argument, NULL, NO_PROGRESS },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "once", no_argument, NULL, '1' },
	{ "data-port", required_argument, NULL, DATA_PORT },
	{ "patience", required_argument, NULL, PATIENCE },
	{ "max-time", required_argument, NULL, MAX_TIME },
	{ "mode", required_argument, NULL, 'M' },
	{ "direction", required_argument, NULL, 'D' },
	{ "size", required_argument, NULL, 'l' },
	{ "response", required_argument, NULL, 'r' },
	{ "depth", required_argument, NULL, 'o' },
	{ "rate", required_argument, NULL, RATE },
	{ "connections", required_argument, NULL, 'c' },
	{ "threads", required_argument, NULL, 'T' },
	{ "time", required_argument, NULL, 't' },
	{ "warmup", required_argument, NULL, 'w' },
	{ "bytes", required_argument, NULL, 'n' },
	{ "interval", required_argument, NULL, 'i' },
	{ "verify", no_argument, NULL, 'v' },
	{ "corrupt", required_argument, NULL, CORRUPT },
	{ "json", required_argument, NULL, 'j' },
	{ "plot", required_argument, NULL, PLOT },
	{ 0 },
};

/* The leading ':' makes getopt silent and has it report a missing value as ':'. */
static const char shorts[] = ":He:B:d:m:q:b:p:46hV1M:D:l:r:o:c:T:t:w:n:i:vj:";

#define wrong(...) (say_usage(__VA_ARGS__), PERF_USAGE)

/* A value that the user did not give: its default depends on other options. */
#define NOT_GIVEN UINT64_MAX

static const char *name_of(int letter)
{
	for (size_t i = 0; i < COUNT(longs) - 1; i++)
		if (longs[i].val == letter)
			return longs[i].name;
	return "?";
}

/* --------------------------------------------------------------------------------------- values */

static int take_number(int letter, const char *text, struct perf_options *opt)
{
	static const struct {
		int letter;
		uint64_t least, most;
		bool bytes;
	} limits[] = {
		{ 'm', 1, 1 << 20, false },
		{ 'q', 1, 1024, false },
		{ 'b', 4096, 1u << 31, true },
		{ LOWAT, 1, 1 << 30, true },
		{ BUSY_POLL, 0, 10000, false },
		{ COALESCE, 0, 100000, false },
		{ 'p', 1, 65535, false },
		{ DATA_PORT, 1, 65535, false },
		{ 'r', 1, 64 << 20, true },
		{ 'o', 1, 32768, false },
		{ RATE, 1, 1000000000, false },
		{ 'c', 1, 4096, false },
		{ 'T', 1, 256, false },
		{ 'n', 1, UINT64_C(1) << 60, true },
		{ CORRUPT, 0, UINT64_C(1) << 60, true },
	};
	uint64_t n = 0;
	size_t i = 0;

	while (limits[i].letter != letter)
		i++;
	if (!number_parse(text, limits[i].most, limits[i].bytes, &n) || n < limits[i].least)
		return wrong("--%s wants a number%s from %llu to %llu, not \"%s\"", name_of(letter),
			     limits[i].bytes ? " of bytes, such as 16K," : "",
			     (unsigned long long)limits[i].least,
			     (unsigned long long)limits[i].most, text);
	switch (letter) {
	case 'm':
		opt->buffer_mib = (uint32_t)n;
		break;
	case 'q':
		opt->queues = (uint32_t)n;
		break;
	case 'b':
		opt->page_size = (uint32_t)n;
		break;
	case LOWAT:
		opt->lowat = (uint32_t)n;
		break;
	case BUSY_POLL:
		opt->busy_poll_us = (uint32_t)n;
		break;
	case COALESCE:
		opt->coalesce_us = (uint32_t)n;
		break;
	case 'p':
		opt->port = (uint16_t)n;
		break;
	case DATA_PORT:
		opt->data_port = (uint16_t)n;
		break;
	case 'r':
		opt->test.response = n;
		break;
	case 'o':
		opt->test.depth = n;
		break;
	case RATE:
		opt->test.rate = n;
		break;
	case 'c':
		opt->test.connections = n;
		break;
	case 'T':
		opt->test.threads = n;
		break;
	case 'n':
		opt->test.bytes = n;
		break;
	case CORRUPT:
		opt->test.corrupt = n;
		break;
	}
	return PERF_OK;
}

/* One size, or several with commas between them. */
static int take_sizes(const char *text, struct perf_options *opt)
{
	char copy[512], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", text);
	opt->sizes = 0;
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		uint64_t n = 0;

		if (opt->sizes == PERF_SIZES)
			return wrong("--size: at most %d sizes", PERF_SIZES);
		if (!number_parse(word, 64 << 20, true, &n) || !n)
			return wrong("--size wants a number of bytes, such as 16K, from 1 to %d, "
				     "or several with commas between them, not \"%s\"",
				     64 << 20, text);
		opt->size[opt->sizes++] = n;
	}
	opt->test.size = opt->sizes ? opt->size[0] : 0;
	return opt->sizes ? PERF_OK : wrong("--size wants a number of bytes, such as 16K");
}

static int take_seconds(int letter, const char *text, uint64_t *ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0 && seconds <= 86400))
		return wrong("--%s wants seconds, such as 10 or 0.5, not \"%s\"", name_of(letter),
			     text);
	*ms = (uint64_t)(seconds * 1000 + 0.5);
	return PERF_OK;
}

static int take_engine(const char *text, struct perf_options *opt)
{
	return engine_parse(text, &opt->engine)
		       ? PERF_OK
		       : wrong("there is no engine \"%s\": " ENGINE_NAMES, text);
}

static int take_name(int letter, const char *text, const char *const *names, uint64_t *out)
{
	for (uint64_t i = 0; names[i]; i++)
		if (!strcmp(text, names[i])) {
			*out = i;
			return PERF_OK;
		}
	return wrong("--%s cannot be \"%s\": it is one of %s, %s, %s", name_of(letter), text,
		     names[0], names[1], names[2]);
}

/* Directions are as seen from the client, where they are typed. */
static int take_direction(const char *text, struct perf_options *opt)
{
	const char *full = !strcmp(text, "tx")	 ? "to-server"
			   : !strcmp(text, "rx") ? "to-client"
						 : text;

	return take_name('D', full, test_directions, &opt->test.direction);
}

static int take_pin(const char *text, struct perf_options *opt)
{
	struct pin_list list;

	opt->pin = text;
	return !strcmp(text, "nic") || pin_parse(&list, text) ? PERF_OK
							      : wrong("--pin wants processors, "
								      "such as 2,4-7, or \"nic\", "
								      "not \"%s\"",
								      text);
}

static int take(int letter, const char *text, struct perf_options *opt)
{
	switch (letter) {
	case 'H':
		opt->host_memory = true;
		return PERF_OK;
	case 'e':
		return take_engine(text, opt);
	case 'B':
		opt->backend = text;
		return PERF_OK;
	case 'd':
		opt->device = text;
		return PERF_OK;
	case PIN:
		return take_pin(text, opt);
	case '4':
		opt->family = AF_INET;
		return PERF_OK;
	case '6':
		opt->family = AF_INET6;
		return PERF_OK;
	case PROGRESS:
		opt->progress = true;
		return PERF_OK;
	case NO_PROGRESS:
		opt->progress = false;
		return PERF_OK;
	case 'h':
		opt->action = PERF_HELP;
		return PERF_OK;
	case 'V':
		opt->action = PERF_VERSION;
		return PERF_OK;
	case '1':
		opt->once = true;
		return PERF_OK;
	case 'M':
		return take_name(letter, text, test_modes, &opt->test.mode);
	case 'D':
		return take_direction(text, opt);
	case PATIENCE:
		return take_seconds(letter, text, &opt->patience_ms);
	case MAX_TIME:
		return take_seconds(letter, text, &opt->max_time_ms);
	case 't':
		return take_seconds(letter, text, &opt->test.time_ms);
	case 'w':
		return take_seconds(letter, text, &opt->test.warmup_ms);
	case 'i':
		return take_seconds(letter, text, &opt->test.interval_ms);
	case 'v':
		opt->test.verify = 1;
		return PERF_OK;
	case 'l':
		return take_sizes(text, opt);
	case 'j':
		opt->json = text;
		return PERF_OK;
	case PLOT:
		opt->plot = text;
		return PERF_OK;
	default:
		return take_number(letter, text, opt);
	}
}

/* ----------------------------------------------------------------------------- the command line */

/* Refuses an option of the other end, which would have no effect here. */
static int check_end(int letter, const struct perf_options *opt)
{
	static const int server[] = { '1', DATA_PORT, PATIENCE, MAX_TIME };
	static const int client[] = { 'M', 'D', 'l', 'r', 'o', RATE,	'c', 'T',
				      't', 'w', 'n', 'i', 'v', CORRUPT, 'j', PLOT };
	const int *other = opt->action == PERF_SERVER ? client : server;
	const size_t n = opt->action == PERF_SERVER ? COUNT(client) : COUNT(server);

	for (size_t i = 0; i < n; i++)
		if (other[i] == letter)
			return wrong("--%s is for the %s", name_of(letter),
				     opt->action == PERF_SERVER ? "client, which says what is "
								  "measured"
								: "server");
	return PERF_OK;
}

static void fill_in(struct test *t)
{
	static const uint64_t sizes[] = { 256 << 10, 64, 64 }, depths[] = { 16, 1, 256 };

	if (!t->size)
		t->size = sizes[t->mode];
	if (!t->depth)
		t->depth = depths[t->mode];
	if (t->warmup_ms == NOT_GIVEN)
		t->warmup_ms = t->bytes ? 0 : 1000;
}

static int take_words(int argc, char **argv, struct perf_options *opt)
{
	const int wanted = !opt->host_memory + (opt->action == PERF_CLIENT);
	char why[320];

	if (argc - optind > wanted)
		return wrong("\"%s\" is one word too many%s", argv[optind + wanted],
			     opt->host_memory ? ": with --host-memory there is no interface" : "");
	if (!opt->host_memory && argc == optind)
		return wrong("an interface is missing (or --host-memory)");
	if (argc - optind < wanted)
		return wrong("%s is missing", opt->host_memory ? "the server's address"
							       : "an interface, or the server's "
								 "address,");
	if (!opt->host_memory)
		opt->interface = argv[optind++];
	if (opt->action == PERF_CLIENT)
		opt->host = argv[optind];
	if (!opt->interface)
		return PERF_OK;
	if (interface_find(opt->interface, &opt->iface, why, sizeof(why)))
		return wrong("%s", why);
	if (strcmp(opt->interface, opt->iface.name))
		opt->interface = opt->iface.name;
	return PERF_OK;
}

void perf_set_size(const struct perf_options *opt, unsigned int i, struct test *t)
{
	*t = opt->test;
	if (opt->sizes)
		t->size = opt->size[i];
	if (!t->response)
		t->response = t->size;
}

static int check_tests(const struct perf_options *opt)
{
	const char *complaint = NULL;
	struct test t;

	for (unsigned int i = 0; !complaint && (i < opt->sizes || !i); i++) {
		perf_set_size(opt, i, &t);
		complaint = test_check(&t);
	}
	return complaint ? wrong("%s", complaint) : PERF_OK;
}

/* Refuses combinations that do not go together. */
static int check(struct perf_options *opt)
{
	if (opt->action == PERF_CLIENT && check_tests(opt))
		return PERF_USAGE;
	if (opt->page_size & (opt->page_size - 1))
		return wrong("--page-size wants a power of two, not %u", opt->page_size);
	if (opt->host_memory && opt->engine && strcmp(opt->engine, "copy") &&
	    strcmp(opt->engine, "syscall"))
		return wrong("engine %s needs device memory, so it cannot go with --host-memory",
			     opt->engine);
	if (opt->host_memory && opt->pin && !strcmp(opt->pin, "nic"))
		return wrong("--pin nic wants an interface: name the processors");
	if (!opt->patience_ms || !opt->max_time_ms)
		return wrong("--%s cannot be 0: nobody could be served",
			     opt->patience_ms ? "max-time" : "patience");
	if (!opt->data_port && opt->port == 65535)
		return wrong("there is no port after 65535 for the data: use --data-port");
	if (!opt->data_port)
		opt->data_port = (uint16_t)(opt->port + 1);
	if (opt->data_port == opt->port)
		return wrong("the data need a port of their own");
	return PERF_OK;
}

/* An option that getopt does not know: a long one, or one letter of several. */
static int unknown(char **argv)
{
	const char *other;

	if (optopt > 0 && optopt < 256 && !strchr(shorts, optopt))
		return wrong("there is no option -%c", optopt);
	other = suggest_option(argv[optind - 1], longs);
	if (other)
		return wrong("%s cannot be used, did you mean --%s?", argv[optind - 1], other);
	return wrong("%s cannot be used", argv[optind - 1]);
}

static int take_action(int argc, char **argv, struct perf_options *opt)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (!strcmp(word, "server") || !strcmp(word, "client")) {
		opt->action = *word == 's' ? PERF_SERVER : PERF_CLIENT;
		return PERF_OK;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "--version") ||
	    !strcmp(word, "-V")) {
		opt->action = strchr(word, 'h') ? PERF_HELP : PERF_VERSION;
		return PERF_OK;
	}
	return wrong("the first word must be \"server\" or \"client\"%s%s%s",
		     *word ? ", not \"" : "", word, *word ? "\"" : "");
}

int perf_parse(int argc, char **argv, struct perf_options *opt)
{
	int letter, status;

	*opt = (struct perf_options){ .family = AF_UNSPEC,
				      .port = 5301,
				      .buffer_mib = 64,
				      .patience_ms = 10000,
				      .max_time_ms = 3600000,
				      .progress = isatty(STDERR_FILENO),
				      .test = { .connections = 1,
						.threads = 1,
						.time_ms = 10000,
						.warmup_ms = NOT_GIVEN,
						.interval_ms = 1000,
						.corrupt = TEST_NO_CORRUPTION } };
	status = take_action(argc, argv, opt);
	if (status || opt->action > PERF_CLIENT)
		return status;
	opterr = 0;
	optind = 0; /* has glibc start from the beginning, on a second call too */
	argc--;
	argv++;
	while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (letter == '?')
			return unknown(argv);
		if (letter == ':')
			return wrong("%s wants a value", argv[optind - 1]);
		status = check_end(letter, opt);
		if (!status)
			status = take(letter, optarg, opt);
		if (status || opt->action > PERF_CLIENT)
			return status;
	}
	fill_in(&opt->test);
	status = take_words(argc, argv, opt);
	return status ? status : check(opt);
}
