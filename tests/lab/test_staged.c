// SPDX-License-Identifier: MIT
/* Memory that the processor cannot map, whose backend copies: received bytes go there, and sent
 * bytes come from there. */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory/buffer.h"
#include "lab.h"

#define MIB (1u << 20)

/* A fake: device memory that the processor reaches only through its driver, which may refuse. */
static atomic_int fake_refuses_after = INT32_MAX;     /* copies into it */
static atomic_int fake_refuses_out_after = INT32_MAX; /* copies out of it */

static int fake_alloc(uint64_t bytes, const struct devmem_buffer_opts *opts,
		      struct devmem_memory *mem)
{
	(void)opts;
	mem->fd = memfd_create("fake", MFD_CLOEXEC);
	mem->bytes = bytes;
	mem->priv = malloc(bytes);
	return mem->fd >= 0 && mem->priv ? 0 : -ENOMEM;
}

static void fake_free(struct devmem_memory *mem)
{
	free(mem->priv);
}

static int fake_copy_in(struct devmem_memory *mem, uint64_t offset, const void *from, size_t bytes)
{
	if (fake_refuses_after-- <= 0)
		return devmem__fail(EIO, "the fake refuses");
	memcpy((char *)mem->priv + offset, from, bytes);
	return 0;
}

static int fake_copy_out(struct devmem_memory *mem, uint64_t offset, void *to, size_t bytes)
{
	if (fake_refuses_out_after-- <= 0)
		return devmem__fail(EIO, "the fake refuses");
	memcpy(to, (char *)mem->priv + offset, bytes);
	return 0;
}

static const struct devmem_backend fake_device = {
	.size = sizeof(struct devmem_backend),
	.name = "fake",
	.alloc = fake_alloc,
	.free = fake_free,
	.copy_in = fake_copy_in,
	.copy_out = fake_copy_out,
};

/* ------------------------------------------------------------------------------------ receiving */

struct staged {
	struct lab lab; /* the listener, the NIC and the binding of it */
	struct devmem_buffer *buffer;
	struct devmem_ring *ring;
	struct lab_pair pair;
	struct devmem_sock *sock;
	struct lab_sender *sender;
	uint64_t position;
};

static void open_staged(struct staged *s, const struct devmem_ring_opts *opts)
{
	const struct devmem_buffer_opts none = { .size = sizeof(none) };
	const char *reason;
	void *memory;

	memset(s, 0, sizeof(*s));
	s->lab.listener = lab_listen(0);
	s->lab.port = lab_port(s->lab.listener);
	ok(devmem__buffer_new(&fake_device, MIB, &none, &s->buffer));
	assert_int_equal(devmem_buffer_map(s->buffer, &memory), -EOPNOTSUPP);
	ok(devmem_nic_open(NIC, NULL, &s->lab.nic));
	ok(devmem_bind_rx(s->lab.nic, s->buffer, NULL, &s->lab.binding));
	assert_string_equal(devmem_binding_engine(s->lab.binding, &reason), "copy");
	assert_non_null(strstr(reason, NIC));
	s->ring = lab_ring(opts);
}

static void begin_staged(struct staged *s, uint64_t bytes)
{
	s->position = 0;
	s->pair = lab_connect(&s->lab, false);
	ok(devmem_attach(s->ring, s->pair.near, s->lab.binding, 1, NULL, &s->sock));
	s->sender = lab_send(s->pair.far, bytes, 0, true);
}

/* Receives to the end, and checks the bytes in the fake's memory. Returns the result of the last
 * event. */
