// SPDX-License-Identifier: MIT
/*
 * Attaching sockets to a ring and detaching them. A socket's kernel tokens die with its last
 * descriptor, so the library keeps a duplicate until the last fragment is released, whatever the
 * application does with its own descriptor. What happens in between: request.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "memory/backend.h"
#include "memory/buffer.h"
#include "recv/guard.h"
#include "recv/signed.h"
#include "recv/token_release.h"
#include "ring/attached.h"
#include "ring/loop.h"
#include "tx.h"

#define MAX_SOCKS     65535 /* an event names its socket in 16 bits */
#define SMALLEST_PAGE 4096  /* a fragment holds at least one page of the buffer */

#ifndef SO_INCOMING_NAPI_ID
#define SO_INCOMING_NAPI_ID 56
#endif

/*
 * A connection that is over still has a peer, and bytes of it may be queued that can be received.
 * getpeername() fails on such a socket, SO_PEERNAME does not. While a connect() is in progress
 * there is no peer yet. [net/ipv4/af_inet.c: inet_getname]
 */
static int check_peer(int fd)
{
	sa_family_t family;
	socklen_t len = sizeof(family);
	uint8_t state = 0;
	int err = getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &family, &len) ? errno : 0;

	len = sizeof(state);
	if (!err && !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) && state == TCP_SYN_SENT)
		err = ENOTCONN;
	if (!err)
		return 0;
	return devmem__fail(err,
			    "devmem_attach: descriptor %d has no peer, connect or accept it first: "
			    "%s",
			    fd, strerror(err));
}

static int check_socket(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &len))
		return devmem__fail(errno, "devmem_attach: descriptor %d is not a socket: %s", fd,
				    strerror(errno));
	if (value != IPPROTO_TCP)
		return devmem__fail(EPROTOTYPE, "descriptor %d is not a TCP socket", fd);
	return check_peer(fd);
}

/* Finds a free slot in the table, or makes the table larger. A slot is reused only when no fragment
 * names it any more. */
static int get_slot(struct devmem_ring *ring)
{
	unsigned int slots = ring->socks.slots ? ring->socks.slots * 2 : 16;
	struct devmem_sock **socks;
	unsigned int i;

	for (i = 0; i < ring->socks.slots; i++)
		if (!ring->socks.slot[i])
			return (int)i;
	if (ring->socks.slots == MAX_SOCKS)
		return devmem__fail(EMFILE, "this ring has %d sockets already: open another ring",
				    MAX_SOCKS);
	if (slots > MAX_SOCKS)
		slots = MAX_SOCKS;
	socks = realloc(ring->socks.slot, slots * sizeof(*socks));
	if (!socks)
		return devmem__fail(ENOMEM, "no memory for %u sockets", slots);
	memset(socks + ring->socks.slots, 0, (slots - ring->socks.slots) * sizeof(*socks));
	ring->socks.slot = socks;
	ring->socks.slots = slots;
	return (int)i;
}

static void init_stream(struct devmem_sock *sock, uint64_t user_data, int slot)
{
	sock->stream.user_data = user_data;
	sock->stream.slot = (uint16_t)slot;
	sock->stream.merge = sock->ring->opts.merge;
	sock->stream.dmabuf_id = devmem_binding_id(sock->binding);
	sock->stream.buffer = devmem__binding_buffer_id(sock->binding);
}

/* Changes the caller's socket: last, when nothing else can fail. */
static int set_options(struct devmem_sock *sock, const struct devmem_attach_opts *o)
{
	int err = 0;

	sock->lowat.managed = !o->lowat;
	sock->lowat.value = 1;
	sock->backpressure.max_fragments = o->max_fragments;
	sock->sends.max = o->max_sends;
	devmem__sockopts_look(sock);
	if (o->lowat)
		err = devmem__sockopts_lowat(sock, (int)o->lowat);
	if (!err)
		err = devmem__sockopts_limit(sock, o->max_fragments);
	if (err)
		devmem__sockopts_back(sock);
	return err;
}

/* 0: unknown (before Linux 4.12). Then a second attachment is not noticed. */
static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) ? 0 : cookie;
}

/* No other socket of any ring may have the same connection. */
static int note_attached(struct devmem_sock *sock, int fd)
{
	const uint64_t cookie = cookie_of(fd);
	int err = devmem__attached_add(cookie);

	if (err == -EEXIST)
		return devmem__fail(EEXIST,
				    "the connection of descriptor %d is already attached, and two "
				    "attachments would divide its bytes between them: call "
				    "devmem_detach() on the other one first",
				    fd);
	if (err)
		return devmem__fail(ENOMEM, "no memory for a socket");
	sock->cookie = cookie;
	return 0;
}

