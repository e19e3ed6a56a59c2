/* SPDX-License-Identifier: MIT */
/* Choosing a CUDA device, what it can do, and calls in one of its contexts that leave the caller's
 * current context alone. */
#ifndef DEVMEM__BACKENDS_CUDA_DEVICE_H
#define DEVMEM__BACKENDS_CUDA_DEVICE_H

#include "backends/cuda_api.h"

struct devmem__cuda_device {
	int id; /* the driver's handle */
	int ordinal;
	char address[16]; /* PCI address as sysfs writes it: 0000:65:00.0 */
	char name[64];
};

/* devmem__cuda_attribute() - an attribute of a device; 0 if the driver does not know it. */
int devmem__cuda_attribute(const struct devmem__cuda *cu, const struct devmem__cuda_device *device,
			   unsigned int attribute);

int devmem__cuda_count(const struct devmem__cuda *cu, int *count);
int devmem__cuda_describe(const struct devmem__cuda *cu, int ordinal,
			  struct devmem__cuda_device *device);

/*
 * devmem__cuda_choose() - choose by options.device, by options.near, or the first. options.device
 * is an ordinal or a PCI address, which may lack its domain and function and have upper-case
 * digits.
 * @why: a few words on the choice; empty if the device was named. -ENODEV, -EINVAL
 */
int devmem__cuda_choose(const struct devmem__cuda *cu, const struct devmem_buffer_opts *o,
			struct devmem__cuda_device *device, const char **why);

/* devmem__cuda_exports() - 0, or -ENODEV with an error message on why the device cannot export
 * memory. */
int devmem__cuda_exports(const struct devmem__cuda *cu, const struct devmem__cuda_device *device);

/* devmem__cuda_parse_address() - convert @text to the form of struct devmem__cuda_device. false: it
 * is not a PCI address. */
bool devmem__cuda_parse_address(const char *text, char address[16]);

struct devmem__cuda_scope {
	const struct devmem__cuda *cu;
	unsigned int mode;
};

/*
 * devmem__cuda_enter() - make @context current until devmem__cuda_leave(), which restores the
 * thread's own context, if any. A graph that any thread captures meanwhile is not disturbed.
 */
int devmem__cuda_enter(const struct devmem__cuda *cu, struct CUctx_st *context,
		       struct devmem__cuda_scope *scope);
void devmem__cuda_leave(struct devmem__cuda_scope *scope);

#endif
