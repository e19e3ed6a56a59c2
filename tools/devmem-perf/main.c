// SPDX-License-Identifier: MIT
/* devmem-perf: measures how fast bytes reach device memory and leave it, and what that costs. */
#include <stdio.h>

#include <devmem/devmem.h>

#include "out.h"
#include "perf.h"
#include "stop.h"

static int run(const struct perf_options *opt)
{
	switch (opt->action) {
	case PERF_HELP:
		fputs(perf_usage, stdout);
		return PERF_OK;
	case PERF_VERSION:
		printf("devmem-perf %s\n", devmem_version());
		return PERF_OK;
	default:
		stop_begin();
		return opt->action == PERF_SERVER ? perf_server(opt) : perf_client(opt);
	}
}

int main(int argc, char **argv)
{
	struct perf_options opt;
	int status;

	out_begin();
	status = perf_parse(argc, argv, &opt);
	if (!status)
		status = run(&opt);
	return out_finish(status, PERF_FAILED);
}
