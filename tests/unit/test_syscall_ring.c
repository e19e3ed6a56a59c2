// SPDX-License-Identifier: MIT
/* Requests carried out by plain system calls: each kind, its completion, and what happens when
 * there is no room. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "uring/syscall_ring.h"
#include "devmem/admin.h"
#include "tx/errqueue.h"
#include "base/uapi_sock.h"
#include "unit.h"

#define BUFFERS 4u
#define BYTES	256u
#define GROUP	3u

static int refusal; /* epoll takes no more descriptors, with this errno; 0: it does */

/* In the place of the C library's. */
int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && refusal) {
		errno = refusal;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
}

struct fixture {
	struct io_uring io;
	struct devmem__syscall_ring *calls;
	struct io_uring_buf_ring *ring;
	unsigned char memory[BUFFERS][BYTES];
	int near, far; /* a connection */
	int again;     /* another descriptor of the near end, or -1 */
	struct msghdr msg, err_msg;
	_Alignas(struct cmsghdr) unsigned char err_control[DEVMEM__NOTICE_ROOM];
};

static int set_up_with(void **state, unsigned int completions)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd[2];

	assert_int_equal(devmem__syscall_ring_open(&f->io, 8, completions, &f->calls), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	f->near = fd[0];
	f->far = fd[1];
	f->again = -1;
	f->ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f->ring, MAP_FAILED);
	io_uring_buf_ring_init(f->ring);
	f->msg.msg_controllen = 64;
	*state = f;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, 64);
}

static int set_up_small(void **state)
{
	return set_up_with(state, 8);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	refusal = 0;
	devmem__syscall_ring_close(f->calls);
	munmap(f->ring, 4096);
	close(f->near);
	close(f->far);
	if (f->again >= 0)
		close(f->again);
	free(f);
	return 0;
}

static void provide(struct fixture *f, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		io_uring_buf_ring_add(f->ring, f->memory[i], BYTES, (unsigned short)i,
				      io_uring_buf_ring_mask(BUFFERS), (int)i);
	io_uring_buf_ring_advance(f->ring, (int)n);
}

static void buffers(struct fixture *f, unsigned int n, bool incremental)
{
	assert_int_equal(devmem__syscall_ring_buffers(f->calls, f->ring, BUFFERS, GROUP,
						      incremental),
			 0);
	provide(f, n);
}

static struct io_uring_sqe *request(struct fixture *f, uint64_t user_data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&f->io);

	assert_non_null(sqe);
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = user_data;
	return sqe;
}

static void ask_to_receive(struct fixture *f, uint64_t user_data, bool message)
{
	struct io_uring_sqe *sqe = request(f, user_data);

	if (message)
		io_uring_prep_recvmsg_multishot(sqe, f->near, &f->msg, 0);
	else
		io_uring_prep_recv_multishot(sqe, f->near, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	sqe->user_data = user_data;
}

static void turn(struct fixture *f, int ms)
{
	struct __kernel_timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000ll };
	int err = devmem__syscall_ring_enter(f->calls, &ts, 0);

	assert_true(err == 0 || err == -ETIME);
}

/* The next completion, or NULL. It is done with. */
static const struct io_uring_cqe *next(struct fixture *f)
{
	static struct io_uring_cqe copy;
	struct io_uring_cqe *cqe;
	unsigned int head;

	io_uring_for_each_cqe (&f->io, head, cqe) {
		copy = *cqe;
		io_uring_cqe_seen(&f->io, cqe);
		return &copy;
	}
	return NULL;
}

#define expect(f, data, result, bits) check_next(f, data, result, bits, __LINE__)
static void check_next(struct fixture *f, uint64_t user_data, int res, unsigned int flags, int line)
{
	const struct io_uring_cqe *cqe = next(f);

	if (cqe && cqe->user_data == user_data && cqe->res == res && cqe->flags == flags)
		return;
	if (cqe)
		print_error("completion of %llu: %d, flags %#x\n",
			    (unsigned long long)cqe->user_data, cqe->res, cqe->flags);
	else
		print_error("no completion\n");
	_fail(__FILE__, line);
}

