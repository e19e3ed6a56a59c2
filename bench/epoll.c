// SPDX-License-Identifier: MIT
/* A receiver without libdevmem: epoll, and recv() into ordinary memory, with a single buffer that
 * is reused at once. libdevmem's engine "copy" is compared with it. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "setup.h"

/* Million instructions per GiB, counted in the lab: 64 KiB 352, 256 KiB 327, 512 KiB 322, 1 MiB
 * 317, 4 MiB 322. */
#define ROOM   (1u << 20)
#define EVENTS 64

static unsigned char *memory;
static size_t room;

static int watch(const struct bench *b)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	bench_lowat(b, 0);
	for (unsigned int i = 0; i < b->connections; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, b->fd[i], &e))
			bench_die("epoll: %s", strerror(errno));
	}
	return epoll;
}

/* Receives with one call: if there is more, epoll says so again. True: the stream has ended. */
static bool readable(struct bench *b, unsigned int connection, struct bench_result *r)
{
	ssize_t n = recv(b->fd[connection], memory, room, MSG_DONTWAIT);

	r->enter_calls++;
	if (n < 0 && errno != EAGAIN)
		bench_die("a connection broke: %s", strerror(errno));
	if (n <= 0)
		return !n;
	r->completions++;
	r->bytes += (uint64_t)n;
	if (b->verify)
		bench_check(b, connection, memory, (size_t)n);
	return false;
}

static void receive(struct bench *b, int epoll, struct bench_result *r)
{
	unsigned int open = b->connections;
	struct epoll_event e[EVENTS];

	while (open) {
		int n = epoll_wait(epoll, e, EVENTS, -1);

		r->enter_calls++;
		for (int i = 0; i < n; i++) {
			if (!readable(b, e[i].data.u32, r))
				continue;
			epoll_ctl(epoll, EPOLL_CTL_DEL, b->fd[e[i].data.u32], NULL);
			open--;
		}
	}
}

int main(int argc, char **argv)
{
	struct bench_result r = { .engine = "none, epoll" };
	struct bench b;
	int epoll;

	bench_parse(&b, "epoll", argc, argv);
	room = b.buffer_bytes ? b.buffer_bytes : ROOM;
	memory = mmap(NULL, room, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		bench_die("no memory");
	bench_listen(&b);
	bench_accept(&b);
	epoll = watch(&b);
	bench_begin(&b, &r);
	receive(&b, epoll, &r);
	bench_end(&r);
	bench_result(&b, &r);
	close(epoll);
	bench_close(&b);
	return 0;
}
