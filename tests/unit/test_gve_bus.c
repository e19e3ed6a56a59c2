// SPDX-License-Identifier: MIT
/* The lab's model of gve, as the bus sees it: configuration space with its faults and counters,
 * interrupts, the guest's memory, QEMU's messages, and parameters. */
#include <endian.h>
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gve_pair.h"
#include "server.h"

static struct device *const d = &pair.far;
static struct driver *const v = &pair.receiver; /* far's */

static int set_up(void **state)
{
	(void)state;
	PAIR("rsc_limit=1");
	return 0;
}

/* -------------------------------------------------------------- configuration space and faults */

static void the_capabilities_are_found(void **state)
{
	unsigned char c[CONFIG_BYTES];

	(void)state;
	pci_read(d, 0, c, sizeof(c));
	assert_memory_equal(c, "\xe0\x1a\x42\0", 4);
	assert_int_equal(c[8], 1);
	assert_memory_equal(c + 9, "\0\0\2", 3); /* an Ethernet controller */
	assert_int_equal(c[0x34], 0x40);
	assert_int_equal(c[0x40], 0x11); /* MSI-X, of 33 vectors */
	assert_memory_equal(c + 0x42, "\x20\0", 2);
	assert_int_equal(c[0x41], 0x80);
	assert_memory_equal(c + 0x80, "\x9\0\x10\1", 4);
	pair_end(0);
}

static void every_fault_has_a_name_and_a_number(void **state)
{
	(void)state;
	for (unsigned int i = FAULT_NONE + 1; i < FAULTS; i++) {
		const uint32_t word = htole32(i << 24 | 0x12345);
		uint32_t again;

		assert_int_equal(fault_by_name(fault_name(i)), i);
		if (i == FAULT_REMOVE)
			continue;
		pci_write(d, 0x84, &word, 4);
		assert_int_equal(d->faults.value[i], 0x12345);
		pci_read(d, 0x84, &again, 4);
		assert_int_equal(again, word);
	}
	assert_int_equal(fault_by_name("drop"), FAULT_NONE);
	assert_int_equal(fault_by_name(""), FAULT_NONE);
	pair_end(0);
}

static void configuration_that_is_refused(void **state)
{
	const uint32_t none = 0, many = htole32((uint32_t)FAULTS << 24);

	(void)state;
	pci_write(d, 0x84, &none, 4);
	pci_write(d, 0x84, &many, 4);
	pci_write(d, 0x84, &none, 2);
	pci_write(d, 0x88, &none, 1);
	assert_int_equal(pair_complaints(), 4);
	pci_write(d, 0, &many, 4); /* read-only */
	pci_write(d, 0x80, &many, 4);
	pci_read(d, 0, &(uint32_t){ 0 }, 4);
	assert_int_equal(d->config[0], 0xe0);
	assert_int_equal(d->config[0x80], 9);
	pci_write(d, 4, "\6", 1); /* the command register */
	assert_int_equal(d->config[4], 6);
	assert_int_equal(pair_counter(d, COUNTERS), UINT32_MAX); /* no such counter */
	pair_end(4);
}

static void faults_strike_every_nth(void **state)
{
	struct faults f;
	unsigned int n = 0;

	(void)state;
	faults_init(&f);
	assert_int_equal(f.value[FAULT_LINK], 1);
	for (unsigned int i = 0; i < 10; i++)
		assert_false(fault_strikes(&f, FAULT_DROP_EVERY));
	f.value[FAULT_DROP_EVERY] = 3;
	for (unsigned int i = 1; i <= 30; i++) {
		const bool strikes = fault_strikes(&f, FAULT_DROP_EVERY);

		assert_int_equal(strikes, i % 3 == 0);
		n += strikes;
	}
	assert_int_equal(n, 10);
	f.value[FAULT_FAIL_RULE] = 2;
	assert_true(fault_fails(&f, FAULT_FAIL_RULE));
	assert_true(fault_fails(&f, FAULT_FAIL_RULE));
	assert_false(fault_fails(&f, FAULT_FAIL_RULE));
	pair_end(0);
}

