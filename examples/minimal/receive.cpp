// SPDX-License-Identifier: MIT
// receive INTERFACE PORT: what receive.c does, in C++17. Whatever was opened is closed by itself,
// the last first.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <devmem/devmem.h>
#include <memory>
#include <netinet/in.h>
#include <stdexcept>
#include <unistd.h>
#include <vector>

static void must(int result)
{
	if (result < 0)
		throw std::runtime_error(devmem_error());
}

template <auto close> struct closer {
	template <typename T> void operator()(T *it) const
	{
		close(it);
	}
};

// The last parameter of whatever opens something is where that comes out.
template <typename T, auto close, typename Open, typename... Args>
auto opened(Open open, Args... args)
{
	T *it = nullptr;
	must(open(args..., &it));
	return std::unique_ptr<T, closer<close>>(it);
}

struct endpoint {
	const int fd;
	explicit endpoint(int opened) : fd(opened)
	{
	}
	endpoint(const endpoint &) = delete;
	~endpoint()
	{
		shutdown(fd, SHUT_RDWR), close(fd);
	}
};

static int receive(const char *interface, sockaddr_in here)
{
	const auto *address = reinterpret_cast<const sockaddr *>(&here);
	const endpoint listener(socket(AF_INET, SOCK_STREAM, 0));
	if (bind(listener.fd, address, sizeof(here)))
		throw std::runtime_error("cannot listen there");
	// of what lies in device memory, which the processor should not need to look at
	std::vector<char> copy(4 << 20);
	auto buffer = opened<devmem_buffer, devmem_buffer_close>(devmem_buffer_create, nullptr,
								 copy.size(), nullptr);
	auto nic = opened<devmem_nic, devmem_nic_close>(devmem_nic_open, interface, nullptr);
	auto binding = opened<devmem_binding, devmem_binding_close>(devmem_bind_rx, nic.get(),
								    buffer.get(),
								    DEVMEM_OPTS(devmem_bind_opts,
										.queues = 1));
	must(devmem_steer(binding.get(), address, nullptr));
	auto ring = opened<devmem_ring, devmem_ring_close>(devmem_ring_open, nullptr);
	devmem_guard(listener.fd);
	if (listen(listener.fd, 1)) // not before: what comes before the rule is there is copied
		throw std::runtime_error("cannot listen there");
	devmem_event ev{};
	size_t total = 0, wrong = 0;
	// one that breaks, or says nothing for a minute, makes way for the next
	while (ev.type != DEVMEM_EVENT_END) {
		const endpoint fd(accept(listener.fd, nullptr, nullptr));
		if (fd.fd < 0 && errno != EINTR && errno != ECONNABORTED)
			throw std::runtime_error("cannot accept");
		if (fd.fd < 0) // a signal, or that connection is gone
			continue;
		devmem_sock *attached = nullptr;
		if (devmem_attach(ring.get(), fd.fd, binding.get(), 0, nullptr, &attached)) {
			std::fprintf(stderr, "%s\n", devmem_error());
			continue;
		}
		const std::unique_ptr<devmem_sock, closer<devmem_detach>> sock(attached);
		for (total = wrong = ev.type = 0;
		     ev.type != DEVMEM_EVENT_END && ev.type != DEVMEM_EVENT_ERROR;) {
			const int n = devmem_wait(ring.get(), &ev, 1, 60000);
			if (n == -EINTR) // a signal that ends nothing: SIGCONT
				continue;
			must(n);
			if (!n)
				break;
			auto *came = ev.type == DEVMEM_EVENT_HOST
					     ? reinterpret_cast<const char *>(ev.address)
					     : copy.data();
			if (ev.type == DEVMEM_EVENT_DATA)
				must(devmem_buffer_read(buffer.get(), ev.offset, copy.data(),
							ev.length));
			for (uint32_t i = 0; ev.type <= DEVMEM_EVENT_HOST && i < ev.length; i++)
				wrong += came[i] != "devmem\n"[total++ % 7];
			must(devmem_release(ring.get(), &ev, 1));
		}
		if (ev.type != DEVMEM_EVENT_END)
			std::fprintf(stderr, "a connection broke or fell silent: on to the next\n");
	}
	devmem_stats stats{};
	stats.size = sizeof(stats);
	must(devmem_ring_stats(ring.get(), &stats));
	std::printf("engine %s: %zu bytes, %zu without a copy, %zu wrong\n",
		    devmem_binding_engine(binding.get(), nullptr), total,
		    static_cast<size_t>(stats.bytes_device), wrong);
	return wrong != 0;
}

int main(int argc, char **argv)
try {
	sockaddr_in here{};
	here.sin_family = AF_INET;
	here.sin_port = htons(argc == 3 ? static_cast<uint16_t>(std::atoi(argv[2])) : 0);
	return argc == 3 ? receive(argv[1], here)
			 : throw std::runtime_error("receive INTERFACE PORT");
} catch (const std::exception &error) {
	std::fprintf(stderr, "%s\n", error.what());
	return 2;
}
