/* SPDX-License-Identifier: MIT */
/*
 * The interface of the device as its driver uses it: registers, commands, descriptors. Names and
 * meanings are those of drivers/net/ethernet/google/gve in Linux 7.3 (gve_register.h, gve_adminq.h,
 * gve_desc_dqo.h). Registers and commands are big-endian, descriptors little-endian.
 */
#ifndef GVE_ABI_H
#define GVE_ABI_H

#include <stdint.h>

#define PACKED __attribute__((packed))

/* ------------------------------------------------------------------------- BAR 0: registers */

enum reg {
	REG_DEVICE_STATUS = 0x00,
	REG_DRIVER_STATUS = 0x04,
	REG_MAX_TX_QUEUES = 0x08,
	REG_MAX_RX_QUEUES = 0x0c,
	REG_ADMINQ_PFN = 0x10, /* revision 0 only */
	REG_ADMINQ_DOORBELL = 0x14,
	REG_ADMINQ_EVENT_COUNTER = 0x18,
	REG_DRIVER_VERSION = 0x1f, /* the driver writes its version here, byte by byte */
	REG_ADMINQ_BASE_HI = 0x20,
	REG_ADMINQ_BASE_LO = 0x24,
	REG_ADMINQ_LENGTH = 0x28, /* 16 bits */
	REGS_BYTES = 0x30,
};

#define STATUS_RESET_REQUESTED (1u << 1)
#define STATUS_LINK	       (1u << 2)
#define STATUS_REPORT_STATS    (1u << 3)
#define STATUS_IS_RESET	       (1u << 4)

#define DRIVER_RUN   (1u << 0)
#define DRIVER_RESET (1u << 1)

/* ------------------------------------------------------------------------------ admin queue */

enum opcode {
	OP_DESCRIBE_DEVICE = 0x1,
	OP_CONFIGURE_RESOURCES = 0x2,
	OP_REGISTER_PAGES = 0x3,
	OP_UNREGISTER_PAGES = 0x4,
	OP_CREATE_TX = 0x5,
	OP_CREATE_RX = 0x6,
	OP_DESTROY_TX = 0x7,
	OP_DESTROY_RX = 0x8,
	OP_DECONFIGURE_RESOURCES = 0x9,
	OP_CONFIGURE_RSS = 0xa,
	OP_SET_PARAMETER = 0xb,
	OP_REPORT_STATS = 0xc,
	OP_REPORT_LINK_SPEED = 0xd,
	OP_GET_PTYPE_MAP = 0xe,
	OP_VERIFY_DRIVER = 0xf,
	OP_QUERY_RULES = 0x10,
	OP_REPORT_TIMESTAMP = 0x11,
	OP_QUERY_RSS = 0x12,
	OP_EXTENDED = 0xff,
	OP_CONFIGURE_RULE = 0x101, /* only inside an extended command */
};

enum status {
	ST_UNSET = 0,
	ST_PASSED = 1,
	ST_ALREADY_EXISTS = 0xfffffff1u,
	ST_DEADLINE_EXCEEDED = 0xfffffff4u,
	ST_FAILED_PRECONDITION = 0xfffffff5u,
	ST_INTERNAL_ERROR = 0xfffffff6u,
	ST_INVALID_ARGUMENT = 0xfffffff7u,
	ST_NOT_FOUND = 0xfffffff8u,
	ST_OUT_OF_RANGE = 0xfffffff9u,
	ST_RESOURCE_EXHAUSTED = 0xfffffffcu,
	ST_UNIMPLEMENTED = 0xfffffffeu,
};

#define COMMAND_BYTES 64u
#define ADMINQ_BYTES  4096u

struct cmd_describe {
	uint64_t address;
	uint32_t version;
	uint32_t available;
} PACKED;

