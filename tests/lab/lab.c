// SPDX-License-Identifier: MIT
/* The engine that a run is for, and everything from a buffer to a ring. */
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lab.h"

#define NOBODY	65534
#define SKIPPED 77

int lab_ok(int result, const char *what, const char *file, int line)
{
	if (result < 0) {
		print_error("%s: %s\n", what, devmem_error());
		_fail(file, line);
	}
	return result;
}

/* -------------------------------------------------------------------------------------- engines */

static bool on_loopback(void)
{
	return !strcmp(NIC, "lo");
}

const char *lab_engine(void)
{
	const char *name = getenv("DEVMEM_TEST_ENGINE");

	return name && *name ? name : on_loopback() ? "copy" : "devmem";
}

bool lab_in(const char *where)
{
	return !strcmp(where, "lo") ? on_loopback() : !strcmp(where, lab_engine());
}

bool lab_copies(void)
{
	return lab_in("copy") || (lab_in("syscall") && on_loopback());
}

bool lab_tokens(void)
{
	return !lab_copies() && !lab_in("zcrx");
}

/* What else than the engine says what can be had. */
static const char *where(void)
{
	return on_loopback() ? " on lo" : lab_nic_is("labnic") ? "" : " on gve";
}

void lab_name_case(const char *test, const char *reason)
{
	print_message("cannot  %s%s  %s: %s\n", lab_engine(), where(), test, reason);
	skip();
}

/* What is tested on loopback is tested as it is used there: by somebody who may do nothing. */
static void drop_privileges(void)
{
	if (geteuid())
		return;
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY)) {
		perror("privileges cannot be dropped");
		exit(1);
	}
	prctl(PR_SET_DUMPABLE, 1); /* /proc/self is ours again */
}

/* A machine without io_uring (a container's policy) has only one of the two engines. */
static void need_engine(void)
{
	struct devmem_ring *ring;
	int err = devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = lab_engine()), &ring);

	if (!err)
		devmem_ring_close(ring);
	if (err != -EPERM && err != -ENOSYS)
		return;
	printf("cannot  %s on lo  anything: %s\n", lab_engine(), devmem_error());
	exit(SKIPPED);
}

/* The library keeps a page for as long as the process lives, from its first object on: that is
 * nothing that a test leaves. */
static void have_first_object(void)
{
	struct devmem_buffer *buffer;

	if (!devmem_buffer_create("shm", 65536, NULL, &buffer))
		devmem_buffer_close(buffer);
}

void lab_begin(int argc, char **argv)
{
	have_first_object();
	if (argc > 1)
		lab_choose_tests(argv[1]);
	if (!on_loopback()) {
		printf("engine %s on %s\n", lab_engine(), lab_nic_driver());
		return;
	}
	drop_privileges();
	need_engine();
	printf("engine %s on loopback, as user %u\n", lab_engine(), geteuid());
}

void lab_tell_cases(unsigned int cases)
{
	printf("%u cases that %s%s cannot have\n", cases, lab_engine(), where());
}

/* --------------------------------------------------------------------------------------- set-up */

int lab_listen(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 1024), 0);
	return fd;
}

uint16_t lab_port(int listener)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin6_port);
}

struct devmem_buffer *lab_buffer(size_t bytes)
{
	struct devmem_buffer *buffer;

	ok(devmem_buffer_create(on_loopback() ? NULL : "udmabuf", bytes, NULL, &buffer));
	return buffer;
}

