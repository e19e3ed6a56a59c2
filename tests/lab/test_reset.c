// SPDX-License-Identifier: MIT
/*
 * The NIC is reset again and again while a bound queue receives. Beside it are ordinary
 * connections, whose programs know nothing of devmem. A NIC that forgets its rules and its RSS
 * table with a reset (gve) leads these to the bound queue until the library has made its settings
 * again. What must hold all the same: each byte is right, no call of an ordinary program fails, and
 * after each reset the settings are again what they were.
 *
 * A program at ingress sees to that: it is there as long as a queue is bound, unless it would do
 * harm, or must not be there.
 *
 * LAB_RESETS: how many resets, 20 if not set.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define MIB	     (1u << 20)
#define ORDINARY     16
#define STREAMS	     2
#define MAX_MESSAGE  20000u
#define PATIENCE     180 /* seconds for a reset: what hangs is ended by SIGALRM */
#define ALL_QUEUES   0xffffu
#define RESETS	     20u
#define TIMEOUTS_PER 10u /* one reset of so many is a TX timeout, which takes the driver 10 s */

/* ------------------------------------------------------------------------- ordinary connections */

struct ordinary {
	struct lab_pair pair;
	pthread_t near, far;
	const atomic_bool *ends;
	atomic_uint rounds; /* messages that came back */
	unsigned int mark;
	atomic_int error;
	const char *_Atomic failed; /* which call */
};

static void note(struct ordinary *o, const char *what, int err)
{
	int none = 0;

	if (atomic_compare_exchange_strong(&o->error, &none, err))
		atomic_store(&o->failed, what);
	/* so that the other end does not wait for ever */
	shutdown(o->pair.near, SHUT_RDWR);
}

