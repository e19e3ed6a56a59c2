// SPDX-License-Identifier: MIT
/*
 * The DRM backend against a fake libdrm (tests/fakes/libdrm.c), whose cards are files. "test_drm
 * absent", "test_drm incomplete": with a libdrm.so.2 that cannot be loaded, or lacks a symbol. The
 * real one: tests/lab/test_backends.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devmem/drm.h"
#include "unit.h"
#include "backends/drm_card.h"

static char dir[64], card0[80], card10[80], card9[80], render[80];
static int fds;

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void card(char path[80], const char *name, const char *driver)
{
	FILE *f;

	snprintf(path, 80, "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(driver, f);
	fclose(f);
}

static int make_cards(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/driXXXXXX");
	if (!mkdtemp(dir))
		return -1;
	card(card10, "card10", "last");
	card(card9, "card9", "second");
	card(card0, "card0", "not drm");
	card(render, "renderD128", "second");
	fds = open_fds();
	return 0;
}

static int remove_cards(void **state)
{
	static const char *const names[] = { "FAKE_DRM_FAIL", "FAKE_DRM_CANNOT", "FAKE_DRM_NODE",
					     "FAKE_DRM_SIZE" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	unlink(card0);
	unlink(card9);
	unlink(card10);
	unlink(render);
	rmdir(dir);
	assert_int_equal(open_fds(), fds);
	return 0;
}

#define CARDS_TEST(name) cmocka_unit_test_setup_teardown(name, make_cards, remove_cards)

static void says(const char *words)
{
	if (!strstr(devmem_error(), words))
		fail_msg("\"%s\" does not say \"%s\"", devmem_error(), words);
}

static void refused(const char *device, int err, const char *words)
{
	struct devmem_buffer *b = (void *)1;

	assert_int_equal(devmem_buffer_create("drm", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = device),
					      &b),
			 -err);
	assert_ptr_equal(b, (void *)1);
	says(words);
}

/* ----------------------------------------------------------------------------------- which card */

static void opened(const char *device, const char *path, const char *driver)
{
	struct devmem__drm_card c;

	assert_int_equal(devmem__drm_open(dir, device, &c), 0);
	assert_string_equal(c.path, path);
	assert_string_equal(c.driver, driver);
	devmem__drm_close(&c);
}

static void a_card_by_path_by_driver_or_the_first(void **state)
{
	(void)state;
	opened(NULL, card9, "second");
	opened("last", card10, "last");
	opened(card10, card10, "last");
}

static void none(const char *where, const char *device, int err, const char *words)
{
	struct devmem__drm_card c;

	assert_int_equal(devmem__drm_open(where, device, &c), -err);
	says(words);
}

static void cards_that_are_not_there(void **state)
{
	char *longest = calloc(1, 200);

	(void)state;
	none("/nosuch", NULL, ENOENT, "there is no card in /nosuch: load a driver");
	none(dir, "third", ENODEV, "no card of driver \"third\" can be used: ");
	says("/card9 is of driver second");
	none(dir, "/dev/nosuch", ENODEV, "there is no /dev/nosuch (No such file");
	none(dir, card0, ENODEV, "/card0 is not a DRM device");
	none(dir, "/", EISDIR, "cannot open /");
	memset(longest, '/', 199);
	none(dir, longest, ENODEV, "too long for a DRM device");
	free(longest);
	if (!geteuid())
		return;
	chmod(card9, 0);
	none(dir, card9, EACCES, "group that owns it");
}

static void cards_that_cannot(void **state)
{
	(void)state;
	setenv("FAKE_DRM_CANNOT", "dumb", 1);
	none(dir, card9, ENODEV, "its driver second makes no dumb buffers");
	none(dir, NULL, ENODEV, "no card can be used: ");
	says("/card0 is not a DRM device");
	says("; ");
	/* the capability is not told of a card without screens */
	setenv("FAKE_DRM_CANNOT", "dumb_told", 1);
	opened(NULL, card9, "second");
	setenv("FAKE_DRM_FAIL", "cap_dumb:95", 1);
	opened(NULL, card9, "second");
	setenv("FAKE_DRM_CANNOT", "prime", 1);
	none(dir, card9, ENODEV, "its driver second does not export memory");
	setenv("FAKE_DRM_FAIL", "cap_prime:5", 1);
	none(dir, card9, ENODEV, "does not report whether it exports");
	setenv("FAKE_DRM_FAIL", "version:13", 1);
	none(dir, card9, ENODEV, "is not a DRM device: Permission denied");
}

