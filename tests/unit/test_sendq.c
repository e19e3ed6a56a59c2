// SPDX-License-Identifier: MIT
/* Sends on one side, calls of sendmsg() on the other, and nothing in between: the kernel's part is
 * played by the tests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tx/sendq.h"
#include "unit.h"

#define ROOM 16u

/* Nobody looks into them. */
static struct devmem_binding *fake_binding(unsigned int which)
{
	static uint64_t fakes[3];

	return (struct devmem_binding *)(void *)&fakes[which];
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct devmem__sendq));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	devmem__sendq_close(*state);
	free(*state);
	return 0;
}

/* So many bytes from @cookie * 1000 on. */
static void push_from(struct devmem__sendq *q, struct devmem_binding *binding, uint64_t cookie,
		      uint32_t bytes)
{
	const struct devmem_range range = { cookie * 1000, bytes };

	assert_int_equal(devmem__sendq_push(q, binding, &range, 1, bytes, cookie), 0);
}

static void push(struct devmem__sendq *q, uint64_t cookie, uint32_t bytes)
{
	push_from(q, fake_binding(0), cookie, bytes);
}

/* Three sends, 1 to 3, of a hundred bytes each. */
static void push_three(struct devmem__sendq *q)
{
	for (uint64_t cookie = 1; cookie <= 3; cookie++)
		push(q, cookie, 100);
}

static void begin(struct devmem__sendq *q, bool numbered)
{
	assert_non_null(devmem__sendq_next(q));
	assert_true(devmem__sendq_begin(q, numbered));
}

/* A call that takes so many bytes, or fails. */
static void call(struct devmem__sendq *q, uint32_t bytes)
{
	begin(q, true);
	devmem__sendq_result(q, bytes);
}

static void copying_call(struct devmem__sendq *q, uint32_t bytes)
{
	begin(q, false);
	devmem__sendq_result(q, bytes);
}

static void notify(struct devmem__sendq *q, uint32_t lo, uint32_t hi)
{
	devmem__sendq_notified(q, lo, hi, false);
}

#define expect_done(q, cookie, result) check_done(q, cookie, result, __LINE__)
static void check_done(struct devmem__sendq *q, uint64_t cookie, int wanted, int line)
{
	int result = 1000;
	const struct devmem__send *s = devmem__sendq_done(q, &result);

	if (s && s->cookie == cookie && result == wanted) {
		devmem__sendq_pop(q);
		return;
	}
	print_error(s ? "send %llu came back with %d\n" : "no send came back\n",
		    (unsigned long long)(s ? s->cookie : 0), result);
	_fail(__FILE__, line);
}

#define expect_none(q) check_none(q, __LINE__)
static void check_none(struct devmem__sendq *q, int line)
{
	int result;
	const struct devmem__send *s = devmem__sendq_done(q, &result);

	if (!s)
		return;
	print_error("send %llu came back with %d\n", (unsigned long long)s->cookie, result);
	_fail(__FILE__, line);
}

#define expect_iov(iov, offset, bytes) check_iov(iov, offset, bytes, __LINE__)
static void check_iov(const struct iovec *iov, uintptr_t offset, size_t bytes, int line)
{
	if ((uintptr_t)iov->iov_base == offset && iov->iov_len == bytes)
		return;
	print_error("%zu bytes from %zu on\n", iov->iov_len, (size_t)(uintptr_t)iov->iov_base);
	_fail(__FILE__, line);
}

/* ------------------------------------------------------------------------------- what goes next */

static void there_is_nothing_to_begin_with(void **state)
{
	struct devmem__sendq *q = *state;

	assert_null(devmem__sendq_next(q));
	assert_int_equal(devmem__sendq_count(q), 0);
	assert_int_equal(devmem__sendq_in_flight(q), 0);
	expect_none(q);
	notify(q, 0, UINT32_MAX); /* nobody's */
	expect_none(q);
}

static void ranges_go_in_the_order_given(void **state)
{
	const struct devmem_range ranges[] = { { 5000, 10 }, { 0, 1 }, { (uint64_t)1 << 33, 30 } };
	struct devmem__sendq *q = *state;
	struct iovec iov[ROOM];

	assert_int_equal(devmem__sendq_push(q, fake_binding(0), ranges, 3, 41, 7), 0);
	assert_int_equal(devmem__sendq_next(q)->cookie, 7);
	assert_int_equal(devmem__sendq_next(q)->bytes, 41);
	assert_ptr_equal(devmem__sendq_next(q)->binding, fake_binding(0));
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 3);
	expect_iov(&iov[0], 5000, 10);
	expect_iov(&iov[1], 0, 1);
	expect_iov(&iov[2], (uintptr_t)1 << 33, 30);
	call(q, 41);
	assert_null(devmem__sendq_next(q));
	expect_none(q);
	notify(q, 0, 0);
	expect_done(q, 7, 0);
	expect_none(q);
}

