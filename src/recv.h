/* SPDX-License-Identifier: MIT */
/*
 * A room of its own, which may include tokens and base. From one receive completion, a control
 * buffer and a payload, to events in stream order. Knows nothing of io_uring or of backends'
 * insides, and does no I/O.
 */
#ifndef DEVMEM__RECV_H
#define DEVMEM__RECV_H

#include "base/internal.h"
#include "tokens.h"

/* What of a socket its events need. */
struct devmem__stream {
	struct devmem__token_set out;
	uint64_t user_data;
	uint32_t dmabuf_id; /* the binding's; what cmsgs are expected to carry */
	uint16_t buffer;    /* its buffer */
	uint16_t slot;
	uint32_t merge; /* most tokens of one descriptor */
	bool foreign;	/* bytes came into another binding's memory */
};

/* What was received, for the statistics. */
struct devmem__rx_count {
	uint64_t device; /* bytes */
	uint64_t linear; /* bytes */
	uint64_t plain;	 /* bytes */
	uint64_t fragments;
	uint64_t descriptors;
};

/* A completion that is being handed out; events may leave it in several portions. */
struct devmem__rx {
	const unsigned char *control;
	size_t control_left; /* bytes */
	/* type of the device memory cmsg that is in front, or 0: there is none any more */
	int next;
	size_t next_len;	      /* its cmsg_len */
	const unsigned char *payload; /* host bytes that were not handed out yet */
	size_t payload_room;	      /* bytes behind @payload that exist at all */
	uint32_t bytes_left;	      /* that the kernel counted and no event covers yet */
	/* token of HOST events: names the receive buffer they lie in */
	uint32_t host_token;
	unsigned int host_events; /* HOST events handed out so far */
	/* the message has device memory cmsgs; said from the start */
	bool devmem;
	bool broken; /* a cmsg was cut off or malformed */
	/* a portion ends at a HOST event: the caller has something to do with it */
	bool one_host;
};

void devmem__rx_start(struct devmem__rx *rx, const void *control, size_t control_bytes,
		      const void *payload, size_t payload_room, uint32_t bytes,
		      uint32_t host_token);

/* devmem__rx_is_over() - is the completion used up? Then devmem__rx_next() would say 0. */
static inline bool devmem__rx_is_over(const struct devmem__rx *rx)
{
	return !rx->control_left && !rx->bytes_left && !rx->broken;
}

/*
 * devmem__rx_next() - write up to @n events; 0 when the completion is used up.
 * -ENOMEM	tokens could not be accounted for; nothing is lost, call again
 * -EBADMSG	the message was malformed, or bytes remain that no cmsg tells of: the stream has a
 *		hole here. What could be read was handed out before.
 */
int devmem__rx_next(struct devmem__rx *rx, struct devmem__stream *stream,
		    struct devmem__rx_count *count, struct devmem_event *events, unsigned int n);

#endif
