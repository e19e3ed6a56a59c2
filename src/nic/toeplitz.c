// SPDX-License-Identifier: MIT
#include <string.h>

#include "nic/toeplitz.h"

/* Each set bit XORs the 32 key bits that start at its position into the hash. */
uint32_t devmem__toeplitz_toeplitz(const uint8_t *key, const uint8_t *in, size_t n)
{
	uint32_t hash = 0, window = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 |
				    (uint32_t)key[2] << 8 | key[3];

	for (size_t i = 0; i < n; i++)
		for (int bit = 7; bit >= 0; bit--) {
			if (in[i] >> bit & 1)
				hash ^= window;
			window = window << 1 | (key[i + 4] >> bit & 1);
		}
	return hash;
}

/* The hash input, in network byte order: source, destination, source port, destination port. */
uint32_t devmem__toeplitz_flow(const struct devmem__rule *flow, uint16_t source_port,
			       const uint8_t key[DEVMEM__TOEPLITZ_KEY])
{
	const struct ethtool_tcpip4_spec *v4 = &flow->fs.h_u.tcp_ip4_spec;
	const struct ethtool_tcpip6_spec *v6 = &flow->fs.h_u.tcp_ip6_spec;
	const bool is_v4 = (flow->fs.flow_type & ~DEVMEM_FLOW_RSS) == TCP_V4_FLOW;
	const uint8_t port[2] = { (uint8_t)(source_port >> 8), (uint8_t)source_port };
	const size_t bytes = is_v4 ? 4 : 16;
	uint8_t in[36];

	memcpy(in, is_v4 ? (const void *)&v4->ip4src : v6->ip6src, bytes);
	memcpy(in + bytes, is_v4 ? (const void *)&v4->ip4dst : v6->ip6dst, bytes);
	memcpy(in + 2 * bytes, port, 2);
	memcpy(in + 2 * bytes + 2, is_v4 ? &v4->pdst : &v6->pdst, 2);
	return devmem__toeplitz_toeplitz(key, in, 2 * bytes + 4);
}