static void a_send_is_counted_until_it_has_come_back(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	assert_int_equal(devmem__sendq_count(q), 3);
	assert_int_equal(devmem__sendq_in_flight(q), 0);
	call(q, 150);
	call(q, 30);
	assert_int_equal(devmem__sendq_in_flight(q), 180);
	notify(q, 0, 0);
	assert_int_equal(devmem__sendq_in_flight(q), 30);
	assert_int_equal(devmem__sendq_count(q), 3);
	expect_done(q, 1, 0);
	assert_int_equal(devmem__sendq_count(q), 2);
}

/* A short result leaves off anywhere: within a range, or where one ends. */
static void what_a_call_did_not_take_is_next(void **state)
{
	const struct devmem_range ranges[] = { { 100, 10 }, { 200, 20 }, { 300, 30 } };
	struct devmem__sendq *q = *state;
	struct iovec iov[ROOM];

	assert_int_equal(devmem__sendq_push(q, fake_binding(0), ranges, 3, 60, 1), 0);
	push(q, 2, 5);
	call(q, 4);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 4);
	expect_iov(&iov[0], 104, 6);
	expect_iov(&iov[1], 200, 20);
	call(q, 3);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 4);
	expect_iov(&iov[0], 107, 3);
	call(q, 3);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 3);
	expect_iov(&iov[0], 200, 20);
	call(q, 49);
	assert_int_equal(devmem__sendq_next(q)->cookie, 1);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 2);
	expect_iov(&iov[0], 329, 1);
	expect_iov(&iov[1], 2000, 5);
	call(q, 1);
	assert_int_equal(devmem__sendq_next(q)->cookie, 2);
	call(q, 5);
	assert_null(devmem__sendq_next(q));
}

static void a_large_range_goes_alone(void **state)
{
	struct devmem__sendq *q = *state;
	struct iovec iov[ROOM];

	push(q, 1, 100000);
	push(q, 2, 300000);
	push(q, 3, 100);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, SIZE_MAX), 3);
	call(q, 100000);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, SIZE_MAX), 1);
	expect_iov(&iov[0], 2000, 300000);
	call(q, 100000); /* the rest of it is small */
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, SIZE_MAX), 2);
	call(q, 200100);
	notify(q, 0, 2);
	expect_done(q, 1, 0);
	expect_done(q, 2, 0);
	expect_done(q, 3, 0);
}

static void no_more_is_gathered_than_there_is_room_for(void **state)
{
	struct devmem__sendq *q = *state;
	struct iovec iov[ROOM];

	push_three(q);
	memset(iov, 0, sizeof(iov));
	assert_int_equal(devmem__sendq_gather(q, iov, 2, 1000), 2);
	expect_iov(&iov[0], 1000, 100);
	expect_iov(&iov[1], 2000, 100);
	expect_iov(&iov[2], 0, 0);
	assert_int_equal(devmem__sendq_gather(q, iov, 3, 1000), 3);
	expect_iov(&iov[2], 3000, 100);
}

static void no_further_send_begins_when_there_is_enough(void **state)
{
	const struct devmem_range ranges[] = { { 1, 60 }, { 2, 60 }, { 3, 60 } };
	struct devmem__sendq *q = *state;
	struct iovec iov[ROOM];

	push_three(q);
	/* one goes, however large */
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1), 1);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 100), 1);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 101), 2);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 200), 2);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 201), 3);
	call(q, 40);
	/* what has gone does not count */
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 61), 2);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 60), 1);
	call(q, 260);
	assert_int_equal(devmem__sendq_push(q, fake_binding(0), ranges, 3, 180, 4), 0);
	push(q, 5, 100);
	/* one that has begun goes on */
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 60), 3);
}

static void a_call_is_of_one_binding(void **state)
{
	struct devmem__sendq *q = *state;
	struct iovec iov[ROOM];

	push_from(q, fake_binding(1), 1, 100);
	push_from(q, fake_binding(1), 2, 100);
	push_from(q, fake_binding(2), 3, 100);
	push_from(q, fake_binding(1), 4, 100);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 2);
	call(q, 150);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 1);
	expect_iov(&iov[0], 2050, 50);
	call(q, 50);
	assert_ptr_equal(devmem__sendq_next(q)->binding, fake_binding(2));
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 1);
	expect_iov(&iov[0], 3000, 100);
	call(q, 100);
	assert_ptr_equal(devmem__sendq_next(q)->binding, fake_binding(1));
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 1);
	expect_iov(&iov[0], 4000, 100);
}

/* -------------------------------------------------------------------------------- notifications */

static void one_call_carries_several_sends(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 300);
	expect_none(q);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, 0);
	expect_done(q, 3, 0);
	expect_none(q);
}

static void a_send_in_several_calls_waits_for_all_of_them(void **state)
{
	struct devmem__sendq *q = *state;

	push(q, 1, 100);
	call(q, 40);
	call(q, 59);
	notify(q, 0, 1);
	expect_none(q); /* a byte has not gone */
	call(q, 1);
	expect_none(q);
	notify(q, 2, 2);
	expect_done(q, 1, 0);
}

