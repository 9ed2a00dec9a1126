/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_DISC_H
#define BURNER_DISC_H

/*
 * A disc: the medium in a drive, or an image file standing for one.
 *
 * disc_open looks at the medium once; disc_look looks again (before a burn:
 * it may have been swapped, or written by another program).  Reading is by
 * byte position and bounded by what is readable: nothing that a disc says can
 * make us read outside of it.
 *
 * Blocks are of 2048 bytes (ECMA-119 6.1.2).  lba: logical block address.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/why.h"

#define DISC_BLOCK 2048u
/* The first 64 KiB: system area and volume descriptors, what an overwritable
 * medium keeps its superblock in. */
#define DISC_HEAD_BYTES 65536u
/* On overwritable media a session begins at a multiple of this many blocks,
 * the first one at this block. */
#define DISC_SESSION_ALIGN 32u

struct disc;
struct udf_volume;

enum disc_status {
	DISC_BLANK,       /* nothing on it, can be written */
	DISC_APPENDABLE,  /* holds sessions, takes one more */
	DISC_CLOSED,      /* holds sessions, takes no more */
	DISC_FOREIGN,     /* data that is not ISO 9660 */
	DISC_DAMAGED,     /* a burn failed: its last track has to be closed */
	DISC_PROTECTED,   /* may hold sessions; writing is switched off */
	DISC_UNSUPPORTED, /* the drive or libburn cannot use it */
	DISC_NONE,        /* no medium */
};

/* disc_status_word - "blank", "write-protected", "no medium", ... */
const char *disc_status_word(enum disc_status status);

/* What disc_look finds.  Strings live as long as the disc. */
struct medium {
	enum disc_status status;
	const char *type;          /* "image file", "DVD+R", ... */
	const char *why_not_writable; /* in words, NULL when it is writable */
	bool overwritable;         /* sessions are named by a superblock at block 16 */
	uint64_t capacity_blocks;  /* in all */
	uint64_t nwa;              /* where the next session starts */
	uint64_t free_blocks;      /* from nwa to the end, also bounded by the
				    * image's file system */
	uint32_t last_lba;         /* start of the last session (its superblock is
				    * at last_lba + 16); 0 also when blank */
	/*
	 * The last session that counts and can be read: those that
	 * disc_distrust was told of do not count.  Without one, and without
	 * any that cannot be read, the medium is as good as blank, whatever
	 * else stands on it.
	 */
	bool has_base;
	uint32_t base_lba;
	unsigned base_number; /* as disc_sessions has it, from 1 on */
	/* How many count behind the base, and cannot be read; and a line that
	 * says so, NULL for none. */
	unsigned unreadable;
	const char *damage;
	/*
	 * Of an overwritable medium: the session whose superblock is in the
	 * head, and whether another program changed the head since it was
	 * written.
	 */
	uint32_t head_lba;
	bool head_changed;
	/* What a person should know of it, a line each, NULL for none: of the
	 * head; of what lies behind the last session. */
	const char *head_note, *tail_note;
	uint64_t end_lba; /* one behind the last session */
	unsigned sessions;
	/* What a session costs beside its blocks: it is filled up to a
	 * multiple of these, and so many lie between its end and the start of
	 * the next one, or what closes the medium. */
	uint32_t write_blocks;
	uint32_t min_blocks; /* it is filled up to these */
	uint32_t end_blocks; /* behind its own, e.g. run-out blocks */
	uint32_t gap_blocks;
	/* So many it takes in all, where none of them had more tracks than one;
	 * 0: any number. */
	unsigned sessions_max;
	bool simulates; /* a session can be burned for a test */
	bool can_blank; /* "discfs blank" can make it blank again */
	/* Where the status is DISC_FOREIGN, what it may be, in words ("a file
	 * system, btrfs"); NULL: nobody knows. */
	const char *looks_like;
	/* The UDF file system beside the ISO 9660 that counts, or alone; NULL:
	 * none.  Nothing is written then: only one of both would stay what it
	 * is. */
	const struct udf_volume *udf;
	bool udf_forbids; /* that is what why_not_writable says */
};

/*
 * medium_overhead - blocks that a session of @blocks costs beside them:
 * filling, its end, and the gap before the next one.
 */
uint64_t medium_overhead(const struct medium *m, uint64_t blocks);

/* How a session is written to the medium in a drive.  All 0: as usual. */
struct burn_settings {
	bool close; /* the medium takes no further session afterwards */
	bool dummy; /* the laser stays off */
	/* At most so fast: in 1000 bytes a second, or as a multiple of what
	 * the medium's kind has for 1x.  Both 0: the fastest. */
	uint32_t speed_kbs, speed_x;
	/*
	 * Media with defect management: write at full speed, without looking
	 * at what was written (MMC-6 6.44.3.4, Streaming).
	 */
	bool stream;
};

/* medium_is_blank - it can be read or written, and there is nothing on it. */
static inline bool medium_is_blank(const struct medium *m)
{
	return !m->has_base && !m->unreadable && m->status != DISC_FOREIGN &&
	       m->status != DISC_NONE;
}

struct disc_session {
	uint32_t lba;
	uint64_t blocks;
	char volume_id[33];
	int64_t created;  /* seconds since the epoch, of the PVD
			     (ECMA-119 8.4.26) */
	bool passed_over; /* disc_distrust was told of it */
	bool copied;	  /* it began at block 0, where another head stands
			   * now; at lba is the copy of its own */
};

