/* SPDX-License-Identifier: MIT */
/* What a mistyped word was meant to be. */
#ifndef SUGGEST_H
#define SUGGEST_H

#include <stddef.h>

/* suggest() - returns the one of the @n names that is most like the word. NULL: none is like it. */
const char *suggest(const char *word, const char *const *names, size_t n);

#endif
