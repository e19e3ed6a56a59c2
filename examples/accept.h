/* SPDX-License-Identifier: MIT */
/* The next connection of a listener, whatever became of those before it. */
#ifndef ACCEPT_H
#define ACCEPT_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Takes the next connection; its descriptor is closed on exec. @peer and @bytes: as for accept(2),
 * or NULL.
 *
 * A connection that broke before it was accepted is skipped. Returns a descriptor, or a negative
 * errno: -EAGAIN, none waits (on a listener that does not block); -EINTR, a signal came; anything
 * else, this machine cannot take any now, such as -EMFILE: the connection still waits and the
 * listener stays readable, so wait a moment before the next try, and do not poll the listener.
 */
int accept_next(int listener, struct sockaddr *peer, socklen_t *bytes);

#endif
