// SPDX-License-Identifier: MIT
/* List the NIC's RX queues and their use, and wait until they are unbound. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nic/nic_impl.h"

#define MAX_WAIT_MS 5000u /* io_uring unbinds a queue within milliseconds */
#define WAIT_US	    1000u

/* Without memory the old ids stay. */
static void note_napis(struct devmem__napis *napis, const struct devmem__netdev_queues *q)
{
	uint32_t *id;

	pthread_mutex_lock(&napis->lock);
	id = q->count > napis->count ? realloc(napis->id, q->count * sizeof(*id)) : napis->id;
	if (id) {
		memcpy(id, q->napi, q->count * sizeof(*id));
		napis->id = id;
		napis->count = q->count;
	}
	pthread_mutex_unlock(&napis->lock);
}

int devmem__nic_queues(struct devmem_nic *nic, struct devmem__netdev_queues *q)
{
	int err;

	memset(q, 0, sizeof(*q));
	err = devmem__nic_check_present(nic);
	if (err)
		return err;
	err = devmem__netdev_queues(&nic->netdev, nic->et.ifindex, q);
	if (err)
		return devmem__nl_fail(&nic->netdev, err, "%s: cannot list the RX queues",
				       nic->et.name);
	if (!q->count)
		err = devmem__netdev_rings(&nic->et, q);
	if (!err && !q->count)
		err = -ENODEV;
	if (!err) {
		note_napis(&nic->napis, q);
		return 0;
	}
	devmem__netdev_free(q);
	return devmem__fail(-err, "%s: cannot count the RX queues (%s): is it up? See \"ip link\"",
			    nic->et.name, strerror(-err));
}

/* Is one of the queues used in one of these ways? False if the interface is gone. */
static bool are_used(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
		     unsigned int uses)
{
	struct devmem__netdev_queues q;
	bool used = false;

	if (devmem__nic_queues(nic, &q))
		return false;
	for (unsigned int i = 0; i < n; i++)
		used |= queues[i] < q.count && q.use[queues[i]] & uses;
	devmem__netdev_free(&q);
	return used;
}

static uint64_t milliseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t devmem__nic_deadline(void)
{
	return milliseconds() + MAX_WAIT_MS;
}

bool devmem__nic_wait_1ms(uint64_t until)
{
	if (milliseconds() >= until)
		return false;
	usleep(WAIT_US);
	return true;
}

void devmem__nic_wait_unbound(struct devmem_nic *nic, uint32_t queue)
{
	const uint64_t until = devmem__nic_deadline();
	bool bound;

	do {
		pthread_mutex_lock(&nic->lock);
		bound = are_used(nic, &queue, 1, DEVMEM__QUEUE_IO_URING);
		pthread_mutex_unlock(&nic->lock);
	} while (bound && devmem__nic_wait_1ms(until));
}

void devmem__nic_wait_free(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			   uint64_t until)
{
	while (are_used(nic, queues, n, DEVMEM__QUEUE_IO_URING | DEVMEM__QUEUE_DMABUF) &&
	       devmem__nic_wait_1ms(until))
		;
}
