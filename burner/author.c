/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/session_parts.h"
#include "common/cleanup.h"

enum { NAME_MAX_BYTES = 255 };

/*
 * The work in three steps: everything is looked up and checked while the
 * image is still the base (resolve), then what is moved or goes is taken out
 * (take_out), then what belongs into the new tree is put in from the root
 * downwards (put_in).  So folders can be swapped, or moved into each other.
 */
struct authoring {
	struct session *s;
	/* By index into plan->nodes: the node in the image; a reference is
	 * held.  In put_in it becomes the one in the new tree. */
	IsoNode **nodes;
	IsoNode **removed; /* by index into plan->removed, referenced */
	/* Places to fill, sorted: parents in the plan's order, the names
	 * below one of them descending (libisofs inserts at the front fast). */
	uint32_t *order;
	size_t n_order;
	struct boot_keep boot;
};

static int stale(struct why *why, const char *name)
{
	return why_set(why, -ESTALE,
		       "\"%s\" is not what the disc holds: it was changed "
		       "by another program",
		       name ? name : "");
}

/* The node of the base with @id, which must have @name.  Referenced. */
static int resolve(struct session *s, uint32_t id, const char *name,
		   IsoNode **ret, struct why *why)
{
	const char *has;

	if (id >= s->base.n_nodes)
		return stale(why, name);
	has = iso_node_get_name(s->base.nodes[id]);
	if (id != IMPORT_ROOT && name && (!has || strcmp(has, name) != 0))
		return stale(why, name);
	*ret = s->base.nodes[id];
	iso_node_ref(*ret);
	return 0;
}

static int check_target(const struct session_node *n, struct why *why)
{
	const char *p = n->target;

	if (!p || !*p)
		return why_set(why, -EINVAL, "\"%s\" leads nowhere", n->name);
	if (strlen(p) > SESSION_TARGET_MAX)
		return why_set(why, -ENAMETOOLONG,
			       "the target of the link \"%s\" is longer than "
			       "%d bytes",
			       n->name, SESSION_TARGET_MAX);
	return 0;
}

static int check_node(const struct session_plan *plan, uint32_t i,
		      struct why *why)
{
	const struct session_node *n = &plan->nodes[i];
	const char *name = n->name ? n->name : "";
	bool is_new = n->base_id == SESSION_NEW;

	if (i == 0)
		return 0;
	if (n->parent >= i)
		return why_set(why, -EINVAL, "\"%s\" comes before its folder",
			       name);
	if (!*name || strlen(name) > NAME_MAX_BYTES || strchr(name, '/') ||
	    !strcmp(name, ".") || !strcmp(name, ".."))
		return why_set(why, -EINVAL, "\"%s\" cannot be a name", name);
	if (is_new && !(n->flags & SESSION_PLACE))
		return why_set(why, -EINVAL, "\"%s\" is nowhere", name);
	if (is_new && S_ISREG(n->attr.mode) && !(n->flags & SESSION_CONTENT) &&
	    n->link_base == SESSION_NEW)
		return why_set(why, -EINVAL, "\"%s\" has no content", name);
	if (is_new && S_ISLNK(n->attr.mode))
		return check_target(n, why);
	return 0;
}

static int resolve_node(struct authoring *a, uint32_t i, struct why *why)
{
	struct session *s = a->s;
	const struct session_node *n = &s->plan->nodes[i];
	int err;

	err = check_node(s->plan, i, why);
	if (err < 0)
		return err;
	if (i == 0) {
		a->nodes[0] = (IsoNode *)iso_image_get_root(s->image);
		iso_node_ref(a->nodes[0]);
		return 0;
	}
	if (n->base_id == SESSION_NEW)
		return 0;
	err = resolve(s, n->base_id, n->base_name, &a->nodes[i], why);
	if (err < 0)
		return err;
	if ((n->flags & SESSION_CONTENT) &&
	    iso_node_get_type(a->nodes[i]) != LIBISO_FILE)
		return why_set(why, -EINVAL, "\"%s\" is not a regular file",
			       n->name);
	return 0;
}