static void forget_attached(struct devmem_sock *sock)
{
	devmem__attached_remove(sock->cookie);
	sock->cookie = 0;
}

static int new_sock(struct devmem_ring *ring, int fd, struct devmem_sock **out)
{
	struct devmem_sock *sock = calloc(1, sizeof(*sock));
	int err;

	if (!sock)
		return devmem__fail(ENOMEM, "no memory for a socket");
	sock->ring = ring;
	devmem__list_init(&sock->tokens.node);
	devmem__list_init(&sock->request.rearm);
	devmem__list_init(&sock->lowat.node);
	devmem__list_init(&sock->backpressure.node);
	devmem__list_init(&sock->end.node);
	devmem__list_init(&sock->reap);
	sock->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (sock->fd < 0) {
		err = devmem__fail(errno, "cannot duplicate descriptor %d: %s", fd,
				   strerror(errno));
		free(sock);
		return err;
	}
	*out = sock;
	return 0;
}

/* Makes the memory for sockets without a binding, when the first of them is attached. */
static int open_own(struct devmem_ring *ring)
{
	const struct devmem_buffer_opts o = { .size = sizeof(o) };
	struct devmem_buffer *buffer;
	int err;

	if (ring->bindings.own)
		return 0;
	err = devmem__buffer_new(&devmem__backend_shm, ring->opts.host_bytes, &o, &buffer);
	if (err)
		return err;
	err = devmem__binding_own(buffer, "the socket has no binding", &ring->bindings.own);
	devmem_buffer_close(buffer);
	return err;
}

/* A ring may be opened for one engine alone: the binding must be of that one. */
static int check_engine(const struct devmem_ring *ring, const struct devmem_binding *binding)
{
	const enum devmem__engine_id engine = devmem__binding_engine_id(binding);
	const char *why;

	devmem_binding_engine(binding, &why);
	if (engine == DEVMEM__ENGINE_ZCRX && ring->choice.asked != DEVMEM__ENGINE_ZCRX)
		return devmem__fail(EOPNOTSUPP, "the binding is of engine zcrx: open the ring "
						"with engine zcrx too");
	if (ring->choice.asked == DEVMEM__ENGINE_ANY ||
	    ring->choice.asked == DEVMEM__ENGINE_SYSCALL || ring->choice.asked == engine)
		return 0;
	return devmem__fail(EOPNOTSUPP,
			    "the ring was opened for engine %s, but the binding is of engine %s "
			    "(%s)",
			    devmem__engine_name(ring->choice.asked), devmem__engine_name(engine),
			    why);
}

/* Records the engine and the reason for devmem_ring_engine() and the log. */
static void note_engine(struct devmem_ring *ring, const struct devmem_sock *sock)
{
	const char *why;

	ring->choice.engine = devmem_sock_engine(sock, &why);
	snprintf(ring->choice.why, sizeof(ring->choice.why), "%s", why);
	devmem__log(DEVMEM_LOG_DEBUG, "a socket is attached with engine %s: %s",
		    ring->choice.engine, ring->choice.why);
}

/* Ties the socket to its binding, and to what the sockets of that binding share on this ring. */
static int join(struct devmem_sock *sock, struct devmem_binding *binding,
		const struct devmem_attach_opts *o)
{
	struct devmem_ring *ring = sock->ring;
	int err = binding ? 0 : open_own(ring);

	sock->unbound = !binding;
	binding = binding ? binding : ring->bindings.own;
	if (!err)
		err = check_engine(ring, binding);
	if (!err && devmem__binding_ifindex(binding))
		err = devmem__links_add(&ring->links.watched, devmem__binding_ifindex(binding));
	sock->spill.wanted = o->flags & DEVMEM_ATTACH_PLACE &&
			     devmem__binding_engine_id(binding) != DEVMEM__ENGINE_COPY;
	if (!err && sock->spill.wanted)
		err = devmem__spill_open(ring, binding);
	if (!err && devmem__binding_engine_id(binding) == DEVMEM__ENGINE_DEVMEM)
		err = devmem__set_reserve(&sock->stream.out,
					  devmem__binding_bytes(binding) / SMALLEST_PAGE);
	if (!err)
		err = devmem__binding_use_get(ring, binding, &sock->use);
	if (err) {
		devmem__set_free(&sock->stream.out);
		return err;
	}
	sock->binding = binding;
	sock->engine = sock->use->engine;
	return 0;
}