static void notifications_come_in_any_order(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	for (int i = 0; i < 3; i++)
		call(q, 100);
	notify(q, 2, 2);
	expect_none(q);
	notify(q, 1, 1);
	expect_none(q);
	assert_int_equal(devmem__sendq_in_flight(q), 300);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, 0);
	expect_done(q, 3, 0);
}

static void a_notification_names_a_range(void **state)
{
	struct devmem__sendq *q = *state;

	for (uint64_t i = 0; i < 6; i++) {
		push(q, i, 10);
		call(q, 10);
	}
	notify(q, 1, 3);
	expect_none(q);
	notify(q, 5, 5);
	notify(q, 0, 0);
	for (uint64_t i = 0; i < 4; i++)
		expect_done(q, i, 0);
	expect_none(q); /* the fourth, counted from 0, was in neither */
	assert_int_equal(q->numbered, 1);
	notify(q, 4, 4);
	expect_done(q, 4, 0);
	expect_done(q, 5, 0);
	assert_int_equal(q->numbered, 0);
}

static void a_notification_that_is_nobodys_is_passed_over(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 100);
	call(q, 100);
	notify(q, 2, 1000); /* none of these has been given */
	notify(q, UINT32_MAX - 5, UINT32_MAX);
	expect_none(q);
	call(q, 100);
	notify(q, 1, 1);
	notify(q, 1, 1); /* twice */
	assert_int_equal(q->numbered, 2);
	notify(q, 0, 0);
	notify(q, 0, 0);
	assert_int_equal(q->numbered, 1);
	expect_done(q, 1, 0);
	expect_done(q, 2, 0);
	expect_none(q);
}

/* The kernel may be done with a call before we hear how many bytes it took. */
static void a_notification_may_come_before_the_result(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	begin(q, true);
	notify(q, 0, 0);
	expect_none(q);
	devmem__sendq_result(q, 150);
	expect_done(q, 1, 0);
	expect_none(q);
	call(q, 150);
	notify(q, 0, 0); /* the numbers have gone on */
	expect_none(q);
	notify(q, 1, 1);
	expect_done(q, 2, 0);
	expect_done(q, 3, 0);
}

static void an_open_call_holds_up_those_behind_it_alone(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 100);
	begin(q, true);
	notify(q, 0, 1);
	expect_done(q, 1, 0);
	expect_none(q);
	devmem__sendq_result(q, 100);
	expect_done(q, 2, 0);
	expect_none(q);
}

static void a_call_that_fails_takes_no_number(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 0);
	assert_int_equal(q->numbered, 0);
	assert_int_equal(devmem__sendq_in_flight(q), 0);
	assert_int_equal(devmem__sendq_next(q)->cookie, 1);
	call(q, 100);
	call(q, 0);
	call(q, 100);
	assert_int_equal(q->numbered, 2);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_none(q);
	notify(q, 1, 1);
	expect_done(q, 2, 0);
}

static void numbers_begin_again_at_their_end(void **state)
{
	struct devmem__sendq *q = *state;

	q->next_id = UINT32_MAX - 1;
	for (uint64_t i = 0; i < 6; i++) {
		push(q, i, 10);
		call(q, 10); /* -2, -1, 0, 1, 2, 3 */
	}
	assert_int_equal(q->next_id, 4);
	notify(q, UINT32_MAX, 1);
	assert_int_equal(q->numbered, 3);
	expect_none(q);
	notify(q, UINT32_MAX - 1, UINT32_MAX - 1);
	for (uint64_t i = 0; i < 4; i++)
		expect_done(q, i, 0);
	expect_none(q);
	notify(q, 3, 3);
	expect_none(q);
	notify(q, 2, 2);
	expect_done(q, 4, 0);
	expect_done(q, 5, 0);
}

/* --------------------------------------------------------------------------------------- copied */

static void a_copied_call_marks_the_sends_that_it_had_bytes_of(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	push(q, 4, 100);
	call(q, 100);
	call(q, 150);
	call(q, 50);
	call(q, 100);
	devmem__sendq_notified(q, 1, 1, true);
	notify(q, 0, 0);
	notify(q, 2, 3);
	expect_done(q, 1, 0); /* the copied bytes begin where it ends */
	expect_done(q, 2, 1);
	expect_done(q, 3, 1);
	expect_done(q, 4, 0);
}

static void a_copied_call_that_ends_with_a_send_leaves_the_next_alone(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 101);
	call(q, 99);
	call(q, 100);
	devmem__sendq_notified(q, 1, 1, true);
	notify(q, 0, 0);
	notify(q, 2, 2);
	expect_done(q, 1, 0);
	expect_done(q, 2, 1); /* but for a byte */
	expect_done(q, 3, 0);
}

static void copied_is_known_before_the_result(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	begin(q, true);
	devmem__sendq_notified(q, 0, 0, true);
	devmem__sendq_result(q, 200);
	call(q, 100);
	notify(q, 1, 1);
	expect_done(q, 1, 1);
	expect_done(q, 2, 1);
	expect_done(q, 3, 0);
}

