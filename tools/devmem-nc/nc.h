/* SPDX-License-Identifier: MIT */
/* The command line and the exit status. */
#ifndef NC_H
#define NC_H

#include <stdbool.h>
#include <stdint.h>

#include "interface.h"

/* The exit status. If a signal ended the program, it is 128 plus the signal's number. */
enum {
	NC_OK = 0,
	NC_FAILED = 1,
	/* the command line is wrong, or there is no such interface; nothing was changed */
	NC_USAGE = 2,
};

enum nc_mode {
	NC_PROBE,
	NC_RECEIVE,
	NC_SEND,
	NC_HELP,
	NC_VERSION,
};

struct nc_options {
	enum nc_mode mode;
	/* the kernel's name of the interface. It may point into @iface, so do not copy this
	 * structure */
	const char *interface;
	struct devmem__iface iface;
	const char *receiver, *sender; /* addresses or names; NULL: not given */
	int family;		       /* AF_INET, AF_INET6, or AF_UNSPEC: either */
	uint16_t port;
	int first_queue;	    /* -1: not given */
	uint32_t queues;	    /* 0: not given */
	const char *engine;	    /* for devmem_bind_opts */
	bool engine_given;	    /* by the user; otherwise it is the default */
	const char *backend, *json; /* or NULL */
	uint32_t page_size, chunk;  /* bytes; 0: not given */
	uint32_t buffer_mib;
	unsigned int modulo; /* for checking the received bytes; 0: do not check */
	bool keep_settings, no_copies, trace, progress;
};

/* nc_parse() - returns NC_OK, or NC_USAGE after printing an error message. */
int nc_parse(int argc, char **argv, struct nc_options *opt);

extern const char nc_usage[];

int nc_receive(const struct nc_options *opt);
int nc_send(const struct nc_options *opt);
int nc_probe(const struct nc_options *opt);

#endif