static void a_fault_that_is_set_again_counts_from_its_start(void **state)
{
	(void)state;
	pair_fault(d, FAULT_DROP_EVERY, 3);
	assert_false(fault_strikes(&d->faults, FAULT_DROP_EVERY));
	assert_false(fault_strikes(&d->faults, FAULT_DROP_EVERY));
	pair_fault(d, FAULT_DROP_EVERY, 2);
	assert_false(fault_strikes(&d->faults, FAULT_DROP_EVERY));
	assert_true(fault_strikes(&d->faults, FAULT_DROP_EVERY));
	pair_end(0);
}

/* ---------------------------------------------------------------------------------- interrupts */

static int give_eventfd(unsigned int vector)
{
	const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_true(fd >= 0);
	irq_set(&d->irqs.fd[vector], fd);
	return fd;
}

static uint64_t fired(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void an_interrupt_masks_itself(void **state)
{
	const int fd = give_eventfd(16);

	(void)state;
	pair_queues(2048, 0);
	driver_post(v, 0, 16);
	pair_send(&pair_tcp, 1);
	assert_int_equal(fired(fd), 0); /* masked at first, and so pending */
	driver_doorbell(v, DB_IRQ + 16, IRQ_ENABLE);
	assert_int_equal(fired(fd), 1);
	pair_send(&pair_tcp, 1);
	assert_int_equal(fired(fd), 0);
	pair_send(&pair_tcp, 1);
	driver_doorbell(v, DB_IRQ + 16, IRQ_ENABLE | 0x18); /* as the driver's poll does */
	assert_int_equal(fired(fd), 1);			    /* one for both */
	driver_doorbell(v, DB_IRQ + 16, IRQ_ENABLE);
	assert_int_equal(fired(fd), 0);
	pair_send(&pair_tcp, 1);
	assert_int_equal(fired(fd), 1);
	pair_end(0);
}

static void completions_of_sending_interrupt(void **state)
{
	const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	(void)state;
	irq_set(&pair.near.irqs.fd[0], fd);
	pair_queues(2048, 0);
	driver_doorbell(&pair.sender, DB_IRQ, IRQ_ENABLE);
	pair_send(&pair_tcp, 1);
	assert_int_equal(fired(fd), 1);
	driver_doorbell(&pair.sender, DB_IRQ, IRQ_ENABLE);
	driver_ring(&pair.sender, 0); /* nothing new */
	assert_int_equal(fired(fd), 0);
	pair_end(0);
}

static void pending_interrupts_are_cleared(void **state)
{
	const int fd = give_eventfd(16);

	(void)state;
	pair_queues(2048, 0);
	driver_post(v, 0, 16);
	pair_send(&pair_tcp, 1);
	driver_doorbell(v, DB_IRQ + 16, IRQ_CLEAR_PBA | IRQ_ENABLE);
	assert_int_equal(fired(fd), 0);
	driver_doorbell(v, DB_IRQ + 16, 0); /* masked by the driver */
	pair_send(&pair_tcp, 1);
	assert_int_equal(fired(fd), 0);
	irq_reset(d);
	driver_doorbell(v, DB_IRQ + 16, IRQ_ENABLE);
	assert_int_equal(fired(fd), 0);
	driver_doorbell(v, DB_IRQ + 32, IRQ_ENABLE); /* the device's own, which has none */
	pair_end(1);
}

static void the_device_has_its_own(void **state)
{
	const int fd = give_eventfd(32);

	(void)state;
	pair_fault(d, FAULT_LINK, 0);
	assert_int_equal(fired(fd), 1);
	pair_fault(d, FAULT_RESET, 1);
	assert_int_equal(fired(fd), 1);
	device_reset(d);
	pair_fault(d, FAULT_LINK, 1); /* there is no driver */
	assert_int_equal(fired(fd), 0);
	pair_end(0);
}

/* -------------------------------------------------------------------------------------- memory */

static void memory_is_found_in_its_regions(void **state)
{
	struct dma dma = { 0 };
	const int fd = memfd_create("memory", MFD_CLOEXEC);
	uint32_t value = 0;

	(void)state;
	assert_int_equal(ftruncate(fd, 65536), 0);
	assert_int_equal(dma_map(&dma, 0x100000, 16384, fd, 0, true), 0);
	assert_int_equal(dma_map(&dma, 0x200000, 8192, fd, 4096, false), 0);
	assert_true(dma_write(&dma, 0x101000, "abcd", 4));
	assert_true(dma_read(&dma, 0x200000, &value, 4));
	assert_memory_equal(&value, "abcd", 4);
	assert_false(dma_write(&dma, 0x200000, "abcd", 4)); /* read-only */
	assert_true(dma_at(&dma, 0x100000, 16384, true) && dma_at(&dma, 0x201fff, 1, false));
	assert_null(dma_at(&dma, 0x100000, 16385, false));
	assert_null(dma_at(&dma, 0x0fffff, 2, false));
	assert_null(dma_at(&dma, 0x104000, 1, false));
	assert_null(dma_at(&dma, 0x103fff, 2, false));
	assert_null(dma_at(&dma, UINT64_MAX, 2, false));
	assert_null(dma_at(&dma, 0x100000, UINT64_MAX, false));
	dma_unmap(&dma, 0x100000, 16384);
	assert_null(dma_at(&dma, 0x100000, 1, false));
	assert_true(dma_read(&dma, 0x200000, &value, 4));
	dma_unmap(&dma, 0x300000, 4096); /* one that was a ROM */
	assert_true(dma_read(&dma, 0x200000, &value, 4));
	dma_unmap_all(&dma);
	assert_null(dma_at(&dma, 0x200000, 1, false));
	close(fd);
	pair_end(0);
}

static void memory_that_is_refused(void **state)
{
	struct dma dma = { 0 };

	(void)state;
	assert_int_equal(dma_map(&dma, 0, 0, pair.guest.fd, 0, true), -EINVAL);
	assert_int_equal(dma_map(&dma, UINT64_MAX - 4095, 8192, pair.guest.fd, 0, true), -EINVAL);
	assert_int_equal(dma_map(&dma, 0, 4096, pair.guest.fd, UINT64_MAX - 4095, true), -EINVAL);
	assert_int_equal(dma_map(&dma, 0, 4096, -1, 0, true), -EBADF);
	/* descriptors of 32 bytes would not be aligned, or reads would end in SIGBUS */
	assert_int_equal(dma_map(&dma, 4, 4096, pair.guest.fd, 0, true), -EINVAL);
	assert_int_equal(dma_map(&dma, 0, 4096, pair.guest.fd, 2048, true), -EINVAL);
	assert_int_equal(dma_map(&dma, 0, 8192, pair.guest.fd, pair.guest.bytes - 4096, true),
			 -EINVAL);
	for (unsigned int i = 0; i < DMA_REGIONS; i++)
		assert_int_equal(dma_map(&dma, i * 4096, 4096, pair.guest.fd, 0, true), 0);
	assert_int_equal(dma_map(&dma, 1 << 30, 4096, pair.guest.fd, 0, true), -ENOSPC);
	dma_unmap_all(&dma);
	pair_end(0);
}

/* ----------------------------------------------------------------------------- QEMU's messages */

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct reply {
	struct header header;
	unsigned char body[8192];
};

static struct reply reply;

static void send_with(int to, const void *head, size_t head_bytes, const void *body, size_t bytes,
		      int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov[2] = { { (void *)head, head_bytes }, { (void *)body, bytes } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		*CMSG_FIRSTHDR(&msg) = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
							 .cmsg_level = SOL_SOCKET,
							 .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(to, &msg, 0), head_bytes + bytes);
}

/* Sends a message with a descriptor, or -1. Returns the bytes of the reply's body, or -errno. */
static int message_with(uint16_t command, const void *body, size_t bytes, int fd)
{
	const struct header h = { 7, command, (uint32_t)(sizeof(h) + bytes), 0, 0 };
	int pair_of[2];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_of), 0);
	send_with(pair_of[1], &h, sizeof(h), body, bytes, fd);
	assert_true(server_serve(d, pair_of[0]));
	n = recv(pair_of[1], &reply, sizeof(reply), MSG_DONTWAIT);
	close(pair_of[0]);
	close(pair_of[1]);
	assert_true(n >= (ssize_t)sizeof(h) && reply.header.size == (uint32_t)n);
	assert_true(reply.header.id == 7 && reply.header.command == command);
	if (reply.header.flags & 0x20)
		return -(int)reply.header.error;
	assert_int_equal(reply.header.flags, 1);
	return (int)n - (int)sizeof(h);
}