void *lab_view(struct devmem_buffer *buffer)
{
	void *memory;

	if (devmem_buffer_map(buffer, &memory) == 0)
		return memory;
	memory = mmap(NULL, devmem_buffer_size(buffer), PROT_READ | PROT_WRITE, MAP_SHARED,
		      devmem_buffer_fd(buffer), 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

void lab_unview(struct devmem_buffer *buffer, void *memory)
{
	void *own;

	if (devmem_buffer_map(buffer, &own))
		munmap(memory, devmem_buffer_size(buffer));
}

struct devmem_binding *lab_bind(struct devmem_nic *nic, struct devmem_buffer *buffer,
				unsigned int queues, const uint32_t *queue_list)
{
	struct devmem_bind_opts o = {
		.size = sizeof(o),
		.queues = lab_in("zcrx") ? 1 : queues,
		.queue_list = queue_list,
		.engine = lab_engine(),
	};
	struct devmem_binding *binding;

	ok(devmem_bind_rx(nic, buffer, &o, &binding));
	assert_string_equal(devmem_binding_engine(binding, NULL), lab_copies()	   ? "copy"
								  : lab_in("zcrx") ? "zcrx"
										   : "devmem");
	return binding;
}

unsigned int lab_queues_for(unsigned int queues, unsigned int connections)
{
	return connections <= LAB_RULES || lab_nic_can("contexts") ? queues : 1;
}

static bool steers_each(const struct devmem_binding *binding)
{
	return devmem_binding_queues(binding, NULL, 0) > 1 && !lab_nic_can("contexts");
}

union any {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union any any_address(uint16_t port, bool ipv6)
{
	return ipv6 ? (union any){ .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } }
		    : (union any){ .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };
}

int lab_make_rule(struct devmem_binding *binding, uint16_t port, bool ipv6)
{
	const union any any = any_address(port, ipv6);

	/* its peer: anybody, from one port */
	return devmem_steer(binding, &any.sa, steers_each(binding) ? &any.sa : NULL);
}

int lab_take_rule_back(struct devmem_binding *binding, uint16_t port, bool ipv6)
{
	const union any any = any_address(port, ipv6);

	return devmem_unsteer(binding, &any.sa, steers_each(binding) ? &any.sa : NULL);
}

/* Who accepts connections steers them: all that come to the port, or each by itself. */
static void steer_port(struct lab *lab)
{
	lab->steers_each = steers_each(lab->binding);
	if (lab->steers_each)
		return;
	ok(lab_make_rule(lab->binding, lab->port, false));
	ok(lab_make_rule(lab->binding, lab->port, true));
}

void lab_steer(const struct lab *lab, int near)
{
	struct sockaddr_storage local, peer;
	socklen_t len = sizeof(local);

	if (!lab->steers_each)
		return;
	assert_int_equal(getsockname(near, (struct sockaddr *)&local, &len), 0);
	len = sizeof(peer);
	assert_int_equal(getpeername(near, (struct sockaddr *)&peer, &len), 0);
	ok(devmem_steer(lab->binding, (struct sockaddr *)&local, (struct sockaddr *)&peer));
}

void lab_open_as(struct lab *lab, const struct lab_opts *o)
{
	memset(lab, 0, sizeof(*lab));
	lab->listener = lab_listen(on_loopback() ? 0 : o->port ? o->port : PORT);
	lab->port = lab_port(lab->listener);
	lab->nic = o->nic;
	lab->nic_shared = o->nic;
	lab->buffer = o->buffer ? o->buffer : lab_buffer(o->bytes);
	lab->buffer_shared = o->buffer;
	lab->memory = lab_view(lab->buffer);
	if (!lab->nic)
		ok(devmem_nic_open(NIC, NULL, &lab->nic));
	lab->binding = lab_bind(lab->nic, lab->buffer, o->queues, o->queue_list);
	steer_port(lab);
}

void lab_open(struct lab *lab, size_t buffer_bytes, unsigned int queues)
{
	lab_open_as(lab, &(struct lab_opts){ .bytes = buffer_bytes, .queues = queues });
}

void lab_close(struct lab *lab)
{
	close(lab->listener);
	devmem_binding_close(lab->binding);
	if (!lab->nic_shared)
		ok(devmem_nic_close(lab->nic));
	lab_unview(lab->buffer, lab->memory);
	if (!lab->buffer_shared)
		devmem_buffer_close(lab->buffer);
}

int lab_set_up(void **state)
{
	static const uint32_t queue = 1;
	struct lab *lab = malloc(sizeof(*lab));

	lab_open_as(lab,
		    &(struct lab_opts){ .bytes = 32 << 20, .queues = 1, .queue_list = &queue });
	*state = lab;
	return 0;
}

int lab_tear_down(void **state)
{
	lab_faults_off();
	lab_close(*state);
	free(*state);
	return 0;
}

/* ---------------------------------------------------------------------------------------- rings */

struct devmem_ring *lab_ring(const struct devmem_ring_opts *opts)
{
	struct devmem_ring_opts o = { .size = sizeof(o) };
	struct devmem_ring *ring;

	if (opts)
		o = *opts;
	if (!o.engine)
		o.engine = lab_engine();
	ok(devmem_ring_open(&o, &ring));
	return ring;
}

/* Tokens go home on the turn after the release, or the one after a tick. */
void lab_settle(struct devmem_ring *ring)
{
	struct devmem_event ev[1];

	assert_int_equal(ok(devmem_wait(ring, ev, 1, 20)), 0);
	assert_int_equal(lab_stats(ring).tokens_outstanding, 0);
}

unsigned int lab_leaked(int near)
{
	unsigned int freed = 0;

	if (!lab_tokens())
		return 0;
	for (uint32_t start = 0; start < 1u << 16; start += 1024) {
		const uint32_t run[2] = { start, 1024 };

		freed += (unsigned int)lab_ok(setsockopt(near, SOL_SOCKET,
							 80 /* SO_DEVMEM_DONTNEED */, run,
							 sizeof(run)),
					      "SO_DEVMEM_DONTNEED", __FILE__, __LINE__);
	}
	return freed;
}

struct devmem_stats lab_stats(const struct devmem_ring *ring)
{
	struct devmem_stats st = { .size = sizeof(st) };

	ok(devmem_ring_stats(ring, &st));
	return st;
}

void lab_expect_warning(const char *function)
{
	FILE *f = fopen("/dev/kmsg", "we");

	assert_non_null(f);
	fprintf(f, "lab: expected warning: %s\n", function);
	assert_int_equal(fclose(f), 0);
}

static void expect_copies(const struct devmem_stats *st)
{
	assert_int_equal(st->bytes_device, 0);
	assert_int_equal(st->bytes_linear, 0);
	assert_int_equal(st->bytes_staged, 0);
	assert_int_equal(st->bytes_placed, 0);
	assert_int_equal(st->misplaced, 0);
	assert_int_equal(st->release_operations, 0);
}

void lab_expect(const struct devmem_stats *st, uint64_t bytes, bool whole)
{
	assert_string_equal(st->engine, lab_engine());
	assert_non_null(strchr(st->engine_reason, ' '));
	assert_int_equal(st->bytes_device + st->bytes_linear + st->bytes_plain, bytes);
	assert_int_equal(st->tokens_released, st->fragments);
	assert_int_equal(st->tokens_outstanding, 0);
	if (lab_copies())
		expect_copies(st);
	else if (whole)
		assert_int_equal(st->bytes_device, bytes);
	if (whole || !lab_in("zcrx"))
		assert_int_equal(st->fallbacks, 0);
	if (lab_in("zcrx"))
		assert_int_equal(st->release_operations, 0);
	if (lab_tokens())
		assert_int_equal(!st->release_operations, !st->fragments);
	assert_true(st->enter_calls > 0);
	if (lab_in("syscall")) /* each of them took one, at least */
		assert_true(st->enter_calls >= st->completions);
}
