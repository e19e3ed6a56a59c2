// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda_device.h"
#include "backends/pci_distance.h"

#define MAX_DEVICES 64

/* ---------------------------------------------------------------------------------- the devices */

int devmem__cuda_attribute(const struct devmem__cuda *cu, const struct devmem__cuda_device *device,
			   unsigned int attribute)
{
	int value = 0;

	return cu->cuDeviceGetAttribute(&value, attribute, device->id) == DEVMEM__CUDA_SUCCESS
		       ? value
		       : 0;
}

int devmem__cuda_count(const struct devmem__cuda *cu, int *count)
{
	int err = CUDA_CALL(cu, cuDeviceGetCount, count);

	if (err)
		return err;
	if (*count < 1)
		return devmem__cuda_no_device();
	*count = *count < MAX_DEVICES ? *count : MAX_DEVICES;
	return 0;
}

int devmem__cuda_describe(const struct devmem__cuda *cu, int ordinal,
			  struct devmem__cuda_device *device)
{
	char address[32] = "";
	int err;

	*device = (struct devmem__cuda_device){ .ordinal = ordinal };
	err = CUDA_CALL(cu, cuDeviceGet, &device->id, ordinal);
	if (!err)
		err = CUDA_CALL(cu, cuDeviceGetPCIBusId, address, sizeof(address), device->id);
	if (!err)
		err = CUDA_CALL(cu, cuDeviceGetName, device->name, sizeof(device->name),
				device->id);
	if (!err &&
	    !devmem__cuda_parse_address(address,
					device->address)) /* the driver writes upper-case digits */
		return devmem__fail(EPROTO, "CUDA device %d reports the invalid PCI address \"%s\"",
				    ordinal, address);
	return err;
}

static int cannot_export(const struct devmem__cuda_device *device, const char *why)
{
	return devmem__fail(ENODEV, "GPU %d (%s, %s) does not export memory: %s", device->ordinal,
			    device->address, device->name, why);
}

int devmem__cuda_exports(const struct devmem__cuda *cu, const struct devmem__cuda_device *device)
{
	if (!devmem__cuda_attribute(cu, device, DEVMEM__CUDA_UNIFIED_ADDRESSING))
		return cannot_export(device, "it has no unified addressing");
	if (!devmem__cuda_attribute(cu, device, DEVMEM__CUDA_RDMA))
		return cannot_export(device, "other devices cannot reach it (GPUDirect RDMA): that "
					     "needs a GPU for data centres or workstations");
	if (!devmem__cuda_attribute(cu, device, DEVMEM__CUDA_DMA_BUF))
		return cannot_export(device, "no dma-buf: that needs NVIDIA's open kernel modules, "
					     "a GPU of Turing or newer for data centres or "
					     "workstations, and Linux 5.12");
	return 0;
}

/* --------------------------------------------------------------------------------- choosing one */

static bool take_hex(const char **text, size_t most, unsigned int *value)
{
	size_t n = strspn(*text, "0123456789abcdefABCDEF");

	if (!n || n > most)
		return false;
	*value = (unsigned int)strtoul(*text, NULL, 16);
	*text += n;
	return true;
}

/* Parses up to three numbers that colons separate. Returns how many, 0 if one is missing. The first
 * may have eight digits, as a domain does. */
static unsigned int take_parts(const char **text, unsigned int part[3])
{
	for (unsigned int n = 0;; ++*text) {
		if (!take_hex(text, n ? 4 : 8, &part[n]))
			return 0;
		if (++n == 3 || **text != ':')
			return n;
	}
}

bool devmem__cuda_parse_address(const char *text, char address[16])
{
	unsigned int part[3] = { 0 }, function = 0, n = take_parts(&text, part);
	unsigned int domain = n == 3 ? part[0] : 0, bus = n == 3 ? part[1] : part[0],
		     slot = n == 3 ? part[2] : part[1];

	if (n < 2)
		return false;
	if (*text == '.') {
		text++;
		if (!take_hex(&text, 1, &function))
			return false;
	}
	if (*text || domain > 0xffff || bus > 0xff || slot > 0x1f || function > 7)
		return false;
	snprintf(address, 16, "%04x:%02x:%02x.%x", domain, bus, slot, function);
	return true;
}

