/* SPDX-License-Identifier: MIT */
/* The doctor's checks. None of them changes anything: what cannot be read is tested by a request
 * that the kernel must refuse. */
#ifndef CHECKS_H
#define CHECKS_H

#include "ctl.h"
#include "report.h"

/* Results of the machine's checks that the interface's checks use. */
struct machine {
	bool kernel;   /* it supports device memory */
	bool may_bind; /* this process may request a binding */
};

void check_machine(struct report *r, struct machine *m);

/* check_memory() - @large_pages: the NIC may support pages larger than the system's, so advice
 * about them can help. False: there is no backend of the given name. */
bool check_memory(struct report *r, const struct ctl_options *opt, bool large_pages);

/* check_nic() - checks the interface. -ENODEV: there is none, and the error message is set.
 * @never: set if nothing can make this interface receive into device memory; or NULL. */
int check_nic(struct report *r, const struct machine *m, const struct ctl_options *opt,
	      const char *ifname, bool *never);

/* check_nic_large_pages() - false: the driver is known to have no pages larger than the
 * system's. */
bool check_nic_large_pages(const char *ifname);

/* check_place() - the NIC's place in the machine. @bus: the device's name on the bus, or "". */
void check_place(struct report *r, const char *ifname, const char *bus);

/* check_gpu() - a GPU's place, and whether its driver leaves bound memory there. */
struct pci_device;
void check_gpu(struct report *r, const struct pci_device *nic, const struct pci_device *gpu);

/* check_urgent() - the filters that drop urgent data. Unfiltered, it would stop the machine. */
void check_urgent(struct report *r, const char *ifname, unsigned int ifindex);

#endif
