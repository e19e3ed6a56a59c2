// SPDX-License-Identifier: MIT
/*
 * Sending, the kernel's side. Each socket has one sendmsg at a time, with as much as fits, because
 * two could be executed in any order. It never waits in the kernel: a retry there could lose its
 * control data, and offsets would be taken for addresses (MSG_WAITALL does that). When the send
 * buffer is full, the notifications that our own bytes are acknowledged say when to go on. A poll
 * for room would be woken by each of them.
 *
 * Notifications are received from the error queue by a request that waits for them. While one half
 * of the connection is over, that request would be woken without end, so a multishot poll then says
 * when to read the queue. [io_uring/poll.c: IO_POLL_UNMASK]
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "memory/buffer.h"
#include "tx/tx_impl.h"
#include "base/uapi_sock.h"

/* bytes: a sendmsg with so many gets no further send, since a notification is for all of them */
#define MAX_BYTES (1u << 20)
#define STAGE	  (256u << 10) /* bytes */

/* --------------------------------------------------------------------------------- what is sent */

static void end_sync(struct devmem__tx *tx)
{
	if (tx->synced)
		devmem__memory_sync(devmem__buffer_memory(tx->synced),
				    DEVMEM_SYNC_END | DEVMEM_SYNC_READ);
	tx->synced = NULL;
}

/* Copies the first bytes of @n ranges into the stage. */
static int stage(struct devmem__tx *tx, struct devmem_buffer *buffer, unsigned int n)
{
	size_t bytes = 0;

	tx->stage = tx->stage ? tx->stage : malloc(STAGE);
	if (!tx->stage)
		return devmem__fail(ENOMEM, "no memory to stage what is sent");
	for (unsigned int i = 0; i < n && bytes < STAGE; i++) {
		size_t part =
			tx->iov[i].iov_len < STAGE - bytes ? tx->iov[i].iov_len : STAGE - bytes;
		int err = devmem__buffer_read(buffer, (uintptr_t)tx->iov[i].iov_base,
					      tx->stage + bytes, part);

		if (err)
			return err;
		bytes += part;
	}
	tx->iov[0] = (struct iovec){ .iov_base = tx->stage, .iov_len = bytes };
	return 0;
}

/* Turns offsets into addresses. Returns how many elements, or a negative errno. */
static int copy_from(struct devmem__tx *tx, struct devmem_buffer *buffer, unsigned int n)
{
	void *memory;
	int err = devmem__buffer_map(buffer, &memory);

	if (err == -EOPNOTSUPP)
		return stage(tx, buffer, n) ?: 1;
	if (!err && devmem__buffer_is_dmabuf(buffer)) {
		err = devmem__memory_sync(devmem__buffer_memory(buffer),
					  DEVMEM_SYNC_START | DEVMEM_SYNC_READ);
		tx->synced = err ? NULL : buffer;
	}
	if (err)
		return err;
	for (unsigned int i = 0; i < n; i++)
		tx->iov[i].iov_base = (unsigned char *)memory + (uintptr_t)tx->iov[i].iov_base;
	return (int)n;
}

/* Turns offsets in the buffer into offsets in its dma-buf. The control data names the dma-buf. */
static void name_binding(struct devmem__tx *tx, const struct devmem_binding *binding,
			 unsigned int n)
{
	const uint64_t start = devmem__buffer_offset(devmem__binding_buffer(binding));
	struct cmsghdr *c = (struct cmsghdr *)tx->control;
	const uint32_t id = devmem_binding_id(binding);

	*c = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(id)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = DEVMEM_SCM_DMABUF,
	};
	memcpy(CMSG_DATA(c), &id, sizeof(id));
	for (unsigned int i = 0; i < n; i++)
		tx->iov[i].iov_base = (unsigned char *)tx->iov[i].iov_base + start;
	tx->msg.msg_control = tx->control;
	tx->msg.msg_controllen = sizeof(tx->control);
}

/* Shortens the message if the NIC cannot send packets of so many pieces. Returns how many
 * elements. */
