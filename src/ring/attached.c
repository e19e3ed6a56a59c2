// SPDX-License-Identifier: MIT
/*
 * A hash table with open addressing, of this process. A forked child finds its parent's, perhaps
 * locked by a thread that the child does not have, and begins one of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/process.h"
#include "ring/attached.h"

struct table {
	pthread_mutex_t lock;
	uint64_t *slot;	   /* cookies; 0: free. At least half of the slots are */
	unsigned int bits; /* there are 1 << @bits slots */
	size_t n;
};

static struct table only;
/* The process whose table it is, and the one that begins it anew: not the same for a moment. */
static _Atomic uint32_t owner, heir;

/* In a child: what its parent had is forgotten, and the lock, which nobody here has, is made
 * anew. */
static void begin(void)
{
	free(only.slot);
	only = (struct table){ .lock = PTHREAD_MUTEX_INITIALIZER };
}

static struct table *ours(void)
{
	const uint32_t process = devmem__process();
	uint32_t before = atomic_load(&heir);

	if (atomic_load_explicit(&owner, memory_order_acquire) == process)
		return &only;
	if (before != process && atomic_compare_exchange_strong(&heir, &before, process)) {
		begin();
		atomic_store(&owner, process);
	}
	while (atomic_load(&owner) != process)
		sched_yield(); /* another thread is in begin() */
	return &only;
}

/* The kernel gives the numbers out in order, so they are spread. */
static size_t home(const struct table *t, uint64_t cookie)
{
	return (size_t)(cookie * 0x9e3779b97f4a7c15u >> (64 - t->bits));
}

static size_t next(const struct table *t, size_t i)
{
	return (i + 1) & (((size_t)1 << t->bits) - 1);
}

/* Where @cookie is, or would be. */
static size_t find(const struct table *t, uint64_t cookie)
{
	size_t i = home(t, cookie);

	while (t->slot[i] && t->slot[i] != cookie)
		i = next(t, i);
	return i;
}

static int grow(struct table *t)
{
	struct table larger = { .bits = t->slot ? t->bits + 1 : 6 };
	uint64_t *old;

	larger.slot = calloc((size_t)1 << larger.bits, sizeof(*larger.slot));
	if (!larger.slot)
		return -ENOMEM;
	for (size_t i = 0; t->slot && i < (size_t)1 << t->bits; i++)
		if (t->slot[i])
			larger.slot[find(&larger, t->slot[i])] = t->slot[i];
	old = t->slot;
	t->slot = larger.slot; /* first: a child that is forked now frees what it finds */
	t->bits = larger.bits;
	free(old);
	return 0;
}

static int add(struct table *t, uint64_t cookie)
{
	size_t i;

	if ((!t->slot || t->n >= (size_t)1 << (t->bits - 1)) && grow(t))
		return -ENOMEM;
	i = find(t, cookie);
	if (t->slot[i])
		return -EEXIST;
	t->slot[i] = cookie;
	t->n++;
	return 0;
}

/* Is slot @at on the way from @home to @from? Then what lies at @from may move to @at. */
static bool is_between(size_t home, size_t at, size_t from)
{
	return home <= from ? home <= at && at <= from : home <= at || at <= from;
}

/* Those behind it, which it may have pushed away, move up. */
static void take(struct table *t, size_t i)
{
	uint64_t *old = t->slot;

	for (size_t j = next(t, i); t->slot[j]; j = next(t, j)) {
		if (!is_between(home(t, t->slot[j]), i, j))
			continue;
		t->slot[i] = t->slot[j];
		i = j;
	}
	t->slot[i] = 0;
	if (--t->n)
		return;
	t->slot = NULL;
	free(old);
}

int devmem__attached_add(uint64_t cookie)
{
	struct table *t;
	int err;

	if (!cookie)
		return 0;
	t = ours();
	pthread_mutex_lock(&t->lock);
	err = add(t, cookie);
	pthread_mutex_unlock(&t->lock);
	return err;
}

void devmem__attached_remove(uint64_t cookie)
{
	struct table *t;

	if (!cookie)
		return;
	t = ours();
	pthread_mutex_lock(&t->lock);
	if (t->slot && t->slot[find(t, cookie)])
		take(t, find(t, cookie));
	pthread_mutex_unlock(&t->lock);
}
