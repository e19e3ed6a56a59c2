// SPDX-License-Identifier: MIT
/*
 * Things end in every order, also by violence: receivers are killed, bindings come and go under
 * live connections, the NIC is taken away. Every byte that a stream shows is right, and nothing is
 * left: no descriptor, no mapping, no token, no dma-buf; page pools are the lab's own check.
 *
 * What a killed process changed on the NIC stays (nothing remembers it). So the tests that kill
 * prepare the NIC: all other traffic goes to queue 0, as an administrator could have it, and a
 * binding of the test's own keeps header split on. Then only rules are left, and those go with
 * ethtool.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define MIB	   (1u << 20)
#define OTHER_PORT (PORT + 10)

static const uint32_t queue_2 = 2, queue_3 = 3;

/* Receives until the stream has so many more bytes of a kind. */
static void receive(struct devmem_ring *ring, struct lab *lab, const struct lab_stream *s,
		    const uint64_t *kind, uint64_t more)
{
	uint64_t target = *kind + more;
	struct devmem_event ev[64];

	while (*kind < target) {
		int n = ok(devmem_wait(ring, ev, 64, 20000));

		if (!n || s->ended)
			fail_msg("%llu of the bytes did not come: %llu device, %llu host, error %d",
				 (unsigned long long)(target - *kind),
				 (unsigned long long)s->device, (unsigned long long)s->host,
				 s->error);
		lab_check(lab, ev, n);
		ok(devmem_release(ring, ev, (unsigned int)n));
	}
}

static int lowat_of(int fd)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, &len), 0);
	return bytes;
}

static char wait_for(int fd)
{
	char c = 0;

	return read(fd, &c, 1) == 1 ? c : 0;
}

/* -------------------------------------------------------------------------------- attached once */

static void refused(struct devmem_ring *ring, int fd, struct devmem_binding *binding)
{
	struct devmem_sock *sock = NULL;
	int before = lowat_of(fd);

	assert_int_equal(devmem_attach(ring, fd, binding, 1,
				       DEVMEM_OPTS(devmem_attach_opts, .lowat = before + 1), &sock),
			 -EEXIST);
	assert_non_null(strstr(devmem_error(), "is already attached"));
	assert_null(sock);
	assert_int_equal(lowat_of(fd), before);
}

/* By whatever descriptor, with whatever binding and on whatever ring; after detaching it may be. */
static void a_connection_is_attached_once(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL), *other = lab_ring(NULL), *copies;
	struct lab_pair pair, second;
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab lab;
	int again;

	(void)state;
	lab_open(&lab, 4 * MIB, 1);
	pair = lab_connect(&lab, false);
	second = lab_connect(&lab, true);
	again = dup(pair.near);
	lab_attach(ring, &lab, pair.near, &stream);
	refused(ring, pair.near, lab.binding);
	refused(ring, again, lab.binding);
	if (lab_copies()) /* other engines' rings refuse it for that reason */
		refused(ring, again, NULL);
	copies = lab_ring(
		DEVMEM_OPTS(devmem_ring_opts, .engine = lab_in("syscall") ? "syscall" : "copy"));
	refused(copies, again, NULL);
	devmem_ring_close(copies);
	if (!lab_in("zcrx")) /* there another ring cannot have the binding at all */
		refused(other, pair.near, lab.binding);
	sender = lab_send(pair.far, 4 * MIB, 0, true);
	assert_true(lab_drain(ring, &lab, &stream, 1));
	assert_int_equal(stream.position, 4 * MIB);
	assert_true(lab_sent(sender));
	devmem_detach(stream.sock);
	lab_settle(ring);

	lab_attach(ring, &lab, second.near, &stream);
	devmem_detach(stream.sock);
	lab_settle(ring);
	lab_attach(ring, &lab, second.near, &stream);
	devmem_ring_close(other);
	devmem_ring_close(ring);
	close(again);
	close(pair.near);
	close(pair.far);
	close(second.near);
	close(second.far);
	lab_close(&lab);
}

/* A caller that only wants its sends, releases and receives to go out has no events to make room
 * for. */
