/* SPDX-License-Identifier: MIT */
/* Numbers on the command line. A wrong one ends the program with an error message and status 2. */
#ifndef ARGS_H
#define ARGS_H

#include <stdint.h>

unsigned int arg_number(const char *text, unsigned int most); /* from 1 to @most */
double arg_seconds(const char *text);			      /* such as 0, 0.5 or 60 */
uint64_t arg_bytes(const char *text);			      /* such as 5000, 64K, 16M or 1G */

#endif
