/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_HEAD_VIEW_H
#define BURNER_HEAD_VIEW_H

/*
 * Inside burner/ only: a medium as it was before discfs put a superblock over
 * the one that it had.
 *
 * The first session of a foreign image stands at block 0 (chain.h).  What it
 * has in the first DISC_HEAD_BYTES is the next sessions' by now: descriptors,
 * checksum tags that name block 0, continuation areas, maybe a folder or a
 * file.  All of that is in the copy of the head that the second session keeps.
 * So the view is a disc that reads the head from the copy and all else from
 * the medium, and that session is imported from it like any at block 0.
 */

#include "burner/disc.h"

/*
 * head_view_open - where the session that is listed at @lba is one of which
 * only a copy of its head is left there: the medium as it was.  *@ret is NULL
 * where it is any other session.  The view is read only and has no descriptor
 * (disc_fd); it must be freed before @disc is.
 * Returns 0, -ENOMEM, -EIO with @why.
 */
int head_view_open(struct disc *disc, uint32_t lba, struct disc **ret,
		   struct why *why);

#endif
