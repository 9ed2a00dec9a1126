/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_LIST_H
#define COMMON_LIST_H

/*
 * A circular list through links inside the members.  A link that is in no
 * list points to itself (list_init).
 */

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#define list_entry(link, type, member)                                        \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

#endif