static void part(struct devmem_sock *sock)
{
	devmem__set_free(&sock->stream.out);
	devmem__binding_use_put(sock->use);
}

/* kTLS would have the processor decrypt bytes in device memory. */
static int check_tls(int fd)
{
	if (!devmem__decrypted(fd))
		return 0;
	return devmem__fail(EOPNOTSUPP,
			    "descriptor %d receives TLS by the kernel (TLS_RX), which cannot "
			    "decrypt device memory: attach it with a binding of engine copy",
			    fd);
}

/* Guards against what a peer could stop the machine with while the NIC writes to device memory.
 * *guarded: the socket filter was set here, and was not there before. */
static int protect(const struct devmem_sock *sock, const struct devmem_attach_opts *o,
		   bool *guarded)
{
	int err;

	*guarded = false;
	if (devmem__binding_engine_id(sock->binding) == DEVMEM__ENGINE_COPY)
		return 0;
	err = check_tls(sock->fd);
	if (!err)
		err = devmem__signed(sock->fd);
	if (err || o->flags & DEVMEM_ATTACH_NO_GUARD)
		return err;
	err = devmem__guard(sock->fd, guarded);
	if (err == -EPERM && devmem__binding_guarded(sock->binding))
		err = 0; /* the guard at the interface's ingress has to do */
	return err ? err : devmem__guard_urgent(sock->fd);
}

static int attach(struct devmem_ring *ring, int fd, struct devmem_binding *binding,
		  uint64_t user_data, const struct devmem_attach_opts *opts,
		  struct devmem_sock **out)
{
	struct devmem_attach_opts o;
	struct devmem_sock *sock = NULL;
	bool guarded = false;
	int err, slot;

	err = devmem__options(&o, sizeof(o), opts, "devmem_attach_opts");
	if (err)
		return err;
	if (!ring || !out || o.flags & ~(DEVMEM_ATTACH_PLACE | DEVMEM_ATTACH_NO_GUARD) ||
	    o.lowat > INT32_MAX)
		return devmem__fail(EINVAL, "devmem_attach: no ring, no place for the result, or "
					    "an "
					    "option out of range");
	if (!binding && o.flags & DEVMEM_ATTACH_PLACE)
		return devmem__fail(EINVAL, "devmem_attach: a socket without a binding has no "
					    "device memory to place its bytes in");
	err = devmem__uring_check_thread(&ring->uring);
	if (!err)
		err = check_socket(fd);
	if (!err && binding)
		err = devmem__binding_check(binding);
	if (err)
		return err;
	if (binding && devmem__binding_sends(binding))
		return devmem__fail(EINVAL, "devmem_attach: the binding is for sending: attach "
					    "with a binding made by devmem_bind_rx(), or with "
					    "none");
	/* detached sockets, and what ends with them, may hold memory that is needed now */
	devmem__socks_reap(ring);
	devmem__ring_end_used(ring);
	slot = get_slot(ring);
	if (slot < 0)
		return slot;
	err = new_sock(ring, fd, &sock);
	if (err)
		return err;
	err = join(sock, binding, &o);
	if (err)
		goto err_sock;
	err = note_attached(sock, fd);
	if (err)
		goto err_joined;
	err = protect(sock, &o, &guarded);
	if (!err)
		err = set_options(sock, &o);
	if (err)
		goto err_noted;
	if (devmem__binding_engine_id(sock->binding) != DEVMEM__ENGINE_COPY &&
	    !(o.flags & DEVMEM_ATTACH_NO_GUARD))
		devmem__urgent_watch(sock);
	note_engine(ring, sock);
	init_stream(sock, user_data, slot);
	ring->socks.slot[slot] = sock;
	devmem__list_append(&ring->requests.rearm, &sock->request.rearm);
	devmem__recv_buffers_want(&ring->messages.buffers, (unsigned int)slot + 1);
	devmem__pending(ring);
	*out = sock;
	return 0;

err_noted:
	if (guarded)
		devmem__unguard(sock->fd);
	forget_attached(sock);
err_joined:
	part(sock);
err_sock:
	close(sock->fd);
	free(sock);
	return err;
}

int devmem_attach(struct devmem_ring *ring, int fd, struct devmem_binding *binding,
		  uint64_t user_data, const struct devmem_attach_opts *opts,
		  struct devmem_sock **out)
{
	return devmem__result(attach(ring, fd, binding, user_data, opts, out));
}