static unsigned int limit_pieces(struct devmem__tx *tx, const struct devmem_binding *binding,
				 unsigned int n)
{
	bool before_tso;
	unsigned int most = devmem__binding_pieces(binding, &before_tso);

	if (!most)
		most = DEVMEM__PIECES_SAFE;
	else if (!before_tso && most > DEVMEM__PIECES_MAX)
		most = 0;
	devmem__packets_limit(&tx->packets, most, before_tso);
	return devmem__packets_cut(&tx->packets, tx->iov, n, &tx->boundary);
}

static int make_message(struct devmem__tx *tx, const struct devmem_binding *binding, bool copies)
{
	int n = (int)devmem__sendq_gather(&tx->q, tx->iov, DEVMEM__TX_RANGES, MAX_BYTES);

	tx->msg = (struct msghdr){ .msg_iov = tx->iov };
	tx->boundary = false;
	if (copies) {
		n = copy_from(tx, devmem__binding_buffer(binding), (unsigned int)n);
	} else {
		name_binding(tx, binding, (unsigned int)n);
		n = (int)limit_pieces(tx, binding, (unsigned int)n);
	}
	tx->msg.msg_iovlen = n > 0 ? (size_t)n : 0;
	return n < 0 ? n : 0;
}

/* false: not now, because there is no submission queue entry. */
static bool send_next(struct devmem__tx *tx)
{
	const struct devmem__send *next = devmem__sendq_next(&tx->q);
	const struct devmem_binding *binding;
	struct io_uring_sqe *sqe;
	bool copies;
	int err;

	if (!next || tx->sending || tx->full)
		return true;
	binding = next->binding;
	copies = devmem__binding_engine_id(binding) == DEVMEM__ENGINE_COPY ||
		 tx->sock->ring->now < tx->copy_until;
	if (!devmem__sendq_begin(&tx->q, !copies))
		return true; /* a notification makes room */
	err = make_message(tx, binding, copies);
	sqe = err ? NULL : devmem__uring_sqe(&tx->sock->ring->uring, DEVMEM__CQE_SEND, tx->sock);
	if (!sqe) {
		devmem__sendq_result(&tx->q, 0);
		end_sync(tx);
		if (err)
			devmem__tx_fail(tx, err);
		return err != 0;
	}
	io_uring_prep_sendmsg(sqe, tx->fd, &tx->msg,
			      MSG_DONTWAIT | MSG_NOSIGNAL | (copies ? 0 : MSG_ZEROCOPY) |
				      (tx->boundary ? MSG_EOR : 0));
	sqe->user_data = (uintptr_t)tx->sock | DEVMEM__CQE_SEND;
	tx->sending = true;
	tx->sending_numbered = !copies;
	tx->sending_from = binding;
	return true;
}

/* --------------------------------------------------------------------------- what is waited for */

static bool receive_notice(struct devmem__tx *tx, unsigned int flags)
{
	struct io_uring_sqe *sqe =
		devmem__uring_sqe(&tx->sock->ring->uring, DEVMEM__CQE_HEAR, tx->sock);

	if (!sqe)
		return false;
	tx->err_msg = (struct msghdr){ .msg_control = tx->err_control,
				       .msg_controllen = sizeof(tx->err_control) };
	io_uring_prep_recvmsg(sqe, tx->fd, &tx->err_msg, MSG_ERRQUEUE | flags);
	sqe->user_data = (uintptr_t)tx->sock | DEVMEM__CQE_HEAR;
	tx->receiving = true;
	tx->read_errors = false;
	return true;
}

static bool poll_for(struct devmem__tx *tx, enum devmem__cqe_kind kind, unsigned int events,
		     bool again, bool *armed)
{
	struct io_uring_sqe *sqe = devmem__uring_sqe(&tx->sock->ring->uring, kind, tx->sock);

	if (!sqe)
		return false;
	if (again)
		io_uring_prep_poll_multishot(sqe, tx->fd, events);
	else
		io_uring_prep_poll_add(sqe, tx->fd, events);
	sqe->user_data = (uintptr_t)tx->sock | kind;
	*armed = true;
	return true;
}

