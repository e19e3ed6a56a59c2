// SPDX-License-Identifier: MIT
/* Bad input: each kind has its errno and a sentence that says what to do, and leaves the NIC as it
 * was. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define refused(call, err, word) check_refused(call, err, word, #call, __LINE__)

static void check_refused(int result, int err, const char *word, const char *what, int line)
{
	if (result != -err || !strstr(devmem_error(), word)) {
		print_error("%s: %d instead of %d, or no \"%s\" in: %s\n", what, result, -err, word,
			    devmem_error());
		_fail(__FILE__, line);
	}
}

static struct devmem_buffer *buffer;

static int set_up(void **state)
{
	lab_look_before(state);
	ok(devmem_buffer_create("udmabuf", 4 << 20, NULL, &buffer));
	return 0;
}

/* Nothing changed and nothing leaked, whatever the test did. */
static int tear_down(void **state)
{
	devmem_buffer_close(buffer);
	return lab_look_after(state);
}

static struct devmem_nic *open_nic(void)
{
	struct devmem_nic *nic;

	ok(devmem_nic_open(NIC, NULL, &nic));
	return nic;
}

static void unknown_interface(void **state)
{
	struct devmem_nic *nic = (void *)1;

	(void)state;
	refused(devmem_nic_open("nosuch0", NULL, &nic), ENODEV, "nosuch0");
	refused(devmem_nic_open("a-name-longer-than-any", NULL, &nic), ENODEV,
		"a-name-longer-than-any");
	refused(devmem_nic_open("", NULL, &nic), ENODEV, "");
	assert_ptr_equal(nic, (void *)1);
}

/*
 * A machine, an interface or a policy that cannot: opening it is no failure, an engine that is
 * asked for is refused, and the best that can be done instead is copying, with the same sentence
 * for its reason.
 */
static void check_falls_back(struct devmem_nic *nic, struct devmem_buffer *b, int err,
			     const char *word, int line)
{
	static const char *const engines[] = { "devmem", "zcrx" };
	struct devmem_binding *binding = (void *)1;
	const char *reason;
	char sentence[512];

	for (int i = 0; i < 2; i++) {
		check_refused(devmem_bind_rx(nic, b,
					     DEVMEM_OPTS(devmem_bind_opts, .engine = engines[i]),
					     &binding),
			      err, word, engines[i], line);
		assert_ptr_equal(binding, (void *)1);
	}
	snprintf(sentence, sizeof(sentence), "%s", devmem_error());
	ok(devmem_bind_rx(nic, b, NULL, &binding));
	assert_string_equal(devmem_binding_engine(binding, &reason), "copy");
	assert_string_equal(reason, sentence);
	devmem_binding_close(binding);
}
#define falls_back(nic, b, err, word) check_falls_back(nic, b, err, word, __LINE__)

static void interfaces_without_devmem(void **state)
{
	struct devmem_nic *nic;

	(void)state;
	ok(devmem_nic_open("lo", NULL, &nic));
	falls_back(nic, buffer, EOPNOTSUPP, "lo");
	ok(devmem_nic_close(nic));
	assert_int_equal(system("ip link add refusal0 type veth peer name refusal1"), 0);
	ok(devmem_nic_open("refusal0", NULL, &nic));
	falls_back(nic, buffer, EOPNOTSUPP, "refusal0");
	ok(devmem_nic_close(nic));
	assert_int_equal(system("ip link delete refusal0"), 0);
	/* of this one it is known why */
	assert_int_equal(system("ip link add refusal0 type netkit peer name refusal1"), 0);
	ok(devmem_nic_open("refusal0", NULL, &nic));
	falls_back(nic, buffer, EOPNOTSUPP, "leased from a NIC");
	ok(devmem_nic_close(nic));
	assert_int_equal(system("ip link delete refusal0"), 0);
}

