/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/care.h"
#include "burner/care_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "burner/disc_ops.h"
#include "burner/drive.h"
#include "burner/drive_speeds.h"
#include "burner/library.h"
#include "common/cleanup.h"

/* MMC-6 5.3.1. */
enum {
	PROFILE_CD_RW = 0x0a,
	PROFILE_DVD_RW_RESTRICTED = 0x13,
	PROFILE_DVD_RW = 0x14,
	PROFILE_DVD_PLUS_RW = 0x1a,
	PROFILE_BD_R = 0x41,
};

/* Of burn_disc_format. */
enum {
	FORMAT_WRITE_ZEROS = 1 << 0,
	FORMAT_MAX_SIZE = 2 << 1,
	FORMAT_AGAIN = 1 << 4,
	FORMAT_NO_CERTIFICATION = 1 << 6,
	/*
	 * A DVD-RW that is formatted quickly has to be written from block 0
	 * on at first; with so much of it written, in any order.
	 */
	QUICK_BYTES = 128 << 20,
};

enum { POLL_MS = 100 };

/* Only of those where m->is_drive. */
static struct drive *drive_of_info(const struct medium_info *m)
{
	const struct drive_state *state;
	struct drive *drive = NULL;

	drive_disc_parts(m->disc, &drive, &state);
	return drive;
}

static bool is_dvd_rw(const struct medium_info *m)
{
	return m->profile == PROFILE_DVD_RW ||
	       m->profile == PROFILE_DVD_RW_RESTRICTED;
}

static bool is_blankable(const struct medium_info *m)
{
	return m->profile == PROFILE_CD_RW || is_dvd_rw(m);
}

/*
 * Some drives do not call a track damaged that a burn left open, and would go
 * on in it; but no session can begin there.
 */
static bool has_open_track(const struct medium_info *m)
{
	int lba = 0, nwa = 0;
	bool open;

	if (m->medium.overwritable || m->drive_status == DISC_CLOSED)
		return false;
	open = burn_disc_track_lba_nwa(drive_of_info(m)->handle, NULL, 0, &lba,
				       &nwa) > 0 &&
	       nwa > lba;
	library_drain();
	return open;
}

/* ---- what cannot be done, and why ---- */

static int check_medium(const struct medium_info *m, struct why *why)
{
	const char *type = m->kind;
	int err;

	err = drive_check_alone(disc_path(m->disc), why);
	if (err < 0)
		return err;
	if (m->medium.status == DISC_NONE)
		return why_set(why, -ENOMEDIUM, "there is no disc in it");
	if (drive_is_pressed(m->profile))
		return why_set(why, -ENOTSUP, "a %s cannot be written", type);
	if (m->drive_status == DISC_PROTECTED)
		return why_set(why, -EROFS, "the disc is write-protected");
	if (m->drive_status == DISC_UNSUPPORTED)
		return why_set(why, -EMEDIUMTYPE,
			       "the disc in it is of a kind that cannot be "
			       "written");
	return 0;
}

static int check_blank(const struct medium_info *m, bool full, struct why *why)
{
	const char *type = m->kind;
	bool is_blank = m->medium.status == DISC_BLANK;

	if (!is_blankable(m) && !m->medium.overwritable)
		return why_set(why, -ENOTSUP,
			       "a %s cannot be blanked: it is written once",
			       type);
	if (!is_blankable(m) && full)
		return why_set(why, -ENOTSUP,
			       "a %s has no thorough blanking; the like of it "
			       "is \"discfs format --full %s\"",
			       type, disc_path(m->disc));
	/* A DVD-RW that is formatted is none that is blank. */
	if (is_blank && !full && m->profile != PROFILE_DVD_RW_RESTRICTED)
		return why_set(why, 1, "the %s is blank already", type);
	return 0;
}

static int check_format(const struct medium_info *m, bool full, struct why *why)
{
	const char *type = m->kind;

	if (m->profile == PROFILE_BD_R)
		return why_set(why, -ENOTSUP,
			       "a BD-R needs no format: it is written as it "
			       "is, one session behind the other");
	if (m->profile == PROFILE_CD_RW)
		return why_set(why, -ENOTSUP,
			       "a CD-RW is not formatted for sessions, but "
			       "blanked: \"discfs blank %s\"",
			       disc_path(m->disc));
	if (!m->medium.overwritable && !is_dvd_rw(m))
		return why_set(why, -ENOTSUP, "a %s cannot be formatted", type);
	if (m->medium.overwritable && !m->unformatted && !full)
		return why_set(why, 1,
			       "the %s is formatted already; --full does it "
			       "again",
			       type);
	return 0;
}

