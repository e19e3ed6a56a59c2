// SPDX-License-Identifier: MIT
/* receive INTERFACE PORT: one connection into device memory. From bash: yes devmem | head -c 16M >/dev/tcp/localhost/PORT */
#include <devmem/devmem.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(call) ((call) < 0 ? errx(1, "%s: %s", #call, devmem_error()) : (void)0)

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(argc == 3 ? (uint16_t)atoi(argv[2]) : 0) };
	struct devmem_buffer *buffer; struct devmem_nic *nic; struct devmem_binding *binding;
	struct devmem_ring *ring; struct devmem_sock *sock; struct devmem_event ev; size_t total = 0, wrong = 0;
	struct devmem_stats stats = { .size = sizeof(stats) }; int listener = socket(AF_INET, SOCK_STREAM, 0);
	static char copy[4 << 20];	/* of what lies in device memory, which the processor should not need to look at */

	if (argc != 3 || bind(listener, (struct sockaddr *)&here, sizeof(here)))
		err(2, "receive INTERFACE PORT");
	MUST(devmem_buffer_create(NULL, sizeof(copy), NULL, &buffer));
	MUST(devmem_nic_open(argv[1], NULL, &nic));
	MUST(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 1), &binding));
	MUST(devmem_steer(binding, (struct sockaddr *)&here, NULL));
	MUST(devmem_ring_open(NULL, &ring));
	if (listen(listener, 1)) err(1, "listen");	/* not before: what comes before the rule is there is copied */
	MUST(devmem_attach(ring, accept(listener, NULL, NULL), binding, 0, NULL, &sock));
	do {
		MUST(devmem_wait(ring, &ev, 1, -1));
		const char *came = ev.type == DEVMEM_EVENT_HOST ? (const char *)(uintptr_t)ev.offset : copy;
		MUST(ev.type == DEVMEM_EVENT_DATA ? devmem_buffer_read(buffer, ev.offset, copy, ev.length) : 0);
		for (uint32_t i = 0; ev.type <= DEVMEM_EVENT_HOST && i < ev.length; i++)
			wrong += came[i] != "devmem\n"[total++ % 7];
		MUST(devmem_release(ring, &ev, 1));
	} while (ev.type != DEVMEM_EVENT_END && ev.type != DEVMEM_EVENT_ERROR);
	devmem_ring_stats(ring, &stats), printf("engine %s: %zu bytes, %zu without a copy, %zu wrong\n",
						devmem_binding_engine(binding, NULL), total, (size_t)stats.bytes_device, wrong);
	devmem_ring_close(ring), devmem_binding_close(binding), devmem_nic_close(nic), devmem_buffer_close(buffer);
	return wrong || ev.type != DEVMEM_EVENT_END;
}
