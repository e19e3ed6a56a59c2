/* SPDX-License-Identifier: MIT */
/*
 * Memory to receive into: the NIC's transaction and its bindings. With engine zcrx a queue belongs
 * to one ring, so each thread has its own binding, and connections are steered one by one. With
 * other engines, one binding has all queues and serves all threads. On failure the error message is
 * in @why.
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
	struct devmem_binding *binding; /* NULL: the ring receives into its own memory */
	/* for both: only one thread at a time may use them */
	pthread_mutex_t lock;
};

struct memory {
	const struct perf_options *opt;
	struct devmem_nic *nic;
	struct lane *lane;
	unsigned int lanes;
	bool each; /* each connection has its own rule */
	struct pagepool pagepool;
	char why[MEMORY_WHY];
};

/* memory_open() - makes memory for @threads threads. If @receives is false, nothing is bound.
 * memory_close() accepts a zeroed structure. */
int memory_open(struct memory *m, const struct perf_options *opt, bool receives,
		unsigned int threads);

struct lane *memory_lane(struct memory *m, unsigned int thread);

/* memory_steer() - steers everything that comes to @local, from @peer or, if it is NULL, from
 * anybody. */
int memory_steer(struct memory *m, const struct address *local, const struct address *peer);

/* memory_steer_one() - steers one connection of a thread, if each connection has its own rule. */
int memory_steer_one(struct memory *m, unsigned int thread, const struct address *local,
		     const struct address *peer);

/* memory_pools() - what the page pools of the bound queues have given out. */
struct pagepool_state memory_pools(struct memory *m);

/* memory_close() - returns 0 if the NIC is as it was before. */
int memory_close(struct memory *m);

/* memory_create() - creates a buffer of at least @bytes, as the options ask for it. */
int memory_create(const struct perf_options *opt, size_t bytes, struct devmem_buffer **out);

/* memory_bind_tx() - binds the buffer for sending. */
int memory_bind_tx(const struct perf_options *opt, struct devmem_buffer *buffer,
		   struct devmem_binding **out);

/* memory_ring_engine() - the engine to open a ring with: "zcrx" where zcrx needs it, "syscall"
 * where that was requested, otherwise NULL. */
const char *memory_ring_engine(const struct perf_options *opt, bool receives);

#endif