static void check_half(struct devmem__tx *tx)
{
	if (tx->half || !tx->sock->end.reported)
		return;
	tx->half = tx->read_errors = true;
}

/* Makes requests for notifications, as long as any are expected. */
static bool request_notices(struct devmem__tx *tx)
{
	const bool wanted = devmem__tx_unnotified(tx), calls = tx->sock->ring->uring.syscalls;
	bool good = true;

	check_half(tx);
	if (!wanted && tx->polling && !tx->cancelling) {
		good = devmem__sock_cancel_request(tx->sock, DEVMEM__CQE_STIR);
		tx->cancelling = good;
	}
	if (!wanted)
		return good;
	/* system calls wait by epoll, which reports changes only: nothing is woken without end */
	if (!tx->half || calls)
		return tx->receiving || receive_notice(tx, 0);
	if (!tx->polling)
		good = poll_for(tx, DEVMEM__CQE_STIR, POLLERR, true, &tx->polling);
	return good && (!tx->read_errors || tx->receiving || receive_notice(tx, MSG_DONTWAIT));
}

/*
 * For a send buffer that is full of bytes other than ours. When the peer has ended its half, a
 * one-shot poll would report that without end, instead of room; a multishot one reports it once.
 */
static bool wait_for_room(struct devmem__tx *tx)
{
	if (tx->room && tx->sock->detached)
		return devmem__sock_cancel_request(tx->sock, DEVMEM__CQE_ROOM);
	if (!tx->full || tx->room || tx->q.numbered || !devmem__sendq_next(&tx->q))
		return true;
	return poll_for(tx, DEVMEM__CQE_ROOM, POLLOUT, tx->peer_ended, &tx->room);
}

void devmem__tx_prepare(struct devmem_ring *ring)
{
	struct devmem__list *node, *next;

	for (node = ring->sends.todo.next; node != &ring->sends.todo; node = next) {
		struct devmem__tx *tx = container_of(node, struct devmem__tx, todo);
		bool done;

		next = node->next;
		done = send_next(tx) && request_notices(tx) && wait_for_room(tx);
		devmem__tx_publish(tx);
		if (!done)
			continue; /* the next turn goes on with it */
		devmem__list_del(&tx->todo);
		if (!devmem__tx_unnotified(tx))
			devmem__sock_watch_end(tx->sock);
	}
}

/* ---------------------------------------------------------------------------- what has happened */

/* The kernel takes no more until it has at most @resume bytes of ours. */
static void is_full(struct devmem__tx *tx, uint64_t resume)
{
	tx->full = true;
	tx->resume = resume;
}

static void sending_failed(struct devmem__tx *tx, int err)
{
	struct devmem_stats *stats = &tx->sock->ring->stats;

	switch (err) {
	case -EAGAIN:
		stats->send_waits++;
		is_full(tx, devmem__sendq_in_flight(&tx->q) / 3 * 2);
		return;
	case -EINTR:
		return;
	case -ENOBUFS:
		stats->send_no_room++;
		if (tx->q.numbered) {
			is_full(tx, devmem__sendq_in_flight(&tx->q) - 1);
			return;
		}
		break;
	case -ENODEV:
	case -EHOSTUNREACH:
		if (!tx->sending_numbered || devmem__tx_look(tx, err))
			break;
		devmem__tx_elsewhere(tx, tx->sending_from);
		if (!devmem__binding_forced(tx->sending_from))
			return;
		break;
	case -EPIPE:
		if (!devmem__tx_look(tx, err)) /* the program shut its half down */
			devmem__sendq_fail(&tx->q, err, tx->q.sent, true);
		devmem__tx_to_report(tx);
		return;
	}
	if (devmem__tx_look(tx, err))
		devmem__end_is(tx->sock, err);
	else
		devmem__tx_fail(tx, err);
}

