// SPDX-License-Identifier: MIT
/* The parts of devmem-nc that are logic: the command line, addresses, the bytes that -v expects. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "address.h"
#include "check.h"
#include "command_line.h"
#include "nc.h"

static int parse(int argc, char **argv, void *opt)
{
	return nc_parse(argc, argv, opt);
}

static int parse_as(const char *program, const char *line, struct nc_options *opt)
{
	return command_line(program, line, parse, opt);
}

static struct nc_options parsed(const char *line)
{
	struct nc_options opt;

	assert_int_equal(parse_as("devmem-nc", line, &opt), NC_OK);
	return opt;
}

static void is_wrong(const char *line)
{
	struct nc_options opt;

	if (parse_as("devmem-nc", line, &opt) != NC_USAGE)
		fail_msg("taken: %s", line);
}

/* --------------------------------------------------------------------- ncdevmem's command lines */

static void its_listener(void **state)
{
	struct nc_options opt = parsed("-l -f lo -s 192.0.2.1 -c 192.0.2.2 -p 5201 -v 7 -t 3 -q 2 "
				       "-b 16384 -L -n");

	(void)state;
	assert_int_equal(opt.mode, NC_RECEIVE);
	assert_string_equal(opt.interface, "lo");
	assert_string_equal(opt.receiver, "192.0.2.1");
	assert_string_equal(opt.sender, "192.0.2.2");
	assert_int_equal(opt.port, 5201);
	assert_int_equal(opt.modulo, 7);
	assert_int_equal(opt.first_queue, 3);
	assert_int_equal(opt.queues, 2);
	assert_int_equal(opt.page_size, 16384);
	assert_true(opt.no_copies);
	assert_true(opt.keep_settings);
}

static void its_sender(void **state)
{
	struct nc_options opt = parsed("-f lo -s ::1 -p 5201 -z 3 -t 0 -q 1 -n");

	(void)state;
	assert_int_equal(opt.mode, NC_SEND);
	assert_string_equal(opt.receiver, "::1");
	assert_null(opt.sender);
	assert_int_equal(opt.chunk, 3);
	assert_false(opt.no_copies);
}

/* Neither -l nor an address. */
static void its_probe(void **state)
{
	(void)state;
	assert_int_equal(parsed("-f lo").mode, NC_PROBE);
	assert_int_equal(parsed("-f lo -b 0x4000").mode, NC_PROBE);
	assert_int_equal(parsed("-f lo -b 0x4000").page_size, 16384);
	assert_int_equal(parsed("-f lo -t 2 -q 2 -p 5201").mode, NC_PROBE);
	is_wrong("-f lo -c ::1 -p 5201"); /* there an address is missing */
}

/* The best engine, unless one is named. A probe, and what passes for ncdevmem, ask for device
 * memory or nothing: a test that passed by copying would be none. */
static void the_engine(void **state)
{
	struct nc_options opt;

	(void)state;
	assert_null(parsed("-f lo -l -p 1").engine);
	assert_null(parsed("-f lo -s ::1 -p 1").engine);
	assert_string_equal(parsed("-f lo -l -p 1 -e devmem").engine, "devmem");
	assert_string_equal(parsed("-f lo").engine, "devmem");
	assert_null(parsed("-f lo -e auto").engine);
	assert_int_equal(parse_as("ncdevmem", "-f lo -l -p 1", &opt), NC_OK);
	assert_string_equal(opt.engine, "devmem");
	assert_int_equal(parse_as("ncdevmem", "-f lo -l -p 1 -e auto", &opt), NC_OK);
	assert_null(opt.engine);
}

/* Put in its place, it says what that says. */
static void its_name(void **state)
{
	struct nc_options opt;

	(void)state;
	assert_int_equal(parse_as("/selftests/net/ncdevmem", "-f lo", &opt), NC_OK);
	assert_true(opt.trace);
	assert_false(parsed("-f lo").trace);
	assert_true(parsed("-f lo --trace").trace);
}

/* -------------------------------------------------------------------------------------- our own */

static void long_names(void **state)
{
	struct nc_options opt = parsed("--interface lo --listen --receiver ::1 --sender ::2 --port "
				       "1 --validate 8 --first-queue 1 --queues 3 --page-size 64K "
				       "--no-copies --keep-settings --engine zcrx --backend "
				       "udmabuf --buffer 128 --json /tmp/x --no-progress --ipv6");

	(void)state;
	assert_int_equal(opt.mode, NC_RECEIVE);
	assert_string_equal(opt.engine, "zcrx");
	assert_string_equal(opt.backend, "udmabuf");
	assert_string_equal(opt.json, "/tmp/x");
	assert_int_equal(opt.page_size, 65536);
	assert_int_equal(opt.buffer_mib, 128);
	assert_int_equal(opt.queues, 3);
	assert_int_equal(opt.family, AF_INET6);
	assert_false(opt.progress);
	assert_int_equal(parsed("-lf lo -p1 -4").family, AF_INET);
	assert_int_equal(parsed("--interface=lo --receiver=h --port=2 --chunk=1K").chunk, 1024);
}

/* Whatever else is wrong. */
static void help_comes_first(void **state)
{
	(void)state;
	assert_int_equal(parsed("--help").mode, NC_HELP);
	assert_int_equal(parsed("-l -h -f nosuch0").mode, NC_HELP);
	assert_int_equal(parsed("-V").mode, NC_VERSION);
}

