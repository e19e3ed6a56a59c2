// SPDX-License-Identifier: MIT
/* The rtnetlink requests of traffic control. [include/uapi/linux/rtnetlink.h, pkt_sched.h,
 * pkt_cls.h] */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/genl.h"
#include "netlink/rtnl.h"
#include "netlink/tc.h"
#include "netlink/tc_program.h"

#define READ_BYTES    32768
#define REQUEST_BYTES 4096
#define ATTRS	      16

#ifndef TC_H_CLSACT
#define TC_H_CLSACT TC_H_INGRESS
#endif
#define AT_INGRESS TC_H_MAKE(TC_H_CLSACT, 0xFFF2u)
#define AT_EGRESS  TC_H_MAKE(TC_H_CLSACT, 0xFFF3u)

/* Attributes that older headers lack. */
enum { BPF_ACTIONS = 1, BPF_OPS_LENGTH = 4, BPF_OPS = 5, BPF_FLAGS_GEN = 9 };
enum { ACT_KIND = 1, ACT_OPTIONS = 2, ACT_STATS = 4, ACT_COOKIE = 6 };
enum { SAMPLE_PARMS = 2, SAMPLE_RATE = 3, SAMPLE_TRUNC_SIZE = 4, SAMPLE_PSAMPLE_GROUP = 5 };
enum { GACT_PARMS = 2 };
enum { STATS_QUEUE = 3 };
#define SKIP_HW 1u /* do not offload: the NIC's own tables are not ours to fill */

/* Sample no further than the TCP header: behind it the bytes may not be readable. */
#define SAMPLE4_BYTES (14u + 20 + 20)
#define SAMPLE6_BYTES (14u + 40 + 20)

/* Our guards are recognized by this cookie of their action. */
struct cookie {
	char ours[8];
	uint64_t id;
};
#define OURS "libdevmm"

int devmem__tc_open(struct devmem__tc *tc)
{
	const int one = 1;
	int err;

	memset(tc, 0, sizeof(*tc));
	tc->fd = devmem__rtnl_open();
	if (tc->fd < 0)
		return tc->fd;
	if (!setsockopt(tc->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) &&
	    !setsockopt(tc->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)))
		return 0;
	err = -errno;
	devmem__tc_close(tc);
	return err;
}

void devmem__tc_close(struct devmem__tc *tc)
{
	if (tc->fd >= 0)
		close(tc->fd);
	tc->fd = -1;
}

/* --------------------------------------------------------------------------------------- asking */

struct answer {
	void (*fn)(const struct nlmsghdr *h, void *arg); /* may be NULL */
	void *arg;
	int err;
	bool done;
};

static void verdict(struct devmem__tc *tc, const struct nlmsghdr *h, const struct nlmsghdr *sent,
		    struct answer *a)
{
	a->done = true;
	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(a->err))
		memcpy(&a->err, (const char *)h + NLMSG_HDRLEN, sizeof(a->err));
	if (a->err)
		devmem__nl_reason(h, sent, tc->why, sizeof(tc->why));
}

static int read_some(struct devmem__tc *tc, char *buf, const struct nlmsghdr *sent,
		     struct answer *a)
{
	struct nlmsghdr *h = (struct nlmsghdr *)buf;
	ssize_t n;
	int left;

	do
		n = recv(tc->fd, buf, READ_BYTES, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	for (left = (int)n; !a->done && nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != tc->seq)
			continue;
		if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE)
			verdict(tc, h, sent, a);
		else if (a->fn)
			a->fn(h, a->arg);
	}
	return 0;
}

/* Sends @m, which it frees, and reads all of the answer. */
static int ask(struct devmem__tc *tc, struct nl_msg *m, struct answer *a)
{
	struct nlmsghdr *h = nlmsg_hdr(m);
	char *buf = malloc(READ_BYTES);
	int err = buf ? 0 : -ENOMEM;

	tc->why[0] = '\0';
	h->nlmsg_seq = ++tc->seq;
	while (!err && send(tc->fd, h, h->nlmsg_len, 0) < 0)
		if (errno != EINTR)
			err = -errno;
	while (!err && !a->done)
		err = read_some(tc, buf, h, a);
	free(buf);
	nlmsg_free(m);
	return err ? err : a->err;
}

static struct nl_msg *request(int type, int flags, const struct tcmsg *what)
{
	struct nl_msg *m = nlmsg_alloc_size(REQUEST_BYTES);

	if (m && nlmsg_put(m, 0, 0, type, sizeof(*what), NLM_F_REQUEST | flags))
		memcpy(nlmsg_data(nlmsg_hdr(m)), what, sizeof(*what));
	return m;
}

static int call(struct devmem__tc *tc, struct nl_msg *m)
{
	return m ? ask(tc, m, &(struct answer){ 0 }) : -ENOMEM;
}

static int dump(struct devmem__tc *tc, int type, const struct tcmsg *what,
		void (*fn)(const struct nlmsghdr *h, void *arg), void *arg)
{
	struct nl_msg *m;

	if (tc->fd < 0)
		return -EOPNOTSUPP;
	m = request(type, NLM_F_DUMP, what);
	return m ? ask(tc, m, &(struct answer){ .fn = fn, .arg = arg }) : -ENOMEM;
}