static void a_wait_without_room_hands_in(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_pair pair;
	struct devmem_binding *tx;
	struct lab_stream stream;
	struct devmem_event ev[8];
	char bytes[100];
	struct lab lab;

	(void)state;
	lab_open(&lab, 4 * MIB, 1);
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	assert_int_equal(devmem_wait(ring, ev, 8, 0), 0);
	ok(devmem_bind_tx(NULL, lab.buffer, NULL, &tx));
	ok(devmem_send(stream.sock, tx, &(struct devmem_range){ 0, sizeof(bytes) }, 1, 5));
	assert_int_equal(devmem_wait(ring, NULL, 0, 0), 0);
	assert_int_equal(recv(pair.far, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
	assert_int_equal(devmem_wait(ring, NULL, 0, -1), 0);
	while (ok(devmem_wait(ring, ev, 8, -1)) == 0 || ev[0].type != DEVMEM_EVENT_SENT)
		;
	assert_int_equal(ev[0].cookie, 5);
	assert_int_equal(ev[0].result, sizeof(bytes));
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	devmem_binding_close(tx);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

/* ----------------------------------------------------------------------------- killed receivers */

/* The program that is killed: "lab_lifecycle --receive", telling on descriptor 3 how far it is. */
static int receiver(void)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_stream stream;
	struct lab lab;
	int fd;

	lab_open_as(&lab, &(struct lab_opts){ .bytes = 16 * MIB,
					      .queues = 1,
					      .queue_list = &queue_3,
					      .port = OTHER_PORT });
	if (write(3, "L", 1) != 1)
		return 1;
	fd = accept(lab.listener, NULL, NULL);
	lab_attach(ring, &lab, fd, &stream);
	receive(ring, &lab, &stream, &stream.device, 8 * MIB);
	if (write(3, "R", 1) != 1)
		return 1;
	receive(ring, &lab, &stream, &stream.device, UINT64_MAX / 2);
	return 1;
}

static pid_t start_receiver(int *said)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(ends[1], 3);
		execl("/proc/self/exe", "lab_lifecycle", "--receive", NULL);
		_exit(127);
	}
	close(ends[1]);
	*said = ends[0];
	return child;
}

static void killed(pid_t child, int signal)
{
	int status;

	assert_int_equal(kill(child, signal), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (signal == SIGKILL)
		assert_true(WIFSIGNALED(status));
	else
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The next one binds the same queue and steers the same port: what is left of the one before goes
 * first. */
static void a_killed_receiver_leaves_its_queue_usable(void **state)
{
	struct lab keeper;

	(void)state;
	lab_cannot_copy("no queue is taken, and nothing is left when its owner is killed");
	lab_open_as(&keeper,
		    &(struct lab_opts){ .bytes = 4 * MIB, .queues = 1, .queue_list = &queue_2 });
	for (int round = 0; round < 3; round++) {
		struct lab_sender *sender;
		int said, far;
		pid_t child = start_receiver(&said);

		assert_int_equal(wait_for(said), 'L');
		far = lab_dial(OTHER_PORT, round % 2);
		sender = lab_send(far, (uint64_t)16 << 30, 0, false);
		assert_int_equal(wait_for(said), 'R');
		killed(child, SIGKILL);
		assert_false(lab_sent(sender)); /* the kernel reset the connection */
		close(far);
		close(said);
		run("ethtool -n " NIC " | grep -q 'Dest port: 5310'");
	}
	lab_close(&keeper);
}

/* ---------------------------------------------------------------------- under a live connection */

/* A process that owns a binding of @buffer to queue 2, and steers OTHER_PORT there. SIGTERM ends it
 * in order. */
static void own_binding(struct devmem_buffer *buffer, int tell)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(OTHER_PORT) };
	struct devmem_binding *binding;
	struct devmem_buffer *own; /* the same memory: the object is the parent's */
	struct devmem_nic *nic;
	sigset_t term;
	int signal;

	for (int fd = 3; fd < 1024; fd++)
		if (fd != tell && fd != devmem_buffer_fd(buffer))
			close(fd);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if (devmem_nic_open(NIC, NULL, &nic) ||
	    devmem_buffer_import(devmem_buffer_fd(buffer), NULL, &own) ||
	    devmem_bind_rx(nic, own,
			   DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .queue_list = &queue_2),
			   &binding) ||
	    devmem_steer(binding, (struct sockaddr *)&v4, NULL)) {
		print_error("the binder: %s\n", devmem_error());
		_exit(1);
	}
	if (write(tell, "B", 1) != 1)
		_exit(2);
	sigwait(&term, &signal);
	devmem_binding_close(binding);
	_exit(devmem_nic_close(nic) ? 3 : 0);
}

