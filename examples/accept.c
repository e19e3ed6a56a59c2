// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include "accept.h"

#define SKIPPED 64 /* the most connections to skip in a row before the caller does something else */

/* Errors that accept(2) reports about one connection, which is gone then. */
static bool is_of_one(int err)
{
	switch (err) {
	case ECONNABORTED:
	case EPROTO:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case ETIMEDOUT:
		return true;
	}
	return false;
}

int accept_next(int listener, struct sockaddr *peer, socklen_t *bytes)
{
	const socklen_t room = bytes ? *bytes : 0;
	int fd;

	for (int i = 0; i < SKIPPED; i++) {
		fd = accept4(listener, peer, bytes, SOCK_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (!is_of_one(errno))
			return -errno;
		if (bytes)
			*bytes = room;
	}
	return -errno;
}
