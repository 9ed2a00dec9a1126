/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/clones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

static const struct mountinfo *by_id(const struct mountinfo *list, size_t n,
				     unsigned id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].id == id)
			return &list[i];
	return NULL;
}

static bool has_child(const struct mountinfo *list, size_t n, unsigned id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].parent == id)
			return true;
	return false;
}

/* Whether @m stands on @above, or on what stands on it. */
static bool stands_on(const struct mountinfo *list, size_t n,
		      const struct mountinfo *m, unsigned above)
{
	/* No chain is longer than the list, whatever that says. */
	for (size_t i = 0; m && i < n; i++) {
		if (m->parent == above)
			return true;
		m = by_id(list, n, m->parent);
	}
	return false;
}

/* Whether what happens in peer group @group comes to @m: it is in it, or a
 * slave of it or of one of its slaves. */
static bool receives(const struct mountinfo *list, size_t n,
		     const struct mountinfo *m, unsigned group)
{
	unsigned master = m->master;

	if (m->shared == group)
		return true;
	for (size_t i = 0; master && i < n; i++) {
		unsigned next = 0;

		if (master == group)
			return true;
		for (size_t j = 0; j < n && !next; j++)
			if (list[j].shared == master)
				next = list[j].master;
		master = next;
	}
	return false;
}

/* Where @m stands, as a path within the file system of its @parent: what is
 * behind parent->root is the same for two parents that show the same. */
static char *place(const struct mountinfo *m, const struct mountinfo *parent)
{
	const char *root = strcmp(parent->root, "/") ? parent->root : "";
	const char *dir = strcmp(parent->dir, "/") ? parent->dir : "";
	size_t size = strlen(root) + strlen(m->dir) + 1;
	char *path;

	if (!mountinfo_path_below(m->dir, parent->dir))
		return NULL;
	path = malloc(size);
	if (path)
		snprintf(path, size, "%s%s", root, m->dir + strlen(dir));
	return path;
}

/* Whether the kernel unmounts @c when it unmounts @m. */
static bool goes_with(const struct mountinfo *list, size_t n,
		      const struct mountinfo *c, const struct mountinfo *m)
{
	const struct mountinfo *mp = by_id(list, n, m->parent);
	const struct mountinfo *cp = by_id(list, n, c->parent);
	AUTO_FREE char *here = NULL, *there = NULL;

	if (c->id == m->id || stands_on(list, n, c, m->id))
		return true;
	if (!mp || !cp || cp == mp || !mp->shared || cp->dev != mp->dev ||
	    !receives(list, n, cp, mp->shared) || has_child(list, n, c->id))
		return false;
	here = place(m, mp);
	there = place(c, cp);
	return here && there && !strcmp(here, there);
}

const struct mountinfo *clones_left(const struct mountinfo *list, size_t n,
				    const struct mountinfo *m)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].dev == m->dev && !goes_with(list, n, &list[i], m))
			return &list[i];
	return NULL;
}

static int load(const char *path, struct mountinfo **ret, size_t *ret_n)
{
	FILE *table = fopen(path, "re");
	int err;

	if (!table)
		return -errno;
	err = mountinfo_load(table, ret, ret_n);
	fclose(table);
	return err;
}

static int look_here(const struct mountinfo *m, char **ret)
{
	const struct mountinfo *left;
	struct mountinfo *list = NULL;
	size_t n = 0;
	int err = load("/proc/self/mountinfo", &list, &n);

	if (err)
		return err;
	left = clones_left(list, n, m);
	if (left) {
		*ret = strdup(left->dir);
		err = *ret ? 1 : -ENOMEM;
	}
	mountinfo_free(list, n);
	return err;
}

static bool same_namespace(const char *theirs)
{
	char a[64] = "", b[64] = "";

	/* What cannot be seen is taken for the same: it is not looked into. */
	return readlink(theirs, a, sizeof a - 1) < 0 ||
	       readlink("/proc/self/ns/mnt", b, sizeof b - 1) < 0 ||
	       !strcmp(a, b);
}

static int look_at_home(const struct mountinfo *m, pid_t daemon, char **ret)
{
	struct mountinfo *list = NULL;
	char path[64];
	size_t n = 0;
	int err = 0;

	snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)daemon);
	if (same_namespace(path))
		return 0;
	snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)daemon);
	if (load(path, &list, &n))
		return 0;
	for (size_t i = 0; !err && i < n; i++) {
		if (list[i].dev != m->dev)
			continue;
		err = asprintf(ret, "%s in the mount namespace of process %d",
			       list[i].dir, (int)daemon) < 0
			      ? -ENOMEM
			      : 1;
	}
	mountinfo_free(list, n);
	return err;
}

int clones_look(const struct mountinfo *m, pid_t daemon, char **ret,
		struct why *why)
{
	int err = look_here(m, ret);

	if (!err && daemon > 0)
		err = look_at_home(m, daemon, ret);
	if (err < 0)
		return why_set(why, err, "/proc/self/mountinfo: %s",
			       strerror(-err));
	return err;
}
