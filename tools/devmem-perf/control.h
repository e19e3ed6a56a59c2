/* SPDX-License-Identifier: MIT */
/* The control connection, which carries messages between client and server. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdint.h>

#include "message.h"

#define CONTROL_ROOM_ASKED 4096 /* bytes; the longest message that a server accepts, from anybody */
/* the longest message that a client accepts from its server */
#define CONTROL_ROOM_RESULT (8u << 20)

struct control {
	int fd;
	char *text;
	size_t have, used, room;
	/* when every wait ends, as of clock_now(); CLOCK_NEVER: no limit */
	uint64_t until;
};

/* control_open() - takes over @fd, also on failure. Returns 0 or -ENOMEM. Keepalive notices a peer
 * that vanishes silently. There is no time limit yet. */
int control_open(struct control *c, int fd, size_t room);
void control_close(struct control *c);

/* control_send() - ends, sends and frees the message. Returns 0 or a negative errno; -ETIMEDOUT:
 * the peer does not read it. */
int control_send(struct control *c, struct message *m);

/*
 * control_take() - reads a message without waiting. 1: a message, valid until the next call. 0:
 * none yet. -EPIPE: the peer has closed; -EPROTO, -EPROTONOSUPPORT: as message_find(); -EMSGSIZE:
 * too long; otherwise the connection's errno.
 */
int control_take(struct control *c, struct lines *l);

/* control_await() - the same, but waits. Returns 1 or an errno as above; -ETIMEDOUT; -EINTR: the
 * program is to stop. @timeout_ms: for the whole message, however slowly it comes; -1: no limit. */
int control_await(struct control *c, struct lines *l, int timeout_ms);

/* control_why() - describes such an errno. */
const char *control_why(int err);

#endif
