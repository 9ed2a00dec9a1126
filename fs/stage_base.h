/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_BASE_H
#define FS_STAGE_BASE_H

/*
 * The base that a stage's changes were made to, looked up on a disc.
 */

#include "burner/disc.h"
#include "fs/stage.h"

/*
 * stage_base_digest - the digest of the session that begins where @b's base
 * does, read as that was; whether it is the same is for the caller to compare.
 * Not for a stage whose disc was blank.
 * Returns 0, or what import_session does, with @why (may be NULL).
 */
int stage_base_digest(const struct stage_binding *b, struct disc *disc,
		      unsigned char ret[sizeof b->digest], struct why *why);

#endif