static int resolve_all(struct authoring *a, struct why *why)
{
	const struct session_plan *plan = a->s->plan;
	uint32_t i;
	int err;

	if (plan->n_nodes == 0)
		return why_set(why, -EINVAL, "a plan without a root");
	a->nodes = calloc(plan->n_nodes, sizeof(IsoNode *));
	a->removed = calloc(plan->n_removed + 1, sizeof(IsoNode *));
	a->order = calloc(plan->n_nodes, sizeof *a->order);
	if (!a->nodes || !a->removed || !a->order)
		return -ENOMEM;
	for (i = 0; i < plan->n_nodes; i++) {
		const struct session_node *n = &plan->nodes[i];

		err = resolve_node(a, i, why);
		if (err < 0)
			return err;
		if (i > 0 && (n->flags & (SESSION_PLACE | SESSION_CONTENT)))
			a->order[a->n_order++] = i;
	}
	for (i = 0; i < plan->n_removed; i++) {
		const char *name =
			plan->removed_names ? plan->removed_names[i] : NULL;

		if (plan->removed[i] == IMPORT_ROOT)
			return why_set(why, -EINVAL, "the root cannot go");
		err = resolve(a->s, plan->removed[i], name, &a->removed[i],
			      why);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool is_detached(const IsoNode *node)
{
	/* libisofs' root is its own parent, or has none. */
	return iso_node_get_parent((IsoNode *)(uintptr_t)node) == NULL;
}

static int take(IsoNode *node, struct why *why)
{
	int ret;

	if (is_detached(node))
		return 0;
	ret = iso_node_take(node);
	if (ret < 0)
		return library_error(ret, iso_node_get_name(node), why);
	/* The folder's reference; ours remains. */
	iso_node_unref(node);
	return 0;
}

/* libisofs looks for a child from the folder's front on. */
static int by_name_in_folder(const void *va, const void *vb)
{
	IsoNode *a = *(IsoNode *const *)va, *b = *(IsoNode *const *)vb;
	uintptr_t in_a = (uintptr_t)iso_node_get_parent(a);
	uintptr_t in_b = (uintptr_t)iso_node_get_parent(b);

	if (in_a != in_b)
		return in_a < in_b ? -1 : 1;
	return strcmp(iso_node_get_name(a), iso_node_get_name(b));
}

static int take_out(struct authoring *a, struct why *why)
{
	const struct session_plan *plan = a->s->plan;
	AUTO_FREE IsoNode **nodes =
		calloc(a->n_order + plan->n_removed + 1, sizeof(IsoNode *));
	size_t n = 0, i;
	int err = 0;

	if (!nodes)
		return -ENOMEM;
	for (i = 0; i < a->n_order; i++) {
		IsoNode *node = a->nodes[a->order[i]];

		if (node && !is_detached(node))
			nodes[n++] = node;
	}
	for (i = 0; i < plan->n_removed; i++)
		if (!is_detached(a->removed[i]))
			nodes[n++] = a->removed[i];
	qsort(nodes, n, sizeof(IsoNode *), by_name_in_folder);
	for (i = 0; !err && i < n; i++)
		err = take(nodes[i], why);
	return err;
}

static int put_node(struct authoring *a, uint32_t i, struct why *why)
{
	struct session *s = a->s;
	const struct session_node *n = &s->plan->nodes[i];
	IsoNode *node = a->nodes[i], *parent = a->nodes[n->parent];
	IsoDir *dir;
	int err;

	if (!parent || iso_node_get_type(parent) != LIBISO_DIR)
		return why_set(why, -EINVAL, "\"%s\" is not in a folder",
			       n->name);
	dir = (IsoDir *)parent;
	if (!node && n->link_base != SESSION_NEW &&
	    !(n->flags & SESSION_CONTENT)) {
		err = place_twin((IsoFile *)s->base.nodes[n->link_base], dir,
				 n->name, &a->nodes[i], why);
		if (err == 0) {
			iso_node_ref(a->nodes[i]);
			err = place_attr(s, i, a->nodes[i], why);
		}
		return err;
	}
	if (!node || (n->flags & SESSION_CONTENT)) {
		err = place_new(s, i, dir, node, &a->nodes[i], why);
		if (a->nodes[i] != node) {
			iso_node_ref(a->nodes[i]);
			if (err == 0 && node)
				err = boot_keep_note(s, &a->boot, node,
						     a->nodes[i]);
			iso_node_unref(node);
		}
		return err;
	}
	err = iso_node_set_name(node, n->name);
	if (err >= 0) {
		err = iso_dir_add_node(dir, node, ISO_REPLACE_NEVER);
		if (err >= 0)
			iso_node_ref(node);
	}
	if (err < 0)
		return library_error(err, n->name, why);
	return 0;
}

static int by_place(const void *va, const void *vb, void *arg)
{
	uint32_t ia = *(const uint32_t *)va, ib = *(const uint32_t *)vb;
	const struct session_node *nodes = arg;
	const struct session_node *a = &nodes[ia], *b = &nodes[ib];

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	return strcmp(b->name, a->name);
}

static int put_in(struct authoring *a, struct why *why)
{
	const struct session_plan *plan = a->s->plan;
	uint32_t i;
	size_t k;
	int err;

	/* by_place only reads them. */
	if (a->n_order)
		qsort_r(a->order, a->n_order, sizeof *a->order, by_place,
			(void *)(uintptr_t)plan->nodes);
	for (k = 0; k < a->n_order; k++) {
		err = put_node(a, a->order[k], why);
		if (err < 0)
			return err;
	}
	for (i = 0; i < plan->n_nodes; i++) {
		const struct session_node *n = &plan->nodes[i];

		/* The others were given theirs when they were made. */
		if (!(n->flags & SESSION_ATTR) ||
		    (i > 0 && n->base_id == SESSION_NEW) ||
		    (n->flags & SESSION_CONTENT))
			continue;
		err = place_attr(a->s, i, a->nodes[i], why);
		if (err < 0)
			return err;
	}
	return 0;
}

/*
 * A further link to a file whose content stays on the disc.  libisofs writes
 * no content for a node that it imported itself, but it would for a second
 * node of the same stream, if that came first.  So the imported node goes,
 * hidden, to the very front, and twins of it stand in the old place and in
 * the new one: all are the same inode to libisofs.
 */
static int prepare_link(struct session *s, uint32_t id, struct why *why)
{
	IsoNode *old, *twin = NULL;
	IsoDir *dir;
	const char *name;
	int err;

	old = s->base.nodes[id];
	if (iso_node_get_type(old) != LIBISO_FILE)
		return why_set(why, -EINVAL, "\"%s\" is not a regular file",
			       iso_node_get_name(old));
	dir = iso_node_get_parent(old);
	AUTO_FREE char *copy = strdup(iso_node_get_name(old));

	name = copy;
	if (!copy)
		return -ENOMEM;
	err = iso_node_take(old);
	if (err < 0)
		return library_error(err, name, why);
	err = place_hidden(s, old, why);
	if (err == 0)
		err = place_twin((IsoFile *)old, dir, name, &twin, why);
	if (err < 0)
		return err;
	iso_node_set_hidden(twin, 0);
	/* From now on the twin is the base's node, by whatever name. */
	s->base.nodes[id] = twin;
	return 0;
}

static int prepare_links(struct session *s, struct why *why)
{
	const struct session_plan *plan = s->plan;
	AUTO_FREE bool *prepared = calloc((size_t)s->base.n_nodes + 1, 1);
	uint32_t i;

	if (!prepared)
		return -ENOMEM;
	for (i = 1; i < plan->n_nodes; i++) {
		const struct session_node *n = &plan->nodes[i];
		int err;

		if (n->base_id != SESSION_NEW || n->link_base == SESSION_NEW ||
		    (n->flags & SESSION_CONTENT))
			continue;
		if (n->link_base >= s->base.n_nodes)
			return stale(why, n->name);
		if (prepared[n->link_base])
			continue;
		err = prepare_link(s, n->link_base, why);
		if (err < 0)
			return err;
		prepared[n->link_base] = true;
	}
	return 0;
}

int author_plan(struct session *s, struct why *why)
{
	struct authoring a = {.s = s};
	uint32_t i;
	int err;

	err = prepare_links(s, why);
	if (!err)
		err = resolve_all(&a, why);
	if (!err)
		err = take_out(&a, why);
	if (!err)
		err = put_in(&a, why);
	if (!err)
		err = boot_keep_apply(s, &a.boot, why);
	if (!err)
		err = old_head_keep(s, why);
	if (!err && s->plan->volume_id)
		iso_image_set_volume_id(s->image, s->plan->volume_id);
	for (i = 0; a.nodes && i < s->plan->n_nodes; i++)
		iso_node_unref(a.nodes[i]);
	for (i = 0; a.removed && i < s->plan->n_removed; i++)
		iso_node_unref(a.removed[i]);
	boot_keep_release(&a.boot);
	free(a.nodes);
	free(a.removed);
	free(a.order);
	return err;
}
