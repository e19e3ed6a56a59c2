/* SPDX-License-Identifier: MIT */
/* The control connection: messages over a socket. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdint.h>

#include "message.h"

#define CONTROL_ROOM_ASKED 4096 /* bytes that a server takes from anybody */
/* ... and a client from the server that it has chosen */
#define CONTROL_ROOM_RESULT (8u << 20)

struct control {
	int fd;
	char *text;
	size_t have, used, room;
	/* whatever is waited for is over then: clock_now(); CLOCK_NEVER: no limit */
	uint64_t until;
};

/*
 * control_open() - takes @fd over, also on failure. 0, or -ENOMEM. A peer that goes without a word
 * is noticed, too. There is no limit yet.
 */
int control_open(struct control *c, int fd, size_t room);
void control_close(struct control *c);

/* control_send() - and ends and frees the message. 0, or a negative errno; -ETIMEDOUT: the peer
 * does not take it. */
int control_send(struct control *c, struct message *m);

/*
 * control_take() - what can be had without waiting. 1: a message, valid until the next call. 0: not
 * yet. -EPIPE: the peer has closed; -EPROTO, -EPROTONOSUPPORT: as message_find(); -EMSGSIZE: too
 * long; else what the connection says.
 */
int control_take(struct control *c, struct lines *l);

/*
 * control_await() - the same, and wait. 1, or as above; -ETIMEDOUT; -EINTR: the program is to stop.
 * @timeout_ms: or -1; of a whole message, however slowly it comes.
 */
int control_await(struct control *c, struct lines *l, int timeout_ms);

/* control_why() - what such an errno means, in words. */
const char *control_why(int err);

#endif
