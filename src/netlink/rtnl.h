/* SPDX-License-Identifier: MIT */
/*
 * Questions that rtnetlink answers with one message: of an interface, of a route. Sets no error
 * message and needs nothing of the library: tools, which have its public header alone, are compiled
 * with it.
 */
#ifndef DEVMEM__NETLINK_RTNL_H
#define DEVMEM__NETLINK_RTNL_H

#include <linux/netlink.h>
#include <stddef.h>
#include <sys/types.h>

/* bytes: more than one interface's answer has, which is some KiB */
#define DEVMEM__RTNL_ANSWER 32768u

/*
 * devmem__rtnl_open() - a descriptor for the network namespace that this thread is in, or a
 * negative errno. It is connected to the kernel, so that no other process can answer in its place.
 * [net/netlink/af_netlink.c: netlink_getsockbyportid()]
 */
int devmem__rtnl_open(void);

/*
 * devmem__rtnl_ask() - the bytes of the answer, whose header is whole and no error; or a negative
 * errno: the kernel's own; -EMSGSIZE: it is larger than @room; -EBADMSG; -ENOBUFS: it was lost.
 * Does not wait: the kernel answers before send() returns.
 */
ssize_t devmem__rtnl_ask(int fd, const struct nlmsghdr *question, struct nlmsghdr *answer,
			 size_t room);

/*
 * devmem__rtnl_ask_link() - the same in one: of the interface with that index. From malloc(), the
 * caller frees it. NULL: *err says why.
 */
struct nlmsghdr *devmem__rtnl_ask_link(unsigned int ifindex, int *err);

/* devmem__rtnl_attr() - the value of an attribute behind a header of @skip bytes, or NULL. */
const void *devmem__rtnl_attr(const struct nlmsghdr *answer, size_t skip, unsigned int type,
			      size_t *bytes);

#endif