static void a_call_that_copies_has_no_number_and_waits_for_nothing(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	begin(q, false);
	assert_int_equal(q->numbered, 0);
	notify(q, 0, 0);
	expect_none(q); /* but for its result */
	devmem__sendq_result(q, 150);
	expect_done(q, 1, 1);
	expect_none(q);
	call(q, 150); /* the first number */
	expect_none(q);
	notify(q, 0, 0);
	expect_done(q, 2, 1); /* half of it */
	expect_done(q, 3, 0);
}

static void both_kinds_of_calls_take_turns(void **state)
{
	struct devmem__sendq *q = *state;

	for (uint64_t i = 0; i < 5; i++)
		push(q, i, 100);
	call(q, 100);
	copying_call(q, 100);
	call(q, 100);
	copying_call(q, 0);
	copying_call(q, 100);
	call(q, 100);
	assert_int_equal(q->next_id, 3);
	expect_none(q); /* what was copied is behind one that was not */
	notify(q, 0, 0);
	expect_done(q, 0, 0);
	expect_done(q, 1, 1);
	expect_none(q);
	notify(q, 1, 2);
	expect_done(q, 2, 0);
	expect_done(q, 3, 1);
	expect_done(q, 4, 0);
}

/* ------------------------------------------------------------------------- learning the numbers */

static void the_first_goes_alone_where_numbers_are_to_be_learnt(void **state)
{
	struct devmem__sendq *q = *state;

	q->learn = true;
	push_three(q);
	call(q, 100);
	assert_null(devmem__sendq_next(q));
	expect_none(q);
	notify(q, 70, 77); /* the last one is ours; before it, another's */
	expect_done(q, 1, 0);
	assert_false(q->learn);
	assert_int_equal(devmem__sendq_next(q)->cookie, 2);
	call(q, 100);
	call(q, 100); /* together now */
	notify(q, 77, 77);
	expect_none(q);
	notify(q, 78, 78);
	expect_done(q, 2, 0);
	notify(q, 79, 79);
	expect_done(q, 3, 0);
}

static void a_number_is_learnt_before_the_result(void **state)
{
	struct devmem__sendq *q = *state;

	q->learn = true;
	push_three(q);
	begin(q, true);
	devmem__sendq_notified(q, UINT32_MAX, UINT32_MAX, true);
	expect_none(q);
	devmem__sendq_result(q, 100);
	expect_done(q, 1, 1);
	call(q, 100);
	call(q, 100);
	notify(q, 1, 1);
	expect_none(q);
	notify(q, 0, 0); /* after the last number */
	expect_done(q, 2, 0);
	expect_done(q, 3, 0);
}

static void a_call_that_fails_teaches_nothing(void **state)
{
	struct devmem__sendq *q = *state;

	q->learn = true;
	push_three(q);
	notify(q, 3, 3); /* of something before us */
	call(q, 0);
	assert_true(q->learn);
	assert_int_equal(devmem__sendq_next(q)->cookie, 1);
	copying_call(q, 100); /* nor does one without a number */
	expect_done(q, 1, 1);
	assert_true(q->learn);
	call(q, 100);
	assert_null(devmem__sendq_next(q));
	notify(q, 9, 9);
	expect_done(q, 2, 0);
	call(q, 100);
	notify(q, 10, 10);
	expect_done(q, 3, 0);
}

/* --------------------------------------------------------------------------------------- limits */

static void so_many_calls_may_be_under_way(void **state)
{
	struct devmem__sendq *q = *state;

	push(q, 1, 2 * DEVMEM__PARTS);
	for (uint32_t i = 0; i < DEVMEM__PARTS; i++)
		call(q, 1);
	assert_false(devmem__sendq_begin(q, true));
	assert_false(devmem__sendq_begin(q, false));
	notify(q, 1, 1);
	assert_false(devmem__sendq_begin(q, true)); /* the oldest one is not done */
	notify(q, 0, 0);
	call(q, 0);
	call(q, 1);
	call(q, 1);
	assert_false(devmem__sendq_begin(q, true));
	notify(q, 2, DEVMEM__PARTS + 1);
	assert_int_equal(devmem__sendq_in_flight(q), 0);
	assert_int_equal(q->numbered, 0);
	expect_none(q);
	call(q, DEVMEM__PARTS - 2);
	notify(q, DEVMEM__PARTS + 2, DEVMEM__PARTS + 2);
	expect_done(q, 1, 0);
}

