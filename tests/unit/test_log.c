// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "base/internal.h"

#define FAILING	 devmem_bind_rx(NULL, NULL, NULL, NULL)
#define SENTENCE "devmem_bind_rx: no NIC, no buffer, or no place for the result"

/* ---------------------------------------------------------------------------------- who listens */

struct heard {
	unsigned int records, of[DEVMEM_LOG_DEBUG + 1];
	char last[DEVMEM_LOG_DEBUG + 1][1024];
};

static void hear(void *arg, int level, const char *text)
{
	struct heard *heard = arg;

	heard->records++;
	heard->of[level]++;
	snprintf(heard->last[level], sizeof(heard->last[level]), "%s", text);
}

/* What @fn has on standard error; freed by the caller. */
static char *on_stderr(void (*fn)(void))
{
	int file = memfd_create("stderr", MFD_CLOEXEC), before = dup(STDERR_FILENO);
	char *text = calloc(1, 4096);

	assert_non_null(text);
	assert_true(file >= 0 && before >= 0 && dup2(file, STDERR_FILENO) == STDERR_FILENO);
	fn();
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	assert_true(pread(file, text, 4095, 0) >= 0);
	close(before);
	close(file);
	return text;
}

static void fail_once(void)
{
	assert_int_equal(FAILING, -EINVAL);
}

static void one_of_each(void)
{
	devmem__log(DEVMEM_LOG_ERROR, "E%d", 1);
	devmem__log(DEVMEM_LOG_WARNING, "W%d", 2);
	devmem__log(DEVMEM_LOG_INFO, "I%d", 3);
	devmem__log(DEVMEM_LOG_DEBUG, "D%d", 4);
}

static void expect_on_stderr(void (*fn)(void), const char *want)
{
	char *text = on_stderr(fn);

	assert_string_equal(text, want);
	free(text);
}

static int quiet(void **state)
{
	(void)state;
	unsetenv("DEVMEM_LOG");
	return devmem_log_set(DEVMEM_LOG_ENVIRONMENT, NULL, NULL);
}

/* ------------------------------------------------------------------------------------- how much */

/* The first test of all: the program has set nothing, and the environment has nothing. */
static void nothing_is_told_unasked(void **state)
{
	(void)state;
	expect_on_stderr(fail_once, "");
	expect_on_stderr(one_of_each, "");
}

/* What was looked at once is not looked at again unasked. */
static void the_environment_is_looked_at_once(void **state)
{
	(void)state;
	setenv("DEVMEM_LOG", "debug", 1);
	expect_on_stderr(one_of_each, "");
	devmem__fail(EIO, "something else"); /* what is tried is told if it is news */
	assert_int_equal(devmem_log_set(DEVMEM_LOG_ENVIRONMENT, NULL, NULL), 0);
	expect_on_stderr(fail_once, "libdevmem: debug: " SENTENCE "\n"
				    "libdevmem: error: " SENTENCE " (devmem_bind_rx: -22)\n");
}

#define E "libdevmem: error: E1\n"
#define W "libdevmem: warning: W2\n"
#define I "libdevmem: info: I3\n"
#define D "libdevmem: debug: D4\n"

static void words_of_the_environment(void **state)
{
	static const char *const told[][2] = {
		{ "error", E }, { "warning", E W }, { "info", E W I }, { "debug", E W I D },
		{ "0", "" },	{ "2", "" },	    { "3", E },	       { "4", E W },
		{ "5", E W },	{ "6", E W I },	    { "7", E W I D },  { "", "" },
		{ "8", "" },	{ "-1", "" },	    { "44", "" },      { "Error", "" },
		{ "warn", "" }, { "4 ", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		setenv("DEVMEM_LOG", told[i][0], 1);
		assert_int_equal(devmem_log_set(DEVMEM_LOG_ENVIRONMENT, NULL, NULL), 0);
		expect_on_stderr(one_of_each, told[i][1]);
	}
}

static void what_the_program_sets_counts_more(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	setenv("DEVMEM_LOG", "debug", 1);
	assert_int_equal(devmem_log_set(DEVMEM_LOG_WARNING, hear, &heard), 0);
	expect_on_stderr(one_of_each, "");
	assert_int_equal(heard.records, 2);
	assert_string_equal(heard.last[DEVMEM_LOG_ERROR], "E1");
	assert_string_equal(heard.last[DEVMEM_LOG_WARNING], "W2");
	assert_int_equal(devmem_log_set(DEVMEM_LOG_ENVIRONMENT, hear, &heard), 0);
	one_of_each();
	assert_int_equal(heard.records, 6);
	assert_int_equal(devmem_log_set(DEVMEM_LOG_OFF, NULL, NULL), 0);
	expect_on_stderr(one_of_each, "");
	assert_int_equal(heard.records, 6);
}

static void levels_that_are_none(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_ERROR, hear, &heard), 0);
	assert_int_equal(devmem_log_set(8, NULL, NULL), -EINVAL);
	assert_int_equal(devmem_log_set(-2, NULL, NULL), -EINVAL);
	assert_non_null(strstr(devmem_error(), "no level -2"));
	assert_int_equal(heard.records, 2); /* and it is as it was */
}

