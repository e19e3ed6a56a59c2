// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "netlink/rtnl.h"

#define PATIENCE 30 /* seconds, for callers that read answers of several messages themselves */

int devmem__rtnl_open(void)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct timeval patience = { .tv_sec = PATIENCE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* The answer's bytes, or its errno. */
static ssize_t check(const struct nlmsghdr *answer, size_t bytes)
{
	int err = 0;

	if (bytes < sizeof(*answer) || answer->nlmsg_len < sizeof(*answer) ||
	    answer->nlmsg_len > bytes)
		return -EBADMSG;
	if (answer->nlmsg_type != NLMSG_ERROR)
		return (ssize_t)answer->nlmsg_len;
	if (answer->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, (const char *)answer + NLMSG_HDRLEN, sizeof(err));
	return err < 0 ? err : -EBADMSG;
}

ssize_t devmem__rtnl_ask(int fd, const struct nlmsghdr *question, struct nlmsghdr *answer,
			 size_t room)
{
	ssize_t n;

	do
		n = send(fd, question, question->nlmsg_len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* the answer is there already, or was lost for want of memory. Do not wait: the data path
	 * asks, too. */
	do
		n = recv(fd, answer, room, MSG_TRUNC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ENOBUFS : -errno;
	return (size_t)n > room ? -EMSGSIZE : check(answer, (size_t)n);
}

struct nlmsghdr *devmem__rtnl_ask_link(unsigned int ifindex, int *err)
{
	const struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
	} question = {
		.h = { .nlmsg_len = sizeof(question),
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex },
	};
	struct nlmsghdr *answer = malloc(DEVMEM__RTNL_ANSWER);
	int fd = answer ? devmem__rtnl_open() : -ENOMEM;
	ssize_t n = fd < 0 ? fd : devmem__rtnl_ask(fd, &question.h, answer, DEVMEM__RTNL_ANSWER);

	if (fd >= 0)
		close(fd);
	if (n >= (ssize_t)NLMSG_SPACE(sizeof(question.info)) && answer->nlmsg_type == RTM_NEWLINK)
		return answer;
	free(answer);
	*err = n < 0 ? (int)n : -EBADMSG;
	return NULL;
}

const void *devmem__rtnl_attr(const struct nlmsghdr *answer, size_t skip, unsigned int type,
			      size_t *bytes)
{
	const char *p = (const char *)answer + NLMSG_SPACE(skip);
	size_t left =
		answer->nlmsg_len > NLMSG_SPACE(skip) ? answer->nlmsg_len - NLMSG_SPACE(skip) : 0;
	struct rtattr a;

	while (left >= sizeof(a)) {
		memcpy(&a, p, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > left)
			return NULL;
		if ((a.rta_type & NLA_TYPE_MASK) == type) {
			*bytes = a.rta_len - sizeof(a);
			return p + sizeof(a);
		}
		if (RTA_ALIGN((size_t)a.rta_len) >= left)
			return NULL;
		p += RTA_ALIGN((size_t)a.rta_len);
		left -= RTA_ALIGN((size_t)a.rta_len);
	}
	return NULL;
}
