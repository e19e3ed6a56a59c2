// SPDX-License-Identifier: MIT
/*
 * A ring closed by a forked child, which has a copy of its memory, and the parent's descriptors.
 * Only memory is freed, and descriptors are closed; nothing else is asked of the kernel. No lock is
 * taken, since a thread that held it at the fork does not exist here to release it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "recv/token_release.h"
#include "ring/loop.h"
#include "tx.h"

static void abandon_sock(struct devmem_sock *sock)
{
	devmem__tx_free(sock);
	devmem__list_del(&sock->tokens.node);
	devmem__list_del(&sock->request.rearm);
	devmem__list_del(&sock->end.node);
	devmem__list_del(&sock->lowat.node);
	devmem__list_del(&sock->backpressure.node);
	free(sock->tokens.batch);
	close(sock->fd);
	devmem__set_free(&sock->stream.out);
	devmem__binding_use_put(sock->use);
	free(sock);
}

void devmem__ring_abandon(struct devmem_ring *ring)
{
	ring->uring.abandoned = true;
	for (unsigned int i = 0; i < ring->socks.slots; i++)
		if (ring->socks.slot[i])
			abandon_sock(ring->socks.slot[i]);
	devmem__remote_releases_free(ring);
	devmem__gathers_forget(ring);
}