static int message(uint16_t command, const void *body, size_t bytes)
{
	return message_with(command, body, bytes, -1);
}

static void versions_are_agreed_on(void **state)
{
	char body[100] = { 0 };

	(void)state;
	memset(body + 4, ' ', sizeof(body) - 5);
	assert_true(message(1, body, sizeof(body)) <= (int)sizeof(body)); /* QEMU asserts that */
	assert_non_null(strstr((char *)reply.body + 4, "\"max_msg_fds\":8"));
	assert_int_equal(message(1, body, 10), -EINVAL);
	pair_end(0);
}

static void the_device_is_told(void **state)
{
	struct vfio_device_info info = { .argsz = 16 };
	struct vfio_region_info region = { .argsz = sizeof(region) };
	struct vfio_irq_info irq = { .argsz = sizeof(irq) };

	(void)state;
	assert_int_equal(message(4, &info, 16), 16);
	memcpy(&info, reply.body, 16);
	assert_int_equal(info.num_regions, VFIO_PCI_NUM_REGIONS);
	for (region.index = 0; region.index < VFIO_PCI_NUM_REGIONS; region.index++) {
		struct vfio_region_info *const r = (void *)reply.body;

		assert_int_equal(message(5, &region, sizeof(region)), sizeof(region));
		assert_int_equal(r->size, region.index == VFIO_PCI_CONFIG_REGION_INDEX ? 256
					  : region.index < 3			       ? 4096
										       : 0);
	}
	assert_int_equal(message(5, &region, sizeof(region)), -EINVAL);
	assert_int_equal(message(5, &region, sizeof(region) - 1), -EINVAL);
	irq.index = VFIO_PCI_MSIX_IRQ_INDEX;
	assert_int_equal(message(7, &irq, sizeof(irq)), sizeof(irq));
	memcpy(&irq, reply.body, sizeof(irq));
	assert_int_equal(irq.count, 33);
	irq.index = VFIO_PCI_NUM_IRQS;
	assert_int_equal(message(7, &irq, sizeof(irq)), -EINVAL);
	assert_int_equal(message(6, &irq, sizeof(irq)), -ENOTSUP);
	assert_int_equal(message(99, NULL, 0), -ENOTSUP);
	pair_end(0);
}