static bool send_all(int fd, const unsigned char *bytes, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* The near end: sends back what it receives. */
static void *answer(void *arg)
{
	unsigned char bytes[MAX_MESSAGE];
	struct ordinary *o = arg;
	uint64_t position = 0;
	ssize_t n;

	while ((n = recv(o->pair.near, bytes, sizeof(bytes), 0)) > 0) {
		if (!pattern_matches(position, bytes, (size_t)n)) {
			note(o, "near end, bytes", EBADMSG);
			return NULL;
		}
		position += (uint64_t)n;
		if (!send_all(o->pair.near, bytes, (size_t)n)) {
			note(o, "near end, send()", errno);
			return NULL;
		}
	}
	if (n < 0)
		note(o, "near end, recv()", errno);
	return NULL;
}

static bool send_message(int fd, uint64_t position, size_t bytes)
{
	while (bytes) {
		size_t n;
		const unsigned char *p = pattern_at(position, bytes, &n);

		if (!send_all(fd, p, n))
			return false;
		position += n;
		bytes -= n;
	}
	return true;
}

/* Returns what failed, with errno; or NULL. */
static const char *receive_message(int fd, uint64_t position, size_t bytes)
{
	unsigned char buf[MAX_MESSAGE];

	while (bytes) {
		ssize_t n = recv(fd, buf, bytes, 0);

		if (!n)
			errno = EPIPE;
		if (n <= 0)
			return "far end, recv()";
		errno = EBADMSG;
		if (!pattern_matches(position, buf, (size_t)n))
			return "far end, bytes";
		position += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return NULL;
}

/* The far end: sends messages of different sizes, and awaits each before the next one. */
static void *ask(void *arg)
{
	struct ordinary *o = arg;
	const char *failed = NULL;
	uint64_t position = 0;

	while (!failed && !atomic_load(o->ends)) {
		const size_t bytes = 1 + atomic_load(&o->rounds) * 977 % MAX_MESSAGE;

		failed = send_message(o->pair.far, position, bytes)
				 ? receive_message(o->pair.far, position, bytes)
				 : "far end, send()";
		position += bytes;
		atomic_fetch_add(&o->rounds, !failed);
	}
	if (failed)
		note(o, failed, errno);
	shutdown(o->pair.far, SHUT_WR);
	return NULL;
}

static void start_ordinary(struct ordinary *o, unsigned int i, int listener,
			   const atomic_bool *ends)
{
	o->ends = ends;
	o->pair.far = lab_dial(lab_port(listener), i % 2);
	o->pair.near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(o->pair.near >= 0);
	assert_int_equal(pthread_create(&o->near, NULL, answer, o), 0);
	assert_int_equal(pthread_create(&o->far, NULL, ask, o), 0);
}

/* ---------------------------------------------------------------------------- bound connections */

struct sender {
	pthread_t thread;
	int fd;
	const atomic_bool *ends;
	uint64_t sent;
	bool failed;
};

static void *send_until_the_end(void *arg)
{
	struct sender *s = arg;

	while (!s->failed && !atomic_load(s->ends)) {
		s->failed = !send_message(s->fd, s->sent, 65536);
		s->sent += 65536;
	}
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

struct traffic {
	struct lab lab;
	struct devmem_ring *ring;
	int listener;
	atomic_bool ends;
	struct lab_pair pair[STREAMS];
	struct lab_stream stream[STREAMS];
	struct sender sender[STREAMS];
	uint64_t mark[STREAMS];
	struct ordinary ordinary[ORDINARY];
};

static struct traffic *start_traffic(void)
{
	struct traffic *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	lab_open(&t->lab, 32 * MIB, 1);
	t->ring = lab_ring(NULL);
	t->listener = lab_listen(PORT + 1);
	for (unsigned int i = 0; i < STREAMS; i++) {
		t->pair[i] = lab_connect(&t->lab, i % 2);
		lab_attach(t->ring, &t->lab, t->pair[i].near, &t->stream[i]);
		t->sender[i] = (struct sender){ .fd = t->pair[i].far, .ends = &t->ends };
		assert_int_equal(pthread_create(&t->sender[i].thread, NULL, send_until_the_end,
						&t->sender[i]),
				 0);
	}
	for (unsigned int i = 0; i < ORDINARY; i++)
		start_ordinary(&t->ordinary[i], i, t->listener, &t->ends);
	return t;
}

/* One turn of the ring: the streams go on. */
static void turn(struct traffic *t)
{
	struct devmem_event ev[128];
	int n = ok(devmem_wait(t->ring, ev, 128, 20));

	lab_check(&t->lab, ev, n);
	ok(devmem_release(t->ring, ev, (unsigned int)n));
	for (unsigned int i = 0; i < STREAMS; i++)
		if (t->stream[i].ended && !atomic_load(&t->ends))
			fail_msg("stream %u ended: %s", i, strerror(-t->stream[i].error));
}

static bool all_went_on(struct traffic *t)
{
	bool all = true;

	for (unsigned int i = 0; i < STREAMS; i++)
		all &= t->stream[i].position > t->mark[i];
	for (unsigned int i = 0; i < ORDINARY; i++) {
		const struct ordinary *o = &t->ordinary[i];

		/* a message that was sent after the mark has come back */
		all &= atomic_load(&o->error) || atomic_load(&o->rounds) > o->mark + 1;
	}
	return all;
}

static void await_all(struct traffic *t)
{
	for (unsigned int i = 0; i < STREAMS; i++)
		t->mark[i] = t->stream[i].position;
	for (unsigned int i = 0; i < ORDINARY; i++)
		t->ordinary[i].mark = atomic_load(&t->ordinary[i].rounds);
	while (!all_went_on(t))
		turn(t);
}

static void await_settings(struct traffic *t, const char *ours)
{
	bool same = false;

	while (!same) {
		char *now = lab_nic_view();

		same = !strcmp(now, ours);
		free(now);
		turn(t);
	}
}

static unsigned int failures(const struct traffic *t)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ORDINARY; i++)
		n += atomic_load(&t->ordinary[i].error) != 0;
	return n;
}

static void show_failures(const struct traffic *t)
{
	for (unsigned int i = 0; i < ORDINARY; i++) {
		const struct ordinary *o = &t->ordinary[i];

		if (atomic_load(&o->error))
			print_error("ordinary connection %u, after %u messages: %s: %s\n", i,
				    atomic_load(&o->rounds), atomic_load(&o->failed),
				    strerror(atomic_load(&o->error)));
	}
}

static void end_traffic(struct traffic *t)
{
	atomic_store(&t->ends, true);
	assert_true(lab_drain(t->ring, &t->lab, t->stream, STREAMS));
	for (unsigned int i = 0; i < STREAMS; i++) {
		pthread_join(t->sender[i].thread, NULL);
		assert_false(t->sender[i].failed);
		assert_int_equal(t->stream[i].error, 0);
		assert_int_equal(t->stream[i].position, t->sender[i].sent);
		devmem_detach(t->stream[i].sock);
		lab_close_pair(t->pair[i]);
	}
	for (unsigned int i = 0; i < ORDINARY; i++) {
		pthread_join(t->ordinary[i].far, NULL);
		pthread_join(t->ordinary[i].near, NULL);
		lab_close_pair(t->ordinary[i].pair);
	}
	devmem_ring_close(t->ring);
	close(t->listener);
	lab_close(&t->lab);
}

/* --------------------------------------------------------------------------------------- resets */

static bool passes_for_gve(void)
{
	return !system("ethtool -i " NIC " | grep -qx 'driver: gve'");
}

static void ethtool_resets(void)
{
	run("ethtool --reset " NIC " all >/dev/null");
}

/* gve resets itself later, in the background: it counts these. */
static void await_gve(uint64_t before)
{
	while (lab_counter("resets") == before)
		usleep(20000);
}

static void device_asks(void)
{
	uint64_t before;

	if (lab_nic_is("labnic")) {
		lab_fault(passes_for_gve() ? "reset_forget" : "reset", 50);
		return;
	}
	before = lab_counter("resets");
	lab_fault("reset", 1);
	await_gve(before);
}

/* A queue times out when it has been full for five seconds: these packets fill one. */
static void fill_a_queue(int fd)
{
	static const unsigned char bytes[64];
	struct sockaddr_in far = { .sin_family = AF_INET, .sin_port = htons(9) };

	far.sin_addr.s_addr = htonl(0xc0000202); /* 192.0.2.2 */
	for (unsigned int i = 0; i < 256; i++)
		sendto(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&far,
		       sizeof(far));
}

static void sends_time_out(void)
{
	const uint64_t before = lab_counter("resets");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), room = 16 * MIB;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)), 0);
	lab_fault("tx_stall", ALL_QUEUES);
	while (lab_counter("resets") == before) {
		fill_a_queue(fd);
		usleep(20000);
	}
	close(fd);
}

