// SPDX-License-Identifier: MIT
/*
 * A request that cannot complete waits for its descriptor, at most one for each. Epoll tells when
 * to try it. Results are laid out as io_uring does: a message follows struct io_uring_recvmsg_out,
 * and the flags have the buffer's number.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "uring/syscall_ring_impl.h"
#include "base/uapi_sock.h"

#define READY_AT_ONCE 64
#define NO_REQUEST    (-1) /* in the place of a request's descriptor: devmem__syscall_ring_add() */
#define RECEIVES      8u   /* from one socket, before the others have their turn */

static void cancel(struct devmem__syscall_ring *c, struct devmem__request *r)
{
	uint64_t user_data = r->user_data;

	devmem__syscall_ring_forget(c, r);
	devmem__syscall_ring_complete(c, user_data, -ECANCELED, 0);
}

static int cancel_one(struct devmem__syscall_ring *c, uint64_t user_data)
{
	for (struct devmem__request *r = c->waiting; r; r = r->next) {
		if (r->user_data != user_data)
			continue;
		cancel(c, r);
		return 0;
	}
	return -ENOENT;
}

/* ----------------------------------------------------------------------------- provided buffers */

static struct io_uring_buf *next_buffer(struct devmem__group *g)
{
	if (!g->ring || g->head == __atomic_load_n(&g->ring->tail, __ATOMIC_ACQUIRE))
		return NULL;
	return &g->ring->bufs[g->head & (g->entries - 1)];
}

/* Note that @bytes of the buffer at the head were filled. Returns the completion's flags. */
static unsigned int use_buffer(struct devmem__group *g, const struct io_uring_buf *buf,
			       unsigned int bytes)
{
	unsigned int flags = IORING_CQE_F_BUFFER | (unsigned int)buf->bid
							   << IORING_CQE_BUFFER_SHIFT;

	g->used += bytes;
	if (g->incremental && g->used < buf->len)
		return flags | DEVMEM_CQE_F_BUF_MORE;
	g->used = 0;
	g->head++;
	return flags;
}

/* ------------------------------------------------------------------------------------ receiving */

/* Receive a message into @buf: its header, room for control data, payload. [io_uring/net.c:
 * io_recvmsg_multishot()] */
