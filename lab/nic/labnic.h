/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * labnic: a pair of linked software NICs with header/data split, queue management
 * and netmem. The "hardware" side knows memory by its DMA address only.
 */
#ifndef LABNIC_H
#define LABNIC_H

#include <linux/atomic.h>
#include <linux/ethtool.h>
#include <linux/hrtimer.h>
#include <linux/in6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <net/page_pool/helpers.h>

#include "compat.h"

#define LABNIC_NAME	      "labnic"
#define LABNIC_MAX_QUEUES     16
#define LABNIC_RING_MIN	      64
#define LABNIC_RING_MAX	      8192
#define LABNIC_MAX_MTU	      9600
#define LABNIC_RX_PAGE_MAX    (4U << 20)
#define LABNIC_HDS_THRESH     256
#define LABNIC_HDS_THRESH_MAX 1024
#define LABNIC_SRAM	      256 /* bytes of a frame that the NIC itself can examine */
#define LABNIC_INDIR	      128
#define LABNIC_KEY_LEN	      40
#define LABNIC_MAX_CTX	      16
#define LABNIC_MAX_RULES      64
#define LABNIC_PARKED	      16
#define LABNIC_RESET_MS_MAX   10000

struct labnic;

/* Buffers posted to the NIC. The NIC sees desc; buf is the driver's own record. */
struct labnic_ring {
	u32 size; /* most buffers posted at a time */
	u32 mask; /* slots - 1; slots is a power of two, at least size */
	u32 buf_len;
	u32 prod; /* written by the driver */
	u32 cons; /* written by the NIC */
	dma_addr_t *desc;
	netmem_ref *buf; /* 0: the slot is free */
	/* With "pack" packets share buffers. */
	u32 off;     /* NIC: where the next packet begins in the first buffer */
	u16 sharing; /* NIC: how many packets are in that buffer */
	/* driver, per slot: packets processed, and all packets in it (0: not known yet) */
	u16 *seen, *total;
};

enum {
	LABNIC_CQE_SPLIT = BIT(0), /* payload is in the payload buffers */
	LABNIC_CQE_CSUM_OK = BIT(1),
	LABNIC_CQE_HASH_L4 = BIT(2),
	LABNIC_CQE_TCP = BIT(3),
	LABNIC_CQE_IPV6 = BIT(4),
	/* corrupt_every changed a byte: the stack is left to find the bad checksum */
	LABNIC_CQE_CORRUPT = BIT(5),
};

/* One received packet: which buffers it fills, in ring order. */
struct labnic_cqe {
	u32 host_slot, host_len;
	u32 pay_slot, pay_len;
	u32 pay_off;	 /* in the first buffer, which packets may share */
	u16 pay_sharing; /* packets in the first buffer; 0: more may follow */
	bool pay_open;	 /* more packets may follow in the last buffer */
	u16 host_n, pay_n;
	u32 hash;
	u16 flags;
	u16 mss, segs; /* of a packet that the NIC merged, else 0 */
};

/* What a queue restart replaces: the memory that ndo_queue_mem_alloc() fills. */
struct labnic_rxmem {
	struct page_pool *pay_pool;  /* may be device memory */
	struct page_pool *host_pool; /* headers, and packets that are not split */
	struct labnic_ring pay, host;
	struct labnic_cqe *cq;
	u32 cq_mask;
	u32 cq_prod; /* written by the NIC */
	u32 cq_cons; /* written by the driver */
	bool unreadable;
};

struct labnic_rx_stats {
	u64 packets, bytes, split, unsplit, alloc_fail, overruns;
	u64 csum_ok, csum_none, csum_bad, merged, merged_bytes, merged_wire;
};

struct labnic_parked {
	struct labnic_cqe cqe;
	ktime_t due;
	bool used, after_next;
};

struct labnic_rxq {
	struct napi_struct napi; /* serves the TX queue of the same number too */
	struct labnic *nic;
	u32 idx;
	spinlock_t lock; /* guards the NIC's side: rings' cons, cq_prod, enabled, parked */
	bool enabled;
	struct labnic_rxmem mem;
	struct timer_list refill_timer;
	struct hrtimer park_timer;
	u32 n_parked;
	struct labnic_parked parked[LABNIC_PARKED];
	struct labnic_rx_stats stats;
};

