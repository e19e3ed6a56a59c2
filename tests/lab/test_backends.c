// SPDX-License-Identifier: MIT
/*
 * Every backend that the kernel has an exporter for: bytes received into its memory and sent from
 * it, each of them checked, and what it refuses. Wants 16 huge pages of 2 MiB and one of 1 GiB;
 * loads vgem by itself, and uses the libdrm that is installed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "devmem/drm.h"
#include "backends/drm_api.h"
#include "devmem/backend.h"
#include "sending.h"

#define KIB    1024u
#define GIB    (1024u * MIB)
#define CARD   "/dev/dri/card0"
#define RENDER "/dev/dri/renderD128"
#define OTHER  "/dev/dma_heap/other" /* made by the test: the system's heap by another name */

/* [include/uapi/drm/drm.h], for what a program does with its own objects */
struct prime_handle {
	uint32_t handle, flags;
	int32_t fd;
};

#define PRIME_HANDLE_TO_FD _IOWR('d', 0x2d, struct prime_handle)
#define PRIME_FD_TO_HANDLE _IOWR('d', 0x2e, struct prime_handle)

static void says(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("no \"%s\" in: %s", words, text);
}

static void refused(int result, int err, const char *words)
{
	if (result != -err)
		fail_msg("%d instead of %d: %s", result, -err, devmem_error());
	says(devmem_error(), words);
}

static int create(const char *backend, const char *device, size_t bytes, uint32_t page_size,
		  struct devmem_buffer **buffer)
{
	return devmem_buffer_create(backend, bytes,
				    DEVMEM_OPTS(devmem_buffer_opts, .device = device,
						.page_size = page_size),
				    buffer);
}

/* ---------------------------------------------------------------------------------- one of each */

static struct devmem_buffer *small_pages(size_t bytes)
{
	struct devmem_buffer *buffer;

	ok(create("udmabuf", NULL, bytes, 4 * KIB, &buffer));
	return buffer;
}

static struct devmem_buffer *huge_pages(size_t bytes)
{
	struct devmem_buffer *buffer;

	ok(create("udmabuf", NULL, bytes, 2 * MIB, &buffer));
	return buffer;
}

/* There is one: whatever is asked for, this is it. */
static struct devmem_buffer *gigantic_page(size_t bytes)
{
	struct devmem_buffer *buffer;

	(void)bytes;
	ok(create("udmabuf", NULL, GIB, GIB, &buffer));
	return buffer;
}

static struct devmem_buffer *system_heap(size_t bytes)
{
	struct devmem_buffer *buffer;

	ok(create("dma-heap", NULL, bytes, 0, &buffer));
	return buffer;
}

static struct devmem_buffer *another_heap(size_t bytes)
{
	struct devmem_buffer *buffer;

	ok(create("dma-heap", "other", bytes, 0, &buffer));
	return buffer;
}

static struct devmem_buffer *dumb_buffer(size_t bytes)
{
	struct devmem_buffer *buffer;

	ok(create("drm", "vgem", bytes, 0, &buffer));
	return buffer;
}

static int an_object(size_t bytes, uint32_t *handle)
{
	struct devmem__drm_create_dumb dumb = { .width = 1024,
						.height = (uint32_t)(bytes / 4096),
						.bpp = 32 };
	int fd = open(CARD, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, DEVMEM__DRM_CREATE_DUMB, &dumb), 0);
	*handle = dumb.handle;
	return fd;
}

/* The card, and the handle with it, are closed before the buffer is used. */
static struct devmem_buffer *an_object_of_ours(size_t bytes)
{
	struct devmem_buffer *buffer;
	uint32_t handle;
	int fd = an_object(bytes, &handle);

	ok(devmem_buffer_wrap_gem(fd, handle, NULL, &buffer));
	close(fd);
	return buffer;
}

static struct devmem_buffer *an_object_of_a_render_node(size_t bytes)
{
	struct devmem_buffer *card = an_object_of_ours(bytes), *buffer;
	struct prime_handle prime = { .fd = devmem_buffer_fd(card) };
	int fd = open(RENDER, O_RDWR | O_CLOEXEC);

	assert_int_equal(ioctl(fd, PRIME_FD_TO_HANDLE, &prime), 0);
	devmem_buffer_close(card);
	ok(devmem_buffer_wrap_gem(fd, prime.handle, NULL, &buffer));
	close(fd);
	return buffer;
}