struct reset {
	const char *name;
	void (*fn)(void);
	pthread_t thread;
	atomic_bool over;
};

/* By turns. With "ethtool --reset" labnic forgets, too, which the library expects of gve alone. */
static void choose(struct reset *r, unsigned int i)
{
	*r = (struct reset){ .name = "the device asks for it", .fn = device_asks };
	if (lab_has_fault("tx_stall") && i % TIMEOUTS_PER == 4)
		*r = (struct reset){ .name = "sends time out", .fn = sends_time_out };
	else if (passes_for_gve() && i % 2)
		*r = (struct reset){ .name = "ethtool --reset", .fn = ethtool_resets };
}

static void *do_reset(void *arg)
{
	struct reset *r = arg;

	r->fn();
	atomic_store(&r->over, true);
	return NULL;
}

static void reset_once(struct traffic *t, unsigned int i, const char *ours)
{
	struct reset r;

	alarm(PATIENCE);
	choose(&r, i);
	print_message("reset %u: %s\n", i + 1, r.name);
	assert_int_equal(pthread_create(&r.thread, NULL, do_reset, &r), 0);
	while (!atomic_load(&r.over))
		turn(t);
	pthread_join(r.thread, NULL);
	await_settings(t, ours);
	await_all(t);
	alarm(0);
}