/* Copied bytes never share a packet with device memory. [net/ipv4/tcp.c: tcp_sendmsg_locked()] */
static void count_pieces(struct devmem__tx *tx, size_t bytes)
{
	if (tx->sending_numbered)
		devmem__packets_sent(&tx->packets, tx->iov, (unsigned int)tx->msg.msg_iovlen, bytes,
				     tx->boundary);
	else
		devmem__packets_boundary(&tx->packets);
}

static void send_completed(struct devmem_sock *sock, int res)
{
	struct devmem__tx *tx = sock->tx;
	size_t wanted = 0;

	tx->sending = false;
	end_sync(tx);
	devmem__sendq_result(&tx->q, res > 0 ? (uint32_t)res : 0);
	for (size_t i = 0; i < (size_t)tx->msg.msg_iovlen; i++) /* musl's is an int */
		wanted += tx->iov[i].iov_len;
	if (res > 0) {
		count_pieces(tx, (size_t)res);
		sock->ring->stats.send_operations++;
		if ((size_t)res < wanted)
			sending_failed(tx, -EAGAIN);
	} else {
		sending_failed(tx, res);
	}
	devmem__tx_todo(tx);
	devmem__tx_to_report(tx);
}

static void process_notice(struct devmem__tx *tx)
{
	struct devmem__notice notice;

	tx->read_errors = true;
	if (!devmem__notice_parse(tx->err_control, tx->err_msg.msg_controllen, &notice))
		return;
	tx->sock->ring->stats.send_notices++;
	devmem__sendq_notified(&tx->q, notice.lo, notice.hi, notice.copied);
	if (devmem__sendq_in_flight(&tx->q) <= tx->resume || !tx->q.numbered)
		tx->full = tx->full && tx->room && !tx->peer_ended;
	devmem__tx_to_report(tx);
}

static void notice_received(struct devmem_sock *sock, int res)
{
	struct devmem__tx *tx = sock->tx;

	tx->receiving = false;
	if (res >= 0)
		process_notice(tx);
	/* the kernel gave up, because the request was woken too often for nothing */
	else if (!tx->half && res == -EAGAIN)
		tx->half = tx->read_errors = true;
	devmem__tx_todo(tx);
}

static void room_reported(struct devmem_sock *sock, const struct io_uring_cqe *cqe)
{
	struct devmem__tx *tx = sock->tx;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		tx->room = false;
	if (cqe->res > 0 && cqe->res & POLLHUP)
		devmem__tx_look(tx, sock->end.reported ? -EPIPE : -ECONNRESET);
	tx->peer_ended |= cqe->res > 0 && cqe->res & POLLRDHUP;
	if (cqe->res != POLLRDHUP)
		tx->full = false;
	devmem__tx_todo(tx);
}

static void poll_fired(struct devmem_sock *sock, const struct io_uring_cqe *cqe)
{
	struct devmem__tx *tx = sock->tx;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		tx->polling = tx->cancelling = false;
	tx->read_errors = true;
	if (cqe->res > 0 && cqe->res & POLLHUP)
		devmem__tx_look(tx, sock->end.reported ? -EPIPE : -ECONNRESET);
	devmem__tx_todo(tx);
}

bool devmem__tx_done(const struct io_uring_cqe *cqe)
{
	struct devmem_sock *sock =
		(void *)(uintptr_t)(cqe->user_data & ~(uint64_t)DEVMEM__CQE_KINDS);

	switch ((enum devmem__cqe_kind)(cqe->user_data & DEVMEM__CQE_KINDS)) {
	case DEVMEM__CQE_SEND:
		send_completed(sock, cqe->res);
		break;
	case DEVMEM__CQE_HEAR:
		notice_received(sock, cqe->res);
		break;
	case DEVMEM__CQE_ROOM:
		room_reported(sock, cqe);
		break;
	case DEVMEM__CQE_STIR:
		poll_fired(sock, cqe);
		break;
	default:
		return false;
	}
	devmem__tx_publish(sock->tx);
	devmem__sock_let_go(sock);
	return true;
}
