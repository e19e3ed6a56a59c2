// SPDX-License-Identifier: MIT
#include <time.h> /* the next header needs it but does not include it */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tx/errqueue.h"

static bool is_error(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

/* Reads the cmsg at @p, whose header is @c. */
static bool read_notice(const unsigned char *p, const struct cmsghdr *c,
			struct devmem__notice *notice)
{
	struct sock_extended_err ee;

	if (!is_error(c) || c->cmsg_len < CMSG_LEN(sizeof(ee)))
		return false;
	memcpy(&ee, p + CMSG_LEN(0), sizeof(ee));
	if (ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY || ee.ee_errno)
		return false;
	*notice = (struct devmem__notice){
		.lo = ee.ee_info,
		.hi = ee.ee_data,
		.copied = ee.ee_code & SO_EE_CODE_ZEROCOPY_COPIED,
	};
	return true;
}

/*
 * The queue has other messages too, which do not concern us: timestamps, and ICMP errors that the
 * application asked for. CMSG_NXTHDR is not used: a length that is too large can lead it backwards,
 * and musl's compares signed with unsigned numbers.
 */
bool devmem__notice_parse(const void *control, size_t bytes, struct devmem__notice *notice)
{
	const unsigned char *p = control;

	while (bytes >= CMSG_LEN(0)) {
		struct cmsghdr c;

		memcpy(&c, p, sizeof(c));
		if (c.cmsg_len < CMSG_LEN(0) || c.cmsg_len > bytes)
			return false;
		if (read_notice(p, &c, notice))
			return true;
		if (CMSG_ALIGN(c.cmsg_len) >= bytes)
			return false;
		p += CMSG_ALIGN(c.cmsg_len);
		bytes -= CMSG_ALIGN(c.cmsg_len);
	}
	return false;
}
