// SPDX-License-Identifier: MIT
/*
 * Which engine it is and why: every engine of a ring with every engine of a binding, each refusal
 * with its errno and sentence; and sockets without a binding beside a bound one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB (1u << 20)

/* ---------------------------------------------------------------------------------------- names */

static void names_that_are_none(void **state)
{
	struct devmem_ring *ring = (void *)1;
	struct devmem_binding *binding = (void *)1;
	struct devmem_buffer *buffer = lab_buffer(4 * MIB);
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "fast"), &ring),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "devmem, zcrx, copy and syscall"));
	assert_int_equal(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = ""),
					&binding),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "devmem, zcrx, copy and syscall"));
	assert_int_equal(devmem_bind_rx(nic, buffer,
					DEVMEM_OPTS(devmem_bind_opts, .engine = "zcrx",
						    .queues = 2),
					&binding),
			 -EINVAL);
	assert_non_null(strstr(devmem_error(), "one queue"));
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "syscall",
						      .busy_poll_us = 10),
					  &ring),
			 -ENOSYS);
	assert_non_null(strstr(devmem_error(), "busy"));
	assert_int_equal(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .refill_entries = 40000),
					  &ring),
			 -EINVAL);
	assert_ptr_equal(ring, (void *)1);
	assert_ptr_equal(binding, (void *)1);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

/* ----------------------------------------------------------------------------------- every pair */

static const char *const ring_engines[] = { NULL, "devmem", "zcrx", "copy", "syscall" };
/* NULL: no binding */
static const char *const binding_engines[] = { "devmem", "zcrx", "copy", NULL };

/* What it is called when both go together; NULL: they do not. */
static const char *together(const char *ring, const char *binding)
{
	const char *way = binding ? binding : "copy";

	if (!ring)
		return strcmp(way, "zcrx") ? way : NULL;
	if (!strcmp(ring, "syscall"))
		return strcmp(way, "zcrx") ? ring : NULL;
	return strcmp(ring, way) ? NULL : way;
}

/* What the refusal has to name: what to do about it, or both. */
static void check_refusal(const char *ring, const char *binding)
{
	const char *why = devmem_error();

	if (binding && !strcmp(binding, "zcrx")) {
		assert_non_null(strstr(why, "with engine zcrx too"));
		return;
	}
	assert_non_null(strstr(why, ring));
	assert_non_null(strstr(why, binding ? binding : "the socket has no binding"));
}

static void attach(const char *ring_engine, const char *binding_engine,
		   struct devmem_binding *binding, int fd)
{
	const char *name = together(ring_engine, binding_engine), *reason;
	struct devmem_sock *sock = (void *)1;
	struct devmem_ring *ring;
	struct devmem_stats st;
	int err;

	ok(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = ring_engine), &ring));
	err = devmem_attach(ring, fd, binding, 0, NULL, &sock);
	print_message("ring %s, binding %s: %s\n", ring_engine ? ring_engine : "any",
		      binding_engine ? binding_engine : "none",
		      err ? devmem_error() : devmem_ring_engine(ring, NULL));
	if (!name) {
		assert_int_equal(err, -EOPNOTSUPP);
		check_refusal(ring_engine ? ring_engine : "", binding_engine);
		assert_ptr_equal(sock, (void *)1);
	} else {
		assert_int_equal(err, 0);
		st = lab_stats(ring);
		assert_string_equal(devmem_ring_engine(ring, &reason), name);
		assert_string_equal(st.engine, name);
		assert_string_equal(st.engine_reason, reason);
		assert_true(strlen(reason) > 10);
	}
	devmem_ring_close(ring);
}

static void every_engine_of_a_ring_with_every_engine_of_a_binding(void **state)
{
	int listener = lab_listen(PORT);

	(void)state;
	for (int b = 0; b < 4; b++) {
		const char *engine = binding_engines[b];
		struct lab_pair pair = { .far = lab_dial(PORT, b % 2) };
		struct devmem_buffer *buffer = lab_buffer(4 * MIB);
		struct devmem_binding *binding = NULL;
		struct devmem_nic *nic;

		pair.near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ok(devmem_nic_open(NIC, NULL, &nic));
		if (engine) {
			ok(devmem_bind_rx(nic, buffer,
					  DEVMEM_OPTS(devmem_bind_opts, .engine = engine),
					  &binding));
			assert_string_equal(devmem_binding_engine(binding, NULL), engine);
		}
		for (int r = 0; r < 5; r++)
			attach(ring_engines[r], engine, binding, pair.near);
		devmem_binding_close(binding);
		ok(devmem_nic_close(nic));
		devmem_buffer_close(buffer);
		close(pair.near);
		close(pair.far);
	}
	close(listener);
}

