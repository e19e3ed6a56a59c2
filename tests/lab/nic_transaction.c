// SPDX-License-Identifier: MIT
/*
 * The NIC's transaction on the lab's NIC: whatever is done in it, what ethtool shows is afterwards
 * the same to the letter; what others did, before or meanwhile, stays. Linked with the library's
 * objects, because a transaction by itself, without a binding, is not public.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/unit.h"

#include "netlink/ethtool.h"
#include "nic/nic.h"

#define NIC	   "lab0"
#define VIEW_BYTES 65536

#define ok(call)		 check_result(call, 0, NULL, #call, __LINE__)
#define refused(call, err, word) check_result(call, -(err), word, #call, __LINE__)
#define sh(...)			 check_shell(__LINE__, __VA_ARGS__)

static void check_result(int result, int want, const char *word, const char *what, int line)
{
	if (result == want && (!word || strstr(devmem_error(), word)))
		return;
	print_error("%s: %d instead of %d, or not \"%s\": %s\n", what, result, want,
		    word ? word : "", devmem_error());
	_fail(__FILE__, line);
}

static void check_shell(int line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void check_shell(int line, const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (!system(command))
		return;
	print_error("failed: %s\n", command);
	_fail(__FILE__, line);
}

/* Somebody else, as far as the library can tell. */
static struct devmem__ethtool other;

static char *view(void)
{
	struct devmem__split_state split;
	char *text = calloc(1, VIEW_BYTES);
	size_t n;
	FILE *f;

	assert_non_null(text);
	f = popen("/devmem/lab/guest/nic-view near", "re");
	assert_non_null(f);
	n = fread(text, 1, VIEW_BYTES - 100, f);
	assert_int_equal(pclose(f), 0);
	assert_in_range(n, 200, VIEW_BYTES - 101);
	/* older ethtool programs do not know the threshold */
	ok(devmem__ethtool_split(&other, &split));
	snprintf(text + n, 100, "split %u threshold %u\n", split.split, split.thresh);
	return text;
}

static void same_view(char *before)
{
	char *after = view();

	if (strcmp(before, after)) {
		FILE *a = fopen("/tmp/before", "we"), *b = fopen("/tmp/after", "we");

		fputs(before, a);
		fputs(after, b);
		fclose(a);
		fclose(b);
		print_error("what ethtool shows has changed:\n");
		(void)!system("diff /tmp/before /tmp/after >&2");
		fail();
	}
	free(before);
	free(after);
}

/* None of these fails for its journal. */
static int claim(struct devmem_nic *nic, unsigned int want, const uint32_t *list, uint32_t *queues)
{
	bool no_journal;
	int err = devmem__nic_claim(nic, want, list, queues, &no_journal);

	assert_false(no_journal);
	return err;
}

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static struct devmem_nic *open_nic(void)
{
	struct devmem_nic *nic;

	ok(devmem_nic_open(NIC, NULL, &nic));
	return nic;
}

static int steer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n, const char *ip,
		 uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (strchr(ip, ':')) {
		assert_int_equal(inet_pton(AF_INET6, ip, &in6.sin6_addr), 1);
		return devmem__nic_steer(nic, queues, n, (struct sockaddr *)&in6, NULL);
	}
	assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
	return devmem__nic_steer(nic, queues, n, (struct sockaddr *)&in, NULL);
}

/* A table entry for each queue: how often it stands there. */
static void shares(uint32_t context, unsigned int *count)
{
	uint32_t *table, size;

	ok(devmem__ethtool_table(&other, context, &table, &size));
	memset(count, 0, 16 * sizeof(*count));
	for (uint32_t i = 0; i < size; i++)
		count[table[i]]++;
	free(table);
}

static unsigned int rules(void)
{
	struct devmem__rules all;
	unsigned int n;

	ok(devmem__ethtool_rules(&other, &all));
	n = all.count;
	free(all.rules);
	return n;
}

/* Each test starts from the lab's defaults, and these are checked to be back at its end. */
static char *defaults;
static unsigned int fds;

static int set_up(void **state)
{
	(void)state;
	ok(devmem__ethtool_open(&other, NIC));
	defaults = view();
	fds = open_fds();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	same_view(defaults);
	assert_int_equal(open_fds(), fds);
	devmem__ethtool_close(&other);
	return 0;
}

/* ---------------------------------------------------------------------------------------- plain */