static ssize_t receive_message(struct devmem__syscall_ring *c, const struct devmem__request *r,
			       const struct io_uring_buf *buf)
{
	struct io_uring_recvmsg_out *out = (void *)(uintptr_t)buf->addr;
	unsigned char *control = (unsigned char *)(out + 1);
	size_t header = sizeof(*out) + r->msg->msg_controllen;
	struct iovec payload = { .iov_base = control + r->msg->msg_controllen,
				 .iov_len = buf->len - header };
	struct msghdr msg = { .msg_iov = &payload,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = r->msg->msg_controllen };
	ssize_t got;

	c->made++;
	got = recvmsg(r->fd, &msg, (int)r->flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return -errno;
	*out = (struct io_uring_recvmsg_out){
		.controllen = (uint32_t)msg.msg_controllen,
		.payloadlen = (uint32_t)got,
		.flags = (uint32_t)msg.msg_flags,
	};
	return got || msg.msg_controllen ? got + (ssize_t)header : 0;
}

static ssize_t receive_bytes(struct devmem__syscall_ring *c, const struct devmem__request *r,
			     const struct io_uring_buf *buf, unsigned int used)
{
	ssize_t got;

	c->made++;
	got = recv(r->fd, (char *)(uintptr_t)buf->addr + used, buf->len - used,
		   (int)r->flags | MSG_DONTWAIT);
	return got < 0 ? -errno : got;
}

/* Did the message fill its payload or control data room? Then there may be more to receive. */
static bool message_cut(const struct devmem__request *r, const struct io_uring_buf *buf)
{
	const struct io_uring_recvmsg_out *out = (void *)(uintptr_t)buf->addr;
	size_t room = buf->len - sizeof(*out) - r->msg->msg_controllen;

	return out->payloadlen == room ||
	       out->controllen + CMSG_SPACE(sizeof(struct devmem__cmsg_frag)) >
		       r->msg->msg_controllen;
}

/* Receive once. false: there is nothing more now, or the request has ended. */
static bool receive(struct devmem__syscall_ring *c, struct devmem__request *r)
{
	struct devmem__group *g = &c->group[r->group];
	const struct io_uring_buf *buf = next_buffer(g);
	const bool message = r->opcode == IORING_OP_RECVMSG;
	const uint64_t user_data = r->user_data;
	unsigned int room, flags = 0;
	ssize_t got;

	if (!buf) {
		devmem__syscall_ring_forget(c, r);
		devmem__syscall_ring_complete(c, user_data, -ENOBUFS, 0);
		return false;
	}
	room = buf->len - g->used;
	got = message ? receive_message(c, r, buf) : receive_bytes(c, r, buf, g->used);
	if (got == -EAGAIN || got == -EINTR)
		return false;
	if (got > 0) {
		flags = use_buffer(g, buf, message ? buf->len : (unsigned int)got);
		devmem__syscall_ring_complete(c, user_data, (int)got, flags | IORING_CQE_F_MORE);
		return message ? message_cut(r, buf) : (unsigned int)got == room;
	}
	if (!got && message) /* as io_uring does, report the end of the stream in a buffer */
		flags = use_buffer(g, buf, buf->len);
	devmem__syscall_ring_forget(c, r);
	devmem__syscall_ring_complete(c, user_data, (int)got, flags);
	return false;
}

/* ------------------------------------------------------------------------------------- requests */

static int set_option(const struct io_uring_sqe *sqe)
{
	uint32_t level_and_name[2];
	int done;

	memcpy(level_and_name, &sqe->addr, sizeof(level_and_name));
	done = setsockopt(sqe->fd, (int)level_and_name[0], (int)level_and_name[1],
			  (void *)(uintptr_t)sqe->addr3, (socklen_t)sqe->splice_fd_in);
	return done < 0 ? -errno : done;
}

static int set_timer(struct devmem__syscall_ring *c, const struct io_uring_sqe *sqe)
{
	const struct __kernel_timespec *ts = (void *)(uintptr_t)sqe->addr;
	struct itimerspec at = { .it_value = { .tv_sec = ts->tv_sec,
					       .tv_nsec = (long)ts->tv_nsec } };

	c->timer_user_data = sqe->user_data;
	c->timer_set = true;
	return timerfd_settime(c->timer, 0, &at, NULL) ? -errno : 0;
}

static struct devmem__request request_of(const struct io_uring_sqe *sqe)
{
	struct devmem__request r = {
		.user_data = sqe->user_data,
		.fd = sqe->fd,
		.opcode = sqe->opcode,
		.multishot = sqe->ioprio & IORING_RECV_MULTISHOT,
		.group = sqe->buf_group,
		.events = EPOLLIN,
	};

	switch (sqe->opcode) {
	case IORING_OP_RECVMSG:
		r.msg = (void *)(uintptr_t)sqe->addr;
		r.flags = sqe->msg_flags;
		break;
	case IORING_OP_RECV:
		r.flags = sqe->msg_flags;
		break;
	case IORING_OP_READ:
		r.to = (void *)(uintptr_t)sqe->addr;
		r.bytes = sqe->len;
		break;
	case IORING_OP_POLL_ADD:
		r.events = sqe->poll32_events;
		break;
	}
	return r;
}

/* Let the request wait. -ENOMEM: nothing was done. */
static int begin(struct devmem__syscall_ring *c, const struct io_uring_sqe *sqe)
{
	struct devmem__request r = request_of(sqe);
	int err = devmem__syscall_ring_wait_for(c, &r);

	if (err == -ENOMEM)
		return err;
	/* a regular file is always ready, and epoll does not accept it */
	if (err == -EPERM && sqe->opcode == IORING_OP_POLL_ADD)
		devmem__syscall_ring_complete(c, sqe->user_data, POLLIN, 0);
	else if (err)
		devmem__syscall_ring_complete(c, sqe->user_data, err, 0);
	return 0;
}

/* A single receive, not a multishot one: a message from the error queue. */
static ssize_t receive_once(struct devmem__syscall_ring *c, const struct devmem__request *r)
{
	ssize_t got;

	c->made++;
	got = recvmsg(r->fd, (struct msghdr *)(uintptr_t)r->msg, (int)r->flags | MSG_DONTWAIT);
	return got < 0 ? -errno : got;
}

/* Watch edge-triggered, for changes of the error queue: EPOLLERR itself may last for ever. */
static int begin_once(struct devmem__syscall_ring *c, const struct io_uring_sqe *sqe)
{
	struct devmem__request r = request_of(sqe);
	ssize_t got = receive_once(c, &r);

	if (got == -EAGAIN && !(r.flags & MSG_DONTWAIT)) {
		r.events = EPOLLERR | EPOLLET;
		got = devmem__syscall_ring_wait_for(c, &r);
		if (!got || got == -ENOMEM)
			return (int)got;
	}
	devmem__syscall_ring_complete(c, sqe->user_data, (int)got, 0);
	return 0;
}

static int send_message(struct devmem__syscall_ring *c, const struct io_uring_sqe *sqe)
{
	ssize_t sent;

	c->made++;
	sent = sendmsg(sqe->fd, (void *)(uintptr_t)sqe->addr, (int)sqe->msg_flags);
	return sent < 0 ? -errno : (int)sent;
}

/* Carry out one request. -ENOMEM: nothing was done. */
static int carry_out(struct devmem__syscall_ring *c, const struct io_uring_sqe *sqe)
{
	int res;

	switch (sqe->opcode) {
	case IORING_OP_URING_CMD:
		c->made++;
		res = set_option(sqe);
		if (res < 0 || !(sqe->flags & IOSQE_CQE_SKIP_SUCCESS))
			devmem__syscall_ring_complete(c, sqe->user_data, res, 0);
		break;
	case IORING_OP_ASYNC_CANCEL:
		devmem__syscall_ring_complete(c, sqe->user_data, cancel_one(c, sqe->addr), 0);
		break;
	case IORING_OP_TIMEOUT:
		c->made++;
		res = set_timer(c, sqe);
		if (res)
			devmem__syscall_ring_complete(c, sqe->user_data, res, 0);
		break;
	case IORING_OP_SENDMSG:
		devmem__syscall_ring_complete(c, sqe->user_data, send_message(c, sqe), 0);
		break;
	case IORING_OP_RECVMSG:
		return (sqe->ioprio & IORING_RECV_MULTISHOT ? begin : begin_once)(c, sqe);
	case IORING_OP_RECV:
	case IORING_OP_READ:
	case IORING_OP_POLL_ADD:
		return begin(c, sqe);
	default:
		devmem__syscall_ring_complete(c, sqe->user_data, -EINVAL, 0);
	}
	return 0;
}

/* A request stays in the queue if there is no room for its completion, or no memory. */
int devmem__syscall_ring_submit(struct devmem__syscall_ring *c)
{
	int done = 0;

	c->sq_tail = c->io->sq.sqe_tail;
	for (; c->sq_head != c->sq_tail && devmem__syscall_ring_room(c); c->sq_head++, done++)
		if (carry_out(c, &c->sqes[c->sq_head & c->io->sq.ring_mask]))
			return -ENOMEM;
	return c->sq_head == c->sq_tail ? done : -EBUSY;
}

/* --------------------------------------------------------------------------------- ready events */

static void ready(struct devmem__syscall_ring *c, struct devmem__request *r, unsigned int events)
{
	uint64_t user_data = r->user_data;
	ssize_t got;

	switch (r->opcode) {
	case IORING_OP_POLL_ADD:
		devmem__syscall_ring_forget(c, r);
		devmem__syscall_ring_complete(c, user_data, (int)events, 0);
		break;
	case IORING_OP_READ:
		c->made++;
		got = read(r->fd, r->to, r->bytes);
		devmem__syscall_ring_forget(c, r);
		devmem__syscall_ring_complete(c, user_data, got < 0 ? -errno : (int)got, 0);
		break;
	default:
		if (!r->multishot) {
			got = receive_once(c, r);
			if (got == -EAGAIN)
				break;
			devmem__syscall_ring_forget(c, r);
			devmem__syscall_ring_complete(c, user_data, (int)got, 0);
			break;
		}
		for (unsigned int i = 0; i < RECEIVES && devmem__syscall_ring_room(c); i++)
			if (!receive(c, r))
				break;
	}
}

static void timer_rang(struct devmem__syscall_ring *c)
{
	uint64_t times;

	c->made++;
	if (read(c->timer, &times, sizeof(times)) < 0 || !c->timer_set)
		return;
	c->timer_set = false;
	devmem__syscall_ring_complete(c, c->timer_user_data, -ETIME, 0);
}

/* Poll the requests that epoll did not accept, and offer them again. If no other timer is set, one
 * wakes whoever sleeps on our descriptor for the next look. */
static void look_at_unwatched(struct devmem__syscall_ring *c)
{
	const struct itimerspec soon = { .it_value = { .tv_nsec = DEVMEM__SYSCALL_RING_LOOK_NS } };
	struct devmem__request *r, *next;

	for (r = c->waiting; r && devmem__syscall_ring_room(c); r = next) {
		struct pollfd p = { .fd = r->fd, .events = (short)(r->events & 0x7fff) };

		next = r->next;
		if (!r->unwatched || devmem__syscall_ring_watch(c, r))
			continue;
		c->made++;
		if (poll(&p, 1, 0) > 0)
			ready(c, r, (unsigned short)p.revents);
	}
	if (c->unwatched && !c->timer_set)
		timerfd_settime(c->timer, 0, &soon, NULL);
}

/* Re-arm edge-triggered events while the completion queue is full, so that epoll reports them
 * again. */
static void put_off(struct devmem__syscall_ring *c, const struct devmem__request *r)
{
	struct epoll_event ev = { .events = r->events, .data.fd = r->fd };

	if (!(r->events & EPOLLET))
		return;
	c->made++;
	epoll_ctl(c->epoll, EPOLL_CTL_MOD, r->fd, &ev);
}

int devmem__syscall_ring_enter(struct devmem__syscall_ring *c,
			       const struct __kernel_timespec *timeout, unsigned int known)
{
	const bool may_sleep = !timeout || timeout->tv_sec || timeout->tv_nsec;
	struct epoll_event ev[READY_AT_ONCE];
	int n, err = devmem__syscall_ring_submit(c);

	if (err == -ENOMEM || !devmem__syscall_ring_room(c))
		return err == -ENOMEM ? err : 0;
	if (c->unwatched)
		look_at_unwatched(c);
	if (may_sleep && c->cq_tail - c->cq_head <= known) {
		err = devmem__syscall_ring_sleep(c, timeout);
		if (err)
			return err;
	}
	c->made++;
	n = epoll_wait(c->epoll, ev, READY_AT_ONCE, 0);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		struct devmem__request *r = NULL;

		if (ev[i].data.fd != c->timer && ev[i].data.fd != NO_REQUEST)
			r = c->by_fd[ev[i].data.fd];
		if (ev[i].data.fd == c->timer && devmem__syscall_ring_room(c))
			timer_rang(c);
		/* !r: an event before this one ended the request */
		else if (r && devmem__syscall_ring_room(c))
			ready(c, r, ev[i].events);
		else if (r)
			put_off(c, r);
	}
	return n ? 0 : -ETIME;
}

