/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_UDF_H
#define BURNER_UDF_H

/*
 * Whether a disc holds a UDF file system, and what that
 * says of itself.  Readers find it in two ways, and some need one of them only:
 * by its recognition sequence (ECMA-167 2/9.1), from block 16 of a session on,
 * and by an anchor (3/10.2) at block 256 of it or at the end.
 */

#include <stdbool.h>
#include <stdint.h>

#include "burner/disc.h"

struct udf_volume {
	bool recognized;     /* there is a recognition sequence */
	bool anchored;	     /* there is an anchor whose sums are right */
	uint32_t anchor_lba; /* the first that was found */
	char label[128];     /* UTF-8; "": none, or it cannot be read */
	/* What the integrity descriptor counts (UDF 2.2.6.4). */
	bool counted;
	uint32_t files, folders; /* its root is one */
};

/*
 * udf_look - inside burner/ only: the UDF file system of the session at @lba;
 * on an overwritable medium (@whole), whose last session ends before block
 * @end_lba, one that counts from its start too.  What cannot be read or has
 * wrong sums is not there.  Returns whether there is one.
 */
bool udf_look(struct disc *disc, uint32_t lba, bool whole, uint64_t end_lba,
	      struct udf_volume *ret);

#endif
