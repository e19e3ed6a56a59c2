// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

int lab_ok(int result, const char *what, const char *file, int line)
{
	if (result < 0) {
		print_error("%s: %s\n", what, devmem_error());
		_fail(file, line);
	}
	return result;
}

/* ------------------------------------------------------------------------------------ set-up */

static int open_listener(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 1024), 0);
	return fd;
}

void lab_open(struct lab *lab, size_t buffer_bytes, unsigned int queues)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	memset(lab, 0, sizeof(*lab));
	ok(devmem_buffer_create("udmabuf", buffer_bytes, NULL, &lab->buffer));
	ok(devmem_buffer_map(lab->buffer, (void **)&lab->memory));
	ok(devmem_nic_open(NIC, NULL, &lab->nic));
	ok(devmem_bind_rx(lab->nic, lab->buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = queues), &lab->binding));
	ok(devmem_steer(lab->binding, (struct sockaddr *)&v4, NULL));
	ok(devmem_steer(lab->binding, (struct sockaddr *)&v6, NULL));
	lab->listener = open_listener();
}

void lab_close(struct lab *lab)
{
	close(lab->listener);
	devmem_binding_close(lab->binding);
	ok(devmem_nic_close(lab->nic));
	devmem_buffer_close(lab->buffer);
}

/* ------------------------------------------------------------------------------------ connections */

struct dial {
	bool ipv6;
	int fd;
};

/* Sockets belong to the namespace of the thread that makes them, so a thread goes to far and dials. */
static void *dial(void *arg)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int ns = open("/run/netns/far", O_RDONLY | O_CLOEXEC);
	struct dial *d = arg;

	inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8:1ab::1", &v6.sin6_addr);
	d->fd = -1;
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		return NULL;
	close(ns);
	d->fd = socket(d->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(d->fd, d->ipv6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
		    d->ipv6 ? sizeof(v6) : sizeof(v4)))
		d->fd = -1;
	return NULL;
}

struct lab_pair lab_connect(struct lab *lab, bool ipv6)
{
	struct dial d = { .ipv6 = ipv6 };
	struct lab_pair pair;
	pthread_t thread;

	pthread_create(&thread, NULL, dial, &d);
	pthread_join(thread, NULL);
	assert_true(d.fd >= 0);
	pair.far = d.fd;
	pair.near = accept4(lab->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair.near >= 0);
	return pair;
}

/* ------------------------------------------------------------------------------------ sending */

struct lab_sender {
	pthread_t thread;
	int fd;
	uint64_t bytes;
	size_t portion;
	bool fin, sent;
};

static void *send_pattern(void *arg)
{
	struct lab_sender *s = arg;
	uint64_t position = 0;

	while (position < s->bytes) {
		size_t want = s->portion && s->portion < s->bytes - position ? s->portion : s->bytes - position, n;
		const unsigned char *p = pattern_at(position, want, &n);
		ssize_t sent = send(s->fd, p, n, MSG_NOSIGNAL);

		if (sent < 0)
			return NULL;
		position += (uint64_t)sent;
	}
	s->sent = true;
	if (s->fin)
		shutdown(s->fd, SHUT_WR);
	return NULL;
}

struct lab_sender *lab_send(int far, uint64_t bytes, size_t portion, bool then_fin)
{
	struct lab_sender *s = calloc(1, sizeof(*s));
	int one = 1;

	s->fd = far;
	s->bytes = bytes;
	s->portion = portion;
	s->fin = then_fin;
	if (portion)
		setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	pthread_create(&s->thread, NULL, send_pattern, s);
	return s;
}

bool lab_sent(struct lab_sender *s)
{
	bool sent;

	pthread_join(s->thread, NULL);
	sent = s->sent;
	free(s);
	return sent;
}

/* ------------------------------------------------------------------------------------ receiving */

void lab_attach(struct devmem_ring *ring, struct lab *lab, int fd, struct lab_stream *stream)
{
	memset(stream, 0, sizeof(*stream));
	ok(devmem_attach(ring, fd, lab->binding, (uintptr_t)stream, NULL, &stream->sock));
}

static void check_bytes(struct lab *lab, struct lab_stream *s, const struct devmem_event *ev)
{
	const void *bytes = (const void *)(uintptr_t)ev->offset;

	if (ev->type == DEVMEM_EVENT_DATA) {
		assert_int_equal(ev->buffer, devmem_buffer_id(lab->buffer));
		assert_true(ev->offset + ev->length <= devmem_buffer_size(lab->buffer));
		bytes = lab->memory + ev->offset;
		s->device += ev->length;
	} else {
		s->host += ev->length;
	}
	assert_true(ev->length > 0);
	if (!pattern_matches(s->position, bytes, ev->length))
		fail_msg("wrong bytes at %llu of a stream", (unsigned long long)s->position);
	s->position += ev->length;
}

void lab_check(struct lab *lab, const struct devmem_event *events, int n)
{
	ok(devmem_buffer_sync(lab->buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_READ));
	for (int i = 0; i < n; i++) {
		struct lab_stream *s = (struct lab_stream *)(uintptr_t)events[i].user_data;

		assert_true(events[i].type == DEVMEM_EVENT_LOW || !s->ended);
		switch (events[i].type) {
		case DEVMEM_EVENT_DATA:
		case DEVMEM_EVENT_HOST:
			check_bytes(lab, s, &events[i]);
			break;
		case DEVMEM_EVENT_ERROR:
			s->error = events[i].result;
			s->ended = true;
			break;
		case DEVMEM_EVENT_END:
			s->ended = true;
			break;
		case DEVMEM_EVENT_LOW:
			lab->low++;
			break;
		case DEVMEM_EVENT_MISPLACED:
			s->misplaced++;
			s->misplaced_queue = events[i].result;
			break;
		default:
			fail_msg("an event of type %d", events[i].type);
		}
	}
	ok(devmem_buffer_sync(lab->buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ));
}

static bool all_ended(const struct lab_stream *streams, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!streams[i].ended)
			return false;
	return true;
}

bool lab_drain(struct devmem_ring *ring, struct lab *lab, struct lab_stream *streams, unsigned int n)
{
	struct devmem_event ev[128];
	int idle = 0;

	while (!all_ended(streams, n)) {
		int got = ok(devmem_wait(ring, ev, 128, 1000));

		idle = got ? 0 : idle + 1;
		if (idle == 10)
			return false;
		lab_check(lab, ev, got);
		ok(devmem_release(ring, ev, (unsigned int)got));
	}
	return true;
}

/* ------------------------------------------------------------------------------------ looking around */

void lab_fault(const char *name, unsigned long value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/labnic/" NIC "/%s", name);
	f = fopen(path, "we");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	fprintf(f, "%lu", value);
	assert_int_equal(fclose(f), 0);
}

struct devmem_stats lab_stats(const struct devmem_ring *ring)
{
	struct devmem_stats st = { .size = sizeof(st) };

	ok(devmem_ring_stats(ring, &st));
	return st;
}

char *lab_nic_view(void)
{
	FILE *f = popen("/devmem/lab/guest/nic-view", "re");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 200);
	assert_int_equal(pclose(f), 0);
	return text;
}

unsigned int lab_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}
