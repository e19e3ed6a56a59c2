// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lab.h"

#define NOBODY	65534
#define SKIPPED	77

static unsigned int cases;	/* that were named as what cannot be had */

int lab_ok(int result, const char *what, const char *file, int line)
{
	if (result < 0) {
		print_error("%s: %s\n", what, devmem_error());
		_fail(file, line);
	}
	return result;
}

/* ------------------------------------------------------------------------------------ engines */

static bool on_loopback(void)
{
	return !strcmp(NIC, "lo");
}

const char *lab_engine(void)
{
	const char *name = getenv("DEVMEM_TEST_ENGINE");

	return name && *name ? name : on_loopback() ? "copy" : "devmem";
}

bool lab_in(const char *where)
{
	return !strcmp(where, "lo") ? on_loopback() : !strcmp(where, lab_engine());
}

bool lab_copies(void)
{
	return lab_in("copy") || (lab_in("syscall") && on_loopback());
}

bool lab_tokens(void)
{
	return !lab_copies() && !lab_in("zcrx");
}

void lab_name_case(const char *test, const char *reason)
{
	cases++;
	print_message("cannot  %s%s  %s: %s\n", lab_engine(), on_loopback() ? " on lo" : "", test, reason);
	skip();
}

/* What is tested on loopback is tested as it is used there: by somebody who may do nothing. */
static void drop_privileges(void)
{
	if (geteuid())
		return;
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)) {
		perror("privileges cannot be dropped");
		exit(1);
	}
	prctl(PR_SET_DUMPABLE, 1);	/* /proc/self is ours again */
}

/* A machine without io_uring (a container's policy) has only one of the two engines. */
static void need_engine(void)
{
	struct devmem_ring *ring;
	int err = devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = lab_engine()), &ring);

	if (!err)
		devmem_ring_close(ring);
	if (err != -EPERM && err != -ENOSYS)
		return;
	printf("cannot  %s on lo  anything: %s\n", lab_engine(), devmem_error());
	exit(SKIPPED);
}

void lab_begin(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (!on_loopback())
		return;
	drop_privileges();
	need_engine();
	printf("engine %s on loopback, as user %u\n", lab_engine(), geteuid());
}

int lab_end(int result)
{
	printf("%u cases that %s%s cannot have\n", cases, lab_engine(), on_loopback() ? " on lo" : "");
	return result;
}

/* ------------------------------------------------------------------------------------ set-up */

int lab_listen(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 1024), 0);
	return fd;
}

uint16_t lab_port(int listener)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin6_port);
}

struct devmem_buffer *lab_buffer(size_t bytes)
{
	struct devmem_buffer *buffer;

	ok(devmem_buffer_create(on_loopback() ? NULL : "udmabuf", bytes, NULL, &buffer));
	return buffer;
}

struct devmem_binding *lab_bind(struct devmem_nic *nic, struct devmem_buffer *buffer, unsigned int queues,
				const uint32_t *queue_list)
{
	struct devmem_bind_opts o = {
		.size = sizeof(o),
		.queues = lab_in("zcrx") ? 1 : queues,
		.queue_list = queue_list,
		.engine = lab_engine(),
	};
	struct devmem_binding *binding;

	ok(devmem_bind_rx(nic, buffer, &o, &binding));
	assert_string_equal(devmem_binding_engine(binding, NULL),
			    lab_copies() ? "copy" : lab_in("zcrx") ? "zcrx" : "devmem");
	return binding;
}

void lab_open_as(struct lab *lab, const struct lab_opts *o)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	memset(lab, 0, sizeof(*lab));
	lab->listener = lab_listen(on_loopback() ? 0 : o->port ? o->port : PORT);
	lab->port = lab_port(lab->listener);
	v4.sin_port = v6.sin6_port = htons(lab->port);
	lab->nic = o->nic;
	lab->nic_shared = o->nic;
	lab->buffer = lab_buffer(o->bytes);
	ok(devmem_buffer_map(lab->buffer, (void **)&lab->memory));
	if (!lab->nic)
		ok(devmem_nic_open(NIC, NULL, &lab->nic));
	lab->binding = lab_bind(lab->nic, lab->buffer, o->queues, o->queue_list);
	ok(devmem_steer(lab->binding, (struct sockaddr *)&v4, NULL));
	ok(devmem_steer(lab->binding, (struct sockaddr *)&v6, NULL));
}

