/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's socket and io_uring interfaces define for device memory, under our own names:
 * the headers of the distributions that we build on lack it. [include/uapi/asm-generic/socket.h,
 * linux/uio.h, linux/io_uring.h]
 */
#ifndef DEVMEM__BASE_UAPI_SOCK_H
#define DEVMEM__BASE_UAPI_SOCK_H

#include <stdint.h>

/* cmsg: bytes that the kernel copied into the payload (6.12) */
#define DEVMEM_SO_LINEAR   78
#define DEVMEM_SO_DMABUF   79 /* cmsg: a fragment in the dma-buf (6.12) */
#define DEVMEM_SO_DONTNEED 80 /* setsockopt: give fragments back (6.12) */
/* cmsg of sendmsg(): id of the binding to send from (6.16) */
#define DEVMEM_SCM_DMABUF      79
#define DEVMEM_MSG_SOCK_DEVMEM 0x2000000 /* recvmsg: report device fragments as cmsgs (6.12) */

/* struct dmabuf_cmsg */
struct devmem__cmsg_frag {
	uint64_t frag_offset; /* bytes from the start of the dma-buf */
	uint32_t frag_size;   /* bytes */
	uint32_t frag_token;
	uint32_t dmabuf_id; /* of the binding */
	uint32_t flags;
};

/* struct dmabuf_token, and the limits of one SO_DEVMEM_DONTNEED [net/core/sock.c] */
struct devmem__token_run {
	uint32_t start;
	uint32_t count;
};
#define DEVMEM__MAX_RUNS  128  /* one more: -EINVAL */
#define DEVMEM__MAX_FRAGS 1024 /* the kernel silently skips the rest */

/* io_uring_register(): busy polling (6.9). The kernel finds out which NAPI instances the sockets
 * use. [struct io_uring_napi] */
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

/* struct io_uring_buf_reg: older headers do not name the flags */
struct devmem__buf_reg {
	uint64_t ring_addr;
	uint32_t ring_entries;
	uint16_t group;
	uint16_t flags;
	uint64_t resv[3];
};

/* IOU_PBUF_RING_INC: receives consume a provided buffer bit by bit (6.12). IORING_CQE_F_BUF_MORE:
 * the buffer of this completion is not used up. */
#define DEVMEM_PBUF_RING_INC  2
#define DEVMEM_CQE_F_BUF_MORE (1u << 4)

/* zero-copy receive (6.15; dma-buf areas 6.16) [include/uapi/linux/io_uring/zcrx.h] */
#define DEVMEM_IORING_REGISTER_ZCRX_IFQ 32
#define DEVMEM_IORING_OP_RECV_ZC	58
#define DEVMEM_ZCRX_AREA_DMABUF		1
#define DEVMEM_ZCRX_AREA_MASK		(~(uint64_t)0 << 48) /* bits of an offset: the area */

struct devmem__zcrx_rqe { /* entry of the refill ring: returns a fragment */
	uint64_t off;
	uint32_t len;
	uint32_t pad;
};

struct devmem__zcrx_cqe { /* the second half of a fragment's completion */
	uint64_t off;
	uint64_t pad;
};

struct devmem__zcrx_area_reg {
	uint64_t addr; /* 0 for a dma-buf */
	uint64_t len;  /* of the whole area */
	uint64_t rq_area_token;
	uint32_t flags;
	uint32_t dmabuf_fd;
	uint64_t resv[2];
};

struct devmem__zcrx_ifq_reg {
	uint32_t if_idx;
	uint32_t if_rxq;
	uint32_t rq_entries;
	uint32_t flags;
	uint64_t area_ptr;
	uint64_t region_ptr; /* struct devmem__region_desc */
	struct {
		uint32_t head;
		uint32_t tail;
		uint32_t rqes;
		uint32_t resv2;
		uint64_t resv[2];
	} offsets;	     /* answer: offsets in the region */
	uint32_t zcrx_id;    /* answer */
	uint32_t rx_buf_len; /* bytes: 0, or a page size (7.0) */
	uint64_t resv[3];
};

struct devmem__region_desc { /* struct io_uring_region_desc */
	uint64_t user_addr;
	uint64_t size;
	uint32_t flags; /* 1: memory that the user provides */
	uint32_t id;
	uint64_t mmap_offset;
	uint64_t resv[4];
};
#define DEVMEM_REGION_USER 1

#endif
