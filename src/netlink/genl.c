// SPDX-License-Identifier: MIT
/*
 * libnl builds and parses the messages. The socket is read here, because libnl's receive loop
 * translates the kernel's errno into its own numbers, which cannot be undone, and discards the
 * extended acknowledgement.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "netlink/genl.h"

/* The kernel makes the messages of a dump as large as the reader's buffer, up to this size.
 * [net/netlink/af_netlink.c] */
#define READ_BYTES    32768
#define REQUEST_BYTES 16384

/* Attributes of an acknowledgement. Older headers lack some. [include/uapi/linux/netlink.h] */
enum { ACK_MSG = 1, ACK_OFFSET = 2, ACK_MISSING = 5 };

#define NETNS_COOKIE 71 /* SO_NETNS_COOKIE [include/uapi/asm-generic/socket.h] */

#define ACK_CAPPED   0x100
#define ACK_HAS_TLVS 0x200

/* ------------------------------------------------------------------------------------- requests */

static void drop_request(struct devmem__nl *nl)
{
	if (nl->request)
		nlmsg_free(nl->request);
	nl->request = NULL;
	nl->error = 0;
}

static void begin(struct devmem__nl *nl, uint16_t family, uint8_t cmd)
{
	drop_request(nl);
	nl->request = nlmsg_alloc_size(REQUEST_BYTES);
	if (!nl->request ||
	    !genlmsg_put(nl->request, 0, ++nl->seq, family, 0, NLM_F_REQUEST, cmd, 1))
		nl->error = -ENOMEM;
}

void devmem__nl_begin(struct devmem__nl *nl, uint8_t cmd)
{
	begin(nl, nl->family, cmd);
}

static void put(struct devmem__nl *nl, int attr, const void *value, size_t len)
{
	if (!nl->error && nla_put(nl->request, attr, (int)len, value) < 0)
		nl->error = -EMSGSIZE;
}

void devmem__nl_put_u8(struct devmem__nl *nl, int attr, uint8_t value)
{
	put(nl, attr, &value, sizeof(value));
}

void devmem__nl_put_u32(struct devmem__nl *nl, int attr, uint32_t value)
{
	put(nl, attr, &value, sizeof(value));
}

void devmem__nl_put_string(struct devmem__nl *nl, int attr, const char *value)
{
	put(nl, attr, value, strlen(value) + 1);
}

void devmem__nl_put_flag(struct devmem__nl *nl, int attr)
{
	put(nl, attr, NULL, 0);
}

struct nlattr *devmem__nl_nest(struct devmem__nl *nl, int attr)
{
	struct nlattr *nest;

	if (nl->error)
		return NULL;
	/* the families used here require the flag, and some versions of libnl do not set it */
	nest = nla_nest_start(nl->request, attr | NLA_F_NESTED);
	if (!nest)
		nl->error = -EMSGSIZE;
	return nest;
}

void devmem__nl_nest_end(struct devmem__nl *nl, struct nlattr *nest)
{
	if (nest && !nl->error)
		nla_nest_end(nl->request, nest);
}

/* -------------------------------------------------------------------------------------- answers */

/* The type of the attribute at @offset in the request, or 0. */
static unsigned int attr_at(const struct nlmsghdr *sent, uint32_t offset)
{
	struct nlattr attr;

	if (!sent || offset < NLMSG_HDRLEN || offset + sizeof(attr) > sent->nlmsg_len)
		return 0;
	memcpy(&attr, (const char *)sent + offset, sizeof(attr));
	return attr.nla_type & NLA_TYPE_MASK;
}

static const struct nlattr *find(const char *p, size_t left, unsigned int type)
{
	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)p;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		if ((size_t)NLA_ALIGN(a->nla_len) >= left)
			return NULL;
		left -= NLA_ALIGN(a->nla_len);
		p += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

static uint32_t number(const struct nlattr *attr)
{
	uint32_t v = 0;

	if (attr && attr->nla_len >= NLA_HDRLEN + sizeof(v))
		memcpy(&v, (const char *)attr + NLA_HDRLEN, sizeof(v));
	return v;
}

