// SPDX-License-Identifier: MIT
/*
 * Other descriptors in the same wait: a listener, a signalfd, a timer. Each is polled by a one-shot
 * request. The turn after it fired makes it again, so a descriptor that stays readable is reported
 * again.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "ring/loop.h"

struct devmem__watch {
	struct devmem__list node; /* ring->watches.list */
	struct devmem_ring *ring;
	int fd;
	uint64_t user_data;
	bool armed;
	bool removed;
};

static struct devmem__watch *find(struct devmem_ring *ring, int fd)
{
	struct devmem__list *node;

	for (node = ring->watches.list.next; node != &ring->watches.list; node = node->next) {
		struct devmem__watch *watch = container_of(node, struct devmem__watch, node);

		if (watch->fd == fd && !watch->removed)
			return watch;
	}
	return NULL;
}

static void drop(struct devmem__watch *watch)
{
	devmem__list_del(&watch->node);
	free(watch);
}

static int watch(struct devmem_ring *ring, int fd, uint64_t user_data)
{
	struct devmem__watch *watch;
	int err = devmem__uring_check_thread(&ring->uring);

	if (err)
		return err;
	if (fd < 0)
		return devmem__fail(EBADF, "devmem_watch: %d is not a descriptor", fd);
	if (find(ring, fd))
		return devmem__fail(EEXIST, "descriptor %d is already watched", fd);
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return devmem__fail(ENOMEM, "no memory to watch a descriptor");
	watch->ring = ring;
	watch->fd = fd;
	watch->user_data = user_data;
	devmem__list_init(&watch->node);
	devmem__list_append(&ring->watches.list, &watch->node);
	ring->watches.unarmed = true;
	devmem__pending(ring);
	return 0;
}

int devmem_watch(struct devmem_ring *ring, int fd, uint64_t user_data)
{
	return devmem__result(watch(ring, fd, user_data));
}

static int unwatch(struct devmem_ring *ring, int fd)
{
	int err = devmem__uring_check_thread(&ring->uring);
	struct devmem__watch *watch;
	struct io_uring_sqe *sqe;

	if (err)
		return err;
	watch = find(ring, fd);
	if (!watch)
		return devmem__fail(ENOENT, "descriptor %d is not watched", fd);
	if (!watch->armed) {
		drop(watch);
		return 0;
	}
	sqe = devmem__uring_sqe(&ring->uring, DEVMEM__CQE_OTHER, NULL);
	if (!sqe)
		return devmem__fail(EBUSY, "the submission queue of the ring is full: try again "
					   "after "
					   "devmem_wait()");
	watch->removed = true;
	devmem__pending(ring);
	io_uring_prep_cancel64(sqe, (uintptr_t)watch | DEVMEM__CQE_WATCH, 0);
	sqe->user_data = DEVMEM__CQE_OTHER;
	return 0;
}

int devmem_unwatch(struct devmem_ring *ring, int fd)
{
	return devmem__result(unwatch(ring, fd));
}

void devmem__watch_arm(struct devmem_ring *ring)
{
	struct devmem__list *node;

	if (!ring->watches.unarmed)
		return;
	ring->watches.unarmed = false;
	for (node = ring->watches.list.next; node != &ring->watches.list; node = node->next) {
		struct devmem__watch *watch = container_of(node, struct devmem__watch, node);
		struct io_uring_sqe *sqe;

		if (watch->armed)
			continue;
		sqe = devmem__uring_sqe(&ring->uring, DEVMEM__CQE_WATCH, watch);
		if (!sqe) {
			ring->watches.unarmed = true;
			return;
		}
		io_uring_prep_poll_add(sqe, watch->fd, POLLIN);
		sqe->user_data = (uintptr_t)watch | DEVMEM__CQE_WATCH;
		watch->armed = true;
	}
}

unsigned int devmem__watch_done(struct devmem__watch *watch, int res, struct devmem_event *event)
{
	watch->armed = false;
	watch->ring->watches.unarmed = true;
	if (watch->removed) {
		drop(watch);
		return 0;
	}
	*event = (struct devmem_event){
		.user_data = watch->user_data,
		.result = res,
		.type = DEVMEM_EVENT_READY,
	};
	return 1;
}

void devmem__watch_close(struct devmem_ring *ring)
{
	while (!devmem__list_empty(&ring->watches.list))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what drop() frees is in no list */
		drop(container_of(ring->watches.list.next, struct devmem__watch, node));
}