struct access {
	uint64_t offset;
	uint32_t region, count;
	unsigned char data[8];
};

static void regions_are_read_and_written(void **state)
{
	struct access a = { 0, VFIO_PCI_CONFIG_REGION_INDEX, 4, { 0 } };

	(void)state;
	assert_int_equal(message(9, &a, 16), 20);
	assert_memory_equal(reply.body + 16, "\xe0\x1a\x42\0", 4);
	a = (struct access){ REG_MAX_TX_QUEUES, 0, 4, { 0 } };
	assert_int_equal(message(9, &a, 16), 20);
	assert_memory_equal(reply.body + 16, "\0\0\0\x10", 4);
	a = (struct access){ 0x84, VFIO_PCI_CONFIG_REGION_INDEX, 4, { 9, 0, 0, FAULT_DROP_EVERY } };
	assert_int_equal(message(10, &a, 20), 16);
	assert_int_equal(d->faults.value[FAULT_DROP_EVERY], 9);
	a = (struct access){ 0, 2, 4, { 0 } }; /* a doorbell that does not exist */
	assert_int_equal(message(10, &a, 20), 16);
	pair_end(1);
}

static void accesses_that_are_refused(void **state)
{
	static const struct access all[] = {
		{ 254, VFIO_PCI_CONFIG_REGION_INDEX, 4, { 0 } },
		{ 4096, 0, 1, { 0 } },
		{ UINT64_MAX, 0, 4, { 0 } },
		{ 0, 0, 0, { 0 } },
		{ 0, 0, 4097, { 0 } },
		{ 0, 3, 4, { 0 } },
		{ 0, UINT32_MAX, 4, { 0 } },
		{ 0, 0, UINT32_MAX, { 0 } },
	};

	(void)state;
	for (unsigned int i = 0; i < COUNT(all); i++) {
		assert_int_equal(message(9, &all[i], 16), -EINVAL);
		assert_int_equal(message(10, &all[i], 24), -EINVAL);
	}
	assert_int_equal(message(9, &all[0], 15), -EINVAL);
	assert_int_equal(message(10, &(struct access){ 0, 0, 4, { 0 } }, 19), -EINVAL);
	pair_end(0);
}

