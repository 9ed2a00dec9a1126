/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -o rebase: the disc grew elsewhere while a stage holds changes to its former
 * session.  That session is still there, so what the other side changed is
 * what differs between the two by path.  Where no path, nor a folder above it,
 * was changed on both sides, the stage's rows fit the new session as they are:
 * they name files by paths that mean the same in both, and blocks of the disc,
 * which are never overwritten.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "fs/stage_view.h"
#include "fs/stage_way.h"
#include "fs/volume_internal.h"

/* ---- what is in a session ---- */

struct file {
	char *path;
	uint64_t sum; /* of all that counts */
	uint64_t link_id;
	mode_t type;
};

struct files {
	struct file *v; /* by import id, then by path */
	uint32_t n;
};

static void files_release(struct files *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		free(f->v[i].path);
	free(f->v);
	*f = (struct files){0};
}

static uint64_t sum_on(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h ^ h >> 29;
}

static uint64_t sum_number(uint64_t h, uint64_t n)
{
	return sum_on(h, &n, sizeof n);
}

static uint64_t sum_text(uint64_t h, const char *text)
{
	return sum_on(h, text, strlen(text) + 1);
}

/* Where the content is: how it is cut into runs does not count. */
static uint64_t sum_runs(uint64_t h, const struct import_node *n)
{
	for (unsigned i = 0; i < n->n_runs;) {
		uint64_t lba = n->runs[i].lba, len = n->runs[i].len_bytes;

		while (++i < n->n_runs && len % DISC_BLOCK == 0 &&
		       n->runs[i].lba == lba + len / DISC_BLOCK)
			len += n->runs[i].len_bytes;
		h = sum_number(sum_number(h, lba), len);
	}
	return h;
}

/*
 * Times that move by themselves are no change: those of access and of change,
 * and a folder's, which move with its entries.  The boot catalog is made anew
 * by every burn.
 */
static uint64_t sum_node(const struct import_node *n)
{
	const struct attr *a = &n->attr;
	uint64_t h = sum_number(0xcbf29ce484222325ULL, a->mode);

	h = sum_number(sum_number(sum_number(h, a->uid), a->gid), a->rdev);
	h = sum_number(h, (n->boot_catalog ? 1u : 0u) | (n->filtered ? 2u : 0));
	if (!S_ISDIR(a->mode) && !n->boot_catalog)
		h = sum_number(h, (uint64_t)a->mtime.tv_sec);
	if (n->target)
		h = sum_text(h, n->target);
	if (n->xattrs)
		h = sum_on(h, n->xattrs->data, n->xattrs->size_bytes);
	if (!S_ISREG(a->mode) || n->boot_catalog)
		return h;
	h = sum_number(h, n->size);
	return n->size ? sum_runs(h, n) : h;
}

static int take_node(void *arg, const struct import_node *n)
{
	struct files *f = arg;
	const char *above = n->parent_id < f->n ? f->v[n->parent_id].path : "";
	struct file *file = array_append(&f->v, &f->n, sizeof *file);

	if (!file)
		return -ENOMEM;
	*file = (struct file){.sum = sum_node(n),
			      .link_id = n->link_id,
			      .type = n->attr.mode & S_IFMT};
	if (asprintf(&file->path, "%s%s%s", above, *above ? "/" : "",
		     n->name) >= 0)
		return 0;
	file->path = NULL;
	return -ENOMEM;
}

static int by_link(const void *a, const void *b)
{
	const struct file *const *x = a, *const *y = b;

	return ((*x)->link_id > (*y)->link_id) -
	       ((*x)->link_id < (*y)->link_id);
}

