/* SPDX-License-Identifier: MIT */
/*
 * The guard against TCP's urgent data, which is a socket filter. If an urgent byte lies in memory
 * that the kernel cannot read, the kernel stops the machine. [net/ipv4/tcp_input.c: tcp_urg()]
 */
#ifndef DEVMEM__RECV_GUARD_H
#define DEVMEM__RECV_GUARD_H

#include <stdbool.h>

#include "base/internal.h"

/*
 * devmem__guard() - have the kernel drop segments to @fd that have the URG flag. @set: true if
 * there was no such filter before. Sets the error message. -EBUSY: @fd has a filter of the
 * program's own, which stays.
 */
int devmem__guard(int fd, bool *set);

/* devmem__unguard() - remove the filter that devmem__guard() has just set. */
void devmem__unguard(int fd);

/* devmem__guard_urgent() - -EPROTO, with its error message, if urgent data was announced to @fd
 * before it was guarded. */
int devmem__guard_urgent(int fd);

#endif
