/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's socket and io_uring interfaces call device memory, under our own names: the headers of the
 * distributions that we build on lack them. [include/uapi/asm-generic/socket.h, linux/uio.h, linux/io_uring.h]
 */
#ifndef DEVMEM_UAPI_SOCK_H
#define DEVMEM_UAPI_SOCK_H

#include <stdint.h>

#define DEVMEM_SO_LINEAR	78	 /* cmsg: bytes that the kernel copied into the payload (6.12) */
#define DEVMEM_SO_DMABUF	79	 /* cmsg: a fragment in the dma-buf (6.12) */
#define DEVMEM_SO_DONTNEED	80	 /* setsockopt: give fragments back (6.12) */
#define DEVMEM_MSG_SOCK_DEVMEM	0x2000000 /* recvmsg: report device fragments as cmsgs (6.12) */

/* struct dmabuf_cmsg */
struct devmem__cmsg_frag {
	uint64_t frag_offset;	/* bytes from the start of the dma-buf */
	uint32_t frag_size;	/* bytes */
	uint32_t frag_token;
	uint32_t dmabuf_id;	/* of the binding */
	uint32_t flags;
};

/* struct dmabuf_token, and the limits of one SO_DEVMEM_DONTNEED [net/core/sock.c] */
struct devmem__token_run {
	uint32_t start;
	uint32_t count;
};
#define DEVMEM__MAX_RUNS	128	/* one more: -EINVAL */
#define DEVMEM__MAX_FRAGS	1024	/* those beyond are left out silently */

/* io_uring_register(): busy polling (6.9), for sockets as they come [struct io_uring_napi] */
#define DEVMEM_IORING_REGISTER_NAPI 27
struct devmem__napi {
	uint32_t busy_poll_us;
	uint8_t prefer_busy_poll;
	uint8_t opcode;
	uint8_t pad[2];
	uint32_t op_param;
	uint32_t resv;
};

/* IORING_OP_URING_CMD on a socket (6.7); liburing 2.3 has no helper for it */
#define DEVMEM_SOCKET_URING_OP_SETSOCKOPT 3

#endif
