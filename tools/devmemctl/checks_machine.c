// SPDX-License-Identifier: MIT
/* The kernel and this process, which matter for every interface. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "checks.h"
#include "netlink/probe.h"
#include "sysfs.h"

#define NEWER "boot Linux 6.12 or later with CONFIG_NET_DEVMEM"

#define CAP_IPC_LOCK 14
/* rings and their receive buffers' tables take some hundred KiB */
#define MEMLOCK_ENOUGH (1u << 20)

static void check_kernel(struct report *r, struct machine *m)
{
	const char *lacks = devmem__kernel_lacks(&m->may_bind);
	struct utsname u = { 0 };

	uname(&u);
	m->kernel = !lacks;
	if (lacks) {
		report_add(r, PROBLEM, "kernel", "Linux %s: %s", u.release, lacks);
		report_todo(r, NEWER);
	} else {
		report_add(r, OK, "kernel", "Linux %s supports device memory", u.release);
	}
}

static void check_privileges(struct report *r, const struct machine *m)
{
	if (!m->kernel)
		return;
	if (m->may_bind) {
		report_add(r, OK, "privileges", "this process may bind device memory");
		return;
	}
	report_add(r, PROBLEM, "privileges",
		   "binding device memory needs CAP_NET_ADMIN, which this process does not have "
		   "(before Linux 7.2: the machine's, not a container's)");
	report_todo(r, "run as root, or: setcap cap_net_admin+ep PROGRAM");
}

/* Requests io_uring by name to learn the error, and says what would have to change. */
static void advise_uring(struct report *r)
{
	struct devmem_ring *ring;
	int64_t disabled;
	int err = devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "devmem"), &ring);

	if (!err)
		devmem_ring_close(ring);
	else if (sysfs_number("/proc/sys/kernel/io_uring_disabled", &disabled) && disabled)
		report_todo(r, "sysctl kernel.io_uring_disabled=0");
	else if (err == -ENOMEM)
		report_todo(r, "ulimit -l unlimited");
	else if (err == -ENOSYS)
		report_todo(r, "boot Linux 6.12 or later with CONFIG_IO_URING");
	else
		report_todo(r, "allow io_uring_setup, io_uring_enter and io_uring_register in the "
			       "policy that refuses them, such as the container's seccomp profile");
}

/* Opens a ring without naming an engine, as programs do, and says which one the library chooses. */
static void check_uring(struct report *r)
{
	struct devmem_ring *ring;
	const char *reason;

	if (devmem_ring_open(NULL, &ring)) {
		report_add(r, PROBLEM, "io_uring",
			   "cannot open a ring, not even with plain system calls: %s",
			   devmem_error());
		return;
	}
	if (strcmp(devmem_ring_engine(ring, &reason), "syscall")) {
		report_add(r, OK, "io_uring",
			   "multishot receive works; io_uring's zero-copy receive (zcrx) is %s",
			   devmem__kernel_has_zcrx() ? "available, too"
						     : "not available (Linux 6.15)");
	} else {
		report_add(r, WARNING, "io_uring",
			   "%s; plain system calls are used instead, at a higher cost", reason);
		advise_uring(r);
	}
	devmem_ring_close(ring);
}

static bool may_lock(void)
{
	char line[64] = "";
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps & 1ull << CAP_IPC_LOCK;
}

/* io_uring charges its rings and buffer tables to RLIMIT_MEMLOCK, and zcrx its refill ring. A
 * dma-buf's memory is not charged. */
static void check_memlock(struct report *r)
{
	struct rlimit limit;
	char words[32];

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	if (limit.rlim_cur == RLIM_INFINITY || may_lock()) {
		report_add(r, OK, "memlock", "no limit for this process");
		return;
	}
	out_bytes(words, sizeof(words), limit.rlim_cur);
	if (limit.rlim_cur >= MEMLOCK_ENOUGH) {
		report_add(r, OK, "memlock", "%s, which is enough for io_uring", words);
		return;
	}
	report_add(r, WARNING, "memlock",
		   "%s of locked memory may be too little for io_uring's rings", words);
	report_todo(r, "ulimit -l unlimited");
}

void check_machine(struct report *r, struct machine *m)
{
	check_kernel(r, m);
	check_privileges(r, m);
	check_uring(r);
	check_memlock(r);
}
