// SPDX-License-Identifier: MIT
/* devmem-nc: netcat over device memory, and in the place of the kernel's ncdevmem. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <devmem/devmem.h>

#include "nc.h"
#include "say.h"
#include "stop.h"
#include "trace.h"

/* Where one is closed, nothing of ours may come to lie there: what comes would be written into it. */
static void occupy_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd ? O_RDONLY : O_WRONLY);	/* reading, or writing, still fails */
}

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
	nc_stop_begin();
	nc_trace_interface(opt);
	return opt->mode == NC_RECEIVE ? nc_receive(opt) : opt->mode == NC_SEND ? nc_send(opt) : nc_probe(opt);
}

int main(int argc, char **argv)
{
	struct nc_options opt;
	int status;

	occupy_standard();
	status = nc_parse(argc, argv, &opt);
	if (!status)
		status = run(&opt);
	/* a disk that is full is no success */
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "devmem-nc: cannot write: %s\n", strerror(errno));
	return status ? status : NC_FAILED;
}
