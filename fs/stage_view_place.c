/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/stage_view_internal.h"

int stage_view_bad(struct why *why, const char *what, const char *name)
{
	return why_set(why, -EBADMSG, "the stage is damaged: %s \"%.200s\"",
		       what, name);
}

/* The length of the longest part of @path, up to its end or a slash, that is
 * gone; 0: none is. */
static size_t gone_part(const struct stage_view *v, const char *path)
{
	for (size_t len = strlen(path); len; len--)
		if ((!path[len] || path[len] == '/') &&
		    stage_view_gone_at(v, path, len) != UINT32_MAX)
			return len;
	return 0;
}

/* A path that is built from its end. */
struct backward {
	char *text;
	size_t start, size; /* text[start..size - 1], the last one NUL */
};

/* Room for @need more bytes at the beginning. */
static int make_room(struct backward *b, size_t need)
{
	size_t used = b->size - b->start, size = 2 * b->size + need + 64;
	char *text;

	if (b->start >= need)
		return 0;
	text = malloc(size);
	if (!text)
		return -ENOMEM;
	memcpy(text + size - used, b->text + b->start, used);
	free(b->text);
	b->text = text;
	b->start = size - used;
	b->size = size;
	return 0;
}

static int backward_init(struct backward *b)
{
	*b = (struct backward){calloc(1, 1), 0, 1};
	return b->text ? 0 : -ENOMEM;
}

static int put_before(struct backward *b, const char *name, size_t len)
{
	if (!len)
		return 0;
	if (make_room(b, len + 1) < 0)
		return -ENOMEM;
	if (b->start < b->size - 1)
		b->text[--b->start] = '/';
	b->start -= len;
	memcpy(b->text + b->start, name, len);
	return 0;
}

/* Put the path of the folder @id before what is in @b. */
static int put_folder(const struct stage_view *v, uint64_t id,
		      struct backward *b, struct why *why)
{
	/* Each step goes along a link, and none twice but in a loop. */
	for (uint32_t steps = 0; steps <= v->n_links; steps++) {
		const struct stage_node *n = stage_view_node(v, id);
		const struct stage_link *link;
		int err;

		if (!n)
			return stage_view_bad(why, "no node for the folder of",
					      b->text + b->start);
		if (n->base_path) {
			const char *path = n->base_path;
			size_t part = gone_part(v, path), all = strlen(path);

			if (!part)
				return put_before(b, path, all);
			if (part < all) {
				err = put_before(b, path + part + 1,
						 all - part - 1);
				if (err)
					return err;
				n = stage_view_node_at(v, path, part);
			}
		}
		link = stage_view_first_link(v, n);
		if (!link)
			return stage_view_bad(why, "a removed folder has",
					      b->text + b->start);
		err = put_before(b, link->name, strlen(link->name));
		if (err)
			return err;
		id = link->parent;
	}
	return stage_view_bad(why, "folders in a loop above",
			      b->text + b->start);
}

static int finish(struct backward *b, int err, char **ret, struct why *why)
{
	AUTO_FREE char *text = b->text;

	if (!err) {
		*ret = strdup(text + b->start);
		if (!*ret)
			err = -ENOMEM;
	}
	return err == -ENOMEM ? why_set(why, err, "out of memory") : err;
}

int stage_view_place(const struct stage_view *v, const struct stage_link *link,
		     char **ret, struct why *why)
{
	struct backward b;
	int err = backward_init(&b);

	if (!err)
		err = put_before(&b, link->name, strlen(link->name));
	if (!err)
		err = put_folder(v, link->parent, &b, why);
	return finish(&b, err, ret, why);
}

int stage_view_base_place(const struct stage_view *v, const char *path,
			  char **ret, struct why *why)
{
	size_t part = gone_part(v, path);
	const struct stage_node *moved = NULL;
	struct backward b;
	int err;

	*ret = NULL;
	if (part) {
		moved = path[part] ? stage_view_node_at(v, path, part) : NULL;
		/* It was removed, or the folder that it was in. */
		if (!stage_view_first_link(v, moved))
			return 0;
		path += part + 1;
	}
	err = backward_init(&b);
	if (!err)
		err = put_before(&b, path, strlen(path));
	if (!err && moved)
		err = put_folder(v, moved->id, &b, why);
	return finish(&b, err, ret, why);
}
