// SPDX-License-Identifier: MIT
/* Opening and closing a ring. What happens in between: attach.c, wait.c, completions.c,
 * release.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bind.h"
#include "memory/buffer.h"
#include "recv/messages.h"
#include "recv/token_release.h"
#include "ring/choice.h"
#include "ring/loop.h"
#include "tx.h"
#include "uring/syscall_ring.h"

#define MAX_ENTRIES   32768
#define MAX_BUFFERS   4096
#define MAX_COALESCE  100000	  /* microseconds */
#define MAX_BUSY_POLL 10000	  /* microseconds; the kernel's own limit */
#define HOST_BYTES    (64u << 20) /* the default memory for sockets without a binding */
#define MAX_REFILL    32768	  /* the kernel's own limit */

/* ----------------------------------------------------------------------------- opening, closing */

static int check_options(struct devmem_ring_opts *o)
{
	o->entries = o->entries ? o->entries : 256;
	o->buffer_bytes = o->buffer_bytes ? o->buffer_bytes : 1u << 20;
	o->merge = o->merge ? o->merge : DEVMEM__MAX_FRAGS;
	o->host_bytes = o->host_bytes ? o->host_bytes : HOST_BYTES;
	if (o->entries > MAX_ENTRIES)
		return devmem__fail(EINVAL, "ring option entries: at most %d", MAX_ENTRIES);
	if (o->buffers > MAX_BUFFERS || (o->buffers & (o->buffers - 1)))
		return devmem__fail(EINVAL, "ring option buffers: a power of two, at most %d",
				    MAX_BUFFERS);
	if (o->buffer_bytes % 4096 || o->buffer_bytes > 1u << 30)
		return devmem__fail(EINVAL, "ring option buffer_bytes: a multiple of 4096, at most "
					    "1 GiB");
	if (o->host_bytes % 4096 || o->host_bytes > SIZE_MAX / 2)
		return devmem__fail(EINVAL, "ring option host_bytes: a multiple of 4096");
	if (o->busy_poll_us > MAX_BUSY_POLL)
		return devmem__fail(EINVAL, "ring option busy_poll_us: at most %d", MAX_BUSY_POLL);
	if (o->coalesce_us > MAX_COALESCE || (o->coalesce_us && o->busy_poll_us))
		return devmem__fail(EINVAL,
				    "ring option coalesce_us: at most %d, and not together with "
				    "busy_poll_us",
				    MAX_COALESCE);
	if (o->refill_entries > MAX_REFILL)
		return devmem__fail(EINVAL, "ring option refill_entries: at most %d", MAX_REFILL);
	if (o->merge > DEVMEM__MAX_FRAGS)
		return devmem__fail(EINVAL, "ring option merge: at most %d tokens",
				    DEVMEM__MAX_FRAGS);
	return devmem__spill_check(o);
}

/* calloc() does not align to a cache line. */
static struct devmem_ring *new_ring(void)
{
	struct devmem_ring *ring = aligned_alloc(_Alignof(struct devmem_ring), sizeof(*ring));

	return ring ? memset(ring, 0, sizeof(*ring)) : NULL;
}