void lab_open(struct lab *lab, size_t buffer_bytes, unsigned int queues)
{
	lab_open_as(lab, &(struct lab_opts){ .bytes = buffer_bytes, .queues = queues });
}

void lab_close(struct lab *lab)
{
	close(lab->listener);
	devmem_binding_close(lab->binding);
	if (!lab->nic_shared)
		ok(devmem_nic_close(lab->nic));
	devmem_buffer_close(lab->buffer);
}

/* ------------------------------------------------------------------------------------ connections */

struct dial {
	uint16_t port, source_port;	/* the latter 0: any */
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

	return ipv6 ? bind(fd, (struct sockaddr *)&v6, sizeof(v6)) : bind(fd, (struct sockaddr *)&v4, sizeof(v4));
}

/* Sockets belong to the namespace of the thread that makes them, so a thread goes to far and dials. */
static void *dial(void *arg)
{
	struct dial *d = arg;
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(d->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(d->port) };

	inet_pton(AF_INET, on_loopback() ? "127.0.0.1" : "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, on_loopback() ? "::1" : "2001:db8:1ab::1", &v6.sin6_addr);
	d->fd = -1;
	if (!on_loopback() && !go_to_far())
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

	assert_int_equal(pthread_create(&thread, NULL, dial, &d), 0);
	pthread_join(thread, NULL);
	assert_true(d.fd >= 0);
	return d.fd;
}

struct lab_pair lab_connect(struct lab *lab, bool ipv6)
{
	struct lab_pair pair = { .far = lab_dial(lab->port, ipv6) };

	pair.near = accept4(lab->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair.near >= 0);
	return pair;
}

/* Disconnecting does it although a thread may be sending. [net/ipv4/tcp.c: tcp_disconnect] */
void lab_reset(int far)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	assert_int_equal(connect(far, &none, sizeof(none)), 0);
}

/* ------------------------------------------------------------------------------------ sending */

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
		size_t want = s->portion && s->portion < s->bytes - position ? s->portion : s->bytes - position, n;
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

struct lab_sender *lab_send_from(int far, uint64_t start, uint64_t bytes, bool then_fin)
{
	struct lab_sender *s = calloc(1, sizeof(*s));

	s->fd = far;
	s->start = start;
	s->bytes = bytes;
	s->fin = then_fin;
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

