// SPDX-License-Identifier: MIT
/* Which RX queues are taken, and which rules lead to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#include "fds.h"
#include "nic/nic_impl.h"
#include "base/uapi.h"

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
	const uint8_t use[8] = { 0,
				 0,
				 DEVMEM__QUEUE_IO_URING,
				 0,
				 DEVMEM__QUEUE_XSK,
				 0,
				 DEVMEM__QUEUE_LEASED,
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
		assert_int_equal(q[i], 77); /* untouched */
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

/* ------------------------------------------------------------------------- numbers from outside */

static int hear_of(uint32_t queue, struct devmem__netdev_queues *q)
{
	struct {
		struct nlattr h;
		uint32_t value;
	} id = { { 8, DEVMEM_NETDEV_A_QUEUE_ID }, queue },
	  type = { { 8, DEVMEM_NETDEV_A_QUEUE_TYPE }, 0 };
	struct nlattr *a[DEVMEM__NL_ATTRS + 1] = { 0 };

	a[DEVMEM_NETDEV_A_QUEUE_ID] = &id.h;
	a[DEVMEM_NETDEV_A_QUEUE_TYPE] = &type.h;
	return devmem__netdev_got_queue(a, q);
}

static void numbers_that_no_queue_has(void **state)
{
	const uint32_t bad[] = { UINT32_MAX, UINT32_MAX - 1, INT32_MAX, DEVMEM__MAX_QUEUES };
	struct devmem__netdev_queues q = { 0 };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(hear_of(bad[i], &q), -ERANGE);
	assert_int_equal(q.count, 0);
	assert_int_equal(hear_of(DEVMEM__MAX_QUEUES - 1, &q), 0);
	assert_int_equal(q.count, DEVMEM__MAX_QUEUES);
	devmem__netdev_free(&q);
}

/* A NIC of 2,048 queues: the numbers of claimed ones are written down as they are, and nothing
 * beside them is touched. */
static void claims_of_many_queues(void **state)
{
	const uint32_t queues[] = { 2047, 1024, 3 };
	char folder[] = "/tmp/claims.XXXXXX", path[64];
	struct devmem__journal_head head = { .ifname = "many0" };
	struct devmem_nic *nic = calloc(1, sizeof(*nic));
	const struct devmem__journal_owner *us;

	(void)state;
	assert_non_null(nic);
	nic->quirks = devmem__quirks_of("");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/1-1.journal", folder);
	devmem__journal_boot_id(head.boot);
	assert_int_equal(devmem__journal_open(&nic->journal, path, &head), 0);
	assert_int_equal(devmem__journal_join(&nic->journal), 0);
	assert_int_equal(devmem__nic_update_claim(nic, queues, 3, true), 0);
	us = &nic->journal.state.owners[0];
	assert_int_equal(us->nqueues, 3);
	assert_memory_equal(us->queues, queues, sizeof(queues));
	assert_false(nic->keep || nic->obstacle);
	for (unsigned int i = 0; i < sizeof(nic->why); i++)
		assert_int_equal(nic->why[i], 0);
	assert_int_equal(devmem__nic_update_claim(nic, &queues[1], 1, false), 0);
	assert_int_equal(us->nqueues, 2);
	assert_int_equal(us->queues[0], 2047);
	assert_int_equal(us->queues[1], 3);
	devmem__queue_set_free(&nic->claimed);
	devmem__journal_close(&nic->journal);
	free(nic);
	assert_int_equal(rmdir(folder), 0);
}

/* A program's own memory for each thread, which takes its part of each thread's stack. */
static _Thread_local volatile char large[512 << 10];

/* The thread that looks after the settings ends with the transaction, and leaves nothing behind. */
static void the_keeper_comes_and_goes(void **state)
{
	const unsigned int before = open_fds();
	struct devmem_nic *nic;

	(void)state;
	large[0] = 1;
	assert_int_equal(devmem__nic_open_idle("lo", NULL, &nic), 0);
	devmem__nic_keeper_open(nic);
	devmem__nic_keeper_start(nic);
	assert_true(nic->keeper.runs);
	devmem__nic_keeper_start(nic); /* once is enough */
	assert_int_equal(devmem__nic_unref(nic), 0);
	assert_int_equal(open_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_top),
		cmocka_unit_test(never_all),
		cmocka_unit_test(around_the_used_ones),
		cmocka_unit_test(not_where_others_steer),
		cmocka_unit_test(one_is_left),
		cmocka_unit_test(listed),
		cmocka_unit_test(rules_to_queues),
		cmocka_unit_test(numbers_that_no_queue_has),
		cmocka_unit_test(claims_of_many_queues),
		cmocka_unit_test(the_keeper_comes_and_goes),
	};

	return cmocka_run_group_tests_name("queues", tests, NULL, NULL);
}
