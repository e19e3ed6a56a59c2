// SPDX-License-Identifier: MIT
/*
 * Turns completions into events. The kernel reports device memory in cmsgs, one per fragment. It
 * copies bytes that are not in the dma-buf to the payload. "Linear" bytes have a cmsg of their own,
 * in stream order. From a queue that is not bound comes a message of plain bytes without any cmsg.
 * One message never mixes plain bytes with cmsgs.
 * [net/ipv4/tcp.c: tcp_recvmsg_locked(), tcp_recvmsg_dmabuf()]
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/event.h"
#include "recv.h"

#define CMSG_HEADER CMSG_LEN(0)

static void skip_cmsg(struct devmem__rx *rx, size_t cmsg_len)
{
	size_t space = CMSG_ALIGN(cmsg_len);

	if (space > rx->control_left) /* the last one may come without padding */
		space = rx->control_left;
	rx->control += space;
	rx->control_left -= space;
}

/*
 * Advances to the next device memory cmsg, which the caller skips after processing it. rx->next
 * becomes its type, or 0 at the end. Other cmsgs (timestamps, say) concern only the application and
 * are skipped.
 */
static void look_ahead(struct devmem__rx *rx)
{
	struct cmsghdr h;

	rx->next = 0;
	while (rx->control_left >= CMSG_HEADER) {
		memcpy(&h, rx->control, sizeof(h));
		if (h.cmsg_len < CMSG_HEADER || h.cmsg_len > rx->control_left)
			break;
		if (h.cmsg_level == SOL_SOCKET &&
		    (h.cmsg_type == DEVMEM_SO_DMABUF || h.cmsg_type == DEVMEM_SO_LINEAR)) {
			rx->devmem = true;
			if (h.cmsg_len >= CMSG_LEN(sizeof(struct devmem__cmsg_frag))) {
				rx->next = h.cmsg_type;
				rx->next_len = h.cmsg_len;
				return;
			}
			rx->broken = true;
		}
		skip_cmsg(rx, h.cmsg_len);
	}
	if (rx->control_left)
		rx->broken = true;
	rx->control_left = 0;
}

void devmem__rx_start(struct devmem__rx *rx, const void *control, size_t control_bytes,
		      const void *payload, size_t payload_room, uint32_t bytes, uint32_t host_token)
{
	*rx = (struct devmem__rx){
		.control = control,
		.control_left = control_bytes,
		.payload = payload,
		.payload_room = payload_room,
		.bytes_left = bytes,
		.host_token = host_token,
	};
	look_ahead(rx);
}

static struct devmem_event host_event(struct devmem__rx *rx, const struct devmem__stream *stream,
				      uint32_t bytes)
{
	struct devmem_event ev = {
		.user_data = stream->user_data,
		.address = (uintptr_t)rx->payload,
		.length = bytes,
		.token = rx->host_token,
		.sock = stream->slot,
		.type = DEVMEM_EVENT_HOST,
	};

	rx->payload += bytes;
	rx->payload_room -= bytes;
	rx->host_events++;
	return ev;
}

static int linear_frag(struct devmem__rx *rx, struct devmem__stream *stream,
		       struct devmem__rx_count *count, struct devmem_event *event)
{
	struct devmem__cmsg_frag frag;

	memcpy(&frag, rx->control + CMSG_HEADER, sizeof(frag));
	skip_cmsg(rx, rx->next_len);
	if (frag.frag_size > rx->payload_room || frag.frag_size > rx->bytes_left) {
		rx->broken = true;
		return 0;
	}
	rx->bytes_left -= frag.frag_size;
	count->linear += frag.frag_size;
	*event = host_event(rx, stream, frag.frag_size);
	return 1;
}

/*
 * A cmsg's (offset, size, token) and an event's (offset, length, token) have the same layout, and
 * all events of a run have the same end. So two copies turn a fragment into an event.
 */
