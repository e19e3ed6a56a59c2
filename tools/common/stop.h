/* SPDX-License-Identifier: MIT */
/* SIGINT, SIGTERM and SIGHUP end the program in order, so that the NIC is put back. */
#ifndef STOP_H
#define STOP_H

/*
 * stop_begin() - from here on a signal interrupts whatever waits (EINTR), again each second until
 * somebody looks: one that comes between the look and the wait is not lost. SIGPIPE is an error of
 * the write.
 */
void stop_begin(void);

/* stopped() - the signal that came, or 0. */
int stopped(void);

/* stop_end() - nothing is interrupted any more: what is cleaned up is cleaned up whole. */
void stop_end(void);

#endif
