/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_DISC_OPS_H
#define BURNER_DISC_OPS_H

/*
 * Inside burner/ only: what a kind of disc (image file, drive) implements.
 * disc.c holds what all kinds share and calls these; the contracts are those
 * of disc.h.  A kind embeds struct disc as its first member.
 */

#include "burner/beside.h"
#include "burner/disc.h"
#include "burner/doubt.h"
#include "burner/tail.h"

struct burn_drive;
struct burn_write_opts;

struct disc_ops {
	/* May be called again at any time; fills all of @ret. */
	int (*look)(struct disc *disc, struct medium *ret, struct why *why);
	/* NULL: as look */
	int (*look_again)(struct disc *disc, struct medium *ret,
			  struct why *why);
	int (*read)(struct disc *disc, void *buf, size_t len, uint64_t pos);
	/* DISC_HEAD_BYTES; zeros where a short image file ends. */
	int (*read_head)(struct disc *disc, void *head);
	/* -EROFS where the medium is not writable or has no such head. */
	int (*write_head)(struct disc *disc, const void *head,
			  struct why *why);
	/* NULL: along the superblocks (chain.h). */
	int (*sessions)(struct disc *disc, struct disc_session **ret,
			size_t *ret_n, struct why *why);
	/* NULL: the end of what can be read. */
	uint64_t (*session_end)(struct disc *disc, uint32_t lba);
	void (*eject)(struct disc *disc); /* NULL: there is no tray */
	int (*identity)(struct disc *disc, uint64_t *ret_dev, uint64_t *ret_ino,
			char serial[64]);
	/* How many bytes can be read, from the start of the medium on. */
	uint64_t (*readable)(struct disc *disc);
	/* NULL: everything is where it seems. */
	uint64_t (*place)(struct disc *disc, uint64_t lba,
			  uint64_t *len_bytes);

	/*
	 * What a session is written by (burn.c), in this order.  -EIO and
	 * others with @why.
	 *
	 * prepare     the medium can be written from now on: one that is
	 *	       blank and has to be formatted first, is.  NULL: nothing
	 * burn_begin  the drive of libburn that is written to; until burn_end
	 *	       nobody else uses it, and who reads waits
	 * burn_choose what it is to be told, beside what all kinds have in
	 *	       common; returns whether a track at once is better than
	 *	       what libburn prefers
	 * burn_end    libburn has ended, well or not
	 * burn_sync   all of the session's @blocks from @nwa on are durable
	 *	       and can be read
	 * burn_undo   instead, or afterwards: the session does not count.  The
	 *	       next one can be written, as far as the medium allows
	 */
	int (*prepare)(struct disc *disc, const struct burn_settings *settings,
		       struct why *why);
	int (*burn_begin)(struct disc *disc, struct burn_drive **ret,
			  struct why *why);
	bool (*burn_choose)(struct disc *disc, uint64_t nwa,
			    const struct burn_settings *settings,
			    struct burn_write_opts *opts);
	void (*burn_end)(struct disc *disc);
	int (*burn_sync)(struct disc *disc, uint64_t nwa, uint64_t blocks,
			 struct why *why);
	void (*burn_undo)(struct disc *disc);
	/*
	 * erase	@blocks from @lba on, or all that the medium has of
	 *		them, read zero wherever somebody would look for
	 *		something (blank.h), durably.  Overwritable media only;
	 *		-EROFS where nothing can be written.
	 */
	int (*erase)(struct disc *disc, uint64_t lba, uint64_t blocks,
		     struct why *why);
	/* The @blocks blocks from @lba on are ours and not wanted; that they
	 * were zero or not there before is known.  NULL: they stay. */
	void (*discard)(struct disc *disc, uint64_t lba, uint64_t blocks);
	/* Whether it is between burn_begin and burn_end.  NULL: it can be read
	 * then. */
	bool (*is_burning)(struct disc *disc);
	/* NULL: always. */
	int (*in_place)(struct disc *disc, struct why *why);
	/* NULL: never. */
	bool (*trouble)(struct disc *disc, struct why *why);

	/* Releases all but @disc's own fields, then @disc. */
	void (*free)(struct disc *disc);
};

/*
 * disc_note_head - what @head (DISC_HEAD_BYTES) of an overwritable medium tells
 * of who changed it, into @m.
 */
void disc_note_head(const unsigned char *head, struct medium *m);

struct disc {
	const struct disc_ops *ops;
	/* Absolute.  It can be another one from one moment to the next. */
	char *_Atomic path;
	int fd;	    /* see disc_fd */
	struct doubts doubts;
	struct beside beside;
	struct tails tails;
	char tail_note[TAIL_WORDS]; /* medium.tail_note */
};

/*
 * disc_readable - bytes that can be read, counted from the start of the
 * medium; runs of files beyond it cannot be there.
 */
uint64_t disc_readable(struct disc *disc);

/*
 * disc_place - where block @lba of @disc stands on the medium: elsewhere, maybe,
 * where @disc shows the medium as it was (head_view.h).  Of *@len_bytes from
 * there on, more than 0, those are left that stand in one piece.
 */
uint64_t disc_place(struct disc *disc, uint64_t lba, uint64_t *len_bytes);

/*
 * disc_session_end - one behind the last block of the session that begins at
 * @lba, as far as the medium tells: what its files have behind that, it does
 * not hold.
 */
uint64_t disc_session_end(struct disc *disc, uint32_t lba);

/*
 * image_disc_open - the image file at params->path, which is absolute where
 * it exists.  As disc_open.
 */
int image_disc_open(const struct disc_params *params, struct disc **ret,
		    struct why *why);

/*
 * drive_disc_open - the medium in the optical drive at params->path, which is
 * the drive's until disc_free: nobody else opens it, and its tray is locked.
 * -ENOTSUP: no optical drive.
 */
int drive_disc_open(const struct disc_params *params, struct disc **ret,
		    struct why *why);

/*
 * drive_disc_parts - the drive of @disc, and what that said of its medium at
 * the last look; both @disc's own.  Returns false if it is no drive's.
 */
struct drive;
struct drive_state;
bool drive_disc_parts(struct disc *disc, struct drive **ret_drive,
		      const struct drive_state **ret_state);

#endif
