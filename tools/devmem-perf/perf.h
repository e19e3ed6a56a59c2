/* SPDX-License-Identifier: MIT */
/* The command line and the exit status. */
#ifndef PERF_H
#define PERF_H

#include <stdbool.h>
#include <stdint.h>

#include "interface.h"
#include "test.h"

/* The exit status. If a signal ended the program, it is 128 plus the signal's number. */
enum {
	PERF_OK = 0,
	PERF_FAILED = 1,
	PERF_USAGE = 2, /* the command line is wrong; nothing was changed */
};

#define PERF_SIZES 32

enum perf_action {
	PERF_SERVER,
	PERF_CLIENT,
	PERF_HELP,
	PERF_VERSION,
};

struct perf_options {
	enum perf_action action;
	struct test test; /* the client's; the response is 0 if it is as large as the request */
	uint64_t size[PERF_SIZES]; /* the sizes that were given; with several, each is a test */
	unsigned int sizes;
	/* the kernel's name of the interface; NULL: host memory. It may point into @iface, so do
	 * not copy this structure */
	const char *interface;
	struct devmem__iface iface;
	const char *host; /* the server's name or address; NULL in the server */
	int family;	  /* AF_INET, AF_INET6, or AF_UNSPEC: either */
	uint16_t port, data_port;
	const char *engine;	      /* for devmem_bind_opts; NULL: the best available */
	const char *backend, *device; /* or NULL */
	uint32_t buffer_mib, queues, page_size, lowat, busy_poll_us, coalesce_us;
	const char *pin;	 /* or NULL */
	const char *json, *plot; /* or NULL */
	/* the server's limits: for each step of a client, and for a whole test */
	uint64_t patience_ms, max_time_ms;
	bool host_memory, once, progress;
};

/* perf_parse() - returns PERF_OK, or PERF_USAGE after printing an error message. */
int perf_parse(int argc, char **argv, struct perf_options *opt);

/* perf_set_size() - the client's test with its size number @i. */
void perf_set_size(const struct perf_options *opt, unsigned int i, struct test *t);

extern const char perf_usage[];

int perf_server(const struct perf_options *opt);
int perf_client(const struct perf_options *opt);

#endif
