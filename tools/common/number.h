/* SPDX-License-Identifier: MIT */
/* Numbers on a command line. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* number_parse() - decimal digits, or hexadecimal with 0x as ncdevmem takes it. @units: K, M or G
 * may follow. False: not a number, or more than @max. */
bool number_parse(const char *text, uint64_t max, bool units, uint64_t *out);

#endif
