/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_TREE_SUMS_H
#define BURNER_TREE_SUMS_H

/*
 * Inside burner/ only: the checksums that libisofs writes behind a session's
 * descriptors and behind its tree, compared with what can be read, as libisofs
 * does at the start of an import.  It reads the whole tree for that; here a
 * thread does it while others walk over the same blocks.
 *
 * A session without such checksums passes, as it does there.
 */

#include <stdbool.h>
#include <stdint.h>

#include "burner/disc.h"
#include "common/why.h"

struct tree_sums;

/*
 * tree_sums_begin - of the session at block @start of @disc, which must outlive
 * it (0: the head, and the session that it names).  What has one head to read
 * with, a drive, is read before it returns.
 * @changeable: others may have changed what stands in front of the tree, which
 * is no damage (head.h); without the blocks that were summed the sums of such a
 * tree tell nothing, and it passes.
 * Returns 0, -ENOMEM, -EAGAIN (no thread).
 */
int tree_sums_begin(struct disc *disc, uint32_t start, bool changeable,
		    struct tree_sums **ret);

/*
 * tree_sums_end - wait for the verdict: 0, or -EIO with @why: a checksum does
 * not match, or a block cannot be read.  Releases @t.
 */
int tree_sums_end(struct tree_sums *t, struct why *why);

/* tree_sums_drop - the verdict is not wanted any more.  NULL is fine. */
void tree_sums_drop(struct tree_sums *t);

#endif
