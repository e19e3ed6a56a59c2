// SPDX-License-Identifier: MIT
/*
 * Engine "devmem": the queues of the binding write into its buffer, and messages with
 * MSG_SOCK_DEVMEM tell where. Tokens go back by SO_DEVMEM_DONTNEED, on the ring.
 */
#include <errno.h>

#include "base/event.h"
#include "base/uapi_sock.h"
#include "bind.h"
#include "recv/signed.h"
#include "recv/messages.h"
#include "recv/token_release.h"

static int open_source(struct devmem__binding_use *use, const struct devmem_ring_opts *opts)
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

/* How many of the events after the first go on where the one before ended: same socket and buffer,
 * next token. */
static unsigned int follow(const struct devmem_event *events, unsigned int n, unsigned int *tokens)
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
	unsigned int tokens, taken = follow(events, n, &tokens);
	int err = devmem__dontneed(sock, events->token, tokens);

	if (err && taken > 1) { /* one of them is bad: those before it are taken one by one */
		taken = 1;
		err = devmem__dontneed(sock, events->token, events->tokens);
	}
	return err ? err : (int)taken;
}

/*
 * -ENODEV: GRO put packets that the NIC split and others that it did not into one, which the kernel
 * cannot hand out in any way.
 * -EFAULT: so it did, and one that was not split is the first, so that the kernel takes all for
 * pages. Nothing helps; but it is known why, and no other connection is to end so. [net/core/gro.c:
 * skb_gro_receive; net/ipv4/tcp.c: tcp_recvmsg_dmabuf]
 */
static bool recover(struct devmem_sock *sock, int res)
{
	if (res != -ENODEV && (res != -EFAULT || devmem__decrypted(sock->fd)))
		return false;
	devmem__binding_saw_mixture(sock->binding);
	sock->ring->report.explained = true;
	devmem__fail(-res, "the next bytes of a connection cannot be had: the NIC did not split a "
			   "packet, and GRO merged it with others that it did split (\"ethtool -K "
			   "IFACE gro off\")");
	devmem__log(DEVMEM_LOG_ERROR, "%s", devmem_error());
	return false;
}

const struct devmem__engine devmem__engine_devmem = {
	.id = DEVMEM__ENGINE_DEVMEM,
	.open = open_source,
	.arm = arm,
	.can_arm = can_arm,
	.recover = recover,
	.release = release,
	.drop = devmem__dontneed_all_now,
};
