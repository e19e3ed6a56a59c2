// SPDX-License-Identifier: MIT
#include "server.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "device.h"

enum command {
	CMD_VERSION = 1,
	CMD_DMA_MAP = 2,
	CMD_DMA_UNMAP = 3,
	CMD_GET_INFO = 4,
	CMD_GET_REGION_INFO = 5,
	CMD_GET_REGION_IO_FDS = 6,
	CMD_GET_IRQ_INFO = 7,
	CMD_SET_IRQS = 8,
	CMD_REGION_READ = 9,
	CMD_REGION_WRITE = 10,
	CMD_RESET = 13,
	CMD_REGION_WRITE_MULTI = 15,
};

#define FLAG_REPLY    0x1u
#define FLAG_TYPE     0xfu
#define FLAG_NO_REPLY 0x10u
#define FLAG_ERROR    0x20u

#define MAX_FDS	    8u /* as our VERSION says */
#define MAX_MESSAGE 8192u
#define MAX_ACCESS  4096u

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct region_access {
	uint64_t offset;
	uint32_t region, count;
};

/* One write of REGION_WRITE_MULTI. */
struct multi_write {
	uint64_t offset;
	uint32_t region, count;
	unsigned char data[8];
};

struct message {
	struct header header;
	unsigned char body[MAX_MESSAGE];
	uint32_t bytes; /* of the body */
	int fd[MAX_FDS];
	unsigned int fds;
};

/* ---------------------------------------------------------------------------------- the socket */

