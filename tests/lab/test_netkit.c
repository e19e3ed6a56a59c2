// SPDX-License-Identifier: MIT
/*
 * A container's interface: a netkit, to which the NIC leases a queue. Bytes come that way in the
 * kernel's own tests (kselftest.sh); here is what the library says and does around it. "lab_netkit
 * lease NETKIT QUEUE" makes a lease, for doctor.sh.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#include "netlink/ethtool.h"
#include "netlink/genl.h"
#include "base/uapi.h"

/* NETDEV_CMD_QUEUE_CREATE and its attributes [include/uapi/linux/netdev.h of 7.1] */
#define CMD_QUEUE_CREATE 16
#define A_LEASE_IFINDEX	 1
#define A_LEASE_QUEUE	 2
#define LEASED		 2u   /* queue of the NIC */
#define THRESHOLD	 256u /* bytes: the NIC's, at first */

/* Only the end that is not the primary one leases, as many queues as it was made with, less its
 * own. */
static void make_netkit(void)
{
	run("ip link add kit0 type netkit mode l2 peer name kit1 numrxqueues 4 && ip link set kit0 "
	    "up && ip link set kit1 up");
}

static void delete_netkit(void)
{
	run("ip link delete kit0");
}

static void put_queue(struct devmem__nl *nl, uint32_t id)
{
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_ID, id);
	devmem__nl_put_u32(nl, DEVMEM_NETDEV_A_QUEUE_TYPE, DEVMEM_NETDEV_QUEUE_TYPE_RX);
}

static int lease(const char *netkit, uint32_t queue)
{
	struct devmem__nl nl = { 0 };
	struct nlattr *outer, *inner;
	int err = devmem__nl_open(&nl, "netdev");

	if (err)
		return err;
	devmem__nl_begin(&nl, CMD_QUEUE_CREATE);
	devmem__nl_put_u32(&nl, DEVMEM_NETDEV_A_QUEUE_IFINDEX, if_nametoindex(netkit));
	devmem__nl_put_u32(&nl, DEVMEM_NETDEV_A_QUEUE_TYPE, DEVMEM_NETDEV_QUEUE_TYPE_RX);
	outer = devmem__nl_nest(&nl, DEVMEM_NETDEV_A_QUEUE_LEASE);
	devmem__nl_put_u32(&nl, A_LEASE_IFINDEX, if_nametoindex(NIC));
	inner = devmem__nl_nest(&nl, A_LEASE_QUEUE);
	put_queue(&nl, queue);
	devmem__nl_nest_end(&nl, inner);
	devmem__nl_nest_end(&nl, outer);
	err = devmem__nl_call(&nl, NULL, NULL);
	if (err)
		fprintf(stderr, "lease: %s (%s)\n", strerror(-err), nl.why);
	devmem__nl_close(&nl);
	return err;
}

static struct devmem_buffer *buffer;

static int set_up(void **state)
{
	lab_look_before(state);
	buffer = lab_buffer(4 << 20);
	make_netkit();
	return 0;
}

static int tear_down(void **state)
{
	devmem_buffer_close(buffer);
	delete_netkit();
	return lab_look_after(state);
}

#define refused(call, err, word) check_refused(call, -(err), word, #call, __LINE__)

static void check_refused(int result, int want, const char *word, const char *what, int line)
{
	if (result == want && strstr(devmem_error(), word))
		return;
	print_error("%s: %d instead of %d, or not \"%s\": %s\n", what, result, want, word,
		    devmem_error());
	_fail(__FILE__, line);
}

static struct devmem_nic *open_nic(uint32_t flags)
{
	struct devmem_nic *nic;

	ok(devmem_nic_open("kit1", DEVMEM_OPTS(devmem_nic_opts, .flags = flags), &nic));
	return nic;
}

static int bind_to(struct devmem_nic *nic, const uint32_t *queue, const char *engine,
		   struct devmem_binding **binding)
{
	return devmem_bind_rx(nic, buffer,
			      DEVMEM_OPTS(devmem_bind_opts, .engine = engine,
					  .queues = queue ? 1 : 0, .queue_list = queue),
			      binding);
}

