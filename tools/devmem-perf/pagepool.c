// SPDX-License-Identifier: MIT
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>

#include "pagepool.h"

/* Constants of netlink family "netdev", which the headers of older distributions lack.
 * [include/uapi/linux/netdev.h] */
enum {
	CMD_PAGE_POOL_GET = 5,
};

enum {
	POOL_IFINDEX = 2,
	/* pages; these are of type "uint": four or eight bytes, depending on the value */
	POOL_INFLIGHT = 4,
	POOL_INFLIGHT_MEM = 5, /* bytes */
	POOL_DMABUF = 7,       /* the binding's number */
	POOL_IO_URING = 8,     /* a nest, present if zcrx has the pool */
	POOL_MAX = POOL_IO_URING,
};

struct search {
	uint32_t ifindex, binding;
	struct pagepool_state *state;
};

void pagepool_open(struct pagepool *p, uint32_t ifindex)
{
	*p = (struct pagepool){ .ifindex = ifindex, .sock = nl_socket_alloc() };
	if (!p->sock)
		return;
	p->family = genl_connect(p->sock) ? -1 : genl_ctrl_resolve(p->sock, "netdev");
	if (p->family < 0)
		pagepool_close(p);
}

void pagepool_close(struct pagepool *p)
{
	nl_socket_free(p->sock);
	p->sock = NULL;
}

static uint64_t number_of(struct nlattr *a)
{
	if (!a)
		return 0;
	return nla_len(a) >= (int)sizeof(uint64_t) ? nla_get_u64(a) : nla_get_u32(a);
}

/* The kernel dumps the pools of all interfaces: skip those of others. */
static int got_pool(struct nl_msg *msg, void *arg)
{
	const struct search *s = arg;
	struct nlattr *a[POOL_MAX + 1];

	if (genlmsg_parse(nlmsg_hdr(msg), 0, a, POOL_MAX, NULL) ||
	    number_of(a[POOL_IFINDEX]) != s->ifindex)
		return NL_OK;
	if (s->binding ? number_of(a[POOL_DMABUF]) != s->binding : !a[POOL_IO_URING])
		return NL_OK;
	s->state->pools++;
	s->state->pages += number_of(a[POOL_INFLIGHT]);
	s->state->bytes += number_of(a[POOL_INFLIGHT_MEM]);
	return NL_OK;
}

void pagepool_add(struct pagepool *p, uint32_t binding, struct pagepool_state *state)
{
	struct search s = { .ifindex = p->ifindex, .binding = binding, .state = state };
	struct nl_msg *msg = p->sock ? nlmsg_alloc() : NULL;

	if (!msg)
		return;
	nl_socket_modify_cb(p->sock, NL_CB_VALID, NL_CB_CUSTOM, got_pool, &s);
	if (genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, p->family, 0, NLM_F_DUMP, CMD_PAGE_POOL_GET,
			1) &&
	    nl_send_auto(p->sock, msg) >= 0)
		nl_recvmsgs_default(p->sock);
	nlmsg_free(msg);
}
