// SPDX-License-Identifier: MIT
/* devmem-nc: netcat over device memory, and a replacement for the kernel's ncdevmem. */
#include <stdio.h>

#include <devmem/devmem.h>

#include "nc.h"
#include "out.h"
#include "stop.h"
#include "trace.h"

static int run(const struct nc_options *opt)
{
	if (opt->mode == NC_HELP) {
		fputs(nc_usage, stdout);
		return NC_OK;
	}
	if (opt->mode == NC_VERSION) {
		printf("devmem-nc %s\n", devmem_version());
		return NC_OK;
	}
	stop_begin();
	nc_trace_interface(opt);
	return opt->mode == NC_RECEIVE ? nc_receive(opt)
	       : opt->mode == NC_SEND  ? nc_send(opt)
				       : nc_probe(opt);
}

int main(int argc, char **argv)
{
	struct nc_options opt;
	int status;

	out_begin();
	status = nc_parse(argc, argv, &opt);
	if (!status)
		status = run(&opt);
	return out_finish(status, NC_FAILED);
}
