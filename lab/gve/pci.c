// SPDX-License-Identifier: MIT
/*
 * PCI configuration space. QEMU has BARs, interrupts and the command register of its own; what is
 * here is what it reads at the start, and the capability by which faults are set.
 */
#include <endian.h>
#include <string.h>

#include "device.h"

#define VENDOR_GOOGLE 0x1ae0
#define DEVICE_GVE    0x0042
#define REVISION      1 /* 0 is an older way to set up the admin queue */

#define AT_STATUS    0x06
#define HAS_LIST     0x10
#define AT_BAR0	     0x10
#define AT_LIST	     0x34
#define AT_MSIX	     0x40
#define AT_FAULTS    0x80
#define AT_SET	     (AT_FAULTS + 4)  /* write: (fault << 24) | value */
#define AT_COUNTER   (AT_FAULTS + 8)  /* write: number of a counter */
#define AT_VALUE     (AT_FAULTS + 12) /* read: its value */
#define FAULTS_BYTES 16
#define PBA_OFFSET   0x800
#define BAR_OF_MSIX  1
#define CAP_MSIX     0x11
#define CAP_VENDOR   0x09

static void set16(unsigned char *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, 2);
}

static void set32(unsigned char *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, 4);
}

static uint32_t load32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, 4);
	return le32toh(value);
}

void pci_init(struct device *d)
{
	unsigned char *const c = d->config;

	set16(c, VENDOR_GOOGLE);
	set16(c + 2, DEVICE_GVE);
	set16(c + AT_STATUS, HAS_LIST);
	c[0x08] = REVISION;
	set16(c + 0x0a, 0x0200); /* an Ethernet controller */
	set16(c + 0x2c, VENDOR_GOOGLE);
	set16(c + 0x2e, 0x0058);
	c[AT_LIST] = AT_MSIX;

	c[AT_MSIX] = CAP_MSIX;
	c[AT_MSIX + 1] = AT_FAULTS;
	set16(c + AT_MSIX + 2, (uint16_t)(2 * d->params.max_queues)); /* vectors - 1 */
	set32(c + AT_MSIX + 4, BAR_OF_MSIX);
	set32(c + AT_MSIX + 8, PBA_OFFSET | BAR_OF_MSIX);

	c[AT_FAULTS] = CAP_VENDOR;
	c[AT_FAULTS + 2] = FAULTS_BYTES;
	c[AT_FAULTS + 3] = 1; /* version of this capability */
}

void pci_read(struct device *d, uint32_t at, void *to, uint32_t bytes)
{
	set32(d->config + AT_VALUE,
	      d->counter_shown < COUNTERS ? d->counters[d->counter_shown] : UINT32_MAX);
	memcpy(to, d->config + at, bytes);
}

static void set_fault(struct device *d, uint32_t word)
{
	const uint32_t fault = word >> 24;

	if (fault == FAULT_NONE || fault >= FAULTS)
		complain(d, "fault %u does not exist", fault);
	else
		device_set_fault(d, fault, word & 0xffffff);
}

void pci_write(struct device *d, uint32_t at, const void *from, uint32_t bytes)
{
	if (at >= AT_SET && at < AT_VALUE && bytes != 4) {
		complain(d, "a write of %u bytes to the capability of faults", bytes);
		return;
	}
	if (at == AT_SET) {
		memcpy(d->config + at, from, 4);
		set_fault(d, load32(d->config + at));
	} else if (at == AT_COUNTER) {
		memcpy(d->config + at, from, 4);
		d->counter_shown = load32(d->config + at);
	} else if (at == 4 && bytes <= 2) {
		memcpy(d->config + at, from, bytes); /* the command register */
	} else if (at >= AT_BAR0 && at < AT_BAR0 + 24 && device_gone(d)) {
		/* the bus looks for BARs: another device was put in */
		device_set_fault(d, FAULT_REMOVE, 0);
	}
}
