// SPDX-License-Identifier: MIT
/*
 * What a program does with single fragments: read bytes of them, divide them where a header or a
 * message ends, and find their buffer. Fragments in mapped memory, in memory that the processor
 * cannot map, and in host memory.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devmem/backend.h"
#include "lab.h"

#define MIB	(1u << 20)
#define PIECES	5u
#define PIECE	3u /* bytes that are sent at a time, so that each is a fragment */
#define ALL	(PIECES * PIECE)
#define MESSAGE 1000u

/* ----------------------------------------------------------- memory that nobody can map: a fake */

static bool fake_refuses;

static int fake_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		      struct devmem_memory *mem)
{
	(void)opts;
	mem->fd = memfd_create("fake", MFD_CLOEXEC);
	mem->priv = malloc(bytes);
	return mem->fd >= 0 && mem->priv ? 0 : -ENOMEM;
}

static void fake_free(struct devmem_memory *mem)
{
	free(mem->priv);
}

static int fake_copy_in(struct devmem_memory *mem, uint64_t offset, const void *from, size_t bytes)
{
	memcpy((char *)mem->priv + offset, from, bytes);
	return 0;
}

static int fake_copy_out(struct devmem_memory *mem, uint64_t offset, void *to, size_t bytes)
{
	if (fake_refuses)
		return devmem_backend_fail(EIO, "the fake refuses");
	memcpy(to, (char *)mem->priv + offset, bytes);
	return 0;
}

static const struct devmem_backend fake = {
	.size = sizeof(struct devmem_backend),
	.name = "fake",
	.alloc = fake_alloc,
	.free = fake_free,
	.copy_in = fake_copy_in,
	.copy_out = fake_copy_out,
};

/* ------------------------------------------------------------------------- what the cases share */

enum kind { DATA, HOST, UNMAPPED };

struct fragments {
	struct lab lab;
	struct devmem_binding *copying; /* UNMAPPED: the fake's */
	struct devmem_buffer *buffer;	/* of the fragments; HOST: NULL */
	struct devmem_buffer *to;	/* of gathers */
	struct devmem_ring *ring;
	struct lab_pair pair;
	struct devmem_sock *sock;
	struct devmem_event ev[64];
	unsigned int n;
	uint64_t bytes;
	unsigned int gathers;
};

/* A lab with which nothing is steered: a rule would lead the packets into device memory, where
 * nobody can copy from. */
static void open_without_a_rule(struct lab *lab)
{
	lab->listener = lab_listen(0);
	lab->port = lab_port(lab->listener);
	ok(devmem_nic_open(NIC, NULL, &lab->nic));
}

static void open_fragments(struct fragments *f, enum kind kind)
{
	memset(f, 0, sizeof(*f));
	if (kind == DATA)
		lab_open(&f->lab, 4 * MIB, 1);
	else
		open_without_a_rule(&f->lab);
	f->ring = lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = 1,
				       .engine = kind == DATA	     ? NULL
						 : lab_in("syscall") ? "syscall"
								     : "copy"));
	f->pair = lab_connect(&f->lab, false);
	f->buffer = kind == DATA ? f->lab.buffer : NULL;
	if (kind == UNMAPPED) {
		ok(devmem_buffer_create("fake", MIB, NULL, &f->buffer));
		ok(devmem_bind_rx(f->lab.nic, f->buffer, NULL, &f->copying));
		assert_string_equal(devmem_binding_engine(f->copying, NULL), "copy");
	}
	ok(devmem_attach(f->ring, f->pair.near,
			 kind == DATA	    ? f->lab.binding
			 : kind == UNMAPPED ? f->copying
					    : NULL,
			 7, NULL, &f->sock));
	ok(devmem_buffer_create("shm", MIB, NULL, &f->to));
}

/* Keeps what comes until there are @bytes. */
static void keep(struct fragments *f, uint64_t bytes)
{
	while (f->bytes < bytes) {
		int n = ok(devmem_wait(f->ring, f->ev + f->n, 64 - f->n, 5000));

		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			assert_true(f->ev[f->n].type <= DEVMEM_EVENT_HOST);
			f->bytes += f->ev[f->n++].length;
		}
	}
	assert_int_equal(f->bytes, bytes);
}

static void send_pattern(struct fragments *f, uint64_t from, size_t bytes)
{
	while (bytes) {
		size_t some;
		const unsigned char *p = pattern_at(from, bytes, &some);

		assert_int_equal(send(f->pair.far, p, some, 0), some);
		from += some;
		bytes -= some;
	}
}

