// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "bind/attached.h"

void devmem__attached_open(struct devmem__attached *a)
{
	pthread_mutex_init(&a->lock, NULL);
}

void devmem__attached_close(struct devmem__attached *a)
{
	free(a->cookie);
	pthread_mutex_destroy(&a->lock);
}

/* A linear search will do: a cookie is 8 bytes, and this runs only when a socket is attached or
 * detached. */
static unsigned int find(const struct devmem__attached *a, uint64_t cookie)
{
	unsigned int i = 0;

	while (i < a->n && a->cookie[i] != cookie)
		i++;
	return i;
}

static int add(struct devmem__attached *a, uint64_t cookie)
{
	const unsigned int room = a->room ? a->room * 2 : 16;
	uint64_t *more;

	if (find(a, cookie) < a->n)
		return -EEXIST;
	if (a->n == a->room) {
		more = realloc(a->cookie, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		a->cookie = more;
		a->room = room;
	}
	a->cookie[a->n++] = cookie;
	return 0;
}

int devmem__attached_add(struct devmem__attached *a, uint64_t cookie)
{
	int err;

	if (!cookie)
		return 0;
	pthread_mutex_lock(&a->lock);
	err = add(a, cookie);
	pthread_mutex_unlock(&a->lock);
	return err;
}

void devmem__attached_remove(struct devmem__attached *a, uint64_t cookie)
{
	unsigned int i;

	if (!cookie)
		return;
	pthread_mutex_lock(&a->lock);
	i = find(a, cookie);
	if (i < a->n)
		a->cookie[i] = a->cookie[--a->n];
	pthread_mutex_unlock(&a->lock);
}