static struct devmem_buffer *imported(size_t bytes)
{
	struct devmem_buffer *theirs = small_pages(bytes), *buffer;

	ok(devmem_buffer_import(devmem_buffer_fd(theirs), NULL, &buffer));
	devmem_buffer_close(theirs);
	return buffer;
}

static struct devmem_buffer *a_part(size_t bytes)
{
	struct devmem_buffer *theirs = small_pages(bytes + 2 * MIB), *buffer;

	ok(devmem_buffer_import(devmem_buffer_fd(theirs),
				DEVMEM_OPTS(devmem_buffer_opts, .offset = MIB + 4 * KIB,
					    .bytes = bytes),
				&buffer));
	devmem_buffer_close(theirs);
	return buffer;
}

static struct devmem_buffer *a_part_of_an_object(size_t bytes)
{
	struct devmem_buffer *buffer;
	uint32_t handle;
	int fd = an_object(bytes + MIB, &handle);

	ok(devmem_buffer_wrap_gem(fd, handle,
				  DEVMEM_OPTS(devmem_buffer_opts, .offset = 12 * KIB,
					      .bytes = bytes),
				  &buffer));
	close(fd);
	return buffer;
}

/* ----------------------------------------------------------------------- what is done with each */

/* Through the processor: any alignment, and by the mapping what was written otherwise. */
static void holds_data(struct devmem_buffer *buffer)
{
	const size_t bytes = 4 * MIB, last = devmem_buffer_size(buffer) - 8191;
	unsigned char out[8191], *memory;
	size_t n;

	for (size_t at = 0; at < bytes; at += n) {
		const unsigned char *p = pattern_at(at, bytes - at, &n);

		ok(devmem_buffer_write(buffer, at, p, n));
	}
	for (size_t at = 0; at < bytes; at += n) {
		n = bytes - at < sizeof(out) ? bytes - at : sizeof(out);
		ok(devmem_buffer_read(buffer, at, out, n));
		assert_true(pattern_matches(at, out, n));
	}
	ok(devmem_buffer_write(buffer, last, out, sizeof(out))); /* all of it is there */
	ok(devmem_buffer_read(buffer, last, out, sizeof(out)));
	assert_int_equal(devmem_buffer_read(buffer, last, out, sizeof(out) + 1), -ERANGE);
	ok(devmem_buffer_map(buffer, (void **)&memory));
	ok(devmem_buffer_sync(buffer, DEVMEM_SYNC_START | DEVMEM_SYNC_READ));
	assert_true(pattern_matches(0, memory, bytes - sizeof(out)));
	ok(devmem_buffer_sync(buffer, DEVMEM_SYNC_END | DEVMEM_SYNC_READ));
	devmem_buffer_close(buffer);
}

static void is_received_into(struct devmem_buffer *buffer)
{
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_stats st;
	struct lab_flows flows;
	struct lab lab;

	lab_open_as(&lab, &(struct lab_opts){ .buffer = buffer, .queues = 1 });
	lab_flows_start(&flows, ring, &lab, 4, 8 * MIB);
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	lab_expect(&st, 32 * MIB, true);
	devmem_ring_close(ring);
	lab_close(&lab);
	devmem_buffer_close(buffer);
}

static void is_sent_from(struct devmem_buffer *buffer)
{
	struct out *o = out_open_with(buffer);

	out_start(o, 4, 8 * MIB);
	out_pump(o);
	out_expect(o, 32 * MIB);
	out_finish(o);
	out_end(o);
}

static void works(struct devmem_buffer *(*make)(size_t bytes), const char *backend,
		  const char *words)
{
	struct devmem_buffer *buffer = make(4 * MIB);
	const char *why, *name = devmem_buffer_backend(buffer, &why);

	print_message("%s: %s\n", name, why);
	assert_string_equal(name, backend);
	says(why, words);
	holds_data(buffer);
	/* memory comes back some time after its buffer was closed */
	assert_int_equal(lab_dmabufs(), 0);
	is_received_into(make(16 * MIB));
	assert_int_equal(lab_dmabufs(), 0);
	is_sent_from(make(16 * MIB));
}

static void udmabuf_with_pages_of_4_kib(void **state)
{
	(void)state;
	works(small_pages, "udmabuf", "/dev/udmabuf, in pages of 4 KiB");
}

