/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_CONTENTS_H
#define BURNER_CONTENTS_H

/*
 * Which file systems a session holds, and by what a machine can boot from it.
 * Only what identifies them is read, and for the level of ISO 9660 some
 * folders: what is found here need not be sound.
 */

#include <stdbool.h>
#include <stdint.h>

#include "burner/disc.h"
#include "common/why.h"

struct contents {
	bool iso9660;
	char volume_id[33];
	int64_t created; /* seconds since the epoch, 0: not given */
	/*
	 * Level of interchange, ECMA-119 10: 1 to 3; 0: names beyond all
	 * levels.  It is that of the tree of the primary descriptor as far as
	 * it was looked at, so at least this where @level_partial is set.
	 */
	unsigned level;
	bool level_partial;
	bool enhanced; /* ISO 9660:1999, a second tree of its own */
	bool rock_ridge;
	unsigned joliet_level; /* of UCS-2, 1 to 3; 0: no Joliet */
	bool el_torito;
	bool udf;
	bool hfs_plus, hfs; /* in an Apple partition, or over all of it */
	bool mbr, gpt, apm; /* partition tables */
};

/*
 * contents_look - what is in the session at @lba of @disc.
 * Returns 0, -EIO with @why, -ENOMEM.  What is not there or makes no sense is
 * not there in @ret.
 */
int contents_look(struct disc *disc, uint32_t lba, struct contents *ret,
		  struct why *why);

#endif
