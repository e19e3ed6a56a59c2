/* SPDX-License-Identifier: MIT */
/*
 * Room netlink: reads and changes the kernel's settings of interfaces by netlink, ethtool and
 * traffic control. It may include base. It does not remember what it changed; room nic does.
 *
 * This file is generic netlink: one socket for one family, one request at a time. It knows nothing
 * of device memory.
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
 * The struct owns everything, including the request being built. devmem__nl_close() is all the
 * clean-up that any path needs; it is harmless on a struct that is zeroed, failed to open, or is
 * closed. A failure while a request is built is returned by the call that sends it. Errors are the
 * kernel's own numbers. One thread at a time.
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
	int error; /* the first failure while the request was built, a negative errno */
	struct nl_msg *request;
	char name[16];
	char why[256]; /* the kernel's text about the last failure, or "" */
};

/* Called for each reply; attrs[ATTR] is the attribute or NULL. After a result other than 0 it is
 * not called again, and the call returns that result. */
typedef int (*devmem__nl_reply)(struct nlattr **attrs, void *arg);

/*
 * devmem__nl_open() - open a socket for a family. The socket is close-on-exec and stays in the
 * network namespace that this thread is in now. -EOPNOTSUPP: the kernel has no such family, or
 * refuses netlink here; -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS: this process is short of it. Sets the
 * error message. Calls on a struct that failed to open return -EOPNOTSUPP.
 * devmem__nl_short_of() - is it one of those four errnos, and not a refusal of netlink?
 */
bool devmem__nl_short_of(int err);
int devmem__nl_open(struct devmem__nl *nl, const char *family);
void devmem__nl_close(struct devmem__nl *nl);

/*
 * devmem__nl_same_net() - are both sockets in the same network namespace? Also true if the kernel
 * lacks SO_NETNS_COOKIE (Linux 5.14): every kernel that binds device memory has it.
 */
bool devmem__nl_same_net(const struct devmem__nl *a, const struct devmem__nl *b);

/* Build a request. devmem__nl_begin() discards a request that was not sent. */
void devmem__nl_begin(struct devmem__nl *nl, uint8_t cmd);
void devmem__nl_put_u8(struct devmem__nl *nl, int attr, uint8_t value);
void devmem__nl_put_u32(struct devmem__nl *nl, int attr, uint32_t value);
void devmem__nl_put_string(struct devmem__nl *nl, int attr, const char *value);
void devmem__nl_put_flag(struct devmem__nl *nl, int attr);
struct nlattr *devmem__nl_nest(struct devmem__nl *nl, int attr);
void devmem__nl_nest_end(struct devmem__nl *nl, struct nlattr *nest);

/*
 * devmem__nl_call(), devmem__nl_dump() - send the request and read the whole answer. @fn may be
 * NULL. Return 0, what @fn returned, or the kernel's negative errno with its reason in nl->why.
 * They set no error message.
 * -ETIMEDOUT: no answer. -EINTR: what a dump lists changed while it was read; ask again.
 */
int devmem__nl_call(struct devmem__nl *nl, devmem__nl_reply fn, void *arg);
int devmem__nl_dump(struct devmem__nl *nl, devmem__nl_reply fn, void *arg);

/*
 * devmem__nl_fail() - set the error message to "...: " and the kernel's text, or the meaning of the
 * errno if the kernel gave no text. Returns @err, a negative errno.
 */
int devmem__nl_fail(const struct devmem__nl *nl, int err, const char *fmt, ...) DEVMEM_PRINTF(3, 4);

/*
 * devmem__nl_subscribe() - receive a multicast group of the family, such as "monitor", until
 * devmem__nl_unsubscribe(). Use a separate socket for it. @id: set to the group's number.
 */
int devmem__nl_subscribe(struct devmem__nl *nl, const char *group, uint32_t *id);
void devmem__nl_unsubscribe(struct devmem__nl *nl, uint32_t id);

/*
 * devmem__nl_notices() - call @fn for each notification that has arrived, from at most @most
 * datagrams, without waiting. 0 or a negative errno.
 */
int devmem__nl_notices(struct devmem__nl *nl, unsigned int most,
		       void (*fn)(uint8_t cmd, struct nlattr **attrs, void *arg), void *arg);

/*
 * devmem__nl_receive() - recv(), but only of messages from the kernel itself: any process with
 * CAP_NET_ADMIN in the network namespace can send to any netlink socket there. -EMSGSIZE: the
 * message is larger than @room. Otherwise the bytes of a whole message, or a negative errno.
 */
ssize_t devmem__nl_receive(int fd, void *buf, size_t room, int flags);

/* devmem__nl_nested() - parse the attributes of a nest. false: it is malformed. */
bool devmem__nl_nested(struct nlattr *nest, struct nlattr **attrs);

/*
 * devmem__nl_reason() - write the reason that the acknowledgement @ack gives about the request
 * @sent, or "" if there is none. No I/O.
 */
struct nlmsghdr;
void devmem__nl_reason(const struct nlmsghdr *ack, const struct nlmsghdr *sent, char *why,
		       size_t room);

#endif
