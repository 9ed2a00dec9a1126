/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows stay what they are but for the base: what was named by its path
 * there becomes a new node with a place of its own, and folders of the base in
 * which something stands are made.
 */
#include "config.h"

#include "fs/stage_salvage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/array.h"
#include "common/cleanup.h"

/* A folder of the base that no row tells of. */
struct folder {
	const char *path;
	uint64_t id;
};

enum {
	IS_PARENT = 1 << 0, /* some link's parent */
	KEPT = 1 << 1,	    /* becomes a row */
	STANDS = 1 << 2,    /* at its path in the base, or where that moved */
};

struct salvage {
	const struct stage_view *v;
	const struct attr *folder;
	uint8_t *marks;	 /* by place in v->nodes */
	uint32_t *queue; /* nodes whose folders are to be kept */
	uint32_t n_queue;
	struct folder *folders; /* by path, once they are complete */
	uint32_t n_folders;
	struct stage_salvage out;
	struct why *why;
};

/* ---- what a row tells ---- */

static uint64_t disc_bytes(const struct stage_node *n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n->n_extents; i++)
		if (n->extents[i].source == EXTENT_DISC)
			sum += n->extents[i].len;
	return sum;
}

static bool is_folder(const struct salvage *s, uint32_t i)
{
	return S_ISDIR(s->v->nodes[i].attr.mode) || (s->marks[i] & IS_PARENT);
}

static uint32_t link_count(const struct salvage *s, const struct stage_node *n)
{
	uint32_t count;

	stage_view_links(s->v, n->id, &count);
	return count;
}

/* Whether all of it is in the stage, and worth a place by itself. */
static bool is_had(const struct salvage *s, uint32_t i)
{
	const struct stage_node *n = &s->v->nodes[i];
	mode_t mode = n->attr.mode;

	if (!n->base_path)
		return !S_ISREG(mode) || !disc_bytes(n);
	if (is_folder(s, i))
		return (n->flags & STAGE_ATTR) || link_count(s, n);
	if (!(n->flags & STAGE_ATTR) || S_ISLNK(mode))
		return false;
	if (S_ISREG(mode))
		return (n->flags & STAGE_CONTENT) && !disc_bytes(n);
	return true;
}

/* ---- which are kept ---- */

static uint32_t index_of(const struct salvage *s, const struct stage_node *n)
{
	return (uint32_t)(n - s->v->nodes);
}

static int keep(struct salvage *s, const struct stage_node *n)
{
	uint32_t i = index_of(s, n), *p;

	if (s->marks[i] & KEPT)
		return 0;
	s->marks[i] |= KEPT;
	p = array_append(&s->queue, &s->n_queue, sizeof *p);
	if (!p)
		return -ENOMEM;
	*p = i;
	return 0;
}

static size_t parent_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

/* The folders of the base above @path: those with a row, or a new one. */
static int keep_above(struct salvage *s, const char *path)
{
	size_t len = strlen(path);

	while (len) {
		AUTO_FREE char *part = strndup(path, len);
		const struct stage_node *n;
		struct folder *f;

		if (!part)
			return -ENOMEM;
		len = parent_length(part);
		part[len] = 0;
		n = stage_view_base_node(s->v, part);
		/* It leads on by its own place. */
		if (n)
			return keep(s, n);
		f = array_append(&s->folders, &s->n_folders, sizeof *f);
		if (!f)
			return -ENOMEM;
		f->path = arena_strdup(&s->out.arena, part);
		if (!f->path)
			return -ENOMEM;
	}
	return 0;
}

static int keep_folders_of(struct salvage *s, uint32_t i)
{
	const struct stage_node *n = &s->v->nodes[i];
	const struct stage_link *const *links;
	uint32_t n_links;
	int err = 0;

	links = stage_view_links(s->v, n->id, &n_links);
	for (uint32_t j = 0; !err && j < n_links; j++) {
		const struct stage_node *parent =
			stage_view_node(s->v, links[j]->parent);

		err = parent ? keep(s, parent) : -EBADMSG;
	}
	if (!err && n->base_path && (s->marks[i] & STANDS))
		err = keep_above(s, n->base_path);
	return err;
}

