/* SPDX-License-Identifier: MIT */
/* Accepts the next connection of a listener, whatever became of earlier ones. */
#ifndef ACCEPT_H
#define ACCEPT_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * accept_next() - accepts the next connection. Its descriptor is closed on exec. @peer and @bytes:
 * as for accept(2), or NULL. A connection that broke before it was accepted is skipped. Returns a
 * descriptor or a negative errno. -EAGAIN: none waits (on a non-blocking listener). -EINTR: a
 * signal came. Anything else: this machine cannot accept one now, for example -EMFILE. The
 * connection still waits and the listener stays readable, so wait a moment before the next try, and
 * do not poll the listener meanwhile.
 */
int accept_next(int listener, struct sockaddr *peer, socklen_t *bytes);

#endif
