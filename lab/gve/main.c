// SPDX-License-Identifier: MIT
/*
 * Two devices of Google's virtual Ethernet, near and far, linked by a wire: see README.md. One
 * thread serves both connections of QEMU, so whatever a message leads to happens at once and in
 * order.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"
#include "server.h"

static struct device devices[2];

/* Waits for QEMU on both sockets: it connects to one after the other, before the guest runs. */
static bool accept_one(struct pollfd *p)
{
	const int fd = accept(p->fd, NULL, NULL);

	close(p->fd);
	p->fd = fd;
	return fd >= 0;
}

static int earlier(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static void hang_up(struct device *d, struct pollfd *p)
{
	close(p->fd);
	p->fd = -1;
	dma_unmap_all(&d->dma);
	device_reset(d);
}

static int serve(struct pollfd polls[2])
{
	bool connected[2] = { false, false };

	while (polls[0].fd >= 0 || polls[1].fd >= 0) {
		const int wait = earlier(wire_run(&devices[0]), wire_run(&devices[1]));

		if (poll(polls, 2, wait) < 0) {
			if (errno != EINTR)
				return 1;
			continue; /* revents are those of the last time */
		}
		for (int i = 0; i < 2; i++) {
			if (polls[i].fd < 0 || !polls[i].revents)
				continue;
			if (!connected[i])
				connected[i] = accept_one(&polls[i]);
			else if (!server_serve(&devices[i], polls[i].fd))
				hang_up(&devices[i], &polls[i]);
		}
	}
	return 0;
}

static void close_devices(void)
{
	for (int i = 0; i < 2; i++) {
		irq_close(&devices[i].irqs);
		wire_free(&devices[i].wire);
	}
}

int main(int argc, char **argv)
{
	struct pollfd polls[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct params params[2];
	int status;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		params_help();
		return 0;
	}
	if (argc < 4) {
		fprintf(stderr, "gve_model: SOCKET0 SOCKET1 COMPLAINTS [PARAMETER=VALUE]... "
				"(--help)\n");
		return 2;
	}
	if (!params_read(params, argv + 4))
		return 2;
	if (!complain_to(argv[3]))
		return 1;
	device_init(&devices[0], "near", &params[0], &devices[1]);
	device_init(&devices[1], "far", &params[1], &devices[0]);
	for (int i = 0; i < 2; i++) {
		polls[i].fd = server_listen(argv[1 + i]);
		if (polls[i].fd < 0)
			return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	status = serve(polls);
	close_devices();
	return status;
}
