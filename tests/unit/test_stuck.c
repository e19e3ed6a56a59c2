// SPDX-License-Identifier: MIT
/* Requests that a ring cannot hand in for now: sockets that are let go meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devmem/admin.h"
#include "unit.h"

#define MANY  60u
#define PAIRS 8u
#define FEW   8u /* entries of a ring: it has room for as many times as many completions */

/* ---------------------------------------------------------------------------- memory is refused */

static bool refused;
/* a descriptor: once nobody has it memory is there again, and a stranger gets it. -1: none */
static int number;
static int stranger[PAIRS][2];
static unsigned int strangers;

static void take_number(void)
{
	if (number < 0 || fcntl(number, F_GETFD) >= 0)
		return;
	do /* the lowest ones that are free */
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
					    stranger[strangers]),
				 0);
	while (stranger[strangers][0] != number && stranger[strangers++][1] != number &&
	       strangers < PAIRS);
	number = -1;
	refused = false;
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);

/* In the place of the C library's, for the library and this program. */
void *__wrap_malloc(size_t bytes)
{
	if (refused)
		take_number();
	return refused ? NULL : __real_malloc(bytes);
}

/* ---------------------------------------------------------------------------------- connections */

struct pair {
	int near, far;
	struct devmem_sock *sock;
};

static struct pair connected(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pair p = { .far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(p.far, (struct sockaddr *)&address, len), 0);
	p.near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p.near >= 0);
	close(listener);
	return p;
}

static struct pair attached(struct devmem_ring *ring)
{
	struct pair p = connected();

	assert_int_equal(devmem_attach(ring, p.near, NULL, 0, NULL, &p.sock), 0);
	return p;
}

static void disconnect(const struct pair *p)
{
	close(p->near);
	close(p->far);
}

static int lowest_number(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

/* ---------------------------------------------------------------------------------------- tests */

/* What it was to send must not leave by the descriptor of somebody else, out of memory that is
 * free. */
static void a_send_of_a_socket_that_is_gone(void **state)
{
	struct devmem_range range = { .length = 1000 };
	struct devmem_binding *binding;
	struct devmem_buffer *buffer;
	struct devmem_event ev[FEW];
	struct devmem_ring *ring;
	struct pair first, second;
	int event = eventfd(0, EFD_CLOEXEC), its_own;
	char byte;

	(void)state;
	assert_int_equal(devmem_buffer_create("shm", 1 << 20, NULL, &buffer), 0);
	assert_int_equal(devmem_bind_tx("lo", buffer, NULL, &binding), 0);
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "syscall"),
					  &ring),
			 0);
	first = attached(ring);
	second = attached(ring);
	assert_int_equal(devmem_wait(ring, ev, FEW, 0), 0);
	its_own = lowest_number();
	assert_int_equal(devmem_send(first.sock, binding, &range, 1, 0), 0);
	/* by system calls a socket that sends has two */
	assert_true(fcntl(its_own, F_GETFD) >= 0);
	while (devmem_wait(ring, ev, FEW, 1000) != 1)
		;
	assert_int_equal(ev[0].type, DEVMEM_EVENT_SENT);
	assert_int_equal(ev[0].result, range.length);

	assert_int_equal(devmem_watch(ring, event, 0), 0);
	refused = true;
	/* it is not watched, and what is behind that waits */
	assert_int_equal(devmem_wait(ring, ev, FEW, 0), -ENOMEM);
	refused = false;
	assert_int_equal(devmem_send(first.sock, binding, &range, 1, 0), 0);
	refused = true;
	assert_int_equal(devmem_wait(ring, ev, FEW, 0), -ENOMEM);
	devmem_detach(first.sock);
	number = its_own;
	devmem_ring_close(ring);
	take_number(); /* in case that nobody asked for memory */
	refused = false;
	assert_int_equal(number, -1);
	for (unsigned int i = 0; i < 2 * PAIRS; i++) {
		if (!stranger[i / 2][i % 2])
			continue;
		assert_int_equal(recv(stranger[i / 2][i % 2], &byte, 1, MSG_DONTWAIT), -1);
		assert_int_equal(errno, EAGAIN);
	}
	for (unsigned int i = 0; i < 2 * PAIRS; i++)
		if (stranger[i / 2][i % 2])
			close(stranger[i / 2][i % 2]);
	close(event);
	disconnect(&first);
	disconnect(&second);
	devmem_binding_close(binding);
	devmem_buffer_close(buffer);
}

/* So many that requests to cancel their receives find no room at first: all of them are
 * cancelled. */
static void let_go_all_at_once(const char *engine)
{
	struct devmem_event ev[FEW];
	struct pair pair[MANY];
	struct devmem_ring *ring;
	char byte = 'x';

	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = engine,
						      .entries = FEW),
					  &ring),
			 0);
	for (unsigned int i = 0; i < MANY; i++)
		pair[i] = attached(ring);
	assert_int_equal(devmem_wait(ring, ev, FEW, 20), 0);
	for (unsigned int i = 0; i < MANY; i++)
		devmem_detach(pair[i].sock);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(devmem_wait(ring, ev, FEW, 0), 0);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(send(pair[i].far, &byte, 1, 0), 1);
	assert_int_equal(devmem_wait(ring, ev, FEW, 20), 0);
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(recv(pair[i].near, &byte, 1, MSG_DONTWAIT), 1);
		disconnect(&pair[i]);
	}
	devmem_ring_close(ring);
}

static void let_go_all_at_once_by_system_calls(void **state)
{
	(void)state;
	let_go_all_at_once("syscall");
}

static void let_go_all_at_once_by_io_uring(void **state)
{
	(void)state;
	if (devmem_feature("io_uring") != 1) {
		print_message("needs an io_uring: %s\n", devmem_error());
		skip();
	}
	let_go_all_at_once("copy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_send_of_a_socket_that_is_gone),
		cmocka_unit_test(let_go_all_at_once_by_system_calls),
		cmocka_unit_test(let_go_all_at_once_by_io_uring),
	};

	number = -1;
	return cmocka_run_group_tests_name("stuck", tests, NULL, NULL);
}
