/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "burner/library.h"
#include "common/cleanup.h"

/* MMC-6 5.3.1. */
enum {
	PROFILE_CD_ROM = 0x08,
	PROFILE_CD_RW = 0x0a,
	PROFILE_DVD_RAM = 0x12,
	PROFILE_DVD_RW_RESTRICTED = 0x13,
	PROFILE_DVD_RW_SEQUENTIAL = 0x14,
	PROFILE_DVD_PLUS_RW = 0x1a,
	PROFILE_BD_RE = 0x43,
};

bool drive_is_overwritable(int profile)
{
	return profile == PROFILE_DVD_RAM ||
	       profile == PROFILE_DVD_RW_RESTRICTED ||
	       profile == PROFILE_DVD_PLUS_RW || profile == PROFILE_BD_RE;
}

bool drive_is_cd(int profile)
{
	return profile >= PROFILE_CD_ROM && profile <= PROFILE_CD_RW;
}

/* ---- opening ---- */

static void copy_words(char *to, size_t size, const char *from)
{
	size_t len;

	snprintf(to, size, "%s", from);
	len = strlen(to);
	while (len > 0 && to[len - 1] == ' ')
		to[--len] = '\0';
}

static void identify(struct drive *d)
{
	const struct burn_drive_info *info = &d->infos[0];
	char *text = NULL;
	int len = 0;

	copy_words(d->vendor, sizeof d->vendor, info->vendor);
	copy_words(d->product, sizeof d->product, info->product);
	copy_words(d->revision, sizeof d->revision, info->revision);
	if (burn_drive_get_serial_no(d->handle, &text, &len) > 0 && text)
		snprintf(d->serial, sizeof d->serial, "%s", text);
	free(text);
}

/* udev looks at each disc that is put in, for a moment, and has the drive. */
static int open_patiently(const char *path)
{
	struct timespec begun = {0};
	int fd;

	do {
		fd = open(path, O_RDONLY | O_NONBLOCK | O_EXCL | O_CLOEXEC);
		if (fd >= 0 || errno != EBUSY)
			return fd;
	} while (!drive_deadline_over(&begun));
	errno = EBUSY;
	return -1;
}

/*
 * libburn would try for some seconds more to open a drive that others have, and
 * say less of it.
 */
static int try_open(struct drive *d, struct why *why)
{
	AUTO_FD int fd = open_patiently(d->path);
	char holder[200];

	if (fd >= 0) {
		d->write_protected = drive_probe_protected(fd);
		return 0;
	}
	if (errno != EBUSY)
		return why_set(why, -errno, "cannot open %s: %s", d->path,
			       strerror(errno));
	drive_holder(d->path, holder, sizeof holder);
	if (!*holder)
		snprintf(holder, sizeof holder,
			 "it is mounted, or another program has it");
	return why_set(why, -EBUSY, "%s is in use: %s", d->path, holder);
}

static int grab(struct drive *d, struct why *why)
{
	int err = try_open(d, why);

	if (err < 0)
		return err;
	if (burn_drive_scan_and_grab(&d->infos, d->path, 0) != 1) {
		d->infos = NULL;
		return library_error(0, d->path, why);
	}
	d->handle = d->infos[0].drive;
	identify(d);
	/* It was assessed when it was grabbed. */
	d->assessed = true;
	return 0;
}

static void let_go(struct drive *d, bool eject)
{
	if (d->handle)
		burn_drive_release(d->handle, eject);
	d->handle = NULL;
	if (d->infos) {
		burn_drive_info_free(d->infos);
		library_drain();
	}
	d->infos = NULL;
}

int drive_reopen(struct drive *d, struct why *why)
{
	let_go(d, false);
	return grab(d, why);
}

static int open_drive(struct drive *d, const char *path, struct why *why)
{
	int err;

	d->path = strdup(path);
	if (!d->path)
		return -ENOMEM;
	err = library_start(why);
	if (err < 0)
		return err;
	if (burn_drive_is_enumerable_adr(d->path) != 1)
		return why_set(why, -ENOTSUP,
			       "%s is neither an image file nor an optical "
			       "drive",
			       path);
	return grab(d, why);
}

int drive_open(const char *path, struct drive **ret, struct why *why)
{
	struct drive *d = calloc(1, sizeof *d);
	int err;

	if (!d)
		return -ENOMEM;
	err = open_drive(d, path, why);
	if (err < 0) {
		drive_close(d, false);
		return err;
	}
	*ret = d;
	return 0;
}