/* As whoever leases a queue does; the program ethtool knows no threshold before 6.14. */
static void split(bool on)
{
	struct devmem__ethtool et;

	ok(devmem__ethtool_open(&et, NIC));
	ok(devmem__ethtool_set_split(&et, true, on ? DEVMEM_SPLIT_ENABLED : DEVMEM_SPLIT_DISABLED,
				     true, on ? 0 : THRESHOLD, NULL));
	devmem__ethtool_close(&et);
}

static void without_a_lease(void **state)
{
	struct devmem_nic *nic = open_nic(0);
	struct devmem_binding *b;
	const char *reason;

	(void)state;
	refused(bind_to(nic, NULL, "devmem", &b), EOPNOTSUPP,
		"none of its queues is leased from a NIC");
	ok(bind_to(nic, NULL, NULL, &b));
	assert_string_equal(devmem_binding_engine(b, &reason), "copy");
	assert_non_null(strstr(reason, "leased"));
	devmem_binding_close(b);
	ok(devmem_nic_close(nic));
}

/* The queue is found unasked; settings are the NIC's, and whoever leases it makes them. */
static void with_a_lease(void **state)
{
	const struct sockaddr_in local = { .sin_family = AF_INET,
					   .sin_port = htons(PORT),
					   .sin_addr.s_addr = htonl(0x7f000001) };
	const struct sockaddr *at = (const struct sockaddr *)&local;
	struct devmem_plan plan = { .size = sizeof(plan) };
	const uint32_t zero = 0, none = 2;
	struct devmem_binding *b;
	struct devmem_nic *nic;
	uint32_t queue = 0;

	(void)state;
	assert_int_equal(lease("kit1", LEASED), 0);
	nic = open_nic(0);
	refused(bind_to(nic, NULL, NULL, &b), EINVAL, "tcp-data-split is disabled");
	split(true);
	refused(bind_to(nic, &zero, NULL, &b), EBUSY, "it is not leased from a NIC");
	refused(bind_to(nic, &none, NULL, &b), ERANGE, "no RX queue 2");
	refused(devmem_plan(nic, &plan), EOPNOTSUPP, "no rings of its own");
	ok(bind_to(nic, NULL, NULL, &b));
	assert_string_equal(devmem_binding_engine(b, NULL), "devmem");
	assert_int_equal(devmem_binding_queues(b, &queue, 1), 1);
	assert_int_equal(queue, 1);
	assert_int_not_equal(devmem_binding_id(b), 0);
	assert_int_equal(devmem_steer(b, at, NULL), 0);
	assert_int_equal(devmem_unsteer(b, at, NULL), 0);
	refused(devmem_source_port(b, at, at), EOPNOTSUPP, "how it hashes flows");
	run("! ethtool -n " NIC " | grep -q Filter");
	devmem_binding_close(b);
	ok(bind_to(nic, &(uint32_t){ 1 }, "devmem", &b)); /* and by its number */
	devmem_binding_close(b);
	ok(devmem_nic_close(nic));
	run("ethtool -g " NIC " | grep -q 'TCP data split:.*on'"); /* nobody's but ours */
	split(false);
}

static void settings_that_are_others(void **state)
{
	const struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct devmem_binding *b;
	struct devmem_nic *nic;

	(void)state;
	assert_int_equal(lease("kit1", LEASED), 0);
	split(true);
	nic = open_nic(DEVMEM_NIC_KEEP);
	ok(bind_to(nic, NULL, "devmem", &b));
	refused(devmem_steer(b, (const struct sockaddr *)&local, NULL), EPERM, "DEVMEM_NIC_KEEP");
	devmem_binding_close(b);
	ok(devmem_nic_close(nic));
	split(false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { TEST(without_a_lease), TEST(with_a_lease),
					    TEST(settings_that_are_others) };

	if (argc == 4 && !strcmp(argv[1], "lease"))
		return lease(argv[2], (uint32_t)strtoul(argv[3], NULL, 0)) ? 1 : 0;
	lab_begin(argc, argv);
	return lab_run("netkit", tests, NULL, NULL);
}
