/* SPDX-License-Identifier: MIT */
/* A doubly linked list whose nodes live in the objects. An unlinked node points to itself. */
#ifndef DEVMEM__BASE_LIST_H
#define DEVMEM__BASE_LIST_H

#include <stdbool.h>

struct devmem__list {
	struct devmem__list *next, *prev;
};

static inline void devmem__list_init(struct devmem__list *l)
{
	l->next = l->prev = l;
}

static inline bool devmem__list_empty(const struct devmem__list *l)
{
	return l->next == l;
}

static inline void devmem__list_del(struct devmem__list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	devmem__list_init(node);
}

/* Moves @node to the end of @list, from any list that it is in. */
static inline void devmem__list_append(struct devmem__list *list, struct devmem__list *node)
{
	devmem__list_del(node);
	node->prev = list->prev;
	node->next = list;
	list->prev->next = node;
	list->prev = node;
}

#endif
