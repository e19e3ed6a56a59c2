// SPDX-License-Identifier: MIT
/*
 * Rings of several threads on one port (SO_REUSEPORT), with one buffer and one binding: each thread
 * accepts, attaches, reads, gathers and sends at the same time as the others. ThreadSanitizer's
 * build is the judge of what they share.
 */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

#define MIB	    (1u << 20)
#define RINGS	    4u
#define CONNECTIONS 24u
#define BYTES	    300000u
#define ANSWER	    1000u
#define HANGS	    20000 /* ms: for what would sleep for ever */

enum { LISTENER = 1, FLOWS = 16 };

struct flow {
	struct devmem_sock *sock;
	int fd;
	uint64_t position;
	bool ended, answered;
};

/* One thread. It only reads what @lab has. */
struct worker {
	struct lab *lab;
	struct devmem_buffer *answers; /* shared: what is sent */
	struct devmem_binding *tx;     /* shared */
	pthread_mutex_t *steering;
	atomic_uint *over; /* connections that ended, of all threads */
	int listener;
	struct devmem_ring *ring;
	struct devmem_buffer *to; /* its own: what is gathered */
	struct flow flow[CONNECTIONS];
	unsigned int flows;
	uint64_t gathered; /* bytes */
	unsigned char copy[256 << 10];
	char why[256]; /* what went wrong, or "" */
};

#define MUST(w, call)                                                                          \
	do {                                                                                   \
		if ((call) < 0) {                                                              \
			snprintf((w)->why, sizeof((w)->why), "%s: %s", #call, devmem_error()); \
			return false;                                                          \
		}                                                                              \
	} while (0)

static bool wrong(struct worker *w, const char *what)
{
	snprintf(w->why, sizeof(w->why), "%s", what);
	return false;
}

/* A NIC without contexts takes a rule for each connection; the binding's calls of that kind are for
 * one thread at a time. */
static bool take(struct worker *w)
{
	struct flow *f = &w->flow[w->flows];
	int fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return true;
	pthread_mutex_lock(w->steering);
	lab_steer(w->lab, fd);
	pthread_mutex_unlock(w->steering);
	*f = (struct flow){ .fd = fd };
	MUST(w, devmem_attach(w->ring, fd, w->lab->binding, FLOWS + w->flows, NULL, &f->sock));
	w->flows++;
	return true;
}

static struct flow *flow_of(struct worker *w, const struct devmem_event *ev)
{
	return &w->flow[ev->user_data - FLOWS];
}

/* Every byte is read from the buffer that all threads read from. */
static bool check(struct worker *w, const struct devmem_event *ev)
{
	struct flow *f = flow_of(w, ev);

	for (uint32_t done = 0; done < ev->length;) {
		uint32_t some = ev->length - done;
		const unsigned char *bytes = (const unsigned char *)(uintptr_t)ev->address + done;

		some = some < sizeof(w->copy) ? some : sizeof(w->copy);
		if (ev->type == DEVMEM_EVENT_DATA) {
			MUST(w,
			     devmem_buffer_read(w->lab->buffer, ev->offset + done, w->copy, some));
			bytes = w->copy;
		}
		if (!pattern_matches(f->position, bytes, some))
			return wrong(w, "a wrong byte");
		f->position += some;
		done += some;
	}
	return true;
}

static bool received(struct worker *w, const struct devmem_event *ev)
{
	if (!check(w, ev))
		return false;
	if (ev->type == DEVMEM_EVENT_DATA && ev->length <= MIB) {
		MUST(w, devmem_gather(w->ring, ev, 1, w->to, 0, 1));
		return true;
	}
	MUST(w, devmem_release(w->ring, ev, 1));
	return true;
}

static bool ended(struct worker *w, struct flow *f)
{
	if (f->position != BYTES)
		return wrong(w, "an end too early");
	MUST(w, devmem_send(f->sock, w->tx, &(struct devmem_range){ 0, ANSWER }, 1, 2));
	return true;
}

static bool event(struct worker *w, const struct devmem_event *ev)
{
	switch (ev->type) {
	case DEVMEM_EVENT_READY:
		return take(w);
	case DEVMEM_EVENT_DATA:
	case DEVMEM_EVENT_HOST:
		return received(w, ev);
	case DEVMEM_EVENT_GATHERED:
		w->gathered += ev->result > 0 ? (uint32_t)ev->result : 0;
		return ev->result >= 0 || wrong(w, "a gather failed");
	case DEVMEM_EVENT_END:
		return ended(w, flow_of(w, ev));
	case DEVMEM_EVENT_SENT:
		devmem_detach(flow_of(w, ev)->sock);
		close(flow_of(w, ev)->fd);
		atomic_fetch_add(w->over, 1);
		return ev->result == ANSWER || wrong(w, "an answer failed");
	case DEVMEM_EVENT_ERROR:
		return wrong(w, "a connection broke");
	default:
		return true;
	}
}

/* Others may have had the last connection: so each looks from time to time whether there are
 * more. */
static bool work(struct worker *w)
{
	struct devmem_event ev[32];
	int n;

	MUST(w, devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = lab_engine()), &w->ring));
	MUST(w, devmem_watch(w->ring, w->listener, LISTENER));
	while (atomic_load(w->over) < CONNECTIONS) {
		n = devmem_wait(w->ring, ev, 32, 10);
		MUST(w, n);
		for (int i = 0; i < n; i++)
			if (!event(w, &ev[i]))
				return false;
	}
	return true;
}