static void begin(struct fragments *f, enum kind kind)
{
	open_fragments(f, kind);
	for (unsigned int i = 0; i < PIECES; i++) {
		send_pattern(f, i * PIECE, PIECE);
		keep(f, (i + 1) * PIECE);
	}
	assert_int_equal(f->n, PIECES);
}

static void end(struct fragments *f)
{
	struct devmem_stats st;

	ok(devmem_release(f->ring, f->ev, f->n));
	lab_settle(f->ring);
	st = lab_stats(f->ring);
	assert_int_equal(st.tokens_outstanding, 0);
	assert_int_equal(st.gathers_outstanding, 0);
	devmem_detach(f->sock);
	devmem_ring_close(f->ring);
	devmem_binding_close(f->copying);
	if (f->copying)
		devmem_buffer_close(f->buffer);
	devmem_buffer_close(f->to);
	lab_close_pair(f->pair);
	if (f->lab.buffer) {
		lab_close(&f->lab);
	} else {
		close(f->lab.listener);
		ok(devmem_nic_close(f->lab.nic));
	}
}

/* Gathers to the beginning of @to, and waits until that is over. Returns its result. */
static int gather(struct fragments *f, const struct devmem_event *ev, unsigned int n)
{
	struct devmem_event over;

	ok(devmem_gather(f->ring, ev, n, f->to, 0, ++f->gathers));
	do
		assert_int_equal(devmem_wait(f->ring, &over, 1, 5000), 1);
	while (over.type != DEVMEM_EVENT_GATHERED);
	assert_int_equal(over.cookie, f->gathers);
	return over.result;
}

static void gathered(struct fragments *f, uint64_t position, size_t bytes)
{
	unsigned char copy[MESSAGE];

	ok(devmem_buffer_read(f->to, 0, copy, bytes));
	assert_true(pattern_matches(position, copy, bytes));
}

/* -------------------------------------------------------------------------------------- reading */

static void check_reads(struct fragments *f, unsigned int n)
{
	unsigned char bytes[ALL + 1];

	for (size_t at = 0; at <= ALL; at++)
		for (size_t length = 0; at + length <= ALL; length++) {
			memset(bytes, 0x5a, sizeof(bytes));
			ok(devmem_events_read(f->ring, f->ev, n, at, bytes, length));
			assert_true(!length || pattern_matches(at, bytes, length));
			assert_int_equal(bytes[length], 0x5a);
		}
	for (unsigned int i = 0; i < PIECES; i++) {
		ok(devmem_event_read(f->ring, &f->ev[i], 1, bytes, f->ev[i].length - 1));
		assert_true(pattern_matches(i * PIECE + 1, bytes, f->ev[i].length - 1));
	}
	assert_int_equal(devmem_events_read(f->ring, f->ev, n, 0, bytes, ALL + 1), -ERANGE);
	assert_int_equal(devmem_events_read(f->ring, f->ev, n, ALL, bytes, 1), -ERANGE);
	assert_int_equal(devmem_events_read(f->ring, f->ev, n, ALL + 1, bytes, 0), -ERANGE);
	assert_int_equal(devmem_events_read(f->ring, f->ev, n, UINT64_MAX, bytes, 2), -ERANGE);
	assert_int_equal(devmem_events_read(f->ring, f->ev, n, 1, bytes, SIZE_MAX), -ERANGE);
	assert_non_null(strstr(devmem_error(), "15"));
}

/* Wherever it begins and ends: also across fragments, with what is no fragment among them. */
static void read_wherever_it_lies(enum kind kind)
{
	struct fragments f;

	begin(&f, kind);
	for (unsigned int i = 0; i < PIECES; i++) {
		assert_int_equal(f.ev[i].type,
				 kind == HOST ? DEVMEM_EVENT_HOST : DEVMEM_EVENT_DATA);
		assert_ptr_equal(devmem_buffer_find(f.ev[i].buffer), f.buffer);
	}
	check_reads(&f, f.n);
	f.ev[f.n++] = f.ev[3];
	f.ev[f.n++] = f.ev[4];
	f.ev[3] = (struct devmem_event){ .type = DEVMEM_EVENT_GATHERED, .result = 100 };
	/* the last byte of the third is a part, and what is left of it has none */
	ok(devmem_event_split(&f.ev[2], PIECE, &f.ev[4]));
	assert_int_equal(f.ev[4].length, 0);
	for (size_t at = 0; at < ALL; at++) {
		unsigned char byte;

		ok(devmem_events_read(f.ring, f.ev, f.n, at, &byte, 1));
		assert_true(pattern_matches(at, &byte, 1));
	}
	end(&f);
}

static void a_header_is_read_in_mapped_memory(void **state)
{
	(void)state;
	read_wherever_it_lies(DATA);
}

