/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/past.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/revert.h"
#include "fs/volume_internal.h"

static const char top_name[] = ".discfs", sessions_name[] = "sessions";

enum {
	MAX_TREES = 3, /* that are kept */
	BUSY_MS = 300,
	OWNER_BITS = 32,
};

/* Numbers of the folders above the sessions, in their own tree and outside. */
#define TOP_INO ((uint64_t)TREE_ROOT)
#define TOP_OUTSIDE (TREE_OTHERS | TOP_INO)

struct past_tree {
	size_t number; /* of the session; 0: none is here */
	struct tree *tree;
	unsigned users;
	uint64_t used; /* when: past.clock */
};

struct past {
	/* Held while a session is imported: the others wait for it. */
	pthread_mutex_t lock;
	uint64_t clock;
	struct tree *top; /* ".discfs", "sessions", and a folder a session */
	uint64_t sessions_ino; /* in top */
	struct disc_session *sessions;
	size_t n_sessions;
	uint32_t tip; /* the sessions are those up to here */
	struct past_tree trees[MAX_TREES];
};

static uint64_t outside(size_t number, uint64_t ino)
{
	return (uint64_t)(number + 1) << OWNER_BITS | ino;
}

/* Whose number it is: 0 the folders above, N session N. */
static size_t owner(uint64_t ino)
{
	return (size_t)(ino >> OWNER_BITS) - 1;
}

/* ---- the folders above ---- */

int past_new(struct past **ret)
{
	const struct cred cred = {.uid = geteuid(), .gid = getegid()};
	struct attr attr = {
		.mode = S_IFDIR | 0555, .uid = cred.uid, .gid = cred.gid};
	struct past *p = calloc(1, sizeof *p);
	struct tree_entry e;
	int err;

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	clock_gettime(CLOCK_REALTIME, &attr.mtime);
	attr.atime = attr.ctime = attr.mtime;
	err = tree_new(&attr, NULL, &p->top);
	if (!err)
		err = tree_mkdir(p->top, &cred, TOP_INO, sessions_name, 0555,
				 &e);
	if (err) {
		past_free(p);
		return err;
	}
	p->sessions_ino = e.ino;
	*ret = p;
	return 0;
}

void past_free(struct past *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < MAX_TREES; i++)
		tree_free(p->trees[i].tree);
	tree_free(p->top);
	free(p->sessions);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* A folder for each session that is there by now. */
static int refresh(struct volume *v)
{
	const struct cred cred = {.uid = geteuid(), .gid = getegid()};
	struct past *p = v->past;
	struct disc_session *sessions = NULL;
	struct why why = {""};
	struct medium medium;
	size_t n = 0;
	int err;

	if (volume_base(v, &medium, NULL) ||
	    (p->sessions && p->tip == medium.last_lba))
		return 0;
	err = disc_sessions(v->disc, &sessions, &n, &why);
	if (err) {
		log_warning("cannot find the sessions of %s: %s", v->source,
			    why_text(&why, err));
		return err;
	}
	for (size_t i = p->n_sessions; !err && i < n; i++) {
		struct tree_entry e;
		char name[32];

		snprintf(name, sizeof name, "%zu", i + 1);
		err = tree_mkdir(p->top, &cred, p->sessions_ino, name, 0555,
				 &e);
		if (err == -EEXIST)
			err = 0;
	}
	if (err) {
		free(sessions);
		return err;
	}
	free(p->sessions);
	p->sessions = sessions;
	p->n_sessions = n;
	p->tip = medium.last_lba;
	return 0;
}

void past_changed(struct volume *v)
{
	struct stale_name name = {.parent = outside(0, v->past->sessions_ino)};
	struct stale_node node = {.ino = name.parent, .content = true};
	struct stale stale = {
		.names = &name, .n_names = 1, .nodes = &node, .n_nodes = 1};
	struct medium medium;
	char text[32];

	volume_base(v, &medium, NULL);
	snprintf(text, sizeof text, "%u", medium.sessions);
	name.name = text;
	volume_tell_kernel(v, &stale);
}

/* ---- the sessions' trees ---- */

static int import(struct volume *v, size_t number, struct tree **ret)
{
	struct attr root = {.mode = S_IFDIR | 0555};
	struct import_info info;
	struct why why = {""};
	struct tree *t;
	int err = tree_new(&root, NULL, &t);

	if (err)
		return err;
	err = volume_import(v, v->past->sessions[number - 1].lba, t, &info,
			    &why);
	if (err) {
		tree_free(t);
		log_warning("session %zu of %s cannot be shown: %s", number,
			    v->source, why_text(&why, err));
		return err == -ENOMEM ? err : -EIO;
	}
	tree_set_readonly(t, true);
	*ret = t;
	return 0;
}

/* While a burn has libisofs, an import would wait for its end, and with it a
 * thread that serves the mount. */
static int import_when_idle(struct volume *v, size_t number, struct tree **ret)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000000L};
	int err;

	for (int ms = 0; !volume_try_turn(v, "a look at an older session");
	     ms += 20) {
		if (ms >= BUSY_MS)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	err = import(v, number, ret);
	volume_end_turn(v);
	return err;
}

/* A place for one more tree: one that is empty, or that nobody uses and that
 * was used longest ago. */
static struct past_tree *make_place(struct past *p)
{
	struct past_tree *best = NULL;

