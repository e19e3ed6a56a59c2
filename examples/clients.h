/* SPDX-License-Identifier: MIT */
/*
 * The connections of a server that anybody may reach. What a peer does can end only its own
 * connection. What all peers together can make the server hold is bounded: the number of
 * connections is limited, and none may be silent for long.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <devmem/devmem.h>

#include "own_rule.h"

struct server;

/* The first member of a program's structure for a connection: events carry its address. */
struct client {
	struct client *next, **link; /* in the server's list */
	struct devmem_sock *sock;    /* NULL: closed */
	int fd;
	double heard; /* when a byte last moved */
	/* when enough bytes had moved to keep its place while others wait for one */
	double paid;
	uint32_t bytes; /* moved since then */
	/* totals of fragments that the program has kept for it, and of those that it has let go */
	uint64_t kept, gone;
	/* when @gone reaches this, all fragments are gone that were kept at @since */
	uint64_t mark;
	double since;
	struct own_rule rule;
	bool moved; /* any byte has moved */
	bool lost;  /* the connection broke */
};

#define CLIENTS_USAGE                                                                              \
	"  --max-connections N   so many at a time, if there are descriptors for them (default "   \
	"1024): others wait\n"                                                                     \
	"  --idle SECONDS        a connection that is silent for so long is ended (default 60; "   \
	"0: never). While others wait\n"                                                           \
	"                        for its place: one that moves less than 4 KiB in a tenth of "     \
	"that. While the buffer runs low:\n"                                                       \
	"                        one that has not taken back in a tenth of that what is kept for " \
	"it\n"

/* Call before the first server_accept(): determines for how many connections this process has
 * descriptors. */
void server_make_room(struct server *s);

/* Accepts the next waiting connection. Returns -1 if none waits or there is no room. Without room
 * the listener is not watched, so that waiting peers cost nothing. */
int server_accept(struct server *s);

/* Steers a connection, if each needs its own rule, and attaches it. One that cannot be steered is
 * received all the same, copied; that is reported once. @c: zeroed; NULL if there was no memory for
 * it. Returns -1 if the connection is over, which was reported and counted; the caller frees @c. */
int server_attach(struct server *s, struct client *c, int fd,
		  const struct devmem_attach_opts *opts);

/* Call when bytes of the connection have moved, in or out. */
void server_moved(const struct server *s, struct client *c, uint32_t bytes);

/*
 * For a program that keeps fragments of a connection for as long as its peer likes. Call these when
 * it keeps one more, when it lets one go, and when the buffer has run low: a fragment has at most
 * @fragment_bytes. From then until half of the buffer is free again, no connection may keep
 * anything for long.
 */
void server_keeps(const struct server *s, struct client *c);
void server_lets_go(const struct server *s, struct client *c);
void server_runs_low(struct server *s, uint32_t fragment_bytes);

/* The next connection that has been silent, or has kept the buffer, for too long. The caller closes
 * it. NULL: none. */
struct client *server_overdue(struct server *s);
extern const char server_silent[]; /* the reason as text */

/* Reports that a connection broke, and why. One that breaks before its first byte is not counted,
 * because it was nobody's stream. */
void server_lose(struct server *s, struct client *c, const char *why);

/* Detaches and closes the connection, and takes its rule back. It still occupies its place. */
void server_hang_up(const struct server *s, struct client *c);

/* Frees its place. */
void server_forget(struct server *s, struct client *c);

/* Call each turn: watches the listener again if there is room again. */
void server_listen(struct server *s);

/* How long a turn may wait, in milliseconds, so that no connection is overdue for long. */
int server_patience(const struct server *s);

#endif