static void a_header_is_read_in_host_memory(void **state)
{
	(void)state;
	read_wherever_it_lies(HOST);
}

static void a_header_is_read_where_the_processor_cannot_map(void **state)
{
	(void)state;
	read_wherever_it_lies(UNMAPPED);
}

static void what_the_backend_refuses_is_told(void **state)
{
	struct fragments f;
	char byte;

	(void)state;
	begin(&f, UNMAPPED);
	fake_refuses = true;
	assert_int_equal(devmem_event_read(f.ring, &f.ev[0], 0, &byte, 1), -EIO);
	assert_int_equal(devmem_events_read(f.ring, f.ev, f.n, 4, &byte, 1), -EIO);
	assert_non_null(strstr(devmem_error(), "the fake refuses"));
	fake_refuses = false;
	ok(devmem_event_read(f.ring, &f.ev[0], 0, &byte, 1));
	end(&f);
}

static void *read_elsewhere(void *arg)
{
	struct fragments *f = arg;
	char byte;

	return (void *)(intptr_t)devmem_event_read(f->ring, &f->ev[0], 0, &byte, 1);
}

static void elsewhere(struct fragments *f)
{
	pthread_t thread;
	void *result;
	pid_t child;
	int status;
	char byte;

	assert_int_equal(pthread_create(&thread, NULL, read_elsewhere, f), 0);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, -EPERM);
	child = fork();
	if (!child)
		_exit(devmem_events_read(f->ring, f->ev, 1, 0, &byte, 1) != -EEXIST);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void what_cannot_be_read(void **state)
{
	const struct devmem_event ended = { .type = DEVMEM_EVENT_END };
	struct devmem_event bad;
	struct fragments f;
	char byte;

	(void)state;
	begin(&f, DATA);
	assert_int_equal(devmem_event_read(NULL, &f.ev[0], 0, &byte, 1), -EINVAL);
	assert_int_equal(devmem_event_read(f.ring, NULL, 0, &byte, 1), -EINVAL);
	assert_int_equal(devmem_event_read(f.ring, &f.ev[0], 0, NULL, 1), -EINVAL);
	assert_int_equal(devmem_event_read(f.ring, &ended, 0, &byte, 0), -EINVAL);
	assert_int_equal(devmem_events_read(f.ring, NULL, 1, 0, &byte, 1), -EINVAL);
	assert_int_equal(devmem_events_read(f.ring, &ended, 1, 0, &byte, 1), -ERANGE);
	ok(devmem_events_read(f.ring, NULL, 0, 0, NULL, 0));
	bad = f.ev[0];
	bad.sock = 60000;
	assert_int_equal(devmem_event_read(f.ring, &bad, 0, &byte, 1), -EINVAL);
	bad = f.ev[0];
	bad.buffer = 0;
	assert_int_equal(devmem_event_read(f.ring, &bad, 0, &byte, 1), -EINVAL);
	assert_non_null(strstr(devmem_error(), "another binding"));
	bad = f.ev[0];
	bad.offset = 4 * MIB;
	assert_int_equal(devmem_event_read(f.ring, &bad, 0, &byte, 1), -EINVAL);
	elsewhere(&f);
	end(&f);
}

/* -------------------------------------------------------------------------------------- divided */

static void what_is_no_part_of_a_fragment(void **state)
{
	struct devmem_event ev = { .type = DEVMEM_EVENT_DATA,
				   .length = 100,
				   .buffer = 5,
				   .token = 9,
				   .tokens = 1,
				   .offset = 4096 },
			    rest = { .user_data = 1 };

	(void)state;
	assert_int_equal(devmem_event_split(&ev, 0, &rest), -EINVAL);
	assert_int_equal(devmem_event_split(&ev, 101, &rest), -EINVAL);
	assert_int_equal(devmem_event_split(&ev, 1, &ev), -EINVAL);
	assert_int_equal(devmem_event_split(NULL, 1, &rest), -EINVAL);
	assert_int_equal(devmem_event_split(&ev, 1, NULL), -EINVAL);
	ev.type = DEVMEM_EVENT_END;
	assert_int_equal(devmem_event_split(&ev, 1, &rest), -EINVAL);
	assert_int_equal(ev.length, 100);
	assert_int_equal(rest.user_data, 1);
}