/* Places in the arrays are counted without end; here they are about to begin again. */
static void arrays_grow_around_their_ends(void **state)
{
	struct devmem__sendq *q = *state;
	struct iovec iov[300];
	uint64_t next = 0;

	q->send_head = q->send_next = q->send_tail = UINT32_MAX - 11;
	q->range_next = q->range_tail = UINT32_MAX - 40;
	q->part_head = q->part_tail = UINT32_MAX - 2;
	for (uint64_t i = 0; i < 10; i++) {
		push(q, i, 10);
		call(q, 10);
	}
	notify(q, 0, 6);
	for (; next < 7; next++)
		expect_done(q, next, 0);
	for (uint64_t i = 10; i < 150; i++) {
		const struct devmem_range two[] = { { i * 1000, 6 }, { i * 1000 + 500, 4 } };

		assert_int_equal(devmem__sendq_push(q, fake_binding(0), two, 2, 10, i), 0);
	}
	assert_int_equal(devmem__sendq_gather(q, iov, 300, 5000), 280);
	for (unsigned int i = 0; i < 140; i++) {
		expect_iov(&iov[2 * (size_t)i], (i + 10) * 1000, 6);
		expect_iov(&iov[2 * (size_t)i + 1], (i + 10) * 1000 + 500, 4);
	}
	call(q, 703);
	call(q, 697);
	notify(q, 7, 11);
	for (; next < 150; next++)
		expect_done(q, next, 0);
	expect_none(q);
}

/* More at once than the array doubled has room for, with a part of what is there gone. */
static void a_send_may_have_many_ranges(void **state)
{
	enum { MANY = 1000 };
	static struct devmem_range ranges[MANY];
	struct devmem__sendq *q = *state;
	static struct iovec iov[MANY + ROOM];

	for (unsigned int i = 0; i < MANY; i++)
		ranges[i] = (struct devmem_range){ 10 * i, 1 + i % 7 };
	push_three(q);
	call(q, 130);
	assert_int_equal(devmem__sendq_push(q, fake_binding(0), ranges, MANY, 3997, 4), 0);
	assert_int_equal(devmem__sendq_gather(q, iov, MANY + ROOM, 1000000), MANY + 2);
	expect_iov(&iov[0], 2030, 70);
	expect_iov(&iov[1], 3000, 100);
	for (unsigned int i = 0; i < MANY; i++)
		expect_iov(&iov[i + 2], ranges[i].offset, ranges[i].length);
	call(q, 170 + 3997);
	assert_null(devmem__sendq_next(q));
	notify(q, 0, 1);
	for (uint64_t i = 1; i <= 4; i++)
		expect_done(q, i, 0);
}

/* ------------------------------------------------------------------------------------- failures */

static void the_first_one_says_why_and_those_behind_it_are_cancelled(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	push(q, 4, 100);
	call(q, 100);
	devmem__sendq_fail(q, -EIO, q->sent, false);
	assert_null(devmem__sendq_next(q));
	expect_none(q); /* the one that went is not back */
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, -EIO);
	expect_done(q, 3, -ECANCELED);
	assert_int_equal(q->error, -EIO); /* not over yet */
	expect_done(q, 4, -ECANCELED);
	expect_none(q);
}

static void a_send_that_was_cut_is_the_first(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 101);
	devmem__sendq_fail(q, -EFAULT, q->sent, false);
	expect_none(q);
	devmem__sendq_notified(q, 0, 0, true);
	expect_done(q, 1, 1);
	expect_done(q, 2, -EFAULT);
	expect_done(q, 3, -ECANCELED);
}

static void a_send_that_was_cut_waits_for_its_memory(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 100);
	call(q, 50);
	notify(q, 0, 0);
	devmem__sendq_fail(q, -EIO, q->sent, false);
	expect_done(q, 1, 0);
	expect_none(q);
	notify(q, 1, 1);
	expect_done(q, 2, -EIO);
	expect_done(q, 3, -ECANCELED);
}

static void when_all_have_come_back_it_goes_on(void **state)
{
	struct devmem__sendq *q = *state;
	struct iovec iov[ROOM];

	push_three(q);
	call(q, 130);
	notify(q, 0, 0);
	devmem__sendq_fail(q, -EIO, q->sent, false);
	expect_done(q, 1, 0);
	expect_done(q, 2, -EIO);
	expect_done(q, 3, -ECANCELED);
	assert_int_equal(q->error, 0);
	assert_null(devmem__sendq_next(q));
	push(q, 8, 100);
	push(q, 9, 100);
	assert_int_equal(devmem__sendq_next(q)->cookie, 8);
	assert_int_equal(devmem__sendq_gather(q, iov, ROOM, 1000), 2);
	expect_iov(&iov[0], 8000, 100);
	call(q, 110);
	notify(q, 1, 1);
	expect_done(q, 8, 0);
	devmem__sendq_fail(q, -ENOMEM, q->sent, false); /* and the next failure is another */
	expect_done(q, 9, -ENOMEM);
	assert_int_equal(q->error, 0);
}

static void the_connections_failure_is_that_of_all_that_it_did_not_bring(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	push(q, 4, 100);
	call(q, 250);
	devmem__sendq_fail(q, -ECONNRESET, 100, true); /* so much was acknowledged */
	assert_null(devmem__sendq_next(q));
	expect_none(q);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, -ECONNRESET);
	expect_done(q, 3, -ECONNRESET);
	expect_done(q, 4, -ECONNRESET);
	assert_int_equal(q->error, -ECONNRESET); /* for good */
	assert_true(q->final);
	assert_null(devmem__sendq_next(q));
}