struct descriptor {
	uint64_t max_registered_pages;
	uint16_t reserved1;
	uint16_t tx_queue_entries;
	uint16_t rx_queue_entries;
	uint16_t default_num_queues;
	uint16_t mtu;
	uint16_t counters;
	uint16_t tx_pages_per_qpl;
	uint16_t rx_pages_per_qpl;
	uint8_t mac[6];
	uint16_t num_options;
	uint16_t total_length;
	uint8_t reserved2[6];
} PACKED;

struct option {
	uint16_t id;
	uint16_t length;
	uint32_t required_features;
} PACKED;

enum option_id {
	OPT_DQO_RDA = 0x4,
	OPT_MODIFY_RING = 0x6,
	OPT_DQO_QPL = 0x7,
	OPT_JUMBO_FRAMES = 0x8,
	OPT_BUFFER_SIZES = 0xa,
	OPT_FLOW_STEERING = 0xb,
	OPT_RSS_CONFIG = 0xe,
};

/* in supported_features of the option of the queue format */
#define FEATURE_MODIFY_RING   (1u << 0)
#define FEATURE_JUMBO_FRAMES  (1u << 2)
#define FEATURE_BUFFER_SIZES  (1u << 4)
#define FEATURE_FLOW_STEERING (1u << 5)
#define FEATURE_RSS_CONFIG    (1u << 7)

struct option_dqo_rda {
	uint32_t features;
	uint32_t reserved;
} PACKED;

struct option_dqo_qpl {
	uint32_t features;
	uint16_t tx_pages_per_qpl;
	uint16_t rx_pages_per_qpl;
} PACKED;

struct option_jumbo_frames {
	uint32_t features;
	uint16_t max_mtu;
	uint16_t padding;
} PACKED;

struct option_buffer_sizes {
	uint32_t features;
	uint16_t packet_buffer;
	uint16_t header_buffer;
} PACKED;

struct option_modify_ring {
	uint32_t features;
	uint16_t max_rx;
	uint16_t max_tx;
	uint16_t min_rx;
	uint16_t min_tx;
} PACKED;

struct option_flow_steering {
	uint32_t features;
	uint32_t reserved;
	uint32_t max_rules;
} PACKED;

struct option_rss_config {
	uint32_t features;
	uint16_t key_size;
	uint16_t lut_size;
} PACKED;

#define DRIVER_INFO_BYTES    304u /* struct gve_driver_info */
#define DRIVER_INFO_OS	     0	  /* 1: Linux */
#define DRIVER_INFO_FLAGS    16	  /* the first of four words of capabilities */
#define DRIVER_CAN_DQO_RDA   (1u << 3)
#define DRIVER_CAN_BUFFER_SZ (1u << 5)

struct cmd_verify_driver {
	uint64_t length;
	uint64_t address;
} PACKED;

enum queue_format {
	FORMAT_DQO_RDA = 3, /* the device reads and writes the memory of packets itself */
	FORMAT_DQO_QPL = 4, /* only pages that were registered before; the driver copies */
};

struct cmd_configure_resources {
	uint64_t counter_array;
	uint64_t irq_db_addr;
	uint32_t num_counters;
	uint32_t num_irq_dbs;
	uint32_t irq_db_stride;
	uint32_t msix_base;
	uint8_t queue_format;
	uint8_t padding[7];
} PACKED;

struct cmd_register_pages {
	uint32_t id;
	uint32_t num_pages;
	uint64_t list_address;
	uint64_t page_size;
} PACKED;

struct cmd_create_tx {
	uint32_t queue_id;
	uint32_t reserved;
	uint64_t resources;
	uint64_t ring;
	uint32_t page_list;
	uint32_t ntfy_id;
	uint64_t completion_ring;
	uint16_t ring_size;
	uint16_t completion_ring_size;
	uint8_t padding[4];
} PACKED;

