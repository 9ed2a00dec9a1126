/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_CONTENTS_LEVEL_H
#define BURNER_CONTENTS_LEVEL_H

/*
 * Inside burner/ only: the level of interchange of an ISO 9660 tree.  No
 * descriptor tells it; the names do, and files in more than one section.
 */

#include <stdbool.h>

#include "burner/disc.h"
#include "burner/volume.h"

/*
 * contents_level - that of the tree of @vol, as in struct contents.  At most
 * one MiB of folders is read; @ret_partial tells that there are more.
 * Returns 0, -EIO, -ENOMEM.
 */
int contents_level(struct disc *disc, const struct volume *vol,
		   unsigned *ret_level, bool *ret_partial);

#endif
