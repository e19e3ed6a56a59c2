// SPDX-License-Identifier: MIT
/* The same as tx.c without device memory, as one would write it: blocking send() of ordinary
 * memory. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "setup.h"

static void send_all(const struct bench *b, const unsigned char *memory, struct bench_result *r)
{
	while (r->bytes < b->bytes) {
		uint64_t left = b->bytes - r->bytes;
		ssize_t n =
			send(b->fd[0], memory, left < b->portion ? left : b->portion, MSG_NOSIGNAL);

		r->enter_calls++;
		if (n < 0)
			bench_die("a connection broke: %s", strerror(errno));
		r->bytes += (uint64_t)n;
	}
}

int main(int argc, char **argv)
{
	struct bench_result r = { .engine = "none, send" };
	unsigned char *memory;
	struct bench b;

	bench_parse(&b, "tx_plain", argc, argv);
	memory = mmap(NULL, b.portion, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		bench_die("no memory");
	if (b.connections != 1)
		bench_die("one connection only");
	bench_listen(&b);
	bench_accept(&b);
	bench_begin(&b, &r);
	send_all(&b, memory, &r);
	bench_end(&r);
	bench_result(&b, &r);
	bench_close(&b);
	munmap(memory, b.portion);
	return 0;
}
