/* SPDX-License-Identifier: MIT */
/* Releases tokens of engine "devmem" to the kernel, in batches. */
#ifndef DEVMEM__RECV_TOKEN_RELEASE_H
#define DEVMEM__RECV_TOKEN_RELEASE_H

#include "recv/receiving.h"

/* devmem__dontneed() - release a run of tokens, with one of the next turns. -EINVAL: not all of
 * them are out. */
int devmem__dontneed(struct devmem_sock *sock, uint32_t token, unsigned int count);

/* devmem__dontneed_look() - have the next turn release what the socket holds back, if it is enough
 * or the socket was detached. */
void devmem__dontneed_look(struct devmem_sock *sock);

/* The most tokens that all sockets together may hold back. */
#define DEVMEM__MANY_TOKENS 2048

/* devmem__dontneed_due() - true if there are batches that are worth submitting.
 * devmem__dontneed_flush() submits those, or with @all every batch. */
static inline bool devmem__dontneed_due(const struct devmem_ring *ring)
{
	return !devmem__list_empty(&ring->tokens.due) ||
	       ring->tokens.pending >= DEVMEM__MANY_TOKENS;
}

void devmem__dontneed_flush(struct devmem_ring *ring, bool all);

/* devmem__dontneed_is_few() - true if so few sockets hold tokens back that it costs little to
 * submit them. */
bool devmem__dontneed_is_few(const struct devmem_ring *ring);

/* devmem__dontneed_failed() - a batch failed. devmem__dontneed_settle() - all completions of
 * submitted batches have been seen, and none reports a failure. */
void devmem__dontneed_failed(struct devmem__batch *batch);
void devmem__dontneed_settle(struct devmem_ring *ring);

/* devmem__dontneed_all_now() - for closing a ring: release everything that the socket has out, by
 * system call. */
void devmem__dontneed_all_now(struct devmem_sock *sock);
void devmem__dontneed_close(struct devmem_ring *ring);

#endif
