/* SPDX-License-Identifier: MIT */
/* The doctor's checks. None of them changes anything: what cannot be read is asked for in a way
 * that must be refused. */
#ifndef CHECKS_H
#define CHECKS_H

#include "ctl.h"
#include "report.h"

/* What the checks of the machine found out, and those of an interface build on. */
struct machine {
	bool kernel;   /* it knows device memory */
	bool may_bind; /* this process may ask for a binding */
};

void check_machine(struct report *r, struct machine *m);

/* false: there is no backend of the name that was given. */
bool check_memory(struct report *r, const struct ctl_options *opt);

/* The interface. -ENODEV: there is none, and the sentence is set. */
int check_nic(struct report *r, const struct machine *m, const struct ctl_options *opt,
	      const char *ifname);

/* Where it is in the machine. @bus: the device's name there, or "". */
void check_place(struct report *r, const char *ifname, const char *bus);

/* What drops urgent data, which would stop the machine. */
void check_urgent(struct report *r, const char *ifname, unsigned int ifindex);

#endif