static void a_render_node_names_its_card(void **state)
{
	(void)state;
	setenv("FAKE_DRM_NODE", "2", 1);
	none(dir, render, ENODEV,
	     "is a render node, which makes no dumb buffers: name its card, /dev/dri/card42, or ");
	says("devmem_buffer_wrap_gem()");
}

static void all_are_listed(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(devmem__drm_list(dir, text, sizeof(text)), 0);
	print_message("%s\n", text);
	assert_non_null(strstr(text, "/card0 is not a DRM device"));
	assert_non_null(strstr(text, "/card9 (second) makes dumb buffers; "));
	assert_true(strstr(text, "card9") < strstr(text, "card10"));
	setenv("FAKE_DRM_CANNOT", "dumb", 1);
	assert_int_equal(devmem__drm_list(dir, text, sizeof(text)), -ENODEV);
	says("/card10: its driver last makes no dumb buffers");
	assert_int_equal(devmem__drm_list("/nosuch", text, sizeof(text)), -ENOENT);
	says("modprobe vgem");
}

/* -------------------------------------------------------------------------------------- buffers */

static void made_of_a_card(void **state)
{
	struct devmem_buffer *b;
	const char *why;
	void *addr;

	(void)state;
	assert_int_equal(devmem_buffer_create("drm", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = card9), &b),
			 0);
	assert_string_equal(devmem_buffer_backend(b, &why), "drm");
	assert_non_null(strstr(why, "/card9 (second)"));
	assert_int_equal(devmem_buffer_size(b), 8192);
	assert_int_equal(devmem_buffer_map(b, &addr), 0);
	devmem_buffer_close(b);
	setenv("FAKE_DRM_SIZE", "4096", 1); /* rounded up */
	assert_int_equal(devmem_buffer_create("drm", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .device = card9), &b),
			 0);
	assert_int_equal(devmem_buffer_size(b), 12288);
	devmem_buffer_close(b);
}

static void sizes_and_options(void **state)
{
	struct devmem_buffer *b;

	(void)state;
	assert_int_equal(devmem_buffer_create("drm", 4095, NULL, &b), -EINVAL);
	assert_int_equal(devmem_buffer_create("drm", 1ull << 32, NULL, &b), -EFBIG);
	says("smaller than 4 GiB");
	assert_int_equal(devmem_buffer_create("drm", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .near = "lo"), &b),
			 -EINVAL);
	says("near \"lo\"");
	assert_int_equal(devmem_buffer_create("drm", 8192,
					      DEVMEM_OPTS(devmem_buffer_opts, .page_size = 4096),
					      &b),
			 -EINVAL);
}

static void what_the_driver_refuses(void **state)
{
	(void)state;
	setenv("FAKE_DRM_FAIL", "dumb:12", 1);
	refused(card9, ENOMEM, "refused a dumb buffer of 8192 bytes: Cannot allocate memory");
	setenv("FAKE_DRM_FAIL", "export:38", 1);
	refused(card9, ENODEV, "did not export an object: Function not implemented");
	setenv("FAKE_DRM_FAIL", "export:24", 1);
	refused(card9, EMFILE, "did not export an object: Too many open files");
	unsetenv("FAKE_DRM_FAIL");
	setenv("FAKE_DRM_SIZE", "-4096", 1);
	refused(card9, EIO, "exported 4096 bytes, but 8192 were requested");
}

/* --------------------------------------------------------------- an object of the program's own */

static int an_object(int fd, uint32_t *handle)
{
	struct devmem__drm_create_dumb dumb = { .width = 1024, .height = 4, .bpp = 32 };
	const struct devmem__drm_api *api;
	int err = devmem__drm_api(&api);

	if (!err)
		err = api->ioctl(fd, DEVMEM__DRM_CREATE_DUMB, &dumb);
	*handle = dumb.handle;
	return err;
}

