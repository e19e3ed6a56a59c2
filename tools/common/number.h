/* SPDX-License-Identifier: MIT */
/* Numbers on a command line. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* number_parse() - digits, or hexadecimal as ncdevmem takes it; @units: and K, M or G. false: it is
 * none, or more than @max. */
bool number_parse(const char *text, uint64_t max, bool units, uint64_t *out);

#endif
