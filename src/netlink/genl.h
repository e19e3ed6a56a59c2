/* SPDX-License-Identifier: MIT */
/*
 * Room netlink: what the kernel is asked and told of interfaces: netlink, ethtool, traffic control.
 * It may include base, and remembers nothing: who changes a setting is the affair of room nic.
 *
 * Generic netlink: one socket on one family, one request at a time. Knows nothing of devmem.
 *
 *	struct devmem__nl nl;
 *	err = devmem__nl_open(&nl, "netdev");
 *	devmem__nl_begin(&nl, COMMAND);
 *	devmem__nl_put_u32(&nl, ATTR, 5);
 *	err = devmem__nl_call(&nl, got_reply, &result);
 *	if (err)
 *		devmem__nl_fail(&nl, err, "could not do it; try this");
 *	devmem__nl_close(&nl);
 *
 * Everything belongs to the struct, the request being built included: devmem__nl_close() is all
 * that is needed on any path, and is harmless on a struct that is zero, not opened, or closed. What
 * fails while a request is built comes out of the call. Errors are the kernel's own numbers. One
 * thread at a time.
 */
#ifndef DEVMEM__NETLINK_GENL_H
#define DEVMEM__NETLINK_GENL_H

#include <netlink/attr.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/internal.h"

#define DEVMEM__NL_ATTRS 48 /* attributes with higher numbers are skipped */

struct nl_msg;

struct devmem__nl {
	int fd; /* open if family is not 0 */
	uint16_t family;
	uint32_t seq;
	int error; /* first failure while building the request: negative errno */
	struct nl_msg *request;
	char name[16];
	char why[256]; /* what the kernel said about the last failure, or "" */
};

/* attrs[ATTR] is the attribute or NULL. Called for each reply; not 0 ends the reading of a dump
 * with that result. */
typedef int (*devmem__nl_reply)(struct nlattr **attrs, void *arg);

/*
 * devmem__nl_open() - a socket on a family. The socket is close-on-exec and stays in this thread's
 * present network namespace. -EOPNOTSUPP: the kernel has no such family, or netlink is refused
 * here; or what this process is short of. Sets the sentence. Calls on one that could not be opened
 * return -EOPNOTSUPP. devmem__nl_short_of() - does the errno say that this process is short of
 * something, and not that netlink is refused?
 */
bool devmem__nl_short_of(int err);
int devmem__nl_open(struct devmem__nl *nl, const char *family);
void devmem__nl_close(struct devmem__nl *nl);

/*
 * devmem__nl_same_net() - are both sockets in one network namespace? true if it cannot be told: the
 * kernel that binds device memory can. (SO_NETNS_COOKIE, Linux 5.14)
 */
bool devmem__nl_same_net(const struct devmem__nl *a, const struct devmem__nl *b);

/* Build a request. devmem__nl_begin() drops one that was not sent. */
void devmem__nl_begin(struct devmem__nl *nl, uint8_t cmd);
void devmem__nl_put_u8(struct devmem__nl *nl, int attr, uint8_t value);
void devmem__nl_put_u32(struct devmem__nl *nl, int attr, uint32_t value);
void devmem__nl_put_string(struct devmem__nl *nl, int attr, const char *value);
void devmem__nl_put_flag(struct devmem__nl *nl, int attr);
struct nlattr *devmem__nl_nest(struct devmem__nl *nl, int attr);
void devmem__nl_nest_end(struct devmem__nl *nl, struct nlattr *nest);

/*
 * devmem__nl_call(), devmem__nl_dump() - send the request and read all of the answer. @fn may be
 * NULL. 0, what @fn returned, or the kernel's negative errno with its reason in nl->why; they do
 * not set the sentence.
 * -ETIMEDOUT: no answer; -EINTR from the kernel a dump that changed while it was read: ask again.
 */
int devmem__nl_call(struct devmem__nl *nl, devmem__nl_reply fn, void *arg);
int devmem__nl_dump(struct devmem__nl *nl, devmem__nl_reply fn, void *arg);

/*
 * devmem__nl_fail() - set the sentence to "...: what the kernel said" (or what the errno means,
 * where it said nothing), and return @err, a negative errno.
 */
int devmem__nl_fail(const struct devmem__nl *nl, int err, const char *fmt, ...) DEVMEM_PRINTF(3, 4);

/*
 * devmem__nl_subscribe() - receive a multicast group of the family, "monitor" for one, until
 * devmem__nl_unsubscribe(). On a socket of its own. @id: of the group.
 */
int devmem__nl_subscribe(struct devmem__nl *nl, const char *group, uint32_t *id);
void devmem__nl_unsubscribe(struct devmem__nl *nl, uint32_t id);

/*
 * devmem__nl_notices() - hand out notifications that are there, of up to @most datagrams, without
 * waiting. A negative errno or 0.
 */
int devmem__nl_notices(struct devmem__nl *nl, unsigned int most,
		       void (*fn)(uint8_t cmd, struct nlattr **attrs, void *arg), void *arg);

/*
 * devmem__nl_receive() - as recv(), but only what the kernel itself sent, since whoever has
 * CAP_NET_ADMIN in the network namespace can send to any netlink socket there. All of a message, or
 * -EMSGSIZE; else a negative errno.
 */
ssize_t devmem__nl_receive(int fd, void *buf, size_t room, int flags);

/* devmem__nl_nested() - the attributes in a nest, as in a reply. false if it is damaged. */
bool devmem__nl_nested(struct nlattr *nest, struct nlattr **attrs);

/*
 * devmem__nl_reason() - what the acknowledgement @ack says about the request @sent, as text. Pure;
 * for the tests. "" if the kernel gave no reason.
 */
struct nlmsghdr;
void devmem__nl_reason(const struct nlmsghdr *ack, const struct nlmsghdr *sent, char *why,
		       size_t room);

#endif
