// SPDX-License-Identifier: MIT
/* The parts of devmemctl that are logic: what is printed, distances on PCI, rules in words, the
 * command line. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "checks.h"
#include "ctl.h"
#include "base/internal.h"
#include "out.h"
#include "pci.h"
#include "netlink/flow_rule.h"
#include "steering.h"
#include "suggest.h"

int ctl_failed(int err)
{
	return err;
}

/* --------------------------------------------------------------------------------------- output */

static char *text;
static size_t bytes;

static FILE *to_memory(void)
{
	free(text);
	text = NULL;
	return open_memstream(&text, &bytes);
}

static const char *json_of(const char *value)
{
	struct out_json j = { .f = to_memory() };

	out_string(&j, NULL, value);
	fclose(j.f);
	return text;
}

static void strings_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(json_of("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
	assert_string_equal(json_of("\n\033\177"), "\"\\u000a\\u001b\\u007f\"");
	assert_string_equal(json_of("\xc3\xa4 \xe2\x86\x92 \xf0\x9f\x98\x80"), "\"\xc3\xa4 "
									       "\xe2\x86\x92 "
									       "\xf0\x9f\x98\x80"
									       "\"");
	assert_string_equal(json_of(NULL), "null");
}

/* Names of interfaces may be any bytes. */
static void what_is_no_utf8_is_replaced(void **state)
{
	static const char *const bad[] = { "\xff",     "\xc3",	       "\x80",
					   "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_memory_equal(json_of(bad[i]), "\"\\ufffd", 7);
}

static void levels_and_commas(void **state)
{
	struct out_json j = { .f = to_memory() };

	(void)state;
	out_object(&j, NULL);
	out_number(&j, "a", UINT64_MAX);
	out_array(&j, "b");
	out_bool(&j, NULL, true);
	out_object(&j, NULL);
	out_end(&j);
	out_end(&j);
	out_array(&j, "c");
	out_end(&j);
	out_end(&j);
	fclose(j.f);
	assert_string_equal(text, "{\n  \"a\": 18446744073709551615,\n  \"b\": [\n    true,\n    "
				  "{}\n  ],\n  \"c\": []\n}\n");
}

static void a_terminal_gets_no_control_characters(void **state)
{
	FILE *f = to_memory();

	(void)state;
	out_text(f, "eth\033[31m0\xc2\x9b");
	fclose(f);
	assert_string_equal(text, "eth?[31m0??");
}

static void sizes_in_words(void **state)
{
	char words[32];

	(void)state;
	assert_string_equal(out_bytes(words, sizeof(words), 0), "0 bytes");
	assert_string_equal(out_bytes(words, sizeof(words), 65536), "64 KiB");
	assert_string_equal(out_bytes(words, sizeof(words), 3 << 19), "1.5 MiB");
	assert_string_equal(out_bytes(words, sizeof(words), UINT64_MAX), "16777216 TiB");
}

/* ------------------------------------------------------------------------------------------ PCI */

#define BRIDGE "/sys/devices/pci0000:00"
#define PORT   BRIDGE "/0000:00:01.0"
#define SWITCH PORT "/0000:01:00.0"

static enum pci_distance between(const char *a, int node_a, const char *b, int node_b)
{
	struct pci_device x = { .node = node_a }, y = { .node = node_b };

	snprintf(x.path, sizeof(x.path), "%s", a);
	snprintf(y.path, sizeof(y.path), "%s", b);
	assert_int_equal(pci_distance(&x, &y), pci_distance(&y, &x));
	return pci_distance(&x, &y);
}

static void distances(void **state)
{
	const char *other = "/sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0";

	(void)state;
	assert_int_equal(between(SWITCH "/0000:02:00.0/0000:03:00.0", 0,
				 SWITCH "/0000:02:01.0/0000:04:00.0", 0),
			 PCI_SAME_SWITCH);
	assert_int_equal(between(PORT "/0000:01:00.0", 0, PORT "/0000:01:00.1", 0), PCI_SAME_PORT);
	assert_int_equal(between(PORT "/0000:01:00.0", 0, BRIDGE "/0000:00:02.0/0000:02:00.0", 0),
			 PCI_SAME_BRIDGE);
	assert_int_equal(between(PORT "/0000:01:00.0", 1, other, 1), PCI_SAME_NODE);
	assert_int_equal(between(PORT "/0000:01:00.0", 0, other, 1), PCI_ACROSS);
	assert_int_equal(between(PORT "/0000:01:00.0", -1, other, -1), PCI_ACROSS);
	/* one name that begins like another is another */
	assert_int_equal(between("/sys/devices/pci0000:0/0000:00:01.0", 0, BRIDGE "/0000:00:01.0",
				 1),
			 PCI_ACROSS);
}

static void not_on_pci(void **state)
{
	struct pci_device device;

	(void)state;
	assert_false(pci_find("", &device));
	assert_false(pci_find("labnic.0", &device));
	assert_false(pci_find("a-name-that-is-longer-than-any-device-has", &device));
}

/* What is bound of its memory would not stay there. */
static void a_gpu_whose_memory_moves(void **state)
{
	struct pci_device nic = { .name = "0000:01:00.0", .path = PORT "/0000:01:00.0" };
	struct pci_device gpu = { .name = "0000:01:00.1",
				  .path = PORT "/0000:01:00.1",
				  .driver = "amdgpu" };
	struct report r = { 0 };

	(void)state;
	check_gpu(&r, &nic, &gpu);
	snprintf(gpu.driver, sizeof(gpu.driver), "nvidia");
	check_gpu(&r, &nic, &gpu);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.finding[0].level, WARNING);
	assert_non_null(strstr(r.finding[0].fact, "0000:01:00.1: its driver amdgpu moves"));
	assert_true(r.finding[0].todo[0]);
	assert_int_equal(r.finding[1].level, OK);
	report_free(&r);
}