static int by_path(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* A file is another one if it has other names. */
static int sum_links(struct files *f)
{
	AUTO_FREE struct file **v = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		struct file **p;

		if (!f->v[i].link_id)
			continue;
		p = array_append(&v, &n, sizeof *p);
		if (!p)
			return -ENOMEM;
		*p = &f->v[i];
	}
	if (n)
		qsort(v, n, sizeof *v, by_link);
	for (uint32_t i = 0, end; i < n; i = end) {
		uint64_t names = 0;

		for (end = i; end < n && v[end]->link_id == v[i]->link_id;
		     end++)
			names += sum_text(0, v[end]->path);
		for (uint32_t j = i; end - i > 1 && j < end; j++)
			v[j]->sum = sum_number(v[j]->sum, names);
	}
	return 0;
}

/* The files of the session at @lba, sorted by path. */
static int read_session(struct volume *v, uint32_t lba, struct files *f,
			struct import_info *info, struct why *why)
{
	struct import_opts opts = {
		.session_lba = lba,
		.no_rock_ridge = v->opts.no_rock_ridge,
		.no_joliet = v->opts.no_joliet,
	};
	int err = import_session(v->disc, &opts, take_node, f, info, why);

	if (!err)
		err = sum_links(f);
	if (!err && f->n)
		qsort(f->v, f->n, sizeof *f->v, by_path);
	return err;
}

/* ---- what the other side changed ---- */

struct change {
	const char *path; /* of one of the lists */
	bool place;	  /* it came or went, or is of another kind */
};

struct changes {
	struct change *v; /* by path */
	uint32_t n;
};

static int add_change(struct changes *c, const char *path, bool place)
{
	struct change *p = array_append(&c->v, &c->n, sizeof *p);

	if (!p)
		return -ENOMEM;
	*p = (struct change){path, place};
	return 0;
}

static int compare(const struct files *old, const struct files *new,
		   struct changes *c)
{
	uint32_t i = 0, j = 0;
	int err = 0;

	while (!err && (i < old->n || j < new->n)) {
		const struct file *a = i < old->n ? &old->v[i] : NULL;
		const struct file *b = j < new->n ? &new->v[j] : NULL;
		int order = a && b ? strcmp(a->path, b->path) : a ? -1 : 1;

		if (a && order < 0)
			err = add_change(c, a->path, true);
		else if (b && order > 0)
			err = add_change(c, b->path, true);
		else if (a && b && a->sum != b->sum)
			err = add_change(c, a->path, a->type != b->type);
		i += order <= 0;
		j += order >= 0;
	}
	return err;
}

