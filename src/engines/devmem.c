// SPDX-License-Identifier: MIT
/*
 * Engine "devmem": the queues of the binding write into its buffer, and messages received with
 * MSG_SOCK_DEVMEM say where. Tokens go back by SO_DEVMEM_DONTNEED, on the ring.
 */
#include <errno.h>

#include "base/event.h"
#include "base/uapi_sock.h"
#include "bind.h"
#include "recv/signed.h"
#include "recv/messages.h"
#include "recv/token_release.h"

static int open_use(struct devmem__binding_use *use, const struct devmem_ring_opts *opts)
{
	(void)opts;
	return devmem__messages_open(use->ring);
}

static void arm(struct devmem_sock *sock, struct io_uring_sqe *sqe)
{
	devmem__messages_arm(sock, sqe, DEVMEM_MSG_SOCK_DEVMEM);
}

static bool can_arm(const struct devmem_sock *sock)
{
	return sock->ring->messages.buffers.free > 0;
}

/* The length of the run at the head of @events: same socket and buffer, and each token follows the
 * one before. */
static unsigned int run_length(const struct devmem_event *events, unsigned int n,
			       unsigned int *tokens)
{
	const uint64_t of = devmem__event_of(events);
	uint32_t next = events->token + events->tokens;
	unsigned int i;

	for (i = 1; i < n && devmem__event_of(&events[i]) == of && events[i].token == next; i++)
		next += events[i].tokens;
	*tokens = next - events->token;
	return i;
}

static int release(struct devmem_sock *sock, const struct devmem_event *events, unsigned int n)
{
	unsigned int tokens, run = run_length(events, n, &tokens);
	int err = devmem__dontneed(sock, events->token, tokens);

	if (err && run > 1) { /* one of them is bad: release those before it one by one */
		run = 1;
		err = devmem__dontneed(sock, events->token, events->tokens);
	}
	return err ? err : (int)run;
}

/*
 * GRO has merged packets that the NIC split with others that it did not split.
 * -ENODEV: the kernel has no way to hand out such a packet.
 * -EFAULT: in addition, a packet that was not split came first, so the kernel takes all of the
 * merged packet for pages.
 * The connection cannot be saved. But the reason is known, and is noted with the binding so that no
 * other connection ends this way. [net/core/gro.c: skb_gro_receive; net/ipv4/tcp.c:
 * tcp_recvmsg_dmabuf]
 */
static bool recover(struct devmem_sock *sock, int res)
{
	if (res != -ENODEV && (res != -EFAULT || devmem__decrypted(sock->fd)))
		return false;
	devmem__binding_saw_mixture(sock->binding);
	sock->ring->report.explained = true;
	devmem__fail(-res, "the next bytes of a connection cannot be received: the NIC did not "
			   "split a packet, and GRO merged it with packets that it did split (try "
			   "\"ethtool -K IFACE gro off\")");
	devmem__log(DEVMEM_LOG_ERROR, "%s", devmem_error());
	return false;
}

const struct devmem__engine devmem__engine_devmem = {
	.id = DEVMEM__ENGINE_DEVMEM,
	.open = open_use,
	.arm = arm,
	.can_arm = can_arm,
	.recover = recover,
	.release = release,
	.drop = devmem__dontneed_all_now,
};