/* Memory that no NIC can write to. */
static void memory_that_is_no_dmabuf(void **state)
{
	struct devmem_nic *nic = open_nic();
	struct devmem_buffer *shm;

	(void)state;
	ok(devmem_buffer_create("shm", 4 << 20, NULL, &shm));
	falls_back(nic, shm, EOPNOTSUPP, "dma-buf");
	devmem_buffer_close(shm);
	ok(devmem_nic_close(nic));
}

static void no_such_queue(void **state)
{
	struct devmem_nic *nic = open_nic();
	struct devmem_binding *b = (void *)1;
	uint32_t queue = 99, twice[2] = { 2, 2 };

	(void)state;
	refused(devmem_bind_rx(nic, buffer,
			       DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .queue_list = &queue),
			       &b),
		ERANGE, "99");
	refused(devmem_bind_rx(nic, buffer,
			       DEVMEM_OPTS(devmem_bind_opts, .queues = 2, .queue_list = twice), &b),
		EINVAL, "twice");
	refused(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 4), &b), EBUSY,
		NIC);
	refused(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 5000), &b),
		ERANGE, "5000");
	refused(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queue_list = &queue),
			       &b),
		EINVAL, "length");
	refused(devmem_bind_rx(nic, NULL, NULL, &b), EINVAL, "buffer");
	assert_ptr_equal(b, (void *)1);
	ok(devmem_nic_close(nic));
}

static void queue_already_bound(void **state)
{
	struct devmem_nic *nic = open_nic(), *other = open_nic();
	struct devmem_buffer *second;
	struct devmem_binding *a, *b, *c;
	uint32_t queue;

	(void)state;
	ok(devmem_buffer_create("udmabuf", 4 << 20, NULL, &second));
	ok(devmem_bind_rx(nic, buffer, NULL, &a));
	refused(devmem_bind_rx(nic, buffer, NULL, &b), EBUSY, "buffer is bound");
	assert_int_equal(devmem_binding_queues(a, &queue, 1), 1);
	refused(devmem_bind_rx(nic, second,
			       DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .queue_list = &queue),
			       &b),
		EEXIST, "bound");
	refused(devmem_bind_rx(other, second,
			       DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .queue_list = &queue),
			       &b),
		EEXIST, "bound");
	ok(devmem_bind_rx(nic, second, NULL, &c)); /* a free one is still found */
	devmem_binding_close(c);
	devmem_binding_close(a);
	ok(devmem_bind_rx(nic, buffer, NULL, &a)); /* the buffer is free again */
	devmem_binding_close(a);
	devmem_buffer_close(second);
	ok(devmem_nic_close(other));
	ok(devmem_nic_close(nic));
}

/* A bind that fails in the kernel: the driver has no memory for the new queue. */
static void the_driver_cannot_restart_the_queue(void **state)
{
	struct devmem_nic *nic = open_nic();
	struct devmem_binding *b;

	(void)state;
	/* else gve, which restarts all queues for that, would fail then */
	run("ethtool -G " NIC " tcp-data-split on");
	if (lab_has_fault("fail_queue_alloc")) {
		lab_fault("fail_queue_alloc", 1);
		refused(devmem_bind_rx(nic, buffer, NULL, &b), ENOMEM, NIC);
		lab_fault("fail_queue_alloc", 0);
	}
	lab_fault("fail_queue_start", 1);
	assert_true(devmem_bind_rx(nic, buffer, NULL, &b) < 0);
	lab_fault("fail_queue_start", 0);
	ok(devmem_bind_rx(nic, buffer, NULL, &b));
	devmem_binding_close(b);
	ok(devmem_nic_close(nic));
	run("ethtool -G " NIC " tcp-data-split off");
}

/* gve's driver keeps the setting that it could not restart its queues with, and has none then: it
 * is put back at once, which starts them again. */