static pid_t start_binder(struct devmem_buffer *buffer)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		own_binding(buffer, ends[1]);
	close(ends[1]);
	assert_int_equal(wait_for(ends[0]), 'B');
	close(ends[0]);
	return child;
}

/*
 * The binding under a running stream goes and comes, four times, with data in flight. It belongs to
 * another process, for a socket keeps alive the binding that it is attached with. Each has memory
 * of its own: fragments of the last one may still be on their way when the next one is bound.
 */
static void comes_and_goes(int signal)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_buffer *memory[4];
	struct lab_sender *sender;
	struct lab_stream stream;
	int listener, near, far;
	struct lab lab;
	void *map;

	lab_open_as(&lab,
		    &(struct lab_opts){ .bytes = 4 * MIB, .queues = 1, .queue_list = &queue_3 });
	listener = lab_listen(OTHER_PORT);
	far = lab_dial(OTHER_PORT, false);
	near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	lab_attach(ring, &lab, near, &stream);
	sender = lab_send(far, (uint64_t)16 << 30, 0, false);
	for (int round = 0; round < 4; round++) {
		pid_t binder;

		receive(ring, &lab, &stream, &stream.host, 2 * MIB);
		memory[round] = lab_buffer(16 * MIB);
		ok(devmem_buffer_map(memory[round], &map));
		stream.foreign_before = stream.foreign;
		stream.foreign = map;
		binder = start_binder(memory[round]);
		receive(ring, &lab, &stream, &stream.device, 6 * MIB);
		killed(binder, signal);
	}
	receive(ring, &lab, &stream, &stream.host, 2 * MIB);
	assert_true(stream.switches >= 8);
	lab_reset(far);
	lab_sent(sender);
	lab_drain(ring, &lab, &stream, 1);
	assert_int_equal(stream.error, -ECONNRESET);
	lab_settle(ring);
	assert_int_equal(lab_leaked(near), 0);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	for (int i = 0; i < 4; i++)
		devmem_buffer_close(memory[i]);
	close(near);
	close(far);
	close(listener);
	lab_close(&lab);
}

static void a_binding_comes_and_goes_under_a_live_connection(void **state)
{
	(void)state;
	lab_cannot_copy("it cannot read device memory of somebody's binding");
	lab_cannot("zcrx", "it cannot read device memory of another binding: the connection breaks "
			   "(test_zcrx.c)");
	comes_and_goes(SIGTERM);
}

static void its_owner_is_killed_under_a_live_connection(void **state)
{
	(void)state;
	lab_cannot_copy("it cannot read device memory of somebody's binding");
	lab_cannot("zcrx", "it cannot read device memory of another binding: the connection breaks "
			   "(test_zcrx.c)");
	comes_and_goes(SIGKILL);
}

static void receive_plainly(int fd, uint64_t position, uint64_t bytes)
{
	static unsigned char buf[65536];

	while (bytes) {
		ssize_t n = recv(fd, buf, bytes < sizeof(buf) ? bytes : sizeof(buf), 0);

		assert_true(n > 0);
		assert_true(pattern_matches(position, buf, (size_t)n));
		position += (uint64_t)n;
		bytes -= (uint64_t)n;
	}
}

/*
 * The same in one process, where the application protocol has pauses: what was sent is read, the
 * socket detached, the binding closed, and the socket goes on as an ordinary one; then it is bound
 * again.
 */