/* --------------------------------------------------------------------------------- what is told */

static void a_call_that_fails_is_one_error(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_INFO, hear, &heard), 0);
	errno = 77;
	fail_once();
	assert_int_equal(errno, 77);
	assert_string_equal(devmem_error(), SENTENCE);
	assert_int_equal(heard.records, 1);
	assert_string_equal(heard.last[DEVMEM_LOG_ERROR], SENTENCE " (devmem_bind_rx: -22)");
}

/* A buffer is tried with several kinds of memory, a binding with the engines that there are: that
 * is no failure. */
static void what_is_tried_is_no_error(void **state)
{
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	struct devmem_nic *nic;
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_DEBUG, hear, &heard), 0);
	assert_int_equal(devmem_buffer_create(NULL, 1 << 20, NULL, &buffer), 0);
	assert_int_equal(devmem_nic_open("lo", NULL, &nic), 0);
	assert_int_equal(devmem_bind_rx(nic, buffer, NULL, &binding), 0);
	assert_int_equal(devmem_ring_open(NULL, &ring), 0);
	assert_string_equal(devmem_binding_engine(binding, NULL), "copy");
	devmem_ring_close(ring);
	devmem_binding_close(binding);
	assert_int_equal(devmem_nic_close(nic), 0);
	devmem_buffer_close(buffer);
	assert_int_equal(heard.of[DEVMEM_LOG_ERROR], 0);
	assert_int_equal(heard.of[DEVMEM_LOG_WARNING], 1);
	assert_non_null(strstr(heard.last[DEVMEM_LOG_WARNING], "lo: what is received is copied: lo "
							       "cannot receive"));
	assert_true(heard.of[DEVMEM_LOG_INFO] >= 2);
	assert_true(heard.of[DEVMEM_LOG_DEBUG] > 0);
}

/* What is asked for is no news. */
static void copying_that_was_asked_for_is_no_warning(void **state)
{
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_INFO, hear, &heard), 0);
	assert_int_equal(devmem_buffer_create("shm", 1 << 20, NULL, &buffer), 0);
	assert_int_equal(devmem_bind_tx(NULL, buffer, NULL, &binding), 0);
	devmem_binding_close(binding);
	assert_int_equal(devmem_bind_tx("lo", buffer,
					DEVMEM_OPTS(devmem_bind_tx_opts, .engine = "copy"),
					&binding),
			 0);
	devmem_binding_close(binding);
	devmem_buffer_close(buffer);
	assert_int_equal(heard.records, heard.of[DEVMEM_LOG_INFO]);
	assert_true(heard.records > 3);
}

static void the_same_again_is_told_once(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_DEBUG, hear, &heard), 0);
	for (int i = 0; i < 100; i++)
		devmem__fail(EBUSY, "the same");
	devmem__fail(EBUSY, "another");
	assert_int_equal(heard.records, 2);
}

static void answers_that_say_when_are_no_errors(void **state)
{
	static const int answers[] = { EAGAIN, EINTR, ENOBUFS };
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_INFO, hear, &heard), 0);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		assert_int_equal(devmem__result(devmem__fail(answers[i], "later")), -answers[i]);
	assert_int_equal(devmem__result(5), 5);
	assert_int_equal(devmem__result(0), 0);
	assert_int_equal(heard.records, 0);
	assert_int_equal(devmem__result(devmem__fail(ENOMEM, "never")), -ENOMEM);
	assert_int_equal(heard.records, 1);
}

static void a_record_is_one_line(void **state)
{
	struct heard heard = { 0 };
	char longer[3000];

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_DEBUG, hear, &heard), 0);
	devmem__log(DEVMEM_LOG_INFO, "a\nb\tc\033[31m %s\x7f", "\xc3\xa9");
	assert_string_equal(heard.last[DEVMEM_LOG_INFO], "a\\x0ab\\x09c\\x1b[31m \xc3\xa9\\x7f");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	devmem__log(DEVMEM_LOG_INFO, "%s", longer);
	assert_true(strlen(heard.last[DEVMEM_LOG_INFO]) > 500);
}

/* ---------------------------------------------------------------------------------- from inside */

