/* SPDX-License-Identifier: MIT */
/*
 * The connections of a server that anybody may reach. What a peer does ends its own connection at
 * most, and what all peers together can make the server hold is bounded: there are so many
 * connections at a time, and none may be silent for long.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <devmem/devmem.h>

struct server;

/* The first member of what a program keeps of a connection: events carry its address. */
struct client {
	struct client *next, **link; /* of the server's */
	struct devmem_sock *sock;    /* NULL: closed */
	int fd;
	double heard; /* when a byte moved last */
	/* when as many bytes had moved as a place is worth while others wait for one */
	double paid;
	uint32_t bytes; /* since then */
	/* fragments that the program has kept for it so far, and those of them that it let go */
	uint64_t kept, gone;
	/* ... when so many have gone, all are gone that were kept at @since */
	uint64_t mark;
	double since;
	bool moved; /* any */
	bool lost;  /* it broke */
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

/* Before the first server_accept(): how many connections this process may have descriptors for. */
void server_make_room(struct server *s);

/*
 * The next connection that waits, or -1: none does, or there is no room. Then the listener is not
 * watched until there is some, so that those who wait cost nothing.
 */
int server_accept(struct server *s);

/*
 * Attaches it. @c: zero, or NULL: there was no memory for it. -1: the connection is over, which was
 * told and counted, and @c is the caller's to free.
 */
int server_attach(struct server *s, struct client *c, int fd,
		  const struct devmem_attach_opts *opts);

/* Bytes of it have moved, in or out. */
void server_moved(const struct server *s, struct client *c, uint32_t bytes);

/*
 * For a program that keeps fragments of a connection for as long as its peer likes: one more is
 * kept, one is let go, and the buffer has run low, of which fragments have up to so many bytes.
 * From then on, until half of it is free again, nobody may keep anything for long.
 */
void server_keeps(const struct server *s, struct client *c);
void server_lets_go(const struct server *s, struct client *c);
void server_runs_low(struct server *s, uint32_t fragment_bytes);

/* The next connection that has been silent, or has kept the buffer, for too long: the caller closes
 * it. NULL: none. */
struct client *server_overdue(struct server *s);
extern const char server_silent[]; /* why, in words */

/* It breaks: says so, and why. One that breaks before its first byte was nobody's stream, and is
 * not counted. */
void server_lose(struct server *s, struct client *c, const char *why);

/* Detaches and closes it. It still has its place. */
void server_hang_up(struct client *c);

/* ... which is free now. */
void server_forget(struct server *s, struct client *c);

/* Each turn: the listener is watched again if there is room again. */
void server_listen(struct server *s);

/* How long a turn may wait so that no connection is overdue for long: milliseconds. */
int server_patience(const struct server *s);

#endif