static void the_driver_cannot_turn_the_split_on(void **state)
{
	struct devmem_nic *nic;
	struct devmem_binding *b;
	struct lab_pair pair;
	struct lab lab;

	(void)state;
	if (!lab_nic_is("gve"))
		lab_name_case(__func__, "the NIC restarts no queue for that");
	nic = open_nic();
	lab_fault("fail_queue_start", 1);
	refused(devmem_bind_rx(nic, buffer, NULL, &b), EINVAL, "split on");
	lab_fault("fail_queue_start", 0);
	assert_true(lab_as_before());
	ok(devmem_nic_close(nic));
	lab_open_as(&lab, &(struct lab_opts){ .buffer = buffer, .queues = 1 });
	pair = lab_connect(&lab, false);
	lab_close_pair(pair);
	lab_close(&lab);
}

/* gve says "Resource temporarily unavailable" then, and does not say that the link is down. */
static void the_interface_is_down(void **state)
{
	struct devmem_nic *nic = open_nic();
	struct devmem_binding *b;
	char text[128];

	(void)state;
	if (lab_nic_can("bound-down"))
		lab_fault("down_again", 1);
	run("ip link set " NIC " down");
	snprintf(text, sizeof(text),
		 NIC " is down, and its driver (%s) binds no queue then: \"ip link set dev " NIC
		     " up\"",
		 lab_nic_driver());
	refused(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"), &b),
		EAGAIN, text);
	run("ip link set " NIC " up");
	ok(devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"), &b));
	devmem_binding_close(b);
	if (lab_nic_can("bound-down"))
		lab_fault("down_again", 0);
	ok(devmem_nic_close(nic));
}

static void rule_already_there(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(6000) };
	struct sockaddr un = { .sa_family = AF_UNIX };
	struct devmem_nic *nic = open_nic();
	struct devmem_binding *b;

	(void)state;
	assert_int_equal(system("ethtool -N " NIC " flow-type tcp4 dst-port 6000 action 0 "
				">/dev/null"),
			 0);
	ok(devmem_bind_rx(nic, buffer, NULL, &b));
	refused(devmem_steer(b, (struct sockaddr *)&v4, NULL), EADDRINUSE, "rule");
	refused(devmem_steer(b, &un, NULL), EAFNOSUPPORT, "IPv4");
	devmem_binding_close(b);
	ok(devmem_nic_close(nic));
	assert_int_equal(system("ethtool -n " NIC " | grep -q 'Dest port: 6000' && ethtool -N " NIC
				" delete $(ethtool -n " NIC " | sed -n 's/Filter: //p')"),
			 0);
}

/* Who makes the settings has not made them yet, and then has: here, another transaction. */
static void settings_that_are_others(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(6001) };
	const uint32_t two = 2, three = 3;
	struct devmem_nic *nic, *unwritten, *maker = open_nic();
	struct devmem_binding *b = (void *)1, *made;
	struct devmem_buffer *second;
	uint32_t queue = 0;

	(void)state;
	refused(devmem_nic_open(NIC, DEVMEM_OPTS(devmem_nic_opts, .flags = 1u << 31), &nic), EINVAL,
		"flags");
	ok(devmem_nic_open(NIC, DEVMEM_OPTS(devmem_nic_opts, .flags = DEVMEM_NIC_KEEP), &nic));
	refused(devmem_bind_rx(nic, buffer, NULL, &b), EINVAL, "tcp-data-split");
	assert_ptr_equal(b, (void *)1);
	ok(devmem_buffer_create("udmabuf", 4 << 20, NULL, &second));
	ok(devmem_bind_rx(maker, second,
			  DEVMEM_OPTS(devmem_bind_opts, .queues = 1, .queue_list = &two), &made));
	assert_int_equal(system("ethtool -N " NIC " flow-type tcp4 dst-port 6001 action 3 "
				">/dev/null && ethtool -x " NIC " >/tmp/table"),
			 0);
	/* a rule that leads to it, the RSS table and a journal that cannot be written do not keep
	 * it from being bound */
	ok(devmem_nic_open(NIC,
			   DEVMEM_OPTS(devmem_nic_opts, .flags = DEVMEM_NIC_KEEP,
				       .journal = "/proc/nowhere"),
			   &unwritten));
	ok(devmem_bind_rx(unwritten, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"),
			  &b));
	devmem_binding_close(b);
	ok(devmem_nic_close(unwritten));
	ok(devmem_bind_rx(nic, buffer, NULL, &b));
	assert_int_equal(devmem_binding_queues(b, &queue, 1), 1);
	assert_int_equal(queue, three);
	assert_int_equal(system("ethtool -x " NIC " | cmp - /tmp/table"), 0);
	refused(devmem_steer(b, (struct sockaddr *)&v4, NULL), EPERM, "DEVMEM_NIC_KEEP");
	refused(devmem_unsteer(b, (struct sockaddr *)&v4, NULL), EPERM, "DEVMEM_NIC_KEEP");
	refused(devmem_source_port(b, (struct sockaddr *)&v4, (struct sockaddr *)&v4), EPERM,
		"DEVMEM_NIC_KEEP");
	devmem_binding_close(b);
	ok(devmem_nic_close(nic));
	assert_int_equal(system("ethtool -N " NIC " delete $(ethtool -n " NIC " | sed -n "
				"'s/Filter: //p')"),
			 0);
	devmem_binding_close(made);
	devmem_buffer_close(second);
	ok(devmem_nic_close(maker));
}

