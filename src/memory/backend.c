// SPDX-License-Identifier: MIT
/* The table of backends, and the choice of one for a program that names none. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory/backend.h"
#include "memory/host.h"
#include "memory/buffer.h"

#define MAX_REGISTERED 16u

static const struct devmem_backend *const own[] = {
	&devmem__backend_udmabuf, &devmem__backend_dma_heap, &devmem__backend_shm,
	&devmem__backend_drm,	  &devmem__backend_cuda,     &devmem__backend_import,
};

/* Backends that the program has registered serve the whole process, since their names do. */
static struct {
	pthread_mutex_t lock;
	unsigned int n;
	struct devmem_backend table[MAX_REGISTERED];
} registered = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The backend with index @i, which stays for ever. NULL: there are no more. */
static const struct devmem_backend *backend_at(unsigned int i)
{
	const struct devmem_backend *found = NULL;

	if (i < ARRAY_SIZE(own))
		return own[i];
	pthread_mutex_lock(&registered.lock);
	if (i - ARRAY_SIZE(own) < registered.n)
		found = &registered.table[i - ARRAY_SIZE(own)];
	pthread_mutex_unlock(&registered.lock);
	return found;
}

const struct devmem_backend *devmem__backend_find(const char *name)
{
	const struct devmem_backend *backend;

	for (unsigned int i = 0; (backend = backend_at(i)); i++)
		if (!strcmp(backend->name, name))
			return backend;
	return NULL;
}

/* ---------------------------------------------------------------------------- the program's own */

static int add(const struct devmem_backend *ops)
{
	int err = 0;

	pthread_mutex_lock(&registered.lock);
	for (unsigned int i = 0; i < registered.n && !err; i++)
		err = strcmp(registered.table[i].name, ops->name) ? 0 : -EEXIST;
	if (!err && registered.n == MAX_REGISTERED)
		err = -ENOSPC;
	if (!err)
		registered.table[registered.n++] = *ops;
	pthread_mutex_unlock(&registered.lock);
	return err;
}

static int backend_register(const struct devmem_backend *backend)
{
	struct devmem_backend ops;
	int err;

	if (!backend)
		return devmem__fail(EINVAL, "devmem_backend_register: no table");
	err = devmem__backend_complete(backend, &ops);
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (!strcmp(own[i]->name, ops.name))
			return devmem__fail(EEXIST,
					    "backend \"%s\" is the library's own: choose another "
					    "name",
					    ops.name);
	err = add(&ops);
	if (err == -EEXIST)
		return devmem__fail(EEXIST,
				    "a backend \"%s\" is already registered: choose another name",
				    ops.name);
	return err ? devmem__fail(-err, "%u backends are registered, and no more fit",
				  MAX_REGISTERED)
		   : 0;
}

int devmem_backend_register(const struct devmem_backend *backend)
{
	return devmem__result(backend_register(backend));
}

int devmem_backend_fail(int error, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return devmem__fail(error, "%s", text);
}

int devmem__backend_try(const struct devmem_backend *backend, struct devmem_backend *ops,
			char text[512])
{
	int err = devmem__backend_complete(backend, ops);

	text[0] = '\0';
	return err ? err : ops->probe(ops->arg, text, 512);
}

static void describe(const struct devmem_backend *backend, struct devmem_backend_info *info)
{
	struct devmem_backend ops;
	char text[512];

	*info = (struct devmem_backend_info){ 0 };
	info->result = devmem__backend_try(backend, &ops, text);
	devmem__text(info->name, sizeof(info->name), "%s", backend->name);
	devmem__text(info->what, sizeof(info->what), "%s", ops.what);
	devmem__text(info->text, sizeof(info->text), "%s", info->result ? devmem_error() : text);
}

static int list_backends(const struct devmem__array *list)
{
	const struct devmem_backend *backend;
	struct devmem_backend_info info;
	unsigned int i;
	int err = devmem__array_check(list, sizeof(info), "devmem_backends");

	for (i = 0; !err && (backend = backend_at(i)); i++) {
		if (i >= list->n)
			continue;
		describe(backend, &info);
		devmem__array_put(list, i, &info, sizeof(info));
	}
	return err ? err : (int)i;
}

int devmem_backends(struct devmem_backend_info *list, unsigned int n, size_t size)
{
	return devmem__result(list_backends(&(struct devmem__array){ list, n, size }));
}

/* ------------------------------------------------------------------------------------ which one */

struct choice {
	const struct devmem_backend *backend;
	uint32_t page_size;
};

/*
 * Large blocks of memory come first, since they allow large receive pages. Memory that a NIC can
 * write to comes before memory that it cannot. If a page size is requested, only backends that can
 * provide it remain. Returns the number of choices.
 */
