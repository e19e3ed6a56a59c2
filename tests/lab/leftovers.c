// SPDX-License-Identifier: MIT
/* What a test may leave: nothing. */
#include <dirent.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lab.h"

unsigned int lab_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* A sanitizer maps memory of its own at any moment. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

/* In a process that was forked, memory that grows does not become one mapping with what was there
 * before the fork. [mm/vma.c: is_mergeable_anon_vma()] It counts as one all the same. */
unsigned int lab_mappings(void)
{
	FILE *f = SANITIZED ? NULL : fopen("/proc/self/maps", "re");
	unsigned long start, end, last_end = 0;
	char line[512], what[64], last[64] = "";
	unsigned int n = 0;

	if (SANITIZED)
		return 0;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		assert_int_equal(sscanf(line, "%lx-%lx %63[^\n]", &start, &end, what), 3);
		n += start != last_end || strcmp(what, last) || !strstr(what, " 00:00 0 ");
		last_end = end;
		strcpy(last, what);
	}
	fclose(f);
	return n;
}

static unsigned int dmabufs(void)
{
	FILE *f = fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
	unsigned int n = 0;
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Total %u objects", &n);
	fclose(f);
	return n;
}

/* What was freed on another processor waits there for a packet. [net/core/skbuff.c:
 * skb_attempt_defer_free] */
static void packet_on_each_processor(void)
{
	struct sockaddr_in discard = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cpu_set_t all, one;

	discard.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sched_getaffinity(0, sizeof(all), &all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		sendto(fd, "", 1, 0, (struct sockaddr *)&discard, sizeof(discard));
	}
	sched_setaffinity(0, sizeof(all), &all);
	close(fd);
}

/* The kernel's list names the device of each attachment, and does not hold it: reading the list
 * after the device is gone stops the machine. [drivers/dma-buf/dma-buf.c: dma_buf_debug_show()] */
unsigned int lab_dmabufs(void)
{
	if (lab_in("lo") || lab_device_is_gone())
		return 0;
	for (int i = 0; i < 500 && dmabufs(); i++) {
		packet_on_each_processor();
		usleep(20000);
	}
	return dmabufs();
}

#define TUNABLES   "GLIBC_TUNABLES"
#define MAPS_BYTES (256u << 10)

/* The C library maps two pages for the first random number, and keeps them. [glibc 2.41:
 * getrandom() in the vDSO] */
static void have_first_random_number(void)
{
	char byte;

	assert_int_equal(getrandom(&byte, 1, 0), 1);
}

void lab_count_mappings(char **argv)
{
	have_first_random_number();
	if (getenv(TUNABLES))
		return;
	setenv(TUNABLES, "glibc.pthread.stack_cache_size=0:glibc.malloc.arena_max=1", 1);
	execv("/proc/self/exe", argv);
	perror("execv");
	exit(1);
}

static struct {
	char *view, *maps;
	unsigned int fds, mappings;
} before;

static char *read_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char *text = calloc(1, MAPS_BYTES);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, MAPS_BYTES - 1, f) > 0);
	fclose(f);
	return text;
}

/* One of them may be the one that was left; others may only have grown. */
static void show_new_mappings(void)
{
	char *now = read_maps(), *rest = now, *line;

	while ((line = strsep(&rest, "\n")))
		if (before.maps && !strstr(before.maps, line))
			printf("not there before: %s\n", line);
	free(now);
}

int lab_look_before(void **state)
{
	(void)state;
	free(before.view);
	before.view = lab_nic_view();
	before.fds = lab_open_fds();
	if (getenv(TUNABLES)) {
		free(before.maps);
		before.maps = read_maps();
		before.mappings = lab_mappings();
	}
	return 0;
}

bool lab_same_view(const char *was)
{
	char *now = lab_nic_view();
	bool same = !strcmp(was, now);

	if (!same) {
		FILE *a = fopen("/tmp/was", "we"), *b = fopen("/tmp/is", "we");

		assert_non_null(a);
		assert_non_null(b);
		fputs(was, a);
		fputs(now, b);
		fclose(a);
		fclose(b);
		(void)!system("diff -U 1 /tmp/was /tmp/is");
	}
	free(now);
	return same;
}

bool lab_is_changed(void)
{
	char *now = lab_nic_view();
	bool changed = strcmp(before.view, now);

	free(now);
	return changed;
}

bool lab_as_before(void)
{
	return lab_same_view(before.view);
}

void lab_nothing_is_left(void)
{
	assert_int_equal(lab_open_fds(), before.fds);
	assert_int_equal(lab_dmabufs(), 0);
	if (!getenv(TUNABLES))
		return;
	if (lab_mappings() != before.mappings)
		show_new_mappings();
	assert_int_equal(lab_mappings(), before.mappings);
}

int lab_look_after(void **state)
{
	(void)state;
	assert_true(lab_as_before());
	lab_nothing_is_left();
	return 0;
}