void drive_close(struct drive *d, bool eject)
{
	if (!d)
		return;
	let_go(d, eject);
	free(d->path);
	free(d);
}

/* ---- the medium ---- */

/* Where a track begins and ends, as far as libburn knows. */
static bool track_place(struct burn_track *track, uint32_t *ret_lba,
			uint64_t *ret_end)
{
	struct burn_toc_entry entry = {0};

	burn_track_get_entry(track, &entry);
	if (!(entry.extensions_valid & 1) || entry.start_lba < 0 ||
	    entry.track_blocks < 0)
		return false;
	*ret_lba = (uint32_t)entry.start_lba;
	*ret_end = (uint64_t)entry.start_lba + (uint64_t)entry.track_blocks;
	return true;
}

/* MMC-6 table 544: the control field of a data track has this bit. */
static bool is_audio(struct burn_track *track)
{
	struct burn_toc_entry entry = {0};

	burn_track_get_entry(track, &entry);
	return !(entry.control & 4);
}

/* The closed sessions, by the table of contents. */
static int read_toc(struct drive *d, struct drive_state *ret)
{
	struct burn_disc *contents = burn_drive_get_disc(d->handle);
	struct burn_session **sessions;
	int n = 0, err = 0;

	if (!contents)
		return 0;
	sessions = burn_disc_get_sessions(contents, &n);
	if (!sessions)
		n = 0;
	if (n > 0) {
		ret->sessions = calloc((size_t)n, sizeof *ret->sessions);
		if (!ret->sessions)
			err = -ENOMEM;
	}
	for (int i = 0; ret->sessions && i < n; i++) {
		struct drive_session *s = &ret->sessions[ret->sessions_n];
		struct burn_track **tracks;
		uint32_t last;
		int tracks_n = 0;

		tracks = burn_session_get_tracks(sessions[i], &tracks_n);
		ret->tracks_n += (unsigned)tracks_n;
		s->audio = drive_is_cd(ret->profile) && tracks_n > 0 &&
			   is_audio(tracks[0]);
		if (tracks_n > 0 && track_place(tracks[0], &s->lba, &s->end) &&
		    track_place(tracks[tracks_n - 1], &last, &s->end))
			ret->sessions_n++;
	}
	burn_disc_free(contents);
	return err;
}

static enum disc_status status_of(enum burn_disc_status status)
{
	switch (status) {
	case BURN_DISC_EMPTY:
		return DISC_NONE;
	case BURN_DISC_BLANK:
		return DISC_BLANK;
	case BURN_DISC_APPENDABLE:
		return DISC_APPENDABLE;
	case BURN_DISC_FULL:
		return DISC_CLOSED;
	default:
		return DISC_UNSUPPORTED;
	}
}

/*
 * A DVD-RW that was blanked the fast way takes one session only, of all of the
 * disc.  Formatted for overwriting, it takes any.
 */
static bool is_once_only(struct drive *d, const struct drive_state *s)
{
	struct burn_multi_caps *caps = NULL;
	bool multi = true;

	if (s->profile != PROFILE_DVD_RW_SEQUENTIAL || s->status != DISC_BLANK)
		return false;
	if (burn_disc_get_multi_caps(d->handle, BURN_WRITE_NONE, &caps, 0) > 0)
		multi = caps->multi_session;
	if (caps)
		burn_disc_free_multi_caps(&caps);
	return !multi;
}

static void look_at_format(struct drive *d, struct drive_state *s)
{
	unsigned spare = 0;
	off_t size = 0;
	int status = 0, n = 0;

	s->erasable = burn_disc_erasable(d->handle) > 0;
	if (is_once_only(d, s)) {
		s->overwritable = s->unformatted = true;
		return;
	}
	if (!s->overwritable)
		return;
	s->unformatted = burn_disc_get_formats(d->handle, &status, &size,
					       &spare, &n) > 0 &&
			 status == BURN_FORMAT_IS_UNFORMATTED;
}

/* Where the next track begins, and whether the last one is in its way. */
static void look_at_next_track(struct drive *d, struct drive_state *s)
{
	int lba = 0, nwa = 0, damage;

	s->has_nwa =
		burn_disc_track_lba_nwa(d->handle, NULL, 0, &lba, &nwa) > 0 &&
		nwa >= 0;
	damage = burn_disc_next_track_is_damaged(d->handle, 0);
	/* What is in it already would become a part of the next session. */
	s->damaged = (damage & 1) || (s->has_nwa && nwa > lba) ||
		     drive_session_open(d);
	s->has_nwa &= !(damage & 2);
	if (s->has_nwa)
		s->nwa = (uint64_t)nwa;
	else
		s->free_blocks = 0;
}

