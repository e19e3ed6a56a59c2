/* SPDX-License-Identifier: MIT */
/* One device: everything that a driver has made of it. One thread runs all devices. */
#ifndef GVE_DEVICE_H
#define GVE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "complain.h"
#include "dma.h"
#include "faults.h"
#include "irq.h"
#include "packet.h"
#include "params.h"
#include "rx.h"
#include "steer.h"
#include "tx.h"
#include "wire.h"

#define CONFIG_BYTES 256u
#define BAR_BYTES    4096u

/* Format DQO-QPL: the only pages that a queue may lead to. */
struct page_list {
	bool used;
	uint32_t id, n;
	uint64_t *page;
};

/* What CONFIGURE_DEVICE_RESOURCES said. */
struct resources {
	bool configured;
	uint32_t blocks; /* interrupts of queues; the one behind them is the device's own */
};

struct admin {
	uint64_t base;
	uint32_t length;
	uint32_t done; /* commands, since the driver started */
	bool running, verified, hung;
	bool queue_failed; /* a fault failed a command for an RX queue: there may be any of them */
};

struct device {
	const char *name; /* "near" or "far" */
	uint8_t mac[6];
	struct params params;
	struct device *peer;

	struct dma dma;
	struct irqs irqs;
	unsigned char config[CONFIG_BYTES];
	uint32_t status, driver_status;
	struct admin admin;
	struct resources resources;
	struct page_list pages[2 * MAX_QUEUES];
	uint64_t stats_address, stats_bytes;

	struct tx_queue tx[MAX_QUEUES];
	struct rx_queue rx[MAX_QUEUES];
	struct steer steer;
	struct wire wire; /* what is on its way to this device */

	struct faults faults;
	uint32_t counters[COUNTERS];
	uint32_t counter_shown;
};

void device_init(struct device *d, const char *name, const struct params *params,
		 struct device *peer);

/* What the driver made is gone: queues, rules, the RSS table, resources. The settings of the host
 * stay: PCI configuration, faults, the link. */
void device_reset(struct device *d);

/* Sets a fault, and does at once what it asks for (link, reset, remove). */
void device_set_fault(struct device *d, enum fault fault, uint32_t value);

bool device_link(const struct device *d);

/* Was it taken out of the machine, without a word to the driver? Then every read of a BAR gives
 * ones, writes go nowhere, and it neither reads nor writes memory. */
bool device_gone(const struct device *d);

/* PCI configuration space (pci.c) and BARs (bars.c). @bytes was checked against the region. */
void pci_init(struct device *d);
void pci_read(struct device *d, uint32_t at, void *to, uint32_t bytes);
void pci_write(struct device *d, uint32_t at, const void *from, uint32_t bytes);
void bar_read(struct device *d, unsigned int bar, uint32_t at, void *to, uint32_t bytes);
void bar_write(struct device *d, unsigned int bar, uint32_t at, const void *from, uint32_t bytes);

/* Doorbells by index, in 4-byte units of BAR 2: the driver is told each one's. */
enum doorbell { DB_IRQ = 0x080, DB_TX = 0x180, DB_RX = 0x280, DB_END = 0x380 };

/* The admin queue (admin.c): runs commands up to the @count-th since the driver started. */
void admin_run(struct device *d, uint32_t count);

/* In format DQO-QPL (pages.c): is this memory inside the list's pages? */
bool pages_have(const struct page_list *list, uint64_t address, uint32_t bytes);
struct page_list *pages_find(struct device *d, uint32_t id);
void pages_free(struct page_list *list);

#endif
