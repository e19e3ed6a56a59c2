// SPDX-License-Identifier: MIT
/*
 * Sockets on a ring. A socket's kernel tokens die with its last descriptor, so a duplicate is kept until the last
 * fragment is back, whatever the application does with its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "ring.h"

#define MAX_SOCKS	65535	/* an event names its socket in 16 bits */
#define SMALLEST_PAGE	4096	/* a fragment holds at least one page of the buffer */

#ifndef SO_INCOMING_NAPI_ID
#define SO_INCOMING_NAPI_ID 56
#endif

static int check_socket(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &len))
		return devmem__fail(errno, "descriptor %d: %s", fd, strerror(errno));
	if (value != IPPROTO_TCP)
		return devmem__fail(EPROTOTYPE, "descriptor %d is not a TCP socket", fd);
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len))
		return devmem__fail(errno, "descriptor %d: %s", fd, strerror(errno));
	return 0;
}

/* A slot of the table: a free one, or the table grows. Slots are used again only when no fragment names them. */
static int get_slot(struct devmem_ring *ring)
{
	unsigned int slots = ring->slots ? ring->slots * 2 : 16;
	struct devmem_sock **socks;
	unsigned int i;

	for (i = 0; i < ring->slots; i++)
		if (!ring->socks[i])
			return (int)i;
	if (ring->slots == MAX_SOCKS)
		return devmem__fail(EMFILE, "%d sockets are on this ring: open another", MAX_SOCKS);
	if (slots > MAX_SOCKS)
		slots = MAX_SOCKS;
	socks = realloc(ring->socks, slots * sizeof(*socks));
	if (!socks)
		return devmem__fail(ENOMEM, "no memory for %u sockets", slots);
	memset(socks + ring->slots, 0, (slots - ring->slots) * sizeof(*socks));
	ring->socks = socks;
	ring->slots = slots;
	return (int)i;
}

static void init_stream(struct devmem_sock *sock, uint64_t user_data, int slot)
{
	sock->stream.user_data = user_data;
	sock->stream.slot = (uint16_t)slot;
	sock->stream.merge = sock->ring->merge;
	sock->stream.dmabuf_id = devmem_binding_id(sock->binding);
	sock->stream.buffer = devmem__binding_buffer_id(sock->binding);
}

static int set_fixed_lowat(struct devmem_sock *sock, uint32_t lowat)
{
	int value = (int)lowat;

	sock->lowat_managed = !lowat;
	sock->lowat = 1;
	if (!lowat)
		return 0;
	if (setsockopt(sock->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value)))
		return devmem__fail(errno, "SO_RCVLOWAT %u: %s", lowat, strerror(errno));
	return 0;
}

/*
 * What a paused socket has queued in the kernel holds pages too, up to the receive buffer, which may be larger than
 * ours: so that is limited alike. The kernel doubles the value that it is given.
 */
static int set_limit(struct devmem_sock *sock, uint32_t fragments)
{
	uint64_t bytes = (uint64_t)fragments * SMALLEST_PAGE / 2;
	int value = bytes < INT32_MAX ? (int)bytes : INT32_MAX;

	sock->max_tokens = fragments;
	if (!fragments || !setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value)))
		return 0;
	return devmem__fail(errno, "SO_RCVBUF %d: %s", value, strerror(errno));
}

static struct devmem_sock *new_sock(struct devmem_ring *ring, struct devmem_binding *binding)
{
	struct devmem_sock *sock = calloc(1, sizeof(*sock));

	if (!sock)
		return NULL;
	sock->ring = ring;
	sock->binding = binding;
	sock->fd = -1;
	devmem__list_init(&sock->dirty);
	devmem__list_init(&sock->rearm);
	devmem__list_init(&sock->raised);
	return sock;
}

