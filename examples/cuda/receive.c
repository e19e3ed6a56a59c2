// SPDX-License-Identifier: MIT
/*
 * cuda_receive INTERFACE PORT MODULE: one connection into a GPU's memory, where a kernel of ours
 * reads each fragment. From bash: yes devmem | head -c 16M >/dev/tcp/localhost/PORT
 *
 * MODULE is checksum.ptx, or what nvcc makes of checksum.cu. The processor never sees the bytes. It
 * knows what they should be, works out their checksum, and compares. On lo the kernel copies into
 * the GPU's memory, and the rest is the same.
 */
#include <devmem/devmem.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gpu.h"

#define BUFFER (16u << 20)
#define EVENTS 64

struct receiver {
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	struct gpu *gpu;
	uint64_t base;	/* where the GPU finds the buffer */
	uint64_t total; /* bytes */
	bool ended;
};

static void must(int result)
{
	if (result < 0)
		errx(1, "%s", devmem_error());
}

static uint64_t address_of(const struct devmem_buffer *buffer)
{
	const char *reason;
	const uint64_t address = devmem_buffer_device_address(buffer, &reason);

	if (!address)
		errx(1, "the GPU cannot use the buffer: %s", reason);
	return address;
}

static int listen_at(const struct sockaddr_in *here)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (const struct sockaddr *)here, sizeof(*here)))
		err(2, "port %u", ntohs(here->sin_port));
	devmem_guard(fd);
	if (listen(fd, 1))
		err(1, "listen");
	return fd;
}

/* Bytes that the NIC could not put into the buffer (DEVMEM_ATTACH_PLACE) are in the ring's spill
 * buffer, which the GPU finds elsewhere. */
static uint64_t place_of(const struct receiver *r, const struct devmem_event *ev)
{
	return ev->offset + (ev->buffer == devmem_buffer_id(r->buffer)
				     ? r->base
				     : address_of(devmem_ring_spill(r->ring)));
}

static int take(struct receiver *r, const struct devmem_event *ev)
{
	switch (ev->type) {
	case DEVMEM_EVENT_DATA:
		if (gpu_add(r->gpu, place_of(r, ev), ev->length, r->total))
			return -1;
		r->total += ev->length;
		return 0;
	case DEVMEM_EVENT_ERROR:
		fprintf(stderr, "the connection broke: %s\n", devmem_error());
		return -1;
	case DEVMEM_EVENT_END:
		r->ended = true;
	}
	return 0;
}

/* Kernels read the fragments until they are over, so they are waited for before the fragments go
 * back. A program with more to do notes the end of each turn in an event of CUDA's
 * (cuEventRecord()), and gives the fragments back a few turns later. */
static int turn(struct receiver *r)
{
	struct devmem_event ev[EVENTS];
	int n = devmem_wait(r->ring, ev, EVENTS, -1), err = 0;

	if (n == -EINTR || n == -ENOBUFS)
		return 0; /* a signal; or a full spill buffer, of which all came back below */
	must(n);
	for (int i = 0; i < n && !err; i++)
		err = take(r, &ev[i]);
	if (err || gpu_wait(r->gpu))
		return -1;
	must(devmem_release(r->ring, ev, (unsigned int)n));
	return 0;
}

static int receive(struct receiver *r, int listener)
{
	struct devmem_sock *sock;
	int fd, err = 0;

	do
		fd = accept(listener, NULL, NULL);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	must(devmem_attach(r->ring, fd, r->binding, 0,
			   DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE), &sock));
	while (!r->ended && !err)
		err = turn(r);
	devmem_detach(sock);
	close(fd);
	return err;
}

/* What the kernel computes, of what should have come. */
static uint64_t expected(uint64_t bytes)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < bytes; i++)
		sum += (uint64_t)(uint32_t)(i + 1) * (unsigned char)"devmem\n"[i % 7];
	return sum;
}

static int report(struct receiver *r)
{
	uint64_t sum;
	bool right;

	if (gpu_result(r->gpu, &sum))
		return 1;
	right = sum == expected(r->total);
	printf("engine %s: %llu bytes, checksum by the GPU %016llx: %s\n",
	       devmem_binding_engine(r->binding, NULL), (unsigned long long)r->total,
	       (unsigned long long)sum, right ? "right" : "wrong");
	return right ? 0 : 1;
}

static int run(struct receiver *r, const char *ifname, const struct sockaddr_in *here)
{
	int listener, err;

	must(devmem_nic_open(ifname, NULL, &r->nic));
	must(devmem_bind_rx(r->nic, r->buffer, NULL, &r->binding));
	must(devmem_steer(r->binding, (const struct sockaddr *)here, NULL));
	must(devmem_ring_open(NULL, &r->ring));
	listener = listen_at(here); /* not before: what comes before the rule is copied */
	err = receive(r, listener);
	close(listener);
	return err ? 1 : report(r);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	struct receiver r = { 0 };
	int status = 1;

	if (argc != 4)
		errx(2, "usage: cuda_receive INTERFACE PORT MODULE");
	here.sin_port = htons((uint16_t)atoi(argv[2]));
	must(devmem_buffer_create("cuda", BUFFER, NULL, &r.buffer));
	r.base = address_of(r.buffer);
	r.gpu = gpu_open(r.base, argv[3]);
	if (r.gpu)
		status = run(&r, argv[1], &here);
	gpu_close(r.gpu);
	devmem_ring_close(r.ring);
	devmem_binding_close(r.binding);
	devmem_nic_close(r.nic);
	devmem_buffer_close(r.buffer);
	return status;
}