#define FRAG_COPIED (offsetof(struct devmem__cmsg_frag, dmabuf_id))
_Static_assert(offsetof(struct devmem_event, length) - offsetof(struct devmem_event, offset) ==
		       offsetof(struct devmem__cmsg_frag, frag_size),
	       "length lies where frag_size does");
_Static_assert(offsetof(struct devmem_event, token) - offsetof(struct devmem_event, offset) ==
		       offsetof(struct devmem__cmsg_frag, frag_token),
	       "token lies where frag_token does");
_Static_assert(DEVMEM__EVENT_END - offsetof(struct devmem_event, offset) == FRAG_COPIED, "end");

static uint32_t field(const unsigned char *cmsg, size_t offset)
{
	uint32_t value;

	memcpy(&value, cmsg + CMSG_HEADER + offset, sizeof(value));
	return value;
}

#define FIELD(cmsg, name) field(cmsg, offsetof(struct devmem__cmsg_frag, name))

static uint16_t foreign_buffer(struct devmem__stream *stream, uint32_t dmabuf_id)
{
	if (!stream->foreign)
		devmem__log(DEVMEM_LOG_WARNING,
			    "a connection attached with binding %u received bytes in the memory of "
			    "binding %u: they came through a queue of that binding",
			    stream->dmabuf_id, dmabuf_id);
	stream->foreign = true;
	return 0;
}

/* The buffer is 0 if the bytes lie in the memory of a binding that the socket was not attached
 * with. */
static uint64_t event_end(struct devmem__stream *stream, uint32_t dmabuf_id)
{
	const struct devmem_event ev = {
		.tokens = 1,
		.sock = stream->slot,
		.buffer = dmabuf_id == stream->dmabuf_id ? stream->buffer
							 : foreign_buffer(stream, dmabuf_id),
		.type = DEVMEM_EVENT_DATA,
	};

	return devmem__event_end(&ev);
}

/* Adds to @last a fragment that begins where @last ends, if the limits allow. Its token follows
 * those of @last, too. */
static bool merge(struct devmem_event *last, uint32_t size, uint32_t limit)
{
	if (last->tokens >= limit || size > UINT32_MAX - last->length)
		return false;
	last->length += size;
	last->tokens++;
	return true;
}

/* A token and the id of its binding are adjacent. So one comparison checks both, and one addition
 * gives the pair that is expected next. */
_Static_assert(offsetof(struct devmem__cmsg_frag, frag_token) + sizeof(uint32_t) ==
		       offsetof(struct devmem__cmsg_frag, dmabuf_id),
	       "dmabuf_id lies behind frag_token");
#define NEXT_TOKEN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? UINT64_C(1) : UINT64_C(1) << 32)

static uint64_t long_field(const unsigned char *cmsg, size_t offset)
{
	uint64_t value;

	memcpy(&value, cmsg + CMSG_HEADER + offset, sizeof(value));
	return value;
}

#define OFFSET(cmsg)	   long_field(cmsg, offsetof(struct devmem__cmsg_frag, frag_offset))
#define TOKEN_AND_ID(cmsg) long_field(cmsg, offsetof(struct devmem__cmsg_frag, frag_token))

/* A run of fragments whose tokens follow each other. */
struct run {
	const unsigned char *end; /* the cmsg after the last one */
	uint32_t tokens;
	uint64_t bytes;
	unsigned int events;
};

/*
 * A message is nearly always a single run. A receiver spends its time here, so cmsgs are compared
 * rather than decoded: headers and bindings must equal those of the first one. devmem__set_add()
 * refuses tokens so high that NEXT_TOKEN would carry into the binding. @follows starts with a value
 * that keeps the first fragment from merging.
 */