static void misbehave(void *arg, int level, const char *text)
{
	struct heard *heard = arg;

	hear(arg, level, text);
	assert_int_equal(FAILING, -EINVAL);
	assert_int_equal(devmem_log_set(DEVMEM_LOG_OFF, NULL, NULL), -EBUSY);
	assert_true(heard->records < 100);
}

static void a_listener_that_calls_the_library_hears_nothing_of_it(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_DEBUG, misbehave, &heard), 0);
	devmem__log(DEVMEM_LOG_WARNING, "once");
	assert_int_equal(heard.records, 1);
	devmem__log(DEVMEM_LOG_WARNING, "twice");
	assert_int_equal(heard.records, 2);
	assert_string_equal(heard.last[DEVMEM_LOG_WARNING], "twice");
}

/* -------------------------------------------------------------------------------------- threads */

#define THREADS 4
#define EACH	2000

static void *many_failures(void *arg)
{
	atomic_bool *go = arg;

	while (!atomic_load(go))
		;
	for (int i = 0; i < EACH; i++)
		FAILING;
	return NULL;
}

/* No lock in hear(): records come one after the other, or some would not be counted. */
static void threads_tell_one_after_the_other(void **state)
{
	struct heard heard = { 0 };
	pthread_t thread[THREADS];
	atomic_bool go = false;

	(void)state;
	assert_int_equal(devmem_log_set(DEVMEM_LOG_ERROR, hear, &heard), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, many_failures, &go), 0);
	atomic_store(&go, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(heard.records, THREADS * EACH);
}

/* What was taken away may be freed: the sanitizer sees it if it is used after that. */
static void a_listener_is_gone_when_another_was_set(void **state)
{
	pthread_t thread[THREADS];
	atomic_bool go = false;
	unsigned int heard = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, many_failures, &go), 0);
	atomic_store(&go, true);
	for (int i = 0; i < 300; i++) {
		struct heard *listener = calloc(1, sizeof(*listener));

		assert_non_null(listener);
		assert_int_equal(devmem_log_set(DEVMEM_LOG_ERROR, hear, listener), 0);
		assert_int_equal(devmem_log_set(DEVMEM_LOG_OFF, NULL, NULL), 0);
		heard += listener->records;
		free(listener);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_true(heard <= THREADS * EACH);
}

struct slow {
	sem_t in, out;
};

static void tell_slowly(void *arg, int level, const char *text)
{
	struct slow *slow = arg;

	(void)level, (void)text;
	sem_post(&slow->in);
	while (sem_wait(&slow->out))
		;
}

static void *fail_slowly(void *arg)
{
	(void)arg;
	fail_once();
	return NULL;
}

/* The thread that has the lock is not there. */
static void a_child_tells_though_another_thread_was_telling(void **state)
{
	struct slow slow;
	pthread_t thread;
	int status;
	pid_t pid;

	(void)state;
	sem_init(&slow.in, 0, 0);
	sem_init(&slow.out, 0, 0);
	assert_int_equal(devmem_log_set(DEVMEM_LOG_ERROR, tell_slowly, &slow), 0);
	assert_int_equal(pthread_create(&thread, NULL, fail_slowly, NULL), 0);
	while (sem_wait(&slow.in))
		;
	pid = fork();
	if (!pid) {
		sem_post(&slow.out);
		alarm(30); /* without an end, otherwise */
		fail_once();
		_exit(0);
	}
	sem_post(&slow.out);
	pthread_join(thread, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_told_unasked),
		cmocka_unit_test_teardown(the_environment_is_looked_at_once, quiet),
		cmocka_unit_test_teardown(words_of_the_environment, quiet),
		cmocka_unit_test_teardown(what_the_program_sets_counts_more, quiet),
		cmocka_unit_test_teardown(levels_that_are_none, quiet),
		cmocka_unit_test_teardown(a_call_that_fails_is_one_error, quiet),
		cmocka_unit_test_teardown(what_is_tried_is_no_error, quiet),
		cmocka_unit_test_teardown(copying_that_was_asked_for_is_no_warning, quiet),
		cmocka_unit_test_teardown(the_same_again_is_told_once, quiet),
		cmocka_unit_test_teardown(answers_that_say_when_are_no_errors, quiet),
		cmocka_unit_test_teardown(a_record_is_one_line, quiet),
		cmocka_unit_test_teardown(a_listener_that_calls_the_library_hears_nothing_of_it,
					  quiet),
		cmocka_unit_test_teardown(threads_tell_one_after_the_other, quiet),
		cmocka_unit_test_teardown(a_listener_is_gone_when_another_was_set, quiet),
		cmocka_unit_test_teardown(a_child_tells_though_another_thread_was_telling, quiet),
	};

	unsetenv("DEVMEM_LOG");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
