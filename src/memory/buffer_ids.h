/* SPDX-License-Identifier: MIT */
/* Which buffer has which number. */
#ifndef DEVMEM__MEMORY_BUFFER_IDS_H
#define DEVMEM__MEMORY_BUFFER_IDS_H

#include "base/internal.h"

/* devmem__buffer_id_take() - give @buffer the lowest free number, by which devmem_buffer_find()
 * then finds it. -EMFILE: all 65,535 are taken. */
int devmem__buffer_id_take(struct devmem_buffer *buffer, uint16_t *id);
void devmem__buffer_id_give_back(uint16_t id);

#endif