static void what_was_brought_in_part_has_failed(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 300);
	devmem__sendq_fail(q, -ECONNRESET, 199, true);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, -ECONNRESET);
	expect_done(q, 3, -ECONNRESET);
}

static void all_may_have_been_brought(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 200);
	copying_call(q, 100);
	devmem__sendq_fail(q, -ECONNRESET, 300, true);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, 0);
	expect_done(q, 3, 1);
}

static void a_second_failure_that_is_final_is_worse(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	push(q, 4, 100);
	call(q, 350);
	devmem__sendq_fail(q, -EIO, q->sent, false);
	devmem__sendq_fail(q, -ECONNRESET, 150, true);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, -ECONNRESET);
	expect_done(q, 3, -ECONNRESET);
	expect_done(q, 4, -ECONNRESET);
	assert_true(q->final);
}

static void a_second_failure_makes_nothing_good_again(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 300);
	devmem__sendq_fail(q, -EIO, 100, false);
	devmem__sendq_fail(q, -ECONNRESET, 300, true);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, -ECONNRESET);
	expect_done(q, 3, -ECONNRESET);
}

static void other_failures_come_too_late(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 300);
	devmem__sendq_fail(q, -EIO, 200, false);
	devmem__sendq_fail(q, -EFAULT, 0, false); /* as the first */
	assert_int_equal(q->error, -EIO);
	assert_int_equal(q->good, 200);
	devmem__sendq_fail(q, -EPIPE, 100, true);
	devmem__sendq_fail(q, -ECONNRESET, 0, true);
	devmem__sendq_fail(q, -EFAULT, 0, false);
	notify(q, 0, 0);
	expect_done(q, 1, 0);
	expect_done(q, 2, -EPIPE);
	expect_done(q, 3, -EPIPE);
}

/* Whatever it says of its bytes in the end. */
static void nothing_comes_back_that_an_open_call_may_reach_into(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	call(q, 150);
	notify(q, 0, 0);
	begin(q, true);
	devmem__sendq_fail(q, -ECONNRESET, 150, true);
	expect_done(q, 1, 0); /* it has nothing of this one */
	expect_none(q);
	devmem__sendq_result(q, 60);
	expect_none(q);
	notify(q, 1, 1);
	expect_done(q, 2, -ECONNRESET);
	expect_done(q, 3, -ECONNRESET);
}

static void an_open_call_that_fails_lets_go(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	begin(q, true);
	devmem__sendq_fail(q, -ECANCELED, 0, true);
	expect_none(q);
	devmem__sendq_result(q, 0);
	for (uint64_t i = 1; i <= 3; i++)
		expect_done(q, i, -ECANCELED);
	assert_int_equal(q->numbered, 0);
}

/* Notified before its result: still nobody knows where it ends. */
static void an_open_call_holds_what_its_notification_does_not_free(void **state)
{
	struct devmem__sendq *q = *state;

	push_three(q);
	begin(q, true);
	notify(q, 0, 0);
	devmem__sendq_fail(q, -ECONNRESET, 0, true);
	expect_none(q);
	devmem__sendq_result(q, 300);
	for (uint64_t i = 1; i <= 3; i++)
		expect_done(q, i, -ECONNRESET);
}

/* ------------------------------------------------------------------------- all of it, at random */

/*
 * The model knows for each byte of the stream where it lies, whose it is, and which call took it;
 * of calls, whether the kernel is done with them. It is what the kernel would know, so it counts
 * numbers for itself.
 */
#define SENDS	1000u
#define STREAM	(SENDS * 40u)
#define CALLS	STREAM /* each takes a byte at least */
#define AT_ONCE 40u    /* sends */

struct model_byte {
	uint64_t offset;
	uint32_t send, call;
};

struct model_send {
	uint32_t start, end;
	unsigned int binding;
};

struct model_call {
	uint32_t id;
	bool numbered, done, copied;
};

struct model {
	struct devmem__sendq *q;
	struct model_byte byte[STREAM];
	struct model_send send[SENDS];
	struct model_call call[CALLS];
	uint32_t queued, sent;	   /* bytes */
	uint32_t pushed, returned; /* sends */
	uint32_t calls;		   /* ... that took bytes, and of which the first ones, */
	uint32_t freed;		   /* so many, are done */
	uint32_t next_id, numbered;
	bool open, open_numbered; /* one has begun, which will ... */
	uint32_t will_take;
	int error;
	uint32_t good;
};

static uint32_t below(uint32_t n)
{
	return (uint32_t)rand() % n;
}

