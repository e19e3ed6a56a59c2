// SPDX-License-Identifier: MIT
/* Commands that tell the driver what the device is. */
#include <endian.h>
#include <string.h>

#include "admin.h"
#include "device.h"

uint32_t cmd_verify_driver(struct device *d, const void *payload)
{
	unsigned char info[DRIVER_INFO_BYTES];
	struct cmd_verify_driver cmd;
	uint64_t can;

	memcpy(&cmd, payload, sizeof(cmd));
	if (be64toh(cmd.length) < sizeof(info) ||
	    !dma_read(&d->dma, be64toh(cmd.address), info, sizeof(info))) {
		complain(d, "VERIFY_DRIVER_COMPATIBILITY: no driver info");
		return ST_INVALID_ARGUMENT;
	}
	memcpy(&can, info + DRIVER_INFO_FLAGS, sizeof(can));
	if (info[DRIVER_INFO_OS] != 1 || !(be64toh(can) & DRIVER_CAN_DQO_RDA))
		return ST_UNIMPLEMENTED;
	d->admin.verified = true;
	return ST_PASSED;
}

/* What DESCRIBE_DEVICE answers, as it is put together. */
struct description {
	unsigned char bytes[512];
	uint32_t length, options;
};

static void add_option(struct description *x, enum option_id id, const void *option,
		       uint32_t length)
{
	const struct option head = { .id = htobe16(id), .length = htobe16((uint16_t)length) };

	memcpy(x->bytes + x->length, &head, sizeof(head));
	memcpy(x->bytes + x->length + sizeof(head), option, length);
	x->length += sizeof(head) + length;
	x->options++;
}

/* A feature is on if both the option of the format names it and it has an option of its own. */
static uint32_t features(const struct params *p)
{
	return FEATURE_MODIFY_RING | FEATURE_JUMBO_FRAMES | FEATURE_BUFFER_SIZES |
	       (p->rules ? FEATURE_FLOW_STEERING : 0) | (p->device_rss ? FEATURE_RSS_CONFIG : 0);
}

static void add_format(const struct params *p, struct description *x)
{
	const struct option_dqo_rda rda = { .features = htobe32(features(p)) };
	const struct option_dqo_qpl qpl = {
		.features = htobe32(features(p)),
		.tx_pages_per_qpl = htobe16(512),
		.rx_pages_per_qpl = htobe16(2048),
	};

	if (p->format == FORMAT_DQO_RDA)
		add_option(x, OPT_DQO_RDA, &rda, sizeof(rda));
	else
		add_option(x, OPT_DQO_QPL, &qpl, sizeof(qpl));
}

static void add_features(const struct params *p, struct description *x)
{
	const struct option_modify_ring ring = {
		.features = htobe32(FEATURE_MODIFY_RING),
		.max_rx = htobe16((uint16_t)p->max_ring),
		.max_tx = htobe16((uint16_t)p->max_ring),
		.min_rx = htobe16((uint16_t)p->min_rx_ring),
		.min_tx = htobe16(TX_MIN_RING),
	};
	const struct option_jumbo_frames jumbo = {
		.features = htobe32(FEATURE_JUMBO_FRAMES),
		.max_mtu = htobe16((uint16_t)p->mtu),
	};
	const struct option_buffer_sizes buffers = {
		.features = htobe32(FEATURE_BUFFER_SIZES),
		.packet_buffer = htobe16((uint16_t)p->buffer),
		.header_buffer = htobe16((uint16_t)p->header_buffer),
	};
	const struct option_flow_steering steering = {
		.features = htobe32(FEATURE_FLOW_STEERING),
		.max_rules = htobe32(p->rules),
	};
	const struct option_rss_config rss = {
		.features = htobe32(FEATURE_RSS_CONFIG),
		.key_size = htobe16(RSS_KEY_BYTES),
		.lut_size = htobe16(RSS_TABLE),
	};

	add_option(x, OPT_MODIFY_RING, &ring, sizeof(ring));
	add_option(x, OPT_JUMBO_FRAMES, &jumbo, sizeof(jumbo));
	add_option(x, OPT_BUFFER_SIZES, &buffers, sizeof(buffers));
	if (p->rules)
		add_option(x, OPT_FLOW_STEERING, &steering, sizeof(steering));
	if (p->device_rss)
		add_option(x, OPT_RSS_CONFIG, &rss, sizeof(rss));
}

uint32_t cmd_describe(struct device *d, const void *payload)
{
	const struct params *const p = &d->params;
	struct description x = { .length = sizeof(struct descriptor) };
	struct descriptor head = {
		.max_registered_pages = htobe64(1u << 20),
		.tx_queue_entries = htobe16((uint16_t)p->ring),
		.rx_queue_entries = htobe16((uint16_t)p->ring),
		.default_num_queues = htobe16((uint16_t)p->queues),
		.mtu = htobe16(1460), /* without the option of jumbo frames */
		.counters = htobe16(2 * MAX_QUEUES),
		.tx_pages_per_qpl = htobe16(512),
	};
	struct cmd_describe cmd;

	memcpy(&cmd, payload, sizeof(cmd));
	if (be32toh(cmd.version) != 1)
		return ST_UNIMPLEMENTED;
	add_format(p, &x);
	add_features(p, &x);
	memcpy(head.mac, d->mac, sizeof(head.mac));
	head.num_options = htobe16((uint16_t)x.options);
	head.total_length = htobe16((uint16_t)x.length);
	memcpy(x.bytes, &head, sizeof(head));
	if (be32toh(cmd.available) < x.length ||
	    !dma_write(&d->dma, be64toh(cmd.address), x.bytes, x.length)) {
		complain(d, "DESCRIBE_DEVICE: no room");
		return ST_INVALID_ARGUMENT;
	}
	return ST_PASSED;
}

uint32_t cmd_ptype_map(struct device *d, const void *payload)
{
	uint8_t map[2 * PTYPES];
	struct cmd_at cmd;

	memcpy(&cmd, payload, sizeof(cmd));
	packet_type_map(map);
	if (be64toh(cmd.length) != sizeof(map) ||
	    !dma_write(&d->dma, be64toh(cmd.address), map, sizeof(map))) {
		complain(d, "GET_PTYPE_MAP: no room");
		return ST_INVALID_ARGUMENT;
	}
	return ST_PASSED;
}

uint32_t cmd_link_speed(struct device *d, const void *payload)
{
	const uint64_t speed = htobe64(d->params.speed * 1000ull); /* in Mbit/s */
	uint64_t at;

	memcpy(&at, payload, sizeof(at));
	return dma_write(&d->dma, be64toh(at), &speed, sizeof(speed)) ? ST_PASSED
								      : ST_INVALID_ARGUMENT;
}
