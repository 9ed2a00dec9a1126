/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/utab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <libmount/libmount.h>

#include "cli/mountinfo.h"

static int fill(struct libmnt_fs *fs, const char *source, const char *dir)
{
	int err;

	/* helper= is for root's umount, uhelper= for everybody else's. */
	err = mnt_fs_set_source(fs, source);
	if (!err)
		err = mnt_fs_set_target(fs, dir);
	if (!err)
		err = mnt_fs_set_fstype(fs, "fuse.discfs");
	if (!err)
		err = mnt_fs_set_options(fs, "helper=discfs,uhelper=discfs");
	return err;
}

/* @fs NULL: the entry of @dir goes. */
static int update(const char *dir, struct libmnt_fs *fs)
{
	struct libmnt_update *u = mnt_new_update();
	int err;

	if (!u)
		return -ENOMEM;
	err = mnt_update_set_fs(u, 0, fs ? NULL : dir, fs);
	if (!err)
		err = mnt_update_table(u, NULL);
	else if (err > 0) /* there is nothing to do */
		err = 0;
	mnt_free_update(u);
	return err;
}

int utab_add(const char *source, const char *dir, struct why *why)
{
	struct libmnt_fs *fs;
	int err;

	if (geteuid() != 0)
		return 0;
	fs = mnt_new_fs();
	if (!fs)
		return -ENOMEM;
	err = fill(fs, source, dir);
	if (!err)
		err = update(dir, fs);
	mnt_unref_fs(fs);
	if (err > 0)
		err = -EIO;
	if (err)
		return why_set(why, err, "umount(8) cannot be told of us: %s",
			       strerror(-err));
	return 0;
}

void utab_remove(const char *dir)
{
	/* A stale entry does no harm; the next mount there replaces it.  There
	 * may be two (utab_cover). */
	if (geteuid() == 0 && !update(dir, NULL))
		update(dir, NULL);
}

static bool has_helper(const char *dir)
{
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_fs *fs = NULL;
	bool has;

	/* The kernel's table, with what utab knows beside it. */
	if (table && !mnt_table_parse_mtab(table, NULL))
		fs = mnt_table_find_target(table, dir, MNT_ITER_BACKWARD);
	has = fs && mnt_fs_get_option(fs, "helper", NULL, NULL) == 0;
	mnt_unref_table(table);
	return has;
}

void utab_cover(dev_t dev, const char *dropped)
{
	FILE *table = geteuid() == 0 ? fopen("/proc/self/mountinfo", "re")
				     : NULL;
	struct mountinfo *list = NULL;
	size_t n = 0;

	if (!table)
		return;
	if (mountinfo_load(table, &list, &n) < 0)
		n = 0;
	fclose(table);
	for (size_t i = 0; i < n; i++) {
		if (list[i].dev != dev)
			continue;
		if (dropped ? !strcmp(list[i].dir, dropped)
			    : !has_helper(list[i].dir))
			utab_add(list[i].source, list[i].dir, NULL);
	}
	mountinfo_free(list, n);
}
