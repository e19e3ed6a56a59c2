// SPDX-License-Identifier: MIT
/* What buffers refuse. That they hold data is for the lab to show: few build machines have /dev/udmabuf. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"
#include "devmem/devmem.h"

static void unknown_backend(void **state)
{
	struct devmem_buffer *b = (void *)1;

	(void)state;
	assert_int_equal(devmem_buffer_create("quantum", 4096, NULL, &b), -ENOENT);
	assert_int_equal(devmem_buffer_create(NULL, 4096, NULL, &b), -ENOENT);
	assert_ptr_equal(b, (void *)1);	/* untouched */
	assert_non_null(strstr(devmem_error(), "udmabuf"));
}

static void sizes_and_options(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	assert_int_equal(devmem_buffer_create("udmabuf", 4096, DEVMEM_OPTS(devmem_buffer_opts, .reserved = 1), &b),
			 -EINVAL);
	assert_int_equal(devmem_buffer_create("udmabuf", 4096, DEVMEM_OPTS(devmem_buffer_opts), NULL), -EINVAL);
	assert_int_equal(devmem_buffer_create("udmabuf", 0, NULL, &b), -EINVAL);
	assert_int_equal(devmem_buffer_create("udmabuf", 4095, NULL, &b), -EINVAL);
	assert_int_equal(devmem_buffer_create("udmabuf", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 6000), &b), -EINVAL);
	assert_non_null(strstr(devmem_error(), "power of two"));
}

static void no_udmabuf_here(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	if (!access("/dev/udmabuf", F_OK))
		skip();
	assert_int_equal(devmem_buffer_create("udmabuf", 4096, NULL, &b), -ENOENT);
	assert_non_null(strstr(devmem_error(), "modprobe udmabuf"));
}

static void closing_nothing(void **state)
{
	(void)state;
	devmem_buffer_close(NULL);
	devmem_binding_close(NULL);
	devmem_ring_close(NULL);
	assert_int_equal(devmem_nic_close(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_backend),
		cmocka_unit_test(sizes_and_options),
		cmocka_unit_test(no_udmabuf_here),
		cmocka_unit_test(closing_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