/* ------------------------------------------------------------------------------------ the qdisc */

struct look {
	uint32_t ifindex;
	int found;
};

static void look_at_qdisc(const struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *t = nlmsg_data(h);
	struct look *look = arg;

	if (h->nlmsg_type == RTM_NEWQDISC && nlmsg_datalen(h) >= (int)sizeof(*t))
		look->found +=
			(uint32_t)t->tcm_ifindex == look->ifindex && t->tcm_parent == TC_H_CLSACT;
}

int devmem__tc_has_qdisc(struct devmem__tc *tc, uint32_t ifindex)
{
	const struct tcmsg what = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex };
	struct look look = { .ifindex = ifindex };
	int err = dump(tc, RTM_GETQDISC, &what, look_at_qdisc, &look);

	return err ? err : look.found > 0;
}

static int change_qdisc(struct devmem__tc *tc, uint32_t ifindex, int type, int flags)
{
	const struct tcmsg what = { .tcm_ifindex = (int)ifindex,
				    .tcm_parent = TC_H_CLSACT,
				    .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0) };
	struct nl_msg *m = request(type, NLM_F_ACK | flags, &what);

	if (m)
		nla_put(m, TCA_KIND, sizeof("clsact"), "clsact");
	return call(tc, m);
}

int devmem__tc_add_qdisc(struct devmem__tc *tc, uint32_t ifindex)
{
	return change_qdisc(tc, ifindex, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
}

int devmem__tc_delete_qdisc(struct devmem__tc *tc, uint32_t ifindex)
{
	return change_qdisc(tc, ifindex, RTM_DELQDISC, 0);
}

static void count_filter(const struct nlmsghdr *h, void *arg)
{
	int *n = arg;

	*n += h->nlmsg_type == RTM_NEWTFILTER;
}

int devmem__tc_filters(struct devmem__tc *tc, uint32_t ifindex)
{
	struct tcmsg what = { .tcm_ifindex = (int)ifindex, .tcm_parent = AT_INGRESS };
	int n = 0, err = dump(tc, RTM_GETTFILTER, &what, count_filter, &n);

	what.tcm_parent = AT_EGRESS;
	if (!err)
		err = dump(tc, RTM_GETTFILTER, &what, count_filter, &n);
	return err ? err : n;
}

/* -------------------------------------------------------------------------------------- filters */

/* The parameters of every action begin with the fields of struct tc_gact.
 * [include/uapi/linux/pkt_cls.h: tc_gen] */
static void put_verdict(struct nl_msg *m, int attr, int action)
{
	const struct tc_gact gen = { .action = action };

	nla_put(m, attr, sizeof(gen), &gen);
}

static void put_sample(struct nl_msg *m, int order, bool v4)
{
	struct nlattr *act = nla_nest_start(m, order | NLA_F_NESTED), *options;

	nla_put(m, ACT_KIND, sizeof("sample"), "sample");
	options = nla_nest_start(m, ACT_OPTIONS | NLA_F_NESTED);
	put_verdict(m, SAMPLE_PARMS, TC_ACT_PIPE);
	nla_put_u32(m, SAMPLE_RATE, 1);
	nla_put_u32(m, SAMPLE_TRUNC_SIZE, v4 ? SAMPLE4_BYTES : SAMPLE6_BYTES);
	nla_put_u32(m, SAMPLE_PSAMPLE_GROUP, DEVMEM__TC_SAMPLES);
	nla_nest_end(m, options);
	nla_nest_end(m, act);
}

static void put_drop(struct nl_msg *m, int order, uint64_t id)
{
	struct nlattr *act = nla_nest_start(m, order | NLA_F_NESTED), *options;
	struct cookie cookie = { .id = id };

	memcpy(cookie.ours, OURS, sizeof(cookie.ours));
	nla_put(m, ACT_KIND, sizeof("gact"), "gact");
	nla_put(m, ACT_COOKIE, sizeof(cookie), &cookie);
	options = nla_nest_start(m, ACT_OPTIONS | NLA_F_NESTED);
	put_verdict(m, GACT_PARMS, TC_ACT_SHOT);
	nla_nest_end(m, options);
	nla_nest_end(m, act);
}

static bool is_v4(const struct devmem__rule *flow)
{
	return (flow->fs.flow_type & 0xff) == TCP_V4_FLOW;
}

/* Priority 0: the kernel chooses one that puts the filter before all existing ones. */
static int add(struct devmem__tc *tc, uint32_t ifindex, const struct devmem__rule *flow,
	       uint64_t id, bool samples)
{
	const struct tcmsg what = { .tcm_ifindex = (int)ifindex,
				    .tcm_parent = AT_INGRESS,
				    .tcm_info =
					    TC_H_MAKE(0, htons(is_v4(flow) ? 0x0800 : 0x86dd)) };
	struct nl_msg *m = request(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &what);
	struct sock_filter program[DEVMEM__TC_MAX_STEPS];
	unsigned int n = devmem__tc_program(flow, program);
	struct nlattr *options, *actions;
	int order = 1;

	if (!m)
		return -ENOMEM;
	nla_put(m, TCA_KIND, sizeof("bpf"), "bpf");
	options = nla_nest_start(m, TCA_OPTIONS | NLA_F_NESTED);
	nla_put_u16(m, BPF_OPS_LENGTH, (uint16_t)n);
	nla_put(m, BPF_OPS, (int)(n * sizeof(*program)), program);
	nla_put_u32(m, BPF_FLAGS_GEN, SKIP_HW);
	actions = nla_nest_start(m, BPF_ACTIONS | NLA_F_NESTED);
	if (samples)
		put_sample(m, order++, is_v4(flow));
	put_drop(m, order, id);
	nla_nest_end(m, actions);
	nla_nest_end(m, options);
	return call(tc, m);
}

int devmem__tc_guard(struct devmem__tc *tc, uint32_t ifindex, const struct devmem__rule *flow,
		     uint64_t id)
{
	int err = tc->fd < 0 ? -EOPNOTSUPP : add(tc, ifindex, flow, id, true);

	return err == -ENOENT || err == -EOPNOTSUPP ? add(tc, ifindex, flow, id, false) : err;
}

/* --------------------------------------------------------------------------------- finding them */

/* A search for our guard @id, which also counts all of our guards. Id 0 only counts. */
struct search {
	uint64_t id;
	struct tcmsg at;
	bool found;
	struct devmem__tc_guards guards;
};

static uint32_t drops(struct nlattr *stats)
{
	struct nlattr *of[ATTRS + 1];
	uint32_t queue[5]; /* struct gnet_stats_queue: the third is drops */

	if (!stats || nla_parse_nested(of, ATTRS, stats, NULL) < 0 || !of[STATS_QUEUE] ||
	    nla_len(of[STATS_QUEUE]) < (int)sizeof(queue))
		return 0;
	memcpy(queue, nla_data(of[STATS_QUEUE]), sizeof(queue));
	return queue[2];
}

static void look_at_action(struct nlattr *act, const struct tcmsg *at, struct search *s)
{
	struct nlattr *of[ATTRS + 1];
	struct cookie cookie;

	if (nla_parse_nested(of, ATTRS, act, NULL) < 0 || !of[ACT_COOKIE] ||
	    nla_len(of[ACT_COOKIE]) != sizeof(cookie))
		return;
	memcpy(&cookie, nla_data(of[ACT_COOKIE]), sizeof(cookie));
	if (memcmp(cookie.ours, OURS, sizeof(cookie.ours)))
		return;
	s->guards.count++;
	s->guards.dropped += drops(of[ACT_STATS]);
	if (cookie.id != s->id)
		return;
	s->found = true;
	s->at = *at;
}

static void look_at_filter(const struct nlmsghdr *h, void *arg)
{
	struct nlattr *of[ATTRS + 1], *options[ATTRS + 1], *act;
	const struct tcmsg *t = nlmsg_data(h);
	int left;

	if (h->nlmsg_type != RTM_NEWTFILTER ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof(*t), of, ATTRS, NULL) < 0 || !of[TCA_KIND] ||
	    !of[TCA_OPTIONS] || nla_len(of[TCA_KIND]) != sizeof("bpf") ||
	    memcmp(nla_data(of[TCA_KIND]), "bpf", sizeof("bpf")) ||
	    nla_parse_nested(options, ATTRS, of[TCA_OPTIONS], NULL) < 0 || !options[BPF_ACTIONS])
		return;
	nla_for_each_nested (act, options[BPF_ACTIONS], left)
		look_at_action(act, t, arg);
}

static int search(struct devmem__tc *tc, uint32_t ifindex, struct search *s)
{
	const struct tcmsg what = { .tcm_ifindex = (int)ifindex, .tcm_parent = AT_INGRESS };

	return dump(tc, RTM_GETTFILTER, &what, look_at_filter, s);
}

int devmem__tc_has_guard(struct devmem__tc *tc, uint32_t ifindex, uint64_t id)
{
	struct search s = { .id = id };
	int err = search(tc, ifindex, &s);

	return err ? err : s.found;
}

int devmem__tc_unguard(struct devmem__tc *tc, uint32_t ifindex, uint64_t id)
{
	struct search s = { .id = id };
	int err = search(tc, ifindex, &s);
	struct nl_msg *m;

	if (err || !s.found)
		return err ? err : -ENOENT;
	m = request(RTM_DELTFILTER, NLM_F_ACK, &s.at);
	if (m)
		nla_put(m, TCA_KIND, sizeof("bpf"), "bpf");
	return call(tc, m);
}

int devmem__tc_guards(struct devmem__tc *tc, uint32_t ifindex, struct devmem__tc_guards *guards)
{
	struct search s = { 0 };
	int err = search(tc, ifindex, &s);

	*guards = s.guards;
	return err;
}
