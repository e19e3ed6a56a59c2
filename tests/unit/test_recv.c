// SPDX-License-Identifier: MIT
/* Control buffers as the kernel writes them, and as nobody should: into events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "unit.h"
#include "recv.h"

#define ID     5 /* of the binding */
#define BUFFER 9

struct message {
	unsigned char control[4096];
	size_t len;
	unsigned char payload[256];
	uint32_t bytes;
};

struct fixture {
	struct devmem__stream stream;
	struct devmem__rx_count count;
	struct devmem__rx rx;
	struct devmem_event ev[64];
};

static void add_cmsg(struct message *m, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };

	memcpy(m->control + m->len, &h, sizeof(h));
	if (len)
		memcpy(m->control + m->len + CMSG_LEN(0), data, len);
	m->len += CMSG_SPACE(len);
}

static void add_frag(struct message *m, uint64_t offset, uint32_t size, uint32_t token)
{
	struct devmem__cmsg_frag f = {
		.frag_offset = offset, .frag_size = size, .frag_token = token, .dmabuf_id = ID
	};

	add_cmsg(m, SOL_SOCKET, DEVMEM_SO_DMABUF, &f, sizeof(f));
	m->bytes += size;
}

static void add_linear(struct message *m, uint32_t size)
{
	struct devmem__cmsg_frag f = { .frag_size = size };

	add_cmsg(m, SOL_SOCKET, DEVMEM_SO_LINEAR, &f, sizeof(f));
	m->bytes += size;
}

static void start(struct fixture *f, const struct message *m)
{
	devmem__rx_start(&f->rx, m->control, m->len, m->payload, sizeof(m->payload), m->bytes,
			 0x30001);
}

static int next(struct fixture *f, unsigned int n)
{
	return devmem__rx_next(&f->rx, &f->stream, &f->count, f->ev, n);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->stream = (struct devmem__stream){
		.user_data = 77, .dmabuf_id = ID, .buffer = BUFFER, .slot = 3, .merge = 1024
	};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	devmem__set_free(&f->stream.out);
	free(f);
	return 0;
}

static void one_fragment(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_frag(&m, 8192, 1448, 4);
	start(f, &m);
	assert_int_equal(next(f, 64), 1);
	assert_int_equal(f->ev[0].type, DEVMEM_EVENT_DATA);
	assert_int_equal(f->ev[0].user_data, 77);
	assert_int_equal(f->ev[0].offset, 8192);
	assert_int_equal(f->ev[0].length, 1448);
	assert_int_equal(f->ev[0].token, 4);
	assert_int_equal(f->ev[0].tokens, 1);
	assert_int_equal(f->ev[0].sock, 3);
	assert_int_equal(f->ev[0].buffer, BUFFER);
	assert_int_equal(next(f, 64), 0);
	assert_int_equal(f->stream.out.count, 1);
	assert_int_equal(f->count.device, 1448);
}

static void neighbours_merge(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_frag(&m, 4096, 4096, 1);
	add_frag(&m, 8192, 4096, 2);
	add_frag(&m, 12288, 100, 3);
	add_frag(&m, 16384, 4096, 4); /* not next to the one before */
	add_frag(&m, 20480, 4096, 9); /* next in memory, but not in tokens */
	start(f, &m);
	assert_int_equal(next(f, 64), 3);
	assert_int_equal(f->ev[0].length, 8292);
	assert_int_equal(f->ev[0].tokens, 3);
	assert_int_equal(f->ev[1].offset, 16384);
	assert_int_equal(f->ev[2].token, 9);
	assert_int_equal(f->count.fragments, 5);
	assert_int_equal(f->count.descriptors, 3);
	assert_int_equal(f->stream.out.count, 5);
}

static void merging_has_a_limit_and_can_be_off(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	for (uint32_t i = 0; i < 5; i++)
		add_frag(&m, i * 4096, 4096, i);
	f->stream.merge = 2;
	start(f, &m);
	assert_int_equal(next(f, 64), 3);
	assert_int_equal(f->ev[0].tokens, 2);
	assert_int_equal(f->ev[2].tokens, 1);
	assert_int_equal(devmem__set_take(&f->stream.out, 0, 5), 0);
	f->stream.merge = 1;
	start(f, &m);
	assert_int_equal(next(f, 64), 5);
}

static void a_length_never_overflows(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_frag(&m, 0, 0xc0000000, 1);
	add_frag(&m, 0xc0000000, 0x3fffffff, 2);
	start(f, &m);
	assert_int_equal(next(f, 64), 1);
	assert_int_equal(f->ev[0].length, 0xffffffff);
	assert_int_equal(next(f, 64), 0);
}

static void a_small_array_gets_it_in_parts(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };
	uint32_t i;

	for (i = 0; i < 10; i++)
		add_frag(&m, i * 8192, 4096, i);
	start(f, &m);
	for (i = 0; i < 10; i++) {
		assert_int_equal(next(f, 1), 1);
		assert_int_equal(f->ev[0].token, i);
	}
	assert_int_equal(next(f, 1), 0);
	assert_int_equal(next(f, 0), 0);
}