static void claim_and_steer(void **state)
{
	struct devmem_nic *nic = open_nic();
	struct devmem__split_state split;
	unsigned int n[16];
	uint32_t q[2];

	(void)state;
	ok(claim(nic, 2, NULL, q));
	assert_int_equal(q[0], 2);
	assert_int_equal(q[1], 3);
	ok(devmem__ethtool_split(&other, &split));
	assert_int_equal(split.split, DEVMEM_SPLIT_ENABLED);
	assert_int_equal(split.thresh, 0);
	shares(0, n);
	assert_int_equal(n[0], 64);
	assert_int_equal(n[1], 64);

	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	ok(steer(nic, q, 2, "2001:db8:1ab::1", 5300));
	ok(steer(nic, (uint32_t[]){ q[1], q[0] }, 2, "0.0.0.0", 5301));
	ok(steer(nic, q, 1, "192.0.2.1", 0));
	ok(steer(nic, q, 1, "::ffff:192.0.2.1", 5302));
	assert_int_equal(rules(), 5);
	/* one context for the three rules */
	shares(1, n);
	assert_int_equal(n[2], 64);
	assert_int_equal(n[3], 64);
	sh("! ethtool -x " NIC " context 2 >/dev/null 2>&1");
	ok(devmem_nic_close(nic));
}

static void only_opened(void **state)
{
	(void)state;
	ok(devmem_nic_close(open_nic()));
	ok(devmem_nic_close(NULL));
}

static void claims_add_up(void **state)
{
	struct devmem_nic *nic = open_nic();
	unsigned int savepoint, n[16];
	uint32_t a, b;
	char *before;

	(void)state;
	ok(claim(nic, 1, (uint32_t[]){ 3 }, &a));
	savepoint = devmem__nic_savepoint(nic);
	before = view();
	ok(claim(nic, 1, (uint32_t[]){ 1 }, &b));
	ok(steer(nic, &b, 1, "192.0.2.1", 5300));
	shares(0, n);
	assert_int_equal(n[0] + n[2], 128);
	ok(devmem__nic_rollback(nic, savepoint));
	same_view(before);
	ok(claim(nic, 1, (uint32_t[]){ 2 }, &b));
	ok(devmem_nic_close(nic));
}

static void waits_for_the_last_user(void **state)
{
	struct devmem_nic *nic = open_nic();
	char *before;
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	devmem__nic_ref(nic);
	before = view();
	ok(devmem_nic_close(nic));
	same_view(before);
	ok(devmem__nic_unref(nic));
}

static void refusals(void **state)
{
	struct devmem_nic *nic = open_nic();
	struct sockaddr local = { .sa_family = AF_UNIX };
	uint32_t q[8];

	(void)state;
	refused(claim(nic, 4, NULL, q), EBUSY, NIC);
	refused(claim(nic, 0, NULL, q), EINVAL, NIC);
	refused(claim(nic, 2, (uint32_t[]){ 1, 4 }, q), ERANGE, "no RX queue 4");
	refused(claim(nic, 2, (uint32_t[]){ 1, 1 }, q), EINVAL, "twice");
	refused(claim(nic, 4, (uint32_t[]){ 0, 1, 2, 3 }, q), EBUSY, "ordinary");
	refused(devmem__nic_steer(nic, q, 1, &local, NULL), EAFNOSUPPORT, "IPv4");
	refused(devmem__nic_queue_of_napi(nic, 0xfffffff0), ENOENT, "NAPI");
	assert_int_equal(devmem__nic_savepoint(nic), 0);
	ok(devmem_nic_close(nic));
}

static int one_queue(struct nlattr **a, void *arg)
{
	uint32_t *napi = arg;

	if (nla_get_u32(a[DEVMEM_NETDEV_A_QUEUE_TYPE]) == DEVMEM_NETDEV_QUEUE_TYPE_RX)
		napi[nla_get_u32(a[DEVMEM_NETDEV_A_QUEUE_ID])] =
			nla_get_u32(a[DEVMEM_NETDEV_A_QUEUE_NAPI_ID]);
	return 0;
}