static void *worker(void *arg)
{
	struct worker *w = arg;

	if (!work(w)) /* the others need not wait for its connections */
		atomic_fetch_add(w->over, CONNECTIONS);
	devmem_ring_close(w->ring);
	return NULL;
}

static int listen_too(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	/* connections of the test before may be in TIME_WAIT */
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static void start(struct worker *w, const struct worker *like, pthread_t *thread)
{
	*w = *like;
	w->to = lab_buffer(MIB);
	w->listener = listen_too(like->lab->port);
	assert_int_equal(pthread_create(thread, NULL, worker, w), 0);
}

static void expect_answer(int fd)
{
	unsigned char got[ANSWER];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t some;

	assert_int_equal(poll(&p, 1, HANGS), 1);
	assert_int_equal(recv(fd, got, ANSWER, MSG_WAITALL), ANSWER);
	assert_memory_equal(got, pattern_at(0, ANSWER, &some), ANSWER);
}

/* The buffer of the answers is not mapped before the threads send from it. */
static void open_shared(struct lab *lab, struct worker *like)
{
	size_t some;
	void *view;

	lab_open(lab, 32 * MIB, lab_queues_for(2, CONNECTIONS));
	close(lab->listener);
	like->lab = lab;
	like->answers = lab_buffer(MIB);
	view = mmap(NULL, MIB, PROT_WRITE, MAP_SHARED, devmem_buffer_fd(like->answers), 0);
	assert_ptr_not_equal(view, MAP_FAILED);
	memcpy(view, pattern_at(0, ANSWER, &some), ANSWER);
	munmap(view, MIB);
	ok(devmem_bind_tx(NULL, like->answers, NULL, &like->tx));
}

static void four_rings_on_one_port(void **state)
{
	static pthread_mutex_t steering = PTHREAD_MUTEX_INITIALIZER;
	struct worker *w = calloc(RINGS, sizeof(*w)), *like = calloc(1, sizeof(*like));
	struct lab_sender *sender[CONNECTIONS];
	pthread_t thread[RINGS];
	uint64_t bytes = 0, gathered = 0;
	unsigned int flows = 0;
	atomic_uint over = 0;
	int far[CONNECTIONS];
	struct lab lab;

	(void)state;
	lab_cannot("zcrx", "a queue of zcrx belongs to one ring");
	if (lab_in("zcrx"))
		goto out;
	like->steering = &steering;
	like->over = &over;
	open_shared(&lab, like);
	for (unsigned int i = 0; i < RINGS; i++)
		start(&w[i], like, &thread[i]);
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		far[i] = lab_dial(lab.port, i % 2);
		sender[i] = lab_send(far[i], BYTES, 0, true);
	}
	for (unsigned int i = 0; i < RINGS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned int i = 0; i < RINGS; i++) {
		assert_string_equal(w[i].why, "");
		for (unsigned int j = 0; j < w[i].flows; j++)
			bytes += w[i].flow[j].position;
		flows += w[i].flows;
		gathered += w[i].gathered;
		close(w[i].listener);
		devmem_buffer_close(w[i].to);
	}
	assert_int_equal(flows, CONNECTIONS);
	assert_int_equal(bytes, (uint64_t)CONNECTIONS * BYTES);
	assert_true(gathered > 0);
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		assert_true(lab_sent(sender[i]));
		expect_answer(far[i]);
		close(far[i]);
	}
	devmem_binding_close(like->tx);
	devmem_buffer_close(like->answers);
	lab.listener = -1;
	lab_close(&lab);
out:
	free(like);
	free(w);
}

/* lab_threads [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(four_rings_on_one_port),
	};

	lab_begin(argc, argv);
	return lab_run("threads", tests, NULL, NULL);
}