static int prepare_for(struct devmem_ring *ring, struct devmem_binding *binding)
{
	int err;

	if (!ring || !binding || devmem__binding_sends(binding))
		return devmem__fail(EINVAL, "devmem_ring_prepare: no ring, no binding, or a "
					    "binding for sending");
	err = devmem__uring_check_thread(&ring->uring);
	if (!err)
		err = check_engine(ring, binding);
	return err ? err : devmem__binding_use_prepare(ring, binding);
}

int devmem_ring_prepare(struct devmem_ring *ring, struct devmem_binding *binding)
{
	return devmem__result(prepare_for(ring, binding));
}

void devmem_detach(struct devmem_sock *sock)
{
	struct devmem_ring *ring = sock ? sock->ring : NULL;

	if (!sock || sock->detached || !devmem__process_is(ring->uring.process))
		return;
	sock->detached = true;
	forget_attached(sock);
	devmem__urgent_leave(sock);
	devmem__dontneed_look(sock);
	devmem__list_del(&sock->request.rearm);
	devmem__list_del(&sock->end.node);
	devmem__lowat_leave(sock);
	devmem__backpressure_leave(sock);
	devmem__sockopts_back(sock);
	if (ring->spill.held_of == sock)
		devmem__spill_drop(ring);
	if (sock->request.armed)
		devmem__sock_cancel(sock);
	if (sock->request.end_armed)
		devmem__sock_cancel_end(sock);
	devmem__tx_detach(sock);
	devmem__pending(ring);
	/* from here on the kernel leaves what comes to the program's own recv() */
	devmem__uring_submit(&ring->uring);
	devmem__sock_let_go(sock);
	devmem__socks_reap(ring);
	devmem__ring_end_used(ring);
}

static bool is_referred_to(const struct devmem_sock *sock)
{
	return sock->request.armed || sock->request.end_armed || sock->request.cancels ||
	       sock->stream.out.count || sock->tokens.batch || sock->tokens.batches_in_flight ||
	       sock->ring->messages.rx_sock == sock || devmem__tx_busy(sock);
}

void devmem__socks_reap(struct devmem_ring *ring)
{
	while (!devmem__list_empty(&ring->socks.reap)) {
		struct devmem_sock *sock =
			container_of(ring->socks.reap.next, struct devmem_sock, reap);

		devmem__list_del(&sock->reap);
		if (!is_referred_to(sock))
			devmem__sock_free(sock);
	}
}

void devmem__sock_free(struct devmem_sock *sock)
{
	struct devmem_ring *ring = sock->ring;

	/* a request that is not submitted yet may name this memory, or the descriptor, whose number
	 * somebody else may get */
	if (io_uring_sq_ready(&ring->uring.io))
		devmem__uring_submit(&ring->uring);
	if (io_uring_sq_ready(&ring->uring.io))
		devmem__uring_forget(&ring->uring, sock, sock->fd);
	ring->socks.slot[sock->stream.slot] = NULL;
	devmem__rx_count_add(&ring->received, &sock->received);
	forget_attached(sock);
	devmem__tx_free(sock);
	devmem__list_del(&sock->tokens.node);
	devmem__list_del(&sock->request.rearm);
	devmem__urgent_leave(sock);
	devmem__list_del(&sock->end.node);
	devmem__list_del(&sock->reap);
	devmem__lowat_leave(sock);
	devmem__backpressure_leave(sock);
	devmem__sockopts_back(sock);
	close(sock->fd);
	devmem__set_free(&sock->stream.out);
	devmem__binding_use_put(sock->use);
	free(sock);
}

static int napi_of(const struct devmem_sock *sock, unsigned int *napi_id)
{
	socklen_t len = sizeof(*napi_id);

	return getsockopt(sock->fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, napi_id, &len) ? -errno
	       : *napi_id							    ? 0
										    : -EAGAIN;
}

int devmem__sock_queue_known(const struct devmem_sock *sock)
{
	unsigned int napi_id = 0;
	int err = napi_of(sock, &napi_id);

	return err ? err : devmem__binding_queue_known(sock->binding, napi_id);
}

static int sock_queue(const struct devmem_sock *sock)
{
	unsigned int napi_id = 0;
	int err = devmem__uring_check_process(&sock->ring->uring);

	if (err)
		return err;
	err = napi_of(sock, &napi_id);
	if (err == -EAGAIN)
		return -EAGAIN; /* an answer: without an error message */
	if (err)
		return devmem__fail(-err,
				    "the kernel does not tell where a socket's packets arrive "
				    "(SO_INCOMING_NAPI_ID): %s",
				    strerror(-err));
	return devmem__binding_queue_of_napi(sock->binding, napi_id);
}

int devmem_sock_queue(const struct devmem_sock *sock)
{
	return devmem__result(sock_queue(sock));
}
