// SPDX-License-Identifier: MIT
/*
 * Latency of 64-byte messages: the peer in the namespace "far" sends one and waits for the echo.
 * Three connections take turns, so that disturbances affect all of them. Two receive into device
 * memory, with the library's low-water mark and without any. The third is plain TCP, received as in
 * epoll.c by a loop for many connections, like ours.
 *
 * Connections differ: the ports decide which queues of both NICs a connection uses, and so which
 * threads are woken. Medians differ by a few per cent, also with plain TCP. So sets of three new
 * connections are made again and again, and the result is the mean of their medians.
 *
 * pingpong [ROUND-TRIPS [CPU-HERE CPU-THERE]]: prints a line of JSON. ROUND-TRIPS is the total of
 * each kind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "setup.h"

#define MESSAGE 64
/* round trips on one connection before the next one's turn; the first turn is the warm-up */
#define TURN 25
#define SETS 10 /* number of sets of three new connections */

#define PORT	   5400u
#define PLAIN_PORT 5401u

enum { MANAGED, WITHOUT, IN_DEVICE_MEMORY, PLAIN = IN_DEVICE_MEMORY, CONNECTIONS };
static const char *const names[] = { "managed", "without", "plain" };

struct pingpong {
	unsigned int trips; /* round trips on each connection */
	int cpu_here, cpu_there;
	int fd[CONNECTIONS];	    /* the far ends */
	double *taken[CONNECTIONS]; /* seconds of each round trip, over all sets */
	unsigned int done;	    /* round trips of the finished sets, of each kind */
};

static int turn_of(unsigned int trip)
{
	return trip / TURN % CONNECTIONS;
}

static void *dial(void *arg)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	int ns = open("/run/netns/far", O_RDONLY | O_CLOEXEC), one = 1;
	struct pingpong *p = arg;

	inet_pton(AF_INET6, "2001:db8:1ab::1", &to.sin6_addr);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		bench_die("no namespace far");
	close(ns);
	for (int i = 0; i < CONNECTIONS; i++) {
		p->fd[i] = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		to.sin6_port = htons(i == PLAIN ? PLAIN_PORT : PORT);
		if (connect(p->fd[i], (struct sockaddr *)&to, sizeof(to)))
			bench_die("connect: %s", strerror(errno));
		setsockopt(p->fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	return NULL;
}

/* The far side, which measures. */
static void *ping(void *arg)
{
	struct pingpong *p = arg;
	char message[MESSAGE] = { 0 };
	unsigned int done[CONNECTIONS] = { 0 };

	if (p->cpu_there >= 0)
		bench_pin(p->cpu_there);
	for (unsigned int k = 0; k < p->trips * CONNECTIONS; k++) {
		int c = turn_of(k);
		double start = bench_clock();

		if (send(p->fd[c], message, MESSAGE, MSG_NOSIGNAL) != MESSAGE ||
		    recv(p->fd[c], message, MESSAGE, MSG_WAITALL) != MESSAGE)
			bench_die("ping: %s", strerror(errno));
		p->taken[c][p->done + done[c]++] = bench_clock() - start;
	}
	return NULL;
}

static int listen_plainly(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(PLAIN_PORT) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1))
		bench_die("listen: %s", strerror(errno));
	return fd;
}

