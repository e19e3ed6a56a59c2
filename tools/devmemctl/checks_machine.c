// SPDX-License-Identifier: MIT
/* The kernel and this process: what every interface needs. */
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "checks.h"
#include "netdev.h"
#include "sysfs.h"
#include "uapi_sock.h"

#define NEWER	"boot Linux 6.12 or later with CONFIG_NET_DEVMEM"

#define OP_RECV_ZC	58	/* IORING_OP_RECV_ZC (6.15) */
#define CAP_IPC_LOCK	14
#define MEMLOCK_ENOUGH	(1u << 20) /* rings and their receive buffers' table take some hundred KiB */

/* Tokens of a length that is none: a kernel that knows the option says so. [net/core/sock.c: sock_devmem_dontneed()] */
static bool has_socket_option(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), four = 0, err;

	if (fd < 0)
		fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	err = setsockopt(fd, SOL_SOCKET, DEVMEM_SO_DONTNEED, &four, sizeof(four)) ? errno : 0;
	close(fd);
	return err && err != ENOPROTOOPT;
}

/* Some distributions leave it out, and then the netlink command is there all the same. */
static bool configured_out(const char *release)
{
	char path[sizeof("/boot/config-") + sizeof(((struct utsname *)0)->release)];
	bool out = false;
	char line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/boot/config-%s", release);
	f = fopen(path, "re");
	while (f && !out && fgets(line, sizeof(line), f))
		out = !strcmp(line, "# CONFIG_NET_DEVMEM is not set\n");
	if (f)
		fclose(f);
	return out;
}

static void check_kernel(struct report *r, struct machine *m)
{
	struct devmem__nl nl = { 0 };
	struct utsname u = { 0 };
	int closed = devmem__nl_open(&nl, "netdev"), err = closed ? closed : devmem__netdev_ask_bind(&nl, 0, 0);
	const char *lacks = NULL;

	uname(&u);
	devmem__nl_close(&nl);
	m->may_bind = err != -EPERM;
	if (closed && closed != -EOPNOTSUPP)
		lacks = devmem_error();
	else if (err == -EOPNOTSUPP)
		lacks = "it has no netlink command to bind device memory";
	else if (!has_socket_option())
		lacks = "its sockets do not know SO_DEVMEM_DONTNEED";
	else if (configured_out(u.release))
		lacks = "it was built without CONFIG_NET_DEVMEM";
	m->kernel = !lacks;
	if (lacks) {
		report_add(r, PROBLEM, "kernel", "Linux %s: %s", u.release, lacks);
		report_todo(r, NEWER);
	} else {
		report_add(r, OK, "kernel", "Linux %s knows device memory", u.release);
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
	report_add(r, PROBLEM, "privileges", "binding device memory needs CAP_NET_ADMIN, which this process has not "
		   "(before Linux 7.2 it must be the machine's, not a container's)");
	report_todo(r, "run as root, or: setcap cap_net_admin+ep PROGRAM");
}

static bool has_zcrx(void)
{
	struct io_uring_probe *probe = io_uring_get_probe();
	bool has = probe && io_uring_opcode_supported(probe, OP_RECV_ZC);

	io_uring_free_probe(probe);
	return has;
}

static void check_uring(struct report *r)
{
	struct devmem_ring *ring;
	int64_t disabled;
	int err = devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "devmem"), &ring);

	if (!err) {
		devmem_ring_close(ring);
		report_add(r, OK, "io_uring", "multishot receive works; zero-copy receive of its own (zcrx) is %s",
			   has_zcrx() ? "there, too" : "not there (Linux 6.15)");
		return;
	}
	report_add(r, WARNING, "io_uring", "%s; plain system calls serve instead, at a higher price", devmem_error());
	if (sysfs_number("/proc/sys/kernel/io_uring_disabled", &disabled) && disabled)
		report_todo(r, "sysctl kernel.io_uring_disabled=0");
	else
		report_todo(r, err == -EPERM ? "allow io_uring in the container's seccomp profile" :
			    "boot Linux 6.12 or later with CONFIG_IO_URING");
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

/* io_uring counts its rings and buffer tables, and zcrx its refill ring; a dma-buf's memory is not counted. */
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
	report_add(r, WARNING, "memlock", "%s of locked memory are few for io_uring's rings", words);
	report_todo(r, "ulimit -l unlimited");
}

void check_machine(struct report *r, struct machine *m)
{
	check_kernel(r, m);
	check_privileges(r, m);
	check_uring(r);
	check_memlock(r);
}
