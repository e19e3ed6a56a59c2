// SPDX-License-Identifier: MIT
/* Backends: each is tried with one page, which is freed again; the buffer's size is compared with
 * limits. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "memory/host.h"

#include "checks.h"
#include "sysfs.h"

/* how the library's error message about an unknown name begins; a missing device has another one */
#define UNKNOWN "no backend "
#define UDMABUF "/sys/module/udmabuf/parameters/"

/* The backends that the library chooses by default and that a NIC can write to. */
static const char *const usual[] = { "udmabuf", "dma-heap" };

/* --------------------------------------------------------------------------------- each backend */

static int try_backend(const char *name)
{
	struct devmem_buffer *buffer;
	int err = devmem_buffer_create(name, (size_t)sysconf(_SC_PAGESIZE), NULL, &buffer);

	if (!err)
		devmem_buffer_close(buffer);
	return err;
}

static bool udmabuf_has_room(struct report *r, enum level level, uint64_t bytes)
{
	int64_t size, list;
	char limit[32], want[32];

	if (!sysfs_number(UDMABUF "size_limit_mb", &size) ||
	    !sysfs_number(UDMABUF "list_limit", &list)) {
		report_add(r, OK, "udmabuf", "/dev/udmabuf works; its limits cannot be read");
		return true;
	}
	out_bytes(limit, sizeof(limit), (uint64_t)size << 20);
	if (bytes <= (uint64_t)size << 20) {
		report_add(r, OK, "udmabuf",
			   "/dev/udmabuf works; a buffer can be up to %s (size_limit_mb; "
			   "list_limit %lld does not matter: one entry is used)",
			   limit, (long long)list);
		return true;
	}
	report_add(r, level, "udmabuf",
		   "a buffer can be up to %s here (size_limit_mb), but you want %s", limit,
		   out_bytes(want, sizeof(want), bytes));
	report_todo(r, "echo %llu > " UDMABUF "size_limit_mb", (unsigned long long)(bytes >> 20));
	return false;
}

/* Advice never leads to another backend: that one may be missing, too, and lead back. */
static const char *remedy(const char *name, int err)
{
	if (err == -EACCES)
		return "run as root";
	if (!strcmp(name, "udmabuf"))
		return "modprobe udmabuf";
	if (!strcmp(name, "dma-heap"))
		return "boot a kernel with CONFIG_DMABUF_HEAPS_SYSTEM";
	return "use another --backend";
}

/* A backend that works, other than @name. NULL: there is none. */
static const char *working_backend(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (strcmp(usual[i], name) && !try_backend(usual[i]))
			return usual[i];
	return NULL;
}

static void no_backend(struct report *r, const char *name, enum level level, int err)
{
	const char *advice = remedy(name, err);

	report_add(r, level, name, "%s", devmem_error());
	if (level == WARNING && working_backend(name)) {
		r->finding[r->count - 1].level = OK;
		return;
	}
	report_todo(r, "%s", advice);
}

static void no_dmabuf(struct report *r, const char *name)
{
	const char *other = working_backend(name);

	report_add(r, PROBLEM, name,
		   "plain shared memory, which no NIC can write to: bytes are copied into it");
	if (other)
		report_todo(r, "--backend %s", other);
	else
		report_todo(r, "%s, and --backend udmabuf",
			    remedy("udmabuf", try_backend("udmabuf")));
}

/* Adds a line that says whether the backend can be used; at @level if not. A WARNING means that one
 * backend of several is enough. */
static bool check_backend(struct report *r, const char *name, enum level level, uint64_t bytes)
{
	int err = try_backend(name);

	if (err) {
		no_backend(r, name, level, err);
		return false;
	}
	if (!strcmp(name, "udmabuf"))
		return udmabuf_has_room(r, level, bytes);
	if (!strcmp(name, "shm")) {
		no_dmabuf(r, name);
		return false;
	}
	report_add(r, OK, name, "works");
	return true;
}