static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;

	if (fd < 0)
		bench_die("accept: %s", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void answer(int fd)
{
	static const char message[MESSAGE];

	if (send(fd, message, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
		bench_die("pong: %s", strerror(errno));
}

static int watch_plainly(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
		bench_die("epoll: %s", strerror(errno));
	return epoll;
}

static void echo_plainly(int epoll, int fd)
{
	char message[MESSAGE];
	struct epoll_event ev;
	int n;

	do
		n = epoll_wait(epoll, &ev, 1, -1);
	/* a ring has just been closed: see devmem_ring_close() */
	while (n < 0 && errno == EINTR);
	if (n != 1)
		bench_die("epoll: %s", strerror(errno));
	if (recv(fd, message, MESSAGE, MSG_WAITALL) != MESSAGE)
		bench_die("recv: %s", strerror(errno));
	answer(fd);
}

/* Our side: receives a message, releases it, and answers. */
static void echo(struct devmem_ring *ring, int fd)
{
	struct devmem_event ev[16];
	uint32_t got = 0;

	while (got < MESSAGE) {
		int n = devmem_wait(ring, ev, 16, -1);

		if (n == -EINTR)
			continue;
		if (n < 0)
			bench_die("%s", devmem_error());
		for (int i = 0; i < n; i++) {
			if (ev[i].type != DEVMEM_EVENT_DATA)
				bench_die("a message did not come into device memory");
			got += ev[i].length;
		}
		if (devmem_release(ring, ev, (unsigned int)n))
			bench_die("%s", devmem_error());
	}
	answer(fd);
}

/* ------------------------------------------------------------------------- a set of connections */

/* The near ends of a set, and the objects that receive. */
struct near {
	int fd[CONNECTIONS];
	struct devmem_ring *ring[IN_DEVICE_MEMORY];
	int epoll;
};

static void connect_all(struct pingpong *p, const struct bench *b, int plain, struct near *near)
{
	pthread_t thread;

	pthread_create(&thread, NULL, dial, p);
	for (int i = 0; i < CONNECTIONS; i++)
		near->fd[i] = accept_one(i == PLAIN ? plain : b->listener);
	pthread_join(thread, NULL);
	near->epoll = watch_plainly(near->fd[PLAIN]);
	for (int i = 0; i < IN_DEVICE_MEMORY; i++) {
		struct devmem_sock *sock;

		if (devmem_ring_open(NULL, &near->ring[i]) ||
		    devmem_attach(near->ring[i], near->fd[i], b->binding, 0,
				  DEVMEM_OPTS(devmem_attach_opts, .lowat = i == WITHOUT), &sock))
			bench_die("%s", devmem_error());
	}
}

static void talk(struct pingpong *p, const struct near *near)
{
	pthread_t thread;

	pthread_create(&thread, NULL, ping, p);
	if (p->cpu_here >= 0)
		bench_pin(p->cpu_here);
	for (unsigned int k = 0; k < p->trips * CONNECTIONS; k++) {
		int c = turn_of(k);

		if (c == PLAIN)
			echo_plainly(near->epoll, near->fd[PLAIN]);
		else
			echo(near->ring[c], near->fd[c]);
	}
	pthread_join(thread, NULL);
	p->done += p->trips;
}

static void part(struct pingpong *p, struct near *near)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		close(p->fd[i]);
		close(near->fd[i]);
	}
	close(near->epoll);
	for (int i = 0; i < IN_DEVICE_MEMORY; i++)
		devmem_ring_close(near->ring[i]);
}

/* -------------------------------------------------------------------------------------- results */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sets @median to the mean of the sets' medians, removes the warm-up's values and moves the others
 * together. Returns their number. */
static unsigned int summarize(const struct pingpong *p, double *taken, double *median)
{
	const unsigned int n = p->trips - TURN;

	*median = 0;
	for (unsigned int set = 0; set < SETS; set++) {
		memmove(taken + set * n, taken + set * p->trips + TURN, n * sizeof(*taken));
		qsort(taken + set * n, n, sizeof(*taken), by_size);
		*median += taken[set * n + n / 2] / SETS;
	}
	return SETS * n;
}

static void report(const struct pingpong *p)
{
	double median[CONNECTIONS], p99[CONNECTIONS];

	printf("{\"name\": \"pingpong\", \"round_trips\": %u, \"connections\": %u", p->done, SETS);
	for (int i = 0; i < CONNECTIONS; i++) {
		unsigned int n = summarize(p, p->taken[i], &median[i]);

		qsort(p->taken[i], n, sizeof(double), by_size);
		p99[i] = p->taken[i][n - 1 - n / 100];
		printf(", \"%s\": {\"median_us\": %.3f, \"p99_us\": %.3f}", names[i],
		       median[i] * 1e6, p99[i] * 1e6);
	}
	printf(", \"ratio\": %.4f, \"ratio_p99\": %.4f, \"ratio_plain\": %.4f}\n",
	       median[MANAGED] / median[WITHOUT], p99[MANAGED] / p99[WITHOUT],
	       median[MANAGED] / median[PLAIN]);
}

int main(int argc, char **argv)
{
	struct pingpong p = { .cpu_here = -1, .cpu_there = -1 };
	unsigned int trips = argc > 1 ? (unsigned int)atoi(argv[1]) : 2000;
	char *options[] = { argv[0], NULL };
	struct near near;
	struct bench b;
	int plain;

	if (argc > 3) {
		p.cpu_here = atoi(argv[2]);
		p.cpu_there = atoi(argv[3]);
	}
	p.trips = (trips / SETS + 2 * TURN - 1) / TURN * TURN;
	for (int i = 0; i < CONNECTIONS; i++) {
		p.taken[i] = calloc(p.trips * SETS, sizeof(double));
		if (!p.taken[i])
			bench_die("no memory");
	}
	bench_parse(&b, "pingpong", 1, options);
	b.page_size = 4096;
	b.connections = 0; /* connections are accepted here */
	bench_bind(&b);
	bench_listen(&b);
	plain = listen_plainly();
	for (unsigned int set = 0; set < SETS; set++) {
		connect_all(&p, &b, plain, &near);
		talk(&p, &near);
		part(&p, &near);
	}
	report(&p);
	close(plain);
	bench_close(&b);
	for (int i = 0; i < CONNECTIONS; i++)
		free(p.taken[i]);
	return 0;
}