	for (size_t i = 0; i < MAX_TREES; i++) {
		struct past_tree *pt = &p->trees[i];

		if (!pt->number)
			return pt;
		if (!pt->users && (!best || pt->used < best->used))
			best = pt;
	}
	if (!best)
		return NULL;
	tree_free(best->tree);
	*best = (struct past_tree){0};
	return best;
}

static int hold(struct volume *v, size_t number, struct past_tree **ret)
{
	struct past *p = v->past;
	struct past_tree *pt = NULL;
	struct tree *tree;
	int err;

	for (size_t i = 0; i < MAX_TREES; i++)
		if (p->trees[i].number == number)
			pt = &p->trees[i];
	if (!pt) {
		err = refresh(v);
		if (err)
			return err;
		if (!number || number > p->n_sessions)
			return -ESTALE;
		pt = make_place(p);
		if (!pt)
			return -EBUSY;
		err = import_when_idle(v, number, &tree);
		if (err)
			return err;
		*pt = (struct past_tree){.number = number, .tree = tree};
	}
	pt->users++;
	pt->used = ++p->clock;
	*ret = pt;
	return 0;
}

int volume_view(struct volume *v, uint64_t ino, struct view *ret)
{
	size_t number;
	int err;

	*ret = (struct view){.tree = v->tree, .ino = ino};
	if (ino < TREE_OTHERS)
		return 0;
	number = owner(ino);
	ret->ino = ino & (TREE_OTHERS - 1);
	ret->tree = v->past->top;
	if (!number)
		return 0;
	LOCK_GUARD(&v->past->lock);
	err = hold(v, number, &ret->held);
	if (!err)
		ret->tree = ret->held->tree;
	return err;
}

void volume_view_end(struct volume *v, struct view *view)
{
	if (!view->held)
		return;
	LOCK_GUARD(&v->past->lock);
	view->held->users--;
	view->held = NULL;
}

/* ---- names ---- */

/* The root of session @number, as an entry of its folder. */
static int session_root(struct volume *v, size_t number, struct tree_entry *ret)
{
	struct view view;
	int err = volume_view(v, outside(number, TREE_ROOT), &view);

	if (err)
		return err;
	*ret = (struct tree_entry){.ino = outside(number, TREE_ROOT),
				   .generation = 1};
	err = tree_getattr(view.tree, TREE_ROOT, &ret->st);
	volume_view_end(v, &view);
	return err;
}

static int lookup_top(struct volume *v, uint64_t parent, const char *name,
		      struct tree_entry *ret)
{
	struct past *p = v->past;
	bool session = parent == p->sessions_ino && *name != '.';
	int err = 0;

	if (parent == TOP_INO && strcmp(name, "..") == 0)
		return tree_lookup(v->tree, TREE_ROOT, ".", ret);
	if (session) {
		LOCK_GUARD(&p->lock);
		err = refresh(v);
	}
	if (!err)
		err = tree_lookup(p->top, parent, name, ret);
	if (err)
		return err;
	if (session)
		return session_root(v, (size_t)strtoul(name, NULL, 10), ret);
	ret->ino = outside(0, ret->ino);
	return 0;
}

int volume_lookup(struct volume *v, uint64_t parent, const char *name,
		  struct tree_entry *ret)
{
	struct view view;
	int err;

	if (parent < TREE_OTHERS) {
		err = tree_lookup(v->tree, parent, name, ret);
		if (err != -ENOENT || parent != TREE_ROOT ||
		    strcmp(name, top_name) != 0)
			return err;
		*ret = (struct tree_entry){.ino = TOP_OUTSIDE, .generation = 1};
		return tree_getattr(v->past->top, TOP_INO, &ret->st);
	}
	if (!owner(parent))
		return lookup_top(v, parent & (TREE_OTHERS - 1), name, ret);
	if (parent == outside(owner(parent), TREE_ROOT) &&
	    strcmp(name, "..") == 0)
		return lookup_top(v, v->past->sessions_ino, ".", ret);
	err = volume_view(v, parent, &view);
	if (err)
		return err;
	err = tree_lookup(view.tree, view.ino, name, ret);
	if (!err)
		ret->ino = outside(owner(parent), ret->ino);
	volume_view_end(v, &view);
	return err;
}

/* ---- listing ---- */

struct listing {
	tree_emit emit;
	void *arg;
	size_t number;
	bool of_sessions;
};

/* A tree_emit. */
static int emit_outside(void *arg, const char *name, uint64_t cookie,
			const struct tree_entry *entry)
{
	const struct listing *l = arg;
	struct tree_entry e = *entry;

	e.ino = outside(l->number, e.ino);
	if (l->of_sessions && *name != '.') {
		/* It is not imported for being listed. */
		e.ino = outside(strtoul(name, NULL, 10), TREE_ROOT);
		e.uncounted = true;
	}
	return l->emit(l->arg, name, cookie, &e);
}

int volume_readdir(struct volume *v, uint64_t ino, uint64_t cookie, bool plus,
		   tree_emit emit, void *arg)
{
	struct listing l = {.emit = emit, .arg = arg};
	struct view view;
	int err = 0;

	if (ino < TREE_OTHERS)
		return tree_readdir(v->tree, ino, cookie, plus, emit, arg);
	l.number = owner(ino);
	l.of_sessions = ino == outside(0, v->past->sessions_ino);
	if (l.of_sessions) {
		LOCK_GUARD(&v->past->lock);
		err = refresh(v);
	}
	if (!err)
		err = volume_view(v, ino, &view);
	if (err)
		return err;
	err = tree_readdir(view.tree, view.ino, cookie, plus, emit_outside, &l);
	volume_view_end(v, &view);
	return err;
}
