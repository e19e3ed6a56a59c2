// SPDX-License-Identifier: MIT
/*
 * Sending, the application's side. Sends are checked and queued, and reported as events when the
 * kernel no longer needs their memory. tx_io.c has what happens in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "bind.h"
#include "netlink/route.h"
#include "tx/tx_impl.h"

#define MAX_SENDS  1024u
#define MAX_RANGES 65536u
#define SECOND	   1000000000u /* ns */
#define AWAIT_MS   1000	       /* to wait for a NIC that still has aborted sends */

/* ---------------------------------------------------------------------------------------- lists */

void devmem__tx_todo(struct devmem__tx *tx)
{
	if (devmem__list_empty(&tx->todo))
		devmem__list_append(&tx->sock->ring->sends.todo, &tx->todo);
}

void devmem__tx_to_report(struct devmem__tx *tx)
{
	if (devmem__list_empty(&tx->to_report))
		devmem__list_append(&tx->sock->ring->sends.to_report, &tx->to_report);
}

void devmem__tx_publish(struct devmem__tx *tx)
{
	struct devmem__sock_sends *sends = &tx->sock->sends;

	sends->freed = tx->q.freed;
	sends->count = devmem__sendq_count(&tx->q);
	sends->numbered = tx->q.numbered;
}

/* ------------------------------------------------------------------------------------- failures */

/* Bytes that the peer's kernel has not acknowledged, a FIN counting as one; 0 if unknown. */
static uint64_t unacknowledged(const struct devmem__tx *tx)
{
	int bytes = 0;

	if (ioctl(tx->fd, SIOCOUTQ, &bytes))
		return 0;
	return bytes > 0 ? (uint64_t)bytes : 0;
}

static void close_with(struct devmem__tx *tx, int err)
{
	uint64_t left = unacknowledged(tx);

	tx->closed = tx->half = tx->read_errors = true;
	devmem__sendq_fail(&tx->q, err, left < tx->q.sent ? tx->q.sent - left : 0, true);
	devmem__tx_todo(tx);
	devmem__tx_to_report(tx);
}

/* Asks the connection, because notifications do not distinguish bytes that were acknowledged from
 * those of a connection that was reset. */
bool devmem__tx_look(struct devmem__tx *tx, int otherwise)
{
	if (!tx->closed && devmem__end_is_there(tx->fd))
		close_with(tx, devmem__end_why(tx->sock, otherwise));
	return tx->closed;
}

void devmem__tx_fail(struct devmem__tx *tx, int err)
{
	devmem__sendq_fail(&tx->q, err, tx->q.sent, false);
	devmem__tx_to_report(tx);
}

void devmem__tx_broken(struct devmem_sock *sock, int err)
{
	if (sock->tx)
		devmem__tx_look(sock->tx, err);
}

static void explain_elsewhere(const struct devmem__tx *tx)
{
	devmem__fail(ENODEV,
		     "a connection no longer sends by %s, to which the buffer is bound, so its "
		     "sends %s: was its route changed?",
		     tx->misplaced_from, tx->misplaced_fails ? "fail" : "are copied");
}

void devmem__tx_elsewhere(struct devmem__tx *tx, const struct devmem_binding *binding)
{
	struct devmem_ring *ring = tx->sock->ring;

	tx->misplaced_fails = devmem__binding_forced(binding);
	snprintf(tx->misplaced_from, sizeof(tx->misplaced_from), "%s",
		 devmem__binding_ifname(binding));
	if (!tx->misplaced_fails)
		tx->copy_until = ring->now + SECOND;
	explain_elsewhere(tx);
	tx->misplaced = !tx->last_reported || ring->now - tx->last_reported >= SECOND;
	if (!tx->misplaced)
		return;
	devmem__log(DEVMEM_LOG_WARNING, "%s", devmem_error());
	ring->stats.misplaced++;
	tx->sock->stats.misplaced++;
	tx->last_reported = ring->now;
	devmem__tx_to_report(tx);
}

/* ------------------------------------------------------------------------------- opened, closed */

static int open_tx(struct devmem_sock *sock, struct devmem__tx **out)
{
	struct devmem__tx *tx = calloc(1, sizeof(*tx));

	if (!tx)
		return devmem__fail(ENOMEM, "no memory to send");
	tx->sock = sock;
	tx->max = sock->sends.max ? sock->sends.max : MAX_SENDS;
	tx->fd = sock->ring->uring.syscalls ? fcntl(sock->fd, F_DUPFD_CLOEXEC, 0) : sock->fd;
	if (tx->fd < 0) {
		free(tx);
		return devmem__fail(errno, "cannot duplicate a descriptor: %s", strerror(errno));
	}
	devmem__list_init(&tx->todo);
	devmem__list_init(&tx->to_report);
	*out = sock->tx = tx;
	return 0;
}