static void linear_bytes_keep_their_place(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_linear(&m, 10);
	add_frag(&m, 0, 4096, 1);
	add_linear(&m, 20);
	add_frag(&m, 4096, 4096, 2); /* next to the last fragment, but not in the stream */
	start(f, &m);
	assert_int_equal(next(f, 64), 4);
	assert_int_equal(f->ev[0].type, DEVMEM_EVENT_HOST);
	assert_int_equal(f->ev[0].address, (uintptr_t)m.payload);
	assert_int_equal(f->ev[0].token, 0x30001);
	assert_int_equal(f->ev[1].type, DEVMEM_EVENT_DATA);
	assert_int_equal(f->ev[2].address, (uintptr_t)m.payload + 10);
	assert_int_equal(f->ev[2].length, 20);
	assert_int_equal(f->ev[3].tokens, 1);
	assert_int_equal(f->rx.host_events, 2);
	assert_int_equal(f->count.linear, 30);
	assert_int_equal(f->count.plain, 0);
	assert_int_equal(next(f, 64), 0);
}

static void no_cmsg_is_plain_bytes(void **state)
{
	struct fixture *f = *state;
	struct message m = { .bytes = 200 };
	int64_t stamp[2] = { 1, 2 };

	add_cmsg(&m, SOL_SOCKET, 35 /* SO_TIMESTAMPNS */, stamp, sizeof(stamp));
	start(f, &m);
	assert_int_equal(next(f, 64), 1);
	assert_int_equal(f->ev[0].type, DEVMEM_EVENT_HOST);
	assert_int_equal(f->ev[0].length, 200);
	assert_int_equal(f->count.plain, 200);
	assert_int_equal(next(f, 64), 0);
}

static void unknown_cmsgs_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_cmsg(&m, 41, 7, "abc", 3);
	add_frag(&m, 0, 100, 1);
	add_cmsg(&m, SOL_SOCKET, 4711, NULL, 0);
	add_frag(&m, 4096, 100, 2);
	start(f, &m);
	assert_int_equal(next(f, 64), 2);
	assert_int_equal(next(f, 64), 0);
}

static void another_binding_has_no_buffer_of_ours(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	f->stream.dmabuf_id = ID + 1;
	add_frag(&m, 0, 100, 1);
	start(f, &m);
	assert_int_equal(next(f, 64), 1);
	assert_int_equal(f->ev[0].buffer, 0);
}

static void a_cut_cmsg_is_told_after_what_could_be_read(void **state)
{
	struct fixture *f = *state;

	for (size_t cut = 1; cut < CMSG_SPACE(24); cut++) {
		struct message m = { 0 };

		add_frag(&m, 0, 100, 1);
		add_frag(&m, 4096, 100, 2);
		m.len -= cut;
		start(f, &m);
		assert_int_equal(next(f, 64), 1);
		assert_int_equal(next(f, 64), -EBADMSG);
		assert_int_equal(next(f, 64), 0); /* said once */
		assert_int_equal(devmem__set_take(&f->stream.out, 1, 1), 0);
	}
}

static void a_cmsg_too_small_for_a_fragment(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };
	uint32_t half[3] = { 1, 2, 3 };

	add_cmsg(&m, SOL_SOCKET, DEVMEM_SO_DMABUF, half, sizeof(half));
	add_frag(&m, 4096, 100, 2);
	start(f, &m);
	assert_int_equal(next(f, 64), 1); /* parsed on: its token is not lost */
	assert_int_equal(f->ev[0].token, 2);
	assert_int_equal(next(f, 64), -EBADMSG);
}

static void bytes_without_a_descriptor(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_frag(&m, 0, 100, 1);
	m.bytes += 50;
	start(f, &m);
	assert_int_equal(next(f, 64), 1);
	assert_int_equal(next(f, 64), -EBADMSG);
}

static void descriptors_of_more_bytes_than_came(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_frag(&m, 0, 100, 1);
	m.bytes = 50;
	start(f, &m);
	assert_int_equal(next(f, 64), 1); /* its token must come back all the same */
	assert_int_equal(next(f, 64), -EBADMSG);
}

static void linear_bytes_beyond_the_payload(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_linear(&m, 1000);
	start(f, &m);
	assert_int_equal(next(f, 64), -EBADMSG);
	assert_int_equal(f->rx.host_events, 0);
}

static void a_token_twice_is_refused(void **state)
{
	struct fixture *f = *state;
	struct message m = { 0 };

	add_frag(&m, 0, 100, 1);
	add_frag(&m, 4096, 100, 1);
	start(f, &m);
	assert_int_equal(next(f, 64), 1);
	assert_int_equal(next(f, 64), -EBADMSG);
	assert_int_equal(f->stream.out.count, 1);
}

static void an_event_is_32_bytes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct devmem_event), 32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_fragment),
		TEST(neighbours_merge),
		TEST(merging_has_a_limit_and_can_be_off),
		TEST(a_length_never_overflows),
		TEST(a_small_array_gets_it_in_parts),
		TEST(linear_bytes_keep_their_place),
		TEST(no_cmsg_is_plain_bytes),
		TEST(unknown_cmsgs_are_passed_over),
		TEST(another_binding_has_no_buffer_of_ours),
		TEST(a_cut_cmsg_is_told_after_what_could_be_read),
		TEST(a_cmsg_too_small_for_a_fragment),
		TEST(bytes_without_a_descriptor),
		TEST(descriptors_of_more_bytes_than_came),
		TEST(linear_bytes_beyond_the_payload),
		TEST(a_token_twice_is_refused),
		TEST(an_event_is_32_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