/* Runs @fn where it can do no harm: a process of its own. Its result is the exit status. */
static int elsewhere(int (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		int result = fn();

		if (result)
			print_error("%s\n", devmem_error());
		_exit(result);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int as_nobody(void)
{
	struct devmem_binding *binding;
	struct devmem_buffer *b;
	struct devmem_nic *nic;
	const char *reason;

	if (setgid(65534) || setuid(65534))
		return 1;
	if (devmem_buffer_create("udmabuf", 4096, NULL, &b) != -EACCES)
		return 2;
	if (devmem_buffer_create(NULL, 1 << 20, NULL, &b) || devmem_nic_open(NIC, NULL, &nic))
		return 3;
	for (int i = 0; i < 2; i++)
		if (devmem_bind_rx(nic, b,
				   DEVMEM_OPTS(devmem_bind_opts, .engine = i ? "devmem" : "zcrx"),
				   &binding) != -EPERM ||
		    !strstr(devmem_error(), "CAP_NET_ADMIN"))
			return 4;
	if (devmem_bind_rx(nic, b, NULL, &binding))
		return 5;
	if (strcmp(devmem_binding_engine(binding, &reason), "copy") || !strstr(reason, "CAP_NET_"
										       "ADMIN"))
		return 6;
	devmem_binding_close(binding);
	devmem_buffer_close(b);
	return devmem_nic_close(nic) ? 7 : 0;
}

static void no_permission(void **state)
{
	(void)state;
	assert_int_equal(elsewhere(as_nobody), 0);
}

static int without_device(void)
{
	struct devmem_buffer *b;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/dev", "tmpfs", 0, NULL))
		return 1;
	return devmem_buffer_create("udmabuf", 4096, NULL, &b) == -ENOENT &&
			       strstr(devmem_error(), "modprobe")
		       ? 0
		       : 2;
}

static void no_udmabuf(void **state)
{
	(void)state;
	assert_int_equal(elsewhere(without_device), 0);
}

static void udmabuf_too_large(void **state)
{
	struct devmem_buffer *b = NULL;

	(void)state;
	assert_int_equal(system("cp /sys/module/udmabuf/parameters/size_limit_mb /tmp/limit && "
				"echo 8 >/sys/module/udmabuf/parameters/size_limit_mb"),
			 0);
	refused(devmem_buffer_create("udmabuf", 16 << 20, NULL, &b), EFBIG, "size_limit_mb");
	assert_int_equal(system("cat /tmp/limit >/sys/module/udmabuf/parameters/size_limit_mb"), 0);
	refused(devmem_buffer_create("udmabuf", 2 << 20,
				     DEVMEM_OPTS(devmem_buffer_opts, .page_size = 2 << 20), &b),
		ENOMEM, "nr_hugepages");
	assert_null(b);
}

static int option_of(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, name, &value, &len), 0);
	return value;
}