/* ------------------------------------------------------------------------------- opened, closed */

static unsigned int power_of_two(unsigned int n)
{
	unsigned int p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/* Fill in what liburing's inline functions read. [liburing.h: io_uring_get_sqe(),
 * io_uring_for_each_cqe()] */
static void lay_out(struct devmem__syscall_ring *c, unsigned int entries, unsigned int completions)
{
	struct io_uring *io = c->io;

	memset(io, 0, sizeof(*io));
	io->ring_fd = -1;
	io->enter_ring_fd = -1;
	io->sq.khead = &c->sq_head;
	io->sq.ktail = &c->sq_tail;
	io->sq.kflags = &c->sq_flags;
	io->sq.sqes = c->sqes;
	io->sq.ring_entries = entries;
	io->sq.ring_mask = entries - 1;
	io->cq.khead = &c->cq_head;
	io->cq.ktail = &c->cq_tail;
	io->cq.kflags = &c->cq_flags;
	io->cq.cqes = c->cqes;
	io->cq.ring_entries = completions;
	io->cq.ring_mask = completions - 1;
}

static int open_fds(struct devmem__syscall_ring *c)
{
	struct epoll_event ev = { .events = EPOLLIN };

	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ev.data.fd = c->timer;
	if (c->epoll >= 0 && c->timer >= 0 && !epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->timer, &ev))
		return 0;
	return devmem__fail(errno, "cannot make an epoll and a timer descriptor: %s",
			    strerror(errno));
}

