/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_MEDIUM_INFO_H
#define BURNER_MEDIUM_INFO_H

/*
 * All that can be told of a medium, in a drive or an image file, whatever is
 * on it.  The drive is ours until medium_info_release; an image file is only
 * read, unless it is to be changed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "burner/contents.h"
#include "burner/disc.h"
#include "common/why.h"

struct medium_info {
	struct disc *disc;
	/*
	 * What the disc holds could not be read, or only a part of it: a line
	 * about that.  Else "".  The drive's own word of the medium is there
	 * in any case.
	 */
	char trouble[400];
	struct medium medium;	       /* its strings live as long as this */
	struct disc_session *sessions; /* oldest first */
	size_t sessions_n;
	struct contents contents; /* of the last session that can be read */

	/* Of an image file only: as it was looked at. */
	struct stat image;

	/* Of a drive only. */
	bool is_drive;
	/* Without blanks at the end; "" where it does not tell. */
	char vendor[9], product[17], revision[5], serial[64];
	int profile; /* MMC-6 5.3.1; 0: no medium */
	/* By its own word, whatever is on it; an overwritable medium is always
	 * DISC_BLANK. */
	enum disc_status drive_status;
	char kind[40];		/* the type in short: "DVD-RW"; of an image
				 * file too */
	bool erasable;		/* can be blanked or formatted anew */
	bool unformatted;	/* overwritable, and not yet formatted */
	bool damaged;		/* its last track has to be closed */
	char *media_id;		/* as pressed into it; NULL: it does not tell */
	char *manufacturer;	/* by that; NULL: not known */
	unsigned *write_speeds; /* bytes a second, the fastest first */
	size_t write_speeds_n;
};

/*
 * medium_info_open - looks at the drive or image at @path.  With @to_change an
 * image file is locked, and opened for writing where that is possible.
 * Returns 0, even where there is no medium or it cannot be read; else
 * -errno of opening it, with @why; -EBUSY: the image is locked.
 */
int medium_info_open(const char *path, bool to_change, struct medium_info *ret,
		     struct why *why);
void medium_info_release(struct medium_info *m);

/*
 * medium_info_look - again, after the medium was changed.  The same @m.
 * Returns 0 or -errno with @why.
 */
int medium_info_look(struct medium_info *m, struct why *why);

#endif
