// SPDX-License-Identifier: MIT
/* receive INTERFACE PORT: one connection into device memory. From bash: yes devmem | head -c 16M
 * >/dev/tcp/localhost/PORT */
#include <devmem/devmem.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#define MUST(call) ((call) < 0 ? errx(1, "%s: %s", #call, devmem_error()) : (void)0)

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_port = htons(argc == 3 ? (uint16_t)atoi(argv[2]) : 0) };
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	struct devmem_sock *sock;
	struct devmem_event ev = { 0 };
	struct devmem_stats stats = { .size = sizeof(stats) };
	int n, fd, listener = socket(AF_INET, SOCK_STREAM, 0);
	size_t total = 0, wrong = 0;
	/* of what lies in device memory, which the processor should not need to look at */
	static char copy[4 << 20];

	if (argc != 3 || bind(listener, (struct sockaddr *)&here, sizeof(here)))
		err(2, "receive INTERFACE PORT");
	MUST(devmem_buffer_create(NULL, sizeof(copy), NULL, &buffer));
	MUST(devmem_nic_open(argv[1], NULL, &nic));
	MUST(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 1), &binding));
	MUST(devmem_steer(binding, (struct sockaddr *)&here, NULL));
	MUST(devmem_ring_open(NULL, &ring));
	/* not before: what comes before the rule is copied */
	devmem_guard(listener);
	if (listen(listener, 1))
		err(1, "listen");
	/* a connection that breaks, or is silent for a minute, makes way for the next */
	while (ev.type != DEVMEM_EVENT_END) {
		while ((fd = accept(listener, NULL, NULL)) < 0 &&
		       (errno == EINTR || errno == ECONNABORTED))
			;
		MUST(devmem_attach(ring, fd, binding, 0, NULL, &sock));
		for (total = wrong = ev.type = 0, n = 1;
		     n && ev.type != DEVMEM_EVENT_END && ev.type != DEVMEM_EVENT_ERROR;) {
			/* a signal that ends nothing: SIGCONT */
			while ((n = devmem_wait(ring, &ev, 1, 60000)) == -EINTR)
				;
			MUST(n > 0 && ev.type == DEVMEM_EVENT_DATA
				     ? devmem_buffer_read(buffer, ev.offset, copy, ev.length)
				     : n);
			const char *came = ev.type == DEVMEM_EVENT_HOST
						   ? (const char *)(uintptr_t)ev.address
						   : copy;
			for (uint32_t i = 0; n && ev.type <= DEVMEM_EVENT_HOST && i < ev.length;
			     i++)
				wrong += came[i] != "devmem\n"[total++ % 7];
			MUST(devmem_release(ring, &ev, (unsigned int)n));
		}
		shutdown(fd, SHUT_RDWR), devmem_detach(sock), close(fd);
	}
	devmem_ring_stats(ring, &stats);
	printf("engine %s: %zu bytes, %zu without a copy, %zu wrong\n",
	       devmem_binding_engine(binding, NULL), total, (size_t)stats.bytes_device, wrong);
	devmem_ring_close(ring), devmem_binding_close(binding), devmem_nic_close(nic),
		devmem_buffer_close(buffer);
	return wrong != 0;
}
