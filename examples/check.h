/* SPDX-License-Identifier: MIT */
/* Is what an event brought what send_client sends? */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>

#include <devmem/devmem.h>

/* @ev: DATA, in @buffer, or HOST; it begins at @position of its stream. Works with memory that the
 * processor cannot map, too. */
bool check_event(struct devmem_buffer *buffer, uint64_t position, const struct devmem_event *ev);

#endif