static void udmabuf_with_pages_of_2_mib(void **state)
{
	(void)state;
	works(huge_pages, "udmabuf", "/dev/udmabuf, in huge pages of 2048 KiB");
}

static void udmabuf_with_a_page_of_1_gib(void **state)
{
	(void)state;
	works(gigantic_page, "udmabuf", "/dev/udmabuf, in huge pages of 1048576 KiB");
}

static void dma_heap(void **state)
{
	(void)state;
	works(system_heap, "dma-heap", "/dev/dma_heap/system, in blocks of 64 KiB or more");
}

static void dma_heap_of_another_name(void **state)
{
	(void)state;
	works(another_heap, "dma-heap", "/dev/dma_heap/other");
}

static void drm_on_vgem(void **state)
{
	(void)state;
	works(dumb_buffer, "drm", "a dumb buffer of " CARD " (vgem)");
}

static void an_object_that_is_wrapped(void **state)
{
	(void)state;
	works(an_object_of_ours, "drm",
	      " of the 4194304 bytes of the program's object (driver vgem, handle ");
}

static void an_object_of_a_render_node_that_is_wrapped(void **state)
{
	(void)state;
	works(an_object_of_a_render_node, "drm", "of the program's object (driver vgem, ");
}

static void memory_that_is_imported(void **state)
{
	(void)state;
	works(imported, "import",
	      "4194304 bytes of a dma-buf of 4194304 whose exporter is udmabuf");
}

/* ---------------------------------------------------------------------------------------- parts */

/* As lab_open(), but that the binding is what it can be. */
static void is_copied_into(struct devmem_buffer *buffer)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct devmem_ring *ring;
	struct lab_flows flows;
	struct devmem_stats st;
	struct lab lab = { .buffer = buffer, .port = PORT };
	const char *why;

	ok(devmem_buffer_map(buffer, (void **)&lab.memory));
	ok(devmem_nic_open(NIC, NULL, &lab.nic));
	refused(devmem_bind_rx(lab.nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .engine = "devmem"),
			       &lab.binding),
		EOPNOTSUPP, "only a part of its dma-buf");
	ok(devmem_bind_rx(lab.nic, buffer, NULL, &lab.binding));
	assert_string_equal(devmem_binding_engine(lab.binding, &why), "copy");
	says(why, "only a part of its dma-buf");
	ok(devmem_steer(lab.binding, (struct sockaddr *)&v4, NULL));
	ok(devmem_steer(lab.binding, (struct sockaddr *)&v6, NULL));
	lab.listener = lab_listen(PORT);
	ok(devmem_ring_open(NULL, &ring));
	lab_flows_start(&flows, ring, &lab, 4, 8 * MIB);
	lab_flows_finish(&flows);
	st = lab_stats(ring);
	assert_int_equal(st.bytes_plain, 32 * MIB);
	devmem_ring_close(ring);
	lab_close(&lab);
}

static void a_part_is_sent_from_and_copied_into(void **state)
{
	(void)state;
	holds_data(a_part(4 * MIB));
	is_sent_from(a_part(16 * MIB));
	is_copied_into(a_part(16 * MIB));
	holds_data(a_part_of_an_object(4 * MIB));
	is_sent_from(a_part_of_an_object(16 * MIB));
	is_copied_into(a_part_of_an_object(16 * MIB));
}

/* -------------------------------------------------------------------------- another one like it */

/* What @buffer's ring makes a spill buffer of; NULL: it makes none, for the reason in the
 * sentence. */
static void spills_to(struct devmem_buffer *buffer, const char *words)
{
	struct devmem_attach_opts o = { .size = sizeof(o), .flags = DEVMEM_ATTACH_PLACE };
	struct devmem_ring *ring = lab_ring(NULL);
	struct devmem_sock *sock;
	struct lab_pair pair;
	const char *why;
	struct lab lab;

	lab_open_as(&lab, &(struct lab_opts){ .buffer = buffer, .queues = 1 });
	pair = lab_connect(&lab, false);
	if (words) {
		ok(devmem_attach(ring, pair.near, lab.binding, 0, &o, &sock));
		devmem_buffer_backend(devmem_ring_spill(ring), &why);
		says(why, words);
		devmem_detach(sock);
	} else {
		refused(devmem_attach(ring, pair.near, lab.binding, 0, &o, &sock), EOPNOTSUPP,
			"no memory of its own");
	}
	devmem_ring_close(ring);
	close(pair.near);
	close(pair.far);
	lab_close(&lab);
	devmem_buffer_close(buffer);
}