enum {
	LABNIC_TXD_FIRST = BIT(0),
	LABNIC_TXD_LAST = BIT(1),
	LABNIC_TXD_CSUM = BIT(2), /* fill in the L4 checksum */
	LABNIC_TXD_TSO = BIT(3),
};

/* TX descriptor, as the NIC sees it. Only a frame's first one has the offload fields. */
struct labnic_txd {
	dma_addr_t addr;
	u32 len;
	u16 flags, mss, hdr_len;
	u16 csum_start, csum_off;
};

/* The driver's own record of a TX descriptor. */
struct labnic_txbuf {
	struct sk_buff *skb; /* on the last descriptor of a frame */
	dma_addr_t unmap;    /* 0: device memory, the binding owns the mapping */
	u32 len;
	bool single;
};

struct labnic_tx_stats {
	u64 packets, bytes, dropped, map_errors, stop, wake;
	u64 linearized, too_many_pieces;
	u64 tso_frames, tso_bytes, wire_packets, csum;
};

struct labnic_txq {
	struct labnic *nic;
	u32 idx, size, mask;
	u32 prod;	 /* written by xmit */
	u32 tail;	 /* the doorbell: the NIC may send up to here */
	spinlock_t wire; /* held while acting as the NIC: by xmit, or by NAPI with wire_apart */
	u32 hw;		 /* written by the NIC: sent and copied out up to here */
	u32 clean;	 /* written by NAPI */
	struct labnic_txd *desc;
	struct labnic_txbuf *buf;
	struct labnic_tx_stats stats;
};

/* What the NIC's parser finds in a packet. Addresses and ports are in network order. */
struct labnic_flow {
	u16 l3; /* ETH_P_IP, ETH_P_IPV6, or 0 for anything else */
	u8 l4;	/* IPPROTO_TCP, IPPROTO_UDP, or 0 (fragments, other) */
	u8 l3_off, l4_off;
	u16 hdr_len;		  /* up to the L4 payload where l4 is known */
	struct in6_addr src, dst; /* IPv4: word 0 */
	__be16 sport, dport;
};

struct labnic_rss {
	bool used;
	u32 indir[LABNIC_INDIR];
	u8 key[LABNIC_KEY_LEN];
	u32 nibble[(LABNIC_KEY_LEN - 4) * 2][16]; /* Toeplitz, per half byte of input */
	u32 tcp4, tcp6, udp4, udp6, ip4, ip6;	  /* RXH_*: the hashed fields */
};

struct labnic_rule {
	struct ethtool_rx_flow_spec fs;
	u32 ctx; /* with FLOW_RSS */
	u16 l3;
	u8 l4; /* 0: any */
	struct in6_addr src, dst, src_mask, dst_mask;
	__be16 sport, dport, sport_mask, dport_mask;
};

struct labnic_faults {
	struct dentry *dir;
	u32 drop_every, reorder_every, delay_every, delay_us;
	u32 nosplit_every, nosplit_bytes, misroute_every;
	u32 starve;				/* queue mask */
	u32 fail_queue_alloc, fail_queue_start; /* the next n of them fail */
	u32 down_again; /* queue operations fail with -EAGAIN while the interface is down */
	u32 tx_pieces;	/* most fragments of a packet that it sends; 0: any number */
	u32 pack;	/* packets share payload buffers */
	/* unsplit packets on bound queues are page-backed too, so that GRO merges them */
	u32 unsplit_pages;
	u32 corrupt_every;
	atomic_t seen_drop, seen_reorder, seen_delay, seen_nosplit, seen_misroute;
	atomic_t seen_corrupt;
	atomic64_t dropped, reordered, delayed, unsplit, misrouted, corrupted;
	bool link;
};

struct labnic {
	struct net_device *netdev;
	struct device *dev; /* does the DMA */
	int id;
	struct labnic __rcu *peer;
	/* the queues exist; written under labnic_link_lock and the instance lock */
	bool up;

	u32 channels, max_channels;
	u32 rx_size, tx_size;
	bool split;
	u8 split_config; /* ETHTOOL_TCP_DATA_SPLIT_*, as requested */
	u32 hds_thresh;

	rwlock_t steer_lock; /* guards rss and rules: written by ethtool, read by the NIC */
	struct labnic_rss rss[LABNIC_MAX_CTX];
	struct labnic_rule rules[LABNIC_MAX_RULES];
	DECLARE_BITMAP(rule_map, LABNIC_MAX_RULES);

