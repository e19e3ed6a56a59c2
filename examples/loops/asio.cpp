// SPDX-License-Identifier: MIT
// loop_asio INTERFACE PORT CONNECTIONS: a ring in an asio loop (https://think-async.com), in C++17.
#include <asio.hpp>
#include <functional>

#include "receiver.h"

using descriptor = asio::posix::stream_descriptor;

// Calls @handle each time that @fd is readable.
static void each_time(descriptor &fd, const std::function<void()> &handle)
{
	fd.async_wait(descriptor::wait_read, [&fd, handle](const asio::error_code &error) {
		if (error) // the loop ends
			return;
		handle();
		each_time(fd, handle);
	});
}

int main(int argc, char **argv)
{
	receiver r;
	receiver_open(&r, argc, argv);
	{
		asio::io_context loop(1);
		descriptor ring(loop, r.ring_fd), listener(loop, r.listener);
		each_time(ring, [&] {
			if (receiver_take(&r))
				loop.stop();
		});
		each_time(listener, [&] { receiver_accept(&r); }); // makes the ring readable
		loop.run();
		// both descriptors are the receiver's: asio must not close them
		ring.release();
		listener.release();
	}
	return receiver_close(&r);
}