static void napi_to_queue(void **state)
{
	struct devmem_nic *nic = open_nic();
	uint32_t napi[16] = { 0 };
	struct devmem__nl nl;

	(void)state;
	ok(devmem__nl_open(&nl, "netdev"));
	devmem__nl_begin(&nl, DEVMEM_NETDEV_CMD_QUEUE_GET);
	devmem__nl_put_u32(&nl, DEVMEM_NETDEV_A_QUEUE_IFINDEX, devmem__nic_ifindex(nic));
	ok(devmem__nl_dump(&nl, one_queue, napi));
	devmem__nl_close(&nl);
	for (int i = 0; i < 4; i++)
		assert_int_equal(devmem__nic_queue_of_napi(nic, napi[i]), i);
	ok(devmem_nic_close(nic));
}

/* ---------------------------------------------------------------------- as others had set it up */

/* An uneven table, rules and a context of somebody else, split on. */
static void settings_of_others(void **state)
{
	struct devmem_nic *nic;
	unsigned int n[16];
	char *before;
	uint32_t q[2];

	(void)state;
	sh("ethtool -X " NIC " weight 4 2 1 1");
	sh("ethtool -X " NIC " context new equal 2 >/dev/null");
	sh("ethtool -N " NIC " flow-type tcp4 dst-port 80 action 1 >/dev/null");
	sh("ethtool -N " NIC " flow-type udp6 dst-port 53 context 1 loc 5 >/dev/null");
	ok(devmem__ethtool_set_split(&other, true, DEVMEM_SPLIT_ENABLED, true, 100, NULL));
	before = view();

	nic = open_nic();
	ok(claim(nic, 2, NULL, q));
	assert_int_equal(q[0], 2);
	shares(0, n);
	/* 64:32 before; the other 32 entries are shared in the same proportion */
	assert_int_equal(n[0] + n[1], 128);
	assert_in_range(n[0], 80, 90);
	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	refused(steer(nic, q, 2, "0.0.0.0", 80), EADDRINUSE, "not ours");
	assert_int_equal(rules(), 3);
	ok(devmem_nic_close(nic));
	same_view(before);

	sh("ethtool -N " NIC " delete 5");
	sh("ethtool -N " NIC " delete 63");
	sh("ethtool -X " NIC " context 1 delete");
	sh("ethtool -X " NIC " default");
	ok(devmem__ethtool_set_split(&other, true, DEVMEM_SPLIT_UNKNOWN, true, 256, NULL));
}

/* Split was on and is not touched, neither now nor at the end. */
static void nothing_to_change(void **state)
{
	struct devmem_nic *nic;
	char *before;
	uint32_t q;

	(void)state;
	ok(devmem__ethtool_set_split(&other, true, DEVMEM_SPLIT_ENABLED, true, 0, NULL));
	sh("ethtool -X " NIC " equal 3");
	before = view();
	nic = open_nic();
	ok(claim(nic, 1, NULL, &q));
	assert_int_equal(q, 3);
	assert_int_equal(devmem__nic_savepoint(nic), 0);
	ok(devmem_nic_close(nic));
	same_view(before);
	sh("ethtool -X " NIC " default");
	ok(devmem__ethtool_set_split(&other, true, DEVMEM_SPLIT_UNKNOWN, true, 256, NULL));
}

static void queues_that_others_steer_to(void **state)
{
	struct devmem_nic *nic = open_nic();
	uint32_t q[3];

	(void)state;
	sh("ethtool -N " NIC " flow-type tcp4 dst-port 80 action 3 loc 7 >/dev/null");
	ok(claim(nic, 1, NULL, q));
	assert_int_equal(q[0], 2);
	refused(claim(nic, 3, NULL, q), EBUSY, "steer");
	ok(devmem_nic_close(nic));
	sh("ethtool -N " NIC " delete 7");
}

/* A table that nobody had set goes on following the number of channels. */
static void default_table_stays_default(void **state)
{
	struct devmem_nic *nic = open_nic();
	unsigned int n[16];
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	ok(devmem_nic_close(nic));
	sh("ethtool -L " NIC " combined 8");
	shares(0, n);
	assert_int_equal(n[7], 16);
	sh("ethtool -L " NIC " combined 4");
	shares(0, n);
	assert_int_equal(n[3], 32);
}

static void while_it_is_down(void **state)
{
	struct devmem_nic *nic;
	char *before;
	uint32_t q;

	(void)state;
	sh("ip link set " NIC " down");
	before = view();
	nic = open_nic();
	ok(claim(nic, 1, NULL, &q));
	assert_int_equal(q, 3);
	ok(steer(nic, &q, 1, "192.0.2.1", 5300));
	ok(devmem_nic_close(nic));
	same_view(before);
	sh("ip link set " NIC " up");
}