static int receive_staged(struct staged *s)
{
	static unsigned char bytes[MIB];
	struct devmem_event ev[16];

	for (;;) {
		int n = ok(devmem_wait(s->ring, ev, 16, 5000)), end = 0;

		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			end = ev[i].type;
			if (ev[i].type == DEVMEM_EVENT_LOW)
				continue;
			if (ev[i].type != DEVMEM_EVENT_DATA) {
				assert_int_equal(i, n - 1);
				continue;
			}
			assert_int_equal(ev[i].buffer, devmem_buffer_id(s->buffer));
			ok(devmem_buffer_read(s->buffer, ev[i].offset, bytes, ev[i].length));
			assert_true(pattern_matches(s->position, bytes, ev[i].length));
			s->position += ev[i].length;
		}
		ok(devmem_release(s->ring, ev, (unsigned int)n));
		if (end == DEVMEM_EVENT_END || end == DEVMEM_EVENT_ERROR)
			return ev[n - 1].result;
	}
}

static void end_staged(struct staged *s)
{
	devmem_detach(s->sock);
	close(s->pair.near);
	lab_settle(s->ring); /* the library's descriptor goes too, and the sender notices */
	lab_sent(s->sender);
	close(s->pair.far);
}

static void close_staged(struct staged *s)
{
	devmem_ring_close(s->ring);
	close(s->lab.listener);
	devmem_binding_close(s->lab.binding);
	ok(devmem_nic_close(s->lab.nic));
	devmem_buffer_close(s->buffer);
}

static void memory_that_cannot_be_mapped_is_staged(void **state)
{
	(void)state;
	for (uint32_t merge = 0; merge < 2; merge++) {
		struct devmem_stats st;
		struct staged s;

		open_staged(&s, DEVMEM_OPTS(devmem_ring_opts, .merge = merge));
		begin_staged(&s, 16 * MIB);
		assert_int_equal(receive_staged(&s), 0);
		assert_int_equal(s.position, 16 * MIB);
		end_staged(&s);
		st = lab_stats(s.ring);
		assert_int_equal(st.bytes_plain, 16 * MIB);
		assert_int_equal(st.bytes_staged, 16 * MIB);
		assert_int_equal(st.bytes_device, 0);
		assert_int_equal(st.tokens_outstanding, 0);
		close_staged(&s);
	}
}

/* The error comes after what was copied before it, and the chunks come back: more than the buffer
 * is received after. */
static void a_copy_that_is_refused_is_an_error(void **state)
{
	(void)state;
	for (int good = 0; good < 12; good += 3) {
		struct staged s;

		open_staged(&s, DEVMEM_OPTS(devmem_ring_opts, .merge = 1));
		for (int round = 0; round < 3; round++) {
			fake_refuses_after = good;
			begin_staged(&s, 16 * MIB);
			assert_int_equal(receive_staged(&s), -EIO);
			assert_true(s.position < 16 * MIB);
			assert_int_equal(!s.position, !good);
			fake_refuses_after = INT32_MAX;
			end_staged(&s);
		}
		begin_staged(&s, 4 * MIB);
		assert_int_equal(receive_staged(&s), 0);
		assert_int_equal(s.position, 4 * MIB);
		end_staged(&s);
		close_staged(&s);
	}
}

/* -------------------------------------------------------------------------------------- sending */

struct sending {
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	struct devmem_sock *sock;
	struct lab_pair pair;
};

static void open_sending(struct sending *s)
{
	const struct devmem_buffer_opts none = { .size = sizeof(none) };
	struct lab lab = { .listener = lab_listen(0) };
	const char *reason;
	size_t n;

	lab.port = lab_port(lab.listener);
	ok(devmem__buffer_new(&fake_device, MIB, &none, &s->buffer));
	for (uint64_t at = 0; at < MIB; at += n) {
		const unsigned char *p = pattern_at(at, MIB - at, &n);

		ok(devmem_buffer_write(s->buffer, at, p, n));
	}
	ok(devmem_bind_tx(NIC, s->buffer, NULL, &s->binding));
	assert_string_equal(devmem_binding_engine(s->binding, &reason), "copy");
	s->ring = lab_ring(NULL);
	s->pair = lab_connect(&lab, false);
	close(lab.listener);
	ok(devmem_attach(s->ring, s->pair.near, NULL, 1, NULL, &s->sock));
}

static void close_sending(struct sending *s)
{
	devmem_detach(s->sock);
	devmem_ring_close(s->ring);
	devmem_binding_close(s->binding);
	devmem_buffer_close(s->buffer);
	close(s->pair.near);
	close(s->pair.far);
}