/* ---------------------------------------------------------------------------------------- rules */

static void rules_in_words(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(5201) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000202) };
	struct devmem__rule rule;
	char words[160];

	(void)state;
	assert_int_equal(devmem__rule_flow(&rule, (struct sockaddr *)&v4, (struct sockaddr *)&peer),
			 0);
	steering_words(&rule, words, sizeof(words));
	assert_string_equal(words, "tcp4 to *:5201 from 192.0.2.2:*");
	inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
	assert_int_equal(devmem__rule_flow(&rule, (struct sockaddr *)&v6, NULL), 0);
	steering_words(&rule, words, sizeof(words));
	assert_string_equal(words, "tcp6 to [2001:db8::1]:80 from *:*");
}

/* ------------------------------------------------------------------------------- mistyped words */

static const char *meant(const char *word)
{
	static const char *const names[] = { "doctor", "show",	    "plan",
					     "json",   "page-size", "connections" };

	return suggest(word, names, ARRAY_SIZE(names));
}

static void what_was_meant(void **state)
{
	(void)state;
	assert_string_equal(meant("docter"), "doctor");
	assert_string_equal(meant("dcotor"), "doctor");
	assert_string_equal(meant("shoow"), "show");
	assert_string_equal(meant("plann"), "plan");
	assert_string_equal(meant("pagesize"), "page-size");
	assert_string_equal(meant("conn"), "connections");
	assert_string_equal(meant("jsom"), "json");
}

static void like_none(void **state)
{
	char longest[200];

	(void)state;
	assert_null(meant(""));
	assert_null(meant("d"));
	assert_null(meant("nosuch"));
	assert_null(meant("help"));
	assert_null(meant("slow-json"));
	memset(longest, 'd', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(meant(longest));
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(strings_are_escaped),
		TEST(what_is_no_utf8_is_replaced),
		TEST(levels_and_commas),
		TEST(a_terminal_gets_no_control_characters),
		TEST(sizes_in_words),
		TEST(distances),
		TEST(not_on_pci),
		TEST(rules_in_words),
		TEST(a_gpu_whose_memory_moves),
		TEST(what_was_meant),
		TEST(like_none),
	};
	int failed = cmocka_run_group_tests_name("ctl", tests, NULL, NULL);

	free(text);
	return failed;
}
