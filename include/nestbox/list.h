// SPDX-License-Identifier: GPL-2.0-only
/* Doubly linked lists with the head in the ring. The caller holds whatever lock the list's owner names. */
#pragma once

#include <nestbox/types.h>

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(l)	{ &(l), &(l) }

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert(struct list *n, struct list *prev, struct list *next)
{
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

static inline void list_add(struct list *n, struct list *head)
{
	list_insert(n, head, head->next);
}

static inline void list_add_tail(struct list *n, struct list *head)
{
	list_insert(n, head->prev, head);
}

/* Leaves the entry linked to itself, so that removing twice, and list_empty() on an entry, are safe. */
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(p, type, m)	container_of(p, type, m)
#define list_first(h, type, m)	list_entry((h)->next, type, m)
#define list_for_each(pos, h, m)							\
	for (pos = list_entry((h)->next, __typeof__(*pos), m); &pos->m != (h);		\
	     pos = list_entry(pos->m.next, __typeof__(*pos), m))
/* The body may remove pos itself, nothing else. */
#define list_for_each_safe(pos, n, h, m)						\
	for (pos = list_entry((h)->next, __typeof__(*pos), m),				\
	     n = list_entry(pos->m.next, __typeof__(*pos), m); &pos->m != (h);		\
	     pos = n, n = list_entry(n->m.next, __typeof__(*n), m))
