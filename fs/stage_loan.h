/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_LOAN_H
#define FS_STAGE_LOAN_H

/*
 * A stage whose disc is lost is burned to another one by a stage of its own:
 *
 *   lender    the lost disc's stage.  Its rows, binding, intent and bytes stay
 *             as they are, so that nothing is lost with the new disc, and all
 *             is as before should the old one turn up.
 *   borrower  the new disc's stage: bound to that, with rows that were made of
 *             the lender's (stage_salvage.h).  Its data file is the lender's,
 *             by a hard link: however much is staged, no byte is copied.
 *
 * What keeps the two apart:
 *
 *   1. A lender gets no owner (stage_open without @readonly: -EBUSY), since it
 *      would punch out what only the borrower's rows name.  It lends as long as
 *      another stage's "data" is the same inode: no note that could be wrong.
 *   2. The borrower's loading claims the ranges of the lender's rows as well
 *      (stage_loan_claim).  So what they name is never written in place, never
 *      punched, and the file is never cut.
 *   3. There is one borrower at a time, and a stage that borrows does not lend:
 *      two owners would hand out the same ranges.
 *
 * The loan ends with the borrower: once all of it is burned and read back, its
 * mount removes it as any empty stage, or "discfs stage drop" does.  The lender
 * stays until somebody drops it; that harms no borrower, whose link keeps the
 * bytes.
 *
 * A power cut or a kill leaves
 *
 *   while the borrower is made   a folder ".new-ID", which does not count; the
 *                                next stage that is made, or the lender's next
 *                                owner, removes it
 *   once it is there             both; a mount of the new disc finds the
 *                                borrower, as any stage of a disc that is blank
 *   in the burn                  the same, with the borrower's intent
 *   after the burn               the borrower, to be recovered or dropped
 *
 * The lender is marked as lent (stage_is_lent) before the borrower is made.  A
 * marked stage is its disc's by the digest alone: what is at its path, or has
 * its inode, is taken for the disc that took its place.  Its own disc takes the
 * mark away.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/why.h"
#include "fs/stage.h"

/*
 * stage_lend - make the borrower of @lender, which is owned, in the same
 * folder: bound to @b, with the rows @rows; @missing is how many of the
 * lender's files they lack.  It is owned and not loaded; the caller closes
 * both.
 * Returns 0, -EBUSY (it lends already, or borrows), -EOPNOTSUPP (a file
 * system without hard links), or as stage_create.
 */
int stage_lend(struct stage *lender, const struct stage_binding *b,
	       const struct stage_batch *rows, uint64_t missing,
	       struct stage **ret, struct why *why);

/* stage_lender - the id of the stage that @st borrows from, also once that is
 * gone, and what it lacks of it; NULL: it does not borrow. */
const char *stage_lender(const struct stage *st, uint64_t *ret_missing);

/* stage_is_lent - whether its changes were taken to another disc, and its own
 * has not been seen since. */
bool stage_is_lent(const struct stage *st);

/*
 * stage_borrower - the stage that borrows from the one named @id below @root.
 * Returns 1 with *@ret_id (heap), 0 or -errno.
 */
int stage_borrower(const char *root, const char *id, char **ret_id);

/*
 * stage_loan_claim - while @st is loaded: claim what the lender's rows name.
 * 0, also where it does not borrow or the lender is gone; or -errno with @why.
 */
int stage_loan_claim(struct stage *st, struct why *why);

#endif