/* Takes one SENT event, reading at the other end meanwhile. Returns its errno, or 1 if bytes were
 * copied. */
static int await_sent(struct sending *s, uint64_t cookie, uint64_t *position)
{
	static unsigned char bytes[256 << 10];
	struct devmem_event ev;

	for (;;) {
		ssize_t n = recv(s->pair.far, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n > 0)
			assert_true(pattern_matches(*position, bytes, (size_t)n));
		*position += n > 0 ? (uint64_t)n : 0;
		if (!ok(devmem_wait(s->ring, &ev, 1, 1)))
			continue;
		assert_int_equal(ev.type, DEVMEM_EVENT_SENT);
		assert_int_equal(ev.cookie, cookie);
		return ev.result < 0 ? ev.result : !!(ev.flags & DEVMEM_EVENT_F_COPIED);
	}
}

static void memory_that_cannot_be_mapped_is_sent(void **state)
{
	const struct devmem_range ranges[] = { { 0, 1 }, { 1, 99999 }, { 100000, MIB - 100000 } };
	struct devmem_stats st;
	uint64_t position = 0;
	struct sending s;

	(void)state;
	open_sending(&s);
	ok(devmem_send(s.sock, s.binding, ranges, 3, 7));
	assert_int_equal(await_sent(&s, 7, &position), 1);
	while (position < MIB) {
		unsigned char bytes[4096];
		ssize_t n = recv(s.pair.far, bytes, sizeof(bytes), 0);

		assert_true(n > 0 && pattern_matches(position, bytes, (size_t)n));
		position += (uint64_t)n;
	}
	st = lab_stats(s.ring);
	assert_int_equal(st.bytes_sent_copied, MIB);
	assert_int_equal(st.bytes_sent, 0);
	close_sending(&s);
}

/* Nothing of what could not be copied is sent, the sends behind it are over too, and then it goes
 * on. */
static void a_copy_for_sending_that_is_refused(void **state)
{
	const struct devmem_range first = { 0, 1000 }, next = { 1000, 1000 };
	uint64_t position = 0;
	struct sending s;

	(void)state;
	open_sending(&s);
	fake_refuses_out_after = 0;
	ok(devmem_send(s.sock, s.binding, &first, 1, 1));
	ok(devmem_send(s.sock, s.binding, &next, 1, 2));
	assert_int_equal(await_sent(&s, 1, &position), -EIO);
	fake_refuses_out_after = INT32_MAX;
	assert_int_equal(devmem_send(s.sock, s.binding, &first, 1, 3), -ECANCELED);
	assert_int_equal(await_sent(&s, 2, &position), -ECANCELED);
	ok(devmem_send(s.sock, s.binding, &first, 1, 4));
	assert_int_equal(await_sent(&s, 4, &position), 1);
	close_sending(&s);
}

/* The kernel sends from whole pages. A buffer of ours has no half ones; an exporter's may. */
static void memory_with_half_a_page_is_not_sent(void **state)
{
	const struct devmem_buffer_opts none = { .size = sizeof(none) };
	struct devmem_binding *binding = NULL;
	struct devmem_buffer *buffer;

	(void)state;
	ok(devmem__buffer_new(&fake_device, MIB + 100, &none, &buffer));
	assert_int_equal(devmem_bind_tx(NIC, buffer, NULL, &binding), -EINVAL);
	assert_non_null(strstr(devmem_error(), "not a multiple of the page"));
	assert_null(binding);
	devmem_buffer_close(buffer);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(memory_that_cannot_be_mapped_is_staged),
		LAB_TEST(a_copy_that_is_refused_is_an_error),
		LAB_TEST(memory_that_cannot_be_mapped_is_sent),
		LAB_TEST(a_copy_for_sending_that_is_refused),
		LAB_TEST(memory_with_half_a_page_is_not_sent),
	};

	lab_begin(argc, argv);
	return lab_run("staged", tests, NULL, NULL);
}
