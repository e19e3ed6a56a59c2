// SPDX-License-Identifier: MIT
#include <time.h>	/* the next one needs it, and does not say so */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "errqueue.h"

static bool is_error(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

/* CMSG_FIRSTHDR looks for a header's room only, and a length that is too large can lead CMSG_NXTHDR back. */
static bool fits(const struct msghdr *msg, const struct cmsghdr *c)
{
	return c->cmsg_len <= msg->msg_controllen - (size_t)((const char *)c - (const char *)msg->msg_control);
}

/* The queue has other things too, which are nobody's here: timestamps, ICMP errors that the application asked for. */
bool devmem__notice_parse(const void *control, size_t bytes, struct devmem__notice *notice)
{
	struct msghdr msg = { .msg_control = (void *)(uintptr_t)control, .msg_controllen = bytes };
	struct sock_extended_err ee;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c && fits(&msg, c); c = CMSG_NXTHDR(&msg, c)) {
		if (!is_error(c) || c->cmsg_len < CMSG_LEN(sizeof(ee)))
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY || ee.ee_errno)
			continue;
		*notice = (struct devmem__notice){
			.lo = ee.ee_info,
			.hi = ee.ee_data,
			.copied = ee.ee_code & SO_EE_CODE_ZEROCOPY_COPIED,
		};
		return true;
	}
	return false;
}