static void writes_come_in_batches(void **state)
{
	struct {
		uint64_t n;
		struct access write[3];
	} m = { 3,
		{ { 0x84, 7, 4, { 1, 0, 0, FAULT_DROP_EVERY } },
		  { 0x84, 7, 4, { 2, 0, 0, FAULT_DELAY_EVERY } },
		  { 0x84, 7, 4, { 3, 0, 0, FAULT_STARVE } } } };

	(void)state;
	assert_int_equal(message(15, &m, sizeof(m)), 8);
	assert_int_equal(d->faults.value[FAULT_DROP_EVERY], 1);
	assert_int_equal(d->faults.value[FAULT_STARVE], 3);
	m.n = 4;
	assert_int_equal(message(15, &m, sizeof(m)), -EINVAL);
	m.n = UINT64_MAX;
	assert_int_equal(message(15, &m, sizeof(m)), -EINVAL);
	m.n = 3;
	m.write[0].data[0] = 11;
	m.write[1].count = 9;
	m.write[2].data[0] = 33;
	assert_int_equal(message(15, &m, sizeof(m)), -EINVAL);
	assert_int_equal(d->faults.value[FAULT_DROP_EVERY], 11);
	assert_int_equal(d->faults.value[FAULT_STARVE], 3);
	assert_int_equal(message(15, &m, 7), -EINVAL);
	pair_end(0);
}

struct map {
	uint32_t argsz, flags;
	uint64_t offset, address, size;
};

struct unmap {
	uint32_t argsz, flags;
	uint64_t address, size;
};

static void memory_comes_in_messages(void **state)
{
	struct map m = { 32, 3, 8192, 0x40000000, 4096 };
	struct unmap u = { 24, 0, 0x40000000, 4096 };

	(void)state;
	assert_int_equal(message(2, &m, sizeof(m)), 0); /* without a descriptor: a ROM */
	assert_null(dma_at(&d->dma, 0x40000000, 1, false));
	assert_int_equal(message_with(2, &m, sizeof(m), pair.guest.fd), 0);
	assert_true(dma_write(&d->dma, 0x40000000, "abcd", 4));
	assert_memory_equal(pair.guest.memory + 8192, "abcd", 4);
	m.flags = 1; /* to be read */
	m.address = 0x50000000;
	assert_int_equal(message_with(2, &m, sizeof(m), pair.guest.fd), 0);
	assert_null(dma_at(&d->dma, 0x50000000, 1, true));
	assert_int_equal(message_with(2, &m, sizeof(m) - 1, pair.guest.fd), -EINVAL);
	assert_int_equal(message(3, &u, sizeof(u)), sizeof(u));
	assert_null(dma_at(&d->dma, 0x40000000, 1, false));
	assert_true(dma_at(&d->dma, 0x50000000, 1, false));
	u = (struct unmap){ 24, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0 };
	assert_int_equal(message(3, &u, sizeof(u)), sizeof(u));
	assert_int_equal(d->dma.n, 0);
	pair_end(0);
}

