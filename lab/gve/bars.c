// SPDX-License-Identifier: MIT
/* BAR 0: registers. BAR 1: MSI-X, which QEMU serves itself. BAR 2: doorbells. */
#include <endian.h>
#include <string.h>

#include "device.h"

static uint32_t status(const struct device *d)
{
	return d->status | (device_link(d) ? STATUS_LINK : 0);
}

static void registers(const struct device *d, unsigned char image[REGS_BYTES])
{
	memset(image, 0, REGS_BYTES);
	put32(image + REG_DEVICE_STATUS, status(d));
	put32(image + REG_DRIVER_STATUS, d->driver_status);
	put32(image + REG_MAX_TX_QUEUES, d->params.max_queues);
	put32(image + REG_MAX_RX_QUEUES, d->params.max_queues);
	put32(image + REG_ADMINQ_EVENT_COUNTER, d->admin.done);
	put32(image + REG_ADMINQ_BASE_HI, (uint32_t)(d->admin.base >> 32));
	put32(image + REG_ADMINQ_BASE_LO, (uint32_t)d->admin.base);
	put16(image + REG_ADMINQ_LENGTH, (uint16_t)d->admin.length);
}

void bar_read(struct device *d, unsigned int bar, uint32_t at, void *to, uint32_t bytes)
{
	unsigned char image[REGS_BYTES];

	memset(to, device_gone(d) ? 0xff : 0, bytes);
	if (device_gone(d) || bar || at >= REGS_BYTES)
		return;
	registers(d, image);
	memcpy(to, image + at, bytes < REGS_BYTES - at ? bytes : REGS_BYTES - at);
}

/* The admin queue is where the base registers say, when the driver says that it runs. */
static void write_driver_status(struct device *d, uint32_t value)
{
	if (value & DRIVER_RESET) {
		trace(d, "reset by the driver");
		d->counters[COUNT_RESETS]++;
		device_reset(d);
		return;
	}
	d->driver_status = value;
	if (!(value & DRIVER_RUN))
		return;
	if (d->admin.running) {
		complain(d, "the driver starts a second time without a reset");
		return;
	}
	if (d->admin.length != ADMINQ_BYTES || d->admin.base % COMMAND_BYTES ||
	    !dma_at(&d->dma, d->admin.base, ADMINQ_BYTES, true)) {
		complain(d, "an admin queue of %u bytes at 0x%llx", d->admin.length,
			 (unsigned long long)d->admin.base);
		return;
	}
	d->admin.running = true;
	d->status &= ~STATUS_IS_RESET;
}

static void write_base(struct device *d, uint32_t value, bool high)
{
	if (d->admin.running)
		complain(d, "the admin queue is moved while it runs");
	else if (high)
		d->admin.base = (uint64_t)value << 32 | (uint32_t)d->admin.base;
	else
		d->admin.base = d->admin.base >> 32 << 32 | value;
}

static void write_register32(struct device *d, uint32_t at, uint32_t value)
{
	switch (at) {
	case REG_DRIVER_STATUS:
		write_driver_status(d, value);
		break;
	case REG_ADMINQ_BASE_HI:
		write_base(d, value, true);
		break;
	case REG_ADMINQ_BASE_LO:
		write_base(d, value, false);
		break;
	case REG_ADMINQ_DOORBELL:
		admin_run(d, value);
		break;
	default:
		complain(d, "a write to register 0x%x", at);
	}
}

static void write_register(struct device *d, uint32_t at, const unsigned char *from, uint32_t bytes)
{
	if (at == REG_DRIVER_VERSION && bytes == 1)
		return;
	if (at == REG_ADMINQ_LENGTH && bytes == 2 && !d->admin.running)
		d->admin.length = get16(from);
	else if (bytes == 4 && !(at & 3))
		write_register32(d, at, get32(from));
	else
		complain(d, "a write of %u bytes to register 0x%x", bytes, at);
}

static void write_doorbell(struct device *d, uint32_t index, uint32_t value)
{
	if (index >= DB_IRQ && index < DB_IRQ + MAX_BLOCKS)
		irq_doorbell(d, index - DB_IRQ, value);
	else if (index >= DB_TX && index < DB_TX + MAX_QUEUES)
		tx_doorbell(d, index - DB_TX, value);
	else if (index >= DB_RX && index < DB_RX + MAX_QUEUES)
		rx_doorbell(d, index - DB_RX, value);
	else
		complain(d, "a doorbell that does not exist: %u", index);
}

void bar_write(struct device *d, unsigned int bar, uint32_t at, const void *from, uint32_t bytes)
{
	uint32_t value;

	if (device_gone(d))
		return;
	if (bar == 0) {
		write_register(d, at, from, bytes);
	} else if (bar == 2) {
		if (bytes != 4 || at & 3) {
			complain(d, "a write of %u bytes to doorbell 0x%x", bytes, at);
			return;
		}
		memcpy(&value, from, 4);
		write_doorbell(d, at / 4, le32toh(value));
	}
}
