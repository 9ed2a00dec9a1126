/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

/*
 * What stands behind -o: the options of mount.discfs(8), and those that
 * mount(8) and fstab(5) pass to every helper.
 *
 *	options_init	the defaults for the calling user
 *	options_parse	once for each -o, in order: what comes later wins
 *	options_finish	settles what depends on several of them
 *	options_release
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/why.h"
#include "fs/fuse.h"
#include "fs/volume.h"

enum options_text {
	OPTIONS_STAGE_ROOT,
	OPTIONS_STAGE_FROM,
	OPTIONS_LABEL,
	OPTIONS_TEXTS,
};

struct options {
	struct volume_opts volume; /* source is the caller's to fill in */
	struct mount_opts mount;   /* dir and source likewise */
	unsigned session_number; /* -o session=: as in "discfs log"; 0: none */
	bool remount;
	/* Those that a remount cannot change, NAME or NAME=VALUE, each ended by
	 * a newline; NULL: none. */
	char *of_disc;
	bool nofail; /* a missing disc is no failure, and no word */

	/* for options.c alone */
	char *texts[OPTIONS_TEXTS]; /* what the pointers above point to */
	bool commit_given, commit_manual, commit_unmount, commit_sync;
	bool generic_sync;
};

void options_init(struct options *o);
void options_release(struct options *o);

/*
 * options_parse - take the comma-separated options of @text.  A value that
 * holds a comma stands in double quotes, as in mount(8).
 * @sloppy: options that are not known are passed over (mount -s).
 * Returns 0, -EINVAL with @why for an unknown option or a wrong value,
 * -ENOMEM.
 */
int options_parse(struct options *o, const char *text, bool sloppy,
		  struct why *why);

/* options_finish - 0, or -EINVAL with @why for options that exclude each
 * other. */
int options_finish(struct options *o, struct why *why);

#endif