static void spill_buffers_are_of_the_same_device(void **state)
{
	(void)state;
	spills_to(another_heap(16 * MIB), OTHER);
	spills_to(dumb_buffer(16 * MIB), "dumb buffer of " CARD);
	spills_to(an_object_of_a_render_node(16 * MIB), "dumb buffer of " CARD);
	spills_to(imported(16 * MIB), NULL);
}

/* -------------------------------------------------------------------------------------- refused */

static void pages_that_are_not_there(void **state)
{
	struct devmem_buffer *all = gigantic_page(0), *buffer;

	(void)state;
	refused(create("udmabuf", NULL, GIB, GIB, &buffer), ENOMEM,
		"0 of 1 pages are free; reserve more in ");
	says(devmem_error(), "hugepages-1048576kB/nr_hugepages");
	refused(create("udmabuf", NULL, 16 * MIB, 16 * MIB, &buffer), EINVAL,
		"no pages of 16777216 bytes (huge pages free: ");
	says(devmem_error(), "0 of 1 of 1 GiB");
	devmem_buffer_close(all);
}

static void limits_of_the_driver(void **state)
{
	struct devmem_buffer *buffer;

	(void)state;
	run("cp /sys/module/udmabuf/parameters/size_limit_mb /tmp/limit; echo 8 "
	    ">/sys/module/udmabuf/parameters/size_limit_mb");
	refused(create("udmabuf", NULL, 8 * MIB + 4 * KIB, 0, &buffer), EFBIG,
		"may have 8 MiB here, but 8 were requested");
	ok(create("udmabuf", NULL, 8 * MIB, 0, &buffer));
	run("cat /tmp/limit >/sys/module/udmabuf/parameters/size_limit_mb");
	devmem_buffer_close(buffer);
}

static void heaps_that_are_not_there(void **state)
{
	struct devmem_buffer *buffer;

	(void)state;
	refused(create("dma-heap", "nosuch", 4096, 0, &buffer), ENODEV,
		"no heap \"nosuch\" in /dev/dma_heap: there are other, system");
	refused(create("dma-heap", "../null", 4096, 0, &buffer), ENODEV, "there are other, system");
	refused(create("dma-heap", "other", 4095, 0, &buffer), EINVAL, "4095");
}

static void cards_that_are_not_there(void **state)
{
	struct devmem_buffer *buffer;

	(void)state;
	refused(create("drm", RENDER, 4096, 0, &buffer), ENODEV,
		"is a render node, which makes no dumb buffers: name its card, " CARD);
	refused(create("drm", "nosuch", 4096, 0, &buffer), ENODEV,
		"no card of driver \"nosuch\" can be used: " CARD " is of driver vgem");
	refused(create("drm", "/dev/null", 4096, 0, &buffer), ENODEV,
		"/dev/null is not a DRM device");
	refused(create("drm", "/dev/dri/card99", 4096, 0, &buffer), ENODEV,
		"there is no /dev/dri/card99");
	ok(create("drm", CARD, 4096, 0, &buffer));
	devmem_buffer_close(buffer);
	ok(create("drm", NULL, 4096, 0, &buffer));
	devmem_buffer_close(buffer);
}

static void objects_that_are_not_there(void **state)
{
	struct devmem_buffer *buffer;
	uint32_t handle;
	int fd = an_object(MIB, &handle), null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	refused(devmem_buffer_wrap_gem(fd, handle + 1, NULL, &buffer), ENOENT,
		"no object with handle");
	refused(devmem_buffer_wrap_gem(null, handle, NULL, &buffer), ENODEV, "is not a DRM device");
	refused(devmem_buffer_wrap_gem(fd, handle, DEVMEM_OPTS(devmem_buffer_opts, .offset = MIB),
				       &buffer),
		ERANGE, "are not within a dma-buf of 1048576");
	close(fd);
	close(null);
}

