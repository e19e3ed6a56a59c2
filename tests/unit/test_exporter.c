// SPDX-License-Identifier: MIT
/* Files as /proc/self/fdinfo shows them; NVIDIA's as driver 580.159 shows it (tests/gpu looks at
 * the real one). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"
#include "memory/exporter.h"

static int name_in(const char *text, char name[64])
{
	char path[] = "/tmp/fdinfoXXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	err = devmem__exporter_name(path, name);
	close(fd);
	unlink(path);
	return err;
}

static void the_exporter_is_named(void **state)
{
	char name[64];

	(void)state;
	assert_int_equal(name_in("pos:\t0\nflags:\t02\nsize:\t4096\ncount:\t1\nexp_name:"
				 "\tudmabuf\n",
				 name),
			 0);
	assert_string_equal(name, "udmabuf");
	assert_false(devmem__exporter_needs_pci(name));
	assert_int_equal(name_in("size:\t65536\nexp_name:\tnv_dmabuf\n", name), 0);
	assert_string_equal(name, "nv_dmabuf");
	assert_true(devmem__exporter_needs_pci(name));
}

static void every_name_of_nvidias_drivers_needs_pci(void **state)
{
	(void)state;
	assert_true(devmem__exporter_needs_pci("nvidia"));
	assert_true(devmem__exporter_needs_pci("nvidia_drm"));
	assert_true(devmem__exporter_needs_pci("nvmap"));
	assert_false(devmem__exporter_needs_pci("system"));
	assert_false(devmem__exporter_needs_pci("drm"));
	assert_false(devmem__exporter_needs_pci("amdgpu"));
}

static void one_that_cannot_be_told(void **state)
{
	char name[64];

	(void)state;
	assert_int_equal(name_in("pos:\t0\nflags:\t02\n", name), -ENODATA);
	assert_int_equal(name_in("", name), -ENODATA);
	assert_int_equal(devmem__exporter_name("/proc/self/fdinfo/nosuch", name), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exporter_is_named),
		cmocka_unit_test(every_name_of_nvidias_drivers_needs_pci),
		cmocka_unit_test(one_that_cannot_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