static unsigned int choices(uint32_t page_size, struct choice choice[4])
{
	const struct choice any[] = {
		{ &devmem__backend_udmabuf, DEVMEM__HUGE_PAGE },
		{ &devmem__backend_dma_heap, 0 },
		{ &devmem__backend_udmabuf, (uint32_t)devmem__host_page() },
		{ &devmem__backend_shm, 0 },
	};
	const struct choice sized[] = {
		{ &devmem__backend_udmabuf, page_size },
		{ &devmem__backend_shm, page_size },
	};

	if (page_size) {
		memcpy(choice, sized, sizeof(sized));
		return ARRAY_SIZE(sized);
	}
	memcpy(choice, any, sizeof(any));
	return ARRAY_SIZE(any);
}

/* Adds a refusal. The same one twice (a missing device) is listed once. */
static void note_refusal(char *refusals, size_t room)
{
	const char *why = devmem_error();
	size_t used = strlen(refusals);

	if (!strstr(refusals, why))
		snprintf(refusals + used, room - used, "%s; ", why);
}

static int create_best(size_t bytes, struct devmem_buffer_opts *o, struct devmem_buffer **out)
{
	struct choice choice[4];
	unsigned int n = choices(o->page_size, choice);
	struct devmem_buffer *buffer = NULL;
	char refusals[640] = "";
	int err = 0;

	for (unsigned int i = 0; i < n; i++) {
		o->page_size = choice[i].page_size;
		err = devmem__buffer_new(choice[i].backend, bytes, o, &buffer);
		if (!err)
			break;
		note_refusal(refusals, sizeof(refusals));
	}
	if (err)
		return err;
	if (*refusals)
		snprintf(refusals + strlen(refusals), sizeof(refusals) - strlen(refusals), "so ");
	devmem__buffer_explain(buffer, *refusals ? refusals : "the first choice: ");
	*out = buffer;
	return 0;
}

/* -ENOENT, with all names in the error message. */
static int unknown(const char *name)
{
	const struct devmem_backend *backend;
	char names[320] = "";

	for (unsigned int i = 0; (backend = backend_at(i)); i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 i ? ", " : "", backend->name);
	return devmem__fail(ENOENT, "no backend \"%s\": there are %s", name, names);
}

/* Refuses options that the backend would ignore. @backend NULL: the library chooses one. */
static int check_options(const struct devmem_backend *backend, const struct devmem_buffer_opts *o)
{
	const char *name = backend ? backend->name : "none";
	const uint32_t takes = backend ? backend->flags : DEVMEM_BACKEND_PAGES;

	if (o->reserved || o->offset || o->bytes)
		return devmem__fail(EINVAL, "devmem_buffer_create: reserved must be 0, and offset "
					    "and bytes are for devmem_buffer_import()");
	if (o->device && o->near)
		return devmem__fail(EINVAL, "devmem_buffer_create: device or near, not both");
	if ((o->device || o->near) && !(takes & DEVMEM_BACKEND_DEVICES))
		return devmem__fail(EINVAL,
				    "device \"%s\" was requested, but backend %s has none to "
				    "choose from",
				    o->device ? o->device : o->near, name);
	if (o->page_size && !(takes & DEVMEM_BACKEND_PAGES))
		return devmem__fail(EINVAL,
				    "a page size of %u bytes was requested, but backend %s does "
				    "not take one",
				    o->page_size, name);
	return 0;
}

static void log_choice(const struct devmem_buffer *buffer)
{
	const char *why, *name = devmem_buffer_backend(buffer, &why);

	devmem__log(DEVMEM_LOG_INFO, "a buffer of %zu bytes, backend %s: %s",
		    devmem_buffer_size(buffer), name, why);
}

static int buffer_create(const char *backend, size_t bytes, const struct devmem_buffer_opts *opts,
			 struct devmem_buffer **out)
{
	const struct devmem_backend *ops = backend ? devmem__backend_find(backend) : NULL;
	struct devmem_buffer_opts o;
	int err;

	err = devmem__options(&o, sizeof(o), opts, "devmem_buffer_opts");
	if (err)
		return err;
	if (!out)
		return devmem__fail(EINVAL, "devmem_buffer_create: no place for the result");
	if (backend && !ops)
		return unknown(backend);
	err = check_options(ops, &o);
	if (err)
		return err;
	if (!bytes)
		return devmem__fail(EINVAL, "devmem_buffer_create: a buffer of 0 bytes");
	err = ops ? devmem__buffer_new(ops, bytes, &o, out) : create_best(bytes, &o, out);
	if (!err)
		log_choice(*out);
	return err;
}

int devmem_buffer_create(const char *backend, size_t bytes, const struct devmem_buffer_opts *opts,
			 struct devmem_buffer **out)
{
	return devmem__result(buffer_create(backend, bytes, opts, out));
}