static __attribute__((noinline)) void read_run(struct run *run, const struct devmem__rx *rx,
					       struct devmem__stream *stream,
					       struct devmem_event *events, unsigned int n)
{
	const size_t cmsg_len = rx->next_len;
	const unsigned char *const first = rx->control, *const last =
								first + rx->control_left - cmsg_len;
	const uint64_t user_data = stream->user_data,
		       end = event_end(stream, FIELD(first, dmabuf_id));
	struct devmem_event *ev = events, *const stop = events + n;
	uint64_t expected = TOKEN_AND_ID(first), follows = ~OFFSET(first), bytes = 0;
	const size_t space = CMSG_ALIGN(cmsg_len);
	const uint32_t limit = stream->merge;
	const unsigned char *p = first;

	do {
		const uint64_t offset = OFFSET(p);
		const uint32_t size = FIELD(p, frag_size);

		if (TOKEN_AND_ID(p) != expected)
			break;
		if (offset != follows || !merge(ev - 1, size, limit)) {
			if (ev == stop)
				break;
			ev->user_data = user_data;
			memcpy(&ev->offset, p + CMSG_HEADER, FRAG_COPIED);
			memcpy(&ev->tokens, &end, sizeof(end));
			ev++;
		}
		follows = offset + size;
		bytes += size;
		expected += NEXT_TOKEN;
		p += space;
	} while (p <= last && !memcmp(p, first, CMSG_HEADER));
	run->end = p;
	run->tokens = (uint32_t)((size_t)(p - first) / space);
	run->bytes = bytes;
	run->events = (unsigned int)(ev - events);
}

/* Returns the number of events, or -ENOMEM with nothing consumed. */
static int device_run(struct devmem__rx *rx, struct devmem__stream *stream,
		      struct devmem__rx_count *count, struct devmem_event *events, unsigned int n)
{
	const unsigned char *end = rx->control + rx->control_left;
	struct run run;
	int err;

	read_run(&run, rx, stream, events, n);
	err = devmem__set_add(&stream->out, FIELD(rx->control, frag_token), run.tokens);
	if (err == -ENOMEM)
		return err;
	/* a token is out already, or out of range: the kernel never does that */
	if (err) {
		rx->broken = true;
		run.events = 0;
	} else {
		count->fragments += run.tokens;
		count->descriptors += run.events;
		count->device += run.bytes;
	}
	if (run.bytes > rx->bytes_left) { /* do not believe more than was counted */
		rx->broken = true;
		run.bytes = rx->bytes_left;
	}
	rx->bytes_left -= (uint32_t)run.bytes;
	rx->control_left = run.end < end ? (size_t)(end - run.end) : 0;
	rx->control = run.end;
	return (int)run.events;
}

/* When all cmsgs are processed, there remain either no bytes, or a message of plain bytes, or a
 * hole in the stream. */
static int at_end(struct devmem__rx *rx, struct devmem__stream *stream,
		  struct devmem__rx_count *count, struct devmem_event *event)
{
	uint32_t bytes = rx->bytes_left;

	rx->bytes_left = 0;
	if (rx->broken || (bytes && (rx->devmem || bytes > rx->payload_room))) {
		rx->broken = false;
		return devmem__fail(EBADMSG, "the kernel received bytes whose descriptors were cut "
					     "off or malformed: the stream has a hole; close the "
					     "connection");
	}
	if (!bytes)
		return 0;
	*event = host_event(rx, stream, bytes);
	count->plain += bytes;
	return 1;
}

int devmem__rx_next(struct devmem__rx *rx, struct devmem__stream *stream,
		    struct devmem__rx_count *count, struct devmem_event *events, unsigned int n)
{
	unsigned int out = 0;

	while (out < n && rx->next) {
		const int type = rx->next;
		int added;

		if (type == DEVMEM_SO_LINEAR)
			added = linear_frag(rx, stream, count, events + out);
		else
			added = device_run(rx, stream, count, events + out, n - out);
		if (added < 0)
			return out ? (int)out : added;
		out += (unsigned int)added;
		look_ahead(rx);
		if (added && rx->one_host && type == DEVMEM_SO_LINEAR)
			break;
	}
	if (out || !n)
		return (int)out;
	return at_end(rx, stream, count, events);
}
