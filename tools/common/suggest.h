/* SPDX-License-Identifier: MIT */
/* What a mistyped word was meant to be. */
#ifndef SUGGEST_H
#define SUGGEST_H

#include <getopt.h>
#include <stddef.h>

/* suggest() - returns the one of the @n names that is most like the word. NULL: none is like it. */
const char *suggest(const char *word, const char *const *names, size_t n);

/* suggest_option() - the same for an option as it was typed, "--bufer=8": the name, without dashes,
 * of the one in getopt's table. */
const char *suggest_option(const char *word, const struct option *longs);

#endif