/* The first change at or behind the first @len bytes of @path. */
static uint32_t change_from(const struct changes *c, const char *path,
			    size_t len)
{
	uint32_t lo = 0, hi = c->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (strncmp(c->v[mid].path, path, len) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool changed_at(const struct changes *c, const char *path, size_t len,
		       bool place_only)
{
	uint32_t i = change_from(c, path, len);

	return i < c->n && strncmp(c->v[i].path, path, len) == 0 &&
	       !c->v[i].path[len] && (c->v[i].place || !place_only);
}

/* Whether @path, or a folder above it, was changed. */
static bool changed_above(const struct changes *c, const char *path,
			  bool place_only)
{
	for (size_t len = strlen(path); len; len--)
		if ((!path[len] || path[len] == '/') &&
		    changed_at(c, path, len, place_only))
			return true;
	return changed_at(c, "", 0, place_only);
}

static bool changed_below(const struct changes *c, const char *path)
{
	size_t len = strlen(path);
	uint32_t i = change_from(c, path, len);

	/* "a-b" and "a.b" stand between "a" and "a/b". */
	for (; i < c->n && strncmp(c->v[i].path, path, len) == 0; i++)
		if (c->v[i].path[len] == '/')
			return true;
	return false;
}

/* ---- what the stage changed ---- */

struct conflicts {
	char **v;
	uint32_t n;
};

static int add_conflict(struct conflicts *c, const char *path)
{
	char **p = array_append(&c->v, &c->n, sizeof *p);

	if (!p)
		return -ENOMEM;
	*p = strdup(*path ? path : ".");
	return *p ? 0 : -ENOMEM;
}

/* A link's place in the words of the base, where its folder is of the base. */
static int check_link(const struct stage_view *view,
		      const struct stage_link *link, const struct changes *c,
		      struct conflicts *found)
{
	const struct stage_node *parent = stage_view_node(view, link->parent);
	AUTO_FREE char *path = NULL;

	if (!parent || !parent->base_path)
		return 0;
	if (asprintf(&path, "%s%s%s", parent->base_path,
		     *parent->base_path ? "/" : "", link->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return changed_above(c, path, false) ? add_conflict(found, path) : 0;
}

static int check_rows(const struct stage_view *view, const struct changes *c,
		      struct conflicts *found)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < view->n_nodes; i++) {
		const struct stage_node *n = &view->nodes[i];
		/* A folder that was only passed through must still be one. */
		bool own = n->flags & (STAGE_ATTR | STAGE_CONTENT);

		if (n->base_path && changed_above(c, n->base_path, !own))
			err = add_conflict(found, n->base_path);
	}
	for (uint32_t i = 0; !err && i < view->n_gone; i++)
		if (changed_above(c, view->gone[i], false) ||
		    changed_below(c, view->gone[i]))
			err = add_conflict(found, view->gone[i]);
	for (uint32_t i = 0; !err && i < view->n_links; i++)
		err = check_link(view, &view->links[i], c, found);
	return err;
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int refuse(const struct volume *v, struct conflicts *c, struct why *why)
{
	enum { NAMED = 3 };
	char names[3 * 100] = "", more[40] = "";
	uint32_t n = 0, len = 0;

	qsort(c->v, c->n, sizeof *c->v, by_text);
	for (uint32_t i = 0; i < c->n; i++) {
		if (i && strcmp(c->v[i], c->v[i - 1]) == 0)
			continue;
		if (n++ < NAMED)
			len += (uint32_t)snprintf(names + len,
						  sizeof names - len, "%s%.90s",
						  n > 1 ? ", " : "", c->v[i]);
	}
	if (n > NAMED)
		snprintf(more, sizeof more, " and %u more", n - NAMED);
	return why_set(why, -ESTALE,
		       "-o rebase is not possible: changed both in stage %s "
		       "and on the disc: %s%s",
		       stage_id(v->stage), names, more);
}

/* ---- may it be? ---- */

static int look_at_binding(struct volume *v, const struct stage_binding *b,
			   bool named, struct why *why)
{
	const struct stage_binding *now = &v->binding;
	struct stage_intent intent = {0};
	struct stage_way way;
	int n = stage_get_intent(v->stage, &intent, why);

	stage_intent_release(&intent);
	if (n < 0)
		return n;
	if (n == 1)
		return why_set(why, -ESTALE,
			       "-o rebase is not possible: stage %s has a burn "
			       "that was begun and is not finished",
			       stage_id(v->stage));
	if (b->import_flags != now->import_flags)
		return why_set(why, -ESTALE,
			       "-o rebase is not possible: stage %s was made "
			       "with other norock or nojoliet options",
			       stage_id(v->stage));
	/* A blank disc has no mark of its own but its file. */
	if (b->blank && !named &&
	    (b->image_dev != now->image_dev || b->image_ino != now->image_ino))
		return why_set(why, -ESTALE,
			       "-o rebase is not possible: stage %s is of a "
			       "blank disc that was another file: \"%s\" "
			       "takes it all the same",
			       stage_id(v->stage),
			       stage_way_mount(&way, v->stage_root,
					       "rebase,stage-from",
					       stage_id(v->stage), v->source));
	if (v->blank ||
	    (!b->blank && (now->tip_lba < b->tip_lba || now->nwa < b->nwa)))
		return why_set(why, -ESTALE,
			       "-o rebase is not possible: the disc did not "
			       "grow from what stage %s has changes to",
			       stage_id(v->stage));
	return 0;
}

static int read_former(struct volume *v, const struct stage_binding *b,
		       struct files *f, struct why *why)
{
	struct import_info info;
	struct why detail = {""};
	int err = read_session(v, b->base_lba, f, &info, &detail);

	if (err == -ENOMEM)
		return err;
	if (!err && memcmp(info.digest, b->digest, sizeof b->digest) == 0)
		return 0;
	return why_set(why, -ESTALE,
		       "-o rebase is not possible: the session at lba %u that "
		       "stage %s has changes to is not there any more%s%.200s",
		       (unsigned)b->base_lba, stage_id(v->stage),
		       err ? ": " : "", err ? why_text(&detail, err) : "");
}

/* Of a blank disc there is the root, whatever it is like now. */
static void forget_root(struct files *f)
{
	if (!f->n || *f->v[0].path)
		return;
	free(f->v[0].path);
	memmove(f->v, f->v + 1, (f->n - 1) * sizeof *f->v);
	f->n--;
}

static int check_all(struct volume *v, const struct stage_binding *b,
		     struct stage_view *view, struct why *why)
{
	struct files old = {0}, new = {0};
	struct changes changes = {0};
	struct conflicts found = {0};
	struct import_info info;
	int err = b->blank ? 0 : read_former(v, b, &old, why);

	if (!err)
		err = read_session(v, IMPORT_LAST, &new, &info, why);
	if (!err && b->blank)
		forget_root(&new);
	if (!err)
		err = compare(&old, &new, &changes);
	if (!err)
		err = check_rows(view, &changes, &found);
	if (!err && found.n)
		err = refuse(v, &found, why);
	for (uint32_t i = 0; i < found.n; i++)
		free(found.v[i]);
	free(found.v);
	free(changes.v);
	files_release(&old);
	files_release(&new);
	return err;
}

static int rebase(struct volume *v, const struct stage_binding *b, bool named,
		  struct why *why)
{
	struct stage_view view = {0};
	int err = look_at_binding(v, b, named, why);

	if (!err)
		err = stage_view_load(v->stage, &view, why);
	if (!err)
		err = check_all(v, b, &view, why);
	stage_view_release(&view);
	if (err == -ENOMEM)
		return why_set(why, err, "out of memory");
	if (!err)
		log_info("stage %s now has changes to the session at lba %u",
			 stage_id(v->stage), (unsigned)v->info.lba);
	return err;
}

/* ---- which stage ---- */

/* Whether what @b is bound to is the base. */
static bool is_base(const struct volume *v, const struct stage_binding *b)
{
	if (v->blank || b->blank)
		return v->blank && b->blank;
	return memcmp(b->digest, v->binding.digest, sizeof b->digest) == 0;
}

int volume_open_former(struct volume *v, const char *id, bool look_only,
		       struct why *why)
{
	struct stage_binding b = {0};
	struct why detail = {""};
	int err = stage_open(v->stage_root, id, look_only, &v->stage, &detail);
	bool former;

	if (!err)
		err = stage_get_binding(v->stage, &b, &detail);
	if (err)
		return why_set(why, err, "%s", why_text(&detail, err));
	former = !is_base(v, &b);
	stage_binding_release(&b);
	if (former)
		return 0;
	stage_close(v->stage, false);
	v->stage = NULL;
	return -ESTALE;
}

int volume_check_stage(struct volume *v, bool named, struct why *why)
{
	struct stage_binding b = {0};
	struct stage_way way;
	int err = stage_check_age(v->stage, why);

	if (!err)
		err = stage_get_binding(v->stage, &b, why);
	if (err)
		return err;
	if (is_base(v, &b))
		err = 0;
	else if (v->opts.rebase)
		err = rebase(v, &b, named, why);
	else
		err = why_set(why, -ESTALE,
			      "the changes in stage %s were made to another "
			      "state of this disc: \"%s\" puts them on this "
			      "one, where it did not change as well",
			      stage_id(v->stage),
			      stage_way_mount(&way, v->stage_root,
					      "rebase,stage-from",
					      stage_id(v->stage), v->source));
	stage_binding_release(&b);
	return err;
}
