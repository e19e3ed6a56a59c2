/* SPDX-License-Identifier: MIT */
/*
 * Turns one receive completion, which is a control buffer and a payload, into events in stream
 * order. A room of its own, which may include tokens and base. It does no I/O, and knows nothing
 * of io_uring or of backends' insides.
 */
#ifndef DEVMEM__RECV_H
#define DEVMEM__RECV_H

#include "base/internal.h"
#include "tokens.h"

/* The part of a socket that its events need. */
struct devmem__stream {
	struct devmem__token_set out;
	uint64_t user_data;
	uint32_t dmabuf_id; /* the binding's, which cmsgs are expected to carry */
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

static inline void devmem__rx_count_add(struct devmem__rx_count *sum,
					const struct devmem__rx_count *more)
{
	sum->device += more->device;
	sum->linear += more->linear;
	sum->plain += more->plain;
	sum->fragments += more->fragments;
	sum->descriptors += more->descriptors;
}

/* A completion whose events are being returned, possibly in several portions. */
struct devmem__rx {
	const unsigned char *control;
	size_t control_left; /* bytes */
	/* type of the next device memory cmsg, or 0 if none is left */
	int next;
	size_t next_len;	      /* its cmsg_len */
	const unsigned char *payload; /* host bytes that no event covers yet */
	size_t payload_room;	      /* bytes from @payload to the end of its buffer */
	uint32_t bytes_left;	      /* counted by the kernel, and covered by no event yet */
	/* token of HOST events: names the receive buffer that they lie in */
	uint32_t host_token;
	unsigned int host_events; /* HOST events returned so far */
	/* the message has device memory cmsgs; set from the start */
	bool devmem;
	bool broken; /* a cmsg was cut off or malformed */
	/* end each portion at a HOST event, because the caller processes it first */
	bool one_host;
};

void devmem__rx_start(struct devmem__rx *rx, const void *control, size_t control_bytes,
		      const void *payload, size_t payload_room, uint32_t bytes,
		      uint32_t host_token);

/* devmem__rx_is_over() - true if the completion is used up: devmem__rx_next() would return 0. */
static inline bool devmem__rx_is_over(const struct devmem__rx *rx)
{
	return !rx->control_left && !rx->bytes_left && !rx->broken;
}

/*
 * devmem__rx_next() - write up to @n events. Returns how many; 0 if the completion is used up.
 * -ENOMEM	tokens could not be recorded; nothing is lost, call again
 * -EBADMSG	the message was malformed, or bytes remain that no cmsg describes: the stream has a
 *		hole here. All that could be read was returned before.
 */
int devmem__rx_next(struct devmem__rx *rx, struct devmem__stream *stream,
		    struct devmem__rx_count *count, struct devmem_event *events, unsigned int n);

#endif