static void renamed_meanwhile(void **state)
{
	struct devmem_nic *nic = open_nic();
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	ok(steer(nic, &q, 1, "192.0.2.1", 5300));
	sh("ip link set " NIC " down && ip link set " NIC " name other0 && ip link set other0 up");
	ok(devmem_nic_close(nic));
	sh("ip link set other0 down && ip link set other0 name " NIC " && ip link set " NIC " up");
}

/* ------------------------------------------------------------------------------------- steering */

static void same_flow_again(void **state)
{
	struct devmem_nic *nic = open_nic();
	unsigned int savepoint;
	uint32_t q[2];
	char *before;

	(void)state;
	ok(claim(nic, 2, NULL, q));
	ok(steer(nic, q, 1, "192.0.2.1", 5300));
	savepoint = devmem__nic_savepoint(nic);
	ok(steer(nic, q, 1, "192.0.2.1", 5300));
	assert_int_equal(devmem__nic_savepoint(nic), savepoint);

	/* not as long as somebody has the queue where it leads */
	assert_int_equal(steer(nic, q + 1, 1, "192.0.2.1", 5300), -EADDRINUSE);
	/* to other queues: the rule is replaced, and comes back at a rollback */
	before = view();
	devmem__nic_release(nic, q, 1);
	ok(steer(nic, q + 1, 1, "192.0.2.1", 5300));
	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	assert_int_equal(rules(), 1);
	ok(devmem__nic_rollback(nic, savepoint));
	same_view(before);
	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	ok(devmem_nic_close(nic));
}

static int unsteer(struct devmem_nic *nic, const uint32_t *queues, unsigned int n, const char *ip,
		   uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (strchr(ip, ':')) {
		assert_int_equal(inet_pton(AF_INET6, ip, &in6.sin6_addr), 1);
		return devmem__nic_unsteer(nic, queues, n, (struct sockaddr *)&in6, NULL);
	}
	assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
	return devmem__nic_unsteer(nic, queues, n, (struct sockaddr *)&in, NULL);
}

/* In any order, while other rules stay; and again, since what is taken back can be made again. */
static void taken_back(void **state)
{
	struct devmem_nic *nic = open_nic();
	unsigned int savepoint;
	uint32_t q[2];

	(void)state;
	ok(claim(nic, 2, NULL, q));
	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	savepoint = devmem__nic_savepoint(nic);
	ok(steer(nic, q, 2, "::", 5301));
	ok(steer(nic, q, 1, "192.0.2.1", 5302));
	assert_int_equal(rules(), 4);
	ok(unsteer(nic, q, 2, "::", 5301));
	assert_int_equal(rules(), 2);
	refused(unsteer(nic, q, 2, "::", 5301), ENOENT, "no rule for this flow");
	ok(steer(nic, q, 2, "0.0.0.0", 5301));
	ok(unsteer(nic, q, 2, "::", 5301)); /* one of the two will do */
	refused(unsteer(nic, q + 1, 1, "192.0.2.1", 5302), ENOENT, "no rule"); /* another queue's */
	ok(unsteer(nic, q, 1, "192.0.2.1", 5302));
	refused(devmem__nic_unsteer(nic, q, 1, NULL, NULL), EINVAL, "local address");
	refused(devmem__nic_unsteer(nic, q, 1, &(struct sockaddr){ .sa_family = AF_UNIX }, NULL),
		EAFNOSUPPORT, "IPv4");
	assert_int_equal(rules(), 1);
	/* what is left are guards, one for each address and port */
	assert_in_range(devmem__nic_savepoint(nic), savepoint, savepoint + 3);
	ok(unsteer(nic, q, 2, "192.0.2.1", 5300));
	assert_int_equal(rules(), 0);
	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	assert_int_equal(rules(), 1);
	ok(devmem_nic_close(nic));
}

#define MANY 1000 /* in a table of 64 */

