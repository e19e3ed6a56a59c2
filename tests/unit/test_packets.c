// SPDX-License-Identifier: MIT
/* Packets of few pieces: whatever is sent, no packet of any size that TCP could make of it has too
 * many. */
#include <stdlib.h>
#include <string.h>

#include "tx/packets.h"
#include "bind/page_size.h"
#include "unit.h"

#define LONGEST 10240u
#define ROOM	64u

/* What lies between two boundaries, piece by piece, as the kernel makes them. */
struct stream {
	uint32_t *piece;
	uint32_t n, size;
	uint32_t calls;
};

static struct devmem__packets limited_to(uint32_t most)
{
	struct devmem__packets p = { 0 };

	devmem__packets_limit(&p, most, false);
	return p;
}

static void stream_piece(struct stream *s, uint32_t bytes)
{
	if (s->n == s->size) {
		s->size = s->size ? 2 * s->size : 1024;
		s->piece = realloc(s->piece, s->size * sizeof(*s->piece));
		assert_non_null(s->piece);
	}
	s->piece[s->n++] = bytes;
}

/* The most pieces that a packet of up to LONGEST bytes, wherever it begins, has a byte of. */
static uint32_t worst(const struct stream *s)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t bytes = 1, j = i + 1; /* the last byte of piece i ... */

		/* ... and as many of what comes behind as fit */
		while (j < s->n && bytes < LONGEST)
			bytes += s->piece[j++];
		most = j - i > most ? j - i : most;
	}
	return most;
}

static void kernel_takes(struct stream *s, const struct iovec *iov, unsigned int n, size_t bytes)
{
	const size_t page = devmem__system_page();

	for (unsigned int i = 0; i < n && bytes; i++) {
		size_t at = (uintptr_t)iov[i].iov_base,
		       left = iov[i].iov_len < bytes ? iov[i].iov_len : bytes;

		bytes -= left;
		while (left) {
			size_t piece = page - at % page < left ? page - at % page : left;

			stream_piece(s, (uint32_t)piece);
			at += piece;
			left -= piece;
		}
	}
}

static struct iovec range(size_t offset, size_t bytes)
{
	return (struct iovec){ (void *)offset, bytes };
}

