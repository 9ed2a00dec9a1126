/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_TAIL_H
#define BURNER_TAIL_H

/*
 * Inside burner/ only: what lies behind the volume that the head of an image
 * file describes.  That may be nothing, zeros, the rest of a burn of ours, the
 * error correction data of dvdisaster, a partition, or the later sessions of a
 * write-once disc that was copied block by block: of such a dump the head is
 * the first session's.
 *
 * Nothing of it is overwritten but zeros and what is known to be ours.  A
 * session counts as one if the root folder that its descriptor leads to stands
 * at the address that the folder itself tells: an image that is some file's
 * content counts from its own start.  One by libisofs must have its checksum
 * tags up to its end, too: what a burn left that did not end has not.
 *
 * What was found is kept until the file changes.  A medium in a drive is not
 * looked at: what such ones hold behind the volume is what they held before it.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "burner/volume.h"

struct tail_session {
	uint32_t lba;
	uint64_t end_lba; /* one behind it, as far as it tells */
	struct volume volume;
};

/* What the file was like when it was looked at. */
struct tail_key {
	uint64_t from, to; /* bytes */
	uint64_t own_lba;
	int64_t size;
	struct timespec mtime;
};

/* Part of struct disc; a leaf lock of its own guards it, and is held over
 * reading, so that two do not read the same. */
struct tails {
	pthread_mutex_t lock;
	uint64_t own_lba, own_blocks;
	struct {
		bool valid;
		struct tail_key key;
		uint64_t end;
	} last;
	struct {
		bool valid;
		struct tail_key key;
		struct tail_session *v;
		size_t n;
	} found;
};

void tails_init(struct tails *t);
void tails_release(struct tails *t);

/*
 * tail_own - the @blocks blocks from @lba on are ours, whatever stands there: a
 * burn that is under way.  0 blocks: none are.
 */
void tail_own(struct disc *disc, uint64_t lba, uint64_t blocks);

/*
 * tail_end - one behind the last block from block @from on that holds anything
 * but zeros and is not ours; @from if there is none.  What cannot be read
 * counts as something.
 */
uint64_t tail_end(struct disc *disc, uint64_t from);

/*
 * tail_partitions - partitions_end of @head, with what the file had before
 * what is ours.
 */
uint64_t tail_partitions(struct disc *disc, const void *head);

/*
 * tail_sessions - the sessions that begin in blocks @from to @to, in order, at
 * most TAIL_SEARCH blocks behind the end of the one before.
 * Returns 0 or -ENOMEM; the caller frees *@ret.
 */
enum { TAIL_SEARCH = 1 << 17 };
int tail_sessions(struct disc *disc, uint64_t from, uint64_t to,
		  struct tail_session **ret, size_t *ret_n);

/* tail_has_root - whether the root folder of @vol names itself as that does. */
bool tail_has_root(struct disc *disc, const struct volume *vol);

/*
 * tail_of_root - the session whose own root folder is that of @head, where it
 * begins less than TAIL_ROOT blocks in front of that: another program's, which
 * wrote its descriptors into the head.  Returns 1, 0, -EIO.
 */
enum { TAIL_ROOT = 1024 };
int tail_of_root(struct disc *disc, const struct volume *head,
		 uint32_t *ret_lba);

/*
 * tail_words - a line into @buf (TAIL_WORDS bytes) about what lies between
 * block @from and @end.
 */
enum { TAIL_WORDS = 256 };
void tail_words(struct disc *disc, uint64_t from, uint64_t end,
		bool is_partition, char *buf);

#endif