/* Discards notifications of sends before ours, for which nobody waits. */
static void drain_error_queue(int fd)
{
	unsigned char control[DEVMEM__NOTICE_ROOM];
	struct msghdr msg;

	do
		msg = (struct msghdr){ .msg_control = control, .msg_controllen = sizeof(control) };
	while (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0);
}

/*
 * The kernel's numbers begin with 0, unless there were zero-copy sends before, on another ring or
 * by the program. Then the first send goes alone, and its notification gives the number that it
 * had.
 */
static int start_zerocopy(struct devmem__tx *tx)
{
	int on = 0;
	socklen_t len = sizeof(on);

	if (tx->zerocopy)
		return 0;
	if (getsockopt(tx->fd, SOL_SOCKET, SO_ZEROCOPY, &on, &len))
		return devmem__fail(errno,
				    "this connection cannot send without copying (SO_ZEROCOPY): %s",
				    strerror(errno));
	if (on && unacknowledged(tx))
		return devmem__fail(EBUSY, "zero-copy sends of the program's own may be out on "
					   "this connection: wait until they are acknowledged");
	if (on)
		drain_error_queue(tx->fd);
	tx->q.learn = on;
	on = 1;
	if (setsockopt(tx->fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		return devmem__fail(errno,
				    "this connection cannot send without copying (SO_ZEROCOPY): %s",
				    strerror(errno));
	tx->zerocopy = true;
	tx->was_off = !tx->q.learn;
	return 0;
}

/* Before the first send by an interface, checks that the route leads there. Later the kernel
 * reports if it does not. */
static int check_route(struct devmem__tx *tx, const struct devmem_binding *binding)
{
	unsigned int bound = devmem__binding_ifindex(binding), leaves;
	char name[IF_NAMESIZE];
	int err;

	if (tx->routed == bound)
		return 0;
	err = devmem__links_add(&tx->sock->ring->links.watched, bound);
	if (err)
		return err;
	leaves = devmem__route_leaves_by(tx->fd);
	if (leaves && leaves != bound && devmem__binding_forced(binding))
		return devmem__fail(ENODEV,
				    "the route to the peer leaves by %s, not by %s, to which the "
				    "buffer is bound: bind it to the interface that the route "
				    "leaves by",
				    if_indextoname(leaves, name) ? name : "another interface",
				    devmem__binding_ifname(binding));
	err = start_zerocopy(tx);
	if (err)
		return err;
	tx->routed = bound;
	tx->dropped = devmem__binding_tx_dropped(binding);
	if (leaves && leaves != bound)
		devmem__tx_elsewhere(tx, binding);
	return 0;
}

void devmem__tx_free(struct devmem_sock *sock)
{
	struct devmem__tx *tx = sock->tx;
	const struct devmem__send *send;
	int result;

	if (!tx)
		return;
	tx->q.freed = tx->q.sent;
	devmem__sendq_fail(&tx->q, -ECANCELED, 0, true);
	tx->q.part_head = tx->q.part_tail;
	while ((send = devmem__sendq_done(&tx->q, &result))) {
		devmem_binding_close(send->binding);
		devmem__sendq_pop(&tx->q);
	}
	/* otherwise it stays on, and tells the next sender that there are numbers:
	 * start_zerocopy() */
	if (tx->was_off && !tx->q.next_id && !sock->ring->uring.abandoned)
		setsockopt(tx->fd, SOL_SOCKET, SO_ZEROCOPY, &(int){ 0 }, sizeof(int));
	devmem__list_del(&tx->todo);
	devmem__list_del(&tx->to_report);
	devmem__sendq_close(&tx->q);
	if (tx->fd != sock->fd)
		close(tx->fd);
	free(tx->stage);
	free(tx);
	sock->tx = NULL;
	sock->sends = (struct devmem__sock_sends){ 0 };
}

bool devmem__tx_busy(const struct devmem_sock *sock)
{
	const struct devmem__tx *tx = sock->tx;

	return tx && (devmem__sendq_count(&tx->q) || tx->sending || tx->receiving || tx->polling ||
		      tx->room);
}

void devmem__tx_detach(struct devmem_sock *sock)
{
	struct devmem__tx *tx = sock->tx;

	if (!tx)
		return;
	devmem__sendq_fail(&tx->q, -ECANCELED, tx->q.sent, true);
	devmem__tx_todo(tx);
	devmem__tx_to_report(tx);
}

/* ------------------------------------------------------------------------------------ handed in */

static int check_ranges(const struct devmem_buffer *buffer, const struct devmem_range *ranges,
			unsigned int n, uint32_t *bytes)
{
	const size_t size = devmem_buffer_size(buffer);
	uint64_t sum = 0;

	if (n > MAX_RANGES)
		return devmem__fail(EMSGSIZE, "devmem_send: %u ranges at once, but at most %u fit",
				    n, MAX_RANGES);
	for (unsigned int i = 0; i < n; i++) {
		if (!ranges[i].length)
			return devmem__fail(EINVAL, "devmem_send: range %u is empty", i);
		if (ranges[i].offset > size || ranges[i].length > size - ranges[i].offset)
			return devmem__fail(ERANGE,
					    "devmem_send: range %u, %llu bytes from %llu on, "
					    "exceeds the buffer of %zu bytes",
					    i, (unsigned long long)ranges[i].length,
					    (unsigned long long)ranges[i].offset, size);
		sum += ranges[i].length;
		if (sum > INT32_MAX)
			return devmem__fail(EMSGSIZE, "devmem_send: 2 GiB or more at once: make "
						      "several sends");
	}
	*bytes = (uint32_t)sum;
	return 0;
}

/* Checks that the socket can take another send now. */
static int check_tx(struct devmem__tx *tx)
{
	if (tx->q.final)
		return devmem__fail(-tx->q.error, "devmem_send: the connection has failed: %s",
				    strerror(-tx->q.error));
	if (tx->q.error)
		return devmem__fail(ECANCELED, "devmem_send: an earlier send failed: take its "
					       "SENT event first");
	if (devmem__sendq_count(&tx->q) < tx->max)
		return 0;
	tx->refused = true;
	return -EAGAIN; /* an answer: without an error message */
}

static int queue_send(struct devmem_sock *sock, struct devmem_binding *binding,
		      const struct devmem_range *ranges, unsigned int n, uint64_t cookie)
{
	struct devmem__tx *tx;
	uint32_t bytes = 0;
	int err;

	if (!sock || sock->detached || !binding || !ranges || !n)
		return devmem__fail(EINVAL, "devmem_send: it needs an attached socket, a binding "
					    "and ranges");
	err = devmem__uring_check_thread(&sock->ring->uring) ?: devmem__binding_check(binding);
	if (err)
		return err;
	if (!devmem__binding_sends(binding))
		return devmem__fail(EINVAL, "devmem_send: the binding is for receiving: make one "
					    "with devmem_bind_tx()");
	err = check_ranges(devmem__binding_buffer(binding), ranges, n, &bytes);
	if (err)
		return err;
	tx = sock->tx;
	if (!tx)
		err = open_tx(sock, &tx);
	if (!err)
		err = check_tx(tx);
	if (!err && devmem__binding_engine_id(binding) == DEVMEM__ENGINE_DEVMEM)
		err = check_route(tx, binding);
	if (err)
		return err;
	if (devmem__sendq_push(&tx->q, binding, ranges, n, bytes, cookie))
		return devmem__fail(ENOMEM, "devmem_send: no memory for another send");
	devmem__binding_ref(binding);
	sock->ring->stats.sends++;
	sock->stats.sends++;
	sock->stats.sends_outstanding++;
	devmem__tx_publish(tx);
	devmem__tx_todo(tx);
	devmem__pending(sock->ring);
	return 0;
}

int devmem_send(struct devmem_sock *sock, struct devmem_binding *binding,
		const struct devmem_range *ranges, unsigned int n, uint64_t cookie)
{
	return devmem__result(queue_send(sock, binding, ranges, n, cookie));
}

/*
 * A connect() to nowhere resets a connection at once, and the kernel frees what it had to send.
 * [net/ipv4/tcp.c: tcp_disconnect()]
 */
static void disconnect(int fd)
{
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	connect(fd, &nowhere, sizeof(nowhere));
}

void devmem__tx_reset(struct devmem__tx *tx, int err)
{
	if (!tx->closed) /* before disconnect(), which loses what was acknowledged */
		close_with(tx, devmem__end_by_us(tx->sock, err));
	disconnect(tx->fd);
}

void devmem__tx_abort(struct devmem_sock *sock, int err)
{
	if (sock->tx) {
		devmem__tx_reset(sock->tx, err);
	} else {
		devmem__end_by_us(sock, err);
		disconnect(sock->fd);
	}
}

void devmem_abort(struct devmem_sock *sock)
{
	if (!sock || sock->detached || !devmem__process_is(sock->ring->uring.process))
		return;
	devmem__tx_abort(sock, -ECONNABORTED);
	devmem__pending(sock->ring);
}

/* ----------------------------------------------------------------------------------- handed out */

static struct devmem_event sent_event(const struct devmem_sock *sock,
				      const struct devmem__send *send, int result)
{
	return (struct devmem_event){
		.user_data = sock->stream.user_data,
		.cookie = send->cookie,
		.result = result < 0 ? result : (int32_t)send->bytes,
		.sock = sock->stream.slot,
		.buffer = devmem__binding_buffer_id(send->binding),
		.type = DEVMEM_EVENT_SENT,
		.flags = result > 0 ? DEVMEM_EVENT_F_COPIED : 0,
	};
}

static void count(struct devmem_sock *sock, const struct devmem__send *send, int result)
{
	struct devmem_stats *of_ring = &sock->ring->stats;

	sock->ring->sends.over++;
	sock->stats.sends_outstanding--;
	if (!result) {
		of_ring->bytes_sent += send->bytes;
		sock->stats.bytes_sent += send->bytes;
	} else if (result > 0) {
		of_ring->bytes_sent_copied += send->bytes;
		sock->stats.bytes_sent_copied += send->bytes;
	}
}

static unsigned int sends_over(struct devmem__tx *tx, struct devmem_event *events, unsigned int n)
{
	const struct devmem__send *send;
	unsigned int out = 0;
	int result;

	while (out < n && (send = devmem__sendq_done(&tx->q, &result))) {
		events[out++] = sent_event(tx->sock, send, result);
		count(tx->sock, send, result);
		devmem__binding_drop(send->binding, &tx->sock->ring->bindings.ended);
		devmem__sendq_pop(&tx->q);
	}
	devmem__tx_publish(tx);
	return out;
}

/* Writes an event of something else that is to be reported. Returns how many events: 0 or 1. */
static unsigned int other_event(struct devmem__tx *tx, struct devmem_event *event)
{
	const struct devmem_sock *sock = tx->sock;

	*event = (struct devmem_event){ .user_data = sock->stream.user_data,
					.sock = sock->stream.slot };
	if (sock->detached)
		return 0;
	if (tx->misplaced) {
		tx->misplaced = false;
		explain_elsewhere(tx);
		sock->ring->report.last = true;
		event->type = DEVMEM_EVENT_MISPLACED;
		event->result = -ENODEV;
		return 1;
	}
	if (!tx->refused || tx->q.error || devmem__sendq_count(&tx->q) > tx->max / 2)
		return 0;
	tx->refused = false;
	event->type = DEVMEM_EVENT_SENDABLE;
	return 1;
}

/*
 * Called when all completions have been seen, also that of a receive that failed with the
 * connection. If there is no receive, or completions of receives wait for room (overtake.c), the
 * connection itself is asked.
 */
unsigned int devmem__tx_to_events(struct devmem_ring *ring, struct devmem_event *events,
				  unsigned int n)
{
	unsigned int out = 0;

	while (out < n && !devmem__list_empty(&ring->sends.to_report)) {
		struct devmem__tx *tx =
			container_of(ring->sends.to_report.next, struct devmem__tx, to_report);
		struct devmem_sock *sock = tx->sock;
		int result;

		if ((!sock->request.armed || ring->spill.held_of) &&
		    devmem__sendq_done(&tx->q, &result))
			devmem__tx_look(tx, sock->end.reported ? -EPIPE : -ECONNRESET);
		out += sends_over(tx, events + out, n - out);
		while (out < n && !ring->report.last && other_event(tx, events + out))
			out++;
		if (out == n || ring->report.last)
			break;
		devmem__list_del(&tx->to_report);
		devmem__sock_let_go(sock);
	}
	return out;
}

/* --------------------------------------------------------------------------- the ring is closed */

void devmem__tx_abort_all(struct devmem_ring *ring)
{
	for (unsigned int i = 0; i < ring->socks.slots; i++)
		if (ring->socks.slot[i] && ring->socks.slot[i]->tx &&
		    devmem__sendq_count(&ring->socks.slot[i]->tx->q))
			devmem__tx_reset(ring->socks.slot[i]->tx, -ECONNABORTED);
}

static void await_memory(struct devmem__tx *tx, uint64_t *waited_ms)
{
	struct devmem__notice notice;

	while (tx->q.numbered) {
		tx->err_msg = (struct msghdr){ .msg_control = tx->err_control,
					       .msg_controllen = sizeof(tx->err_control) };
		if (recvmsg(tx->fd, &tx->err_msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
			if (devmem__notice_parse(tx->err_control, tx->err_msg.msg_controllen,
						 &notice))
				devmem__sendq_notified(&tx->q, notice.lo, notice.hi, notice.copied);
			continue;
		}
		if (*waited_ms >= AWAIT_MS)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		++*waited_ms;
	}
}

void devmem__tx_await_all(struct devmem_ring *ring)
{
	uint64_t waited_ms = 0;

	for (unsigned int i = 0; i < ring->socks.slots; i++)
		if (ring->socks.slot[i] && ring->socks.slot[i]->tx)
			await_memory(ring->socks.slot[i]->tx, &waited_ms);
}