static void model_push(struct model *m)
{
	struct model_send *s = &m->send[m->pushed];
	struct devmem_range ranges[4];
	unsigned int n = 1 + below(4);

	if (m->error || m->pushed == SENDS || m->pushed - m->returned == AT_ONCE)
		return;
	*s = (struct model_send){ .start = m->queued,
				  .end = m->queued,
				  .binding = below(8) ? 0 : 1 };
	for (unsigned int i = 0; i < n; i++) {
		ranges[i] = (struct devmem_range){ below(1u << 30), 1 + below(10) };
		for (uint32_t b = 0; b < ranges[i].length; b++)
			m->byte[s->end++] =
				(struct model_byte){ ranges[i].offset + b, m->pushed, UINT32_MAX };
	}
	m->queued = s->end;
	assert_int_equal(devmem__sendq_push(m->q, fake_binding(s->binding), ranges, n,
					    s->end - s->start, m->pushed),
			 0);
	m->pushed++;
}

/* Returns how many bytes there are in what is gathered, all of them the next ones. */
static uint32_t model_gather(struct model *m)
{
	const unsigned int room = 1 + below(ROOM);
	const uint32_t most = 1 + below(150);
	const unsigned int binding = m->send[m->byte[m->sent].send].binding;
	uint32_t at = m->sent, enough = UINT32_MAX;
	struct iovec iov[ROOM];
	unsigned int n = devmem__sendq_gather(m->q, iov, room, most);

	assert_in_range(n, 1, room);
	for (unsigned int i = 0; i < n; i++) {
		assert_true(iov[i].iov_len > 0);
		for (size_t b = 0; b < iov[i].iov_len; b++, at++) {
			const struct model_send *s = &m->send[m->byte[at].send];

			assert_true(at < m->queued);
			assert_int_equal((uintptr_t)iov[i].iov_base + b, m->byte[at].offset);
			assert_int_equal(s->binding, binding);
			assert_true(at < enough);
			if (at - m->sent + 1 >= most && enough == UINT32_MAX)
				enough = s->end; /* here at the latest */
		}
	}
	if (n < room && at != m->queued && at != enough) /* there was a reason to stop */
		assert_int_not_equal(m->send[m->byte[at].send].binding, binding);
	return at - m->sent;
}

static void model_begin(struct model *m)
{
	const bool may = !m->error && m->sent != m->queued && !(m->q->learn && m->numbered);
	const struct devmem__send *next = devmem__sendq_next(m->q);
	uint32_t bytes;

	if (m->open)
		return;
	assert_int_equal(next != NULL, may);
	if (!may)
		return;
	assert_int_equal(next->cookie, m->byte[m->sent].send);
	bytes = model_gather(m);
	m->open_numbered = below(4);
	m->will_take = below(3) ? bytes : below(bytes + 1);
	assert_true(devmem__sendq_begin(m->q, m->open_numbered));
	m->open = true;
	if (!m->will_take)
		return;
	m->call[m->calls++] = (struct model_call){
		.id = m->next_id,
		.numbered = m->open_numbered,
		.done = !m->open_numbered,
		.copied = !m->open_numbered,
	};
	m->next_id += m->open_numbered;
	m->numbered += m->open_numbered;
}

static void model_free(struct model *m)
{
	while (m->freed != m->calls - (m->open && m->will_take) && m->call[m->freed].done)
		m->freed++;
}

static void model_result(struct model *m)
{
	if (!m->open)
		return;
	for (uint32_t b = 0; b < m->will_take; b++)
		m->byte[m->sent++].call = m->calls - 1;
	m->open = false;
	devmem__sendq_result(m->q, m->will_take);
	model_free(m);
}

/* Of some calls in a row that have numbers and are not done, wherever they are; copying ones may
 * lie between them. */
static void model_notify(struct model *m)
{
	const bool copied = !below(3);
	uint32_t i = m->freed, lo, hi, more = below(6);

	i += m->calls != i ? below(m->calls - i) : 0;
	while (i < m->calls && m->call[i].done)
		i++;
	if (i == m->calls)
		return;
	for (lo = hi = m->call[i].id; i < m->calls; i++) {
		if (!m->call[i].numbered)
			continue;
		if (m->call[i].done || m->call[i].id - lo > more)
			break;
		hi = m->call[i].id;
		m->call[i].done = true;
		m->call[i].copied = copied;
		m->numbered--;
	}
	devmem__sendq_notified(m->q, lo, hi, copied);
	model_free(m);
}

static void model_fail(struct model *m)
{
	if (m->error || m->sent == m->queued)
		return;
	m->error = -EIO;
	m->good = m->sent;
	devmem__sendq_fail(m->q, -EIO, m->sent, false);
}

/* Is the oldest one's memory free, and with which result? Calls are asked for every byte, not for
 * positions. */
static bool model_done(const struct model *m, int *result)
{
	const struct model_send *s = &m->send[m->returned];

	if (m->returned == m->pushed || (m->open && s->end > m->sent))
		return false;
	*result = 0;
	for (uint32_t b = s->start; b < s->end; b++) {
		uint32_t call = m->byte[b].call;

		if (call == UINT32_MAX ? !m->error : call >= m->freed)
			return false;
		*result |= call != UINT32_MAX && m->call[call].copied;
	}
	if (m->error && s->end > m->good)
		*result = s->start <= m->good ? m->error : -ECANCELED;
	return true;
}

