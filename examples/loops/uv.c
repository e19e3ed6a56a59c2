// SPDX-License-Identifier: MIT
/* loop_uv INTERFACE PORT CONNECTIONS: a ring in a libuv loop. */
#include <err.h>
#include <uv.h>

#include "receiver.h"

static void check(int status, const char *what)
{
	if (status < 0)
		errx(1, "%s: %s", what, uv_strerror(status));
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	(void)unused;
	uv_close(handle, NULL);
}

static void on_ring(uv_poll_t *poll, int status, int events)
{
	(void)events;
	check(status, "the ring");
	if (receiver_take(poll->loop->data)) /* with no handle left, uv_run() returns */
		uv_walk(poll->loop, close_handle, NULL);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
	(void)events;
	check(status, "the listener");
	receiver_accept(poll->loop->data); /* makes the ring readable */
}

int main(int argc, char **argv)
{
	uv_poll_t ring, listener;
	struct receiver r;
	uv_loop_t loop;

	receiver_open(&r, argc, argv);
	check(uv_loop_init(&loop), "loop");
	loop.data = &r;
	check(uv_poll_init(&loop, &ring, r.ring_fd), "the ring");
	check(uv_poll_init(&loop, &listener, r.listener), "the listener");
	check(uv_poll_start(&ring, UV_READABLE, on_ring), "the ring");
	check(uv_poll_start(&listener, UV_READABLE, on_listener), "the listener");
	uv_run(&loop, UV_RUN_DEFAULT);
	check(uv_loop_close(&loop), "loop");
	return receiver_close(&r);
}
