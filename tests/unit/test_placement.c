// SPDX-License-Identifier: MIT
/* Where bound memory of a graphics card lies: fdinfo of each driver, as text. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "devmem/devmem.h"
#include "memory/buffer.h"
#include "memory/placement.h"

#define MIB (1ull << 20)

/* [amdgpu_show_fdinfo(), drm_show_fdinfo() of 7.3; figures are made up] */
#define AMDGPU(vram, gtt)                                                     \
	"pos:\t0\nflags:\t02100002\ndrm-driver:\tamdgpu\ndrm-client-id:\t7\n" \
	"drm-pdev:\t0000:03:00.0\npasid:\t32770\n"                            \
	"drm-total-vram:\t100 MiB\ndrm-shared-vram:\t0\n"                     \
	"drm-resident-vram:\t" vram "\ndrm-purgeable-vram:\t4 MiB\n"          \
	"drm-total-gtt:\t2 MiB\ndrm-resident-gtt:\t" gtt "\n"                 \
	"drm-total-cpu:\t0\ndrm-resident-cpu:\t0\n"                           \
	"drm-memory-vram:\t" vram "\ndrm-memory-gtt: \t" gtt "\n"             \
	"drm-memory-cpu: \t0 KiB\namd-evicted-vram:\t0 KiB\n"                 \
	"drm-engine-gfx:\t1234 ns\n"

/* before the regions' generic keys there were amdgpu's own */
#define OLD_AMDGPU                                                              \
	"drm-driver:\tamdgpu\ndrm-client-id:\t7\ndrm-memory-vram:\t81920 KiB\n" \
	"drm-memory-gtt: \t2048 KiB\ndrm-memory-cpu: \t1024 KiB\n"

/* [i915_drm_client_fdinfo()] */
#define I915(local, system)                                                         \
	"pos:\t0\ndrm-driver:\ti915\ndrm-client-id:\t12\ndrm-pdev:\t0000:03:00.0\n" \
	"drm-total-system0:\t9 MiB\ndrm-shared-system0:\t0\n"                       \
	"drm-active-system0:\t0\ndrm-resident-system0:\t" system "\n"               \
	"drm-purgeable-system0:\t0\ndrm-total-local0:\t90 MiB\n"                    \
	"drm-resident-local0:\t" local "\ndrm-resident-stolen-system0:\t3 MiB\n"

/* [xe_drm_client_fdinfo()] */
#define XE(vram, system)                                                          \
	"pos:\t0\ndrm-driver:\txe\ndrm-client-id:\t42\ndrm-pdev:\t0000:04:00.0\n" \
	"drm-total-system:\t0\ndrm-resident-system:\t" system "\n"                \
	"drm-total-gtt:\t192 KiB\ndrm-resident-gtt:\t192 KiB\n"                   \
	"drm-total-vram0:\t90 MiB\ndrm-resident-vram0:\t" vram "\n"               \
	"drm-total-stolen:\t0\ndrm-resident-stolen:\t5 MiB\n"                     \
	"drm-total-cycles-rcs:\t7655183225\n"

static struct devmem__drm_usage parsed(const char *text)
{
	struct devmem__drm_usage u;

	assert_true(devmem__drm_usage_parse(text, &u));
	return u;
}

static void each_driver(void **state)
{
	struct devmem__drm_usage u = parsed(AMDGPU("80 MiB", "2 MiB"));

	(void)state;
	assert_string_equal(u.driver, "amdgpu");
	assert_string_equal(u.client, "7");
	assert_true(u.device_bytes == 80 * MIB && u.host_bytes == 2 * MIB);
	u = parsed(OLD_AMDGPU);
	assert_true(u.device_bytes == 80 * MIB && u.host_bytes == 3 * MIB);
	u = parsed(I915("70 MiB", "1024 KiB"));
	assert_string_equal(u.driver, "i915");
	assert_true(u.device_bytes == 70 * MIB && u.host_bytes == MIB);
	u = parsed(XE("65536 KiB", "4096"));
	assert_string_equal(u.driver, "xe");
	assert_true(u.device_bytes == 64 * MIB && u.host_bytes == (192 << 10) + 4096);
}