/* What can still be written, and from where on. */
static void look_at_room(struct drive *d, struct drive_state *s)
{
	s->free_blocks = (uint64_t)burn_disc_available_space(d->handle, NULL) /
			 DISC_BLOCK;
	if (s->overwritable)
		return;
	look_at_next_track(d, s);
	if (s->damaged || !s->has_nwa)
		s->status = DISC_DAMAGED;
}

/*
 * Of a CD with a track but without any lead-in libburn finds no contents, and
 * asks nothing more.
 */
static void look_at_unsuitable(struct drive *d, struct drive_state *s)
{
	if (!drive_is_cd(s->profile) || s->profile == PROFILE_CD_ROM ||
	    s->sessions_n > 0 || burn_disc_pretend_blank(d->handle) != 1)
		return;
	look_at_next_track(d, s);
	if (s->damaged)
		s->status = DISC_DAMAGED;
	/* So that nothing is written to it by mistake. */
	burn_disc_pretend_full_uncond(d->handle);
}

int drive_assess(struct drive *d, struct drive_state *ret, struct why *why)
{
	struct drive_state s = {0};
	int capacity = 0, err;

	/* Its last opening failed (drive_reopen). */
	if (!d->handle) {
		err = drive_reopen(d, why);
		if (err < 0)
			return err;
	}
	if (!d->assessed && burn_drive_re_assess(d->handle, 0) <= 0) {
		err = library_error(0, "cannot look at the drive", why);
		return err;
	}
	d->assessed = false;
	if (burn_disc_get_profile(d->handle, &s.profile, s.type) <= 0 ||
	    !s.type[0])
		snprintf(s.type, sizeof s.type, "unknown medium");
	s.overwritable = drive_is_overwritable(s.profile);
	s.status = status_of(burn_disc_get_status(d->handle));
	if (s.status == DISC_NONE) {
		*ret = s;
		return 0;
	}
	err = read_toc(d, &s);
	if (err < 0)
		return err;
	look_at_format(d, &s);
	if (s.overwritable) {
		if (burn_get_read_capacity(d->handle, &capacity, 0) > 0 &&
		    capacity > 0)
			s.readable_blocks = (uint64_t)capacity;
	} else if (s.sessions_n > 0) {
		s.readable_blocks = s.sessions[s.sessions_n - 1].end;
	}
	if (s.status == DISC_BLANK || s.status == DISC_APPENDABLE)
		look_at_room(d, &s);
	else if (s.status == DISC_UNSUPPORTED)
		look_at_unsuitable(d, &s);
	if (d->write_protected && s.status != DISC_UNSUPPORTED)
		s.status = DISC_PROTECTED;
	library_drain();
	*ret = s;
	return 0;
}

/*
 * For a CD libburn closes the session only, which is not done while a track in
 * it is open; and it does not tell whether that went well.
 */
static int close_by_libburn(struct drive *d)
{
	struct burn_write_opts *opts = burn_write_opts_new(d->handle);

	if (!opts)
		return -ENOMEM;
	burn_write_opts_set_multi(opts, 1);
	burn_write_opts_set_write_type(opts, BURN_WRITE_TAO, BURN_BLOCK_MODE1);
	burn_disc_close_damaged(opts, 1);
	burn_write_opts_free(opts);
	return 0;
}

/* Returns 1 where the track is still in the way, 0, or -errno. */
static int is_damaged(struct drive *d, unsigned *ret_tracks, struct why *why)
{
	struct drive_state state = {0};
	int err;

	d->assessed = false;
	err = drive_assess(d, &state, why);
	if (err < 0)
		return err;
	*ret_tracks = state.tracks_n;
	drive_state_release(&state);
	d->assessed = false;
	return state.status == DISC_DAMAGED;
}

int drive_close_damaged(struct drive *d, struct why *why)
{
	unsigned tracks = 0;
	int err;

	library_drain();
	err = close_by_libburn(d);
	if (!err)
		err = is_damaged(d, &tracks, why);
	if (err <= 0)
		return err;
	library_drain();
	err = drive_close_track(d, tracks + 1);
	if (!err)
		err = close_by_libburn(d);
	if (!err)
		err = is_damaged(d, &tracks, why);
	if (!err)
		return 0;
	return library_error(0, "cannot close the damaged track", why);
}

void drive_state_release(struct drive_state *state)
{
	free(state->sessions);
	state->sessions = NULL;
	state->sessions_n = 0;
}
