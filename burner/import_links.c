/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/import_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/import_node.h"
#include "burner/link_mark.h"
#include "common/array.h"
#include "common/cleanup.h"

struct candidate {
	IsoNode *node;
	uint64_t ino; /* of a file: libisofs is asked once, not at each look */
	uint32_t id;
};

static int candidate_order(const struct candidate *a, const struct candidate *b)
{
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	/* A file that can have links has a number. */
	return a->ino ? 0 : node_order(a->node, b->node);
}

static int candidate_cmp(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c = candidate_order(x, y);

	return c ? c : (x->id > y->id) - (x->id < y->id);
}

struct marked {
	IsoNode *node;
	uint32_t id;
	char mark[LINK_MARK_MAX];
};

static int marked_cmp(const void *a, const void *b)
{
	const struct marked *x = a, *y = b;
	int c = strcmp(x->mark, y->mark);

	return c ? c : (x->id > y->id) - (x->id < y->id);
}

/* One inode's nodes; the first one gives the family its id. */
static void link_family(struct listing *l, const struct candidate *c, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++) {
		if (!node_same_inode(c[0].node, c[i].node))
			continue;
		l->links[c[0].id] = c[0].id;
		l->links[c[i].id] = c[0].id;
	}
}

static int find_links(struct listing *l, bool trusted)
{
	AUTO_FREE struct candidate *c = calloc(l->n, sizeof *c);
	size_t n = 0, i, first;
	bool in_order = true;
	uint32_t id;

	l->links = calloc(l->n, sizeof *l->links);
	if (!c || !l->links)
		return -ENOMEM;
	for (id = 0; id < l->n; id++) {
		if (!node_can_link(l->nodes[id], trusted))
			continue;
		c[n].node = l->nodes[id];
		c[n].ino = node_file_ino(l->nodes[id]);
		c[n].id = id;
		in_order = in_order &&
			   (n == 0 || candidate_cmp(&c[n - 1], &c[n]) < 0);
		n++;
	}
	/* As libisofs numbers what has no numbers. */
	if (!in_order)
		qsort(c, n, sizeof *c, candidate_cmp);
	for (first = 0; first < n; first = i) {
		for (i = first + 1; i < n; i++)
			if (candidate_order(&c[first], &c[i]) != 0)
				break;
		link_family(l, c + first, i - first);
	}
	return 0;
}

/* Links of other kinds, which we marked ourselves. */
static int find_marked_links(struct listing *l)
{
	AUTO_FREE struct marked *m = NULL;
	struct marked one, *first;
	uint32_t n = 0, i;

	for (one.id = 0; one.id < l->n; one.id++) {
		struct marked *p;

		one.node = l->nodes[one.id];
		if (!node_link_mark(one.node, one.mark))
			continue;
		p = array_append(&m, &n, sizeof *p);
		if (!p)
			return -ENOMEM;
		*p = one;
	}
	if (n)
		qsort(m, n, sizeof *m, marked_cmp);
	for (i = 1, first = m; i < n; i++) {
		if (strcmp(first->mark, m[i].mark) != 0 ||
		    !node_same_inode(first->node, m[i].node)) {
			first = &m[i];
			continue;
		}
		l->links[first->id] = first->id;
		l->links[m[i].id] = first->id;
	}
	return 0;
}

int listing_find_links(struct listing *l, bool trusted)
{
	int err = find_links(l, trusted);

	return err ? err : find_marked_links(l);
}
