// SPDX-License-Identifier: MIT
/* Waking the ring's thread from another one, and what holds the ring while another thread is in a
 * call of it. */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "ring/loop.h"

/* From any thread: the ring's thread, if it sleeps, goes through a turn. */
void devmem__wake(struct devmem_ring *ring)
{
	uint64_t one = 1;
	int notify_fd;
	ssize_t ignored;

	/* Pairs with the store in enter(): either we see that the ring sleeps, or it sees what we
	 * did before. */
	if (!atomic_exchange(&ring->remote.sleeping, false))
		return;
	ignored = write(ring->wake.fd, &one, sizeof(one));
	/* Linux before 7.3 may lose what one eventfd is to tell another. [io_uring/eventfd.c:
	 * io_eventfd_do_signal] */
	notify_fd = atomic_load(&ring->remote.notify_fd);
	if (notify_fd >= 0)
		ignored = write(notify_fd, &one, sizeof(one));
	(void)ignored; /* fails only if the counter is full, and then the ring is awake */
}

/*
 * The ring's thread may close the ring because of what another thread's call has just told it,
 * while that call still is on its way out: closing waits for it. A thread that was cancelled in
 * between would be waited for without end.
 */
int devmem__visit(struct devmem_ring *ring)
{
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	atomic_fetch_add(&ring->remote.visitors, 1);
	return cancel;
}

void devmem__visit_over(struct devmem_ring *ring, int cancel)
{
	atomic_fetch_sub(&ring->remote.visitors, 1); /* from here on the ring may be gone */
	pthread_setcancelstate(cancel, NULL);
}

void devmem__await_visitors(struct devmem_ring *ring)
{
	while (atomic_load(&ring->remote.visitors))
		nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
}

/* A signal handler may call it, which must leave errno as it was. */
void devmem_wake(struct devmem_ring *ring)
{
	const int before = errno;
	uint64_t one = 1;
	ssize_t ignored;
	int cancel;

	if (!devmem__process_is(ring->uring.process))
		return; /* the eventfd is the parent's, too */
	cancel = devmem__visit(ring);
	atomic_store(&ring->remote.woken, true);
	if (atomic_exchange(&ring->remote.resting, false)) { /* pairs with the store in rest() */
		ignored = write(ring->wake.fd, &one, sizeof(one));
		(void)ignored;
	}
	devmem__wake(ring);
	devmem__visit_over(ring, cancel);
	errno = before;
}
