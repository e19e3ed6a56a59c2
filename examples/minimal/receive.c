// SPDX-License-Identifier: MIT
/* receive INTERFACE PORT: receives one connection into device memory, and checks its bytes.
 * To send to it, in bash: yes devmem | head -c 16M >/dev/tcp/localhost/PORT */
#include <devmem/devmem.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char copy[4 << 20]; /* only to check the bytes: a real program leaves them where they are */
static size_t total, wrong;

static void must(int result, const char *what)
{
	if (result < 0)
		errx(1, "%s: %s", what, devmem_error());
}

/* Receives one connection. False: it broke, or was silent for a minute. */
static bool serve_next(int listener, struct devmem_ring *ring, struct devmem_binding *binding)
{
	struct devmem_event ev = { 0 };
	struct devmem_sock *sock;
	int n, fd = accept(listener, NULL, NULL);

	if (fd < 0)
		err(1, "accept");
	must(devmem_attach(ring, fd, binding, 0, NULL, &sock), "attach");
	for (total = wrong = 0; ev.type != DEVMEM_EVENT_END && ev.type != DEVMEM_EVENT_ERROR;) {
		n = devmem_wait(ring, &ev, 1, 60000);
		if (n == -EINTR) /* a signal, such as SIGCONT, does not end the loop */
			continue;
		must(n, "wait");
		if (!n)
			break;
		if (ev.type == DEVMEM_EVENT_DATA || ev.type == DEVMEM_EVENT_HOST) {
			must(devmem_event_read(ring, &ev, 0, copy, ev.length), "read");
			for (uint32_t i = 0; i < ev.length; i++)
				wrong += copy[i] != "devmem\n"[total++ % 7];
		}
		must(devmem_release(ring, &ev, 1), "release"); /* the bytes are used */
	}
	shutdown(fd, SHUT_RDWR), devmem_detach(sock), close(fd);
	return ev.type == DEVMEM_EVENT_END;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	struct devmem_stats stats = { .size = sizeof(stats) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct devmem_binding *binding;
	struct devmem_buffer *buffer;
	struct devmem_ring *ring;
	struct devmem_nic *nic;

	if (argc != 3)
		errx(2, "usage: receive INTERFACE PORT");
	here.sin_port = htons((uint16_t)atoi(argv[2]));
	must(devmem_buffer_create(NULL, sizeof(copy), NULL, &buffer), "buffer");
	must(devmem_nic_open(argv[1], NULL, &nic), "NIC");
	must(devmem_bind_rx(nic, buffer, NULL, &binding), "bind");
	must(devmem_steer(binding, (struct sockaddr *)&here, NULL), "steer");
	must(devmem_ring_open(NULL, &ring), "ring");
	devmem_guard(listener); /* then listen: what arrives before there is a rule is copied */
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) || listen(listener, 1))
		err(2, "port %s", argv[2]);
	while (!serve_next(listener, ring, binding)) /* one that breaks makes way for the next */
		;
	must(devmem_ring_stats(ring, &stats), "statistics");
	printf("engine %s: %zu bytes, %zu without a copy, %zu wrong\n",
	       devmem_binding_engine(binding, NULL), total, (size_t)stats.bytes_device, wrong);
	devmem_ring_close(ring), devmem_binding_close(binding);
	devmem_nic_close(nic), devmem_buffer_close(buffer);
	return wrong != 0;
}