static unsigned int buffer_flags(unsigned int number)
{
	return IORING_CQE_F_BUFFER | number << IORING_CQE_BUFFER_SHIFT;
}

static void say(struct fixture *f, size_t n)
{
	static const char bytes[4096];

	assert_int_equal(send(f->far, bytes, n, 0), n);
}

/* ------------------------------------------------------------------------------------ receiving */

static void a_receive_fills_a_buffer_bit_by_bit(void **state)
{
	struct fixture *f = *state;

	buffers(f, 2, true);
	ask_to_receive(f, 16, false);
	turn(f, 0);
	assert_null(next(f));
	assert_int_equal(send(f->far, "abc", 3, 0), 3);
	turn(f, 1000);
	expect(f, 16, 3, buffer_flags(0) | DEVMEM_CQE_F_BUF_MORE | IORING_CQE_F_MORE);
	assert_int_equal(send(f->far, "def", 3, 0), 3);
	turn(f, 1000);
	expect(f, 16, 3, buffer_flags(0) | DEVMEM_CQE_F_BUF_MORE | IORING_CQE_F_MORE);
	assert_memory_equal(f->memory[0], "abcdef", 6);
	say(f, BYTES);
	turn(f, 1000);
	expect(f, 16, BYTES - 6, buffer_flags(0) | IORING_CQE_F_MORE); /* full: it is used up */
	expect(f, 16, 6, buffer_flags(1) | DEVMEM_CQE_F_BUF_MORE | IORING_CQE_F_MORE);
	turn(f, 0);
	assert_null(next(f));
}

/* As before Linux 6.12. */
static void each_receive_uses_a_buffer_up(void **state)
{
	struct fixture *f = *state;

	buffers(f, 3, false);
	ask_to_receive(f, 16, false);
	for (unsigned int i = 0; i < 3; i++) {
		say(f, 5);
		turn(f, 1000);
		expect(f, 16, 5, buffer_flags(i) | IORING_CQE_F_MORE);
	}
	say(f, 5);
	turn(f, 1000);
	expect(f, 16, -ENOBUFS, 0); /* and it is over */
	turn(f, 0);
	assert_null(next(f));
	provide(f, 1);
	ask_to_receive(f, 24, false);
	turn(f, 1000);
	expect(f, 24, 5, buffer_flags(0) | IORING_CQE_F_MORE);
}

static void the_end_of_a_stream(void **state)
{
	struct fixture *f = *state;

	buffers(f, 1, true);
	ask_to_receive(f, 16, false);
	shutdown(f->far, SHUT_WR);
	turn(f, 1000);
	expect(f, 16, 0, 0); /* it has used nothing */
	ask_to_receive(f, 24, true);
	turn(f, 1000);
	expect(f, 24, 0, buffer_flags(0)); /* a message's end is told in a buffer */
}

/* A header, room for control data, and what the payload leaves of the buffer. */
static void a_message_is_laid_out_as_the_kernel_does(void **state)
{
	struct fixture *f = *state;
	const struct io_uring_recvmsg_out *out = (void *)f->memory[0];
	const size_t header = sizeof(*out) + f->msg.msg_controllen;
	const size_t room = BYTES - header;

	buffers(f, 2, true); /* said of the group; a message takes a whole buffer all the same */
	ask_to_receive(f, 16, true);
	assert_int_equal(send(f->far, "hello", 5, 0), 5);
	turn(f, 1000);
	expect(f, 16, (int)header + 5, buffer_flags(0) | IORING_CQE_F_MORE);
	assert_int_equal(out->payloadlen, 5);
	assert_int_equal(out->controllen, 0);
	assert_memory_equal(f->memory[0] + header, "hello", 5);
	say(f, room);
	turn(f, 1000);
	expect(f, 16, BYTES, buffer_flags(1) | IORING_CQE_F_MORE);
	/* there may be more, so it went on, and found no buffer */
	expect(f, 16, -ENOBUFS, 0);
}

