// SPDX-License-Identifier: MIT
/* Steer flows to the claimed queues without flow rules: a few entries of the RSS table lead there,
 * and the peer uses a source port that hashes to one of them. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "nic/toeplitz.h"
#include "nic/nic_impl.h"
#include "netlink/rss.h"
#include "base/uapi.h"

#define FIRST_PORT 49152u /* the dynamic ports [RFC 6335] */
#define LAST_PORT  65535u

/* Are both addresses and the local port given? */
static bool is_complete(const struct devmem__rule *flow)
{
	const struct ethtool_tcpip4_spec *v4 = &flow->fs.m_u.tcp_ip4_spec;
	const struct ethtool_tcpip6_spec *v6 = &flow->fs.m_u.tcp_ip6_spec;

	if (flow->fs.flow_type == TCP_V4_FLOW)
		return v4->ip4src && v4->ip4dst && v4->pdst;
	return v6->ip6src[0] && v6->ip6dst[0] && v6->pdst;
}

static uint16_t first_port(const struct devmem__rule *flow)
{
	const bool v4 = flow->fs.flow_type == TCP_V4_FLOW;
	const uint16_t port =
		ntohs(v4 ? flow->fs.h_u.tcp_ip4_spec.psrc : flow->fs.h_u.tcp_ip6_spec.psrc);

	return port ? port : FIRST_PORT;
}

static int flow_of(const struct devmem_nic *nic, const struct sockaddr *local,
		   const struct sockaddr *peer, struct devmem__rule *flow)
{
	int err = local && peer ? devmem__rule_flow(flow, local, peer) : -EINVAL;

	if (err == -EAFNOSUPPORT)
		return devmem__fail(EAFNOSUPPORT, "%s: only IPv4 and IPv6 flows have a source port",
				    nic->et.name);
	if (!err && is_complete(flow))
		return 0;
	return devmem__fail(EINVAL,
			    "%s: a source port needs both addresses, of one family, and the local "
			    "port",
			    nic->et.name);
}

/* Read the hash configuration. We can compute only Toeplitz over unmodified addresses and ports. */
static int read_hash(struct devmem_nic *nic, const struct devmem__rule *flow,
		     struct devmem__toeplitz_config *hash)
{
	const char *name = nic->et.name;
	int err = devmem__ethtool_hash(&nic->et, flow->fs.flow_type, hash);

	if (err)
		return devmem__fail(-err,
				    "%s: cannot read how it hashes flows (\"ethtool -x %s\", "
				    "\"ethtool -n %s rx-flow-hash tcp4\"): %s",
				    name, name, name, strerror(-err));
	if (!hash->toeplitz)
		return devmem__fail(EOPNOTSUPP,
				    "%s (driver %s) does not hash flows by Toeplitz: \"ethtool -X "
				    "%s hfunc toeplitz\"",
				    name, nic->driver, name);
	if (hash->key_bytes < DEVMEM__TOEPLITZ_KEY)
		return devmem__fail(EOPNOTSUPP,
				    "%s (driver %s) does not report the key that it hashes flows "
				    "with: steer them by rules (devmem_steer())",
				    name, nic->driver);
	if (!hash->tells_fields)
		return devmem__fail(EOPNOTSUPP,
				    "%s (driver %s) does not report the fields by which it hashes "
				    "flows, and accepts no others: steer them by rules "
				    "(devmem_steer())",
				    name, nic->driver);
	if (!hash->four_tuple)
		return devmem__fail(EOPNOTSUPP,
				    "%s does not hash TCP flows by addresses and ports: \"ethtool "
				    "-N %s rx-flow-hash %s sdfn\"",
				    name, name,
				    flow->fs.flow_type == TCP_V4_FLOW ? "tcp4" : "tcp6");
	return 0;
}

bool devmem__nic_hash_is_known(struct devmem_nic *nic)
{
	struct devmem__toeplitz_config hash;

	return !devmem__ethtool_hash(&nic->et, TCP_V4_FLOW, &hash) &&
	       hash.key_bytes >= DEVMEM__TOEPLITZ_KEY && hash.tells_fields;
}

