// SPDX-License-Identifier: MIT
/*
 * Whose a flow is: "::" stands for any address of both families, as for a listener, and what is
 * steered to one binding is not steered to another as well. And an interface by a name that is
 * longer than the kernel's own can be.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

#define MIB	   (1u << 20)
#define OTHER_PORT 5301
#define ALT_NAME   "an-alternative-name-as-udev-may-give-to-an-interface"

static const struct sockaddr *any4(uint16_t port)
{
	static struct sockaddr_in v4 = { .sin_family = AF_INET };

	v4.sin_port = htons(port);
	return (const struct sockaddr *)&v4;
}

static const struct sockaddr *any6(uint16_t port)
{
	static struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	v6.sin6_port = htons(port);
	return (const struct sockaddr *)&v6;
}

static unsigned int rules(void)
{
	FILE *f = popen("ethtool -n " NIC " | grep -c '^Filter:'", "r");
	unsigned int n = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

static void arrives_on_its_queue(struct devmem_ring *ring, struct lab *lab, bool ipv6)
{
	struct lab_pair pair = lab_connect(lab, ipv6);
	struct lab_stream stream;
	struct lab_sender *sender;
	uint32_t queue;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, MIB, 0, true);
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(devmem_binding_queues(lab->binding, &queue, 1), 1);
	assert_int_equal(devmem_sock_queue(stream.sock), queue);
	assert_int_equal(stream.host, 0);
	devmem_detach(stream.sock);
	close(pair.near);
	close(pair.far);
}

/* One call, for a listener as most servers have it. */
static void any_is_of_both_families(void **state)
{
	struct lab lab = { .port = PORT, .listener = lab_listen(PORT) };
	struct devmem_ring *ring = lab_ring(NULL);

	(void)state;
	lab.buffer = lab_buffer(16 * MIB);
	lab.memory = lab_view(lab.buffer);
	ok(devmem_nic_open(NIC, NULL, &lab.nic));
	lab.binding = lab_bind(lab.nic, lab.buffer, 1, NULL);
	ok(devmem_steer(lab.binding, any6(PORT), NULL));
	assert_int_equal(rules(), 2);
	ok(devmem_steer(lab.binding, any6(PORT), NULL)); /* nothing more to do */
	ok(devmem_steer(lab.binding, any4(PORT), NULL));
	assert_int_equal(rules(), 2);
	arrives_on_its_queue(ring, &lab, false);
	arrives_on_its_queue(ring, &lab, true);
	devmem_ring_close(ring);
	lab_close(&lab);
}

/* There is room for one more rule alone: neither is made. */
static void all_or_none(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(4 * MIB);
	struct devmem_binding *binding;
	struct devmem_nic *nic;
	unsigned int before;
	int err = 0;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	binding = lab_bind(nic, buffer, 1, NULL);
	ok(devmem_steer(binding, any4(1), NULL));
	for (uint16_t port = 2; !err; port++) {
		before = rules();
		err = devmem_steer(binding, any6(port), NULL);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(rules(), before);
	assert_true(before % 2);
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

static void refused(int result)
{
	assert_int_equal(result, -EADDRINUSE);
	assert_non_null(strstr(devmem_error(), "another binding"));
}

static void one_flow_is_not_for_two(void **state)
{
	struct devmem_buffer *buffer[2] = { lab_buffer(4 * MIB), lab_buffer(4 * MIB) };
	struct devmem_binding *one, *other;
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open(NIC, NULL, &nic));
	one = lab_bind(nic, buffer[0], 1, NULL);
	other = lab_bind(nic, buffer[1], 1, NULL);
	ok(devmem_steer(one, any4(PORT), NULL));
	refused(devmem_steer(other, any4(PORT), NULL));
	refused(devmem_steer(other, any6(PORT), NULL)); /* a part of it is taken */
	assert_int_equal(rules(), 1);
	ok(devmem_steer(one, any6(PORT), NULL));
	ok(devmem_steer(other, any6(OTHER_PORT), NULL));
	refused(devmem_steer(one, any4(OTHER_PORT), NULL));
	assert_int_equal(rules(), 4);
	devmem_binding_close(one);
	ok(devmem_steer(other, any6(PORT), NULL)); /* nobody's any more */
	assert_int_equal(rules(), 4);
	devmem_binding_close(other);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer[0]);
	devmem_buffer_close(buffer[1]);
}

static void by_an_alternative_name(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(4 * MIB);
	struct devmem_binding *binding;
	struct devmem_nic *nic = NULL;

	(void)state;
	run("ip link property add dev " NIC " altname " ALT_NAME);
	ok(devmem_nic_open(ALT_NAME, NULL, &nic));
	binding = lab_bind(nic, buffer, 1, NULL);
	ok(devmem_steer(binding, any6(PORT), NULL));
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	ok(devmem_bind_tx(ALT_NAME, buffer, NULL, &binding));
	assert_string_equal(devmem_binding_engine(binding, NULL), "devmem");
	devmem_binding_close(binding);
	devmem_buffer_close(buffer);
	assert_int_equal(devmem_nic_open(NIC ":1", NULL, &nic), -ENODEV);
	run("ip link property del dev " NIC " altname " ALT_NAME);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(any_is_of_both_families),
		LAB_TEST(all_or_none),
		LAB_TEST(one_flow_is_not_for_two),
		LAB_TEST(by_an_alternative_name),
	};

	lab_begin(argc, argv);
	return lab_run("steer", tests, NULL, NULL);
}