static void resets_under_traffic(void **state)
{
	const char *want = getenv("LAB_RESETS");
	const unsigned int resets = want ? (unsigned int)strtoul(want, NULL, 10) : RESETS;
	struct traffic *t = start_traffic();
	unsigned int failed;
	char *ours;

	(void)state;
	await_all(t);
	ours = lab_nic_view();
	for (unsigned int i = 0; i < resets; i++)
		reset_once(t, i, ours);
	free(ours);
	end_traffic(t);
	show_failures(t);
	failed = failures(t);
	free(t);
	if (failed)
		fail_msg("%u of %u ordinary connections failed in %u resets", failed, ORDINARY,
			 resets);
}

/* ----------------------------------------------------------------------- the program at ingress */

/* How many programs the interface has (tcx), which neither tc nor ethtool shows. */
static unsigned int programs(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = if_nametoindex(NIC); /* target_ifindex, which older headers lack */
	attr.query.attach_type = 46;		    /* BPF_TCX_INGRESS */
	assert_int_equal(syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)), 0);
	return attr.query.prog_cnt;
}

static void needs_program(const char *test)
{
	if (lab_copies())
		lab_name_case(test, "nothing is bound");
	if (!passes_for_gve())
		lab_name_case(test, "the driver keeps its settings");
}

static char warning[512];

static void keep_warning(void *arg, int level, const char *text)
{
	(void)arg;
	if (level == DEVMEM_LOG_WARNING && strstr(text, "not kept out"))
		snprintf(warning, sizeof(warning), "%s", text);
}

static void expect_warning(const char *word)
{
	if (!strstr(warning, word))
		fail_msg("no \"%s\" in: %s", word, warning);
}

static void steer(struct devmem_binding *binding, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };

	ok(devmem_steer(binding, (struct sockaddr *)&v4, NULL));
}

static void as_long_as_a_queue_is_bound(void **state)
{
	struct devmem_buffer *buffer;
	struct devmem_binding *other;
	struct lab lab;

	(void)state;
	needs_program(__func__);
	lab_open_as(&lab, &(struct lab_opts){ .bytes = 8 * MIB, .queues = 1 });
	assert_int_equal(programs(), 1);
	buffer = lab_buffer(8 * MIB);
	other = lab_bind(lab.nic, buffer, 1, NULL);
	steer(other, PORT + 1);
	assert_int_equal(programs(), 1);
	devmem_binding_close(lab.binding);
	assert_int_equal(programs(), 1);
	devmem_binding_close(other);
	assert_int_equal(programs(), 0);
	lab.binding = lab_bind(lab.nic, lab.buffer, 1, NULL); /* its flows are still steered */
	assert_int_equal(programs(), 1);
	lab_close(&lab);
	assert_int_equal(programs(), 0);
	devmem_buffer_close(buffer);
}

/* As between connections that are steered one by one. It can have 64 flows at a time. */
static void when_the_last_rule_is_taken_back(void **state)
{
	struct devmem_buffer *buffer = lab_buffer(8 * MIB);
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	(void)state;
	needs_program(__func__);
	ok(devmem_nic_open(NIC, NULL, &nic));
	binding = lab_bind(nic, buffer, 1, NULL);
	assert_int_equal(programs(), 0);
	for (uint16_t i = 0; i < 66; i++) {
		steer(binding, PORT + i);
		assert_int_equal(programs(), 1);
		ok(lab_take_rule_back(binding, PORT + i, false));
		assert_int_equal(programs(), 1);
	}
	devmem_binding_close(binding);
	assert_int_equal(programs(), 0);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
}

/* Binds with these flags, and steers a flow. */
static void bind_with(uint32_t flags, bool steers, const uint32_t *queue)
{
	struct devmem_buffer *buffer = lab_buffer(8 * MIB);
	struct devmem_binding *binding;
	struct devmem_nic *nic;

	warning[0] = '\0';
	ok(devmem_log_set(DEVMEM_LOG_WARNING, keep_warning, NULL));
	ok(devmem_nic_open(NIC, DEVMEM_OPTS(devmem_nic_opts, .flags = flags), &nic));
	binding = lab_bind(nic, buffer, 1, queue);
	if (steers)
		steer(binding, PORT);
	assert_int_equal(programs(), 0);
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
	ok(devmem_log_set(0, NULL, NULL));
}

