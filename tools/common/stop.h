/* SPDX-License-Identifier: MIT */
/* Turns SIGINT, SIGTERM and SIGHUP into an orderly exit, so that the NIC is restored. */
#ifndef STOP_H
#define STOP_H

/*
 * stop_begin() - from here on a signal interrupts blocking calls (EINTR). SIGALRM repeats the
 * interruption each second until the program notices: a signal that arrives between the check and
 * the blocking call is not lost. SIGPIPE is ignored, so writes fail with EPIPE.
 */
void stop_begin(void);

/* stopped() - the signal that came, or 0. */
int stopped(void);

/* stop_end() - blocks these signals, so that clean-up is not interrupted. */
void stop_end(void);

/* stop_go_on() - undoes stop_end(): signals that came meanwhile are delivered now. */
void stop_go_on(void);

#endif
