// SPDX-License-Identifier: MIT
/* Connections between near and far, what is sent on them, and what comes, byte by byte. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

/* ---------------------------------------------------------------------------------- connections */

struct dial {
	uint16_t port, source_port; /* the latter 0: any */
	bool ipv6;
	int fd;
};

static bool go_to_far(void)
{
	int ns = open("/run/netns/far", O_RDONLY | O_CLOEXEC);
	bool there = ns >= 0 && !setns(ns, CLONE_NEWNET);

	if (ns >= 0)
		close(ns);
	return there;
}

static int bind_port(int fd, bool ipv6, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	return ipv6 ? bind(fd, (struct sockaddr *)&v6, sizeof(v6))
		    : bind(fd, (struct sockaddr *)&v4, sizeof(v4));
}

/* Sockets belong to the namespace of the thread that makes them, so a thread goes to far and
 * dials. */
static void *dial(void *arg)
{
	struct dial *d = arg;
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(d->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(d->port) };

	inet_pton(AF_INET, lab_in("lo") ? "127.0.0.1" : "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, lab_in("lo") ? "::1" : "2001:db8:1ab::1", &v6.sin6_addr);
	d->fd = -1;
	if (!lab_in("lo") && !go_to_far())
		return NULL;
	d->fd = socket(d->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (d->source_port && bind_port(d->fd, d->ipv6, d->source_port))
		d->fd = -1;
	else if (connect(d->fd, d->ipv6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
			 d->ipv6 ? sizeof(v6) : sizeof(v4)))
		d->fd = -1;
	return NULL;
}

int lab_dial(uint16_t port, bool ipv6)
{
	return lab_dial_from(port, ipv6, 0);
}

int lab_dial_from(uint16_t port, bool ipv6, uint16_t source_port)
{
	struct dial d = { .port = port, .source_port = source_port, .ipv6 = ipv6 };
	pthread_t thread;

	if (lab_in("lo")) {
		dial(&d);
	} else {
		assert_int_equal(pthread_create(&thread, NULL, dial, &d), 0);
		pthread_join(thread, NULL);
	}
	assert_true(d.fd >= 0);
	return d.fd;
}

struct lab_pair lab_connect(struct lab *lab, bool ipv6)
{
	struct lab_pair pair = { .far = lab_dial(lab->port, ipv6) };

	pair.near = accept4(lab->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair.near >= 0);
	lab_steer(lab, pair.near);
	return pair;
}

void lab_close_pair(struct lab_pair pair)
{
	close(pair.near);
	close(pair.far);
}

/*
 * Disconnecting does it although a thread may be sending. [net/ipv4/tcp.c: tcp_disconnect] The
 * kernel locks the socket, but ThreadSanitizer takes connect() for the start of a connection that
 * no thread may use yet: so it does not see this one.
 */
void lab_reset(int far)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	assert_int_equal(syscall(SYS_connect, far, &none, sizeof(none)), 0);
}

/* -------------------------------------------------------------------------------------- sending */

struct lab_sender {
	pthread_t thread;
	int fd;
	uint64_t start, bytes;
	size_t portion;
	bool fin, sent;
};

static void *send_pattern(void *arg)
{
	struct lab_sender *s = arg;
	uint64_t position = 0;

	while (position < s->bytes) {
		size_t want = s->portion && s->portion < s->bytes - position ? s->portion
									     : s->bytes - position,
		       n;
		const unsigned char *p = pattern_at(s->start + position, want, &n);
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

static struct lab_sender *start_sender(const struct lab_sender *what)
{
	struct lab_sender *s = malloc(sizeof(*s));

	*s = *what;
	assert_int_equal(pthread_create(&s->thread, NULL, send_pattern, s), 0);
	return s;
}

struct lab_sender *lab_send(int far, uint64_t bytes, size_t portion, bool then_fin)
{
	int one = 1;

	if (portion)
		setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return start_sender(&(struct lab_sender){
		.fd = far, .bytes = bytes, .portion = portion, .fin = then_fin });
}

struct lab_sender *lab_send_from(int far, uint64_t start, uint64_t bytes, bool then_fin)
{
	return start_sender(
		&(struct lab_sender){ .fd = far, .start = start, .bytes = bytes, .fin = then_fin });
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

void lab_attach_opts(struct devmem_ring *ring, struct lab *lab, int fd, struct lab_stream *stream,
		     const struct devmem_attach_opts *opts)
{
	memset(stream, 0, sizeof(*stream));
	stream->lab = lab;
	ok(devmem_attach(ring, fd, lab->binding, (uintptr_t)stream, opts, &stream->sock));
}

void lab_attach(struct devmem_ring *ring, struct lab *lab, int fd, struct lab_stream *stream)
{
	lab_attach_opts(ring, lab, fd, stream, NULL);
}

static const void *device_bytes(struct lab_stream *s, const struct devmem_event *ev)
{
	void *memory;

	if (s->foreign && ev->buffer != devmem_buffer_id(s->lab->buffer)) {
		/* what waited behind a hole comes late, and lies in the memory of the binding
		 * before */
		if (s->foreign_before &&
		    pattern_matches(s->position, s->foreign_before + ev->offset, ev->length))
			return s->foreign_before + ev->offset;
		return s->foreign + ev->offset;
	}
	if (s->lab->spill && ev->buffer == devmem_buffer_id(s->lab->spill)) {
		s->spilled += ev->length;
		ok(devmem_buffer_map(s->lab->spill, &memory));
		return (unsigned char *)memory + ev->offset;
	}
	assert_int_equal(ev->buffer, devmem_buffer_id(s->lab->buffer));
	assert_true(ev->offset + ev->length <= devmem_buffer_size(s->lab->buffer));
	return s->lab->memory + ev->offset;
}

static void check_bytes(struct lab_stream *s, const struct devmem_event *ev)
{
	const void *bytes = (const void *)(uintptr_t)ev->address;

	if (ev->type == DEVMEM_EVENT_DATA) {
		bytes = device_bytes(s, ev);
		s->device += ev->length;
	} else {
		s->host += ev->length;
	}
	s->switches += s->last_type && s->last_type != ev->type;
	s->last_type = ev->type;
	assert_true(ev->length > 0);
	if (!pattern_matches(s->position, bytes, ev->length))
		fail_msg("wrong bytes at %llu of a stream", (unsigned long long)s->position);
	s->position += ev->length;
}

/* The error message is about this event, so it must be the last of its wait. */
static void check_misplaced(const struct devmem_event *ev, bool last)
{
	char queue[64];

	assert_true(last);
	snprintf(queue, sizeof(queue), " RX queue %d of ", ev->result);
	if (ev->result >= 0 && !strstr(devmem_error(), queue))
		fail_msg("a flow is told to come through%sthe NIC, and: %s", queue, devmem_error());
}

void lab_check(struct lab *lab, const struct devmem_event *events, int n)
{
	ok(devmem_buffer_sync(lab->buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_READ));
	for (int i = 0; i < n; i++) {
		struct lab_stream *s = (struct lab_stream *)(uintptr_t)events[i].user_data;

		if (s)
			assert_false(s->ended);
		switch (events[i].type) {
		case DEVMEM_EVENT_DATA:
		case DEVMEM_EVENT_HOST:
			check_bytes(s, &events[i]);
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
		case DEVMEM_EVENT_LINK:
			lab->links++;
			lab->link = events[i].result;
			lab->link_index = events[i].ifindex;
			break;
		case DEVMEM_EVENT_MISPLACED:
			s->misplaced++;
			s->misplaced_queue = events[i].result;
			check_misplaced(&events[i], i == n - 1);
			break;
		default:
			fail_msg("an event of type %d", events[i].type);
		}
	}
	ok(devmem_buffer_sync(lab->buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ));
}

void lab_await_link(struct devmem_ring *ring, struct lab *lab, int link)
{
	struct devmem_event ev[128];
	unsigned int silent = 0; /* waits in vain, not those for what is still under way */

	while (!lab->links || lab->link != link) {
		int n = ok(devmem_wait(ring, ev, 128, 1000));

		lab_check(lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
		silent = n ? 0 : silent + 1;
		if (silent > 60)
			fail_msg("no LINK event said %d; %u came, and the last one said %d", link,
				 lab->links, lab->link);
	}
}

static bool all_ended(const struct lab_stream *streams, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!streams[i].ended)
			return false;
	return true;
}

bool lab_drain(struct devmem_ring *ring, struct lab *lab, struct lab_stream *streams,
	       unsigned int n)
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

/* One turn of the loop. @word: of the message of an error, which is the last event of its wait. */
static void turn(struct devmem_ring *ring, struct lab *lab, const char *word)
{
	struct devmem_event ev[64];
	int n = ok(devmem_wait(ring, ev, 64, 120000));

	assert_true(n > 0);
	lab_check(lab, ev, n);
	if (word && ev[n - 1].type == DEVMEM_EVENT_ERROR && !strstr(devmem_error(), word))
		fail_msg("no \"%s\" in: %s", word, devmem_error());
	ok(devmem_release(ring, ev, (unsigned int)n));
}

void lab_receive(struct devmem_ring *ring, struct lab *lab, struct lab_stream *stream,
		 uint64_t bytes)
{
	while (stream->position < bytes)
		turn(ring, lab, NULL);
}

void lab_receive_end(struct devmem_ring *ring, struct lab *lab, struct lab_stream *stream,
		     const char *word)
{
	while (!stream->ended)
		turn(ring, lab, word);
}

struct lab_stream lab_carry(struct devmem_ring *ring, struct lab *lab, uint64_t bytes)
{
	struct lab_pair pair = lab_connect(lab, true);
	struct lab_sender *sender;
	struct lab_stream stream;

	lab_attach(ring, lab, pair.near, &stream);
	sender = lab_send(pair.far, bytes, 0, true);
	assert_true(lab_drain(ring, lab, &stream, 1));
	assert_true(lab_sent(sender));
	assert_int_equal(stream.error, 0);
	assert_int_equal(stream.position, bytes);
	devmem_detach(stream.sock);
	lab_close_pair(pair);
	lab_settle(ring);
	return stream;
}

uint32_t lab_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len), 0);
	return info[SK_MEMINFO_DROPS];
}

/* --------------------------------------------------------------------------------- many streams */

void lab_flows_start(struct lab_flows *f, struct devmem_ring *ring, struct lab *lab, unsigned int n,
		     uint64_t bytes)
{
	*f = (struct lab_flows){
		.ring = ring,
		.n = n,
		.bytes = bytes,
		.array = 128,
		.stream = calloc(n, sizeof(*f->stream)),
		.sender = calloc(n, sizeof(*f->sender)),
		.pair = calloc(n, sizeof(*f->pair)),
	};
	for (unsigned int i = 0; i < n; i++) {
		f->pair[i] = lab_connect(lab, i % 2);
		lab_attach(ring, lab, f->pair[i].near, &f->stream[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		f->sender[i] = lab_send(f->pair[i].far, bytes, 0, true);
}

static uint64_t received(const struct lab_flows *f)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < f->n; i++)
		sum += f->stream[i].position;
	return sum;
}

uint64_t lab_flows_receive(struct lab_flows *f, uint64_t bytes)
{
	struct devmem_event ev[4096];
	uint64_t sum;

	for (int silent = 0; (sum = received(f)) < bytes ||
			     (bytes == f->n * f->bytes && !all_ended(f->stream, f->n));) {
		int n = ok(devmem_wait(f->ring, ev, f->array, 1000));

		silent = n ? 0 : silent + 1;
		if (silent == 20) {
			struct devmem_stats st = lab_stats(f->ring);

			for (unsigned int i = 0; i < f->n; i++)
				print_error("stream %u: %llu bytes, ended %d, error %d\n", i,
					    (unsigned long long)f->stream[i].position,
					    f->stream[i].ended, f->stream[i].error);
			fail_msg("nothing came for 20 seconds: bytes %llu, completions %llu, "
				 "rearms %llu, no buffers %llu, tokens out %llu",
				 (unsigned long long)sum, (unsigned long long)st.completions,
				 (unsigned long long)st.rearms, (unsigned long long)st.no_buffers,
				 (unsigned long long)st.tokens_outstanding);
		}
		lab_check(f->stream->lab, ev, n);
		for (unsigned int i = 0; i < f->n; i++)
			if (f->stream[i].ended &&
			    (f->stream[i].error || f->stream[i].position != f->bytes))
				fail_msg("stream %u ended at %llu: %s (%s)", i,
					 (unsigned long long)f->stream[i].position,
					 strerror(-f->stream[i].error), devmem_error());
		ok(devmem_release(f->ring, ev, (unsigned int)n));
	}
	return sum;
}

void lab_flows_finish(struct lab_flows *f)
{
	lab_flows_receive(f, f->n * f->bytes);
	lab_settle(f->ring);
	for (unsigned int i = 0; i < f->n; i++) {
		assert_true(lab_sent(f->sender[i]));
		assert_int_equal(f->stream[i].error, 0);
		assert_int_equal(f->stream[i].position, f->bytes);
		assert_int_equal(lab_leaked(f->pair[i].near), 0);
		devmem_detach(f->stream[i].sock);
		close(f->pair[i].near);
		close(f->pair[i].far);
	}
	free(f->stream);
	free(f->sender);
	free(f->pair);
}
