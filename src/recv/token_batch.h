/* SPDX-License-Identifier: MIT */
/* Tokens on their way from the application to the kernel, in batches: token_release.c. */
#ifndef DEVMEM__RECV_TOKEN_BATCH_H
#define DEVMEM__RECV_TOKEN_BATCH_H

#include "base/list.h"
#include "tokens.h"

struct devmem_sock;

struct devmem__batch {
	/* in devmem__ring_tokens.spare, or .in_flight until the kernel is done with it */
	struct devmem__list node;
	struct devmem_sock *sock;
	unsigned int sq_tail; /* of the submission queue, after this batch's request */
	struct devmem__token_batch tokens;
};

struct devmem__sock_tokens {
	struct devmem__batch *batch;	/* released tokens that are not submitted yet, or NULL */
	unsigned int batches_in_flight; /* submitted, and not known to be done */
	/* in devmem__ring_tokens.held or .due, while there is a @batch */
	struct devmem__list node;
};

struct devmem__ring_tokens {
	struct devmem__list held, due; /* sockets with a batch; @due: it goes with the next turn */
	struct devmem__list spare, in_flight; /* batches */
	size_t pending;			      /* tokens in batches that are not submitted yet */
};

#endif