/* Who exports first says what can be done with it. */
static void an_object_that_was_exported_for_reading(void **state)
{
	struct prime_handle prime = { .flags = O_CLOEXEC };
	struct devmem_buffer *buffer;
	void *addr;
	char byte;
	int fd = an_object(MIB, &prime.handle);

	(void)state;
	assert_int_equal(ioctl(fd, PRIME_HANDLE_TO_FD, &prime), 0);
	ok(devmem_buffer_wrap_gem(fd, prime.handle, NULL, &buffer));
	refused(devmem_buffer_map(buffer, &addr), EOPNOTSUPP,
		"does not let the processor map it: Permission denied");
	assert_int_equal(devmem_buffer_read(buffer, 0, &byte, 1), -EOPNOTSUPP);
	assert_int_equal(devmem_buffer_write(buffer, 0, &byte, 1), -EOPNOTSUPP);
	devmem_buffer_close(buffer);
	close(prime.fd);
	close(fd);
}

static void what_is_no_dma_buf(void **state)
{
	struct devmem_buffer *theirs = small_pages(MIB), *buffer;
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	(void)state;
	refused(devmem_buffer_import(fd, NULL, &buffer), EINVAL, "is not a dma-buf");
	close(fd);
	fd = devmem_buffer_fd(theirs);
	refused(devmem_buffer_import(fd, DEVMEM_OPTS(devmem_buffer_opts, .offset = MIB), &buffer),
		ERANGE, "are not within a dma-buf");
	refused(devmem_buffer_import(fd, DEVMEM_OPTS(devmem_buffer_opts, .offset = 100), &buffer),
		EINVAL, "multiples of 4096");
	devmem_buffer_close(theirs);
}

/* ------------------------------------------------------------------------------------ elsewhere */

