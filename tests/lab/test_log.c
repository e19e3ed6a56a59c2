// SPDX-License-Identifier: MIT
/* What the log tells of a real NIC: why bytes are copied, what was changed and put back, and what
 * could not be. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define MIB (1u << 20)

struct heard {
	unsigned int of[DEVMEM_LOG_DEBUG + 1];
	char text[8192]; /* all of it, a line each */
};

static void hear(void *arg, int level, const char *text)
{
	struct heard *heard = arg;
	size_t used = strlen(heard->text);

	heard->of[level]++;
	snprintf(heard->text + used, sizeof(heard->text) - used, "%d %s\n", level, text);
}

static void listen_to(struct heard *heard)
{
	memset(heard, 0, sizeof(*heard));
	ok(devmem_log_set(DEVMEM_LOG_INFO, hear, heard));
}

static void expect(const struct heard *heard, unsigned int errors, unsigned int warnings)
{
	print_message("%s", heard->text);
	assert_int_equal(heard->of[DEVMEM_LOG_ERROR], errors);
	assert_int_equal(heard->of[DEVMEM_LOG_WARNING], warnings);
}

#define tells(heard, words) assert_non_null(strstr((heard)->text, words))

/* The NIC could; the memory cannot. Told once, and no error of anybody's. */
static void falling_back_to_copying_is_a_warning(void **state)
{
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct devmem_nic *nic;
	struct heard heard;

	(void)state;
	listen_to(&heard);
	ok(devmem_buffer_create("shm", MIB, NULL, &buffer));
	ok(devmem_nic_open(NIC, NULL, &nic));
	ok(devmem_bind_rx(nic, buffer, NULL, &binding));
	assert_string_equal(devmem_binding_engine(binding, NULL), "copy");
	devmem_binding_close(binding);
	ok(devmem_bind_tx(NIC, buffer, NULL, &binding));
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	devmem_buffer_close(buffer);
	expect(&heard, 0, 2);
	tells(&heard, "4 " NIC ": what is received is copied: memory of backend shm is no dma-buf");
	tells(&heard, "4 " NIC ": what is sent is copied: memory of backend shm is no dma-buf");
}

static void bind_one(struct devmem_nic **nic, struct devmem_binding **binding)
{
	struct devmem_buffer *buffer = lab_buffer(4 * MIB);

	ok(devmem_nic_open(NIC, NULL, nic));
	ok(devmem_bind_rx(*nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"),
			  binding));
	devmem_buffer_close(buffer);
}

static void what_is_changed_is_told_and_that_it_is_put_back(void **state)
{
	struct devmem_binding *binding;
	struct devmem_nic *nic;
	struct heard heard;

	(void)state;
	listen_to(&heard);
	bind_one(&nic, &binding);
	tells(&heard, "6 " NIC ": changed header/data split and its threshold");
	tells(&heard, "6 " NIC ": changed the RSS table");
	tells(&heard, "6 " NIC ": a binding with engine devmem, queues ");
	devmem_binding_close(binding);
	ok(devmem_nic_close(nic));
	tells(&heard, "6 " NIC ": the RSS table: as it was before process ");
	tells(&heard, "6 " NIC ": header/data split and its threshold: as it was before process ");
	expect(&heard, 0, 0);
}

static void what_the_dead_left_is_told_when_it_is_put_back(void **state)
{
	struct devmem_binding *binding;
	struct devmem_nic *nic;
	struct heard heard;
	char words[64];
	pid_t child = fork();

	(void)state;
	if (!child) {
		bind_one(&nic, &binding);
		_exit(0); /* as if it was killed: nothing is closed in order */
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	listen_to(&heard);
	ok(devmem_nic_open(NIC, NULL, &nic));
	ok(devmem_nic_close(nic));
	snprintf(words, sizeof(words), "threshold: as it was before process %d", (int)child);
	tells(&heard, words);
	expect(&heard, 0, 0);
}

/* The setting is a warning; that the call failed is an error. */
static void what_is_not_put_back_is_a_warning(void **state)
{
	struct devmem_binding *binding;
	struct devmem_nic *nic;
	struct heard heard;

	(void)state;
	bind_one(&nic, &binding);
	run("ethtool -X " NIC " equal 1");
	listen_to(&heard);
	devmem_binding_close(binding);
	assert_int_equal(devmem_nic_close(nic), -ESTALE);
	run("ethtool -X " NIC " default");
	expect(&heard, 1, 1);
	tells(&heard, "4 " NIC ": somebody changed the RSS table after us");
	tells(&heard, "(devmem_nic_close: -116)");
}

static void a_link_that_is_down_is_a_warning(void **state)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct lab_stream stream;
	struct lab_pair pair;
	struct heard heard;
	struct lab lab;

	(void)state;
	lab_open(&lab, 4 * MIB, 1);
	pair = lab_connect(&lab, false);
	lab_attach(ring, &lab, pair.near, &stream);
	listen_to(&heard);
	lab_fault("link", 0);
	lab_await_link(ring, &lab, 0);
	lab_fault("link", 1);
	lab_await_link(ring, &lab, 1);
	expect(&heard, 0, 1);
	tells(&heard, "4 " NIC ": the link is down");
	tells(&heard, "6 " NIC ": the link is up again");
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
}

static int quiet(void **state)
{
	devmem_log_set(DEVMEM_LOG_ENVIRONMENT, NULL, NULL);
	return lab_look_after(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_look_before, quiet)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(falling_back_to_copying_is_a_warning),
		TEST(what_is_changed_is_told_and_that_it_is_put_back),
		TEST(what_the_dead_left_is_told_when_it_is_put_back),
		TEST(what_is_not_put_back_is_a_warning),
		TEST(a_link_that_is_down_is_a_warning),
	};

	lab_begin(argc, argv);
	return lab_run("log", tests, NULL, NULL);
}
