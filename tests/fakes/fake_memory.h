/* SPDX-License-Identifier: MIT */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include "fake_impl.h"

/* While it is held nothing goes away. fake_memory_at() only then: NULL if not all of it is there
 * and may be accessed. */
void fake_memory_hold(void);
void fake_memory_let_go(void);
void *fake_memory_at(unsigned long long address, size_t bytes);

#endif