static void interrupts_come_in_messages(void **state)
{
	struct vfio_irq_set set = { .argsz = sizeof(set),
				    .flags =
					    VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
				    .index = VFIO_PCI_MSIX_IRQ_INDEX,
				    .start = 32,
				    .count = 1 };
	const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	(void)state;
	assert_int_equal(message_with(8, &set, sizeof(set), fd), 0);
	pair_fault(d, FAULT_LINK, 0);
	assert_int_equal(fired(fd), 1);
	assert_int_equal(message(8, &set, sizeof(set)), 0); /* no descriptor: off */
	pair_fault(d, FAULT_LINK, 1);
	assert_int_equal(fired(fd), 0);
	assert_int_equal(message_with(8, &set, sizeof(set), fd), 0);
	set.start = set.count = 0; /* all off */
	set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	assert_int_equal(message(8, &set, sizeof(set)), 0);
	assert_int_equal(d->irqs.fd[32], -1);
	set.start = 32;
	set.count = 1;
	assert_int_equal(message_with(8, &set, sizeof(set), fd), 0); /* it is not of use */
	assert_int_equal(d->irqs.fd[32], -1);
	set.start = 33;
	set.count = 1;
	assert_int_equal(message_with(8, &set, sizeof(set), fd), -EINVAL);
	set.start = 1;
	set.count = UINT32_MAX;
	assert_int_equal(message(8, &set, sizeof(set)), -EINVAL);
	set.index = 77;
	set.count = 1;
	assert_int_equal(message(8, &set, sizeof(set)), -EINVAL);
	assert_int_equal(message(8, &set, sizeof(set) - 1), -EINVAL);
	close(fd);
	pair_end(0);
}

/* Descriptors that came with a message which has no use for them are closed. */
static void descriptors_are_not_kept(void **state)
{
	const int fd = dup(pair.guest.fd);

	(void)state;
	assert_int_equal(message_with(99, NULL, 0, pair.guest.fd), -ENOTSUP);
	assert_int_equal(message_with(13, NULL, 0, pair.guest.fd), 0);
	close(fd);
	assert_int_equal(dup(pair.guest.fd), fd); /* the lowest one that is free */
	close(fd);
	pair_end(0);
}

/* A socket gives what came with a descriptor by itself. */
static void a_header_may_come_in_two_parts(void **state)
{
	const struct map m = { 32, 3, 0, 0x40000000, 4096 };
	const struct header h = { 7, 2, sizeof(h) + sizeof(m), 0, 0 };
	int pair_of[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_of), 0);
	send_with(pair_of[1], &h, 10, NULL, 0, pair.guest.fd);
	send_with(pair_of[1], (const char *)&h + 10, sizeof(h) - 10, &m, sizeof(m), -1);
	assert_true(server_serve(d, pair_of[0]));
	assert_non_null(dma_at(&d->dma, 0x40000000, 4096, true));
	close(pair_of[0]);
	close(pair_of[1]);
	pair_end(0);
}

/* A reset, and what no reply is wanted of. */
static void some_messages_need_no_reply(void **state)
{
	const struct header h = { 1, 13, sizeof(h), 0x10, 0 },
			    reply_to_us = { 1, 13, sizeof(h), 1, 0 };
	int pair_of[2];

	(void)state;
	assert_true(d->resources.configured);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_of), 0);
	send_with(pair_of[1], &reply_to_us, sizeof(reply_to_us), NULL, 0, -1);
	assert_true(server_serve(d, pair_of[0]));
	assert_true(d->resources.configured);
	send_with(pair_of[1], &h, sizeof(h), NULL, 0, -1);
	assert_true(server_serve(d, pair_of[0]));
	assert_false(d->resources.configured);
	assert_true(recv(pair_of[1], &reply, 1, MSG_DONTWAIT) < 0);
	close(pair_of[1]);
	assert_false(server_serve(d, pair_of[0]));
	close(pair_of[0]);
	pair_end(0);
}

/* Too short for a header, too long, and one of which the end never comes. */
static void messages_of_a_wrong_size(void **state)
{
	static const uint32_t sizes[] = { 15, 0, 16 + 8193, UINT32_MAX, 100 };

	(void)state;
	for (unsigned int i = 0; i < COUNT(sizes); i++) {
		const struct header h = { 1, 4, sizes[i], 0, 0 };
		int pair_of[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_of), 0);
		send_with(pair_of[1], &h, sizeof(h), "abcd", 4, pair.guest.fd);
		shutdown(pair_of[1], SHUT_WR);
		assert_false(server_serve(d, pair_of[0]));
		close(pair_of[0]);
		close(pair_of[1]);
	}
	pair_end(4);
}

/* ---------------------------------------------------------------------------------- parameters */

static bool read_params(struct params p[2], const char *a, const char *b)
{
	const char *const args[] = { a, b, NULL };

	return params_read(p, (char **)args);
}