static void what_is_missing(void **state)
{
	(void)state;
	is_wrong("");
	is_wrong("-l -p 5201");
	is_wrong("-l -f lo");
	is_wrong("-f lo -s ::1");
	is_wrong("-f");
	is_wrong("-f lo -l --port");
	is_wrong("-f nosuch0 -l -p 5201");
}

static void what_is_no_option(void **state)
{
	(void)state;
	is_wrong("-f lo -l -p 5201 -x");
	is_wrong("-f lo -l -p 5201 --nosuch");
	is_wrong("-f lo -l -p 5201 192.0.2.1");
	is_wrong("-f lo -l -p 5201 --listen=1");
	is_wrong("-f lo -e nosuch");
}

static void what_is_no_number(void **state)
{
	static const char *const bad[] = { "-p 0",
					   "-p 65536",
					   "-p http",
					   "-p -1",
					   "-p 80x",
					   "-p 0x",
					   "-t -1",
					   "-t 1024",
					   "-q 0",
					   "-q 2000",
					   "-t 1023 -q 2",
					   "-v x",
					   "-v 99999999999",
					   "-b 5000",
					   "-b 1024",
					   "-b 16KB",
					   "-b 99999999999999999999",
					   "-z -3",
					   "-m 0",
					   "-m 2000000" };
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "-f lo -l -p 5201 %s", bad[i]);
		is_wrong(line);
	}
}

static void what_does_not_go_together(void **state)
{
	(void)state;
	is_wrong("-f lo -s ::1 -p 1 -e zcrx");
	is_wrong("-f lo -l -p 1 -e copy -L");
	is_wrong("-f lo -e copy");
	is_wrong("-f lo -l -p 1 -j -");
	assert_string_equal(parsed("-f lo -l -p 1 -v 7 -j -").json, "-");
	assert_string_equal(parsed("-f lo -s ::1 -p 1 -j -").json, "-");
}

/* ------------------------------------------------------------------------------------ addresses */

static const char *text_of(const char *name, int family)
{
	static char text[ADDRESS_TEXT];
	struct address a;

	assert_int_equal(address_resolve(name, 5201, family, &a), 0);
	return address_text(&a, text);
}

static void addresses_of_both_families(void **state)
{
	(void)state;
	assert_string_equal(text_of("192.0.2.1", AF_UNSPEC), "192.0.2.1:5201");
	assert_string_equal(text_of("2001:db8::1", AF_UNSPEC), "[2001:db8::1]:5201");
	assert_string_equal(text_of(NULL, AF_UNSPEC), "[::]:5201");
	assert_string_equal(text_of(NULL, AF_INET), "0.0.0.0:5201");
	/* a rule for that is one for IPv4 */
	assert_string_equal(text_of("::ffff:192.0.2.1", AF_UNSPEC), "192.0.2.1:5201");
}

/* ------------------------------------------------------------------------------------------- -v */

static void bytes_count_up_and_end_a_line(void **state)
{
	struct nc_check check;

	(void)state;
	nc_check_begin(&check, 7);
	/* in pieces, as they come */
	assert_true(nc_check_bytes(&check, "\1\2\3", 3));
	assert_true(nc_check_bytes(&check, "\4\5\6\n\1", 5));
	assert_true(nc_check_bytes(&check, "\2\3\4\5\6\n\1\2", 8));
	assert_int_equal(check.position, 16);
	assert_int_equal(check.wrong, 0);
}

/* ncdevmem lets up to 20 pass. */
static void one_wrong_byte_is_noticed(void **state)
{
	struct nc_check check;

	(void)state;
	nc_check_begin(&check, 7);
	assert_true(nc_check_bytes(&check, "\1\2\3\4\5\6\n", 7));
	/* it goes on, to tell how many */
	assert_true(nc_check_bytes(&check, "\1\2\3\4\5\7\n", 7));
	assert_int_equal(check.wrong, 1);
	assert_int_equal(check.first_wrong, 12);
}

static void many_wrong_bytes_end_it(void **state)
{
	struct nc_check check;

	(void)state;
	nc_check_begin(&check, 7);
	assert_false(nc_check_bytes(&check, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 30));
	assert_int_equal(check.wrong, 21);
}

/* Its number has 8 bits, whatever the modulus. */
static void a_large_modulus_is_256(void **state)
{
	unsigned char bytes[512];
	struct nc_check check;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (i + 1) % 256 ? (unsigned char)(i + 1) : '\n';
	for (unsigned int modulo = 256; modulo < 1000; modulo += 700) {
		nc_check_begin(&check, modulo);
		assert_true(nc_check_bytes(&check, bytes, sizeof(bytes)));
		assert_int_equal(check.wrong, 0);
	}
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_listener),
		TEST(its_sender),
		TEST(its_probe),
		TEST(the_engine),
		TEST(its_name),
		TEST(long_names),
		TEST(help_comes_first),
		TEST(what_is_missing),
		TEST(what_is_no_option),
		TEST(what_is_no_number),
		TEST(what_does_not_go_together),
		TEST(addresses_of_both_families),
		TEST(bytes_count_up_and_end_a_line),
		TEST(one_wrong_byte_is_noticed),
		TEST(many_wrong_bytes_end_it),
		TEST(a_large_modulus_is_256),
	};

	return cmocka_run_group_tests_name("nc", tests, NULL, NULL);
}