static int check_close(const struct medium_info *m, struct why *why)
{
	const char *type = m->kind;

	if (m->medium.overwritable && m->profile != PROFILE_DVD_RW)
		return why_set(why, -ENOTSUP,
			       "a %s cannot be closed: it can always be "
			       "written again",
			       type);
	if (m->drive_status == DISC_CLOSED)
		return why_set(why, 1, "the %s is closed already", type);
	if (m->damaged || m->drive_status == DISC_DAMAGED || has_open_track(m))
		return why_set(why, -ENOTSUP,
			       "a burn left its last track open, which is "
			       "closed by \"discfs recover %s\"",
			       disc_path(m->disc));
	if (m->medium.sessions == 0)
		return why_set(why, -ENOTSUP,
			       "the %s is blank: there is nothing to close",
			       type);
	/* The lead-in of a session says whether one more may follow. */
	if (drive_is_cd(m->profile))
		return why_set(why, -ENOTSUP,
			       "a %s is closed together with a session: mount "
			       "it with -o close and change something",
			       type);
	return 0;
}

static int check_recover(const struct medium_info *m, struct why *why)
{
	if (m->medium.overwritable)
		return why_set(why, 1,
			       "a %s has no tracks that could stay open; "
			       "mounting it finishes or undoes a burn",
			       m->kind);
	if (!m->damaged && m->drive_status != DISC_DAMAGED &&
	    !has_open_track(m))
		return why_set(why, 1, "no track of the %s is damaged or open",
			       m->kind);
	return 0;
}

int care_check(const struct medium_info *m, enum care_job job, bool full,
	       struct why *why)
{
	int err;

	if (!m->is_drive)
		return care_check_image(m, job, full, why);
	err = check_medium(m, why);
	if (err < 0)
		return err;
	switch (job) {
	case CARE_BLANK:
		return check_blank(m, full, why);
	case CARE_FORMAT:
		return check_format(m, full, why);
	case CARE_CLOSE:
		return check_close(m, why);
	case CARE_RECOVER:
		break;
	}
	return check_recover(m, why);
}

bool care_destroys(const struct medium_info *m, enum care_job job)
{
	if (job == CARE_CLOSE)
		return true;
	return job != CARE_RECOVER &&
	       (m->medium.status != DISC_BLANK || m->trouble[0]);
}

/* ---- doing it ---- */

static const char *phase_of(enum care_job job)
{
	switch (job) {
	case CARE_BLANK:
		return "blanking";
	case CARE_FORMAT:
		return "formatting";
	default:
		return "closing";
	}
}

static void report(const struct progress_sink *sink, enum care_job job,
		   const struct burn_progress *p)
{
	struct progress now = {.phase = phase_of(job), .relative = true};

	if (!sink || !sink->report)
		return;
	if (p && p->sectors > 0 && p->sector >= 0 && p->sector <= p->sectors) {
		now.blocks_done = (uint64_t)p->sector;
		now.blocks_total = (uint64_t)p->sectors;
	}
	sink->report(sink->arg, &now);
}

/* libburn's thread asks the drive; it has nothing to stop it by. */
static void wait_for(struct burn_drive *h, enum care_job job,
		     const struct progress_sink *sink)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	struct burn_progress p = {0};

	while (burn_drive_get_status(h, &p) != BURN_DRIVE_IDLE) {
		report(sink, job, &p);
		nanosleep(&pause, NULL);
	}
}

/*
 * All that leads to something, and what shows that there is something; the
 * head for once also where it cannot be read.
 */
static int clear_all(const struct medium_info *m, struct why *why)
{
	struct burn_drive *h = drive_of_info(m)->handle;
	AUTO_FREE char *zeros = calloc(1, DISC_HEAD_BYTES);

	if (!zeros)
		return -ENOMEM;
	if (burn_random_access_write(h, 0, zeros, DISC_HEAD_BYTES, 1) <= 0)
		return library_error(0, "cannot clear the start of the disc",
				     why);
	return m->disc->ops->erase(m->disc, 0, UINT64_MAX, why);
}

