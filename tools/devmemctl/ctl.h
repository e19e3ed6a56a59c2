/* SPDX-License-Identifier: MIT */
/* The command line: verbs and their options. */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The exit status of every verb. */
enum {
	CTL_OK = 0,
	CTL_NO = 1,    /* the answer is no, or the verb failed */
	CTL_USAGE = 2, /* the command line is wrong, or there is no such interface */
};

struct ctl_options {
	const char *ifname;  /* or NULL */
	const char *backend; /* or NULL */
	const char *journal; /* a folder, or NULL */
	bool json;
	uint32_t queues, connections, message, page_size; /* 0: not given */
	uint64_t buffer_bytes;
};

struct ctl_verb {
	const char *name;
	const char *what;    /* one line for "devmemctl --help" */
	const char *about;   /* "devmemctl VERB --help": the text above the options */
	const char *status;  /* and the exit status */
	const char *letters; /* the options that it takes besides -h, in the order of --help */
	bool needs_interface, no_interface; /* if neither is set, the interface is optional */
	int (*run)(const struct ctl_options *opt);
};

extern const struct ctl_verb ctl_doctor, ctl_show, ctl_plan, ctl_backends, ctl_features,
	ctl_restore;

/* An option of any verb. Help, completions and the parser are made from these. */
struct ctl_option {
	char letter;
	const char *name;
	const char *value; /* what its value is called; NULL: it has none */
	const char *what;  /* for "--help" */
	/* values to complete, separated by blanks; CTL_FOLDERS: names of folders; NULL: any */
	const char *values;
};

#define CTL_FOLDERS "/"

/* ctl_option() - the option with this letter. NULL: there is none. */
const struct ctl_option *ctl_option(int letter);

/* ctl_help() - prints "devmemctl VERB --help". */
void ctl_help(const struct ctl_verb *verb);

/* ctl_parse() - parses the command line; argv[0] is the verb's name. Returns CTL_OK, or another
 * status after printing an error message. @help: the user asked for help. */
int ctl_parse(const struct ctl_verb *verb, int argc, char **argv, struct ctl_options *opt,
	      bool *help);

/* ctl_completion() - prints the completions for "bash" or "zsh" of the @n verbs. */
int ctl_completion(const char *shell, const struct ctl_verb *const *verbs, size_t n);

/* ctl_failed() - prints the library's error message. Returns CTL_USAGE if @err is -ENODEV,
 * otherwise CTL_NO. */
int ctl_failed(int err);

#endif