int devmem__ring_open(const struct devmem_ring_opts *opts, struct devmem_ring **out)
{
	struct devmem_ring_opts o;
	struct devmem_ring *ring;
	enum devmem__engine_id engine;
	int err;

	err = devmem__options(&o, sizeof(o), opts, "devmem_ring_opts");
	if (!err && !out)
		err = devmem__fail(EINVAL, "devmem_ring_open: no place for the result");
	if (!err)
		err = check_options(&o);
	if (!err)
		err = devmem__engine_name_parse(o.engine, &engine);
	if (err)
		return err;
	ring = new_ring();
	if (!ring)
		return devmem__fail(ENOMEM, "no memory for a ring");
	ring->opts = o;
	ring->choice.asked = engine;
	ring->uring.process = devmem__process();
	ring->uring.thread = devmem__thread();
	ring->spill.bytes = o.spill_bytes;
	devmem__links_init(&ring->links.watched);
	devmem__gathers_open(&ring->gathers);
	devmem__list_init(&ring->bindings.uses);
	devmem__list_init(&ring->tokens.held);
	devmem__list_init(&ring->tokens.due);
	devmem__list_init(&ring->requests.rearm);
	devmem__list_init(&ring->lowat.raised);
	devmem__list_init(&ring->backpressure.paused);
	devmem__list_init(&ring->ends.known);
	devmem__list_init(&ring->socks.reap);
	devmem__list_init(&ring->sends.todo);
	devmem__list_init(&ring->sends.to_report);
	devmem__list_init(&ring->watches.list);
	devmem__list_init(&ring->tokens.spare);
	devmem__list_init(&ring->tokens.in_flight);
	atomic_init(&ring->remote.notify_fd, -1);
	ring->wake.fd = eventfd(0, EFD_CLOEXEC);
	if (ring->wake.fd < 0) {
		err = devmem__fail(errno, "cannot make an eventfd: %s", strerror(errno));
		goto err_ring;
	}
	err = devmem__ring_choose_uring(ring);
	if (err)
		goto err_wake;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): refused above */
	*out = ring;
	return 0;

err_wake:
	close(ring->wake.fd);
err_ring:
	devmem__gathers_close(ring);
	free(ring);
	return err;
}

int devmem_ring_open(const struct devmem_ring_opts *opts, struct devmem_ring **out)
{
	return devmem__result(devmem__ring_open(opts, out));
}

/*
 * Requests must end before the memory that they write to is unmapped. The application will not see
 * the last completions, but they may carry tokens: reading them enters the tokens into the sockets'
 * sets, from which they are released.
 */
static void stop_requests(struct devmem_ring *ring)
{
	struct devmem_event scratch[64];

	devmem__uring_cancel_all(&ring->uring);
	while (devmem__completions_to_events(ring, scratch, ARRAY_SIZE(scratch)) > 0)
		;
}

/*
 * Sockets end before what they share. devmem_ring_close() then closes the io_uring before binding
 * uses that the kernel ties to it (zcrx); those of engine copy ended with their sockets.
 */
static void end_all(struct devmem_ring *ring)
{
	devmem__await_visitors(ring);
	devmem__tx_abort_all(ring);
	stop_requests(ring);
	devmem__tx_await_all(ring);
	devmem__gathers_await(ring);
	devmem__remote_releases_take(ring);
	for (unsigned int i = 0; i < ring->socks.slots; i++) {
		if (!ring->socks.slot[i])
			continue;
		ring->socks.slot[i]->engine->drop(ring->socks.slot[i]);
		devmem__sock_free(ring->socks.slot[i]);
	}
	devmem__gathers_close(ring);
}

void devmem_ring_close(struct devmem_ring *ring)
{
	if (!ring)
		return;
	if (devmem__process_is(ring->uring.process))
		end_all(ring);
	else
		devmem__ring_abandon(ring);
	devmem__dontneed_close(ring);
	devmem__watch_close(ring);
	devmem__links_close(&ring->links.watched);
	devmem__urgent_close(ring);
	devmem__spill_close(ring);
	devmem__messages_close(ring);
	devmem__uring_close(&ring->uring);
	if (ring->remote.notify_fd >= 0)
		close(ring->remote.notify_fd);
	devmem__binding_use_close_all(ring);
	devmem__ring_end_used(ring);
	devmem_binding_close(ring->bindings.own);
	close(ring->wake.fd);
	free(ring->socks.slot);
	free(ring);
}

struct devmem_buffer *devmem_ring_spill(const struct devmem_ring *ring)
{
	return ring->spill.buffer;
}

const char *devmem_ring_engine(const struct devmem_ring *ring, const char **reason)
{
	if (reason)
		*reason = ring->choice.why;
	return ring->choice.engine;
}
