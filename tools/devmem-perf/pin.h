/* SPDX-License-Identifier: MIT */
/* Pins threads to processors. */
#ifndef PIN_H
#define PIN_H

#include <stdbool.h>
#include <stddef.h>

#define PIN_MAX 1024

struct pin_list {
	unsigned int n;
	int cpu[PIN_MAX];
};

/* pin_parse() - parses a list such as "0,2,4-7", the kernel's format. False: it is malformed or
 * empty. */
bool pin_parse(struct pin_list *list, const char *text);

/*
 * pin_near() - lists the processors that handle the interface's interrupts, each once; if those are
 * unknown, the processors near the interface. @root: "", or for tests a folder that holds another
 * /proc and /sys. Sets @why to the list's source. False: neither is known, and @why says so.
 */
bool pin_near(struct pin_list *list, const char *root, const char *interface, const char **why);

/* pin_thread() - pins the calling thread. Returns 0 or a negative errno. */
int pin_thread(int cpu);

#endif
