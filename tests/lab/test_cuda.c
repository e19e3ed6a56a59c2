// SPDX-License-Identifier: MIT
/*
 * Memory of CUDA on the real kernel, by the fake driver: its dma-bufs are udmabuf's, so the lab's
 * NIC, which is not on PCI, may have them. Received into, read, gathered by the kernel's text, sent
 * from; and the program's own memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devmem/cuda.h"
#include "sending.h"

#define ADDRESS "0000:65:00.0"

static struct devmem_buffer *cuda_buffer(size_t bytes)
{
	struct devmem_buffer *buffer;
	const char *why;

	ok(devmem_buffer_create("cuda", bytes, DEVMEM_OPTS(devmem_buffer_opts, .device = ADDRESS),
				&buffer));
	assert_string_equal(devmem_buffer_backend(buffer, &why), "cuda");
	assert_non_null(strstr(why, "gathered by a kernel"));
	return buffer;
}

/* ------------------------------------------------------------------------------------- received */

static void received(struct devmem_buffer *buffer)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_stats st;
	struct lab_flows flows;
	struct lab lab;

	lab_open_as(&lab, &(struct lab_opts){ .buffer = buffer, .queues = 1 });
	lab_flows_start(&flows, ring, &lab, 4, 4 * MIB);
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 16 * MIB, true);
	devmem_ring_close(ring);
	lab_close(&lab);
}

static void received_into_memory_of_ours(void **state)
{
	struct devmem_buffer *buffer = cuda_buffer(16 * MIB);

	(void)state;
	received(buffer);
	devmem_buffer_close(buffer);
}

/* A connection whose bytes are taken by something of the test's. */
struct incoming {
	struct lab lab;
	struct devmem_ring *ring;
	struct lab_pair pair;
	struct devmem_sock *sock;
	struct lab_sender *sender;
	uint64_t bytes, under_way;
	bool ended;
};

static void begin(struct incoming *in, struct devmem_buffer *buffer, uint64_t bytes)
{
	*in = (struct incoming){ 0 };
	lab_open_as(&in->lab, &(struct lab_opts){ .buffer = buffer, .queues = 1 });
	in->ring = lab_ring(NULL);
	in->pair = lab_connect(&in->lab, false);
	ok(devmem_attach(in->ring, in->pair.near, in->lab.binding, 0, NULL, &in->sock));
	in->sender = lab_send(in->pair.far, bytes, 0, true);
}

static void finish(struct incoming *in)
{
	assert_true(lab_sent(in->sender));
	devmem_detach(in->sock);
	lab_settle(in->ring);
	devmem_ring_close(in->ring);
	close(in->pair.near);
	close(in->pair.far);
	lab_close(&in->lab);
}

static void read_fragment(struct incoming *in, const struct devmem_event *ev)
{
	static unsigned char bytes[1 << 20];

	assert_int_equal(ev->type, DEVMEM_EVENT_DATA);
	for (uint32_t done = 0; done < ev->length; done += sizeof(bytes)) {
		const size_t n =
			ev->length - done < sizeof(bytes) ? ev->length - done : sizeof(bytes);

		ok(devmem_buffer_read(in->lab.buffer, ev->offset + done, bytes, n));
		assert_true(pattern_matches(in->bytes, bytes, n));
		in->bytes += n;
	}
	ok(devmem_release(in->ring, ev, 1));
}

/* As a program sees it that has no other way to the memory. */
static void read_by_the_devices_copies(void **state)
{
	struct devmem_buffer *buffer = cuda_buffer(8 * MIB);
	struct devmem_event ev[64];
	struct incoming in;

	(void)state;
	begin(&in, buffer, 4 * MIB + 77);
	while (!in.ended) {
		const int n = ok(devmem_wait(in.ring, ev, 64, 2000));

		assert_true(n > 0);
		for (int i = 0; i < n; i++)
			if (ev[i].type == DEVMEM_EVENT_END)
				in.ended = true;
			else
				read_fragment(&in, &ev[i]);
	}
	assert_int_equal(in.bytes, 4 * MIB + 77);
	finish(&in);
	devmem_buffer_close(buffer);
}

/* ------------------------------------------------------------------------------------- gathered */

static void take(struct incoming *in, const struct devmem_event *ev, unsigned int n,
		 struct devmem_buffer *to)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < n; i++) {
		switch (ev[i].type) {
		case DEVMEM_EVENT_DATA:
			bytes += ev[i].length;
			break;
		case DEVMEM_EVENT_GATHERED:
			assert_true(ev[i].result > 0);
			in->under_way--;
			break;
		default:
			assert_int_equal(ev[i].type, DEVMEM_EVENT_END);
			in->ended = true;
		}
	}
	if (!bytes)
		return;
	ok(devmem_gather(in->ring, ev, n, to, in->bytes, in->bytes));
	in->bytes += bytes;
	in->under_way++;
}