static void bound_unbound_and_bound_again_in_pauses(void **state)
{
	struct lab_pair pair = { -1, -1 };
	uint64_t position = 0;

	(void)state;
	for (int round = 0; round < 3; round++) {
		struct devmem_ring *ring = lab_ring(NULL);
		struct lab_stream stream;
		struct lab lab;

		lab_open(&lab, 16 * MIB, 2);
		if (!round)
			pair = lab_connect(&lab, true);
		else
			lab_steer(&lab, pair.near);
		lab_attach(ring, &lab, pair.near, &stream);
		stream.position = position;
		assert_true(lab_sent(lab_send_from(pair.far, position, 100000, false)));
		receive(ring, &lab, &stream, &stream.device, 100000);
		assert_int_equal(stream.host, 0);
		position += 100000;
		devmem_detach(stream.sock);
		lab_settle(ring);
		if (lab_in("zcrx")) /* the queue is the ring's until it is closed */
			devmem_ring_close(ring);
		/* the ring is open, the socket too: the binding has ended all the same */
		lab_close(&lab);
		assert_true(lab_as_before());
		assert_true(lab_sent(lab_send_from(pair.far, position, 100000, false)));
		receive_plainly(pair.near, position, 100000);
		position += 100000;
		if (!lab_in("zcrx"))
			devmem_ring_close(ring);
	}
	close(pair.near);
	close(pair.far);
}

/* Somebody deletes the rules; the flow goes another way, and comes back when it is steered
 * again. */
static void the_rule_goes_and_comes_back(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct devmem_ring *ring;
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	lab_cannot_copy("there is no rule: bytes may come any way");
	ring = lab_ring(NULL);
	lab_open(&lab, 16 * MIB, 1);
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	sender = lab_send(pair.far, (uint64_t)16 << 30, 0, false);
	for (int round = 0; round < 4; round++) {
		receive(ring, &lab, &stream, &stream.device, 4 * MIB);
		lab_delete_rules();
		receive(ring, &lab, &stream, &stream.host, 4 * MIB);
		ok(devmem_steer(lab.binding, (struct sockaddr *)&v4, NULL));
	}
	assert_true(stream.switches >= 7);
	if (lab_in("zcrx"))
		assert_true(lab_stats(ring).fallbacks >= 4);
	lab_reset(pair.far);
	lab_sent(sender);
	lab_drain(ring, &lab, &stream, 1);
	lab_settle(ring);
	assert_int_equal(lab_leaked(pair.near), 0);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	close(lab.listener);
	devmem_binding_close(lab.binding);
	ok(devmem_nic_close(lab.nic));
	devmem_buffer_close(lab.buffer);
}

/* --------------------------------------------------------------- nothing of it waits for others */

/* A process that has the lock of the NIC's journal, until it is told to give it back. */
struct holder {
	pid_t pid;
	int end;
};

static struct holder hold_journal(void)
{
	int ready[2], end[2];
	struct holder h;
	glob_t found;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	assert_int_equal(glob("/run/devmem/*.journal", 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	h.pid = fork();
	if (!h.pid) {
		int fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
		char c;

		close(end[1]);
		if (fd < 0 || flock(fd, LOCK_EX) || write(ready[1], "L", 1) != 1)
			_exit(1);
		_exit(read(end[0], &c, 1) != 0);
	}
	globfree(&found);
	close(end[0]);
	close(ready[1]);
	assert_int_equal(wait_for(ready[0]), 'L');
	close(ready[0]);
	h.end = end[1];
	return h;
}

static void let_go(struct holder *h)
{
	int status;

	close(h->end);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	assert_int_equal(status, 0);
}

/* Does the thread sleep in flock(2)? Then it has all locks of the library's that it takes
 * before. */
static void await_sleep_in_flock(pid_t tid)
{
	char path[64], line[256] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	while (atoi(line) != SYS_flock) {
		FILE *f = fopen(path, "re");

		assert_non_null(f);
		if (!fgets(line, sizeof(line), f) || line[0] == 'r')
			line[0] = '\0';
		fclose(f);
		usleep(1000);
	}
}

struct steerer {
	pthread_t thread;
	struct devmem_binding *binding;
	atomic_int tid;
};

static void *steer_and_tell(void *arg)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(OTHER_PORT) };
	struct steerer *s = arg;