static int mark_all(struct salvage *s)
{
	const struct stage_view *v = s->v;

	for (uint32_t i = 0; i < v->n_links; i++) {
		const struct stage_node *n =
			stage_view_node(v, v->links[i].parent);

		if (n)
			s->marks[index_of(s, n)] |= IS_PARENT;
	}
	for (uint32_t i = 0; i < v->n_nodes; i++) {
		const char *base = v->nodes[i].base_path;
		AUTO_FREE char *place = NULL;
		int err = base ? stage_view_base_place(v, base, &place, s->why)
			       : 0;

		if (err)
			return err;
		if (place && *base)
			s->marks[i] |= STANDS;
	}
	return 0;
}

static int choose(struct salvage *s)
{
	const struct stage_view *v = s->v;
	int err = mark_all(s);

	for (uint32_t i = 0; !err && i < v->n_nodes; i++) {
		const struct stage_node *n = &v->nodes[i];
		bool placed = (s->marks[i] & STANDS) || link_count(s, n) ||
			      (n->base_path && !*n->base_path);

		if (placed && is_had(s, i))
			err = keep(s, n);
	}
	for (uint32_t i = 0; !err && i < s->n_queue; i++)
		err = keep_folders_of(s, s->queue[i]);
	return err;
}

/* ---- folders that no row tells of ---- */

static int by_folder_path(const void *a, const void *b)
{
	const struct folder *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void number_folders(struct salvage *s, uint64_t next_id)
{
	uint32_t n = 0;

	if (s->n_folders)
		qsort(s->folders, s->n_folders, sizeof *s->folders,
		      by_folder_path);
	for (uint32_t i = 0; i < s->n_folders; i++) {
		if (n && !strcmp(s->folders[n - 1].path, s->folders[i].path))
			continue;
		s->folders[n] = s->folders[i];
		s->folders[n++].id = next_id++;
	}
	s->n_folders = n;
}

/* The id of the folder of the base that @path is in. */
static uint64_t id_above(const struct salvage *s, const char *path)
{
	AUTO_FREE char *part = strndup(path, parent_length(path));
	struct folder key = {.path = part};
	const struct stage_node *n;
	const struct folder *f;

	if (!part)
		return 0;
	n = stage_view_base_node(s->v, part);
	if (n)
		return n->id;
	f = s->n_folders ? bsearch(&key, s->folders, s->n_folders, sizeof key,
				   by_folder_path)
			 : NULL;
	return f ? f->id : 0;
}

/* ---- rows ---- */

static int put_node(struct salvage *s, const struct stage_node *from)
{
	struct stage_node *n =
		array_append(&s->out.nodes, &s->out.n_nodes, sizeof *n);

	if (!n)
		return -ENOMEM;
	*n = *from;
	return 0;
}

static int put_link(struct salvage *s, uint64_t parent, const char *name,
		    uint64_t node)
{
	struct stage_link *l;

	if (!parent)
		return -ENOMEM;
	l = array_append(&s->out.links, &s->out.n_links, sizeof *l);
	if (!l)
		return -ENOMEM;
	*l = (struct stage_link){parent, name, node};
	return 0;
}

static const char *base_name(const char *path)
{
	size_t len = parent_length(path);

	return path + len + (path[len] == '/');
}

static int put_kept(struct salvage *s, uint32_t i)
{
	const struct stage_node *from = &s->v->nodes[i];
	struct stage_node n = *from;
	bool root = n.base_path && !*n.base_path;
	int err;

	if (root) {
		n.flags &= STAGE_ATTR | STAGE_TOUCHED;
	} else if (n.base_path) {
		n.flags = 0;
		n.base_path = NULL;
		/* Rows that are there for their paths need not tell more. */
		if (!S_ISDIR(n.attr.mode) && is_folder(s, i))
			n.attr = *s->folder;
	}
	err = put_node(s, &n);
	if (!err && from->base_path && (s->marks[i] & STANDS))
		err = put_link(s, id_above(s, from->base_path),
			       base_name(from->base_path), from->id);
	return err;
}

static int put_folder(struct salvage *s, const struct folder *f)
{
	struct stage_node n = {.id = f->id, .attr = *s->folder};
	int err;

	/* The root is there, and named by its path. */
	if (!*f->path)
		n = (struct stage_node){.id = f->id, .base_path = ""};
	err = put_node(s, &n);
	if (!err && *f->path)
		err = put_link(s, id_above(s, f->path), base_name(f->path),
			       f->id);
	return err;
}

static int put_rows(struct salvage *s)
{
	const struct stage_view *v = s->v;
	int err = 0;

	for (uint32_t i = 0; !err && i < v->n_nodes; i++)
		if (s->marks[i] & KEPT)
			err = put_kept(s, i);
	for (uint32_t i = 0; !err && i < s->n_folders; i++)
		err = put_folder(s, &s->folders[i]);
	for (uint32_t i = 0; !err && i < v->n_links; i++) {
		const struct stage_link *l = &v->links[i];
		const struct stage_node *n = stage_view_node(v, l->node);

		if (n && (s->marks[index_of(s, n)] & KEPT))
			err = put_link(s, l->parent, l->name, l->node);
	}
	return err;
}

/* ---- what is missing ---- */

/* Takes @path over. */
static int add_missing(struct salvage *s, const struct stage_missing *kind,
		       char *path)
{
	struct stage_missing *m =
		array_append(&s->out.missing, &s->out.n_missing, sizeof *m);

	if (!m) {
		free(path);
		return -ENOMEM;
	}
	*m = *kind;
	m->path = path;
	return 0;
}

static struct stage_missing missing_of(const struct salvage *s, uint32_t i)
{
	const struct stage_node *n = &s->v->nodes[i];
	struct stage_missing m = {.kind = MISSING_ALL,
				  .size = STAGE_VIEW_NO_SIZE,
				  .bytes = STAGE_VIEW_NO_SIZE};

	if (is_folder(s, i)) {
		m.kind = MISSING_INSIDE;
	} else if (!n->base_path || (n->flags & STAGE_CONTENT)) {
		m.size = n->size;
		m.bytes = disc_bytes(n);
		if (m.bytes < m.size)
			m.kind = MISSING_PART;
	}
	return m;
}

static int list_node(struct salvage *s, uint32_t i)
{
	const struct stage_node *n = &s->v->nodes[i];
	struct stage_missing m = missing_of(s, i);
	const struct stage_link *const *links;
	uint32_t n_links;
	char *path = NULL;
	int err = 0;

	links = stage_view_links(s->v, n->id, &n_links);
	if (m.kind == MISSING_INSIDE ? !n->base_path || !n_links
				     : s->marks[i] & KEPT)
		return 0;
	if ((s->marks[i] & STANDS) &&
	    (n->flags & (STAGE_CONTENT | STAGE_ATTR))) {
		err = stage_view_base_place(s->v, n->base_path, &path, s->why);
		if (!err)
			err = add_missing(s, &m, path);
	}
	for (uint32_t j = 0; !err && j < n_links; j++) {
		err = stage_view_place(s->v, links[j], &path, s->why);
		if (!err)
			err = add_missing(s, &m, path);
	}
	return err;
}

static int by_missing_path(const void *a, const void *b)
{
	const struct stage_missing *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int list_missing(struct salvage *s)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < s->v->n_nodes; i++)
		err = list_node(s, i);
	if (s->out.n_missing)
		qsort(s->out.missing, s->out.n_missing, sizeof *s->out.missing,
		      by_missing_path);
	return err;
}

