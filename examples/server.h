/* SPDX-License-Identifier: MIT */
/* What the servers here are made of: options, and everything from a buffer to a ring that waits for
 * connections. */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>

#include <devmem/devmem.h>

#include "clients.h"
#include "report.h"

struct server_options {
	const char *interface, *backend, *device, *engine, *json;
	char **interfaces; /* all that were named; @interface is the first */
	unsigned int n_interfaces, port, buffer_mib, queues, connections, max_connections, sends,
		message_kib;
	double idle; /* seconds; 0: never */
	bool verify, progress;
	/* only connections of @interface: others may listen on the port, too */
	bool apart;
};

struct server {
	struct server_options opt;
	int listener, signals;
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	unsigned int accepted, ended, broken;
	double started;
	/* why a connection broke, of the ERROR event that came last */
	char why[512];
	/* clients.c: */
	struct client *clients; /* those that are open */
	unsigned int room;	/* so many connections at a time */
	/* watch the listener, or do not; NULL: the ring does */
	int (*listen)(struct server *s, bool on);
	bool deaf;    /* it is not watched */
	bool crowded; /* somebody waits for a place */
	/* the buffer has run low: most bytes of a fragment; 0: it has not */
	uint32_t low;
	double now;		    /* when the last turn came back */
	double retry, looked, told; /* when it may listen again, and did these the last time */
	unsigned int lines;	    /* since then */
	int short_of;		    /* errno of the last connection that could not be taken */
};

/* What events of these two carry; others carry a pointer of the program's own. */
enum { SERVER_LISTENER = 1, SERVER_SIGNALS = 2 };

/* Says so, with the library's sentence. Returns -1. */
int server_failed(const char *what);

/*
 * @own: which of the options v, s and g this program has; "+": it takes several interfaces. What is
 * wrong ends it with @usage and status 2.
 */
struct server_options server_parse(int argc, char **argv, const char *usage, const char *own);

/* In the order of what needs what. -1 on failure, after a sentence; server_close() in either
 * case. */
int server_open(struct server *s);

/* The same for a program that waits for listener and signals itself: the ring does not watch
 * them. */
int server_prepare(struct server *s);

/* Memory as the options ask for it. */
int server_buffer(const struct server *s, size_t bytes, struct devmem_buffer **out);

/*
 * One turn of the ring: as devmem_wait(), for not longer than the limits of connections allow. What
 * interrupts a wait, and what the next one mends, is 0 events. -1 on failure, after a sentence.
 */
int server_wait(struct server *s, struct devmem_event *ev, unsigned int n, int timeout_ms);

/* As many connections as were asked for have ended. */
bool server_is_done(const struct server *s);

/* A line each second. */
void server_progress(const struct server *s);

/* The ring watches neither listener nor signals any more. -1 on failure, after a sentence. */
int server_stop_listening(struct server *s);

/* The last fragments go home on a turn in which nothing else happens. -1 on failure, after a
 * sentence. */
int server_settle(struct server *s);

/* What there is to be told of it, before it is closed. */
void server_report(const struct server *s, struct report *r);

/* In the opposite order. Returns false if the NIC is not as it was. */
bool server_close(struct server *s);

#endif
