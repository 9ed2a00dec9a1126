/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"
#include "fs/volume_internal.h"

static const char state_name[] = "user.discfs.state";
static const char session_name[] = "user.discfs.session";
static const char lba_name[] = "user.discfs.lba";

bool facts_is_name(const char *name)
{
	return strcmp(name, state_name) == 0 ||
	       strcmp(name, session_name) == 0 || strcmp(name, lba_name) == 0;
}

/* ---- the tree ---- */

/* Whether a new file took the place of one of the base, as editors save. */
static bool replaces(struct tree *t, const struct inode *inode)
{
	const struct dentry *d, *old;

	if (!S_ISREG(inode->mode))
		return false;
	for (d = inode->places; d; d = d->place_next) {
		if (!(d->flags & D_LIVE))
			continue;
		old = dentry_find(t, d->parent, d->name, D_BASE);
		if (old && S_ISREG(old->inode->mode) &&
		    !inode_place(old->inode, D_LIVE))
			return true;
	}
	return false;
}

static void find_content(const struct inode *inode, struct tree_facts *ret)
{
	struct extent_map tmp;
	struct extent_cursor c = {0};
	const struct extent *first;

	if (!S_ISREG(inode->mode) || ret->added || ret->modified ||
	    (inode->flags & I_BOOTCAT) || !inode->size)
		return;
	first = extent_map_next(inode_map(inode, &tmp), &c);
	if (!first || first->source != EXTENT_DISC)
		return;
	ret->lba = first->pos / DISC_BLOCK;
	ret->on_disc = ret->lba != IMPORT_NOWHERE;
}

int tree_facts(struct tree *t, uint64_t ino, struct tree_facts *ret)
{
	const struct inode *inode;
	const struct dentry *d;
	bool came = false, left = false;
	unsigned changes;

	*ret = (struct tree_facts){0};
	READ_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return -ESTALE;
	changes = inode_changes(inode);
	ret->modified = changes & CHANGE_CONTENT;
	ret->attributes = !ret->modified && (changes & CHANGE_ATTR);
	for (d = inode->places; d; d = d->place_next) {
		unsigned views = d->flags & (D_LIVE | D_BASE);

		came |= views == D_LIVE;
		left |= views == D_BASE;
	}
	ret->moved = came && left;
	ret->removed = inode->nlink == 0;
	ret->added = !(inode->flags & I_BASE);
	find_content(inode, ret);
	if (ret->added && replaces(t, inode)) {
		ret->added = false;
		ret->modified = true;
	}
	return 0;
}

/* ---- in words ---- */

static void say_state(const struct tree_facts *f, char *buf, size_t size)
{
	if (f->removed || f->added) {
		snprintf(buf, size, "%s", f->removed ? "removed" : "added");
		return;
	}
	snprintf(buf, size, "%s%s%s%s%s", f->moved ? "moved" : "",
		 f->moved && (f->modified || f->attributes) ? "," : "",
		 f->modified ? "modified" : "",
		 f->attributes ? "attributes" : "",
		 f->moved || f->modified || f->attributes ? "" : "clean");
}

/*
 * The session that block @lba is in, from 1 on; 0: not known.  One of which the
 * head is a copy begins at block 0, and has the copy.
 */
static size_t session_of(const struct disc_session *s, size_t n, uint64_t lba)
{
	size_t i = n;

	if (n && s[0].copied && lba >= s[0].lba &&
	    lba - s[0].lba < DISC_HEAD_BYTES / DISC_BLOCK)
		return 1;
	while (i && !s[i - 1].copied && s[i - 1].lba > lba)
		i--;
	return i;
}

static ssize_t say_session(struct volume *v, uint64_t lba, char *buf,
			   size_t size)
{
	struct disc_session *sessions = NULL;
	struct medium medium;
	size_t n = 0, number;
	int err;

	volume_base(v, &medium, NULL);
	{
		LOCK_GUARD(&v->lock);
		if (v->sessions && v->sessions_tip == medium.last_lba) {
			number = session_of(v->sessions, v->n_sessions, lba);
			return number ? snprintf(buf, size, "%zu", number)
				      : -ENODATA;
		}
	}
	err = disc_sessions(v->disc, &sessions, &n, NULL);
	if (err)
		return err;
	number = session_of(sessions, n, lba);
	{
		LOCK_GUARD(&v->lock);
		free(v->sessions);
		v->sessions = sessions;
		v->n_sessions = n;
		v->sessions_tip = medium.last_lba;
	}
	return number ? snprintf(buf, size, "%zu", number) : -ENODATA;
}

static ssize_t facts_get(struct volume *v, const struct view *view,
			 const char *name, void *buf, size_t size)
{
	struct tree_facts f;
	char text[64];
	ssize_t len;
	int err = tree_facts(view->tree, view->ino, &f);

	if (err)
		return err;
	if (strcmp(name, state_name) == 0) {
		say_state(&f, text, sizeof text);
		len = (ssize_t)strlen(text);
	} else if (!f.on_disc) {
		len = -ENODATA;
	} else if (strcmp(name, lba_name) == 0) {
		len = snprintf(text, sizeof text, "%" PRIu64, f.lba);
	} else {
		len = say_session(v, f.lba, text, sizeof text);
	}
	if (len < 0 || !size)
		return len;
	if ((size_t)len > size)
		return -ERANGE;
	memcpy(buf, text, (size_t)len);
	return len;
}

ssize_t volume_getxattr(struct volume *v, uint64_t ino, const char *name,
			void *buf, size_t size)
{
	struct view view;
	ssize_t len = volume_view(v, ino, &view);

	if (len)
		return len;
	len = facts_is_name(name)
		      ? facts_get(v, &view, name, buf, size)
		      : tree_getxattr(view.tree, view.ino, name, buf, size);
	volume_view_end(v, &view);
	return len;
}
