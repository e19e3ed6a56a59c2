/* SPDX-License-Identifier: MIT */
/*
 * What is received into: the NIC's transaction and its bindings. With engine zcrx a queue belongs
 * to one ring, so each thread has a binding, and connections are steered one by one; otherwise one
 * binding has all queues, for all threads. A failure has its sentence in @why.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <pthread.h>

#include <devmem/devmem.h>

#include "address.h"
#include "pagepool.h"
#include "perf.h"

#define MEMORY_WHY 768

struct lane {
	struct devmem_buffer *buffer;
	struct devmem_binding *binding; /* NULL: the ring's own memory */
	/* of both: the library lets one thread at a time use them */
	pthread_mutex_t lock;
};

struct memory {
	const struct perf_options *opt;
	struct devmem_nic *nic;
	struct lane *lane;
	unsigned int lanes;
	bool each; /* each connection has a rule of its own */
	struct pagepool pagepool;
	char why[MEMORY_WHY];
};

/* memory_open() - for so many threads; @receives: or else there is nothing to bind. Zero is a
 * memory of none. */
int memory_open(struct memory *m, const struct perf_options *opt, bool receives,
		unsigned int threads);

struct lane *memory_lane(struct memory *m, unsigned int thread);

/* memory_steer() - all that comes to @local, from @peer or (NULL) from anybody. */
int memory_steer(struct memory *m, const struct address *local, const struct address *peer);

/* memory_steer_one() - the connection of a thread, if each has its own rule. */
int memory_steer_one(struct memory *m, unsigned int thread, const struct address *local,
		     const struct address *peer);

/* memory_pools() - what the page pools of its queues have out. */
struct pagepool_state memory_pools(struct memory *m);

/* memory_close() - 0: the NIC is as it was. */
int memory_close(struct memory *m);

/* memory_create() - a buffer as the options ask for it, of at least @bytes. */
int memory_create(const struct perf_options *opt, size_t bytes, struct devmem_buffer **out);

/* memory_bind_tx() - to send from it. */
int memory_bind_tx(const struct perf_options *opt, struct devmem_buffer *buffer,
		   struct devmem_binding **out);

/* memory_ring_engine() - the engine that a ring is to have for this: "zcrx" where it must,
 * "syscall" where it is asked for. */
const char *memory_ring_engine(const struct perf_options *opt, bool receives);

#endif
