// SPDX-License-Identifier: MIT
/* Which RX queues are taken, and which rules lead to. */
#include <errno.h>
#include <string.h>

#include "unit.h"

#include "netdev.h"

static void from_the_top(void **state)
{
	const uint8_t use[4] = { 0 };
	uint32_t q[4];

	(void)state;
	assert_int_equal(devmem__queues_choose(use, 4, 1, q), 0);
	assert_int_equal(q[0], 3);
	assert_int_equal(devmem__queues_choose(use, 4, 3, q), 0);
	assert_int_equal(q[0], 1);
	assert_int_equal(q[1], 2);
	assert_int_equal(q[2], 3);
}

static void never_all(void **state)
{
	const uint8_t use[4] = { 0 };
	uint32_t q[8];

	(void)state;
	assert_int_equal(devmem__queues_choose(use, 4, 4, q), -EBUSY);
	assert_int_equal(devmem__queues_choose(use, 4, 5, q), -EBUSY);
	assert_int_equal(devmem__queues_choose(use, 1, 1, q), -EBUSY);
	assert_int_equal(devmem__queues_choose(use, 0, 1, q), -EBUSY);
	assert_int_equal(devmem__queues_choose(use, 4, 0, q), -EBUSY);
}

static void around_the_used_ones(void **state)
{
	const uint8_t use[8] = { 0, 0, DEVMEM__QUEUE_IO_URING, 0, DEVMEM__QUEUE_XSK, 0, DEVMEM__QUEUE_LEASED,
				 DEVMEM__QUEUE_DMABUF };
	uint32_t q[8];

	(void)state;
	assert_int_equal(devmem__queues_choose(use, 8, 3, q), 0);
	assert_int_equal(q[0], 1);
	assert_int_equal(q[1], 3);
	assert_int_equal(q[2], 5);
	q[0] = q[1] = q[2] = q[3] = 77;
	assert_int_equal(devmem__queues_choose(use, 8, 4, q), -EBUSY);
	for (int i = 0; i < 4; i++)
		assert_int_equal(q[i], 77);	/* untouched */
}

static void not_where_others_steer(void **state)
{
	const uint8_t use[3] = { 0, 0, DEVMEM__QUEUE_STEERED };
	const uint32_t list[] = { 2 };
	unsigned int bad;
	uint32_t q[3];

	(void)state;
	assert_int_equal(devmem__queues_choose(use, 3, 1, q), 0);
	assert_int_equal(q[0], 1);
	assert_int_equal(devmem__queues_choose(use, 3, 2, q), -EBUSY);
	assert_int_equal(devmem__queues_check(use, 3, list, 1, &bad), 0);
}

/* Queue 0 is bound by somebody; then another one must stay. */
static void one_is_left(void **state)
{
	const uint8_t use[3] = { DEVMEM__QUEUE_DMABUF, 0, 0 };
	uint32_t q[3];

	(void)state;
	assert_int_equal(devmem__queues_choose(use, 3, 1, q), 0);
	assert_int_equal(q[0], 2);
	assert_int_equal(devmem__queues_choose(use, 3, 2, q), -EBUSY);
}

static int check(const uint8_t *use, const uint32_t *list, unsigned int n, unsigned int at)
{
	unsigned int bad = 99;
	int err = devmem__queues_check(use, 4, list, n, &bad);

	if (err && err != -ENOSPC)
		assert_int_equal(bad, at);
	return err;
}

static void listed(void **state)
{
	const uint8_t use[4] = { 0, 0, DEVMEM__QUEUE_DMABUF, DEVMEM__QUEUE_XSK };
	const uint8_t none[4] = { 0 };

	(void)state;
	assert_int_equal(check(use, (uint32_t[]){ 0 }, 1, 0), 0);
	assert_int_equal(check(use, (uint32_t[]){ 1, 4 }, 2, 1), -ERANGE);
	assert_int_equal(check(use, (uint32_t[]){ UINT32_MAX }, 1, 0), -ERANGE);
	assert_int_equal(check(use, (uint32_t[]){ 1, 1 }, 2, 1), -EINVAL);
	assert_int_equal(check(use, (uint32_t[]){ 1, 2 }, 2, 1), -EEXIST);
	assert_int_equal(check(use, (uint32_t[]){ 3 }, 1, 0), -EBUSY);
	assert_int_equal(check(use, (uint32_t[]){ 0, 1 }, 2, 0), -ENOSPC);
	assert_int_equal(check(none, (uint32_t[]){ 3, 2, 0 }, 3, 0), 0);
	assert_int_equal(check(none, (uint32_t[]){ 3, 2, 1, 0 }, 4, 0), -ENOSPC);
}

static void rules_to_queues(void **state)
{
	struct devmem__rule rule = { 0 };
	uint8_t hit[4] = { 0 };

	(void)state;
	rule.fs.ring_cookie = RX_CLS_FLOW_DISC;
	devmem__netdev_rule_leads(NULL, &rule, hit, 4);
	rule.fs.ring_cookie = 4;
	devmem__netdev_rule_leads(NULL, &rule, hit, 4);
	assert_memory_equal(hit, "\0\0\0\0", 4);
	rule.fs.ring_cookie = 3;
	devmem__netdev_rule_leads(NULL, &rule, hit, 4);
	assert_memory_equal(hit, "\0\0\0\1", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_top),		cmocka_unit_test(never_all),
		cmocka_unit_test(around_the_used_ones), cmocka_unit_test(not_where_others_steer),
		cmocka_unit_test(one_is_left),		cmocka_unit_test(listed),
		cmocka_unit_test(rules_to_queues),
	};

	return cmocka_run_group_tests_name("queues", tests, NULL, NULL);
}
