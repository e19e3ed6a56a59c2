// SPDX-License-Identifier: MIT
/* Parses options: ncdevmem's letters with their meaning, and a long name for each. */
#include <getopt.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"
#include "nc.h"
#include "number.h"
#include "say.h"
#include "suggest.h"

#define BUFFER_MIB   64
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char say_program[] = "devmem-nc";

const char nc_usage[] =
	"usage: devmem-nc [option]... -f INTERFACE -l -p PORT               receive, to standard "
	"output\n"
	"       devmem-nc [option]... -f INTERFACE -s ADDRESS -p PORT       send standard input to "
	"ADDRESS\n"
	"       devmem-nc [option]... -f INTERFACE                          can device memory be "
	"received here?\n"
	"A netcat whose bytes lie in device memory: the NIC writes them there, and sends them from "
	"there.\n"
	"  -f, --interface NAME     the NIC\n"
	"  -l, --listen             receive one connection\n"
	"  -s, --receiver ADDRESS   address to send to; with -l, to listen on (default: all "
	"addresses)\n"
	"  -c, --sender ADDRESS     with -l, the sender to expect; otherwise, the address to send "
	"from; both with the same port\n"
	"  -p, --port N             TCP port\n"
	"  -4, --ipv4; -6, --ipv6   use only this one\n"
	"  -t, --first-queue N      RX queues to bind (default: the library chooses, from the last "
	"one down)\n"
	"  -q, --queues N           number of queues (default 1; in the last form, half of them)\n"
	"  -n, --keep-settings      somebody else has set up the NIC: change no setting, only "
	"bind\n"
	"  -b, --page-size BYTES    page size of the queues (default: the largest up to 64K)\n"
	"  -e, --engine NAME        devmem, zcrx, copy, syscall, or auto: the best available "
	"(default auto; to probe: devmem)\n"
	"  -B, --backend NAME       where the memory comes from (default: the best available)\n"
	"  -m, --buffer MIB         size of the buffer (default 64)\n"
	"  -L, --no-copies          fail if any byte is copied on its way\n"
	"  -v, --validate N         check that received bytes count 1, 2, ... N-1, newline; print "
	"none of them\n"
	"  -z, --chunk BYTES        pass what is sent to the kernel in pieces of so many bytes\n"
	"  -j, --json FILE          write a summary to FILE (-: standard output, if nothing else "
	"goes there)\n"
	"      --no-progress        print no progress line each second on a terminal\n"
	"      --trace              print the lines that ncdevmem prints (also if called by that "
	"name)\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"Exit status: 0 done; 1 it failed; 2 wrong arguments, and nothing was changed; 128 + N "
	"ended by signal N.\n";

enum {
	NO_PROGRESS = 256,
	TRACE,
};

