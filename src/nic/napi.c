// SPDX-License-Identifier: MIT
/*
 * Which RX queue does a NAPI instance serve? Listing the queues takes netlink requests and the
 * NIC's lock, which other threads hold while they wait for the journal. The data path must not wait
 * for that, so the ids are cached each time the queues are listed. They change seldom: when an
 * interface goes down, or gets another number of queues.
 */
#include <errno.h>
#include <time.h>

#include "nic/nic_impl.h"

#define SECOND 1000000000u /* ns */

/* @ask: the id is unknown, and the kernel was last asked at least a second ago. */
static int look_up(struct devmem__napis *napis, unsigned int napi_id, bool *ask)
{
	struct timespec ts;
	uint32_t at = 0;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
	pthread_mutex_lock(&napis->lock);
	while (at < napis->count && napis->id[at] != napi_id)
		at++;
	*ask = at == napis->count && (!napis->asked || now - napis->asked >= SECOND);
	pthread_mutex_unlock(&napis->lock);
	return at < napis->count && napi_id ? (int)at : -ENOENT;
}

static void note_asked(struct devmem__napis *napis)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	pthread_mutex_lock(&napis->lock);
	napis->asked = (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
	pthread_mutex_unlock(&napis->lock);
}

int devmem__nic_queue_of_napi_nowait(struct devmem_nic *nic, unsigned int napi_id)
{
	struct devmem__netdev_queues q;
	bool ask;
	int queue = look_up(&nic->napis, napi_id, &ask);

	if (!ask || nic->quirks->leased)
		return queue;
	if (pthread_mutex_trylock(&nic->lock))
		return -EBUSY;
	if (!devmem__nic_queues(nic, &q))
		devmem__netdev_free(&q);
	pthread_mutex_unlock(&nic->lock);
	note_asked(&nic->napis);
	return look_up(&nic->napis, napi_id, &ask);
}

int devmem__nic_queue_of_napi(struct devmem_nic *nic, unsigned int napi_id)
{
	struct devmem__netdev_queues q;
	bool ask;
	int err, queue;

	pthread_mutex_lock(&nic->lock);
	err = devmem__nic_queues(nic, &q);
	pthread_mutex_unlock(&nic->lock);
	if (err)
		return err;
	devmem__netdev_free(&q);
	queue = look_up(&nic->napis, napi_id, &ask);
	if (queue < 0 && nic->quirks->leased)
		return devmem__fail(ENOENT,
				    "%s leases its queues from a NIC, and only that NIC shows on "
				    "which queue a flow arrives",
				    nic->et.name);
	if (queue < 0)
		return devmem__fail(ENOENT,
				    "no RX queue of %s has NAPI id %u: the flow comes in on "
				    "another interface",
				    nic->et.name, napi_id);
	return queue;
}