int devmem_attach(struct devmem_ring *ring, int fd, struct devmem_binding *binding, uint64_t user_data,
		  const struct devmem_attach_opts *opts, struct devmem_sock **out)
{
	struct devmem_attach_opts o;
	struct devmem_sock *sock;
	int err, slot;

	err = devmem__options(&o, sizeof(o), opts, "devmem_attach_opts");
	if (err)
		return err;
	if (!ring || !binding || !out || o.flags & ~DEVMEM_ATTACH_PLACE || o.reserved || o.lowat > INT32_MAX)
		return devmem__fail(EINVAL, "devmem_attach: no ring, binding or place for the result, or an option "
				    "out of range");
	err = check_socket(fd);
	if (err)
		return err;
	slot = get_slot(ring);
	if (slot < 0)
		return slot;
	err = devmem__links_add(&ring->links, devmem__binding_ifindex(binding));
	if (!err && o.flags & DEVMEM_ATTACH_PLACE)
		err = devmem__place_open(ring, binding);
	if (err)
		return err;
	sock = new_sock(ring, binding);
	if (!sock)
		return devmem__fail(ENOMEM, "no memory for a socket");
	init_stream(sock, user_data, slot);
	sock->place = o.flags & DEVMEM_ATTACH_PLACE;
	err = devmem__set_reserve(&sock->stream.out, devmem__binding_bytes(binding) / SMALLEST_PAGE);
	if (err)
		goto err_free;
	sock->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (sock->fd < 0) {
		err = devmem__fail(errno, "cannot duplicate descriptor %d: %s", fd, strerror(errno));
		goto err_free;
	}
	err = set_fixed_lowat(sock, o.lowat);
	if (!err)
		err = set_limit(sock, o.max_fragments);
	if (err)
		goto err_close;
	devmem__binding_ref(binding);
	ring->socks[slot] = sock;
	devmem__list_append(&ring->rearm, &sock->rearm);
	*out = sock;
	return 0;

err_close:
	close(sock->fd);
err_free:
	devmem__set_free(&sock->stream.out);
	free(sock);
	return err;
}

static void arm(struct devmem_sock *sock)
{
	struct devmem_ring *ring = sock->ring;
	struct io_uring_sqe *sqe = devmem__ring_sqe(ring, DEVMEM__CQE_RECV, sock);

	if (!sqe)
		return;		/* stays on the list for the next turn */
	ring->engine->arm(sock, sqe);
	sock->armed = true;
	ring->stats.rearms++;
	devmem__list_del(&sock->rearm);
}

void devmem__sock_arm_pending(struct devmem_ring *ring)
{
	struct devmem__list *node, *next;

	if (!ring->engine->can_arm(ring))
		return;
	for (node = ring->rearm.next; node != &ring->rearm; node = next) {
		struct devmem_sock *sock = container_of(node, struct devmem_sock, rearm);

		next = node->next;
		if (!sock->paused)
			arm(sock);
	}
}

/* The receive ends with a completion; what it brought before is not lost. */
void devmem__sock_cancel(struct devmem_sock *sock)
{
	struct io_uring_sqe *sqe = devmem__ring_sqe(sock->ring, DEVMEM__CQE_OTHER, NULL);

	if (!sqe)
		return;		/* the receive then ends with the connection, or with the ring */
	io_uring_prep_cancel64(sqe, (uintptr_t)sock | DEVMEM__CQE_RECV, 0);
	sqe->user_data = DEVMEM__CQE_OTHER;
}

void devmem_detach(struct devmem_sock *sock)
{
	if (!sock || sock->detached)
		return;
	sock->detached = true;
	devmem__list_del(&sock->rearm);
	devmem__lowat_forget(sock);
	if (sock->ring->place.held_of == sock)
		devmem__place_drop(sock->ring);
	if (sock->armed)
		devmem__sock_cancel(sock);
	devmem__sock_reap(sock);
}

/* Frees a detached socket when the last thing that refers to it is gone. */
void devmem__sock_reap(struct devmem_sock *sock)
{
	if (!sock->detached || sock->armed || sock->stream.out.count || sock->batch || sock->batches_out ||
	    sock->ring->rx_sock == sock)
		return;
	devmem__sock_free(sock);
}

void devmem__sock_free(struct devmem_sock *sock)
{
	struct devmem_ring *ring = sock->ring;

	/* a request that was not handed in yet may name its descriptor, which somebody else may get, or its memory */
	if (io_uring_sq_ready(&ring->io))
		devmem__ring_submit(ring);
	ring->socks[sock->stream.slot] = NULL;
	if (sock->stream.out.count)	/* the ring is being closed */
		devmem__binding_back(sock->binding, sock->stream.out.count);
	devmem__list_del(&sock->dirty);
	devmem__list_del(&sock->rearm);
	devmem__lowat_forget(sock);
	close(sock->fd);
	devmem_binding_close(sock->binding);
	devmem__set_free(&sock->stream.out);
	free(sock);
}

int devmem_sock_queue(const struct devmem_sock *sock)
{
	unsigned int napi_id = 0;
	socklen_t len = sizeof(napi_id);

	if (getsockopt(sock->fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &napi_id, &len))
		return devmem__fail(errno, "SO_INCOMING_NAPI_ID: %s", strerror(errno));
	if (!napi_id)
		return devmem__fail(EAGAIN, "nothing was received on this socket yet");
	return devmem__binding_queue_of_napi(sock->binding, napi_id);
}
