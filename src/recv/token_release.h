/* SPDX-License-Identifier: MIT */
/* Tokens of engine "devmem", back to the kernel in batches. */
#ifndef DEVMEM__RECV_TOKEN_RELEASE_H
#define DEVMEM__RECV_TOKEN_RELEASE_H

#include "recv/receiving.h"

/* devmem__dontneed() - a run of tokens comes back; it goes with the next turns. -EINVAL: not all of
 * it is out */
int devmem__dontneed(struct devmem_sock *sock, uint32_t token, unsigned int count);

/* devmem__dontneed_look() - is what the socket holds back to go with the next turn? It is if the
 * socket was detached. */
void devmem__dontneed_look(struct devmem_sock *sock);

/* However many sockets hold back a few tokens, together they may not hold more than this. */
#define DEVMEM__MANY_TOKENS 2048

/* devmem__dontneed_due() - are there batches that are worth handing in? devmem__dontneed_flush()
 * does it, or with @all of them. */
static inline bool devmem__dontneed_due(const struct devmem_ring *ring)
{
	return !devmem__list_empty(&ring->tokens.due) ||
	       ring->tokens.pending >= DEVMEM__MANY_TOKENS;
}

void devmem__dontneed_flush(struct devmem_ring *ring, bool all);

/* devmem__dontneed_is_few() - so few sockets hold tokens back that handing them in costs little. */
bool devmem__dontneed_is_few(const struct devmem_ring *ring);

/* What became of a batch: it failed; or the completions of all that was handed in were seen, and
 * none says that it did. */
void devmem__dontneed_failed(struct devmem__batch *batch);
void devmem__dontneed_settle(struct devmem_ring *ring);

/* devmem__dontneed_all_now() - for closing a ring: everything that the socket has out goes back by
 * system call. */
void devmem__dontneed_all_now(struct devmem_sock *sock);
void devmem__dontneed_close(struct devmem_ring *ring);

#endif