	s->tid = (int)gettid();
	ok(devmem_steer(s->binding, (struct sockaddr *)&v4, NULL));
	return NULL;
}

/*
 * While a thread of ours waits in devmem_steer() for another process, bytes come through a queue
 * that is not bound: they, and where they came through, are told all the same.
 */
static void misplaced_bytes_are_told_while_the_nic_is_locked(void **state)
{
	struct devmem_ring *ring;
	struct lab_sender *sender;
	struct lab_stream stream;
	struct steerer steerer = { 0 };
	struct holder holder;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	lab_cannot_copy("there is no rule: bytes may come any way");
	ring = lab_ring(NULL);
	lab_open(&lab, 16 * MIB, 1);
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	sender = lab_send(pair.far, (uint64_t)16 << 30, 0, false);
	receive(ring, &lab, &stream, &stream.device, MIB);
	holder = hold_journal();
	steerer.binding = lab.binding;
	assert_int_equal(pthread_create(&steerer.thread, NULL, steer_and_tell, &steerer), 0);
	while (!steerer.tid)
		usleep(1000);
	await_sleep_in_flock(steerer.tid);
	lab_delete_rules();
	alarm(60); /* without an end, otherwise */
	receive(ring, &lab, &stream, &stream.host, MIB);
	while (!stream.misplaced) /* all of these bytes may have come with one turn */
		receive(ring, &lab, &stream, &stream.host, 1);
	alarm(0);
	assert_int_equal(stream.misplaced, 1);
	assert_true(stream.misplaced_queue >= 0);
	let_go(&holder);
	pthread_join(steerer.thread, NULL);
	lab_reset(pair.far);
	lab_sent(sender);
	lab_drain(ring, &lab, &stream, 1);
	devmem_detach(stream.sock);
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	close(lab.listener);
	devmem_binding_close(lab.binding);
	ok(devmem_nic_close(lab.nic));
	devmem_buffer_close(lab.buffer);
}

/*
 * The last fragment of a binding that was closed ends it, and the NIC's transaction with it: not in
 * devmem_release() or devmem_wait(), but in the next call that may wait; and who wants the queue
 * and the buffer before that has them.
 */
static void the_last_reference_is_dropped_without_waiting(void **state)
{
	const uint32_t *queues = (uint32_t[]){ 2 };
	struct devmem_event ev[64];
	struct devmem_ring *ring;
	struct lab_stream stream;
	struct holder holder;
	struct lab_pair pair;
	unsigned int n = 0;
	struct lab lab;

	(void)state;
	lab_cannot_copy("no setting is changed, and no lock is taken");
	if (lab_in("zcrx"))
		lab_name_case(__func__, "a binding ends with its ring");
	for (int again = 0; again < 2; again++) {
		ring = lab_ring(NULL);
		lab_open_as(&lab, &(struct lab_opts){
					  .bytes = 4 * MIB, .queues = 1, .queue_list = queues });
		pair = lab_connect(&lab, false);
		lab_attach(ring, &lab, pair.near, &stream);
		assert_int_equal(send(pair.far, pattern_at(0, 1000, &(size_t){ 0 }), 1000, 0),
				 1000);
		for (n = 0; stream.position < 1000; n++) {
			assert_int_equal(devmem_wait(ring, ev + n, 1, 5000), 1);
			lab_check(&lab, ev + n, 1);
		}
		devmem_detach(stream.sock);
		devmem_binding_close(lab.binding);
		if (again == 0) {
			ok(devmem_nic_close(lab.nic));
			holder = hold_journal();
		}
		alarm(60); /* without an end, otherwise */
		ok(devmem_release(ring, ev, n));
		while (devmem_wait(ring, ev, 64, 20))
			;
		alarm(0);
		if (again == 0)
			let_go(&holder);
		else /* the ring still has it */
			lab.binding = lab_bind(lab.nic, lab.buffer, 1, queues);
		devmem_ring_close(ring);
		if (again) {
			devmem_binding_close(lab.binding);
			ok(devmem_nic_close(lab.nic));
		}
		devmem_buffer_close(lab.buffer);
		close(lab.listener);
		close(pair.near);
		close(pair.far);
		assert_true(lab_as_before());
	}
}

