/* SPDX-License-Identifier: MIT */
/* Bindings, as sockets see them. */
#ifndef DEVMEM_BIND_H
#define DEVMEM_BIND_H

#include "internal.h"

void devmem__binding_ref(struct devmem_binding *binding);
uint16_t devmem__binding_buffer_id(const struct devmem_binding *binding);
size_t devmem__binding_bytes(const struct devmem_binding *binding);
const char *devmem__binding_backend(const struct devmem_binding *binding);
unsigned int devmem__binding_ifindex(const struct devmem_binding *binding);

/*
 * devmem__binding_out() - so many more fragments are out; any thread. Returns how many bytes of the buffer they are
 * all together, at most, if that has just become too many, and 0 otherwise.
 */
uint64_t devmem__binding_out(struct devmem_binding *binding, size_t tokens);
void devmem__binding_back(struct devmem_binding *binding, size_t tokens);

/* devmem__binding_misplaced() - set the sentence for flows that arrive on @queue (or -errno). Returns @queue. */
int devmem__binding_misplaced(const struct devmem_binding *binding, int queue);

int devmem__binding_queue_of_napi(const struct devmem_binding *binding, unsigned int napi_id);

#endif
