// SPDX-License-Identifier: MIT
/* Waking the ring's thread from another thread, and keeping the ring open while another thread uses
 * it. */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "ring/loop.h"

/* Called from any thread: makes the ring's thread go through a turn, if it sleeps. */
void devmem__wake(struct devmem_ring *ring)
{
	uint64_t one = 1;
	int notify_fd;
	ssize_t ignored;

	/* Pairs with the store in enter(): either this thread sees that the ring sleeps, or the
	 * ring sees what this thread did before. */
	if (!atomic_exchange(&ring->remote.sleeping, false))
		return;
	ignored = write(ring->wake.fd, &one, sizeof(one));
	/* Before Linux 7.3, the kernel may lose the signal from this eventfd's completion to the
	 * other eventfd. [io_uring/eventfd.c: io_eventfd_do_signal] */
	notify_fd = atomic_load(&ring->remote.notify_fd);
	if (notify_fd >= 0)
		ignored = write(notify_fd, &one, sizeof(one));
	(void)ignored; /* fails only if the counter is full, and then the ring is awake */
}

/*
 * A call by another thread may make the ring's thread close the ring before that call has returned:
 * closing waits for it. Cancellation is disabled meanwhile, since closing would wait for ever for a
 * thread that was cancelled in between.
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

/* A signal handler may call it, so errno stays as it was. */
void devmem_wake(struct devmem_ring *ring)
{
	const int before = errno;
	uint64_t one = 1;
	ssize_t ignored;
	int cancel;

	if (!devmem__process_is(ring->uring.process))
		return; /* the parent has the same eventfd */
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
