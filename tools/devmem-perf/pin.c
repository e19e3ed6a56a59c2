// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pin.h"
#include "sysfs.h"

static void add(struct pin_list *list, long cpu)
{
	for (unsigned int i = 0; i < list->n; i++)
		if (list->cpu[i] == cpu)
			return;
	if (list->n < PIN_MAX)
		list->cpu[list->n++] = (int)cpu;
}

static bool number(const char **text, long *n)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*n = strtol(*text, &end, 10);
	*text = end;
	return *n < CPU_SETSIZE;
}

static bool add_all(struct pin_list *list, const char *text)
{
	long first, last;

	for (;;) {
		if (!number(&text, &first))
			return false;
		last = first;
		if (*text == '-' && (text++, !number(&text, &last)))
			return false;
		if (last < first)
			return false;
		for (long cpu = first; cpu <= last; cpu++)
			add(list, cpu);
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

bool pin_parse(struct pin_list *list, const char *text)
{
	list->n = 0;
	return add_all(list, text) && list->n;
}

static int by_number(const void *a, const void *b)
{
	const int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Collects the numbers of its interrupts, which are the names of files. */
static unsigned int interrupts(const char *folder, int *number_of, unsigned int room)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && n < room && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			number_of[n++] = atoi(entry->d_name);
	if (dir)
		closedir(dir);
	qsort(number_of, n, sizeof(*number_of), by_number);
	return n;
}

bool pin_near(struct pin_list *list, const char *root, const char *interface, const char **why)
{
	char path[PATH_MAX], line[4096];
	int irq[PIN_MAX];
	unsigned int n;

	list->n = 0;
	snprintf(path, sizeof(path), "%s/sys/class/net/%s/device/msi_irqs", root, interface);
	n = interrupts(path, irq, PIN_MAX);
	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/proc/irq/%d/effective_affinity_list", root,
			 irq[i]);
		if (sysfs_line(path, line, sizeof(line)))
			add_all(list, line);
	}
	*why = "they take the interface's interrupts";
	if (list->n)
		return true;
	snprintf(path, sizeof(path), "%s/sys/class/net/%s/device/local_cpulist", root, interface);
	*why = "they are near the interface";
	if (sysfs_line(path, line, sizeof(line)) && pin_parse(list, line))
		return true;
	*why = "neither interrupts of the interface nor processors near it are known here: name "
	       "the processors";
	return false;
}

int pin_thread(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}
