/* SPDX-License-Identifier: MIT */
/*
 * Asks rtnetlink questions that one message answers, about an interface or a route. Sets no error
 * message and needs nothing of the library, since the tools, which use the public header alone,
 * compile this file in.
 */
#ifndef DEVMEM__NETLINK_RTNL_H
#define DEVMEM__NETLINK_RTNL_H

#include <linux/netlink.h>
#include <stddef.h>
#include <sys/types.h>

/* bytes: enough for the answer about one interface, which is a few KiB */
#define DEVMEM__RTNL_ANSWER 32768u

/*
 * devmem__rtnl_open() - a socket for the network namespace that this thread is in, or a negative
 * errno. It is connected to the kernel, so that no other process can send to it.
 * [net/netlink/af_netlink.c: netlink_getsockbyportid()]
 */
int devmem__rtnl_open(void);

/*
 * devmem__rtnl_ask() - ask, and return the answer's bytes. It then has a complete header and is not
 * an error. Otherwise a negative errno: the kernel's own; -EMSGSIZE: the answer is larger than
 * @room; -EBADMSG: it is malformed; -ENOBUFS: it was lost. Does not wait: the kernel answers before
 * send() returns.
 */
ssize_t devmem__rtnl_ask(int fd, const struct nlmsghdr *question, struct nlmsghdr *answer,
			 size_t room);

/*
 * devmem__rtnl_ask_link() - open a socket, ask about the interface with that index and close the
 * socket. The caller free()s the answer. NULL: *err is the negative errno.
 */
struct nlmsghdr *devmem__rtnl_ask_link(unsigned int ifindex, int *err);

/* devmem__rtnl_attr() - the value of an attribute that follows a header of @skip bytes, or NULL. */
const void *devmem__rtnl_attr(const struct nlmsghdr *answer, size_t skip, unsigned int type,
			      size_t *bytes);

#endif
