/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_GUESS_H
#define BURNER_GUESS_H

/* Inside burner/ only: what something that is no ISO 9660 looks like. */

#include <stddef.h>

#include "burner/disc.h"

enum { GUESS_TEXT = 160 };

/*
 * guess - in words, behind "it looks like ": "a file system, btrfs named
 * 'HOME'"; "" where nobody knows.  By libblkid, and by some beginnings that are
 * none of a file system.  Of a medium in a drive its first MiB is looked at.
 */
void guess(struct disc *disc, char ret[GUESS_TEXT]);

#endif