/* Runs @fn where it can do no harm: a process of its own, with mounts of its own. */
static void elsewhere(int (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(100);
		status = fn();
		if (status)
			print_error("%s\n", devmem_error());
		_exit(status);
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("status %#x", status);
}

static bool told(int result, int err, const char *words)
{
	return result == -err && strstr(devmem_error(), words);
}

static int with_a_cgroup_of_16_mib(void)
{
	struct devmem_buffer *buffer;

	if (system("mount -t cgroup2 none /sys/fs/cgroup && cd /sys/fs/cgroup && echo +memory "
		   ">cgroup.subtree_control && mkdir -p small && echo 16M >small/memory.max && "
		   "echo $PPID >small/cgroup.procs"))
		return 1;
	if (!told(create("udmabuf", NULL, 32 * MIB, 4 * KIB, &buffer), ENOMEM,
		  "cgroup is limited to 16777216 (/sys/fs/cgroup/small/memory.max)"))
		return 2;
	if (!told(create("dma-heap", NULL, 32 * MIB, 0, &buffer), ENOMEM,
		  "cgroup is limited to 16777216"))
		return 3;
	return create("udmabuf", NULL, 4 * MIB, 4 * KIB, &buffer) ? 4 : 0;
}

static int where_files_may_not_be_run(void)
{
	struct devmem_buffer *buffer;
	int status;
	pid_t child;

	/* the setting is that of a name space, for those born in it */
	if (unshare(CLONE_NEWPID))
		return 1;
	child = fork();
	if (!child)
		_exit(system("mount -t proc proc /proc && echo 2 >/proc/sys/vm/memfd_noexec") ? 2
		      : create("udmabuf", NULL, MIB, 4 * KIB, &buffer)			      ? 3
											      : 0);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

static bool probed(const char *name, bool works, const char *words)
{
	struct devmem_backend_info list[16];
	int n = devmem_backends(list, 16, sizeof(list[0]));

	for (int i = 0; i < n; i++) {
		if (strcmp(list[i].name, name))
			continue;
		print_message("%s %d: %s\n", name, list[i].result, list[i].text);
		return !list[i].result == works && strstr(list[i].text, words);
	}
	return false;
}

static int with_a_heap_that_must_be_named(void)
{
	struct stat st;
	struct devmem_buffer *buffer;

	if (stat(OTHER, &st) || mount("tmpfs", "/dev/dma_heap", "tmpfs", 0, NULL) ||
	    mknod(OTHER, S_IFCHR | 0600, st.st_rdev))
		return 1;
	if (!probed("dma-heap", true, "heaps: other, which must be named"))
		return 2;
	if (!told(create("dma-heap", NULL, 4096, 0, &buffer), ENOENT,
		  "/dev/dma_heap/system is missing"))
		return 3;
	if (create("dma-heap", "other", 4096, 0, &buffer))
		return 4;
	devmem_buffer_close(buffer);
	unlink(OTHER);
	return told(create("dma-heap", "other", 4096, 0, &buffer), ENODEV, "there are none") &&
			       probed("dma-heap", false, "is missing")
		       ? 0
		       : 5;
}

static int without_cards(void)
{
	struct devmem_buffer *buffer;

	if (mount("tmpfs", "/dev/dri", "tmpfs", 0, NULL))
		return 1;
	return told(create("drm", NULL, 4096, 0, &buffer), ENOENT,
		    "there is no card in /dev/dri") &&
			       probed("drm", false, "there is no card in /dev/dri")
		       ? 0
		       : 2;
}

static int as_nobody(void)
{
	struct devmem_buffer *buffer;

	if (setgid(65534) || setuid(65534))
		return 1;
	if (!told(create("drm", CARD, 4096, 0, &buffer), EACCES, "group that owns it"))
		return 2;
	if (!told(create("drm", NULL, 4096, 0, &buffer), EACCES,
		  "no card can be used: " CARD " cannot be opened by this user"))
		return 3;
	if (!told(create("dma-heap", "other", 4096, 0, &buffer), EACCES, "group that owns it"))
		return 4;
	return probed("drm", false, CARD " cannot be opened by this user") &&
			       probed("udmabuf", false, "cannot be opened by this user") &&
			       probed("dma-heap", false, "cannot be opened by this user")
		       ? 0
		       : 5;
}

static void machines_that_lack_something(void **state)
{
	(void)state;
	elsewhere(with_a_cgroup_of_16_mib);
	elsewhere(where_files_may_not_be_run);
	elsewhere(with_a_heap_that_must_be_named);
	elsewhere(without_cards);
	elsewhere(as_nobody);
}

static void the_list_says_what_there_is(void **state)
{
	(void)state;
	assert_true(probed("udmabuf", true, " MiB (size_limit_mb); huge pages free: "));
	assert_true(probed("udmabuf", true,
			   "of 2 MiB, 1 of 1 of 1 GiB; list_limit (65536) and RLIMIT_MEMLOCK do "
			   "not matter"));
	assert_true(probed("dma-heap", true, "heaps: other, system; "));
	assert_true(probed("drm", true, CARD " (vgem) makes dumb buffers"));
	run("/build/tools/devmemctl backends | tee /tmp/backends && grep -q '^works   drm .*vgem' "
	    "/tmp/backends");
}

/* The library does not need it: all else works, and why this does not is told. */
static void without_libdrm(void **state)
{
	(void)state;
	run("! ldd /build/libdevmem.so | grep -q drm");
	run("unshare -m sh -c 'mount --bind /dev/null $(ldconfig -p | sed -n \"s/.*libdrm.so.2 "
	    ".*=> //p\") && /build/tools/devmemctl backends >/tmp/backends'");
	run("cat /tmp/backends; grep -q '^cannot  drm .*libdrm.so.2 cannot be loaded' "
	    "/tmp/backends && test $(grep -c ^works /tmp/backends) -ge 4");
}

static void prepare(void)
{
	struct stat st;

	run("modprobe vgem");
	assert_int_equal(stat("/dev/dma_heap/system", &st), 0);
	assert_int_equal(mknod(OTHER, S_IFCHR | 0600, st.st_rdev), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(udmabuf_with_pages_of_4_kib),
		LAB_TEST(udmabuf_with_pages_of_2_mib),
		LAB_TEST(udmabuf_with_a_page_of_1_gib),
		LAB_TEST(dma_heap),
		LAB_TEST(dma_heap_of_another_name),
		LAB_TEST(drm_on_vgem),
		LAB_TEST(an_object_that_is_wrapped),
		LAB_TEST(an_object_of_a_render_node_that_is_wrapped),
		LAB_TEST(memory_that_is_imported),
		LAB_TEST(a_part_is_sent_from_and_copied_into),
		LAB_TEST(spill_buffers_are_of_the_same_device),
		LAB_TEST(pages_that_are_not_there),
		LAB_TEST(limits_of_the_driver),
		LAB_TEST(heaps_that_are_not_there),
		LAB_TEST(cards_that_are_not_there),
		LAB_TEST(objects_that_are_not_there),
		LAB_TEST(an_object_that_was_exported_for_reading),
		LAB_TEST(what_is_no_dma_buf),
		LAB_TEST(the_list_says_what_there_is),
		LAB_TEST(machines_that_lack_something),
		LAB_TEST(without_libdrm),
	};

	lab_begin(argc, argv);
	prepare();
	return lab_run("backends", tests, NULL, NULL);
}