static void many_in_a_small_table(void **state)
{
	struct devmem_nic *nic = open_nic();
	unsigned int savepoint;
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	ok(steer(nic, &q, 1, "192.0.2.1", 5300));
	savepoint = devmem__nic_savepoint(nic);
	for (int i = 0; i < MANY; i++) {
		const struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(5300) },
					 peer = { .sin_family = AF_INET,
						  .sin_addr.s_addr = htonl(0xc0000202),
						  .sin_port = htons((uint16_t)(10000 + i)) };

		ok(devmem__nic_steer(nic, &q, 1, (const struct sockaddr *)&here,
				     (const struct sockaddr *)&peer));
		ok(devmem__nic_unsteer(nic, &q, 1, (const struct sockaddr *)&here,
				       (const struct sockaddr *)&peer));
	}
	assert_int_equal(devmem__nic_savepoint(nic), savepoint + 1); /* the guard of any address */
	assert_int_equal(rules(), 1);
	ok(devmem_nic_close(nic));
}

/* It replaced the rule of a binding that was closed since. */
static void taken_back_with_what_it_replaced(void **state)
{
	struct devmem_nic *nic = open_nic();
	unsigned int savepoint;
	uint32_t q[2];

	(void)state;
	ok(claim(nic, 2, NULL, q));
	ok(steer(nic, q, 1, "192.0.2.1", 5300));
	savepoint = devmem__nic_savepoint(nic);
	devmem__nic_release(nic, q, 1);
	ok(steer(nic, q + 1, 1, "192.0.2.1", 5300));
	assert_int_equal(devmem__nic_savepoint(nic), savepoint + 1);
	ok(unsteer(nic, q + 1, 1, "192.0.2.1", 5300));
	assert_int_equal(rules(), 0);
	assert_int_equal(devmem__nic_savepoint(nic), savepoint - 1);
	refused(unsteer(nic, q + 1, 1, "192.0.2.1", 5300), ENOENT, "no rule");

	/* a rule that leads to nobody's queue: any binding may take it back */
	ok(steer(nic, q, 1, "192.0.2.1", 5300));
	ok(unsteer(nic, q + 1, 1, "192.0.2.1", 5300));
	assert_int_equal(rules(), 0);
	ok(devmem_nic_close(nic));
}

static void rules_turned_off(void **state)
{
	struct devmem_nic *nic = open_nic();
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	sh("ethtool -K " NIC " ntuple off");
	refused(steer(nic, &q, 1, "192.0.2.1", 5300), EOPNOTSUPP, "ethtool -K " NIC " ntuple on");
	sh("ethtool -K " NIC " ntuple on");
	ok(devmem_nic_close(nic));
}

/* The context was made, then the rule failed: the context goes again. And no contexts left. */
static void failure_in_the_middle(void **state)
{
	struct devmem_nic *nic = open_nic();
	char *before;
	uint32_t q[2];

	(void)state;
	ok(claim(nic, 2, NULL, q));
	sh("for i in $(seq 0 63); do ethtool -N " NIC " flow-type tcp4 dst-port $((1000 + i)) "
	   "action 0 loc $i >/dev/null || exit 1; done");
	before = view();
	refused(steer(nic, q, 2, "192.0.2.1", 5300), ENOSPC, "room for another rule");
	refused(steer(nic, q, 1, "192.0.2.1", 5300), ENOSPC, "room for another rule");
	same_view(before);
	sh("for i in $(seq 0 63); do ethtool -N " NIC " delete $i || exit 1; done");

	sh("while ethtool -X " NIC " context new equal 2 >/dev/null 2>&1; do :; done");
	before = view();
	refused(steer(nic, q, 2, "192.0.2.1", 5300), ENOSPC, "room for another RSS context");
	same_view(before);
	ok(steer(nic, q, 1, "192.0.2.1", 5300));
	ok(devmem_nic_close(nic));
	sh("for i in $(seq 1 15); do ethtool -X " NIC " context $i delete || exit 1; done");
}

/* ------------------------------------------------------------------ changed by others meanwhile */

static void their_table_stays(void **state)
{
	struct devmem_nic *nic = open_nic();
	unsigned int n[16];
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	ok(steer(nic, &q, 1, "192.0.2.1", 5300));
	sh("ethtool -X " NIC " weight 1 0 1");
	refused(devmem_nic_close(nic), ESTALE, "RSS table");
	shares(0, n);
	assert_int_equal(n[0], 64);
	assert_int_equal(n[2], 64);
	/* all the rest was undone: what tear_down sees is right once the table is */
	sh("ethtool -X " NIC " default");
}