	struct labnic_faults faults;
	u32 wire_apart; /* the NIC's transmit side runs in NAPI, not in the sender's context */
	atomic64_t dma_faults;
	atomic64_t rx_no_carrier, rx_too_long, rx_rule_drops;

	struct labnic_rxq rxq[LABNIC_MAX_QUEUES];
	struct labnic_txq txq[LABNIC_MAX_QUEUES];
};

/* main.c */
void labnic_link_update(struct labnic *nic);
void labnic_set_up(struct labnic *nic, bool up);
void labnic_unplug(struct labnic *nic);

/* netdev.c */
extern const struct net_device_ops labnic_netdev_ops;
void labnic_netdev_setup(struct labnic *nic);
int labnic_up(struct labnic *nic);
void labnic_down(struct labnic *nic);
void labnic_reset(struct labnic *nic, unsigned int ms, bool forgets);
int labnic_ethtool_reset(struct net_device *dev, u32 *flags);

/* dma.c: the NIC's only access to memory */
int labnic_dma_setup(struct device *dev);
void labnic_dma_check(struct device *dev);
void labnic_dma_exit(struct device *dev);
int labnic_dma_read(struct labnic *nic, void *sram, dma_addr_t from, u32 len);
int labnic_dma_write(struct labnic *nic, dma_addr_t to, const void *sram, u32 len);
int labnic_dma_move(struct labnic *dst, dma_addr_t to, struct labnic *src, dma_addr_t from,
		    u32 len);

/* ring.c */
int labnic_ring_alloc(struct labnic_ring *ring, u32 size, u32 buf_len);
void labnic_ring_free(struct labnic_ring *ring, struct page_pool *pool);
u32 labnic_ring_fill(struct labnic_ring *ring, struct page_pool *pool);
u32 labnic_ring_posted(struct labnic_ring *ring);

/* rx.c: the driver's side of receiving */
int labnic_rxmem_alloc(struct labnic *nic, struct labnic_rxmem *mem, u32 idx, u32 page_size);
void labnic_rxmem_free(struct labnic_rxmem *mem);
void labnic_rxq_init(struct labnic *nic, u32 idx);
void labnic_rxq_start(struct labnic_rxq *rxq, struct labnic_rxmem *mem);
void labnic_rxq_stop(struct labnic_rxq *rxq, struct labnic_rxmem *mem);
int labnic_rx_poll(struct labnic_rxq *rxq, int budget);

/* tx.c: the driver's side of sending */
int labnic_txq_alloc(struct labnic *nic, u32 idx);
void labnic_txq_free(struct labnic_txq *txq);
netdev_features_t labnic_features_check(struct sk_buff *skb, struct net_device *dev,
					netdev_features_t features);
netdev_tx_t labnic_xmit(struct sk_buff *skb, struct net_device *dev);
void labnic_tx_reap(struct labnic_txq *txq, int budget);

/* wire.c: the NIC's transmit side, and what travels to the peer */
struct labnic_frame {
	struct labnic *from;
	const struct labnic_txq *txq;
	u32 first, n, len;
	const struct labnic_txd *d; /* first descriptor: offloads */
	u8 sram[LABNIC_SRAM];
	u32 sram_len;
	struct labnic_flow flow;
};

struct labnic_pkt {
	const struct labnic_frame *frame;
	const u8 *hdr; /* headers, as the peer receives them */
	u32 hdr_len;
	u32 off, len; /* payload: this part of the frame */
	u32 hash;
	u16 mss, segs;
	bool hash_l4, csum_ok;
};

void labnic_wire_run(struct labnic_txq *txq);
int labnic_frame_read(const struct labnic_frame *frame, u32 off, u8 *sram, u32 len);
int labnic_frame_move(const struct labnic_frame *frame, u32 off, struct labnic *to, dma_addr_t addr,
		      u32 len);

/* hwrx.c: the NIC's receive side */
void labnic_hw_receive(struct labnic *nic, const struct labnic_pkt *pkt, u32 queue);
enum hrtimer_restart labnic_park_expired(struct hrtimer *timer);
void labnic_hw_flush_parked(struct labnic_rxq *rxq);

/* flow.c */
void labnic_flow_parse(struct labnic_flow *flow, const u8 *data, u32 len);