static size_t sum(const struct iovec *iov, unsigned int n)
{
	size_t bytes = 0;

	for (unsigned int i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

/* Everything of @iov in as many calls as it takes, each of which may be cut short by the kernel at
 * @shortest or later. */
static void send_all(struct devmem__packets *p, struct stream *s, const struct iovec *from,
		     unsigned int n)
{
	struct iovec iov[ROOM];
	bool boundary;

	memcpy(iov, from, n * sizeof(*iov));
	while (n) {
		struct iovec call[ROOM];
		unsigned int k;
		size_t bytes;

		memcpy(call, iov, n * sizeof(*call));
		k = devmem__packets_cut(p, call, n, &boundary);
		assert_in_range(k, 1, n);
		bytes = sum(call, k);
		kernel_takes(s, call, k, bytes);
		devmem__packets_sent(p, call, k, bytes, boundary);
		s->calls++;
		if (p->most)
			assert_in_range(p->before_tso ? s->n : worst(s), 0, p->most);
		if (boundary)
			s->n = 0;
		if (call[k - 1].iov_len < iov[k - 1].iov_len) {
			iov[k - 1].iov_base = (char *)iov[k - 1].iov_base + call[k - 1].iov_len;
			iov[k - 1].iov_len -= call[k - 1].iov_len;
			k--;
		}
		n -= k;
		memmove(iov, iov + k, n * sizeof(*iov));
	}
}

static void bytes_one_by_one(void **state)
{
	struct devmem__packets p = limited_to(9);
	struct stream s = { 0 };

	(void)state;
	for (size_t i = 0; i < 900; i++) {
		const struct iovec iov = range(i * 3, 1);

		send_all(&p, &s, &iov, 1);
		/* a boundary where it must be, and nowhere else */
		assert_int_equal(p.count, (i + 1) % 9);
	}
	assert_int_equal(s.calls, 900);
	free(s.piece);
}

static void a_gathered_list_is_divided(void **state)
{
	struct devmem__packets p = limited_to(9);
	struct iovec iov[ROOM];
	struct stream s = { 0 };

	(void)state;
	for (unsigned int i = 0; i < ROOM; i++)
		iov[i] = range(i * 100, 10);
	send_all(&p, &s, iov, ROOM);
	assert_int_equal(s.calls, (ROOM + 8) / 9);
	free(s.piece);
}

/* Whole pages: a packet has few of them, so there is nothing to do, and a long range is not gone
 * through. */
static void large_sends_are_left_alone(void **state)
{
	(void)state;
	for (uint32_t most = 6; most <= DEVMEM__PIECES_MAX; most++) {
		struct devmem__packets p = limited_to(most);
		struct iovec iov = range(0, 1u << 30);
		bool boundary;

		for (int i = 0; i < 3; i++) {
			assert_int_equal(devmem__packets_cut(&p, &iov, 1, &boundary), 1);
			assert_int_equal(iov.iov_len, 1u << 30);
			assert_false(boundary);
			devmem__packets_sent(&p, &iov, 1, iov.iov_len, boundary);
			assert_int_equal(p.count, most);
		}
	}
}

/* Short ones before it share no packet with a long one that would make it too many; it is not sent
 * in two parts for that. */
static void a_long_range_behind_short_ones(void **state)
{
	struct devmem__packets p = limited_to(9);
	struct iovec iov[9];
	bool boundary;

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		iov[i] = range(i * 100, 10);
	iov[8] = range(65536, 1u << 20);
	assert_int_equal(devmem__packets_cut(&p, iov, 9, &boundary), 8);
	assert_true(boundary);
	assert_int_equal(iov[8].iov_len, 1u << 20);
}

static void no_limit(void **state)
{
	struct devmem__packets p = { 0 };
	struct iovec iov[ROOM];
	bool boundary = true;

	(void)state;
	for (unsigned int i = 0; i < ROOM; i++)
		iov[i] = range(i, 1);
	assert_int_equal(devmem__packets_cut(&p, iov, ROOM, &boundary), ROOM);
	assert_false(boundary);
	devmem__packets_sent(&p, iov, ROOM, ROOM, boundary);
	assert_int_equal(p.count, 0);
}

/* The kernel took a part: no boundary, and what comes next is counted with what it took. */
static void a_call_that_is_cut_short(void **state)
{
	struct devmem__packets p = limited_to(4);
	struct iovec iov[4];
	bool boundary;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		iov[i] = range(i * 100, 10);
	assert_int_equal(devmem__packets_cut(&p, iov, 4, &boundary), 4);
	assert_true(boundary);
	devmem__packets_sent(&p, iov, 4, 35, boundary);
	assert_int_equal(p.count, 4);
	iov[0] = range(305, 5);
	iov[1] = range(500, 10);
	/* the rest goes alone */
	assert_int_equal(devmem__packets_cut(&p, iov, 2, &boundary), 1);
	assert_true(boundary);
	assert_int_equal(iov[0].iov_len, 5);
	devmem__packets_sent(&p, iov, 1, 5, boundary);
	assert_int_equal(p.count, 0);
}

/* Where one long range ends and the next one begins there are parts of pages. */
static void long_ranges_at_any_offset(void **state)
{
	(void)state;
	for (uint32_t most = DEVMEM__PIECES_SAFE; most <= DEVMEM__PIECES_MAX; most++) {
		struct devmem__packets p = limited_to(most);
		struct stream s = { 0 };

		for (unsigned int i = 0; i < 30; i++) {
			const struct iovec iov = range(i * 1000003u, (most + 2) * 4096 + i * 37);

			send_all(&p, &s, &iov, 1);
		}
		assert_int_equal(s.calls, 30);
		free(s.piece);
	}
}

/* Another NIC, with another limit, behind what the first one has. */
static void a_limit_that_changes(void **state)
{
	struct devmem__packets p = { 0 };
	struct stream s = { 0 };
	struct iovec iov = range(0, 5);

	(void)state;
	devmem__packets_limit(&p, 9, false);
	for (int i = 0; i < 7; i++)
		send_all(&p, &s, &iov, 1);
	assert_int_equal(p.count, 7);
	devmem__packets_limit(&p, 12, false);
	for (int i = 0; i < 5; i++)
		send_all(&p, &s, &iov, 1);
	assert_int_equal(p.count, 0);
	devmem__packets_limit(&p, 0, false);
	send_all(&p, &s, &iov, 1);
	s.n = 0;
	devmem__packets_limit(&p, 6, false);
	for (int i = 0; i < 6; i++)
		send_all(&p, &s, &iov, 1);
	assert_int_equal(p.count, 0);
	free(s.piece);
}

/* bnxt's: however long they are, there are so many between two boundaries. */
static void thirty_before_tso(void **state)
{
	const struct iovec large = range(100, 1u << 20), tiny = range(0, 1);
	struct devmem__packets p = { 0 };
	struct stream s = { 0 };

	(void)state;
	devmem__packets_limit(&p, 30, true);
	send_all(&p, &s, &large, 1);
	assert_int_equal(s.calls, (257 + 29) / 30);
	assert_int_equal(p.count, 257 % 30);
	for (uint32_t i = p.count; i < 30; i++) {
		assert_int_equal(p.count, i);
		send_all(&p, &s, &tiny, 1);
	}
	assert_int_equal(p.count, 0);
	for (int i = 0; i < 1000; i++) {
		const struct iovec iov = range((size_t)i * 1009, 1 + (size_t)i * i % 50000);

		send_all(&p, &s, &iov, 1);
	}
	free(s.piece);
}

/* Another NIC, with a limit of the other kind: what is behind the bytes of the first does not share
 * a packet with them. */
static void a_limit_of_the_other_kind(void **state)
{
	struct devmem__packets p = limited_to(9);
	struct iovec iov[2] = { range(0, 5), range(100, 5) };
	bool boundary;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		assert_int_equal(devmem__packets_cut(&p, iov, 2, &boundary), 2);
		assert_false(boundary);
		devmem__packets_sent(&p, iov, 2, 10, boundary);
		devmem__packets_limit(&p, kind ? 9 : 30, !kind);
		assert_int_equal(devmem__packets_cut(&p, iov, 2, &boundary), 1);
		assert_true(boundary);
		devmem__packets_sent(&p, iov, 1, 5, boundary);
		assert_int_equal(p.count, 0);
	}
}

/* After 2^32 pieces, 16 TiB, their number would begin again, and what was before that be forgotten:
 * it stays small. */
static void pieces_without_end(void **state)
{
	struct devmem__packets p = limited_to(9);
	const struct iovec whole = range(0, 4 * devmem__system_page()), tiny = range(0, 1);
	struct stream s = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		send_all(&p, &s, &whole, 1);
		assert_in_range(p.count, 1, 2 * DEVMEM__PIECES_MAX);
	}
	assert_int_equal(s.n, 400); /* no boundary: they are too long for packets of many */
	for (int i = 0; i < 9; i++)
		send_all(&p, &s, &tiny, 1);
	assert_in_range(s.n, 0, 8); /* one, behind these */
	free(s.piece);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Short, middling and long ones, at any offset, in lists of any length, with all limits. */
static void whatever_is_sent(void **state)
{
	static const uint32_t sizes[] = { 3, 200, 3000, 20000, 300000 };
	uint32_t seed = 1;

	(void)state;
	for (uint32_t most = 4; most <= DEVMEM__PIECES_MAX; most++) {
		struct devmem__packets p = limited_to(most);
		struct stream s = { 0 };

		for (int i = 0; i < 100; i++) {
			struct iovec iov[ROOM];
			unsigned int n = 1 + random_next(&seed) % 12;

			for (unsigned int k = 0; k < n; k++)
				iov[k] = range(random_next(&seed),
					       1 + random_next(&seed) %
							       sizes[random_next(&seed) % 5]);
			send_all(&p, &s, iov, n);
			if (s.n > 2000) { /* it takes long to look at */
				devmem__packets_boundary(&p);
				s.n = 0;
			}
		}
		free(s.piece);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_one_by_one),
		cmocka_unit_test(a_gathered_list_is_divided),
		cmocka_unit_test(large_sends_are_left_alone),
		cmocka_unit_test(a_long_range_behind_short_ones),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(a_call_that_is_cut_short),
		cmocka_unit_test(long_ranges_at_any_offset),
		cmocka_unit_test(a_limit_that_changes),
		cmocka_unit_test(thirty_before_tso),
		cmocka_unit_test(a_limit_of_the_other_kind),
		cmocka_unit_test(pieces_without_end),
		cmocka_unit_test(whatever_is_sent),
	};

	return cmocka_run_group_tests_name("packets", tests, NULL, NULL);
}