/* Where the attributes of an acknowledgement start. A copy of the request, or of its header alone,
 * comes before them. */
static size_t tlv_offset(const struct nlmsghdr *ack)
{
	const struct nlmsgerr *e = (const struct nlmsgerr *)((const char *)ack + NLMSG_HDRLEN);
	size_t at = NLMSG_HDRLEN;

	if (ack->nlmsg_type == NLMSG_DONE)
		return at + NLMSG_ALIGN(sizeof(int));
	at += sizeof(*e);
	if (!(ack->nlmsg_flags & ACK_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
		at += NLMSG_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	return at;
}

void devmem__nl_reason(const struct nlmsghdr *ack, const struct nlmsghdr *sent, char *why,
		       size_t room)
{
	const struct nlattr *text, *missing, *offset;
	const char *tlvs;
	size_t at, left;
	int n = 0;

	why[0] = '\0';
	if (!(ack->nlmsg_flags & ACK_HAS_TLVS))
		return;
	if (ack->nlmsg_type == NLMSG_ERROR &&
	    ack->nlmsg_len < NLMSG_HDRLEN + sizeof(struct nlmsgerr))
		return;
	at = tlv_offset(ack);
	if (at >= ack->nlmsg_len)
		return;
	tlvs = (const char *)ack + at;
	left = ack->nlmsg_len - at;
	text = find(tlvs, left, ACK_MSG);
	missing = find(tlvs, left, ACK_MISSING);
	offset = find(tlvs, left, ACK_OFFSET);
	if (text)
		n = snprintf(why, room, "%.*s", text->nla_len - NLA_HDRLEN,
			     (const char *)text + NLA_HDRLEN);
	if (n < 0 || (size_t)n >= room)
		return;
	if (missing)
		snprintf(why + n, room - (size_t)n, "%sattribute %u is missing", n ? "; " : "",
			 number(missing));
	else if (!text && offset && attr_at(sent, number(offset)))
		snprintf(why + n, room - (size_t)n, "attribute %u is not accepted",
			 attr_at(sent, number(offset)));
}

static bool parse(const struct nlmsghdr *h, struct nlattr **attrs)
{
	if (h->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return false;
	return nlmsg_parse((struct nlmsghdr *)h, GENL_HDRLEN, attrs, DEVMEM__NL_ATTRS, NULL) >= 0;
}

bool devmem__nl_nested(struct nlattr *nest, struct nlattr **attrs)
{
	return nla_parse_nested(attrs, DEVMEM__NL_ATTRS, nest, NULL) >= 0;
}

/* The errno of an acknowledgement or of a dump's end. Keeps the kernel's text in nl->why. */
static int verdict(struct devmem__nl *nl, const struct nlmsghdr *h)
{
	int err = 0;

	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(err))
		memcpy(&err, (const char *)h + NLMSG_HDRLEN, sizeof(err));
	if (err)
		devmem__nl_reason(h, nlmsg_hdr(nl->request), nl->why, sizeof(nl->why));
	return err;
}

struct reading {
	devmem__nl_reply fn;
	void *arg;
	int result;	  /* of fn, kept until the whole answer has been read */
	bool interrupted; /* what the dump lists changed meanwhile */
	bool done;
};

static int one_message(struct devmem__nl *nl, const struct nlmsghdr *h, struct reading *r)
{
	struct nlattr *attrs[DEVMEM__NL_ATTRS + 1];

	if (h->nlmsg_seq != nl->seq)
		return 0;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		r->interrupted = true;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		r->done = true;
		return verdict(nl, h);
	}
	if (!r->fn || r->result)
		return 0;
	if (!parse(h, attrs))
		return -EBADMSG;
	r->result = r->fn(attrs, r->arg);
	return 0;
}

static bool is_kernel(const struct sockaddr_nl *from, socklen_t len)
{
	return len >= sizeof(*from) && from->nl_family == AF_NETLINK && !from->nl_pid;
}

ssize_t devmem__nl_receive(int fd, void *buf, size_t room, int flags)
{
	struct sockaddr_nl from;
	socklen_t len;
	ssize_t n;

	do {
		len = sizeof(from);
		n = recvfrom(fd, buf, room, flags | MSG_TRUNC, (struct sockaddr *)&from, &len);
	} while (n < 0 ? errno == EINTR : !is_kernel(&from, len));
	if (n < 0)
		return -errno;
	return (size_t)n > room ? -EMSGSIZE : n;
}

static ssize_t receive(int fd, void *buf, size_t room, int flags)
{
	ssize_t n = devmem__nl_receive(fd, buf, room, flags);

	return n == -EAGAIN ? -ETIMEDOUT : n;
}

static int read_answer(struct devmem__nl *nl, struct reading *r)
{
	char *buf = malloc(READ_BYTES);
	int err = buf ? 0 : -ENOMEM;

	while (!err && !r->done) {
		ssize_t n = receive(nl->fd, buf, READ_BYTES, 0);
		struct nlmsghdr *h = (struct nlmsghdr *)buf;
		int left = (int)n;

		if (n < 0)
			err = (int)n;
		for (; !err && nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			err = one_message(nl, h, r);
	}
	free(buf);
	if (!err && r->result)
		return r->result;
	return !err && r->interrupted ? -EINTR : err;
}

static int send_request(struct devmem__nl *nl, int flags)
{
	struct nlmsghdr *h;

	if (!nl->name[0])
		/* the socket could not be opened: a policy or an emulator refuses netlink */
		return -EOPNOTSUPP;
	if (nl->error)
		return nl->error;
	h = nlmsg_hdr(nl->request);
	h->nlmsg_flags |= (uint16_t)flags;
	while (send(nl->fd, h, h->nlmsg_len, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int transact(struct devmem__nl *nl, int flags, devmem__nl_reply fn, void *arg)
{
	struct reading r = { .fn = fn, .arg = arg };
	int err;

	nl->why[0] = '\0';
	err = send_request(nl, flags);
	if (!err)
		err = read_answer(nl, &r);
	drop_request(nl);
	return err;
}

int devmem__nl_call(struct devmem__nl *nl, devmem__nl_reply fn, void *arg)
{
	return transact(nl, NLM_F_ACK, fn, arg);
}

int devmem__nl_dump(struct devmem__nl *nl, devmem__nl_reply fn, void *arg)
{
	return transact(nl, NLM_F_DUMP, fn, arg);
}

int devmem__nl_fail(const struct devmem__nl *nl, int err, const char *fmt, ...)
{
	char text[384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (nl->why[0])
		return devmem__fail(-err, "%s: the kernel says \"%s\"", text, nl->why);
	return devmem__fail(-err, "%s: %s", text, strerror(-err));
}

/* ------------------------------------------------------------------------------ opening, groups */

static int got_family(struct nlattr **attrs, void *arg)
{
	uint16_t *id = arg;

	if (!attrs[CTRL_ATTR_FAMILY_ID])
		return -EBADMSG;
	*id = nla_get_u16(attrs[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

struct group {
	const char *name;
	uint32_t id;
};

static int got_groups(struct nlattr **attrs, void *arg)
{
	struct nlattr *of[DEVMEM__NL_ATTRS + 1], *nest;
	struct group *group = arg;
	int left;

	if (!attrs[CTRL_ATTR_MCAST_GROUPS])
		return -ENOENT;
	nla_for_each_nested (nest, attrs[CTRL_ATTR_MCAST_GROUPS], left) {
		if (!devmem__nl_nested(nest, of) || !of[CTRL_ATTR_MCAST_GRP_NAME] ||
		    !of[CTRL_ATTR_MCAST_GRP_ID])
			continue;
		if (!strcmp(nla_get_string(of[CTRL_ATTR_MCAST_GRP_NAME]), group->name))
			group->id = nla_get_u32(of[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return group->id ? 0 : -ENOENT;
}

static int ask_family(struct devmem__nl *nl, devmem__nl_reply fn, void *arg)
{
	begin(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	devmem__nl_put_string(nl, CTRL_ATTR_FAMILY_NAME, nl->name);
	return devmem__nl_call(nl, fn, arg);
}

static int open_socket(void)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	/* the kernel answers before send() returns, so only a bug of either side could make the
	 * program hang without this */
	const struct timeval patience = { .tv_sec = 30 };
	const int one = 1;
	int fd, err;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

bool devmem__nl_short_of(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS;
}

/* If a policy or an emulator refuses netlink, with whatever errno, this counts as a kernel without
 * device memory. */
static int refused(int err)
{
	const int result = devmem__nl_short_of(err) ? -err : EOPNOTSUPP;

	return devmem__fail(result, "cannot open a netlink socket: %s", strerror(-err));
}

int devmem__nl_open(struct devmem__nl *nl, const char *family)
{
	uint16_t id = 0;
	int err;

	memset(nl, 0, sizeof(*nl));
	snprintf(nl->name, sizeof(nl->name), "%s", family);
	nl->fd = open_socket();
	if (nl->fd < 0) {
		err = nl->fd;
		memset(nl, 0, sizeof(*nl));
		return refused(err);
	}
	err = ask_family(nl, got_family, &id);
	if (err) {
		close(nl->fd);
		memset(nl, 0, sizeof(*nl));
		if (err == -ENOENT)
			return devmem__fail(EOPNOTSUPP,
					    "the kernel has no netlink family \"%s\"; device "
					    "memory needs Linux 6.12 or later with "
					    "CONFIG_NET_DEVMEM and CONFIG_ETHTOOL_NETLINK",
					    family);
		return devmem__fail(devmem__nl_short_of(err) ? -err : EOPNOTSUPP,
				    "cannot look up the netlink family \"%s\": %s", family,
				    strerror(-err));
	}
	nl->family = id;
	return 0;
}

bool devmem__nl_same_net(const struct devmem__nl *a, const struct devmem__nl *b)
{
	uint64_t of_a = 0, of_b = 0;
	socklen_t len = sizeof(of_a);

	if (getsockopt(a->fd, SOL_SOCKET, NETNS_COOKIE, &of_a, &len) ||
	    getsockopt(b->fd, SOL_SOCKET, NETNS_COOKIE, &of_b, &len))
		return true;
	return of_a == of_b;
}

void devmem__nl_close(struct devmem__nl *nl)
{
	drop_request(nl);
	if (nl->family)
		close(nl->fd);
	memset(nl, 0, sizeof(*nl));
}

int devmem__nl_subscribe(struct devmem__nl *nl, const char *name, uint32_t *id)
{
	struct group group = { .name = name };
	int err = ask_family(nl, got_groups, &group);

	if (err)
		return err;
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group.id, sizeof(group.id)) <
	    0)
		return -errno;
	*id = group.id;
	return 0;
}

void devmem__nl_unsubscribe(struct devmem__nl *nl, uint32_t id)
{
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &id, sizeof(id));
}

int devmem__nl_notices(struct devmem__nl *nl, unsigned int most,
		       void (*fn)(uint8_t cmd, struct nlattr **attrs, void *arg), void *arg)
{
	struct nlattr *attrs[DEVMEM__NL_ATTRS + 1];
	char *buf = malloc(READ_BYTES);
	ssize_t n = 0;

	if (!buf)
		return -ENOMEM;
	while (most-- && (n = receive(nl->fd, buf, READ_BYTES, MSG_DONTWAIT)) >= 0) {
		struct nlmsghdr *h = (struct nlmsghdr *)buf;
		int left = (int)n;

		for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			if (h->nlmsg_type == nl->family && parse(h, attrs))
				fn(((struct genlmsghdr *)nlmsg_data(h))->cmd, attrs, arg);
	}
	free(buf);
	return n == -ETIMEDOUT || n > 0 ? 0 : (int)n;
}