struct attacher {
	struct lab *lab;
	const char *engine; /* of the ring */
	bool no_rcvbuf;
	int fd, result;
	int mark, room; /* of the socket, while the ring was open */
	char sentence[512];
};

/* For this thread alone. */
static int refuse_rcvbuf(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setsockopt, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_RCVBUF, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void *attach_here(void *arg)
{
	struct attacher *a = arg;
	struct devmem_sock *sock;
	struct devmem_ring *ring;

	a->result = 1;
	if (devmem_ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = a->engine), &ring))
		return NULL;
	if (!a->no_rcvbuf || !refuse_rcvbuf())
		a->result = devmem_attach(ring, a->fd, a->lab->binding, 0,
					  DEVMEM_OPTS(devmem_attach_opts, .lowat = 5000,
						      .max_fragments = 100),
					  &sock);
	snprintf(a->sentence, sizeof(a->sentence), "%s", devmem_error());
	a->mark = option_of(a->fd, SO_RCVLOWAT);
	a->room = option_of(a->fd, SO_RCVBUF);
	devmem_ring_close(ring);
	return NULL;
}

/* Whatever refuses it: another engine than the ring's, or the kernel, which takes one of two
 * options. */
static void a_socket_that_is_not_attached(void **state)
{
	static const int err[] = { -EOPNOTSUPP, -EACCES, 0 };
	static const char *const word[] = { "engine", "SO_RCVBUF", "" };
	struct lab lab;
	struct lab_pair pair;
	int mark, room;

	(void)state;
	lab_open_as(&lab, &(struct lab_opts){ .buffer = buffer, .queues = 1 });
	pair = lab_connect(&lab, false);
	mark = option_of(pair.near, SO_RCVLOWAT);
	room = option_of(pair.near, SO_RCVBUF);
	for (int i = 0; i < 3; i++) {
		struct attacher a = { .lab = &lab,
				      .fd = pair.near,
				      .engine = i ? NULL : "copy",
				      .no_rcvbuf = i == 1 };
		pthread_t thread;

		pthread_create(&thread, NULL, attach_here, &a);
		pthread_join(thread, NULL);
		assert_int_equal(a.result, err[i]);
		assert_non_null(strstr(a.sentence, word[i]));
		assert_int_equal(a.mark, err[i] ? mark : 5000);
		assert_int_equal(a.room == room, err[i] != 0);
		assert_int_equal(option_of(pair.near, SO_RCVLOWAT), mark);
		assert_int_equal(option_of(pair.near, SO_RCVBUF), room);
	}
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

/* The example says it too, and ends with a status that is not success. */
static void port_in_use(void **state)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(6100) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(system("! /build/examples/gpu_recv_server -p 6100 " NIC " 2>/tmp/out && "
				"grep -q 'port "
				"6100.*in use' "
				"/tmp/out"),
			 0);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_interface),
		TEST(interfaces_without_devmem),
		TEST(memory_that_is_no_dmabuf),
		TEST(no_such_queue),
		TEST(queue_already_bound),
		TEST(the_driver_cannot_restart_the_queue),
		TEST(the_driver_cannot_turn_the_split_on),
		TEST(the_interface_is_down),
		TEST(rule_already_there),
		TEST(settings_that_are_others),
		TEST(no_permission),
		TEST(no_udmabuf),
		TEST(udmabuf_too_large),
		TEST(a_socket_that_is_not_attached),
		TEST(port_in_use),
	};

	lab_begin(argc, argv);
	return lab_run("refusals", tests, NULL, NULL);
}
