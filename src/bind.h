/* SPDX-License-Identifier: MIT */
/* Bindings, as sockets see them. */
#ifndef DEVMEM_BIND_H
#define DEVMEM_BIND_H

#include "internal.h"

void devmem__binding_ref(struct devmem_binding *binding);
uint16_t devmem__binding_buffer_id(const struct devmem_binding *binding);
size_t devmem__binding_bytes(const struct devmem_binding *binding);
int devmem__binding_queue_of_napi(const struct devmem_binding *binding, unsigned int napi_id);

#endif