/* ------------------------------------------------------------------------------- in every order */

enum { NIC_OBJECT, BINDING, BUFFER, RING, OBJECTS };

static void close_one(struct lab *lab, struct devmem_ring **ring, int object)
{
	switch (object) {
	case NIC_OBJECT:
		ok(devmem_nic_close(lab->nic));
		break;
	case BINDING:
		devmem_binding_close(lab->binding);
		break;
	case BUFFER:
		devmem_buffer_close(lab->buffer);
		break;
	case RING:
		devmem_ring_close(*ring);
		*ring = NULL;
		break;
	}
}

/* With data in flight, completions waiting and fragments out. What still has to work does. */
static void closed_in_this_order(const int *order, bool ipv6)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_event ev[16];
	struct lab_sender *sender;
	struct lab_stream stream;
	struct lab_pair pair;
	struct lab lab;

	lab_open(&lab, 8 * MIB, 1);
	close(lab.listener);
	lab.listener = lab_listen(lab.port);
	pair = lab_connect(&lab, ipv6);
	lab_attach(ring, &lab, pair.near, &stream);
	sender = lab_send(pair.far, 64 * MIB, 0, false);
	for (int i = 0; i < OBJECTS; i++) {
		uint64_t target = stream.position + 100000;

		while (ring && stream.position < target) {
			int n = ok(devmem_wait(ring, ev, 16, 10000));

			assert_true(n > 0);
			for (int e = 0; e < n; e++) {
				if (ev[e].type <= DEVMEM_EVENT_HOST)
					stream.position += ev[e].length;
				if (ev[e].type == DEVMEM_EVENT_DATA)
					assert_true(pattern_matches(stream.position - ev[e].length,
								    lab.memory + ev[e].offset,
								    ev[e].length));
			}
		}
		close_one(&lab, &ring, order[i]);
	}
	shutdown(pair.near, SHUT_RDWR);
	close(pair.near);
	lab_sent(sender);
	close(pair.far);
	close(lab.listener);
}

static void closed_in_every_order(void **state)
{
	int order[OBJECTS];

	(void)state;
	for (int n = 0; n < OBJECTS * OBJECTS * OBJECTS * OBJECTS; n++) {
		int seen = 0;

		for (int i = 0, rest = n; i < OBJECTS; i++, rest /= OBJECTS) {
			order[i] = rest % OBJECTS;
			seen |= 1 << order[i];
		}
		if (seen != (1 << OBJECTS) - 1)
			continue;
		closed_in_this_order(order, n % 2);
		lab_nothing_is_left();
	}
}

/* The socket stays the application's: what the ring held of it is free, what is still queued is
 * read by the next. */
static void *close_here(void *ring)
{
	devmem_ring_close(ring);
	return NULL;
}

static void close_elsewhere(struct devmem_ring *ring)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, close_here, ring), 0);
	pthread_join(thread, NULL);
}

/* By its own thread; then by another, whose io_uring takes nothing from it: the kernel ends what is
 * under way a moment later. */
static void a_ring_closed_with_fragments_out(void **state)
{
	struct pollfd far = { .events = POLLIN };
	struct devmem_event ev[64];
	struct lab_stream stream;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	lab_open(&lab, 8 * MIB, 1);
	pair = lab_connect(&lab, false);
	for (int round = 0; round < 8; round++) {
		struct devmem_ring *ring =
			lab_ring(DEVMEM_OPTS(devmem_ring_opts, .merge = round % 2));

		lab_attach(ring, &lab, pair.near, &stream);
		stream.position = round * 400000u;
		assert_true(lab_sent(lab_send_from(pair.far, stream.position, 400000, false)));
		while (stream.position < (round + 1) * 400000u) {
			int n = ok(devmem_wait(ring, ev, 64, 5000));

			assert_true(n > 0);
			lab_check(&lab, ev, n);
		}
		assert_true(lab_stats(ring).tokens_outstanding > 0);
		(round < 4 ? devmem_ring_close : close_elsewhere)(ring);
		assert_int_equal(lab_leaked(pair.near), 0);
	}
	close(pair.near);
	far.fd = pair.far;
	assert_int_equal(poll(&far, 1, 20000), 1);
	close(pair.far);
	lab_close(&lab);
}

