/* SPDX-License-Identifier: MIT */
/*
 * What the tests in the lab share: connections between the namespaces near (lab0, where devmem receives) and far
 * (lab1), the pattern, the NIC's faults. A test program runs in near. Failures end it through cmocka.
 */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "../unit/unit.h"
#include "devmem/devmem.h"
#include "../../examples/pattern.h"

#define NIC "lab0"
#define PORT 5300

/* Asserts success, and shows the sentence if it was none. */
#define ok(call) lab_ok(call, #call, __FILE__, __LINE__)
int lab_ok(int result, const char *what, const char *file, int line);

/* Everything from a buffer to a ring, for tests of what comes after. */
struct lab {
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	unsigned char *memory;
	int listener;
	unsigned int low;		/* LOW events that lab_check() saw */
};

void lab_open(struct lab *lab, size_t buffer_bytes, unsigned int queues);
void lab_close(struct lab *lab);

/* A connection: @near is ours to attach, @far is the other end. @ipv6: which family. */
struct lab_pair {
	int near, far;
};
struct lab_pair lab_connect(struct lab *lab, bool ipv6);

/* A thread that sends @bytes of the pattern on a pair's far end, in portions of @portion (0: as they come). */
struct lab_sender;
struct lab_sender *lab_send(int far, uint64_t bytes, size_t portion, bool then_fin);
bool lab_sent(struct lab_sender *sender);	/* joins it; did all go out? */

/* One stream on the receiving side. */
struct lab_stream {
	struct devmem_sock *sock;
	uint64_t position;		/* bytes so far, each of them checked */
	uint64_t device, host;
	bool ended;
	int error;
	unsigned int misplaced;		/* MISPLACED events, and what the last one said */
	int misplaced_queue;
};
void lab_attach(struct devmem_ring *ring, struct lab *lab, int fd, struct lab_stream *stream);

/* Checks the bytes of DATA and HOST events against the pattern and notes ENDs. */
void lab_check(struct lab *lab, const struct devmem_event *events, int n);

/* Receives, checks and releases until @n streams have ended or a second passed without an event: false. */
bool lab_drain(struct devmem_ring *ring, struct lab *lab, struct lab_stream *streams, unsigned int n);

/* A counter or fault of the NIC under /sys/kernel/debug/labnic/lab0. */
void lab_fault(const char *name, unsigned long value);

struct devmem_stats lab_stats(const struct devmem_ring *ring);

/* What ethtool shows of an interface: freed by the caller. */
char *lab_nic_view(void);

unsigned int lab_open_fds(void);

#endif
