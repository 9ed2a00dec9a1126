/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_DATA_H
#define FS_STAGE_DATA_H

/*
 * The stage's data file: where the bytes of changed files are.
 *
 * Ranges are handed out at the end of the file and never a second time, so
 * that no record can name bytes that became another file's; what is free is
 * punched out (the file is sparse), and once nothing is in use the file is cut
 * to nothing and begins anew.
 *
 * When a free range may be punched (the reuse rule, docs/stage-format.md):
 *   1. nobody refers to it: the last reference was dropped;
 *   2. the records on the disk do not either: a transaction whose cut came
 *      after that is durable (stage_data_cut, stage_data_cut_done);
 *   3. no snapshot for a commit was taken before and is still held
 *      (stage_data_freeze, stage_data_thaw);
 *   4. all reads and writes in flight that may have looked it up have ended
 *      (stage_data_pin, stage_data_unpin).
 *
 * References: a range handed out has one.  A clone adds one
 * (stage_data_ref), dropping an extent takes one away (stage_data_unref); both
 * take any part of a range.
 *
 * All functions may be called from any thread; the lock inside is a leaf, and
 * none of the functions but open, sync, cut_done, thaw, drain and unpin does
 * I/O (punching, outside of the lock).  Where memory runs out, ranges stay
 * until the next open, which finds what is unused; never the other way.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/why.h"

struct stage_data;

/*
 * stage_data_open - open or make the file "data" in @dirfd (not kept); who has
 * it made syncs @dirfd.
 * @readonly: for looking at a stage; nothing can be allocated.
 * Ranges in use are declared by stage_data_claim before anything else.
 */
int stage_data_open(int dirfd, bool readonly, struct stage_data **ret,
		    struct why *why);
void stage_data_free(struct stage_data *d);

/* The descriptor to read from and write to at positions; owned by @d. */
int stage_data_fd(const struct stage_data *d);

/* stage_data_claim - a loaded record refers to the range: adds a reference.
 * Returns -ERANGE if it reaches behind the end of the file: the record is bad.
 */
int stage_data_claim(struct stage_data *d, uint64_t pos, uint64_t len);

/*
 * stage_data_claimed - loading is over: what nothing claimed is free, and
 * punched after the next durable transaction.
 * *@ret_shared (array of n pos/len pairs, sorted and apart, caller frees) are
 * ranges claimed more than once, for which the extents are to be marked shared.
 */
struct data_range {
	uint64_t pos, len;
};
int stage_data_claimed(struct stage_data *d, struct data_range **ret_shared,
		       uint32_t *ret_n);

/*
 * stage_data_alloc - a new range of @len bytes for file offset @off.
 * *@ret_pos is congruent to @off modulo 4096.  Returns 0, -EFBIG at the end of
 * the addresses.  Space on the disk is taken by the writing only.
 */
int stage_data_alloc(struct stage_data *d, uint64_t len, uint64_t off,
		     uint64_t *ret_pos);
void stage_data_ref(struct stage_data *d, uint64_t pos, uint64_t len);
void stage_data_unref(struct stage_data *d, uint64_t pos, uint64_t len);

/* The current generation; and whether an extent written in generation @gen may
 * be overwritten in place (it may not while a snapshot holds it). */
uint32_t stage_data_gen(const struct stage_data *d);
bool stage_data_writable(const struct stage_data *d, uint32_t gen);

/*
 * stage_data_pin - I/O on looked-up ranges begins (take it before the tree
 * lock is dropped); stage_data_unpin with the same value when it is over.
 */
unsigned stage_data_pin(struct stage_data *d);
void stage_data_unpin(struct stage_data *d, unsigned pin);

/*
 * stage_data_cut - the rows of a transaction are being captured (call with the
 * tree lock held): what was freed so far is not named by them.
 * stage_data_cut_done - that transaction is durable (or failed: @durable
 * false, and the ranges wait for the next one).  One cut at a time.
 */
void stage_data_cut(struct stage_data *d);
void stage_data_cut_done(struct stage_data *d, bool durable);

/*
 * stage_data_freeze - a snapshot begins (tree lock held): raises the
 * generation, and what is freed from now on is kept until stage_data_thaw.
 * stage_data_drain - wait until all I/O that was pinned before the call ended
 * (no lock held): after freeze + drain nobody writes into frozen bytes.
 */
void stage_data_freeze(struct stage_data *d);
void stage_data_drain(struct stage_data *d);
void stage_data_thaw(struct stage_data *d);

/*
 * stage_data_sync - make all written bytes durable (fdatasync).  0 or -errno;
 * an error stays until the file is opened again: the bytes may be lost, and
 * the kernel says so only once.
 */
int stage_data_sync(struct stage_data *d);

/* stage_data_read - exactly @len bytes at @pos.  0, or -EIO. */
int stage_data_read(struct stage_data *d, void *buf, size_t len, uint64_t pos);

/* Bytes that something refers to; and what the file system below can still
 * take. */
uint64_t stage_data_used(const struct stage_data *d);
uint64_t stage_data_room(const struct stage_data *d);

#endif