static bool is_ordinal(const char *text, int *ordinal)
{
	size_t n = strspn(text, "0123456789");

	*ordinal = n && n < 6 ? atoi(text) : -1;
	return n && n < 6 && !text[n];
}

static int choose_ordinal(const struct devmem__cuda *cu, int ordinal, int count,
			  struct devmem__cuda_device *device)
{
	if (ordinal >= count)
		return devmem__fail(ENODEV, "no CUDA device %d: there are %d, counted from 0",
				    ordinal, count);
	return devmem__cuda_describe(cu, ordinal, device);
}

static int choose_address(const struct devmem__cuda *cu, const char *text, int count,
			  struct devmem__cuda_device *device)
{
	char address[16];

	if (!devmem__cuda_parse_address(text, address))
		return devmem__fail(EINVAL,
				    "CUDA device \"%s\": pass a number like \"0\" or a PCI address "
				    "like \"0000:65:00.0\"",
				    text);
	for (int i = 0; i < count; i++) {
		struct devmem__cuda_device other;
		int err = devmem__cuda_describe(cu, i, &other);

		if (err)
			return err;
		if (strcmp(other.address, address))
			continue;
		*device = other;
		return 0;
	}
	return devmem__fail(ENODEV,
			    "no CUDA device at PCI address %s: CUDA_VISIBLE_DEVICES may hide it",
			    address);
}

/* Considers only devices that export memory. */
static int choose_near(const struct devmem__cuda *cu, const char *ifname, int count,
		       struct devmem__cuda_device *device, const char **why)
{
	struct devmem__pci_location to, locations[MAX_DEVICES];
	int ordinals[MAX_DEVICES], err = devmem__pci_locate_interface(ifname, &to);
	unsigned int n = 0;

	for (int i = 0; !err && i < count; i++) {
		struct devmem__cuda_device other;

		err = devmem__cuda_describe(cu, i, &other);
		if (err || devmem__cuda_exports(cu, &other))
			continue;
		devmem__pci_locate_address(other.address, &locations[n]);
		ordinals[n++] = i;
	}
	if (err)
		return err;
	if (!n)
		return -ENODEV; /* with the last device's error message */
	return devmem__cuda_describe(cu, ordinals[devmem__pci_nearest(&to, locations, n, why)],
				     device);
}

int devmem__cuda_choose(const struct devmem__cuda *cu, const struct devmem_buffer_opts *o,
			struct devmem__cuda_device *device, const char **why)
{
	int count, ordinal, err = devmem__cuda_count(cu, &count);

	*why = "";
	if (err)
		return err;
	if (o->near)
		return choose_near(cu, o->near, count, device, why);
	if (!o->device)
		*why = "the first";
	if (!o->device || is_ordinal(o->device, &ordinal))
		return choose_ordinal(cu, o->device ? ordinal : 0, count, device);
	return choose_address(cu, o->device, count, device);
}

/* ---------------------------------------------------------------------------------- its context */

int devmem__cuda_enter(const struct devmem__cuda *cu, struct CUctx_st *context,
		       struct devmem__cuda_scope *scope)
{
	int err;

	*scope = (struct devmem__cuda_scope){ .cu = cu, .mode = DEVMEM__CUDA_CAPTURE_RELAXED };
	err = CUDA_CALL(cu, cuThreadExchangeStreamCaptureMode, &scope->mode);
	if (err)
		return err;
	err = CUDA_CALL(cu, cuCtxPushCurrent, context);
	if (err)
		cu->cuThreadExchangeStreamCaptureMode(&scope->mode);
	return err;
}

void devmem__cuda_leave(struct devmem__cuda_scope *scope)
{
	struct CUctx_st *context;

	scope->cu->cuCtxPopCurrent(&context);
	scope->cu->cuThreadExchangeStreamCaptureMode(&scope->mode);
}
