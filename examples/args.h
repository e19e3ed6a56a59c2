/* SPDX-License-Identifier: MIT */
/* Numbers on the command line; what is none ends the program with a sentence and status 2. */
#ifndef ARGS_H
#define ARGS_H

#include <stdint.h>

unsigned int arg_number(const char *text, unsigned int most); /* from 1 to @most */
double arg_seconds(const char *text);			      /* 0, 0.5, 60 */
uint64_t arg_bytes(const char *text);			      /* 5000, 64K, 16M, 1G */

#endif
