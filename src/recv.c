// SPDX-License-Identifier: MIT
/*
 * Completions to events. The kernel reports device memory in cmsgs, one per fragment, and copies what it could
 * not leave in the dma-buf to the payload: "linear" bytes with a cmsg of their own in stream order, or, for a
 * queue that is not bound, a message of plain bytes without any. One message never mixes plain bytes with
 * cmsgs. [net/ipv4/tcp.c: tcp_recvmsg_locked, tcp_recvmsg_dmabuf]
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "recv.h"

#define CMSG_HEADER CMSG_LEN(0)

void devmem__rx_start(struct devmem__rx *rx, const void *control, size_t control_bytes, const void *payload,
		      size_t payload_room, uint32_t bytes, uint32_t host_token)
{
	*rx = (struct devmem__rx){
		.control = control,
		.control_left = control_bytes,
		.payload = payload,
		.payload_room = payload_room,
		.bytes_left = bytes,
		.host_token = host_token,
	};
}

static void skip_cmsg(struct devmem__rx *rx, size_t cmsg_len)
{
	size_t space = CMSG_ALIGN(cmsg_len);

	if (space > rx->control_left)	/* the last one may come without padding */
		space = rx->control_left;
	rx->control += space;
	rx->control_left -= space;
}

/*
 * Finds the next device memory cmsg and stays in front of it: the caller skips it once it is dealt with.
 * Returns its type, or 0 at the end. Other cmsgs (time stamps, say) are the application's affair and passed over.
 */
static int peek_frag(struct devmem__rx *rx, struct devmem__cmsg_frag *frag, size_t *cmsg_len)
{
	struct cmsghdr h;

	while (rx->control_left >= CMSG_HEADER) {
		memcpy(&h, rx->control, sizeof(h));
		if (h.cmsg_len < CMSG_HEADER || h.cmsg_len > rx->control_left)
			break;
		if (h.cmsg_level == SOL_SOCKET &&
		    (h.cmsg_type == DEVMEM_SO_DMABUF || h.cmsg_type == DEVMEM_SO_LINEAR)) {
			rx->devmem = true;
			if (h.cmsg_len >= CMSG_LEN(sizeof(*frag))) {
				memcpy(frag, rx->control + CMSG_HEADER, sizeof(*frag));
				*cmsg_len = h.cmsg_len;
				return h.cmsg_type;
			}
			rx->broken = true;
		}
		skip_cmsg(rx, h.cmsg_len);
	}
	if (rx->control_left)
		rx->broken = true;
	rx->control_left = 0;
	return 0;
}

static bool merges(const struct devmem_event *last, const struct devmem__cmsg_frag *frag, uint16_t buffer,
		   uint32_t limit)
{
	return last->type == DEVMEM_EVENT_DATA && last->buffer == buffer &&
	       last->offset + last->length == frag->frag_offset &&
	       last->token + last->tokens == frag->frag_token && last->tokens < limit &&
	       frag->frag_size <= UINT32_MAX - last->length;
}

/* The kernel counted these bytes; a cmsg that claims more than were counted is not to be believed. */
static bool account(struct devmem__rx *rx, uint32_t bytes)
{
	if (bytes > rx->bytes_left) {
		rx->bytes_left = 0;
		rx->broken = true;
		return false;
	}
	rx->bytes_left -= bytes;
	return true;
}

static struct devmem_event host_event(struct devmem__rx *rx, const struct devmem__stream *stream, uint32_t bytes)
{
	struct devmem_event ev = {
		.user_data = stream->user_data,
		.offset = (uintptr_t)rx->payload,
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

/* A fragment of a binding that the socket was not attached with has no buffer that we could name: 0. */
static uint16_t buffer_of(const struct devmem__stream *stream, const struct devmem__cmsg_frag *frag)
{
	return frag->dmabuf_id == stream->dmabuf_id ? stream->buffer : 0;
}

/* One device fragment, into @last if it continues it, else into @next. Returns events added, or -errno. */
static int device_frag(struct devmem__stream *stream, struct devmem__rx_count *count,
		       const struct devmem__cmsg_frag *frag, struct devmem_event *last, struct devmem_event *next)
{
	uint16_t buffer = buffer_of(stream, frag);
	int err = devmem__set_add(&stream->out, frag->frag_token);

	if (err)
		return err;
	count->fragments++;
	count->device += frag->frag_size;
	if (last && merges(last, frag, buffer, stream->merge)) {
		last->length += frag->frag_size;
		last->tokens++;
		return 0;
	}
	*next = (struct devmem_event){
		.user_data = stream->user_data,
		.offset = frag->frag_offset,
		.length = frag->frag_size,
		.token = frag->frag_token,
		.tokens = 1,
		.sock = stream->slot,
		.buffer = buffer,
		.type = DEVMEM_EVENT_DATA,
	};
	count->descriptors++;
	return 1;
}

/* What is left when all cmsgs are dealt with: nothing, a message of plain bytes, or a hole in the stream. */
static int at_end(struct devmem__rx *rx, struct devmem__stream *stream, struct devmem__rx_count *count,
		  struct devmem_event *event)
{
	uint32_t bytes = rx->bytes_left;

	rx->bytes_left = 0;
	if (rx->broken || (bytes && (rx->devmem || bytes > rx->payload_room))) {
		rx->broken = false;
		return devmem__fail(EBADMSG, "the kernel received bytes whose descriptors were cut off or "
				    "malformed: the stream has a hole; close the connection");
	}
	if (!bytes)
		return 0;
	*event = host_event(rx, stream, bytes);
	count->plain += bytes;
	return 1;
}

int devmem__rx_next(struct devmem__rx *rx, struct devmem__stream *stream, struct devmem__rx_count *count,
		    struct devmem_event *events, unsigned int n)
{
	struct devmem__cmsg_frag frag;
	unsigned int out = 0;
	size_t cmsg_len;
	int type, added;

	while (out < n && (type = peek_frag(rx, &frag, &cmsg_len))) {
		if (type == DEVMEM_SO_LINEAR) {
			if (frag.frag_size > rx->payload_room || !account(rx, frag.frag_size)) {
				rx->broken = true;
			} else {
				events[out++] = host_event(rx, stream, frag.frag_size);
				count->linear += frag.frag_size;
			}
		} else {
			added = device_frag(stream, count, &frag, out ? &events[out - 1] : NULL, &events[out]);
			if (added == -ENOMEM)
				return out ? (int)out : added;
			if (added < 0 || !account(rx, frag.frag_size))
				rx->broken = true;	/* a token that is out already, or more than counted */
			out += added > 0 ? (unsigned int)added : 0;
		}
		skip_cmsg(rx, cmsg_len);
	}
	if (out || !n)
		return (int)out;
	return at_end(rx, stream, count, events);
}