struct cmd_create_rx {
	uint32_t queue_id;
	uint32_t index;
	uint32_t reserved;
	uint32_t ntfy_id;
	uint64_t resources;
	uint64_t completion_ring;
	uint64_t buffer_ring;
	uint32_t page_list;
	uint16_t completion_ring_size;
	uint16_t packet_buffer;
	uint16_t buffer_ring_size;
	uint8_t enable_rsc;
	uint8_t padding1;
	uint16_t header_buffer;
	uint8_t padding2[2];
} PACKED;

#define NO_PAGE_LIST 0xffffffffu /* format DQO-RDA */

struct queue_resources {
	uint32_t db_index;
	uint32_t counter_index;
} PACKED;

#define PTYPES 1024u

enum l3 { L3_UNKNOWN, L3_OTHER, L3_IPV4, L3_IPV6 };
enum l4 { L4_UNKNOWN, L4_OTHER, L4_TCP, L4_UDP, L4_ICMP, L4_SCTP };

struct cmd_at {
	uint64_t length;
	uint64_t address;
} PACKED;

struct cmd_report_stats {
	uint64_t length;
	uint64_t address;
	uint64_t interval;
} PACKED;

struct stat {
	uint32_t name;
	uint32_t queue_id;
	uint64_t value;
} PACKED;

#define RX_STATS_OF_DEVICE 4u /* for each RX queue, at the end of the report */

enum stat_name {
	STAT_RX_QUEUE_DROPS = 65,
	STAT_RX_NO_BUFFERS = 66,
	STAT_RX_OVER_MRU = 67,
	STAT_RX_BAD_CHECKSUM = 68,
};

struct cmd_extended {
	uint32_t opcode;
	uint32_t length;
	uint64_t address;
} PACKED;

enum rule_op { RULE_ADD, RULE_DELETE, RULE_RESET };
enum rule_query { QUERY_RULES, QUERY_IDS, QUERY_STATS };
enum flow_type { FLOW_TCPV4, FLOW_UDPV4, FLOW_TCPV6 = 5, FLOW_UDPV6, FLOW_TYPES = 10 };

struct flow_spec {
	uint8_t src_ip[16];
	uint8_t dst_ip[16];
	uint16_t src_port;
	uint16_t dst_port;
	uint8_t tos;
	uint8_t padding[3];
} PACKED;

struct flow_rule {
	uint16_t type;
	uint16_t queue;
	struct flow_spec key;
	struct flow_spec mask;
} PACKED;

struct cmd_configure_rule {
	uint16_t op;
	uint8_t padding[2];
	struct flow_rule rule;
	uint32_t location;
} PACKED;

_Static_assert(sizeof(struct cmd_configure_rule) == 92, "as the driver has it");

struct cmd_query_rules {
	uint16_t op;
	uint8_t padding[2];
	uint32_t first;
	uint64_t available;
	uint64_t address;
} PACKED;

struct queried_rules {
	uint32_t num_rules;
	uint32_t max_rules;
	uint32_t num_queried;
	uint32_t total_length;
} PACKED;

struct queried_rule {
	uint32_t location;
	struct flow_rule rule;
} PACKED;

#define RSS_KEY_BYTES 40u
#define RSS_TABLE     128u
#define RSS_TOEPLITZ  1u

struct cmd_configure_rss {
	uint16_t hash_types;
	uint8_t algorithm;
	uint8_t reserved;
	uint16_t key_size;
	uint16_t lut_size;
	uint64_t key_address;
	uint64_t lut_address;
} PACKED;

struct queried_rss {
	uint32_t total_length;
	uint16_t hash_types;
	uint8_t algorithm;
	uint8_t reserved;
} PACKED;

/* ------------------------------------------------------------- BAR 2: doorbells, of 4 bytes */

#define IRQ_ENABLE    (1u << 0)
#define IRQ_CLEAR_PBA (1u << 1)

/* ------------------------------------------------------------------------- descriptors, DQO */

#define TX_DTYPE_PACKET	 0x0c
#define TX_DTYPE_TSO	 0x05
#define TX_DTYPE_GENERAL 0x04