static void expect_pattern(struct devmem_buffer *buffer, uint64_t bytes)
{
	unsigned char *all = malloc(bytes);

	ok(devmem_buffer_read(buffer, 0, all, bytes));
	assert_true(pattern_matches(0, all, bytes));
	free(all);
}

/* From pages of the NIC's choosing into one piece, by the device: the fragments go back by
 * themselves. */
static void gathered_into_one_piece(void **state)
{
	const uint64_t bytes = 2 * MIB + 12345;
	struct devmem_buffer *buffer = cuda_buffer(8 * MIB), *to = cuda_buffer(4 * MIB);
	struct devmem_event ev[256];
	struct devmem_stats st;
	struct incoming in;

	(void)state;
	begin(&in, buffer, bytes);
	while (!in.ended || in.under_way) {
		const int n = ok(devmem_wait(in.ring, ev, 256, 20000));

		assert_true(n > 0);
		take(&in, ev, (unsigned int)n, to);
	}
	assert_int_equal(in.bytes, bytes);
	expect_pattern(to, bytes);
	lab_settle(in.ring);
	st = lab_stats(in.ring);
	assert_int_equal(st.bytes_gathered, bytes);
	lab_expect(&st, bytes, true);
	finish(&in);
	devmem_buffer_close(to);
	devmem_buffer_close(buffer);
}

/* -------------------------------------------------------------------------------- its addresses */

/* Bytes that the NIC could not write are copied into memory that the GPU's kernels find, too. */
static void a_spill_buffer_has_an_address(void **state)
{
	struct devmem_buffer *buffer = cuda_buffer(8 * MIB);
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair;
	struct devmem_sock *sock;
	struct lab lab;
	uint64_t bound, spilled;

	(void)state;
	lab_open_as(&lab, &(struct lab_opts){ .buffer = buffer, .queues = 1 });
	pair = lab_connect(&lab, false);
	ok(devmem_attach(ring, pair.near, lab.binding, 0,
			 DEVMEM_OPTS(devmem_attach_opts, .flags = DEVMEM_ATTACH_PLACE), &sock));
	bound = devmem_buffer_device_address(buffer, NULL);
	spilled = devmem_buffer_device_address(devmem_ring_spill(ring), NULL);
	assert_true(bound && spilled && bound != spilled);
	devmem_detach(sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
	devmem_buffer_close(buffer);
}

/* ----------------------------------------------------------------------------------------- sent */

static void sent_from_memory_of_ours(void **state)
{
	struct out *o = out_open_with(cuda_buffer(SLOTS * SLOT));

	(void)state;
	out_start(o, 4, 4 * MIB);
	out_pump(o);
	out_expect(o, 16 * MIB);
	out_finish(o);
	out_end(o);
}

/* ---------------------------------------------------------------------------- the program's own */

unsigned int cuGetProcAddress(const char *name, void **call, int version, uint64_t flags);

static void *call_of(const char *name, int version)
{
	void *call = NULL;

	assert_int_equal(cuGetProcAddress(name, &call, version, 0), 0);
	return call;
}

/* A part of it, which does not begin where the allocation does. */
static void memory_of_the_programs(void **state)
{
	unsigned int (*retain)(void **context, int device) =
		call_of("cuDevicePrimaryCtxRetain", 7000);
	unsigned int (*release)(int device) = call_of("cuDevicePrimaryCtxRelease", 11000);
	unsigned int (*push)(void *context) = call_of("cuCtxPushCurrent", 4000);
	unsigned int (*pop)(void **context) = call_of("cuCtxPopCurrent", 4000);
	unsigned int (*allocate)(unsigned long long *pointer, size_t bytes) =
		call_of("cuMemAlloc", 3020);
	unsigned int (*give_back)(unsigned long long pointer) = call_of("cuMemFree", 3020);
	struct devmem_buffer *buffer;
	unsigned long long pointer;
	void *context;

	(void)state;
	assert_int_equal(retain(&context, 0), 0);
	assert_int_equal(push(context), 0);
	assert_int_equal(allocate(&pointer, 24 * MIB), 0);
	ok(devmem_buffer_wrap_cuda(pointer + 12288, 16 * MIB, NULL, &buffer));
	received(buffer);
	devmem_buffer_close(buffer);
	assert_int_equal(give_back(pointer), 0);
	assert_int_equal(pop(&context), 0);
	assert_int_equal(release(0), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(received_into_memory_of_ours), LAB_TEST(read_by_the_devices_copies),
		LAB_TEST(gathered_into_one_piece),	LAB_TEST(sent_from_memory_of_ours),
		LAB_TEST(memory_of_the_programs),	LAB_TEST(a_spill_buffer_has_an_address),
	};

	lab_begin(argc, argv);
	return lab_run("cuda", tests, NULL, NULL);
}