struct disc_params {
	const char *path;
	bool writable;          /* wanted; medium.why_not_writable tells why not */
	bool create;            /* make an image file that is not there */
	bool foreign;           /* open also what cannot be mounted, or read:
				 * disc_look has to be called then */
	uint64_t capacity_bytes; /* 0: an image may grow as its file system allows */
};

/*
 * disc_is_device_place - whether a file at @path, which is not there, would be
 * made where devices are: disc_open makes no image there.
 */
bool disc_is_device_place(const char *path);

/*
 * disc_open - open the drive or image at params->path and look at it.
 * An image that is opened writable is locked (OFD write lock on all of the
 * file) until disc_free; one opened read-only is not.  A file that cannot be
 * opened for writing is opened read-only, with why_not_writable set.
 * Returns 0, or -errno with @why filled: -ENOENT, -EISDIR, -EBUSY (another
 * mount has it), -EMEDIUMTYPE (neither blank nor ISO 9660,
 * unless params->foreign), ...
 */
int disc_open(const struct disc_params *params, struct disc **ret,
	      struct why *why);
void disc_free(struct disc *disc);

/*
 * disc_path - the absolute path it was opened by, or that disc_in_place found
 * it at last.  What was returned stays there as long as @disc.
 */
const char *disc_path(const struct disc *disc);

/*
 * disc_in_place - whether disc_path leads to the disc; an image that was moved
 * on its file system has its new path from now on.  Any thread.  A drive always
 * is.
 * Returns 0, or -ESTALE with @why, a clause: the image was deleted, replaced,
 * moved to where it cannot be followed, or cut short; -ENOMEM.
 */
int disc_in_place(struct disc *disc, struct why *why);

/*
 * disc_look - what is on the medium now.  Reads it afresh.
 * Returns 0 or -errno with @why.
 */
int disc_look(struct disc *disc, struct medium *ret, struct why *why);

/*
 * disc_look_again - the same, for who must find the medium that was there at
 * the last look.  Returns 0; -ESTALE where another one is in the drive, which
 * from now on is not read either; -ENOMEDIUM where none is, or the drive is
 * gone; or another -errno, with @why.
 */
int disc_look_again(struct disc *disc, struct medium *ret, struct why *why);

/*
 * disc_distrust - the session of a sequential medium that begins at @lba was
 * burned by us and failed, does not hold what it should, or is to be passed
 * over: from the next look on it does not count.  0 or -ENOMEM.
 */
int disc_distrust(struct disc *disc, uint32_t lba);

/*
 * disc_disregard - @blocks from @lba on are what a burn of ours left, or is
 * writing, on an overwritable medium that was blank: from the next look on they
 * do not count, whatever is in them.  0 blocks: all count again.
 */
void disc_disregard(struct disc *disc, uint64_t lba, uint64_t blocks);

/*
 * disc_refuse_foreign - -EMEDIUMTYPE, with what is known of @m, whose status is
 * DISC_FOREIGN, and the ways out in @why.
 */
int disc_refuse_foreign(const struct disc *disc, const struct medium *m,
			struct why *why);

/*
 * disc_give_up - the session that begins at @lba cannot be read, for @reason:
 * from the next look on an older one is the base, and nothing can be written.
 * 0 or -ENOMEM.
 */
int disc_give_up(struct disc *disc, uint32_t lba, const char *reason);

/* disc_eject - open the tray of a drive once @disc is freed. */
void disc_eject(struct disc *disc);

/*
 * disc_prepare - make a blank medium one that can be written at once, where it
 * has to be formatted first.  Nothing is ever lost by it.
 * Returns 0 or -errno with @why.
 */
int disc_prepare(struct disc *disc, const struct burn_settings *settings,
		 struct why *why);

/*
 * disc_fd - a descriptor from which the disc's bytes can be read and spliced
 * at their byte positions, or -1 where only disc_read works.  Owned by @disc.
 */
int disc_fd(const struct disc *disc);

/*
 * disc_read - read exactly @len bytes at byte @pos.  Any thread.
 * Returns 0, -EIO (unreadable, or behind the end of the medium).
 */
int disc_read(struct disc *disc, void *buf, size_t len, uint64_t pos);

/*
 * disc_trouble - whether the last reading of the medium failed; then @why says
 * what is wrong with it.  Takes the time of a reading that is under way.
 */
bool disc_trouble(struct disc *disc, struct why *why);

/*
 * disc_write_head, disc_read_head - the first DISC_HEAD_BYTES of an
 * overwritable medium; a short image file reads as if zeros followed.  Writing
 * returns after the bytes are durable and were read back equal.
 * Returns 0 or -errno.
 */
int disc_write_head(struct disc *disc, const void *head, struct why *why);
int disc_read_head(struct disc *disc, void *head);

/*
 * disc_sessions - all sessions that can be found, oldest first: along the
 * chain of superblocks on overwritable media (the one at block 32, then each
 * at the aligned end of the one before), by the table of contents elsewhere.
 * A foreign first session at block 0 is listed as long as its superblock
 * stands, and after that at the copy of its head that our first session keeps
 * (burner/chain.h).
 * Returns 0 or -errno; the caller frees *@ret.
 */
int disc_sessions(struct disc *disc, struct disc_session **ret, size_t *ret_n,
		  struct why *why);

/*
 * disc_identity - for binding a stage: of an image file its device and inode;
 * of a drive zeros and the serial.  @serial takes up to 64 bytes.
 */
int disc_identity(struct disc *disc, uint64_t *ret_dev, uint64_t *ret_ino,
		  char serial[64]);

#endif