static int blank(const struct medium_info *m, bool full,
		 const struct progress_sink *sink, struct why *why)
{
	struct burn_drive *h = drive_of_info(m)->handle;

	if (!is_blankable(m))
		return clear_all(m, why);
	/* It refuses those that are blank, or where the last track is bad. */
	burn_disc_pretend_full_uncond(h);
	/*
	 * A DVD-RW that is blanked fast takes one session only, written at
	 * once, and never a second one.
	 */
	burn_disc_erase(h, !full && !is_dvd_rw(m));
	wait_for(h, CARE_BLANK, sink);
	if (burn_drive_wrote_well(h))
		return 0;
	return library_error(0, "the disc was not blanked", why);
}

static int format(struct medium_info *m, bool full,
		  const struct progress_sink *sink, struct why *why)
{
	struct burn_drive *h = drive_of_info(m)->handle;
	int flags = FORMAT_MAX_SIZE;
	off_t size = 0;
	int err;

	if (m->medium.overwritable && !m->unformatted)
		flags |= FORMAT_AGAIN;
	if (is_dvd_rw(m) && !full) {
		flags = FORMAT_WRITE_ZEROS;
		size = (off_t)m->medium.capacity_blocks * DISC_BLOCK;
		if (size > QUICK_BYTES)
			size = QUICK_BYTES;
	} else if (!full) {
		flags |= FORMAT_NO_CERTIFICATION;
	}
	burn_disc_format(h, size, flags);
	wait_for(h, CARE_FORMAT, sink);
	if (!burn_drive_wrote_well(h))
		return library_error(0, "the disc was not formatted", why);
	/*
	 * A drive need not read what was never written, and of a DVD+RW it
	 * formats most in the background.
	 */
	err = medium_info_look(m, why);
	return err ? err : clear_all(m, why);
}

/* Made for damaged tracks; where none is open, it closes the disc. */
static int close_disc(const struct medium_info *m, struct why *why)
{
	struct burn_drive *h = drive_of_info(m)->handle;
	struct burn_write_opts *o = burn_write_opts_new(h);
	int done;

	if (!o)
		return -ENOMEM;
	burn_write_opts_set_write_type(o, BURN_WRITE_TAO, BURN_BLOCK_MODE1);
	burn_write_opts_set_multi(o, 0);
	done = burn_disc_close_damaged(o, 1);
	burn_write_opts_free(o);
	if (done > 0)
		return 0;
	return library_error(0, "the drive did not close it", why);
}

/* A drive that reports no error has not always done it. */
static int check_result(const struct medium_info *m, enum care_job job,
			struct why *why)
{
	bool good;

	switch (job) {
	case CARE_BLANK:
		good = m->medium.status == DISC_BLANK;
		break;
	case CARE_FORMAT:
		good = m->medium.overwritable && !m->unformatted;
		break;
	case CARE_CLOSE:
		good = m->drive_status == DISC_CLOSED;
		break;
	default:
		good = m->drive_status != DISC_DAMAGED && !m->damaged &&
		       !has_open_track(m);
		break;
	}
	if (good)
		return 0;
	return why_set(why, -EIO,
		       "the drive reported no error, but the disc in it is "
		       "%s now",
		       disc_status_word(m->drive_status));
}

int care_run(struct medium_info *m, enum care_job job, bool full,
	     const struct progress_sink *sink, struct why *why)
{
	struct why reason = {""};
	int err = 0, looked;

	if (!m->is_drive) {
		err = care_blank_image(m, why);
		return err ? err : medium_info_look(m, why);
	}
	library_drain();
	report(sink, job, NULL);
	switch (job) {
	case CARE_BLANK:
		err = blank(m, full, sink, &reason);
		break;
	case CARE_FORMAT:
		err = format(m, full, sink, &reason);
		break;
	case CARE_CLOSE:
		err = close_disc(m, &reason);
		break;
	case CARE_RECOVER:
		err = drive_close_damaged(drive_of_info(m), &reason);
		break;
	}
	library_drain();
	looked = medium_info_look(m, err ? NULL : &reason);
	if (!err)
		err = looked ? looked : check_result(m, job, &reason);
	if (err && why)
		*why = reason;
	return err;
}