/* "syscall" says something of the ring: a binding that is asked for with it is the best that can
 * be. */
static void a_binding_for_system_calls_is_bound(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(4 * MIB);
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "syscall"),
			  &binding));
	assert_string_equal(devmem_binding_engine(binding, NULL), "devmem");
	assert_true(devmem_binding_id(binding) > 0);
	assert_int_equal(devmem_binding_queues(binding, NULL, 0), 1);
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

/* Copying touches nothing of the NIC, and steering has nothing to do. */
static void a_copying_binding_leaves_the_nic_alone(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct devmem_buffer *buffer = lab_buffer(4 * MIB);
	struct devmem_binding *binding;
	const char *reason;
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "copy", .queues = 2),
			  &binding));
	ok(devmem_steer(binding, (struct sockaddr *)&v4, NULL));
	ok(devmem_unsteer(binding, (struct sockaddr *)&v4, NULL));
	assert_true(lab_as_before());
	assert_string_equal(devmem_binding_engine(binding, &reason), "copy");
	assert_non_null(strstr(reason, "asked for"));
	assert_int_equal(devmem_binding_queues(binding, NULL, 0), 0);
	assert_int_equal(devmem_binding_id(binding), 0);
	assert_int_equal(devmem_binding_page_size(binding, &reason), 0);
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

/* ---------------------------------------------------------------------------- without a binding */

static void beside_a_bound_one(const char *engine)
{
	struct devmem_ring *ring;
	struct lab_stream stream[3];
	struct lab_sender *sender[3];
	struct lab_pair pair[3];
	struct devmem_stats st;
	struct lab lab;

	ok(devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = engine), &ring));
	lab_open(&lab, 8 * MIB, 1);
	for (int i = 0; i < 3; i++)
		stream[i] = (struct lab_stream){ .lab = &lab };
	pair[0] = lab_connect(&lab, false);
	ok(devmem_attach(ring, pair[0].near, lab.binding, (uintptr_t)&stream[0], NULL,
			 &stream[0].sock));
	/* their bytes must not come through the bound queue: there they could not be copied */
	close(lab.listener);
	lab.listener = lab_listen(PORT + 7);
	for (int i = 1; i < 3; i++) {
		pair[i].far = lab_dial(PORT + 7, i % 2);
		pair[i].near = accept4(lab.listener, NULL, NULL, SOCK_CLOEXEC);
		ok(devmem_attach(ring, pair[i].near, NULL, (uintptr_t)&stream[i], NULL,
				 &stream[i].sock));
	}
	for (int i = 0; i < 3; i++)
		sender[i] = lab_send(pair[i].far, 4 * MIB, 0, true);
	assert_true(lab_drain(ring, &lab, stream, 3));
	for (int i = 0; i < 3; i++) {
		assert_true(lab_sent(sender[i]));
		assert_int_equal(stream[i].error, 0);
		assert_int_equal(i ? stream[i].host : stream[i].device, 4 * MIB);
		devmem_detach(stream[i].sock);
		close(pair[i].near);
		close(pair[i].far);
	}
	lab_settle(ring);
	st = lab_stats(ring);
	assert_int_equal(st.bytes_device, 4 * MIB);
	assert_int_equal(st.bytes_plain, 2 * 4 * MIB);
	assert_int_equal(st.tokens_released, st.fragments);
	devmem_ring_close(ring);
	lab_close(&lab);
}

static void sockets_without_a_binding_beside_a_bound_one(void **state)
{
	(void)state;
	beside_a_bound_one(NULL);
	beside_a_bound_one("syscall");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(names_that_are_none),
		LAB_TEST(every_engine_of_a_ring_with_every_engine_of_a_binding),
		LAB_TEST(a_binding_for_system_calls_is_bound),
		LAB_TEST(a_copying_binding_leaves_the_nic_alone),
		LAB_TEST(sockets_without_a_binding_beside_a_bound_one),
	};

	lab_begin(argc, argv);
	return lab_run("engines", tests, NULL, NULL);
}
