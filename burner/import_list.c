/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/import_list.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void listing_release(struct listing *l)
{
	free(l->nodes);
	free(l->parents);
	free(l->links);
}

static int listing_add(struct listing *l, IsoNode *node, uint32_t parent)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 1024;
		uint32_t *parents;
		IsoNode **nodes;

		nodes = realloc(l->nodes, room * sizeof(IsoNode *));
		if (!nodes)
			return -ENOMEM;
		l->nodes = nodes;
		parents = realloc(l->parents, room * sizeof *parents);
		if (!parents)
			return -ENOMEM;
		l->parents = parents;
		l->room = room;
	}
	l->nodes[l->n] = node;
	l->parents[l->n++] = parent;
	return 0;
}

static int list_children(struct listing *l, uint32_t id)
{
	IsoDirIter *iter = NULL;
	IsoNode *node;
	int ret, err = 0;

	ret = iso_dir_get_children((IsoDir *)l->nodes[id], &iter);
	if (ret < 0)
		return -ENOMEM;
	while (err == 0 && (ret = iso_dir_iter_next(iter, &node)) == 1)
		err = listing_add(l, node, id);
	iso_dir_iter_free(iter);
	if (err == 0 && ret < 0)
		err = -EIO;
	return err;
}

int listing_fill(struct listing *l, IsoImage *image)
{
	uint32_t id;
	int err;

	/* The list itself is the queue, and nothing recurses. */
	err = listing_add(l, (IsoNode *)iso_image_get_root(image), IMPORT_ROOT);
	for (id = 0; err == 0 && id < l->n; id++)
		if (iso_node_get_type(l->nodes[id]) == LIBISO_DIR)
			err = list_children(l, id);
	return err;
}

void listing_path(const struct listing *l, uint32_t id, char *buf)
{
	char *p = buf + LISTING_PATH - 1;

	*p = 0;
	for (; id != IMPORT_ROOT; id = l->parents[id]) {
		const char *name = iso_node_get_name(l->nodes[id]);
		size_t len = name ? strlen(name) : 0;

		if ((size_t)(p - buf) < len + 1)
			break;
		p -= len;
		if (len)
			memcpy(p, name, len);
		*--p = '/';
	}
	if (!*p)
		*--p = '/';
	memmove(buf, p, strlen(p) + 1);
}

void import_order_add(struct sum128 *order, uint32_t parent, const char *name)
{
	uint32_t le = htole32(parent);

	sum128_add(order, &le, sizeof le);
	sum128_add(order, name, strlen(name) + 1);
}

uint64_t import_order_end(struct sum128 *order)
{
	uint64_t sum[2];

	sum128_end(order, sum);
	return sum[0];
}

uint64_t listing_order(const struct listing *l)
{
	struct sum128 order;
	uint32_t id;

	sum128_init(&order, 0);
	for (id = 1; id < l->n; id++) {
		const char *name = iso_node_get_name(l->nodes[id]);

		import_order_add(&order, l->parents[id], name ? name : "");
	}
	return import_order_end(&order);
}