static bool leads_to_all(const uint32_t *table, uint32_t size, const uint32_t *queues,
			 unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!devmem__rss_uses(table, size, &queues[i], 1))
			return false;
	return true;
}

/* Set one entry for each queue, at the end of the table. @table becomes what the NIC then has. */
static int add_table_entries(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			     uint32_t *table, uint32_t size)
{
	const size_t bytes = size * sizeof(*table);
	const struct devmem__change *c;
	uint32_t *before, *after;
	int err;

	if (n * 2 > size)
		return devmem__fail(ENOSPC,
				    "%s: an RSS table of %u entries is too small for %u queues",
				    nic->et.name, size, n);
	before = malloc(bytes);
	after = malloc(bytes);
	if (!before || !after) {
		free(before);
		free(after);
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	}
	memcpy(before, table, bytes);
	for (unsigned int i = 0; i < n; i++)
		table[size - 1 - i] = queues[i];
	memcpy(after, table, bytes);
	err = devmem__nic_change_table(nic, before, after, size,
				       "lead a part of the RSS table to the queues", &c);
	if (err)
		return err;
	if (c->size != size || !leads_to_all(c->after, size, queues, n))
		return devmem__fail(EIO,
				    "%s (driver %s) did not lead its RSS table to the queues: see "
				    "\"ethtool -x %s\"",
				    nic->et.name, nic->driver, nic->et.name);
	memcpy(table, c->after, bytes);
	devmem__nic_drop_stray(nic);
	nic->stray.table_leads_here = true;
	return 0;
}

static int find_port(const struct devmem_nic *nic, const struct devmem__rule *flow,
		     const struct devmem__toeplitz_config *hash, const uint32_t *table,
		     uint32_t size, const uint32_t *queues, unsigned int n, uint16_t first)
{
	for (uint32_t p = first; p <= LAST_PORT; p++) {
		uint32_t entry = devmem__toeplitz_flow(flow, (uint16_t)p, hash->key) % size;

		if (devmem__rss_uses(&table[entry], 1, queues, n))
			return (int)p;
	}
	return devmem__fail(ENOENT,
			    "%s: no source port from %u on leads to the queues: begin with a lower "
			    "one",
			    nic->et.name, first);
}

static int source_port(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
		       const struct sockaddr *local, const struct sockaddr *peer)
{
	const unsigned int savepoint = devmem__nic_savepoint(nic);
	struct devmem__toeplitz_config hash;
	struct devmem__rule flow = { 0 };
	uint32_t *table = NULL, size;
	int err = flow_of(nic, local, peer, &flow);

	if (!err)
		err = devmem__nic_check_present(nic);
	if (!err)
		err = read_hash(nic, &flow, &hash);
	if (err)
		return err;
	err = devmem__ethtool_table(&nic->et, 0, &table, &size);
	if (err)
		return devmem__fail(-err, "%s: cannot read the RSS table (\"ethtool -x %s\"): %s",
				    nic->et.name, nic->et.name, strerror(-err));
	devmem__nic_add_guard(nic, &flow);
	if (!leads_to_all(table, size, queues, n))
		err = add_table_entries(nic, queues, n, table, size);
	if (!err)
		err = find_port(nic, &flow, &hash, table, size, queues, n, first_port(&flow));
	free(table);
	return err < 0 ? devmem__nic_rollback_failed(nic, savepoint, err) : err;
}

int devmem__nic_source_port(struct devmem_nic *nic, const uint32_t *queues, unsigned int n,
			    const struct sockaddr *local, const struct sockaddr *peer)
{
	int err = devmem__nic_may_change(nic);

	if (!err && nic->quirks->leased)
		return devmem__fail(EOPNOTSUPP,
				    "%s leases its queues from a NIC, and only that NIC shows how "
				    "it hashes flows: add rules there",
				    nic->et.name);
	if (!err)
		err = devmem__nic_begin(nic);
	if (err)
		return err;
	err = source_port(nic, queues, n, local, peer);
	devmem__nic_end(nic);
	return err;
}
