/* SPDX-License-Identifier: MIT */
/*
 * The NIC under test, which is one of two: "labnic", the lab's own module, or "gve", the kernel's
 * driver of that name over a model of its device (lab/gve). A test asks by name for what it needs:
 * where the NIC does not have it, the case is named with the reason, as with lab_cannot().
 */
#ifndef LAB_NIC_H
#define LAB_NIC_H

#include <stdbool.h>
#include <stdint.h>

#ifndef NIC
#define NIC "lab0"
#endif

/*
 * The driver that is bound to the device; on loopback "". labnic is labnic even if it passes for
 * another one (mimic=gve).
 */
const char *lab_nic_driver(void);
bool lab_nic_is(const char *driver);

/*
 * Can the NIC do this?
 *	"contexts"	RSS contexts: one rule leads to several queues
 *	"unsplit"	a packet of which nothing is split off reaches its socket; gve's driver and
 *			the kernel die of it (nosplit_bytes 0)
 *	"bare-packets"	a packet without payload takes no buffer from a bound queue
 *	"kept-rules"	a reset keeps the flow rules and the RSS table
 *	"bound-down"	queues can be bound while the interface is down
 * On loopback, where nothing is steered, everything can be.
 */
bool lab_nic_can(const char *what);
#define lab_needs(what)                                                         \
	do {                                                                    \
		if (!lab_nic_can(what))                                         \
			lab_name_case(__func__, "the NIC cannot do it: " what); \
	} while (0)

/*
 * Faults have the names of labnic's files (lab/README.md). gve's are knobs of its model. With
 * zcrx, GRO is off while packets are not split: lab_fault_alone() leaves it as it is.
 */
bool lab_has_fault(const char *name);
#define lab_needs_fault(name)                                                   \
	do {                                                                    \
		if (!lab_has_fault(name))                                       \
			lab_name_case(__func__, "the NIC has no fault: " name); \
	} while (0)
void lab_fault(const char *name, unsigned long value);
void lab_fault_alone(const char *name, unsigned long value);
void lab_faults_off(void);
void far_fault(const char *name, unsigned long value); /* of the NIC at the far end */
void far_faults_off(void);
bool lab_device_is_gone(void); /* the NIC was removed with its device */

/*
 * Counters have labnic's names, as "ethtool -S lab0" shows them: "fault_dropped", "rx1_split". For
 * all queues together there are "overruns", packets for which there was no buffer, and
 * "too_many_pieces", packets that were not sent since they had too many. What faults have done,
 * and overruns, gve's model counts; also "resets".
 */
uint64_t lab_counter(const char *name);

/* How many queues there are for receiving, and to change it: whatever the driver calls them. */
void lab_set_queues(unsigned int n);
/* Entries of each RX ring: the number at first, and the smallest that there can be. */
unsigned int lab_ring_entries(void);
unsigned int lab_ring_entries_min(void);
void lab_set_ring_entries(unsigned int n);
void lab_delete_rules(void);

/* After a test that failed: all is as it was when it was remembered, or false. */
void lab_nic_remember(void);
bool lab_nic_put_back(void);

/* What ethtool shows of an interface: freed by the caller. Nothing on loopback, which has no
 * settings. */
char *lab_nic_view(void);

#endif