	if (s->foreign && ev->buffer != devmem_buffer_id(s->lab->buffer))
		return s->foreign + ev->offset;
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
	const void *bytes = (const void *)(uintptr_t)ev->offset;

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
			lab->link_index = events[i].offset;
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

void lab_await_link(struct devmem_ring *ring, struct lab *lab, int link)
{
	struct devmem_event ev[128];

	for (int i = 0; !lab->links || lab->link != link; i++) {
		int n = ok(devmem_wait(ring, ev, 128, 1000));

		lab_check(lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
		if (!n && i > 20)
			fail_msg("no LINK event said %d; %u came, and the last one said %d", link, lab->links, lab->link);
	}
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

/* ------------------------------------------------------------------------------------ many streams */

struct devmem_ring *lab_ring(const struct devmem_ring_opts *opts)
{
	struct devmem_ring_opts o = { .size = sizeof(o) };
	struct devmem_ring *ring;

	if (opts)
		o = *opts;
	if (!o.engine)
		o.engine = lab_engine();
	ok(devmem_ring_open(&o, &ring));
	return ring;
}

/* Tokens go home on the turn after the release, or the one after a tick. */
void lab_settle(struct devmem_ring *ring)
{
	struct devmem_event ev[1];

	assert_int_equal(ok(devmem_wait(ring, ev, 1, 20)), 0);
	assert_int_equal(lab_stats(ring).tokens_outstanding, 0);
}

unsigned int lab_leaked(int near)
{
	unsigned int freed = 0;

	if (!lab_tokens())
		return 0;
	for (uint32_t start = 0; start < 1u << 16; start += 1024) {
		const uint32_t run[2] = { start, 1024 };

		freed += (unsigned int)lab_ok(setsockopt(near, SOL_SOCKET, 80 /* SO_DEVMEM_DONTNEED */, run,
							 sizeof(run)), "SO_DEVMEM_DONTNEED", __FILE__, __LINE__);
	}
	return freed;
}

void lab_flows_start(struct lab_flows *f, struct devmem_ring *ring, struct lab *lab, unsigned int n, uint64_t bytes)
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

	for (int silent = 0; (sum = received(f)) < bytes || (bytes == f->n * f->bytes && !all_ended(f->stream, f->n));) {
		int n = ok(devmem_wait(f->ring, ev, f->array, 1000));

		silent = n ? 0 : silent + 1;
		if (silent == 20) {
			struct devmem_stats st = lab_stats(f->ring);

			for (unsigned int i = 0; i < f->n; i++)
				print_error("stream %u: %llu bytes, ended %d, error %d\n", i,
					    (unsigned long long)f->stream[i].position, f->stream[i].ended,
					    f->stream[i].error);
			fail_msg("nothing came for 20 seconds: bytes %llu, completions %llu, rearms %llu, no buffers %llu, "
				 "tokens out %llu", (unsigned long long)sum, (unsigned long long)st.completions,
				 (unsigned long long)st.rearms, (unsigned long long)st.no_buffers,
				 (unsigned long long)st.tokens_outstanding);
		}
		lab_check(f->stream->lab, ev, n);
		for (unsigned int i = 0; i < f->n; i++)
			if (f->stream[i].ended && (f->stream[i].error || f->stream[i].position != f->bytes))
				fail_msg("stream %u ended at %llu: %s", i, (unsigned long long)f->stream[i].position,
					 strerror(-f->stream[i].error));
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

/* ------------------------------------------------------------------------------------ looking around */

static void set_fault(const char *name, unsigned long value)
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

/* What GRO makes of such packets zcrx cannot have, as its error says (test_zcrx.c): it is off as long as there are any. */
void lab_fault(const char *name, unsigned long value)
{
	const bool unsplit = lab_in("zcrx") && !strcmp(name, "nosplit_every");

	if (unsplit && value)
		assert_int_equal(system("ethtool -K " NIC " gro off"), 0);
	set_fault(name, value);
	if (unsplit && !value)
		assert_int_equal(system("ethtool -K " NIC " gro on"), 0);
}

void lab_faults_off(void)
{
	static const char *const names[] = { "drop_every", "reorder_every", "delay_every", "nosplit_every",
					     "misroute_every", "starve", "fail_queue_alloc", "fail_queue_start" };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		lab_fault(names[i], 0);
	lab_fault("nosplit_bytes", 128);
	lab_fault("delay_us", 1000);
	lab_fault("link", 1);
}

uint64_t lab_counter(const char *name)
{
	FILE *f = popen("ethtool -S " NIC, "re");
	unsigned long long value, found = 0;
	char line[128], key[64];
	bool any = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %63[^:]: %llu", key, &value) == 2 && !strcmp(key, name)) {
			found = value;
			any = true;
		}
	assert_int_equal(pclose(f), 0);
	if (!any)
		fail_msg("ethtool -S " NIC " has no counter %s", name);
	return found;
}

struct devmem_stats lab_stats(const struct devmem_ring *ring)
{
	struct devmem_stats st = { .size = sizeof(st) };

	ok(devmem_ring_stats(ring, &st));
	return st;
}

static void expect_copies(const struct devmem_stats *st)
{
	assert_int_equal(st->bytes_device, 0);
	assert_int_equal(st->bytes_linear, 0);
	assert_int_equal(st->bytes_staged, 0);
	assert_int_equal(st->bytes_placed, 0);
	assert_int_equal(st->misplaced, 0);
	assert_int_equal(st->release_operations, 0);
}

void lab_expect(const struct devmem_stats *st, uint64_t bytes, bool whole)
{
	assert_string_equal(st->engine, lab_engine());
	assert_non_null(strchr(st->engine_reason, ' '));
	assert_int_equal(st->bytes_device + st->bytes_linear + st->bytes_plain, bytes);
	assert_int_equal(st->tokens_released, st->fragments);
	assert_int_equal(st->tokens_outstanding, 0);
	if (lab_copies())
		expect_copies(st);
	else if (whole)
		assert_int_equal(st->bytes_device, bytes);
	if (whole || !lab_in("zcrx"))
		assert_int_equal(st->fallbacks, 0);
	if (lab_in("zcrx"))
		assert_int_equal(st->release_operations, 0);
	if (lab_tokens())
		assert_int_equal(!st->release_operations, !st->fragments);
	assert_true(st->enter_calls > 0);
	if (lab_in("syscall"))	/* each of them took one, at least */
		assert_true(st->enter_calls >= st->completions);
}

char *lab_nic_view(void)
{
	FILE *f = on_loopback() ? NULL : popen("/devmem/lab/guest/nic-view near", "re");
	char *text = calloc(1, 65536);

	if (on_loopback())
		return text;
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

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

unsigned int lab_mappings(void)
{
	FILE *f = SANITIZED ? NULL : fopen("/proc/self/maps", "re");
	unsigned int n = 0;
	int c;

	if (SANITIZED)
		return 0;
	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static unsigned int dmabufs(void)
{
	FILE *f = fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
	unsigned int n = 0;
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Total %u objects", &n);
	fclose(f);
	return n;
}

/* What was freed on another processor waits there for a packet. [net/core/skbuff.c: skb_attempt_defer_free] */
static void packet_on_each_processor(void)
{
	struct sockaddr_in discard = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cpu_set_t all, one;

	discard.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sched_getaffinity(0, sizeof(all), &all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		sendto(fd, "", 1, 0, (struct sockaddr *)&discard, sizeof(discard));
	}
	sched_setaffinity(0, sizeof(all), &all);
	close(fd);
}

unsigned int lab_dmabufs(void)
{
	if (on_loopback())
		return 0;
	for (int i = 0; i < 500 && dmabufs(); i++) {
		packet_on_each_processor();
		usleep(20000);
	}
	return dmabufs();
}

#define TUNABLES "GLIBC_TUNABLES"

void lab_count_mappings(char **argv)
{
	if (getenv(TUNABLES))
		return;
	setenv(TUNABLES, "glibc.pthread.stack_cache_size=0:glibc.malloc.arena_max=1", 1);
	execv("/proc/self/exe", argv);
	perror("execv");
	exit(1);
}

/* ------------------------------------------------------------------------------------ what a test leaves */

static struct {
	char *view;
	unsigned int fds, mappings;
} before;

int lab_look_before(void **state)
{
	(void)state;
	free(before.view);
	before.view = lab_nic_view();
	before.fds = lab_open_fds();
	before.mappings = getenv(TUNABLES) ? lab_mappings() : 0;
	return 0;
}

bool lab_as_before(void)
{
	char *now = lab_nic_view();
	bool same = !strcmp(before.view, now);

	free(now);
	return same;
}

void lab_nothing_is_left(void)
{
	assert_int_equal(lab_open_fds(), before.fds);
	assert_int_equal(lab_dmabufs(), 0);
	if (getenv(TUNABLES))
		assert_int_equal(lab_mappings(), before.mappings);
}

int lab_look_after(void **state)
{
	char *now = lab_nic_view();

	(void)state;
	assert_string_equal(before.view, now);
	free(now);
	lab_nothing_is_left();
	return 0;
}