static void parameters_are_read(void **state)
{
	struct params p[2];

	(void)state;
	assert_true(read_params(p, NULL, NULL));
	assert_int_equal(p[0].queues, 4);
	assert_int_equal(p[1].ring, 1024);
	assert_int_equal(p[0].format, FORMAT_DQO_RDA);
	assert_int_equal(p[0].faults.value[FAULT_DELAY_US], 1000);
	assert_true(read_params(p, "mtu=1500", "near.mtu=0x800"));
	assert_int_equal(p[0].mtu, 2048);
	assert_int_equal(p[1].mtu, 1500);
	assert_true(read_params(p, "far.format=qpl", "rss=device"));
	assert_int_equal(p[0].format, FORMAT_DQO_RDA);
	assert_int_equal(p[1].format, FORMAT_DQO_QPL);
	assert_true(p[0].device_rss && p[1].device_rss);
	assert_true(read_params(p, "near.drop_every=7", "far.link=0"));
	assert_int_equal(p[0].faults.value[FAULT_DROP_EVERY], 7);
	assert_int_equal(p[1].faults.value[FAULT_DROP_EVERY], 0);
	assert_int_equal(p[1].faults.value[FAULT_LINK], 0);
	assert_true(read_params(p, "buffer=2048", "header_buffer=0"));
	assert_true(read_params(p, "queues=16", "ring=512"));
}

static void parameters_that_are_refused(void **state)
{
	static const char *const all[] = {
		"",
		"queues",
		"queues=",
		"queues=0",
		"queues=33",
		"queues=four",
		"queues=4x",
		"queues=-1",
		"queues=4294967300",
		"=4",
		"near.",
		"near.=4",
		"nearer=4",
		"Queues=4",
		"format=gqi",
		"rss=1",
		"ring=1000",
		"ring=8192",
		"buffer=3000",
		"mtu=9217",
		"mtu=1000",
		"header_buffer=1024",
		"rules=1025",
		"queues=20",
		"ring=256",
		"max_ring=512",
		"max_ring=3000",
		"min_rx_ring=600",
		"min_rx_ring=2048",
		"a_name_that_is_longer_than_any_parameter=1",
		"none=1",
		"drop_every=4294967296",
	};
	struct params p[2];

	(void)state;
	for (unsigned int i = 0; i < COUNT(all); i++)
		if (read_params(p, all[i], NULL))
			fail_msg("'%s'", all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_capabilities_are_found, set_up),
		cmocka_unit_test_setup(every_fault_has_a_name_and_a_number, set_up),
		cmocka_unit_test_setup(configuration_that_is_refused, set_up),
		cmocka_unit_test_setup(faults_strike_every_nth, set_up),
		cmocka_unit_test_setup(a_fault_that_is_set_again_counts_from_its_start, set_up),
		cmocka_unit_test_setup(an_interrupt_masks_itself, set_up),
		cmocka_unit_test_setup(completions_of_sending_interrupt, set_up),
		cmocka_unit_test_setup(pending_interrupts_are_cleared, set_up),
		cmocka_unit_test_setup(the_device_has_its_own, set_up),
		cmocka_unit_test_setup(memory_is_found_in_its_regions, set_up),
		cmocka_unit_test_setup(memory_that_is_refused, set_up),
		cmocka_unit_test_setup(versions_are_agreed_on, set_up),
		cmocka_unit_test_setup(the_device_is_told, set_up),
		cmocka_unit_test_setup(regions_are_read_and_written, set_up),
		cmocka_unit_test_setup(accesses_that_are_refused, set_up),
		cmocka_unit_test_setup(writes_come_in_batches, set_up),
		cmocka_unit_test_setup(memory_comes_in_messages, set_up),
		cmocka_unit_test_setup(interrupts_come_in_messages, set_up),
		cmocka_unit_test_setup(descriptors_are_not_kept, set_up),
		cmocka_unit_test_setup(a_header_may_come_in_two_parts, set_up),
		cmocka_unit_test_setup(some_messages_need_no_reply, set_up),
		cmocka_unit_test_setup(messages_of_a_wrong_size, set_up),
		cmocka_unit_test(parameters_are_read),
		cmocka_unit_test(parameters_that_are_refused),
	};

	return cmocka_run_group_tests_name("gve_bus", tests, NULL, NULL);
}
