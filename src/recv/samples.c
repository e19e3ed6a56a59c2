// SPDX-License-Identifier: MIT
/* [include/uapi/linux/psample.h; net/psample/psample.c: psample_sample_packet()] */
#include <errno.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/genl.h"
#include "recv/samples.h"
#include "netlink/tc.h"

enum { SAMPLE_GROUP = 3, SAMPLE_DATA = 6 };

#define MAX_COUNT  256u /* at a time: a peer may cause more than can be read */
#define ETHERNET   14u
#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define TCP_PORTS  8u /* and the sequence number */

static void mapped(struct in6_addr *to, const unsigned char *address)
{
	static const unsigned char prefix[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(to->s6_addr, prefix, sizeof(prefix));
	memcpy(to->s6_addr + sizeof(prefix), address, 4);
}

static size_t parse4(const unsigned char *ip, size_t bytes, struct devmem__sample *s)
{
	if (bytes < IP4_HEADER || ip[9] != IPPROTO_TCP)
		return 0;
	mapped(&s->peer, ip + 12);
	mapped(&s->local, ip + 16);
	return (size_t)(ip[0] & 15u) * 4;
}

static size_t parse6(const unsigned char *ip, size_t bytes, struct devmem__sample *s)
{
	if (bytes < IP6_HEADER || ip[6] != IPPROTO_TCP)
		return 0;
	memcpy(&s->peer, ip + 8, sizeof(s->peer));
	memcpy(&s->local, ip + 24, sizeof(s->local));
	return IP6_HEADER;
}

bool devmem__sample_parse(const unsigned char *frame, size_t bytes, struct devmem__sample *s)
{
	const unsigned char *ip = frame + ETHERNET;
	uint32_t seq;
	size_t tcp;

	if (bytes < ETHERNET + 1)
		return false;
	bytes -= ETHERNET;
	tcp = ip[0] >> 4 == 4 ? parse4(ip, bytes, s) : ip[0] >> 4 == 6 ? parse6(ip, bytes, s) : 0;
	if (tcp < IP4_HEADER || bytes < tcp + TCP_PORTS)
		return false;
	memcpy(&s->peer_port, ip + tcp, sizeof(s->peer_port));
	memcpy(&s->local_port, ip + tcp + 2, sizeof(s->local_port));
	memcpy(&seq, ip + tcp + 4, sizeof(seq));
	s->seq = ntohl(seq);
	return true;
}

struct devmem__samples {
	struct devmem__nl nl;
};

int devmem__samples_open(struct devmem__samples **out)
{
	struct devmem__samples *s = calloc(1, sizeof(*s));
	int err = s ? devmem__nl_open(&s->nl, "psample") : -ENOMEM;
	uint32_t id;

	if (!err)
		err = devmem__nl_subscribe(&s->nl, "packets", &id);
	if (!err)
		*out = s;
	else
		devmem__samples_close(s);
	return err;
}

void devmem__samples_close(struct devmem__samples *s)
{
	if (!s)
		return;
	devmem__nl_close(&s->nl);
	free(s);
}

struct reading {
	void (*fn)(const struct devmem__sample *sample, void *arg);
	void *arg;
};

static void one(uint8_t cmd, struct nlattr **attrs, void *arg)
{
	struct nlattr *group = attrs[SAMPLE_GROUP], *data = attrs[SAMPLE_DATA];
	const struct reading *r = arg;
	struct devmem__sample s;

	(void)cmd;
	if (!group || !data || nla_len(group) < (int)sizeof(uint32_t) ||
	    nla_get_u32(group) != DEVMEM__TC_SAMPLES)
		return;
	if (devmem__sample_parse(nla_data(data), (size_t)nla_len(data), &s))
		r->fn(&s, r->arg);
}

void devmem__samples_read(struct devmem__samples *s,
			  void (*fn)(const struct devmem__sample *sample, void *arg), void *arg)
{
	struct reading r = { fn, arg };

	devmem__nl_notices(&s->nl, MAX_COUNT, one, &r);
}
