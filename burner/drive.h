/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_DRIVE_H
#define BURNER_DRIVE_H

/*
 * An optical drive by libburn: opened for us alone, with its tray locked, and
 * what it says of its medium.  What the medium holds is not looked at here
 * (disc_drive.c does).
 *
 *	drive_open	nobody else can open it from here on
 *	drive_assess	what is in it; again after each change of the medium
 *	drive_close	the tray can be opened again
 *
 * Takes no lock: one caller at a time, also for what is done with
 * drive->handle.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <libburn/libburn.h>

#include "burner/disc.h"
#include "common/why.h"

struct drive {
	char *path;
	struct burn_drive *handle; /* grabbed */
	struct burn_drive_info *infos;
	/* As the drive says, without blanks at the end; "" for nothing. */
	char vendor[9], product[17], revision[5];
	char serial[64];
	bool write_protected; /* the drive, or the medium that was in it when
			       * it was opened */
	bool assessed;	      /* since the last burn or look */
};

/* A closed session by the table of contents. */
struct drive_session {
	uint32_t lba;
	uint64_t end; /* one behind its last track */
	bool audio;   /* its first track is, so there is nothing to read */
};

/* What the drive says of its medium. */
struct drive_state {
	/* DISC_NONE, _BLANK, _APPENDABLE, _CLOSED, _DAMAGED, _PROTECTED or
	 * _UNSUPPORTED; an overwritable medium is always DISC_BLANK. */
	enum disc_status status;
	int profile;	   /* MMC-6 5.3.1, 0: none */
	char type[80];	   /* "DVD+RW", "unknown medium" */
	bool overwritable; /* also where it will be, once formatted */
	bool unformatted;  /* has to be formatted before it is written */
	bool erasable;	   /* can be blanked or formatted anew */
	bool damaged; /* its last track, by a burn that failed: it is open, or
		       * has something in it */
	unsigned tracks_n; /* in closed sessions */
	/* Sequential media that can be written; where the next track begins. */
	bool has_nwa;
	uint64_t nwa;
	uint64_t free_blocks;	  /* as libburn knows */
	uint64_t readable_blocks; /* one behind the last one to read */
	struct drive_session *sessions;
	size_t sessions_n;
};

/*
 * drive_open - the drive at @path, by its absolute path.  Who else has it is
 * given two seconds to let go of it.
 * Returns 0; -ENOTSUP: it is no optical drive; -EBUSY with who has it, as far
 * as that can be told; another -errno of opening it.
 */
int drive_open(const char *path, struct drive **ret, struct why *why);

/* drive_close - gives it back; NULL is nothing.  With @eject the tray opens. */
void drive_close(struct drive *d, bool eject);

/*
 * drive_reopen - as one that was unplugged has to be.  After a failure (as of
 * drive_open) drive_assess tries again, and nothing else is to be done with it.
 */
int drive_reopen(struct drive *d, struct why *why);

/*
 * drive_assess - fills all of @ret, to be given to drive_state_release.
 * Returns 0 or -errno; -ENODEV: the drive is gone.
 */
int drive_assess(struct drive *d, struct drive_state *ret, struct why *why);
void drive_state_release(struct drive_state *state);

/*
 * drive_close_damaged - close the track that a failed burn left open, and its
 * session, so that the medium takes another one.  What was written of it stays
 * there, as a session that cannot be read.  Assess anew afterwards.
 * Returns 0, or -EIO with @why where the drive cannot.
 */
int drive_close_damaged(struct drive *d, struct why *why);

/* drive_close_track - as drive_close_damaged, the track @number only. */
int drive_close_track(struct drive *d, unsigned number);

/* drive_session_open - whether the last session of a sequential medium has
 * tracks and is not closed. */
bool drive_session_open(struct drive *d);

/* drive_is_overwritable - by its profile: no sessions, blocks at any place. */
bool drive_is_overwritable(int profile);

/* drive_is_cd - by its profile. */
bool drive_is_cd(int profile);

/*
 * drive_holder - who has the device at @path, in words for a line ("xorriso
 * (pid 12)", "it is mounted on /mnt"), "" where /proc does not tell.
 */
void drive_holder(const char *path, char *buf, size_t size);

/*
 * drive_check_alone - that nobody has the device at @path open or mounted, also
 * not without having claimed it: before anything that changes the medium, or
 * where it is.  Who has it is given two seconds to let go of it.
 * Returns 0 or -EBUSY with who has it in @why.
 */
int drive_check_alone(const char *path, struct why *why);

/* drive_deadline_over - whether two seconds since @begun, which is set by the
 * first call, are over; sleeps a little before it says no. */
bool drive_deadline_over(struct timespec *begun);

/*
 * drive_probe_protected - whether the drive behind @fd, which is open, says
 * that nothing can be written.  Where it does not say: false.
 */
bool drive_probe_protected(int fd);

#endif
