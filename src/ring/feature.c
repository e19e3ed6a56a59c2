// SPDX-License-Identifier: MIT
/* Features of the library, by names that never change. Those that depend on the kernel or on the
 * process are tried. */
#include <errno.h>
#include <string.h>

#include "memory/backend.h"
#include "netlink/probe.h"
#include "ring/loop.h"

#define BACKEND "backend-" /* and its name */

struct feature {
	const char *name, *what;
	/* 0, or a negative errno and the error message; NULL: the feature depends on nothing */
	int (*try)(void);
};

/* ---------------------------------------------------------------------------------------- tried */

static int try_devmem(void)
{
	bool may_bind;
	const char *lacks = devmem__kernel_lacks(&may_bind);

	if (lacks)
		return devmem__fail(EOPNOTSUPP,
				    "this kernel cannot receive into device memory: %s (Linux 6.12 "
				    "with CONFIG_NET_DEVMEM)",
				    lacks);
	return may_bind ? 0
			: devmem__fail(EPERM, "binding device memory needs CAP_NET_ADMIN, which "
					      "this process does not have");
}

static int try_ring(uint32_t busy_poll_us)
{
	struct devmem_ring *ring;
	int err = devmem__ring_open(DEVMEM_OPTS(devmem_ring_opts, .engine = "devmem", .entries = 1,
						.busy_poll_us = busy_poll_us),
				    &ring);

	if (!err)
		devmem_ring_close(ring);
	return err;
}

static int try_uring(void)
{
	return try_ring(0);
}

static int try_busy_poll(void)
{
	return try_ring(1);
}

static int try_zcrx(void)
{
	int err = try_uring();

	if (err)
		return err;
	if (!devmem__kernel_has_zcrx())
		return devmem__fail(EOPNOTSUPP, "this kernel's io_uring has no zero-copy receive "
						"(Linux 6.16)");
	return try_devmem();
}

static int try_large_pages(void)
{
	int err = try_devmem();

	if (err)
		return err;
	if (devmem__kernel_has_page_sizes())
		return 0;
	return devmem__fail(EOPNOTSUPP, "this kernel gives queues pages of the system's size only "
					"(larger ones need Linux 7.3)");
}

static int try_send(void)
{
	return devmem__kernel_sends() ? 0
				      : devmem__fail(EOPNOTSUPP, "this kernel cannot send from "
								 "device memory (Linux 6.16)");
}

/* Names never change: each is documented in devmem.h, and every later version has it. */
static const struct feature features[] = {
	{ "devmem", "receiving: the NIC writes into a buffer (engine devmem)", try_devmem },
	{ "zcrx", "receiving: the same, by io_uring's own zero-copy receive (engine zcrx)",
	  try_zcrx },
	{ "large-pages", "queues take pages from a buffer that are larger than the system's",
	  try_large_pages },
	{ "send", "sending from device memory without a copy", try_send },
	{ "io_uring", "rings work by io_uring, and not by plain system calls (engine syscall)",
	  try_uring },
	{ "busy-poll", "devmem_ring_opts.busy_poll_us", try_busy_poll },
	{ "copy", "the kernel copies into a buffer, on any interface (engine copy)", NULL },
	{ "syscall", "rings work by plain system calls, if they must (engine syscall)", NULL },
	{ "gather", "devmem_gather(): fragments put in one piece", NULL },
	{ "place", "DEVMEM_ATTACH_PLACE: host bytes go to device memory too", NULL },
	{ "nic-keep", "DEVMEM_NIC_KEEP: settings that others make", NULL },
	{ "source-port", "devmem_source_port(): queues of a NIC without flow rules", NULL },
	{ "coalesce", "devmem_ring_opts.coalesce_us: completions come together", NULL },
};

static int try_backend(const struct devmem_backend *backend)
{
	struct devmem_backend ops;
	char text[512];

	return devmem__backend_try(backend, &ops, text);
}

/* An unknown name is an answer like any other, so the log gets no failure. */
int devmem_feature(const char *name)
{
	const struct devmem_backend *backend;

	if (!name)
		return devmem__fail(EINVAL, "devmem_feature: no name");
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (!strcmp(features[i].name, name))
			return !features[i].try || !features[i].try();
	backend = strncmp(name, BACKEND, strlen(BACKEND))
			  ? NULL
			  : devmem__backend_find(name + strlen(BACKEND));
	if (backend)
		return !try_backend(backend);
	return devmem__fail(ENOENT, "libdevmem %s knows no feature \"%.64s\"", devmem_version(),
			    name);
}

static int list_features(const struct devmem__array *list)
{
	int err = devmem__array_check(list, sizeof(struct devmem_feature_info), "devmem_features");

	if (err)
		return err;
	for (unsigned int i = 0; i < ARRAY_SIZE(features) && i < list->n; i++) {
		const struct feature *f = &features[i];
		struct devmem_feature_info info = { .result = f->try ? f->try() : 0 };

		devmem__text(info.name, sizeof(info.name), "%s", f->name);
		devmem__text(info.what, sizeof(info.what), "%s", f->what);
		if (info.result)
			devmem__text(info.text, sizeof(info.text), "%s", devmem_error());
		devmem__array_put(list, i, &info, sizeof(info));
	}
	return (int)ARRAY_SIZE(features);
}

int devmem_features(struct devmem_feature_info *list, unsigned int n, size_t size)
{
	return devmem__result(list_features(&(struct devmem__array){ list, n, size }));
}
