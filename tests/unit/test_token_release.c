// SPDX-License-Identifier: MIT
/* Batches of tokens whose release fails, on a ring without room to say so. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recv/token_release.h"
#include "unit.h"

static int connection(int *far)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), near;
	socklen_t len = sizeof(a);

	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	*far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*far, (struct sockaddr *)&a, sizeof(a)), 0);
	near = accept(listener, NULL, NULL);
	assert_true(near >= 0);
	close(listener);
	return near;
}

/* Completions that nothing waits for, as many as there is room for. */
static void fill(struct devmem_ring *ring)
{
	for (unsigned int i = 0; i < ring->uring.io.cq.ring_entries; i++) {
		struct io_uring_sqe *sqe = devmem__uring_sqe(&ring->uring, DEVMEM__CQE_OTHER, NULL);

		assert_non_null(sqe);
		io_uring_prep_nop(sqe);
		sqe->user_data = DEVMEM__CQE_OTHER;
	}
	assert_true(devmem__uring_submit(&ring->uring) >= 0);
	assert_int_equal(io_uring_cq_ready(&ring->uring.io), ring->uring.io.cq.ring_entries);
}

/* A token of @sock on its way back, by a request that fails: its descriptor is none. */
static void release_in_vain(struct devmem_sock *sock)
{
	const int fd = sock->fd;

	assert_int_equal(devmem__set_add(&sock->stream.out, 0, 1), 0);
	devmem__backpressure_out(sock, 1);
	sock->fd = -1;
	assert_int_equal(devmem__dontneed(sock, 0, 1), 0);
	devmem__dontneed_flush(sock->ring, true);
	assert_true(devmem__uring_submit(&sock->ring->uring) >= 0);
	sock->fd = fd;
}

static void a_failure_that_has_no_room_is_no_success(void **state)
{
	struct devmem_event ev[64];
	struct devmem_ring *ring;
	struct devmem_sock *sock;
	int near, far;

	(void)state;
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .entries = 1, .engine = "copy"), &ring))
		skip(); /* no io_uring */
	near = connection(&far);
	assert_int_equal(devmem_attach(ring, near, NULL, 0, NULL, &sock), 0);
	assert_int_equal(devmem_wait(ring, ev, 64, 0), 0);
	assert_int_equal(devmem__set_reserve(&sock->stream.out, 64), 0);
	fill(ring);
	release_in_vain(sock);
	assert_true(io_uring_cq_has_overflow(&ring->uring.io));
	assert_int_equal(sock->tokens.batches_in_flight, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(devmem_wait(ring, ev, 64, 10), 0);
	assert_int_equal(sock->tokens.batches_in_flight, 0);
	/* by system call, where the kernel knows it */
	assert_true(ring->stats.release_operations <= 1);
	devmem_ring_close(ring);
	close(near);
	close(far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_that_has_no_room_is_no_success),
	};

	return cmocka_run_group_tests_name("dontneed", tests, NULL, NULL);
}