int server_listen(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "gve_model: %s: too long for a socket\n", path);
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1)) {
		fprintf(stderr, "gve_model: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return fd;
}

static bool read_all(int fd, void *to, size_t bytes)
{
	unsigned char *at = to;

	while (bytes) {
		const ssize_t n = recv(fd, at, bytes, MSG_WAITALL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		bytes -= (size_t)n;
	}
	return true;
}

static void keep_fds(struct message *m, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->fds = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(m->fd, CMSG_DATA(c), m->fds * sizeof(int));
	}
}

/* Descriptors come with the first byte of a message. */
static bool read_header(int fd, struct message *m)
{
	union {
		char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = &m->header, .iov_len = sizeof(m->header) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	keep_fds(m, &msg);
	return read_all(fd, (unsigned char *)&m->header + n, sizeof(m->header) - (size_t)n);
}

static bool read_message(struct device *d, int fd, struct message *m)
{
	m->fds = 0;
	if (!read_header(fd, m))
		return false;
	m->bytes = m->header.size - (uint32_t)sizeof(m->header);
	if (m->header.size < sizeof(m->header) || m->bytes > sizeof(m->body)) {
		complain(d, "a message of %u bytes from QEMU", m->header.size);
		return false;
	}
	return read_all(fd, m->body, m->bytes);
}

static bool write_all(int fd, struct message *m)
{
	const unsigned char *at = (const unsigned char *)&m->header;
	size_t left = sizeof(m->header) + m->bytes;

	while (left) {
		const ssize_t n = send(fd, at, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		left -= (size_t)n;
	}
	return true;
}

_Static_assert(offsetof(struct message, body) == sizeof(struct header), "sent as one");

/* Puts the answer, of @bytes, into the body; or, if @result is negative, only that error. */
static bool answer(int fd, struct message *m, int result)
{
	if (m->header.flags & FLAG_NO_REPLY)
		return true;
	m->header.flags = FLAG_REPLY;
	m->header.error = 0;
	if (result < 0) {
		m->header.flags |= FLAG_ERROR;
		m->header.error = (uint32_t)-result;
		m->bytes = 0;
	} else {
		m->bytes = (uint32_t)result;
	}
	m->header.size = (uint32_t)sizeof(m->header) + m->bytes;
	return write_all(fd, m);
}

/* ----------------------------------------------------- what the device is, and its memory */

static int version(struct message *m)
{
	static const char text[] = "{\"capabilities\":{\"max_msg_fds\":8}}";
	const uint16_t numbers[2] = { 0, 0 };

	if (m->bytes < sizeof(numbers) + sizeof(text))
		return -EINVAL;
	memcpy(m->body, numbers, sizeof(numbers));
	memcpy(m->body + sizeof(numbers), text, sizeof(text));
	return sizeof(numbers) + sizeof(text);
}

static uint32_t region_bytes(uint32_t region)
{
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return CONFIG_BYTES;
	return region <= VFIO_PCI_BAR2_REGION_INDEX ? BAR_BYTES : 0;
}

static int device_info(struct message *m)
{
	const struct vfio_device_info info = {
		.argsz = 16,
		.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
		.num_regions = VFIO_PCI_NUM_REGIONS,
		.num_irqs = VFIO_PCI_NUM_IRQS,
	};

	memcpy(m->body, &info, 16); /* before it grew by capabilities */
	return 16;
}

static int region_info(struct message *m)
{
	struct vfio_region_info info;

	if (m->bytes < sizeof(info))
		return -EINVAL;
	memcpy(&info, m->body, sizeof(info));
	if (info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.size = region_bytes(info.index);
	info.flags = info.size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
	info.cap_offset = 0;
	info.offset = 0;
	memcpy(m->body, &info, sizeof(info));
	return sizeof(info);
}

/* The request has the size of a message of the kernel's ioctl, without what that calls data. */
static int map(struct device *d, struct message *m)
{
	struct {
		uint32_t argsz, flags;
		uint64_t offset, address, size;
	} request;

	if (m->bytes < sizeof(request))
		return -EINVAL;
	memcpy(&request, m->body, sizeof(request));
	if (!m->fds)
		return 0; /* a ROM: no driver puts anything there */
	return dma_map(&d->dma, request.address, request.size, m->fd[0], request.offset,
		       request.flags & VFIO_DMA_MAP_FLAG_WRITE);
}

static int unmap(struct device *d, struct message *m)
{
	struct {
		uint32_t argsz, flags;
		uint64_t address, size;
	} request;

	if (m->bytes < sizeof(request))
		return -EINVAL;
	memcpy(&request, m->body, sizeof(request));
	if (request.flags & VFIO_DMA_UNMAP_FLAG_ALL)
		dma_unmap_all(&d->dma);
	else
		dma_unmap(&d->dma, request.address, request.size);
	return sizeof(request);
}

/* ---------------------------------------------------------------------------------- interrupts */

static uint32_t vectors(const struct device *d, uint32_t index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return 2 * d->params.max_queues + 1;
	case VFIO_PCI_ERR_IRQ_INDEX: /* QEMU wants these two; we never raise them */
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

static int irq_info(struct device *d, struct message *m)
{
	struct vfio_irq_info info;

	if (m->bytes < sizeof(info))
		return -EINVAL;
	memcpy(&info, m->body, sizeof(info));
	if (info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.count = vectors(d, info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE : 0;
	memcpy(m->body, &info, sizeof(info));
	return sizeof(info);
}

/* Takes descriptors out of the message: those that are left are closed. */
static int set_irqs(struct device *d, struct message *m)
{
	struct vfio_irq_set set;
	uint32_t count;

	if (m->bytes < sizeof(set))
		return -EINVAL;
	memcpy(&set, m->body, sizeof(set));
	count = vectors(d, set.index);
	if (set.start > count || set.count > count - set.start)
		return -EINVAL;
	if (!(set.flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		return 0; /* QEMU masks vectors itself */
	if (set.index != VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	if (!set.count)
		set.count = count - set.start; /* all are turned off */
	for (uint32_t i = 0; i < set.count; i++) {
		const bool given = set.flags & VFIO_IRQ_SET_DATA_EVENTFD && i < m->fds;

		irq_set(&d->irqs.fd[set.start + i], given ? m->fd[i] : -1);
		if (given)
			m->fd[i] = -1;
	}
	return 0;
}

/* ------------------------------------------------------------------------------------- regions */

static bool in_region(const struct region_access *a)
{
	const uint32_t bytes = region_bytes(a->region);

	return a->count && a->count <= MAX_ACCESS && a->count <= bytes &&
	       a->offset <= bytes - a->count;
}

static int region_read(struct device *d, struct message *m)
{
	struct region_access a;
	unsigned char *const to = m->body + sizeof(a);

	if (m->bytes < sizeof(a))
		return -EINVAL;
	memcpy(&a, m->body, sizeof(a));
	if (!in_region(&a))
		return -EINVAL;
	if (a.region == VFIO_PCI_CONFIG_REGION_INDEX)
		pci_read(d, (uint32_t)a.offset, to, a.count);
	else
		bar_read(d, a.region, (uint32_t)a.offset, to, a.count);
	return (int)(sizeof(a) + a.count);
}

static int write_one(struct device *d, const struct region_access *a, const void *from)
{
	if (!in_region(a))
		return -EINVAL;
	if (a->region == VFIO_PCI_CONFIG_REGION_INDEX)
		pci_write(d, (uint32_t)a->offset, from, a->count);
	else
		bar_write(d, a->region, (uint32_t)a->offset, from, a->count);
	return 0;
}

static int region_write(struct device *d, struct message *m)
{
	struct region_access a;
	int result;

	if (m->bytes < sizeof(a))
		return -EINVAL;
	memcpy(&a, m->body, sizeof(a));
	if (a.count > m->bytes - sizeof(a))
		return -EINVAL;
	result = write_one(d, &a, m->body + sizeof(a));
	return result ? result : (int)sizeof(a);
}

static int region_write_multi(struct device *d, struct message *m)
{
	struct multi_write w;
	uint64_t n;

	if (m->bytes < sizeof(n))
		return -EINVAL;
	memcpy(&n, m->body, sizeof(n));
	if (n > (m->bytes - sizeof(n)) / sizeof(w))
		return -EINVAL;
	for (uint64_t i = 0; i < n; i++) {
		struct region_access a;

		memcpy(&w, m->body + sizeof(n) + i * sizeof(w), sizeof(w));
		a = (struct region_access){ w.offset, w.region, w.count };
		if (a.count > sizeof(w.data) || write_one(d, &a, w.data))
			return -EINVAL;
	}
	return sizeof(n);
}

static int reset(struct device *d)
{
	device_reset(d);
	return 0;
}

static int run(struct device *d, struct message *m)
{
	switch (m->header.command) {
	case CMD_VERSION:
		return version(m);
	case CMD_DMA_MAP:
		return map(d, m);
	case CMD_DMA_UNMAP:
		return unmap(d, m);
	case CMD_GET_INFO:
		return device_info(m);
	case CMD_GET_REGION_INFO:
		return region_info(m);
	case CMD_GET_IRQ_INFO:
		return irq_info(d, m);
	case CMD_SET_IRQS:
		return set_irqs(d, m);
	case CMD_REGION_READ:
		return region_read(d, m);
	case CMD_REGION_WRITE:
		return region_write(d, m);
	case CMD_REGION_WRITE_MULTI:
		return region_write_multi(d, m);
	case CMD_RESET:
		return reset(d);
	default: /* GET_REGION_IO_FDS too: doorbells come as messages */
		return -ENOTSUP;
	}
}

bool server_serve(struct device *d, int fd)
{
	static struct message m; /* large; there is one thread */
	bool going = read_message(d, fd, &m);

	if (going && (m.header.flags & FLAG_TYPE) == 0)
		going = answer(fd, &m, run(d, &m));
	for (unsigned int i = 0; i < m.fds; i++)
		if (m.fd[i] >= 0)
			close(m.fd[i]);
	return going;
}