/* ---- all of it ---- */

int stage_salvage(const struct stage_view *v, const struct attr *folder,
		  uint64_t next_id, struct stage_salvage *ret, struct why *why)
{
	struct salvage s = {.v = v, .folder = folder, .why = why};
	int err;

	s.marks = calloc((size_t)v->n_nodes + 1, sizeof *s.marks);
	err = s.marks ? choose(&s) : -ENOMEM;
	if (!err) {
		number_folders(&s, next_id);
		err = put_rows(&s);
	}
	if (!err)
		err = list_missing(&s);
	free(s.marks);
	free(s.queue);
	free(s.folders);
	if (err) {
		stage_salvage_release(&s.out);
		return err == -ENOMEM ? why_set(why, err, "out of memory")
				      : err;
	}
	*ret = s.out;
	return 0;
}

void stage_salvage_release(struct stage_salvage *s)
{
	free(s->nodes);
	free(s->links);
	for (uint32_t i = 0; i < s->n_missing; i++)
		free(s->missing[i].path);
	free(s->missing);
	arena_release(&s->arena);
	*s = (struct stage_salvage){0};
}

void stage_missing_text(const struct stage_missing *m, char *buf, size_t size)
{
	if (m->kind == MISSING_INSIDE)
		snprintf(buf, size,
			 "what was in this folder is on the lost disc");
	else if (m->kind == MISSING_PART)
		snprintf(buf, size,
			 "%" PRIu64 " of %" PRIu64
			 " bytes are on the lost disc",
			 m->bytes, m->size);
	else
		snprintf(buf, size, "all of it is on the lost disc");
}