static const struct option longs[] = {
	{ "interface", required_argument, NULL, 'f' },
	{ "listen", no_argument, NULL, 'l' },
	{ "receiver", required_argument, NULL, 's' },
	{ "sender", required_argument, NULL, 'c' },
	{ "port", required_argument, NULL, 'p' },
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ "first-queue", required_argument, NULL, 't' },
	{ "queues", required_argument, NULL, 'q' },
	{ "keep-settings", no_argument, NULL, 'n' },
	{ "page-size", required_argument, NULL, 'b' },
	{ "engine", required_argument, NULL, 'e' },
	{ "backend", required_argument, NULL, 'B' },
	{ "buffer", required_argument, NULL, 'm' },
	{ "no-copies", no_argument, NULL, 'L' },
	{ "validate", required_argument, NULL, 'v' },
	{ "chunk", required_argument, NULL, 'z' },
	{ "json", required_argument, NULL, 'j' },
	{ "no-progress", no_argument, NULL, NO_PROGRESS },
	{ "trace", no_argument, NULL, TRACE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/* The leading ':' makes getopt silent and has it report a missing value as ':'. */
static const char shorts[] = ":f:ls:c:p:46t:q:nb:e:B:m:Lv:z:j:hV";

#define wrong(...) (say_usage(__VA_ARGS__), NC_USAGE)

static const char *name_of(int letter)
{
	for (size_t i = 0; i < COUNT(longs) - 1; i++)
		if (longs[i].val == letter)
			return longs[i].name;
	return "?";
}

static int take_number(int letter, const char *text, struct nc_options *opt)
{
	static const struct {
		int letter;
		uint32_t least, most;
		bool bytes;
	} limits[] = {
		{ 'p', 1, 65535, false },   { 't', 0, 1023, false },
		{ 'q', 1, 1024, false },    { 'v', 0, UINT32_MAX, false },
		{ 'm', 1, 1 << 20, false }, { 'b', 0, 1u << 31, true },
		{ 'z', 0, 1u << 31, true },
	};
	uint64_t n = 0;
	size_t i = 0;

	while (limits[i].letter != letter)
		i++;
	if (!number_parse(text, limits[i].most, limits[i].bytes, &n) || n < limits[i].least)
		return wrong("-%c, --%s wants a number%s from %u to %u, not \"%s\"", letter,
			     name_of(letter), limits[i].bytes ? " of bytes, such as 16K," : "",
			     limits[i].least, limits[i].most, text);
	switch (letter) {
	case 'p':
		opt->port = (uint16_t)n;
		break;
	case 't':
		opt->first_queue = (int)n;
		break;
	case 'q':
		opt->queues = (uint32_t)n;
		break;
	case 'v':
		opt->modulo = (unsigned int)n;
		break;
	case 'm':
		opt->buffer_mib = (uint32_t)n;
		break;
	case 'b':
		opt->page_size = (uint32_t)n;
		break;
	case 'z':
		opt->chunk = (uint32_t)n;
		break;
	}
	return NC_OK;
}

static int take_engine(const char *text, struct nc_options *opt)
{
	opt->engine_given = true;
	return engine_parse(text, &opt->engine)
		       ? NC_OK
		       : wrong("there is no engine \"%s\": " ENGINE_NAMES, text);
}

static int take(int letter, const char *text, struct nc_options *opt)
{
	switch (letter) {
	case 'f':
		opt->interface = text;
		return NC_OK;
	case 'l':
		opt->mode = NC_RECEIVE;
		return NC_OK;
	case 's':
		opt->receiver = text;
		return NC_OK;
	case 'c':
		opt->sender = text;
		return NC_OK;
	case '4':
		opt->family = AF_INET;
		return NC_OK;
	case '6':
		opt->family = AF_INET6;
		return NC_OK;
	case 'n':
		opt->keep_settings = true;
		return NC_OK;
	case 'e':
		return take_engine(text, opt);
	case 'B':
		opt->backend = text;
		return NC_OK;
	case 'L':
		opt->no_copies = true;
		return NC_OK;
	case 'j':
		opt->json = text;
		return NC_OK;
	case NO_PROGRESS:
		opt->progress = false;
		return NC_OK;
	case TRACE:
		opt->trace = true;
		return NC_OK;
	case 'h':
		opt->mode = NC_HELP;
		return NC_OK;
	case 'V':
		opt->mode = NC_VERSION;
		return NC_OK;
	default:
		return take_number(letter, text, opt);
	}
}

static int check_interface(struct nc_options *opt)
{
	char why[320];

	if (!opt->interface)
		return wrong("-f is missing: the name of an interface");
	if (interface_find(opt->interface, &opt->iface, why, sizeof(why)))
		return wrong("%s", why);
	if (strcmp(opt->interface, opt->iface.name))
		opt->interface = opt->iface.name;
	return NC_OK;
}

/* Refuses combinations that do not go together. */
static int check(struct nc_options *opt)
{
	const bool data = opt->mode == NC_RECEIVE && !opt->modulo;

	if (opt->mode == NC_SEND && !opt->receiver)
		return wrong("-s is missing: the address to send to (or -l, to receive)");
	if (opt->mode != NC_PROBE && !opt->port)
		return wrong("-p is missing: the port");
	if (opt->page_size & (opt->page_size - 1) || (opt->page_size && opt->page_size < 4096))
		return wrong("-b wants a power of two from 4096 on, not %u", opt->page_size);
	if (opt->first_queue >= 0 && opt->first_queue + (opt->queues ? opt->queues : 1) > 1024)
		return wrong("-t and -q: no NIC has more than 1024 queues");
	if (opt->mode == NC_SEND && opt->engine && !strcmp(opt->engine, "zcrx"))
		return wrong("engine zcrx only receives");
	if (opt->mode == NC_PROBE && opt->engine && !strcmp(opt->engine, "copy"))
		return wrong("there is nothing to probe with engine copy: it always works");
	if (opt->no_copies && opt->engine && !strcmp(opt->engine, "copy"))
		return wrong("engine copy copies, and -L allows no copies");
	if (data && opt->json && !strcmp(opt->json, "-"))
		return wrong("received bytes go to standard output, so the summary cannot: --json "
			     "wants a file");
	return check_interface(opt);
}

static bool called(const char *program, const char *name)
{
	const char *slash = program ? strrchr(program, '/') : NULL;

	return program && !strcmp(slash ? slash + 1 : program, name);
}

/* A probe asks for device memory, and ncdevmem knows nothing else. All others take the best. */
static const char *default_engine(const struct nc_options *opt, const char *program)
{
	return opt->mode == NC_PROBE || called(program, "ncdevmem") ? "devmem" : NULL;
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

/* A progress line would disturb received bytes on the terminal, or what the user types. */
static bool on_terminal(const struct nc_options *opt)
{
	return (opt->mode == NC_RECEIVE && !opt->modulo && isatty(STDOUT_FILENO)) ||
	       (opt->mode == NC_SEND && isatty(STDIN_FILENO));
}

int nc_parse(int argc, char **argv, struct nc_options *opt)
{
	int letter, status;

	*opt = (struct nc_options){ .mode = NC_PROBE,
				    .family = AF_UNSPEC,
				    .first_queue = -1,
				    .buffer_mib = BUFFER_MIB,
				    .progress = isatty(STDERR_FILENO),
				    .trace = called(argv[0], "ncdevmem") };
	opterr = 0;
	optind = 0; /* has glibc start from the beginning, on a second call too */
	while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (letter == '?')
			return unknown(argv);
		if (letter == ':')
			return wrong("%s wants a value", argv[optind - 1]);
		status = take(letter, optarg, opt);
		if (status || opt->mode == NC_HELP || opt->mode == NC_VERSION)
			return status;
	}
	if (optind < argc)
		return wrong("\"%s\" is not an option, and there are no other arguments",
			     argv[optind]);
	if (opt->mode == NC_PROBE && (opt->receiver || opt->sender))
		opt->mode = NC_SEND;
	if (!opt->engine_given)
		opt->engine = default_engine(opt, argv[0]);
	if (on_terminal(opt))
		opt->progress = false;
	return check(opt);
}