static void an_object_is_wrapped(void **state)
{
	int fd = open(render, O_RDWR | O_CLOEXEC);
	struct devmem_buffer *b, *part;
	const char *why;
	uint32_t handle;

	(void)state;
	setenv("FAKE_DRM_NODE", "2", 1);
	assert_int_equal(an_object(fd, &handle), 0);
	assert_int_equal(devmem_buffer_wrap_gem(fd, handle, NULL, &b), 0);
	assert_int_equal(devmem_buffer_wrap_gem(fd, handle,
						DEVMEM_OPTS(devmem_buffer_opts, .offset = 4096,
							    .bytes = 8192),
						&part),
			 0);
	close(fd);
	assert_string_equal(devmem_buffer_backend(b, &why), "drm");
	assert_non_null(strstr(why, "(driver second, handle 7)"));
	assert_int_equal(devmem_buffer_size(b), 16384);
	assert_int_equal(devmem_buffer_device_address(b, &why), 0);
	assert_non_null(strstr(why, "each of the card's contexts"));
	assert_int_equal(devmem_buffer_size(part), 8192);
	devmem_buffer_close(b);
	devmem_buffer_close(part);
}

static void not_wrapped(int fd, uint32_t handle, const struct devmem_buffer_opts *o, int err,
			const char *words)
{
	struct devmem_buffer *b = (void *)1;

	assert_int_equal(devmem_buffer_wrap_gem(fd, handle, o, &b), -err);
	assert_ptr_equal(b, (void *)1);
	says(words);
}

static void what_cannot_be_wrapped(void **state)
{
	int fd = open(card9, O_RDWR | O_CLOEXEC), other = open(card0, O_RDWR | O_CLOEXEC);
	uint32_t handle;

	(void)state;
	assert_int_equal(an_object(fd, &handle), 0);
	not_wrapped(fd, 99, NULL, ENOENT, "has no object with handle 99");
	not_wrapped(other, handle, NULL, ENODEV, "is not a DRM device");
	not_wrapped(-1, handle, NULL, ENODEV, "descriptor -1 is not a DRM device");
	not_wrapped(fd, handle, DEVMEM_OPTS(devmem_buffer_opts, .offset = 16384), ERANGE,
		    "are not within a dma-buf of 16384");
	not_wrapped(fd, handle, DEVMEM_OPTS(devmem_buffer_opts, .bytes = 100), EINVAL,
		    "multiples of 4096");
	not_wrapped(fd, handle, DEVMEM_OPTS(devmem_buffer_opts, .device = card9), EINVAL,
		    "other than offset and bytes");
	assert_int_equal(devmem_buffer_wrap_gem(fd, handle, NULL, NULL), -EINVAL);
	setenv("FAKE_DRM_SIZE", "-16384", 1);
	not_wrapped(fd, handle, NULL, EINVAL, "does not report its size");
	setenv("FAKE_DRM_CANNOT", "prime", 1);
	not_wrapped(fd, handle, NULL, ENODEV, "does not export");
	close(fd);
	close(other);
}

/* -------------------------------------------------------------------------- without the library */

static void seen_by_all(const char *words)
{
	struct devmem__drm_card c;
	char text[512];

	refused(NULL, ENOENT, words);
	not_wrapped(0, 1, NULL, ENOENT, words);
	none(dir, NULL, ENOENT, words);
	assert_int_equal(devmem__drm_list("/dev/dri", text, sizeof(text)), -ENOENT);
	/* and asked again it is looked for again */
	assert_int_equal(devmem__drm_api(&c.api), -ENOENT);
}

static void absent(void **state)
{
	(void)state;
	seen_by_all("libdrm.so.2 cannot be loaded (");
}

static void incomplete(void **state)
{
	(void)state;
	seen_by_all("libdrm.so.2 has no drmDropMaster");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CARDS_TEST(a_card_by_path_by_driver_or_the_first),
		CARDS_TEST(cards_that_are_not_there),
		CARDS_TEST(cards_that_cannot),
		CARDS_TEST(a_render_node_names_its_card),
		CARDS_TEST(all_are_listed),
		CARDS_TEST(made_of_a_card),
		CARDS_TEST(sizes_and_options),
		CARDS_TEST(what_the_driver_refuses),
		CARDS_TEST(an_object_is_wrapped),
		CARDS_TEST(what_cannot_be_wrapped),
	};
	const struct CMUnitTest without[] = { cmocka_unit_test(absent) };
	const struct CMUnitTest lacking[] = { cmocka_unit_test(incomplete) };

	if (argc > 1)
		return !strcmp(argv[1], "absent") ? cmocka_run_group_tests(without, NULL, NULL)
						  : cmocka_run_group_tests(lacking, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
