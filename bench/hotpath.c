// SPDX-License-Identifier: MIT
/*
 * The library's own instructions for each fragment, from a completion's control buffer to a
 * descriptor to a released token: no kernel, no NIC. Run by bench/hotpath.sh under callgrind, which
 * counts what is executed in one_completion(); the numbers repeat exactly.
 *
 * hotpath SOCKETS MERGE FRAGMENTS: makes control buffers as the kernel writes them, for each
 * socket in turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "recv/token_release.h"

#define ROUNDS	   64 /* completions per socket */
#define FRAG_BYTES 4096

struct control {
	size_t len;
	uint32_t bytes;
	unsigned char data[DEVMEM__CONTROL_BYTES];
};

static void record(struct control *c, unsigned int fragments, bool neighbours)
{
	for (unsigned int i = 0; i < fragments; i++) {
		struct cmsghdr h = { .cmsg_len = CMSG_LEN(sizeof(struct devmem__cmsg_frag)),
				     .cmsg_level = SOL_SOCKET,
				     .cmsg_type = DEVMEM_SO_DMABUF };
		struct devmem__cmsg_frag f = { .frag_offset = (uint64_t)i * FRAG_BYTES *
							      (neighbours ? 1 : 2),
					       .frag_size = FRAG_BYTES,
					       .frag_token = i + 1,
					       .dmabuf_id = 1 };

		memcpy(c->data + c->len, &h, sizeof(h));
		memcpy(c->data + c->len + CMSG_LEN(0), &f, sizeof(f));
		c->len += CMSG_SPACE(sizeof(f));
		c->bytes += FRAG_BYTES;
	}
}

static struct devmem_sock *make_sock(struct devmem_ring *ring, uint16_t slot, uint32_t merge)
{
	struct devmem_sock *sock = calloc(1, sizeof(*sock));

	if (!sock || devmem__set_reserve(&sock->stream.out, 16384))
		exit(1);
	sock->ring = ring;
	sock->engine = &devmem__engine_devmem;
	/* only its count of fragments that are out is used here */
	sock->binding = calloc(1, 4096);
	sock->fd = -1;
	sock->stream = (struct devmem__stream){
		.out = sock->stream.out, .slot = slot, .merge = merge, .dmabuf_id = 1, .buffer = 3
	};
	devmem__list_init(&sock->tokens.node);
	devmem__list_init(&sock->request.rearm);
	devmem__list_init(&sock->lowat.node);
	return sock;
}

/* What devmem_wait() does with one completion, and what the application does with its events. */
unsigned int one_completion(struct devmem_ring *ring, struct devmem_sock *sock,
			    const struct control *c, struct devmem_event *ev, unsigned int n);
__attribute__((noinline)) unsigned int one_completion(struct devmem_ring *ring,
						      struct devmem_sock *sock,
						      const struct control *c,
						      struct devmem_event *ev, unsigned int n)
{
	struct devmem__rx rx;
	int got;

	devmem__rx_start(&rx, c->data, c->len, NULL, 0, c->bytes, 0);
	got = devmem__rx_next(&rx, &sock->stream, &ring->received, ev, n);
	if (devmem__rx_next(&rx, &sock->stream, &ring->received, ev + got, n - (unsigned int)got))
		exit(1);
	devmem__backpressure_out(sock, sock->stream.out.count);
	if (devmem_release(ring, ev, (unsigned int)got))
		exit(1);
	return (unsigned int)got;
}

/* The kernel's part, which is not counted: it completes the batches that were handed in. */
static void kernel_takes_batches(struct devmem_ring *ring)
{
	devmem__dontneed_flush(ring, true);
	io_uring_submit(&ring->uring.io);
	while (!devmem__list_empty(&ring->tokens.in_flight))
		devmem__dontneed_settle(ring);
	io_uring_cq_advance(&ring->uring.io, io_uring_cq_ready(&ring->uring.io));
}

int main(int argc, char **argv)
{
	unsigned int sockets = argc > 1 ? (unsigned int)atoi(argv[1]) : 1;
	unsigned int merge = argc > 2 ? (unsigned int)atoi(argv[2]) : 1;
	unsigned int fragments = argc > 3 ? (unsigned int)atoi(argv[3]) : 100, events = 0;
	struct devmem_event ev[512];
	struct control control = { 0 };
	struct devmem_ring *ring;

	if (devmem_ring_open(NULL, &ring)) {
		fprintf(stderr, "hotpath: %s\n", devmem_error());
		return 77;
	}
	record(&control, fragments, merge > 1);
	ring->socks.slot = calloc(sockets, sizeof(*ring->socks.slot));
	ring->socks.slots = sockets;
	for (unsigned int i = 0; i < sockets; i++)
		ring->socks.slot[i] = make_sock(ring, (uint16_t)i, merge);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < sockets; i++) {
			events += one_completion(ring, ring->socks.slot[i], &control, ev, 512);
			if (i % 16 == 15 || i == sockets - 1)
				kernel_takes_batches(ring);
		}
	}
	printf("%llu %u\n", (unsigned long long)ROUNDS * sockets * fragments, events);
	return 0;
}
