// SPDX-License-Identifier: MIT
/* Checks whether device memory can be received here: binds the buffer to some queues, receives
 * nothing, and restores everything. */
#include <errno.h>
#include <string.h>

#include "queues.h"
#include "report.h"
#include "say.h"
#include "stop.h"
#include "trace.h"

static int try_out(const struct nc_options *opt, struct nc_report *report,
		   struct devmem_buffer *buffer, struct devmem_nic **nic,
		   struct devmem_binding **binding)
{
	if (nc_bind(opt, buffer, nic, binding))
		return -1;
	nc_report_binding(report, buffer, *binding);
	nc_trace_bound(opt, *binding);
	if (!strcmp(report->engine, "copy")) /* the library would go on and copy */
		return failed("%s: %s", opt->interface, report->engine_reason);
	if (opt->engine && !strcmp(opt->engine, "zcrx"))
		return 0; /* a ring binds its queues later */
	return nc_queue_cannot_go(opt->interface, report->queues[0]);
}

int nc_probe(const struct nc_options *opt)
{
	struct devmem_binding *binding = NULL;
	struct devmem_buffer *buffer;
	struct devmem_nic *nic = NULL;
	struct nc_report report;
	bool restored;
	int err;

	if (nc_report_open(&report, opt))
		return NC_USAGE;
	err = devmem_buffer_create(opt->backend, (size_t)opt->buffer_mib << 20, NULL, &buffer);
	if (err) {
		failed_by_library("cannot create the buffer");
		return nc_report_close(&report, err == -ENOENT ? NC_USAGE : NC_FAILED, true);
	}
	err = try_out(opt, &report, buffer, &nic, &binding);
	stop_end();
	restored = !nc_unbind(nic, binding);
	devmem_buffer_close(buffer);
	return nc_report_close(&report,
			       stopped()	  ? 128 + stopped()
			       : err || !restored ? NC_FAILED
						  : NC_OK,
			       restored);
}