static void both_parts_keep_the_kind(enum devmem_event_type type)
{
	struct devmem_event ev = { .type = (uint8_t)type,
				   .length = 100,
				   .buffer = 5,
				   .token = 9,
				   .tokens = 3,
				   .offset = 4096 },
			    rest;

	ok(devmem_event_split(&ev, 40, &rest));
	assert_int_equal(ev.type, type);
	assert_int_equal(rest.type, type);
	assert_int_equal(ev.flags, DEVMEM_EVENT_F_PART);
	assert_int_equal(rest.flags, 0);
	assert_int_equal(ev.offset, 4096);
	assert_int_equal(rest.offset, 4136);
	assert_int_equal(ev.length, 40);
	assert_int_equal(rest.length, 60);
	assert_int_equal(ev.token + ev.tokens, 0);
	assert_int_equal(rest.token + rest.tokens, 12);
	/* a part can be divided again */
	ok(devmem_event_split(&ev, 40, &rest));
	assert_int_equal(rest.flags, DEVMEM_EVENT_F_PART);
	assert_int_equal(rest.length, 0);
}

static void parts_keep_the_kind(void **state)
{
	(void)state;
	both_parts_keep_the_kind(DEVMEM_EVENT_DATA);
	both_parts_keep_the_kind(DEVMEM_EVENT_HOST);
}

/* The part that ends the message, and what is left of its fragment: no bytes. */
static void a_fragment_of_no_bytes(enum kind kind)
{
	struct devmem_event list[2], again;
	struct fragments f;

	begin(&f, kind);
	/* released by itself, and not twice */
	ok(devmem_event_split(&f.ev[0], PIECE, &list[1]));
	again = list[1];
	ok(devmem_release(f.ring, &f.ev[0], 1)); /* does nothing */
	ok(devmem_release(f.ring, &list[1], 1));
	assert_int_equal(devmem_release(f.ring, &again, 1), -EINVAL);
	f.ev[0] = (struct devmem_event){ .type = DEVMEM_EVENT_WOKEN };
	/* with the gather that uses the last byte */
	list[0] = f.ev[1];
	ok(devmem_event_split(&list[0], PIECE, &list[1]));
	again = list[1];
	assert_int_equal(gather(&f, list, 2), PIECE);
	gathered(&f, PIECE, PIECE);
	assert_int_equal(devmem_release(f.ring, &again, 1), -EINVAL);
	f.ev[1] = f.ev[0];
	/* in front of others, among them, and alone */
	ok(devmem_event_split(&f.ev[2], PIECE, &list[0]));
	list[1] = f.ev[3];
	assert_int_equal(gather(&f, list, 2), PIECE);
	gathered(&f, 3 * PIECE, PIECE);
	f.ev[2] = f.ev[3] = f.ev[0];
	ok(devmem_event_split(&f.ev[4], PIECE, &list[0]));
	assert_int_equal(gather(&f, list, 1), 0);
	f.ev[4] = f.ev[0];
	end(&f);
}

static void of_no_bytes_in_mapped_memory(void **state)
{
	(void)state;
	a_fragment_of_no_bytes(DATA);
}

static void of_no_bytes_in_host_memory(void **state)
{
	(void)state;
	a_fragment_of_no_bytes(HOST);
}

static void of_no_bytes_where_the_processor_cannot_map(void **state)
{
	(void)state;
	a_fragment_of_no_bytes(UNMAPPED);
}

/* It overlaps with nothing: gathered into the buffer that it lies in, right where it lies. */
static void of_no_bytes_in_the_target(void **state)
{
	struct devmem_event list[2], over;
	struct fragments f;

	(void)state;
	begin(&f, DATA);
	list[0] = f.ev[1];
	ok(devmem_event_split(&f.ev[0], PIECE, &list[1]));
	list[1].offset = 2 * MIB + 1;
	ok(devmem_gather(f.ring, list, 2, f.lab.buffer, 2 * MIB, 1));
	assert_int_equal(devmem_wait(f.ring, &over, 1, 5000), 1);
	assert_int_equal(over.result, PIECE);
	f.ev[0] = f.ev[1] = (struct devmem_event){ .type = DEVMEM_EVENT_WOKEN };
	end(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_header_is_read_in_mapped_memory),
		LAB_TEST(a_header_is_read_in_host_memory),
		LAB_TEST(a_header_is_read_where_the_processor_cannot_map),
		LAB_TEST(what_the_backend_refuses_is_told),
		LAB_TEST(what_cannot_be_read),
		LAB_TEST(what_is_no_part_of_a_fragment),
		LAB_TEST(parts_keep_the_kind),
		LAB_TEST(of_no_bytes_in_mapped_memory),
		LAB_TEST(of_no_bytes_in_host_memory),
		LAB_TEST(of_no_bytes_where_the_processor_cannot_map),
		LAB_TEST(of_no_bytes_in_the_target),
	};

	lab_begin(argc, argv);
	ok(devmem_backend_register(&fake));
	return lab_run("fragments", tests, NULL, NULL);
}
