/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the kernel's netlink families and ethtool ioctls, under our own names: the headers of
 * the distributions that we build on lack many of them. A number that is newer than 6.12 has its
 * kernel version beside it. [include/uapi/linux/netdev.h, ethtool_netlink_generated.h, ethtool.h,
 * of 7.3]
 */
#ifndef DEVMEM__BASE_UAPI_H
#define DEVMEM__BASE_UAPI_H

#include <linux/ethtool.h>
#include <stdint.h>

/* --------------------------------------------------------------------- generic netlink "netdev" */

enum {
	DEVMEM_NETDEV_CMD_PAGE_POOL_GET = 5,
	DEVMEM_NETDEV_CMD_QUEUE_GET = 10,
	DEVMEM_NETDEV_CMD_BIND_RX = 13,
	DEVMEM_NETDEV_CMD_BIND_TX = 15, /* 6.16 */
};

enum {
	DEVMEM_NETDEV_A_DMABUF_IFINDEX = 1, /* u32 */
	/* nest of QUEUE_ID and QUEUE_TYPE, once for each queue */
	DEVMEM_NETDEV_A_DMABUF_QUEUES = 2,
	DEVMEM_NETDEV_A_DMABUF_FD = 3,		 /* u32 */
	DEVMEM_NETDEV_A_DMABUF_ID = 4,		 /* u32, in the reply */
	DEVMEM_NETDEV_A_DMABUF_RX_PAGE_SIZE = 5, /* u32 (7.3) */
};

enum {
	DEVMEM_NETDEV_A_QUEUE_ID = 1,	    /* u32 */
	DEVMEM_NETDEV_A_QUEUE_IFINDEX = 2,  /* u32 */
	DEVMEM_NETDEV_A_QUEUE_TYPE = 3,	    /* u32 */
	DEVMEM_NETDEV_A_QUEUE_NAPI_ID = 4,  /* u32 */
	DEVMEM_NETDEV_A_QUEUE_DMABUF = 5,   /* u32: id of the binding */
	DEVMEM_NETDEV_A_QUEUE_IO_URING = 6, /* nest, present if zcrx has the queue (6.15) */
	DEVMEM_NETDEV_A_QUEUE_XSK = 7,	    /* nest, present if AF_XDP has the queue (6.15) */
	/* nest, present if the queue is leased to a netkit (7.1) */
	DEVMEM_NETDEV_A_QUEUE_LEASE = 8,
};

enum {
	/* those without a type here are "uint": 4 or 8 bytes, as the value needs */
	DEVMEM_NETDEV_A_PAGE_POOL_ID = 1,
	DEVMEM_NETDEV_A_PAGE_POOL_IFINDEX = 2, /* u32 */
	DEVMEM_NETDEV_A_PAGE_POOL_NAPI_ID = 3,
	DEVMEM_NETDEV_A_PAGE_POOL_INFLIGHT = 4,	    /* pages */
	DEVMEM_NETDEV_A_PAGE_POOL_INFLIGHT_MEM = 5, /* bytes */
	/* present if the queue is gone and some pages are still out */
	DEVMEM_NETDEV_A_PAGE_POOL_DETACH_TIME = 6,
	DEVMEM_NETDEV_A_PAGE_POOL_DMABUF = 7,	/* u32: id of the binding */
	DEVMEM_NETDEV_A_PAGE_POOL_IO_URING = 8, /* nest, present if zcrx has it (6.15) */
};

enum {
	DEVMEM_NETDEV_QUEUE_TYPE_RX = 0,
	DEVMEM_NETDEV_QUEUE_TYPE_TX = 1,
};

/* -------------------------------------------------------------------- generic netlink "ethtool" */

enum {
	DEVMEM_ETHTOOL_MSG_FEATURES_GET = 11,
	DEVMEM_ETHTOOL_MSG_FEATURES_SET = 12,
	DEVMEM_ETHTOOL_MSG_RINGS_GET = 15,
	DEVMEM_ETHTOOL_MSG_RINGS_SET = 16,
	/* numbered among the messages that the kernel sends */
	DEVMEM_ETHTOOL_MSG_RINGS_NTF = 17,
};

#define DEVMEM_ETHTOOL_MCGRP_MONITOR "monitor"

enum {
	DEVMEM_ETHTOOL_A_HEADER_DEV_INDEX = 1, /* u32 */
};

enum {
	DEVMEM_ETHTOOL_A_RINGS_HEADER = 1,	    /* nest */
	DEVMEM_ETHTOOL_A_RINGS_RX = 6,		    /* u32, entries */
	DEVMEM_ETHTOOL_A_RINGS_TCP_DATA_SPLIT = 11, /* u8, enum devmem__split; absent: unknown */
	DEVMEM_ETHTOOL_A_RINGS_HDS_THRESH = 17,	    /* u32; absent if the driver has none (6.14) */
};

enum devmem__split {
	DEVMEM_SPLIT_UNKNOWN = 0, /* as a setting: the driver decides */
	DEVMEM_SPLIT_DISABLED = 1,
	DEVMEM_SPLIT_ENABLED = 2,
};

enum {
	DEVMEM_ETHTOOL_A_FEATURES_HEADER = 1, /* nest */
	DEVMEM_ETHTOOL_A_FEATURES_HW = 2,     /* bitset: features that a user may change */
	DEVMEM_ETHTOOL_A_FEATURES_WANTED = 3, /* bitset: features that are requested */
	DEVMEM_ETHTOOL_A_FEATURES_ACTIVE = 4, /* bitset */
};

enum {
	/* flag: the bits that are listed are set; without it, each has a value */
	DEVMEM_ETHTOOL_A_BITSET_NOMASK = 1,
	DEVMEM_ETHTOOL_A_BITSET_BITS = 3,      /* nest of bits */
	DEVMEM_ETHTOOL_A_BITSET_BITS_BIT = 1,  /* nest */
	DEVMEM_ETHTOOL_A_BITSET_BIT_NAME = 2,  /* string */
	DEVMEM_ETHTOOL_A_BITSET_BIT_VALUE = 3, /* flag: the bit is set */
};

/* ---------------------------------------------------------------------------- ioctl SIOCETHTOOL */

/* struct ethtool_rxfh, with input_xfrm, which came in 6.8 */
struct devmem__rxfh {
	uint32_t cmd;
	uint32_t rss_context;
	uint32_t indir_size; /* entries; in a set, 0: the default table, or delete the context */
	uint32_t key_size;   /* bytes */
	uint8_t hfunc;
	uint8_t input_xfrm;
	uint8_t rsvd8[2];
	uint32_t rsvd32;
	uint32_t rss_config[]; /* the table, then the key */
};

#define DEVMEM_GRSSH		   0x46
#define DEVMEM_SRSSH		   0x47
#define DEVMEM_RSS_CONTEXT_ALLOC   0xffffffffu
#define DEVMEM_RSS_HFUNC_NO_CHANGE 0
#define DEVMEM_RSS_HFUNC_TOEPLITZ  1
#define DEVMEM_RSS_XFRM_NO_CHANGE  0xff

#define DEVMEM_FLOW_RSS 0x20000000u

#endif