/* rss.c */
void labnic_rss_init(struct labnic *nic);
void labnic_rss_reset_indir(struct labnic *nic);
void labnic_rss_forget(struct labnic *nic);
u32 labnic_rss_hash(const struct labnic_rss *rss, const struct labnic_flow *flow, bool *l4);
u32 labnic_get_rxfh_key_size(struct net_device *dev);
u32 labnic_get_rxfh_indir_size(struct net_device *dev);
int labnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *p);
int labnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *p,
		    struct netlink_ext_ack *extack);
int labnic_create_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			       const struct ethtool_rxfh_param *p, struct netlink_ext_ack *extack);
int labnic_modify_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx,
			       const struct ethtool_rxfh_param *p, struct netlink_ext_ack *extack);
int labnic_remove_rxfh_context(struct net_device *dev, struct ethtool_rxfh_context *ctx, u32 id,
			       struct netlink_ext_ack *extack);
int labnic_get_rxfh_fields(struct net_device *dev, struct ethtool_rxfh_fields *f);
int labnic_set_rxfh_fields(struct net_device *dev, const struct ethtool_rxfh_fields *f,
			   struct netlink_ext_ack *extack);

/* rules.c */
int labnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd, u32 *locs);
int labnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd);
void labnic_rules_forget(struct labnic *nic);
bool labnic_rules_use_queue(struct labnic *nic, u32 from);
bool labnic_rules_use_ctx(struct labnic *nic, u32 ctx);
bool labnic_rules_allow_indir(struct labnic *nic, u32 ctx, const u32 *indir);
int labnic_steer(struct labnic *nic, const struct labnic_flow *flow, u32 *hash, bool *l4);

/* queues.c */
const struct netdev_queue_mgmt_ops *labnic_choose_queue_ops(void);
u32 labnic_queue_page_size(struct net_device *dev, u32 idx);

/* stats.c */
extern const struct netdev_stat_ops labnic_stat_ops;
int labnic_get_sset_count(struct net_device *dev, int sset);
void labnic_get_strings(struct net_device *dev, u32 sset, u8 *data);
void labnic_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data);
void labnic_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *st);

/* ethtool.c */
const struct ethtool_ops *labnic_choose_ethtool_ops(void);
bool labnic_has_split(void);
bool labnic_has_ntuple(void);

/* mimic.c */
struct labnic_quirks {
	const char *name, *driver;
	u32 hds_thresh, hds_thresh_max; /* initial, and maximum (0: there is no such setting) */
	u8 split_config;		/* initial */
	bool reports_config;		/* reports the requested split, not the actual one */
	bool split_needs_gro_hw;	/* and keeps GRO HW on while it splits */
	bool no_split_off;		/* refuses "disabled"; "unknown" turns the split off */
	bool unknown_keeps_split;	/* "unknown" leaves the split as it is */
	bool always_splits;
	bool no_contexts;
	bool keeps_queue_0; /* cannot restart queue 0 */
	/* reports the split while it is on, otherwise "unknown" */
	bool reports_only_split_on;
	bool cannot_split;	/* has the setting, but refuses it */
	bool cannot_send;	/* from device memory */
	bool counts_rx_and_tx;	/* separately: channels are not "combined" */
	bool fixed_hash_fields; /* neither reports nor sets them */
	bool ntuple_off;	/* initially */
	bool hides_tx_drops;	/* packets that it drops are in "ethtool -S" alone */
};

int labnic_mimic_init(void);
const struct labnic_quirks *labnic_quirks(void);
int labnic_mimic_check_split(struct labnic *nic, u8 asked, struct netlink_ext_ack *extack);
void labnic_mimic_set_split(struct labnic *nic, u8 asked);
u8 labnic_mimic_get_split(const struct labnic *nic);
netdev_features_t labnic_mimic_fix_features(struct labnic *nic, netdev_features_t features);

/* faults.c */
int labnic_faults_module_init(void);
void labnic_faults_module_exit(void);
void labnic_faults_init(struct labnic *nic);
void labnic_faults_exit(struct labnic *nic);

/* True for every n-th packet. *every is 0 while the fault is off. */
static inline bool labnic_fault(u32 *every, atomic_t *seen, atomic64_t *hits)
{
	u32 n = READ_ONCE(*every);

	if (likely(!n) || (u32)atomic_inc_return(seen) % n)
		return false;
	atomic64_inc(hits);
	return true;
}

static inline bool labnic_fail_next(u32 *count)
{
	u32 n = READ_ONCE(*count);

	if (likely(!n))
		return false;
	WRITE_ONCE(*count, n - 1);
	return true;
}

#endif