/* -------------------------------------------------------------------------------------- amounts */

static void check_available(struct report *r, uint64_t bytes)
{
	char there[32], want[32];
	uint64_t kib;

	if (!sysfs_field("/proc/meminfo", "MemAvailable:", &kib))
		return;
	out_bytes(there, sizeof(there), kib << 10);
	out_bytes(want, sizeof(want), bytes);
	if (bytes <= kib << 10) {
		report_add(r, OK, "memory", "%s is available, for a buffer of %s", there, want);
		return;
	}
	report_add(r, PROBLEM, "memory", "%s is available, but you want %s", there, want);
	report_todo(r, "use a smaller --buffer");
}

static void large_pages_need(struct report *r, uint64_t bytes, bool heap)
{
	uint64_t free_pages = 0, kib = 0,
		 want = (bytes + DEVMEM__HUGE_PAGE - 1) / DEVMEM__HUGE_PAGE, total = 0;

	sysfs_field("/proc/meminfo", "HugePages_Free:", &free_pages);
	sysfs_field("/proc/meminfo", "HugePages_Total:", &total);
	sysfs_field("/proc/meminfo", "Hugepagesize:", &kib);
	if (kib << 10 == DEVMEM__HUGE_PAGE && free_pages >= want) {
		report_add(r, OK, "huge pages",
			   "%llu of 2 MiB are free; the buffer takes %llu of them",
			   (unsigned long long)free_pages, (unsigned long long)want);
	} else if (heap) {
		report_add(r, OK, "huge pages",
			   "%llu are free; none are needed, as dma-heap has large blocks without "
			   "them",
			   (unsigned long long)free_pages);
	} else {
		report_add(r, WARNING, "huge pages",
			   "%llu of 2 MiB are free, but a udmabuf with large pages takes %llu: "
			   "with pages of 4 KiB, receiving costs several times more",
			   (unsigned long long)free_pages, (unsigned long long)want);
		report_todo(r, "echo %llu > /proc/sys/vm/nr_hugepages",
			    (unsigned long long)(total - free_pages + want));
	}
}

/* @heap: dma-heap can be used. Its blocks are large without huge pages. */
static void check_huge_pages(struct report *r, const struct ctl_options *opt, bool heap, bool large)
{
	if (large)
		large_pages_need(r, opt->buffer_bytes, heap);
	else
		report_add(r, OK, "huge pages",
			   "none are needed, as the driver of %s has no large pages", opt->ifname);
}

/* What to do if no backend works: what is done for the first. */
static void no_memory(struct report *r)
{
	report_add(r, PROBLEM, "memory",
		   "neither udmabuf nor dma-heap has memory that a NIC can write to");
	for (unsigned int i = 0; i < r->count; i++)
		if (!strcmp(r->finding[i].check, usual[0]))
			report_todo(r, "%s", r->finding[i].todo);
}

bool check_memory(struct report *r, const struct ctl_options *opt, bool large_pages)
{
	bool udmabuf = false, heap = false;

	if (opt->backend && try_backend(opt->backend) == -ENOENT &&
	    !strncmp(devmem_error(), UNKNOWN, strlen(UNKNOWN)))
		return false;
	for (size_t i = 0; !opt->backend && i < ARRAY_SIZE(usual); i++)
		*(i ? &heap : &udmabuf) = check_backend(r, usual[i], WARNING, opt->buffer_bytes);
	if (opt->backend) {
		if (!check_backend(r, opt->backend, PROBLEM, opt->buffer_bytes))
			return true;
		udmabuf = !strcmp(opt->backend, "udmabuf");
		heap = !strcmp(opt->backend, "dma-heap");
	} else if (!udmabuf && !heap) {
		no_memory(r);
		return true;
	}
	if (udmabuf || heap)
		check_available(r, opt->buffer_bytes);
	if (udmabuf)
		check_huge_pages(r, opt, heap, large_pages);
	return true;
}
