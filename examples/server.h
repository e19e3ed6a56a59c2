/* SPDX-License-Identifier: MIT */
/* Shared by the servers here: options, and everything from a buffer to a ring that waits for
 * connections. */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>

#include <devmem/devmem.h>

#include "clients.h"
#include "report.h"

struct server_options {
	const char *interface, *backend, *device, *engine, *json;
	char **interfaces; /* all interfaces that were named; @interface is the first */
	unsigned int n_interfaces, port, buffer_mib, queues, connections, max_connections, sends,
		message_kib;
	double idle; /* seconds; 0: never */
	bool verify, progress;
	/* accept only connections of @interface: others may listen on the port, too */
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
	/* why a connection broke, from the last ERROR event */
	char why[512];
	/* clients.c: */
	struct client *clients; /* those that are open */
	unsigned int room;	/* the largest number of connections at a time */
	/* starts or stops watching the listener; NULL: the ring does that */
	int (*listen)(struct server *s, bool on);
	bool each;    /* each connection gets a rule of its own */
	bool no_rule; /* one could not be steered, which was reported */
	bool deaf;    /* the listener is not watched */
	bool crowded; /* a peer waits for a place */
	/* if the buffer has run low, the most bytes of a fragment; else 0 */
	uint32_t low;
	double now; /* when the last turn returned */
	/* times: when it may listen again; when it last checked and last reported */
	double retry, looked, told;
	unsigned int lines; /* messages since @told */
	int short_of;	    /* errno of the last failure to accept */
};

/* user_data of the events of these two; other events carry a pointer of the program. */
enum { SERVER_LISTENER = 1, SERVER_SIGNALS = 2 };

/* Prints the library's error message. Returns -1. */
int server_failed(const char *what);

/* @own: which of the options v, s and g this program has; "+": it takes several interfaces. A wrong
 * command line ends the program with @usage and status 2. */
struct server_options server_parse(int argc, char **argv, const char *usage, const char *own);

/* Opens everything, in the order of dependence. Returns -1 after an error message. Call
 * server_close() in either case. */
int server_open(struct server *s);

/* The same for a program that waits for the listener and for signals itself: the ring does not
 * watch them. */
int server_prepare(struct server *s);

/* Creates a buffer as the options ask for it. */
int server_buffer(const struct server *s, size_t bytes, struct devmem_buffer **out);

/*
 * Runs one turn of the ring like devmem_wait(), but waits no longer than the limits of connections
 * allow. An interruption, or a lack that the next turn can mend, returns 0 events. Returns -1 after
 * an error message.
 */
int server_wait(struct server *s, struct devmem_event *ev, unsigned int n, int timeout_ms);

/* Reports a MISPLACED event. Where each connection has a rule of its own, its first bytes may come
 * before the rule, so nothing is reported. */
void server_misplaced(const struct server *s);

/* True if the requested number of connections has ended. */
bool server_is_done(const struct server *s);

/* Prints a line each second. */
void server_progress(const struct server *s);

/* Stops the ring from watching the listener and signals. Returns -1 after an error message. */
int server_stop_listening(struct server *s);

/* Releases the last fragments, by a turn in which nothing else happens. Returns -1 after an error
 * message. */
int server_settle(struct server *s);

/* Fills in the report. Call it before server_close(). */
void server_report(const struct server *s, struct report *r);

/* Closes everything in the opposite order. Returns false if the NIC is not as it was before. */
bool server_close(struct server *s);

#endif
