/* SPDX-License-Identifier: MIT */
/* State of messages: the buffers that they come into, and the one being handed out. messages.h */
#ifndef DEVMEM__RECV_MESSAGE_BUFFERS_H
#define DEVMEM__RECV_MESSAGE_BUFFERS_H

#include <sys/socket.h>

#include "recv.h"
#include "uring/recv_buffers.h"

struct devmem_sock;

struct devmem__ring_messages {
	struct devmem__recv_buffers buffers; /* its .ring is NULL until a socket needs messages */
	struct msghdr header;	     /* of every multishot recvmsg: how the buffers are divided */
	struct devmem_sock *rx_sock; /* whose completion @rx is being handed out, or NULL */
	struct devmem__rx rx;
};

#endif