static void control_data_is_passed_on(void **state)
{
	struct fixture *f = *state;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char x = 'x';
	struct iovec iov = { &x, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	const struct io_uring_recvmsg_out *out = (void *)f->memory[0];
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &f->far, sizeof(int));
	assert_int_equal(sendmsg(f->far, &msg, 0), 1);
	buffers(f, 1, true);
	ask_to_receive(f, 16, true);
	turn(f, 1000);
	expect(f, 16, (int)(sizeof(*out) + f->msg.msg_controllen) + 1,
	       buffer_flags(0) | IORING_CQE_F_MORE);
	assert_true(out->controllen >= CMSG_LEN(sizeof(int)));
	c = (void *)(out + 1);
	assert_int_equal(c->cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

/* A descriptor has one request at a time; what cannot be waited for fails at once. */
static void what_cannot_be_begun(void **state)
{
	struct fixture *f = *state;

	buffers(f, 1, true);
	ask_to_receive(f, 16, false);
	ask_to_receive(f, 24, false);
	io_uring_prep_poll_add(request(f, 0), 999, POLLIN);
	f->io.sq.sqes[2].user_data = 32;
	io_uring_prep_nop(request(f, 0));
	f->io.sq.sqes[3].user_data = 40;
	turn(f, 0);
	expect(f, 24, -EBUSY, 0);
	expect(f, 32, -EBADF, 0);
	expect(f, 40, -EINVAL, 0); /* a request that this library does not make */
	assert_int_equal(devmem__syscall_ring_buffers(f->calls, f->ring, BUFFERS, 32, true),
			 -EMFILE);
}

/* -------------------------------------------------------------------------------------- sending */

static void ask_to_send(struct fixture *f, uint64_t user_data, const struct msghdr *msg,
			unsigned int flags)
{
	struct io_uring_sqe *sqe = request(f, 0);

	io_uring_prep_sendmsg(sqe, f->near, msg, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
	sqe->user_data = user_data;
}

static void a_message_is_sent_at_once(void **state)
{
	struct fixture *f = *state;
	char hello[] = "hello", world[] = "world", got[16];
	struct iovec iov[] = { { hello, 5 }, { world, 5 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	ask_to_send(f, 16, &msg, 0);
	assert_int_equal(devmem__syscall_ring_submit(f->calls), 1);
	expect(f, 16, 10, 0);
	assert_int_equal(recv(f->far, got, sizeof(got), MSG_DONTWAIT), 10);
	assert_memory_equal(got, "helloworld", 10);
}

static void what_cannot_be_sent_says_why(void **state)
{
	static char bytes[65536];
	struct fixture *f = *state;
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	const struct io_uring_cqe *cqe;
	int res;

	do {
		ask_to_send(f, 16, &msg, 0);
		turn(f, 0);
		cqe = next(f);
		assert_non_null(cqe);
		res = cqe->res;
	} while (res > 0);
	assert_int_equal(res, -EAGAIN); /* full, and it has not waited for room */
	shutdown(f->far, SHUT_RD);
	ask_to_send(f, 24, &msg, 0);
	turn(f, 0);
	expect(f, 24, -EPIPE, 0);
}

/* ------------------------------------------------------------------------------ the error queue */

static void tcp(struct fixture *f)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	close(f->near);
	close(f->far);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	f->near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(f->near, (struct sockaddr *)&address, len), 0);
	f->far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	f->again = fcntl(f->near, F_DUPFD_CLOEXEC, 0);
	close(listener);
	assert_true(f->far >= 0 && f->again >= 0);
	if (!setsockopt(f->near, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		return;
	print_message("needs MSG_ZEROCOPY\n");
	skip();
}

static void ask_to_hear(struct fixture *f, uint64_t user_data, int fd, unsigned int flags)
{
	struct io_uring_sqe *sqe = request(f, 0);

	memset(f->err_control, 0, sizeof(f->err_control));
	f->err_msg = (struct msghdr){ .msg_control = f->err_control,
				      .msg_controllen = sizeof(f->err_control) };
	io_uring_prep_recvmsg(sqe, fd, &f->err_msg, MSG_ERRQUEUE | flags);
	sqe->user_data = user_data;
}

/* By a request of its own. Loopback copies and so is done with the memory when it has been received
 * there. */
static void send_zerocopy(struct fixture *f, int wanted)
{
	static char bytes[1000];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	ask_to_send(f, 8, &msg, MSG_ZEROCOPY);
	assert_int_equal(devmem__syscall_ring_submit(f->calls), 1);
	expect(f, 8, wanted, 0);
}

/* The request's completion, and in its message that the call with this number is done. */
#define expect_notice(f, data, number) check_notice(f, data, number, __LINE__)
static void check_notice(struct fixture *f, uint64_t user_data, uint32_t number, int line)
{
	struct devmem__notice n = { 0 };

	check_next(f, user_data, 0, 0, line);
	if (devmem__notice_parse(f->err_control, f->err_msg.msg_controllen, &n) && n.lo == number &&
	    n.hi == number)
		return;
	print_error("from %u to %u\n", n.lo, n.hi);
	_fail(__FILE__, line);
}

/* A turn may see that something has happened to the other descriptor alone. */
static void turn_until_told(struct fixture *f)
{
	for (unsigned int i = 0; i < 1000 && !io_uring_cq_ready(&f->io); i++)
		turn(f, 1000);
}

static void a_notification_is_waited_for(void **state)
{
	struct fixture *f = *state;

	tcp(f);
	ask_to_hear(f, 16, f->again, 0);
	turn(f, 0);
	assert_null(next(f));
	for (uint32_t i = 0; i < 3; i++) {
		send_zerocopy(f, 1000);
		turn_until_told(f);
		expect_notice(f, 16, i);
		turn(f, 0);
		assert_null(next(f)); /* once */
		ask_to_hear(f, 16, f->again, 0);
		turn(f, 0);
		assert_null(next(f));
	}
}

/* It has come before it is asked for: then nothing will change in the queue, and nothing is to be
 * waited for. */
static void a_notification_that_is_there_completes_at_once(void **state)
{
	struct fixture *f = *state;
	struct pollfd p = { .events = 0 };

	tcp(f);
	p.fd = f->near;
	send_zerocopy(f, 1000);
	assert_int_equal(poll(&p, 1, 1000), 1);
	ask_to_hear(f, 16, f->again, 0);
	assert_int_equal(devmem__syscall_ring_submit(f->calls), 1);
	expect_notice(f, 16, 0);
	ask_to_hear(f, 24, f->again, MSG_DONTWAIT);
	assert_int_equal(devmem__syscall_ring_submit(f->calls), 1);
	expect(f, 24, -EAGAIN, 0);
	send_zerocopy(f, 1000);
	assert_int_equal(poll(&p, 1, 1000), 1);
	turn(f, 0);
	assert_null(next(f)); /* the one that would not wait is over */
	ask_to_hear(f, 32, f->again, MSG_DONTWAIT);
	assert_int_equal(devmem__syscall_ring_submit(f->calls), 1);
	expect_notice(f, 32, 1);
}

static void a_wait_for_a_notification_is_canceled(void **state)
{
	struct fixture *f = *state;
	struct io_uring_sqe *sqe;

	tcp(f);
	ask_to_hear(f, 16, f->again, 0);
	turn(f, 0);
	sqe = request(f, 0);
	io_uring_prep_cancel64(sqe, 16, 0);
	sqe->user_data = 24;
	turn(f, 0);
	expect(f, 16, -ECANCELED, 0);
	expect(f, 24, 0, 0);
	send_zerocopy(f, 1000);
	turn(f, 0);
	assert_null(next(f));
	ask_to_hear(f, 32, f->again, 0); /* nothing was lost */
	turn_until_told(f);
	expect_notice(f, 32, 0);
	ask_to_hear(f, 40, f->again, 0);
	turn(f, 0);
	devmem__syscall_ring_cancel_all(f->calls);
	expect(f, 40, -ECANCELED, 0);
}

/* Nothing happens, and nothing is done but to wait. */
static void expect_rest(struct fixture *f)
{
	const struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	uint64_t before;

	turn(f, 0); /* for what has changed until now */
	turn(f, 0);
	before = devmem__syscall_ring_made(f->calls);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(devmem__syscall_ring_enter(f->calls, &ts, 0), -ETIME);
	assert_int_equal(devmem__syscall_ring_made(f->calls) - before, 3); /* ppoll */
	assert_null(next(f));
}

static void the_peers_end_is_no_notification(void **state)
{
	struct fixture *f = *state;

	tcp(f);
	ask_to_hear(f, 16, f->again, 0);
	shutdown(f->far, SHUT_WR);
	expect_rest(f);
	send_zerocopy(f, 1000); /* this half goes on */
	turn_until_told(f);
	expect_notice(f, 16, 0);
	ask_to_hear(f, 24, f->again, 0);
	shutdown(f->near, SHUT_WR); /* from now on there is an EPOLLHUP, whoever asks */
	expect_rest(f);
}

static void a_reset_is_no_notification(void **state)
{
	struct fixture *f = *state;
	const struct linger at_once = { .l_onoff = 1 };
	struct pollfd p = { .events = 0 };

	tcp(f);
	ask_to_hear(f, 16, f->again, 0);
	turn(f, 0);
	assert_int_equal(setsockopt(f->far, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(f->far);
	f->far = open("/dev/null", O_RDONLY | O_CLOEXEC);
	p.fd = f->near;
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_true(p.revents & POLLHUP);
	expect_rest(f);
	send_zerocopy(f, -ECONNRESET);
	ask_to_hear(f, 24, f->near, MSG_DONTWAIT);
	turn(f, 0);
	expect(f, 24, -EAGAIN, 0); /* the connection's error is not the queue's */
}

static void notifications_and_a_stream_are_received_side_by_side(void **state)
{
	struct fixture *f = *state;

	tcp(f);
	buffers(f, 2, true);
	ask_to_receive(f, 16, false);
	ask_to_hear(f, 24, f->again, 0);
	turn(f, 0);
	for (uint32_t i = 0; i < 3; i++) {
		say(f, 7);
		turn(f, 1000);
		expect(f, 16, 7, buffer_flags(0) | DEVMEM_CQE_F_BUF_MORE | IORING_CQE_F_MORE);
		expect_rest(f);
		send_zerocopy(f, 1000);
		turn_until_told(f);
		expect_notice(f, 24, i);
		ask_to_hear(f, 24, f->again, 0);
		expect_rest(f);
	}
	ask_to_hear(f, 32, f->near, 0);
	turn(f, 0);
	expect(f, 32, -EBUSY, 0); /* not by the same descriptor */
}

/* ------------------------------------------------------------------------------ everything else */

static void a_read_and_a_poll_complete_once(void **state)
{
	struct fixture *f = *state;
	uint64_t value = 0, two = 2;
	int fd = eventfd(0, EFD_CLOEXEC);
	struct io_uring_sqe *sqe = request(f, 0);

	io_uring_prep_read(sqe, fd, &value, sizeof(value), 0);
	sqe->user_data = 16;
	sqe = request(f, 0);
	io_uring_prep_poll_add(sqe, f->near, POLLIN);
	sqe->user_data = 24;
	turn(f, 0);
	assert_null(next(f));
	assert_int_equal(write(fd, &two, sizeof(two)), sizeof(two));
	turn(f, 1000);
	expect(f, 16, sizeof(value), 0);
	assert_int_equal(value, 2);
	say(f, 1);
	turn(f, 1000);
	expect(f, 24, POLLIN, 0);
	turn(f, 0);
	assert_null(next(f)); /* the byte is still there, nobody asks for it */
	close(fd);
}

static void a_file_is_always_ready(void **state)
{
	struct fixture *f = *state;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct io_uring_sqe *sqe = request(f, 0);

	io_uring_prep_poll_add(sqe, fd, POLLIN);
	sqe->user_data = 16;
	turn(f, 0);
	expect(f, 16, POLLIN, 0);
	close(fd);
}

static void a_timeout_rings_once(void **state)
{
	struct fixture *f = *state;
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct io_uring_sqe *sqe = request(f, 0);

	io_uring_prep_timeout(sqe, &ts, 0, 0);
	sqe->user_data = 16;
	/* for ever, but for that */
	assert_int_equal(devmem__syscall_ring_enter(f->calls, NULL, 0), 0);
	expect(f, 16, -ETIME, 0);
	turn(f, 5);
	assert_null(next(f));
}

/* Who cannot take those that are there waits for another one. */
static void what_is_there_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct io_uring_sqe *sqe = request(f, 0);

	io_uring_prep_poll_add(sqe, fd, POLLIN);
	sqe->user_data = 16;
	sqe = request(f, 0);
	io_uring_prep_timeout(sqe, &ts, 0, 0);
	sqe->user_data = 24;
	assert_int_equal(devmem__syscall_ring_enter(f->calls, NULL, 1), 0);
	expect(f, 16, POLLIN, 0);
	expect(f, 24, -ETIME, 0);
	close(fd);
}

static void canceled(void **state)
{
	struct fixture *f = *state;
	struct io_uring_sqe *sqe;

	buffers(f, 1, true);
	ask_to_receive(f, 16, false);
	turn(f, 0);
	sqe = request(f, 0);
	io_uring_prep_cancel64(sqe, 16, 0);
	sqe->user_data = 24;
	sqe = request(f, 0);
	io_uring_prep_cancel64(sqe, 16, 0);
	sqe->user_data = 32;
	turn(f, 0);
	expect(f, 16, -ECANCELED, 0);
	expect(f, 24, 0, 0);
	expect(f, 32, -ENOENT, 0);
	say(f, 1);
	turn(f, 0);
	assert_null(next(f));
	ask_to_receive(f, 40, false); /* the descriptor is free again */
	turn(f, 1000);
	expect(f, 40, 1, buffer_flags(0) | DEVMEM_CQE_F_BUF_MORE | IORING_CQE_F_MORE);
	devmem__syscall_ring_cancel_all(f->calls);
	expect(f, 40, -ECANCELED, 0);
}

static void ask_for_option(struct fixture *f, uint64_t user_data, int name, const int *value)
{
	const uint32_t level_and_name[2] = { SOL_SOCKET, (uint32_t)name };
	struct io_uring_sqe *sqe = request(f, user_data);

	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = f->near;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	memcpy(&sqe->addr, level_and_name, sizeof(level_and_name));
	sqe->splice_fd_in = sizeof(*value);
	sqe->addr3 = (uintptr_t)value;
}

static void a_socket_option_completes_only_if_it_fails(void **state)
{
	struct fixture *f = *state;
	const int mark = 100;
	int value = 0;
	socklen_t len = sizeof(value);

	ask_for_option(f, 16, SO_RCVLOWAT, &mark);
	ask_for_option(f, 24, 9999, &mark);
	turn(f, 0);
	expect(f, 24, -ENOPROTOOPT, 0);
	assert_null(next(f));
	assert_int_equal(getsockopt(f->near, SOL_SOCKET, SO_RCVLOWAT, &value, &len), 0);
	assert_int_equal(value, mark);
}

/* More connections have something in their error queues than there is room for; of each the kernel
 * tells once. */
static void a_full_queue_holds_up_notifications(void **state)
{
	struct fixture *f = *state;
	struct fixture other[8] = { 0 };
	unsigned int seen = 0;
	char byte = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(other); i++) {
		struct io_uring_sqe *sqe = request(f, 0);

		other[i].near = other[i].far = -1;
		tcp(&other[i]);
		other[i].err_msg =
			(struct msghdr){ .msg_control = other[i].err_control,
					 .msg_controllen = sizeof(other[i].err_control) };
		io_uring_prep_recvmsg(sqe, other[i].again, &other[i].err_msg, MSG_ERRQUEUE);
		sqe->user_data = 16;
		turn(f, 0);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(other); i++)
		assert_int_equal(send(other[i].near, &byte, 1, MSG_ZEROCOPY), 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(other); i++)
		assert_int_equal(poll(&(struct pollfd){ .fd = other[i].near }, 1, 1000), 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(other); i++) {
		turn(f, 0);
		while (next(f))
			seen++;
	}
	assert_int_equal(seen, ARRAY_SIZE(other));
	for (unsigned int i = 0; i < ARRAY_SIZE(other); i++) {
		close(other[i].near);
		close(other[i].again);
		close(other[i].far);
	}
}

/* Completions that nobody takes hold up what makes more of them; nothing is lost. */
static void a_full_queue_holds_up(void **state)
{
	struct fixture *f = *state;
	const int value = 1;
	unsigned int seen = 0, queued;

	for (int i = 0; i < 8; i++)
		ask_for_option(f, 16, 9999, &value);
	turn(f, 0);
	queued = f->io.sq.sqe_tail - *f->io.sq.khead;
	assert_in_range(queued, 1, 7);
	assert_int_equal(devmem__syscall_ring_submit(f->calls), -EBUSY);
	for (int i = 0; i < 8; i++) {
		while (next(f))
			seen++;
		turn(f, 0);
	}
	assert_int_equal(seen, 8);
	assert_int_equal(f->io.sq.sqe_tail, *f->io.sq.khead);
}

/* One byte for each receive, more of them than there is room for. */
static void a_full_queue_holds_up_a_stream(void **state)
{
	struct fixture *f = *state;
	unsigned int bytes = 0;

	buffers(f, 1, true);
	ask_to_receive(f, 16, false);
	for (unsigned int i = 0; i < 40; i++) {
		say(f, 1);
		turn(f, 0);
	}
	for (int i = 0; i < 20; i++) {
		const struct io_uring_cqe *cqe;

		while ((cqe = next(f))) {
			assert_true(cqe->res > 0);
			bytes += (unsigned int)cqe->res;
		}
		turn(f, 0);
	}
	assert_int_equal(bytes, 40);
}

static void system_calls_are_counted(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	buffers(f, 1, true);
	ask_to_receive(f, 16, false);
	turn(f, 0);
	before = devmem__syscall_ring_made(f->calls);
	say(f, 7);
	turn(f, 1000);
	/* ppoll, epoll_wait, recv */
	assert_int_equal(devmem__syscall_ring_made(f->calls) - before, 3);
}

static void the_descriptor_is_readable_when_something_has_happened(void **state)
{
	struct fixture *f = *state;
	struct pollfd p = { .fd = devmem__syscall_ring_fd(f->calls), .events = POLLIN };

	buffers(f, 1, true);
	ask_to_receive(f, 16, false);
	assert_int_equal(devmem__syscall_ring_submit(f->calls), 1);
	assert_int_equal(poll(&p, 1, 0), 0);
	say(f, 1);
	assert_int_equal(poll(&p, 1, 1000), 1);
	turn(f, 0);
	assert_int_equal(poll(&p, 1, 0), 0);
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, set_up_small, tear_down)

/* -------------------------------------------------------------------------------- epoll refuses */

static const struct io_uring_cqe *await_next(struct fixture *f)
{
	const struct io_uring_cqe *cqe = next(f);

	for (int i = 0; !cqe && i < 100; i++) {
		turn(f, 100);
		cqe = next(f);
	}
	return cqe;
}

/* What it does not take is looked at, and taken by it later. */
static void what_epoll_does_not_take(void **state)
{
	const int errors[] = { ENOSPC, ENOMEM };
	struct fixture *f = *state;
	struct io_uring_sqe *sqe;
	uint64_t value, one = 1;
	int event = eventfd(0, EFD_CLOEXEC);

	buffers(f, 4, true);
	for (unsigned int i = 0; i < 2; i++) {
		refusal = errors[i];
		ask_to_receive(f, 16, false);
		sqe = request(f, 24);
		io_uring_prep_read(sqe, event, &value, sizeof(value), 0);
		sqe->user_data = 24;
		turn(f, 0);
		turn(f, 15);
		assert_null(next(f)); /* nothing has happened, and nothing failed */
		say(f, 7);
		assert_int_equal(await_next(f)->user_data, 16);
		assert_int_equal(write(event, &one, sizeof(one)), sizeof(one));
		assert_int_equal(await_next(f)->user_data, 24);
		refusal = 0;
		turn(f, 0);
		say(f, 7);
		assert_int_equal(await_next(f)->user_data, 16);
		io_uring_prep_cancel64(sqe = request(f, 0), 16, 0);
		sqe->user_data = 32;
		turn(f, 0);
		expect(f, 16, -ECANCELED, 0);
		expect(f, 32, 0, 0);
	}
	close(event);
}

/* Who sleeps on the descriptor is woken, too. */
static void the_descriptor_tells_of_what_epoll_does_not_take(void **state)
{
	struct fixture *f = *state;
	struct pollfd p = { .fd = devmem__syscall_ring_fd(f->calls), .events = POLLIN };
	const struct io_uring_cqe *cqe = NULL;

	buffers(f, 4, true);
	refusal = ENOSPC;
	ask_to_receive(f, 16, false);
	turn(f, 0);
	say(f, 7);
	for (int i = 0; !cqe && i < 10; i++) {
		assert_int_equal(poll(&p, 1, 5000), 1);
		turn(f, 0);
		cqe = next(f);
	}
	assert_non_null(cqe);
	assert_int_equal(cqe->res, 7);
}

/* A wait that is not to wait returns, and one that is to be woken is. */
static void a_ring_that_epoll_takes_nothing_of(void **state)
{
	struct devmem_event ev[4];
	struct devmem_ring *ring;

	(void)state;
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "syscall"),
					  &ring),
			 0);
	refusal = ENOSPC;
	for (int i = 0; i < 3; i++)
		assert_int_equal(devmem_wait(ring, ev, 4, 0), 0);
	assert_int_equal(devmem_wait(ring, ev, 4, 15), 0);
	devmem_wake(ring);
	assert_int_equal(devmem_wait(ring, ev, 4, 5000), 1);
	assert_int_equal(ev[0].type, DEVMEM_EVENT_WOKEN);
	refusal = 0;
	devmem_ring_close(ring);
}

/* ---------------------------------------------------------------------------------- interrupted */

static void nothing(int signal)
{
	(void)signal;
}

static void a_signal_ends_a_wait(void **state)
{
	const struct sigaction handler = { .sa_handler = nothing };
	const struct itimerval soon = { .it_value.tv_usec = 20000 }, never = { 0 };
	const struct __kernel_timespec minute = { .tv_sec = 60 };
	struct fixture *f = *state;
	struct sigaction before;

	sigaction(SIGALRM, &handler, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(devmem__syscall_ring_enter(f->calls, &minute, 0), -EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
}

/* The kernel takes an io_uring away a moment after it is closed, and interrupts the thread that had
 * it. */
static void the_end_of_an_io_uring_is_no_signal(void **state)
{
	const struct __kernel_timespec ts = { .tv_nsec = 5000000 };
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++) {
		devmem_feature("io_uring");
		assert_int_equal(devmem__syscall_ring_enter(f->calls, &ts, 0), -ETIME);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_receive_fills_a_buffer_bit_by_bit),
		TEST(each_receive_uses_a_buffer_up),
		TEST(the_end_of_a_stream),
		TEST(a_message_is_laid_out_as_the_kernel_does),
		TEST(control_data_is_passed_on),
		TEST(what_cannot_be_begun),
		TEST(a_message_is_sent_at_once),
		TEST(what_cannot_be_sent_says_why),
		TEST(a_notification_is_waited_for),
		TEST(a_notification_that_is_there_completes_at_once),
		TEST(a_wait_for_a_notification_is_canceled),
		TEST(the_peers_end_is_no_notification),
		TEST(a_reset_is_no_notification),
		TEST(notifications_and_a_stream_are_received_side_by_side),
		TEST(a_read_and_a_poll_complete_once),
		TEST(a_file_is_always_ready),
		TEST(a_timeout_rings_once),
		TEST(what_is_there_is_not_waited_for),
		TEST(canceled),
		TEST(a_socket_option_completes_only_if_it_fails),
		SMALL(a_full_queue_holds_up_notifications),
		SMALL(a_full_queue_holds_up),
		SMALL(a_full_queue_holds_up_a_stream),
		TEST(system_calls_are_counted),
		TEST(the_descriptor_is_readable_when_something_has_happened),
		TEST(what_epoll_does_not_take),
		TEST(the_descriptor_tells_of_what_epoll_does_not_take),
		cmocka_unit_test(a_ring_that_epoll_takes_nothing_of),
		TEST(a_signal_ends_a_wait),
		TEST(the_end_of_an_io_uring_is_no_signal),
	};

	return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