static void other_descriptors(void **state)
{
	struct devmem__drm_usage u;
	char longest[600] = "drm-driver:\t";

	(void)state;
	assert_false(devmem__drm_usage_parse("", &u));
	assert_false(devmem__drm_usage_parse("pos:\t0\nflags:\t02\nmnt_id:\t9\n", &u));
	assert_false(devmem__drm_usage_parse("size:\t4096\ncount:\t2\nexp_name:\tdrm\n", &u));
	memset(longest + strlen(longest), 'x', sizeof(longest) - 1 - strlen(longest));
	assert_int_equal(strlen(parsed(longest).driver), 31);
	/* lines that end too soon */
	assert_true(
		parsed("drm-driver:\txe\ndrm-resident-vram0\ndrm-resident-vram1:").device_bytes ==
		0);
	assert_true(parsed("drm-driver:\txe\ndrm-resident-vram1:\tmany KiB\n").device_bytes == 0);
}

/* ---------------------------------------------------------------------------- before and after */

static char folder[64];

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static struct devmem__placement with(const char *text)
{
	struct devmem__placement p;

	put("5", text);
	devmem__placement_read(folder, &p);
	return p;
}

static const char *said(const struct devmem__placement *before,
			const struct devmem__placement *after, const char *driver)
{
	static char text[160];
	const bool any =
		devmem__placement_explain(before, after, driver, 64 * MIB, text, sizeof(text));

	assert_int_equal(any, text[0] != '\0');
	return text;
}

static void is_moved(const char *driver, const char *before, const char *after)
{
	const struct devmem__placement a = with(before), b = with(after);
	char begins[64];

	snprintf(begins, sizeof(begins), "%s moved the buffer from its own memory to host", driver);
	assert_ptr_equal(strstr(said(&a, &b, "drm"), begins), said(&a, &b, "drm"));
	assert_string_equal(said(&a, &a, "drm"), "");
	assert_string_equal(said(&b, &a, "drm"), "");
}

static void a_buffer_that_was_moved(void **state)
{
	(void)state;
	is_moved("amdgpu", AMDGPU("80 MiB", "2 MiB"), AMDGPU("16 MiB", "66 MiB"));
	is_moved("i915", I915("64 MiB", "1 MiB"), I915("0", "65 MiB"));
	is_moved("xe", XE("64 MiB", "0"), XE("0", "64 MiB"));
}

/* Freed by another thread, or allocated by one: not moved. */
static void what_is_no_move(void **state)
{
	const struct devmem__placement a = with(XE("64 MiB", "0")), freed = with(XE("0", "0")),
				       more = with(XE("64 MiB", "64 MiB")),
				       half = with(XE("32 MiB", "32 MiB"));

	(void)state;
	assert_string_equal(said(&a, &freed, "drm"), "");
	assert_string_equal(said(&a, &more, "drm"), "");
	assert_string_equal(said(&a, &half, "drm"), "");
}

/* The process has no descriptor of the card, but the buffer's driver is known. */
static void what_is_known_of_a_driver(void **state)
{
	const struct devmem__placement none = { 0 };

	(void)state;
	assert_non_null(strstr(said(&none, &none, "i915"), "i915 keeps memory that a NIC"));
	assert_non_null(strstr(said(&none, &none, "amdgpu"), "amdgpu keeps"));
	assert_string_equal(said(&none, &none, "vgem"), "");
	assert_string_equal(said(&none, &none, "drm"), "");
	assert_string_equal(said(&none, &none, ""), "");
}

/* A descriptor and its duplicate are one client; each client counts. */
static void clients_of_a_process(void **state)
{
	struct devmem__placement p;
	char name[16];

	(void)state;
	put("5", XE("64 MiB", "0"));
	put("6", XE("64 MiB", "0"));
	put("7", AMDGPU("1 MiB", "0"));
	put("8", "pos:\t0\n");
	devmem__placement_read(folder, &p);
	assert_int_equal(p.clients, 2);
	for (int i = 10; i < 30; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put(name, "drm-driver:\tvgem\n");
	}
	devmem__placement_read(folder, &p);
	assert_int_equal(p.clients, DEVMEM__DRM_CLIENTS);
	devmem__placement_read("/nosuch", &p);
	assert_int_equal(p.clients, 0);
}

/* Of memory that is not DRM's nothing is said. */
static void other_memory(void **state)
{
	struct devmem__placement before;
	struct devmem_buffer *buffer;
	char text[160] = "x";

	(void)state;
	assert_int_equal(devmem_buffer_create("shm", 4096, NULL, &buffer), 0);
	devmem__placement_begin(buffer, &before);
	assert_int_equal(before.clients, 0);
	assert_false(devmem__placement_end(buffer, &before, text, sizeof(text)));
	assert_string_equal(text, "");
	devmem_buffer_close(buffer);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/placement-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_driver),
		TEST(other_descriptors),
		TEST(a_buffer_that_was_moved),
		TEST(what_is_no_move),
		TEST(what_is_known_of_a_driver),
		TEST(clients_of_a_process),
		TEST(other_memory),
	};

	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
