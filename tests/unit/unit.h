/* SPDX-License-Identifier: MIT */
/* cmocka wants these four before it, in this order. */
#ifndef UNIT_H
#define UNIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#endif
