/* SPDX-License-Identifier: MIT */
/* Processors for the threads. */
#ifndef PIN_H
#define PIN_H

#include <stdbool.h>
#include <stddef.h>

#define PIN_MAX 1024

struct pin_list {
	unsigned int n;
	int cpu[PIN_MAX];
};

/* pin_parse() - "0,2,4-7", as the kernel writes it too. false: it is none, or of none. */
bool pin_parse(struct pin_list *list, const char *text);

/*
 * pin_near() - those that take the interrupts of an interface, each once; or else those near it.
 * @root: "", or a folder that holds another /proc and /sys, for tests. Sets @why to where that is
 * from. false: nothing can be told, and @why says so.
 */
bool pin_near(struct pin_list *list, const char *root, const char *interface, const char **why);

/* pin_thread() - this thread to that one. 0 or a negative errno. */
int pin_thread(int cpu);

#endif
