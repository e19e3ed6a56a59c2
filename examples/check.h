/* SPDX-License-Identifier: MIT */
/* Checks that an event's bytes are what send_client sends. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>

#include <devmem/devmem.h>

/* @ev: DATA in @buffer, or HOST, at @position of its stream. Works also with memory that the
 * processor cannot map. */
bool check_event(struct devmem_buffer *buffer, uint64_t position, const struct devmem_event *ev);

#endif
