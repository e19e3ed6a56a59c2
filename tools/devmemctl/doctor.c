// SPDX-License-Identifier: MIT
/* The verb "doctor": can device memory be received here, and if not, what is in the way? */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"

struct doctor {
	const struct ctl_options *opt;
	struct machine machine;
	struct out_json json;
	bool never; /* nothing can make the interface receive into device memory */
};

/* -------------------------------------------------------------------------- interfaces in brief */

static void print_brief(const char *ifname, const struct finding *problem)
{
	printf("%s%-8s%s ", out_colour(problem ? OUT_RED : OUT_GREEN), problem ? "cannot" : "can",
	       out_colour(OUT_PLAIN));
	out_text(stdout, ifname);
	if (problem) {
		printf(": ");
		out_text(stdout, problem->fact);
		printf(" -> ");
		out_text(stdout, problem->todo);
	}
	printf("\n");
}

static void json_brief(struct out_json *j, const char *ifname, const struct finding *problem)
{
	out_object(j, NULL);
	out_string(j, "interface", ifname);
	out_bool(j, "can", !problem);
	out_string(j, "check", problem ? problem->check : NULL);
	out_string(j, "fact", problem ? problem->fact : NULL);
	out_string(j, "todo", problem ? problem->todo : NULL);
	out_end(j);
}

/* Reports an interface by its first problem only. Returns true if it can receive. */
static bool in_brief(struct doctor *d, const char *ifname)
{
	struct report r = { 0 };
	const struct finding *problem;
	int err = check_nic(&r, &d->machine, d->opt, ifname, NULL);

	if (err == -ENODEV) { /* removed meanwhile */
		report_free(&r);
		return false;
	}
	if (err)
		report_add(&r, PROBLEM, "interface", "%s", devmem_error());
	else if (!d->machine.kernel)
		report_add(&r, PROBLEM, "kernel", "the kernel does not support device memory");
	problem = report_problem(&r);
	if (d->opt->json)
		json_brief(&d->json, ifname, problem);
	else
		print_brief(ifname, problem);
	err = problem != NULL;
	report_free(&r);
	return !err;
}

/* Returns the number of interfaces that can receive. */
static unsigned int all_interfaces(struct doctor *d)
{
	struct if_nameindex *list = if_nameindex();
	unsigned int n = 0;

	if (d->opt->json)
		out_array(&d->json, "interfaces");
	for (struct if_nameindex *i = list; i && i->if_index; i++)
		n += in_brief(d, i->if_name);
	if (d->opt->json)
		out_end(&d->json);
	if (list)
		if_freenameindex(list);
	return n;
}

/* -------------------------------------------------------------------------------------- verdict */

static void print_verdict(const struct doctor *d, const struct report *r,
			  const struct finding *problem, bool can)
{
	const char *ifname = d->opt->ifname;

	printf("\n");
	if (ifname)
		out_text(stdout, ifname);
	else
		printf("%s", can || problem ? "this machine" : "no interface here");
	printf(" %s receive into device memory", can || (!ifname && !problem) ? "can" : "cannot");
	if (can && report_warns(r, "split"))
		printf(", if it can split headers from data");
	if (d->never)
		printf(", whatever is changed");
	else if (problem)
		printf(": solve \"%s\" first", problem->check);
	printf("\n");
}

/* @r: findings about the machine and, if one was named, the interface. */
static int report_all(struct doctor *d, const struct report *r)
{
	bool can = !report_problem(r);

	if (!d->opt->json)
		report_print(r);
	if (!d->opt->ifname) {
		unsigned int n;

		if (!d->opt->json)
			printf("\n");
		n = all_interfaces(d);
		can = can && n;
	}
	if (!d->opt->json)
		print_verdict(d, r, report_problem(r), can);
	return can ? CTL_OK : CTL_NO;
}

static int report_all_json(struct doctor *d, const struct report *r)
{
	int status;

	d->json = (struct out_json){ .f = stdout };
	out_object(&d->json, NULL);
	out_string(&d->json, "interface", d->opt->ifname);
	report_json(r, &d->json);
	status = report_all(d, r);
	out_bool(&d->json, "can", status == CTL_OK);
	out_end(&d->json);
	return status;
}

/* What is said of the interface decides what else is worth saying: about one that never can, no
 * advice about the machine or its memory helps. */
static int check_all(struct doctor *d, struct report *r)
{
	struct report memory = { 0 }, nic = { 0 };
	const char *ifname = d->opt->ifname;
	int err = 0;

	check_machine(r, &d->machine);
	if (!check_memory(&memory, d->opt, !ifname || check_nic_large_pages(ifname)))
		err = -ENODEV; /* a wrong command line, as with an unknown interface */
	if (!err && ifname)
		err = check_nic(&nic, &d->machine, d->opt, ifname, &d->never);
	if (d->never) {
		report_drop_problems(r);
		report_free(&memory);
	}
	report_join(r, &memory);
	report_join(r, &nic);
	return err;
}

static int doctor(const struct ctl_options *opt)
{
	struct doctor d = { .opt = opt };
	struct report r = { 0 };
	int status, err = check_all(&d, &r);

	if (err)
		status = ctl_failed(err);
	else
		status = opt->json ? report_all_json(&d, &r) : report_all(&d, &r);
	report_free(&r);
	return status;
}

const struct ctl_verb ctl_doctor = {
	.name = "doctor",
	.what = "can device memory be received here, and if not, what is in the way?",
	.about = "Finds out whether device memory can be received here. Changes nothing. Without "
		 "INTERFACE: checks each interface.",
	.status = "0 it can (there may be warnings), 1 something is in the way, 2 wrong arguments",
	.letters = "bmj",
	.run = doctor,
};