static void their_split_stays(void **state)
{
	struct devmem_nic *nic = open_nic();
	struct devmem__split_state split;
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	ok(devmem__ethtool_set_split(&other, false, 0, true, 77, NULL));
	refused(devmem_nic_close(nic), ESTALE, "hds-thresh");
	ok(devmem__ethtool_split(&other, &split));
	assert_int_equal(split.thresh, 77);
	assert_int_equal(split.split, DEVMEM_SPLIT_DISABLED);

	ok(devmem__ethtool_set_split(&other, false, 0, true, 256, NULL));
	nic = open_nic();
	ok(claim(nic, 1, NULL, &q));
	ok(devmem__ethtool_set_split(&other, true, DEVMEM_SPLIT_DISABLED, false, 0, NULL));
	ok(devmem_nic_close(nic)); /* it is as it was before us, whoever made it so */
	ok(devmem__ethtool_split(&other, &split));
	assert_int_equal(split.thresh, 256);
	assert_int_equal(split.split, DEVMEM_SPLIT_DISABLED);
}

static void their_rule_stays(void **state)
{
	struct devmem_nic *nic = open_nic();
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	ok(steer(nic, &q, 1, "192.0.2.1", 5300));
	ok(steer(nic, &q, 1, "192.0.2.1", 5301));
	sh("ethtool -N " NIC " delete 62");
	sh("ethtool -N " NIC " flow-type tcp4 dst-port 80 action 1 loc 63 >/dev/null");
	refused(devmem_nic_close(nic), ESTALE, "another rule in the place of ours, at location 63");
	assert_int_equal(rules(), 1);
	sh("ethtool -N " NIC " delete 63");
}

/* Their rule in the place of ours stays, and ours is forgotten. */
static void their_rule_is_not_taken_back(void **state)
{
	struct devmem_nic *nic = open_nic();
	uint32_t q;

	(void)state;
	ok(claim(nic, 1, NULL, &q));
	ok(steer(nic, &q, 1, "192.0.2.1", 5300));
	ok(steer(nic, &q, 1, "192.0.2.1", 5301));
	sh("ethtool -N " NIC " delete 62");
	sh("ethtool -N " NIC " flow-type tcp4 dst-port 80 action 1 loc 63 >/dev/null");
	refused(unsteer(nic, &q, 1, "192.0.2.1", 5300), ESTALE,
		"another rule in the place of ours, at location 63");
	refused(unsteer(nic, &q, 1, "192.0.2.1", 5300), ENOENT, "no rule");
	ok(unsteer(nic, &q, 1, "192.0.2.1", 5301));
	assert_int_equal(rules(), 1);
	sh("ethtool -N " NIC " delete 63");
	ok(devmem_nic_close(nic));
}

/* What we made is gone, and all is as it was before us: that is no failure. */
static void what_they_undid_is_undone(void **state)
{
	struct devmem_nic *nic = open_nic();
	char *before = view();
	uint32_t q[2];

	(void)state;
	ok(claim(nic, 2, NULL, q));
	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	ok(steer(nic, q, 2, "192.0.2.1", 5301));
	sh("ethtool -N " NIC " delete 63; ethtool -N " NIC " delete 62");
	sh("ethtool -X " NIC " context 1 delete; ethtool -X " NIC " default");
	ok(devmem_nic_close(nic));
	same_view(before);
}

static void their_context_stays(void **state)
{
	struct devmem_nic *nic = open_nic();
	unsigned int n[16];
	uint32_t q[2];

	(void)state;
	ok(claim(nic, 2, NULL, q));
	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	sh("ethtool -X " NIC " context 1 weight 0 0 3 1");
	/* it is no longer what we made: a further rule gets a new one */
	ok(steer(nic, q, 2, "192.0.2.1", 5301));
	refused(devmem_nic_close(nic), ESTALE, "RSS context 1");
	shares(1, n);
	assert_int_equal(n[2], 96);
	sh("! ethtool -x " NIC " context 2 >/dev/null 2>&1");
	sh("ethtool -X " NIC " context 1 delete");
}

/* ------------------------------------------------------------------------- forgotten by the NIC */

/* Until it is so again; the transaction looks after it by itself. */
static void comes_back(char *as)
{
	for (int tries = 0; tries < 300; tries++) {
		char *now = view();
		bool same = !strcmp(now, as);

		free(now);
		if (same) {
			free(as);
			return;
		}
		usleep(100000);
	}
	same_view(as);
}

/* @how: a command that resets the NIC. Rules, contexts and table come back, and at the end it is as
 * before. */
