// SPDX-License-Identifier: MIT
#include "gve_pair.h"

#include <endian.h>
#include <string.h>

#define MEMORY	   (4u << 20)
#define AT_SET	   0x84
#define AT_COUNTER 0x88
#define AT_VALUE   0x8c

struct pair pair;

const struct frame pair_tcp = { .source = { 192, 0, 2, 1 },
				.destination = { 192, 0, 2, 2 },
				.source_port = 1000,
				.destination_port = 5300,
				.seq = 0xfffff000u,
				.ack = 77,
				.window = 500,
				.flags = TCP_ACK,
				.payload = 1000 };

void pair_start(const char *const *args)
{
	struct params params[2];

	assert_true(guest_open(&pair.guest, MEMORY));
	gve_now = 1000000000u;
	assert_true(params_read(params, (char **)args));
	device_init(&pair.near, "near", &params[0], &pair.far);
	device_init(&pair.far, "far", &params[1], &pair.near);
	assert_int_equal(dma_map(&pair.near.dma, GUEST, MEMORY, pair.guest.fd, 0, true), 0);
	assert_int_equal(dma_map(&pair.far.dma, GUEST, MEMORY, pair.guest.fd, 0, true), 0);
	assert_true(driver_init(&pair.sender, &pair.near, &pair.guest));
	assert_true(driver_init(&pair.receiver, &pair.far, &pair.guest));
	assert_true(driver_start(&pair.sender));
	assert_true(driver_start(&pair.receiver));
}

void pair_queues(uint32_t buffer, uint32_t header)
{
	assert_true(driver_create_tx(&pair.sender, 0, TX_RING));
	assert_true(driver_create_rx(&pair.receiver, 0, RX_RING, buffer, header));
}

uint32_t pair_complaints(void)
{
	return pair_counter(&pair.near, COUNT_COMPLAINTS) +
	       pair_counter(&pair.far, COUNT_COMPLAINTS);
}

static void end(struct device *d)
{
	device_reset(d);
	dma_unmap_all(&d->dma);
	irq_close(&d->irqs);
	wire_free(&d->wire);
}

void pair_end(uint32_t complaints)
{
	const uint32_t found = pair_complaints();

	end(&pair.near);
	end(&pair.far);
	guest_close(&pair.guest);
	assert_int_equal(found, complaints);
}

void pair_fault(struct device *d, enum fault fault, uint32_t value)
{
	const uint32_t word = htole32((uint32_t)fault << 24 | value);

	pci_write(d, AT_SET, &word, sizeof(word));
}

uint32_t pair_counter(struct device *d, enum counter counter)
{
	uint32_t value = htole32(counter);

	pci_write(d, AT_COUNTER, &value, sizeof(value));
	pci_read(d, AT_VALUE, &value, sizeof(value));
	return le32toh(value);
}

void pair_send(const struct frame *f, uint32_t pieces)
{
	const struct driver_packet p = { .data = pair.frame,
					 .bytes = frame_write(f, pair.frame),
					 .pieces = pieces,
					 .checksum = true };

	assert_true(driver_send(&pair.sender, 0, &p));
}

void pair_expect(const struct frame *f)
{
	const uint32_t bytes = frame_write(f, pair.frame);

	assert_true(driver_received(&pair.receiver, 0, &pair.got));
	assert_int_equal(pair.got.bytes, bytes);
	assert_memory_equal(pair.got.data, pair.frame, bytes);
}

void pair_expect_nothing(void)
{
	assert_false(driver_received(&pair.receiver, 0, &pair.got));
}