static void not_if_nothing_is_steered(void **state)
{
	(void)state;
	needs_program(__func__);
	bind_with(0, false, NULL);
	assert_string_equal(warning, "");
}

static void not_without_guards(void **state)
{
	(void)state;
	needs_program(__func__);
	bind_with(DEVMEM_NIC_NO_GUARD, true, NULL);
	assert_string_equal(warning, "");
}

/* What it steers would be dropped for ever. */
static void not_beside_a_rule_of_others(void **state)
{
	static const uint32_t queue = 2;

	(void)state;
	needs_program(__func__);
	run("ethtool -N " NIC " flow-type tcp4 dst-port 22 action 2 loc 1 >/dev/null");
	bind_with(0, true, &queue);
	expect_warning("somebody else's flow rule");
	run("ethtool -N " NIC " delete 1");
}

static void drop_capability(unsigned int capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(syscall(SYS_capget, &head, sets), 0);
	sets[capability / 32].effective &= ~(1u << capability % 32);
	assert_int_equal(syscall(SYS_capset, &head, sets), 0);
}

static void *without_capability(void *arg)
{
	struct lab *lab = arg;

	drop_capability(CAP_SYS_ADMIN);
	drop_capability(39); /* CAP_BPF */
	steer(lab->binding, PORT);
	return NULL;
}

static void *in_far(void *arg)
{
	struct lab *lab = arg;
	int ns = open("/run/netns/far", O_RDONLY | O_CLOEXEC);

	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
	close(ns);
	steer(lab->binding, PORT);
	return NULL;
}

static void by_a_thread(void *(*fn)(void *arg), const char *word)
{
	struct lab lab = { .buffer = lab_buffer(8 * MIB) };
	pthread_t thread;

	warning[0] = '\0';
	ok(devmem_log_set(DEVMEM_LOG_WARNING, keep_warning, NULL));
	ok(devmem_nic_open(NIC, NULL, &lab.nic));
	lab.binding = lab_bind(lab.nic, lab.buffer, 1, NULL);
	assert_int_equal(pthread_create(&thread, NULL, fn, &lab), 0);
	pthread_join(thread, NULL);
	assert_int_equal(programs(), 0);
	expect_warning(word);
	steer(lab.binding, PORT + 1); /* this thread may */
	assert_int_equal(programs(), 1);
	devmem_binding_close(lab.binding);
	ok(devmem_nic_close(lab.nic));
	devmem_buffer_close(lab.buffer);
	ok(devmem_log_set(0, NULL, NULL));
}

static void not_without_capability(void **state)
{
	(void)state;
	needs_program(__func__);
	by_a_thread(without_capability, "CAP_BPF");
}

static void not_from_another_namespace(void **state)
{
	(void)state;
	needs_program(__func__);
	by_a_thread(in_far, "another network namespace");
}

/* It must not outlive the process: the queue is an ordinary one then. The rules do, until they are
 * put back. */
static void not_after_a_crash(void **state)
{
	pid_t child;
	int status;

	(void)state;
	needs_program(__func__);
	child = fork();
	if (!child) {
		struct lab lab;

		lab_open(&lab, 8 * MIB, 1);
		if (programs() == 1)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (programs())
		usleep(1000);
	assert_false(lab_as_before());
	ok(devmem_nic_restore(NULL, NULL));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(as_long_as_a_queue_is_bound), LAB_TEST(when_the_last_rule_is_taken_back),
		LAB_TEST(not_if_nothing_is_steered),   LAB_TEST(not_without_guards),
		LAB_TEST(not_beside_a_rule_of_others), LAB_TEST(not_without_capability),
		LAB_TEST(not_from_another_namespace),  LAB_TEST(not_after_a_crash),
		LAB_TEST(resets_under_traffic),
	};

	lab_count_mappings(argv);
	lab_begin(argc, argv);
	return lab_run("reset", tests, NULL, NULL);
}