static void forgotten(unsigned int queues, const char *how)
{
	struct devmem_nic *nic = open_nic();
	char *before = view(), *ours;
	uint32_t q[2];

	ok(claim(nic, queues, NULL, q));
	ok(steer(nic, q, queues, "192.0.2.1", 5300));
	ok(steer(nic, q, queues, "192.0.2.1", 5301));
	ours = view();
	sh("%s", how);
	comes_back(ours);
	/* what is made later goes on from there */
	ok(steer(nic, q, queues, "192.0.2.1", 5302));
	assert_int_equal(rules(), 3);
	ok(devmem_nic_close(nic));
	same_view(before);
}

static void reset_by_ethtool(void **state)
{
	(void)state;
	forgotten(1, "ethtool --reset " NIC " all >/dev/null");
	forgotten(2, "ethtool --reset " NIC " all >/dev/null");
}

static void reset_by_itself(void **state)
{
	(void)state;
	forgotten(2, "echo 300 >/sys/kernel/debug/labnic/" NIC "/reset_forget");
}

/* A table of the administrator's, which had none of our queues in it, is lost with a reset: the
 * default one has. */
static void reset_that_loses_their_table(void **state)
{
	struct devmem_nic *nic;
	char *before = view();
	unsigned int n[16];
	uint32_t q;

	(void)state;
	sh("ethtool -X " NIC " weight 1 1 1 0");
	nic = open_nic();
	ok(claim(nic, 1, NULL, &q));
	assert_int_equal(q, 3);
	sh("ethtool --reset " NIC " all >/dev/null");
	for (int tries = 0; tries < 300 && (shares(0, n), n[3]); tries++)
		usleep(100000);
	assert_int_equal(n[3], 0);
	assert_true(n[0] && n[1] && n[2]);
	ok(devmem_nic_close(nic));
	same_view(before);
}

/* Killed after its settings were made again: they are in the journal, too. */
static void reset_and_killed(void **state)
{
	char *before = view();
	int status;
	pid_t child = fork();

	(void)state;
	if (!child) {
		struct devmem_nic *nic;
		uint32_t q[2];

		/* somebody else's context is lost, too, so that ours has another number
		 * afterwards */
		sh("ethtool -X " NIC " context new start 0 equal 2 >/dev/null");
		nic = open_nic();
		ok(claim(nic, 2, NULL, q));
		ok(steer(nic, q, 2, "192.0.2.1", 5300));
		sh("ethtool --reset " NIC " all >/dev/null");
		for (int tries = 0; tries < 300 && !rules(); tries++)
			usleep(100000);
		assert_int_equal(rules(), 1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	ok(devmem_nic_restore(NIC, NULL));
	same_view(before);
}

/* A rule of theirs leads to our context: the kernel keeps it, and all else is undone. */
static void their_rule_to_our_context(void **state)
{
	struct devmem_nic *nic = open_nic();
	uint32_t q[2];

	(void)state;
	ok(claim(nic, 2, NULL, q));
	ok(steer(nic, q, 2, "192.0.2.1", 5300));
	sh("ethtool -N " NIC " flow-type tcp4 dst-port 80 context 1 loc 9 >/dev/null");
	refused(devmem_nic_close(nic), EBUSY, "RSS context 1");
	assert_int_equal(rules(), 1);
	sh("ethtool -N " NIC " delete 9 && ethtool -X " NIC " context 1 delete");
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(only_opened),
		test(claim_and_steer),
		test(claims_add_up),
		test(waits_for_the_last_user),
		test(refusals),
		test(napi_to_queue),
		test(settings_of_others),
		test(nothing_to_change),
		test(queues_that_others_steer_to),
		test(default_table_stays_default),
		test(while_it_is_down),
		test(renamed_meanwhile),
		test(same_flow_again),
		test(taken_back),
		test(many_in_a_small_table),
		test(taken_back_with_what_it_replaced),
		test(rules_turned_off),
		test(failure_in_the_middle),
		test(their_table_stays),
		test(their_split_stays),
		test(their_rule_stays),
		test(their_rule_is_not_taken_back),
		test(their_context_stays),
		test(what_they_undid_is_undone),
		test(their_rule_to_our_context),
		test(reset_by_ethtool),
		test(reset_by_itself),
		test(reset_that_loses_their_table),
		test(reset_and_killed),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests_name("nic transaction", tests, NULL, NULL);
}
