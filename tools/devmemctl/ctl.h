/* SPDX-License-Identifier: MIT */
/* The command line: what a verb is, and the options that verbs take. */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stdint.h>

/* The exit status of every verb. */
enum {
	CTL_OK = 0,
	CTL_NO = 1,    /* it cannot be, or it failed */
	CTL_USAGE = 2, /* the command line is wrong, the name of an interface included */
};

struct ctl_options {
	const char *ifname;  /* or NULL */
	const char *backend; /* or NULL */
	const char *journal; /* folder, or NULL */
	bool json;
	uint32_t queues, connections, message, page_size; /* 0: not said */
	uint64_t buffer_bytes;
};

struct ctl_verb {
	const char *name;
	const char *what;    /* a line for "devmemctl --help" */
	const char *usage;   /* all of "devmemctl VERB --help" */
	const char *letters; /* of the options that it takes, beside -h: see options.c */
	bool needs_interface, no_interface; /* neither: it takes one */
	int (*run)(const struct ctl_options *opt);
};

extern const struct ctl_verb ctl_doctor, ctl_show, ctl_plan, ctl_backends, ctl_features,
	ctl_restore;

/*
 * ctl_parse() - argv[0] is the verb's name. CTL_OK; anything else has had its sentence. @help: that
 * was asked for.
 */
int ctl_parse(const struct ctl_verb *verb, int argc, char **argv, struct ctl_options *opt,
	      bool *help);

/* ctl_failed() - the library's sentence to standard error. Returns CTL_USAGE if @err is -ENODEV,
 * else CTL_NO. */
int ctl_failed(int err);

#endif