/* ---------------------------------------------------------------------------- the NIC goes away */

/* The last test: after it there is no NIC. The receiver can end in order, and keeps what it has
 * until then. */
static void removed_while_bound(void **state)
{
	struct devmem_ring *ring;
	static struct devmem_event ev[4096];
	struct lab_stream stream[4];
	struct lab_sender *sender[4];
	struct lab_pair pair[4];
	unsigned int n = 0;
	struct lab lab;

	(void)state;
	lab_cannot("lo", "loopback is not removed");
	ring = lab_ring(NULL);
	lab_open(&lab, 32 * MIB, 2);
	for (int i = 0; i < 4; i++) {
		pair[i] = lab_connect(&lab, i % 2);
		lab_attach(ring, &lab, pair[i].near, &stream[i]);
		sender[i] = lab_send(pair[i].far, 64 * MIB, 0, false);
	}
	while (n < (lab_copies() ? 20 : 200)) {
		int got = ok(devmem_wait(ring, ev + n, 4096 - n, 5000));

		assert_true(got > 0);
		lab_check(&lab, ev + n, got);
		n += (unsigned int)got;
	}
	lab_fault("remove", 1);
	run("for i in $(seq 200); do ip link show " NIC " >/dev/null 2>&1 || exit 0; sleep 0.1; "
	    "done; exit 1");
	for (int got; (got = ok(devmem_wait(ring, ev + n, 4096 - n, 300))); n += (unsigned int)got)
		lab_check(&lab, ev + n, got);
	assert_int_equal(lab.links ? lab.link : 0, -ENODEV);
	for (int i = 0; i < 4; i++) {
		assert_false(stream[i].ended && !stream[i].error);
		stream[i].position = 0;
	}
	ok(devmem_release(ring, ev, n));
	for (int i = 0; i < 4; i++) {
		devmem_detach(stream[i].sock);
		shutdown(pair[i].near, SHUT_RDWR);
		close(pair[i].near);
		lab_reset(pair[i].far);
		lab_sent(sender[i]);
		close(pair[i].far);
	}
	for (int i = 0; i < 5; i++)
		ok(devmem_wait(ring, ev, 16, 20));
	assert_int_equal(lab_stats(ring).tokens_outstanding, 0);
	devmem_ring_close(ring);
	close(lab.listener);
	devmem_binding_close(lab.binding);
	/* nothing was changed */
	assert_int_equal(devmem_nic_close(lab.nic), lab_copies() ? 0 : -ENODEV);
	devmem_buffer_close(lab.buffer);
	lab_nothing_is_left();
}

/* lab_lifecycle [PATTERN]: the tests whose names match. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_connection_is_attached_once),
		LAB_TEST(a_wait_without_room_hands_in),
		LAB_TEST(a_killed_receiver_leaves_its_queue_usable),
		LAB_TEST(a_binding_comes_and_goes_under_a_live_connection),
		LAB_TEST(its_owner_is_killed_under_a_live_connection),
		LAB_TEST(bound_unbound_and_bound_again_in_pauses),
		LAB_TEST(the_rule_goes_and_comes_back),
		LAB_TEST(misplaced_bytes_are_told_while_the_nic_is_locked),
		LAB_TEST(the_last_reference_is_dropped_without_waiting),
		LAB_TEST(closed_in_every_order),
		LAB_TEST(a_ring_closed_with_fragments_out),
		cmocka_unit_test_setup(removed_while_bound, lab_look_before),
	};

	if (argc > 1 && !strcmp(argv[1], "--receive"))
		return receiver();
	lab_count_mappings(argv);
	lab_begin(argc, argv);
	return lab_run("lifecycle", tests, NULL, NULL);
}
