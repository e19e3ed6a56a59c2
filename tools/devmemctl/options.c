// SPDX-License-Identifier: MIT
/* Parses options. A mistake is reported in one line that says what to do. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/internal.h"

#include "ctl.h"
#include "number.h"
#include "out.h"
#include "suggest.h"

#define BUFFER_MIB 64

/* A verb lists the letters that it takes; -h need not be listed. */
static const struct ctl_option all[] = {
	{ 'b', "backend", "NAME", "where the memory is to come from (default: udmabuf or dma-heap)",
	  "udmabuf dma-heap" },
	{ 'm', "buffer", "MIB", "size of the buffer (default 64)", NULL },
	{ 'c', "connections", "N", "connections that receive at the same time (default 1)", NULL },
	{ 'd', "journal", "FOLDER", "the journals' folder (default /run/devmem)", CTL_FOLDERS },
	{ 'j', "json", NULL, "print JSON", NULL },
	{ 's', "message", "BYTES",
	  "typical size of a message, such as 4K (default: connections stream)", NULL },
	{ 'p', "page-size", "BYTES", "page size of the queues (default: the library's choice)",
	  NULL },
	{ 'q', "queues", "N", "RX queues that would be bound (default 1)", NULL },
	{ 'h', "help", NULL, "", NULL },
};

struct tables {
	struct option longs[ARRAY_SIZE(all) + 1];
	char shorts[2 * ARRAY_SIZE(all) + 3];
};

const struct ctl_option *ctl_option(int letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].letter == letter)
			return &all[i];
	return NULL;
}

static bool takes(const struct ctl_verb *verb, int letter)
{
	return letter == 'h' || strchr(verb->letters, letter);
}

/* Selects the verb's options in getopt's form. @t is zeroed. The leading ':' makes getopt silent
 * and has it report a missing value as ':'. */
static void select_options(const struct ctl_verb *verb, struct tables *t)
{
	size_t n = 0;
	char *s = t->shorts;

	*s++ = ':';
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct ctl_option *o = &all[i];

		if (!takes(verb, o->letter))
			continue;
		t->longs[n++] =
			(struct option){ .name = o->name,
					 .has_arg = o->value ? required_argument : no_argument,
					 .val = o->letter };
		*s++ = o->letter;
		if (o->value)
			*s++ = ':';
	}
}

static void help_option(const struct ctl_option *o)
{
	char text[32];

	snprintf(text, sizeof(text), "--%s%s%s", o->name, o->value ? " " : "",
		 o->value ? o->value : "");
	if (*o->what)
		printf("  -%c, %-17s %s\n", o->letter, text, o->what);
	else
		printf("  -%c, %s\n", o->letter, text);
}

void ctl_help(const struct ctl_verb *verb)
{
	printf("usage: devmemctl %s [options]%s\n%s\n", verb->name,
	       verb->no_interface      ? ""
	       : verb->needs_interface ? " INTERFACE"
				       : " [INTERFACE]",
	       verb->about);
	for (const char *letter = verb->letters; *letter; letter++)
		help_option(ctl_option(*letter));
	help_option(ctl_option('h'));
	printf("Exit status: %s.\n", verb->status);
}

/* -------------------------------------------------------------------------------------- parsing */

static int wrong(const struct ctl_verb *verb, const char *fmt, ...) DEVMEM_PRINTF(2, 3);
static int wrong(const struct ctl_verb *verb, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "devmemctl %s: ", verb->name);
	out_text(stderr, text);
	fprintf(stderr, ": see \"devmemctl %s --help\"\n", verb->name);
	return CTL_USAGE;
}

static int take_number(const struct ctl_verb *verb, int letter, const char *text,
		       struct ctl_options *opt)
{
	const struct {
		int letter;
		uint32_t most;
		bool bytes;
		uint32_t *to;
	} numbers[] = {
		{ 'q', 1024, false, &opt->queues },
		{ 'c', 1 << 24, false, &opt->connections },
		{ 's', 1 << 30, true, &opt->message },
		{ 'p', 1 << 30, true, &opt->page_size },
	};
	uint64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (numbers[i].letter != letter)
			continue;
		if (!number_parse(text, numbers[i].most, numbers[i].bytes, &n) || !n)
			return wrong(verb, "--%s wants a number%s from 1 to %u, not \"%s\"",
				     ctl_option(letter)->name,
				     numbers[i].bytes ? " of bytes, such as 64K," : "",
				     numbers[i].most, text);
		*numbers[i].to = (uint32_t)n;
	}
	return CTL_OK;
}

static int take(const struct ctl_verb *verb, int letter, const char *text, struct ctl_options *opt,
		bool *help)
{
	switch (letter) {
	case 'b':
		opt->backend = text;
		return CTL_OK;
	case 'd':
		opt->journal = text;
		return CTL_OK;
	case 'j':
		opt->json = true;
		return CTL_OK;
	case 'h':
		*help = true;
		return CTL_OK;
	case 'm':
		if (!number_parse(text, 1 << 20, false, &opt->buffer_bytes) || !opt->buffer_bytes)
			return wrong(verb,
				     "--buffer wants a number of MiB from 1 to %u, not \"%s\"",
				     1 << 20, text);
		opt->buffer_bytes <<= 20;
		return CTL_OK;
	default:
		return take_number(verb, letter, text, opt);
	}
}

/* An option that getopt does not know: a long one, or one letter of several. */
static int unknown(const struct ctl_verb *verb, char **argv, const struct option *longs)
{
	const char *word = argv[optind - 1], *other;

	if (optopt && optopt < 256 && !ctl_option(optopt))
		return wrong(verb, "there is no option -%c", optopt);
	other = suggest_option(word, longs);
	if (!other)
		return wrong(verb, "%s cannot be used here", word);
	fprintf(stderr, "devmemctl %s: ", verb->name);
	out_text(stderr, word);
	fprintf(stderr, " cannot be used here: did you mean --%s?\n", other);
	return CTL_USAGE;
}

static int take_interface(const struct ctl_verb *verb, int argc, char **argv,
			  struct ctl_options *opt)
{
	if (verb->no_interface && argc > optind)
		return wrong(verb, "it takes no interface: \"%s\" cannot be used here",
			     argv[optind]);
	if (argc - optind > 1)
		return wrong(verb, "it takes one interface: \"%s\" is one more", argv[optind + 1]);
	opt->ifname = optind < argc ? argv[optind] : NULL;
	if (!opt->ifname && verb->needs_interface)
		return wrong(verb, "the name of an interface is missing");
	return CTL_OK;
}

int ctl_parse(const struct ctl_verb *verb, int argc, char **argv, struct ctl_options *opt,
	      bool *help)
{
	struct tables t = { 0 };
	int letter, status;

	*opt = (struct ctl_options){ .buffer_bytes = (uint64_t)BUFFER_MIB << 20 };
	*help = false;
	select_options(verb, &t);
	opterr = 0;
	while ((letter = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (letter == '?')
			return unknown(verb, argv, t.longs);
		if (letter == ':')
			return wrong(verb, "%s wants a value", argv[optind - 1]);
		status = take(verb, letter, optarg, opt, help);
		if (status || *help)
			return status;
	}
	return take_interface(verb, argc, argv, opt);
}