struct tx_packet {
	uint64_t address;
	uint8_t dtype : 5;
	uint8_t end_of_packet : 1;
	uint8_t checksum : 1;
	uint8_t report_event : 1;
	uint8_t reserved0;
	uint16_t reserved1;
	uint16_t tag;
	uint16_t bytes : 14;
	uint16_t reserved2 : 2;
} PACKED;

struct tx_tso {
	uint32_t total : 24;
	uint32_t flex10 : 8;
	uint16_t mss : 14;
	uint16_t reserved : 2;
	uint8_t header;
	uint8_t flex11;
	uint8_t dtype : 5;
	uint8_t tso : 1;
	uint8_t reserved1 : 2;
	uint8_t reserved2;
	uint8_t flex[6];
} PACKED;

union tx_desc {
	struct tx_packet packet;
	struct tx_tso tso;
	uint8_t bytes[16];
};

_Static_assert(sizeof(union tx_desc) == 16, "as the driver has it");

#define TX_MAX_DATA	10    /* data descriptors for a packet, or for a segment of TSO */
#define TX_MAX_BYTES	9728u /* of a packet without TSO */
#define TX_MIN_BYTES	17u
#define TX_MIN_MSS	88u
#define TX_MAX_MSS	9728u
#define TX_MAX_TSO	262143u
#define TX_MAX_HEADER	255u
#define TX_EVENT_GAP	32u /* least distance of descriptors that report an event */
#define TX_MIN_RING	256u
#define TX_FREE		4u /* "Min gap between tail and head to avoid cacheline overlap" */
#define TX_MISS_BIT	(1u << 15)
#define COMPLETION_PKT	0x2
#define COMPLETION_DESC 0x4

struct tx_completion {
	uint16_t id : 11;
	uint16_t type : 3;
	uint16_t reserved0 : 1;
	uint16_t generation : 1;
	uint16_t tag; /* or, of a COMPLETION_DESC, the index behind the last one read */
	uint32_t reserved1;
} PACKED;

struct rx_buffer {
	uint16_t id;
	uint16_t reserved0;
	uint32_t reserved1;
	uint64_t address;
	uint64_t header_address;
	uint64_t reserved2;
} PACKED;

struct rx_completion {
	uint8_t rxdid : 4; /* 1 */
	uint8_t reserved0 : 4;
	uint8_t loopback : 1;
	uint8_t ipv6_ex_add : 1;
	uint8_t rx_error : 1;
	uint8_t reserved1 : 5;
	uint16_t packet_type : 10;
	uint16_t ip_hdr_err : 1;
	uint16_t udp_len_err : 1;
	uint16_t raw_cs_invalid : 1;
	uint16_t reserved2 : 3;
	uint16_t packet_len : 14;
	uint16_t generation : 1;
	uint16_t buffer_queue_id : 1;
	uint16_t header_len : 10;
	uint16_t rsc : 1;
	uint16_t split_header : 1;
	uint16_t reserved3 : 4;
	uint8_t descriptor_done : 1;
	uint8_t end_of_packet : 1;
	uint8_t header_buffer_overflow : 1;
	uint8_t l3_l4_processed : 1;
	uint8_t csum_ip_err : 1;
	uint8_t csum_l4_err : 1;
	uint8_t csum_external_ip_err : 1;
	uint8_t csum_external_udp_err : 1;
	uint8_t status_error1;
	uint8_t reserved5;
	uint8_t ts_sub_nsecs_low;
	uint16_t buffer_id;
	uint16_t rsc_seg_len;
	uint32_t hash;
	uint32_t reserved6;
	uint32_t reserved7;
	uint32_t ts;
} PACKED;

_Static_assert(sizeof(struct rx_buffer) == 32 && sizeof(struct rx_completion) == 32, "as the "
										     "driver has "
										     "it");

#define RX_DOORBELL_STEP 8u  /* buffers are handed over in multiples of this */
#define RX_MAX_BUFFERS	 19u /* "a single maximum-sized RSC packet can consume up to" so many */

#endif