static void model_take(struct model *m)
{
	int wanted = 0, result = 0;
	const struct devmem__send *s;

	while (model_done(m, &wanted)) {
		s = devmem__sendq_done(m->q, &result);
		assert_non_null(s);
		assert_int_equal(s->cookie, m->returned);
		assert_int_equal(s->bytes, m->send[m->returned].end - m->send[m->returned].start);
		assert_int_equal(result, wanted);
		devmem__sendq_pop(m->q);
		m->returned++;
	}
	assert_null(devmem__sendq_done(m->q, &result));
	assert_int_equal(devmem__sendq_count(m->q), m->pushed - m->returned);
	if (m->returned == m->pushed && m->error) {
		m->error = 0;
		m->queued = m->sent;
	}
}

static void model_step(struct model *m, unsigned int notices)
{
	const uint32_t dice = below(100);

	if (dice < 30)
		model_push(m);
	else if (dice < 50)
		model_begin(m);
	else if (dice < 70)
		model_result(m);
	else if (dice < 70 + notices)
		model_notify(m);
	else if (dice == 99 && !below(4))
		model_fail(m);
	if (below(2))
		model_take(m);
}

static void every_send_comes_back_once_in_order_and_not_before_its_memory_is_free(void **state)
{
	struct model *m = malloc(sizeof(*m));

	(void)state;
	assert_non_null(m);
	for (unsigned int round = 0; round < 6; round++) {
		struct devmem__sendq q = { .learn = round & 1 };
		unsigned int steps = 0;

		srand(round);
		memset(m, 0, sizeof(*m));
		m->q = &q;
		m->next_id = round & 1 ? UINT32_MAX - round : 0;
		q.next_id = 0;
		if (round & 2) {
			q.send_head = q.send_next = q.send_tail = UINT32_MAX - 100;
			q.range_next = q.range_tail = UINT32_MAX - 200;
			q.part_head = q.part_tail = UINT32_MAX - 300;
			q.next_id = m->next_id = UINT32_MAX - 150;
		}
		while (m->returned != SENDS) {
			model_step(m, round < 4 ? 25 : 8);
			assert_true(++steps < 1000000); /* it goes on */
		}
		assert_int_equal(q.numbered, m->numbered);
		devmem__sendq_close(&q);
	}
	free(m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_is_nothing_to_begin_with),
		TEST(ranges_go_in_the_order_given),
		TEST(a_send_is_counted_until_it_has_come_back),
		TEST(what_a_call_did_not_take_is_next),
		TEST(a_large_range_goes_alone),
		TEST(no_more_is_gathered_than_there_is_room_for),
		TEST(no_further_send_begins_when_there_is_enough),
		TEST(a_call_is_of_one_binding),
		TEST(one_call_carries_several_sends),
		TEST(a_send_in_several_calls_waits_for_all_of_them),
		TEST(notifications_come_in_any_order),
		TEST(a_notification_names_a_range),
		TEST(a_notification_that_is_nobodys_is_passed_over),
		TEST(a_notification_may_come_before_the_result),
		TEST(an_open_call_holds_up_those_behind_it_alone),
		TEST(a_call_that_fails_takes_no_number),
		TEST(numbers_begin_again_at_their_end),
		TEST(a_copied_call_marks_the_sends_that_it_had_bytes_of),
		TEST(a_copied_call_that_ends_with_a_send_leaves_the_next_alone),
		TEST(copied_is_known_before_the_result),
		TEST(a_call_that_copies_has_no_number_and_waits_for_nothing),
		TEST(both_kinds_of_calls_take_turns),
		TEST(the_first_goes_alone_where_numbers_are_to_be_learnt),
		TEST(a_number_is_learnt_before_the_result),
		TEST(a_call_that_fails_teaches_nothing),
		TEST(so_many_calls_may_be_under_way),
		TEST(arrays_grow_around_their_ends),
		TEST(a_send_may_have_many_ranges),
		TEST(the_first_one_says_why_and_those_behind_it_are_cancelled),
		TEST(a_send_that_was_cut_is_the_first),
		TEST(a_send_that_was_cut_waits_for_its_memory),
		TEST(when_all_have_come_back_it_goes_on),
		TEST(the_connections_failure_is_that_of_all_that_it_did_not_bring),
		TEST(what_was_brought_in_part_has_failed),
		TEST(all_may_have_been_brought),
		TEST(a_second_failure_that_is_final_is_worse),
		TEST(a_second_failure_makes_nothing_good_again),
		TEST(other_failures_come_too_late),
		TEST(nothing_comes_back_that_an_open_call_may_reach_into),
		TEST(an_open_call_that_fails_lets_go),
		TEST(an_open_call_holds_what_its_notification_does_not_free),
		cmocka_unit_test(
			every_send_comes_back_once_in_order_and_not_before_its_memory_is_free),
	};

	return cmocka_run_group_tests_name("sendq", tests, NULL, NULL);
}
