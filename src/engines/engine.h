/* SPDX-License-Identifier: MIT */
/*
 * Room engines: one file for each way in which bytes get from the kernel into a buffer. It may
 * include recv and the rooms below it. This header is the table behind which engines live; nothing
 * outside an engine's file knows its details.
 */
#ifndef DEVMEM__ENGINES_ENGINE_H
#define DEVMEM__ENGINES_ENGINE_H

#include <liburing.h>

#include "base/engine_name.h"
#include "base/internal.h"

struct devmem__binding_use;
struct devmem_sock;

struct devmem__engine {
	enum devmem__engine_id id;
	/* Make what the sockets of @use need, and free it. May be NULL. */
	int (*open)(struct devmem__binding_use *use, const struct devmem_ring_opts *opts);
	void (*close)(struct devmem__binding_use *use);
	/* Its multishot receives may miss the end of a connection. */
	bool ends_get_lost;
	/* A use stays open until the ring is closed, with or without sockets. */
	bool keep;
	/* Fill in a multishot receive. */
	void (*arm)(struct devmem_sock *sock, struct io_uring_sqe *sqe);
	/* Is there anything free to receive into? */
	bool (*can_arm)(const struct devmem_sock *sock);
	/*
	 * Consume the completions of @sock at the head of the queue that are fragments by
	 * themselves, and write their events. Returns how many events; 0: the first completion is
	 * no such fragment; -ENOMEM: nothing is lost, call again. NULL: the engine receives
	 * messages only (messages.h).
	 */
	int (*take)(struct devmem_sock *sock, struct devmem_event *events, unsigned int n);
	/* A receive completed without bytes; @cqe may have used up a buffer. May be NULL. */
	void (*empty)(struct devmem_sock *sock, const struct io_uring_cqe *cqe);
	/* A receive failed with @res. true: the next arm() tries another way. May be NULL. */
	bool (*recover)(struct devmem_sock *sock, int res);
	/*
	 * Release fragments that came from take() or as messages: the first of @events, and as many
	 * of those that follow as can be released with it. Returns how many; -EINVAL, with an error
	 * message: the first is not out.
	 */
	int (*release)(struct devmem_sock *sock, const struct devmem_event *events, unsigned int n);
	/* The ring is being closed: release all that @sock has out. */
	void (*drop)(struct devmem_sock *sock);
	/* Before the kernel is entered: make room to receive into. true: call again soon, since
	 * some is still missing. May be NULL. */
	bool (*refill)(struct devmem__binding_use *use);
};

extern const struct devmem__engine devmem__engine_devmem, devmem__engine_copy, devmem__engine_zcrx;

#endif
