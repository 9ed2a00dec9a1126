/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_MOUNTINFO_H
#define CLI_MOUNTINFO_H

/*
 * Which mount stands on a folder, by /proc/self/mountinfo (proc(5)).  Nothing
 * here touches a mount: a hung or dead one can still be found.
 */

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/why.h"

struct mountinfo {
	unsigned id, parent;
	dev_t dev;
	char *root; /* what of the file system it shows: "/", or what was bound */
	char *dir;  /* heap, like root, type and source; escapes decoded */
	char *type; /* "fuse.discfs" */
	char *source;
	uid_t owner; /* who mounted it: user_id= of FUSE; else 0 */
	bool readonly;
	unsigned shared, master; /* peer groups (mount_namespaces(7)); 0: none */
};

/* mountinfo_release - free the strings; takes a zeroed one as well. */
void mountinfo_release(struct mountinfo *m);

/* mountinfo_is_discfs - whether it is one of ours. */
bool mountinfo_is_discfs(const struct mountinfo *m);

/*
 * mountinfo_find_dir, mountinfo_find_source - the mount in @table on @dir (an
 * absolute path as the kernel shows it), of several the one on top; or the last
 * discfs mount of @source.
 * Returns 1 with @ret filled (the caller releases it), 0 when there is none,
 * -ENOMEM.  Lines that are not understood are passed over.
 */
int mountinfo_find_dir(FILE *table, const char *dir, struct mountinfo *ret);
int mountinfo_find_source(FILE *table, const char *source,
			  struct mountinfo *ret);

/*
 * mountinfo_load - all mounts in @table, of any type, in its order; the caller
 * gives them to mountinfo_free.  Returns 0 or -ENOMEM.
 */
int mountinfo_load(FILE *table, struct mountinfo **ret, size_t *ret_n);
void mountinfo_free(struct mountinfo *list, size_t n);

/*
 * mountinfo_lookup - the discfs mount that @path means: the folder that it is
 * mounted on, or, with @by_source, also the image or drive.
 * Returns 1, 0 (no discfs mount there), or -errno with @why.
 */
int mountinfo_lookup(const char *path, bool by_source, struct mountinfo *ret,
		     struct why *why);

/*
 * mountinfo_refuse - -EBUSY with @why if there is a discfs mount that @path
 * means, as mountinfo_lookup with @by_source; else 0 or -errno.
 */
int mountinfo_refuse(const char *path, struct why *why);

/*
 * mountinfo_canonical - @dir absolute and without symbolic links, the last
 * component not looked at.  Heap; NULL with errno set.
 */
char *mountinfo_canonical(const char *dir);

/* mountinfo_path_below - whether @path is @dir or below it, as texts. */
bool mountinfo_path_below(const char *path, const char *dir);

#endif
