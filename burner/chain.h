/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_CHAIN_H
#define BURNER_CHAIN_H

/*
 * The sessions of an overwritable medium.  Its head names the last session
 * only; the others are found in one of two ways.
 *
 * Native chain, as xorriso writes and follows it: the first session's
 * superblock is at block 32 + 16, and each next session begins at the end of
 * the one before, rounded up to DISC_SESSION_ALIGN.
 *
 * Foreign image: it has its own session at block 0, so that there is nothing
 * at block 32, and its superblock is overwritten when it grows.  Therefore
 * **each session that discfs writes onto a medium without a native chain
 * carries a copy of the head that it replaces**: a file of DISC_HEAD_BYTES,
 * hidden from all trees, of the highest sort weight, so that it lies within
 * the first CHAIN_COPY_SEARCH blocks behind the tree's checksum tag (behind
 * the volume descriptors, where there are no tags).  The copies lead back from
 * session to session: each holds libisofs' checksum tag with the start of the
 * session before, except the oldest, which is the foreign head itself.  The
 * foreign session is then listed with the lba of that copy: a superblock at
 * lba + 16 whose addresses are absolute, so it can be imported from there.
 */

#include <stdbool.h>

#include "burner/disc.h"

enum {
	CHAIN_COPY_SEARCH = 256, /* blocks */
	CHAIN_MAX = 100000,      /* sessions */
};

/* chain_align - @lba rounded up to where a session can begin. */
uint64_t chain_align(uint64_t lba);

/*
 * chain_next - where the next session begins on a medium with @head, whose last
 * session, at @last_lba, ends before block @end_lba.  Behind a foreign image
 * never at block 32, where it would look like the first one of a native chain,
 * and never in what lies behind the volume (partitions.h, tail.h).
 */
uint64_t chain_next(struct disc *disc, const void *head, uint32_t last_lba,
		    uint64_t end_lba);

/*
 * chain_place_next - the fields of @m that say where the last of the @n
 * @sessions is, what lies behind it, and where the next one begins; m->head_lba
 * and m->end_lba, what the head says, are there.
 */
void chain_place_next(struct disc *disc, const void *head,
		      const struct disc_session *sessions, size_t n,
		      struct medium *m);

/*
 * chain_is_native - whether the medium has its first session at block 32, and
 * with it a chain that needs no copies of heads.  @head: DISC_HEAD_BYTES.
 * Returns 1, 0, or -EIO.
 */
int chain_is_native(struct disc *disc, const void *head);

/*
 * chain_last - where the session begins that @head describes: 0 for a foreign
 * image that did not grow.  Returns 0, -EIO, -EMEDIUMTYPE (no ISO 9660).
 */
int chain_last(struct disc *disc, const void *head, uint32_t *ret_lba);

/*
 * chain_sessions - as disc_sessions, for the medium with @head.
 */
int chain_sessions(struct disc *disc, const void *head,
		   struct disc_session **ret, size_t *ret_n, struct why *why);

#endif
