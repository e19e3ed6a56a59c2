// SPDX-License-Identifier: MIT
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "netlink/probe.h"
#include "netlink/netdev.h"
#include "base/uapi_sock.h"

#define NO_INTERFACE INT32_MAX /* an index that none has */
#define LARGE_PAGE   65536u
#define MOST_PIECES  45u /* [net/Kconfig: MAX_SKB_FRAGS] */

/* Passes tokens of an invalid length, which only a kernel that has the option complains about.
 * [net/core/sock.c: sock_devmem_dontneed()] */
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

/* Was the kernel built without CONFIG_NET_DEVMEM? It has the netlink command all the same. */
static bool configured_out(void)
{
	char path[sizeof("/boot/config-") + sizeof(((struct utsname *)0)->release)];
	struct utsname u = { 0 };
	bool out = false;
	char line[128];
	FILE *f;

	uname(&u);
	snprintf(path, sizeof(path), "/boot/config-%s", u.release);
	f = fopen(path, "re");
	while (f && !out && fgets(line, sizeof(line), f))
		out = !strcmp(line, "# CONFIG_NET_DEVMEM is not set\n");
	if (f)
		fclose(f);
	return out;
}

const char *devmem__kernel_lacks(bool *may_bind)
{
	struct devmem__nl nl = { 0 };
	int closed = devmem__nl_open(&nl, "netdev"),
	    err = closed ? closed : devmem__netdev_ask_bind(&nl, 0, 0, 0);

	devmem__nl_close(&nl);
	*may_bind = err != -EPERM;
	if (closed)
		return devmem_error();
	if (err == -EOPNOTSUPP)
		return "it has no netlink command to bind device memory";
	if (!has_socket_option())
		return "its sockets do not know SO_DEVMEM_DONTNEED";
	return configured_out() ? "it was built without CONFIG_NET_DEVMEM" : NULL;
}

/* The kernel checks attributes before it looks for the interface: an unknown one gives -EINVAL. */
bool devmem__kernel_has_page_sizes(void)
{
	struct devmem__nl nl = { 0 };
	int err = devmem__nl_open(&nl, "netdev");

	if (!err)
		err = devmem__netdev_ask_bind(&nl, NO_INTERFACE, 0, LARGE_PAGE);
	devmem__nl_close(&nl);
	return err == -ENODEV || err == -EBADF;
}

bool devmem__kernel_sends(void)
{
	struct devmem__nl nl = { 0 };
	int err = devmem__nl_open(&nl, "netdev");

	if (!err)
		err = devmem__netdev_ask_send(&nl, NO_INTERFACE);
	devmem__nl_close(&nl);
	return err == -ENODEV || err == -EBADF;
}

/* [net/core/sysctl_net_core.c: in the first network namespace alone] */
unsigned int devmem__kernel_pieces(void)
{
	FILE *f = fopen("/proc/sys/net/core/max_skb_frags", "re");
	unsigned int n = MOST_PIECES;

	if (f && fscanf(f, "%u", &n) != 1)
		n = MOST_PIECES;
	if (f)
		fclose(f);
	return n;
}

bool devmem__kernel_has_zcrx(void)
{
	struct io_uring_probe *probe = io_uring_get_probe();
	bool has = probe && io_uring_opcode_supported(probe, DEVMEM_IORING_OP_RECV_ZC);

	io_uring_free_probe(probe);
	return has;
}
