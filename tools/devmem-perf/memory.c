// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

/* of all threads together, unless one buffer alone is larger: the client chooses the number of
 * threads */
#define MAX_MIB 2048

static int explain(struct memory *m, const char *what)
{
	snprintf(m->why, sizeof(m->why), "%s: %s", what, devmem_error());
	return -1;
}

static bool is(const struct perf_options *opt, const char *engine)
{
	return opt->engine && !strcmp(opt->engine, engine);
}

int memory_create(const struct perf_options *opt, size_t bytes, struct devmem_buffer **out)
{
	const char *backend = opt->backend ? opt->backend : opt->host_memory ? "shm" : NULL;
	struct devmem_buffer_opts opts = { .size = sizeof(opts), .device = opt->device };
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!opt->device && !opt->host_memory && backend && !strcmp(backend, "cuda"))
		opts.near = opt->interface;
	return devmem_buffer_create(backend, (bytes + page - 1) / page * page, &opts, out);
}

/* zcrx only receives. If the test also sends, the best available engine sends. */
int memory_bind_tx(const struct perf_options *opt, struct devmem_buffer *buffer,
		   struct devmem_binding **out)
{
	const char *engine = is(opt, "zcrx") ? NULL : opt->engine;

	return devmem_bind_tx(opt->interface, buffer,
			      DEVMEM_OPTS(devmem_bind_tx_opts, .engine = engine), out);
}

/* The binding decides whether bytes arrive in device memory, with io_uring or without. */
const char *memory_ring_engine(const struct perf_options *opt, bool receives)
{
	return is(opt, "syscall") ? "syscall" : is(opt, "zcrx") && receives ? "zcrx" : NULL;
}

static int bind_lane(struct memory *m, struct lane *lane)
{
	const struct perf_options *opt = m->opt;

	if (memory_create(opt, (size_t)opt->buffer_mib << 20, &lane->buffer))
		return explain(m, "cannot create the buffer");
	if (devmem_bind_rx(m->nic, lane->buffer,
			   DEVMEM_OPTS(devmem_bind_opts, .queues = opt->queues,
				       .engine = opt->engine, .page_size = opt->page_size),
			   &lane->binding))
		return explain(m, "cannot bind");
	return 0;
}

int memory_open(struct memory *m, const struct perf_options *opt, bool receives,
		unsigned int threads)
{
	*m = (struct memory){ .opt = opt, .lanes = is(opt, "zcrx") ? threads : 1 };
	if (receives && !opt->host_memory && m->lanes > 1 &&
	    (uint64_t)m->lanes * opt->buffer_mib > MAX_MIB) {
		snprintf(m->why, sizeof(m->why),
			 "with engine zcrx each thread receives into memory of its own, and that "
			 "is more than 2 GiB: use fewer --threads, or a smaller --buffer");
		m->lanes = 0;
		return -1;
	}
	m->each = m->lanes > 1;
	m->lane = calloc(m->lanes, sizeof(*m->lane));
	if (!m->lane) {
		snprintf(m->why, sizeof(m->why), "no memory");
		m->lanes = 0;
		return -1;
	}
	for (unsigned int i = 0; i < m->lanes; i++)
		pthread_mutex_init(&m->lane[i].lock, NULL);
	if (!receives || opt->host_memory)
		return 0;
	pagepool_open(&m->pagepool, opt->iface.index);
	if (devmem_nic_open(opt->interface, NULL, &m->nic))
		return explain(m, opt->interface);
	for (unsigned int i = 0; i < m->lanes; i++)
		if (bind_lane(m, &m->lane[i]))
			return -1;
	return 0;
}

struct lane *memory_lane(struct memory *m, unsigned int thread)
{
	return &m->lane[thread % m->lanes];
}

/* A NIC without RSS contexts cannot spread one rule over several queues: then each connection needs
 * its own rule. */
int memory_steer(struct memory *m, const struct address *local, const struct address *peer)
{
	int err;

	if (m->each || !m->lane[0].binding)
		return 0;
	err = devmem_steer(m->lane[0].binding, &local->sa, peer ? &peer->sa : NULL);
	m->each = err == -EOPNOTSUPP;
	return err && !m->each ? explain(m, "cannot steer the connections to the queues") : 0;
}

int memory_steer_one(struct memory *m, unsigned int thread, const struct address *local,
		     const struct address *peer)
{
	struct devmem_binding *binding = memory_lane(m, thread)->binding;

	if (!m->each || !binding)
		return 0;
	return devmem_steer(binding, &local->sa, &peer->sa) ? explain(m, "cannot steer a "
									 "connection to its queue")
							    : 0;
}

struct pagepool_state memory_pools(struct memory *m)
{
	struct pagepool_state state = { 0 };

	for (unsigned int i = 0; i < m->lanes; i++) {
		const struct devmem_binding *binding = m->lane[i].binding;
		const bool zcrx = binding && !strcmp(devmem_binding_engine(binding, NULL), "zcrx");

		/* one call finds all pools of zcrx */
		if (zcrx ? !i : binding && devmem_binding_id(binding))
			pagepool_add(&m->pagepool, zcrx ? 0 : devmem_binding_id(binding), &state);
	}
	return state;
}

int memory_close(struct memory *m)
{
	int err = 0;

	for (unsigned int i = 0; i < m->lanes; i++)
		devmem_binding_close(m->lane[i].binding);
	if (m->nic && devmem_nic_close(m->nic))
		err = explain(m, "cannot put the NIC's settings back");
	for (unsigned int i = 0; i < m->lanes; i++) {
		devmem_buffer_close(m->lane[i].buffer);
		pthread_mutex_destroy(&m->lane[i].lock);
	}
	pagepool_close(&m->pagepool);
	free(m->lane);
	m->lane = NULL;
	m->lanes = 0;
	m->nic = NULL;
	return err;
}