int devmem__syscall_ring_open(struct io_uring *io, unsigned int entries, unsigned int completions,
			      struct devmem__syscall_ring **out)
{
	struct devmem__syscall_ring *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return devmem__fail(ENOMEM, "no memory for a ring");
	entries = power_of_two(entries);
	completions = power_of_two(completions);
	c->io = io;
	c->epoll = c->timer = -1;
	c->sqes = calloc(entries, sizeof(*c->sqes));
	c->cqes = calloc(completions, sizeof(*c->cqes));
	err = c->sqes && c->cqes
		      ? open_fds(c)
		      : devmem__fail(ENOMEM, "no memory for %u completions", completions);
	if (err) {
		devmem__syscall_ring_close(c);
		return err;
	}
	lay_out(c, entries, completions);
	*out = c;
	return 0;
}

/* Do not remove anything from the epoll set: a forked child that closes its copy shares the set
 * with its parent. */
void devmem__syscall_ring_close(struct devmem__syscall_ring *c)
{
	struct devmem__request *r;

	while ((r = c->waiting)) {
		c->waiting = r->next;
		free(r);
	}
	if (c->epoll >= 0)
		close(c->epoll);
	if (c->timer >= 0)
		close(c->timer);
	free(c->by_fd);
	free(c->sqes);
	free(c->cqes);
	free(c);
}

int devmem__syscall_ring_buffers(struct devmem__syscall_ring *c, struct io_uring_buf_ring *ring,
				 unsigned int entries, unsigned int group, bool incremental)
{
	if (group >= GROUPS)
		return -EMFILE;
	c->group[group] = (struct devmem__group){ .ring = ring,
						  .entries = entries,
						  .incremental = incremental };
	return 0;
}

void devmem__syscall_ring_cancel_all(struct devmem__syscall_ring *c)
{
	while (c->waiting && devmem__syscall_ring_room(c))
		cancel(c, c->waiting);
}

int devmem__syscall_ring_fd(const struct devmem__syscall_ring *c)
{
	return c->epoll;
}

int devmem__syscall_ring_add(struct devmem__syscall_ring *c, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = NO_REQUEST };

	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

uint64_t devmem__syscall_ring_made(const struct devmem__syscall_ring *c)
{
	return c->made;
}
