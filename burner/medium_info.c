/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/medium_info.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/drive.h"
#include "burner/drive_speeds.h"
#include "burner/library.h"
#include "common/cleanup.h"

static void note_trouble(struct medium_info *m, const struct why *why, int err)
{
	if (!m->trouble[0])
		snprintf(m->trouble, sizeof m->trouble, "%s",
			 why_text(why, err));
}

/* ---- what the drive says ---- */

/* What is pressed into the medium; NULL where there is nothing. */
static void look_at_maker(struct medium_info *m, struct burn_drive *handle)
{
	char *id = NULL, *code1 = NULL, *code2 = NULL, *book = NULL;
	char *name = NULL;

	free(m->media_id);
	free(m->manufacturer);
	m->media_id = m->manufacturer = NULL;
	if (burn_disc_get_media_id(handle, &id, &code1, &code2, &book, 0) > 0 &&
	    id && *id) {
		m->media_id = STEAL_PTR(id);
		name = burn_guess_manufacturer(m->profile, code1, code2, 0);
		if (name && strncmp(name, "Unknown ", 8) != 0)
			m->manufacturer = STEAL_PTR(name);
	}
	free(id);
	free(code1);
	free(code2);
	free(book);
	free(name);
}

static int look_at_drive(struct medium_info *m, struct drive *d,
			 const struct drive_state *s)
{
	m->is_drive = true;
	m->drive_status = s->status;
	memcpy(m->vendor, d->vendor, sizeof m->vendor);
	memcpy(m->product, d->product, sizeof m->product);
	memcpy(m->revision, d->revision, sizeof m->revision);
	memcpy(m->serial, d->serial, sizeof m->serial);
	if (s->status == DISC_NONE)
		return 0;
	m->profile = s->profile;
	/* "DVD-RW restricted overwrite" */
	snprintf(m->kind, sizeof m->kind, "%.*s",
		 (int)(s->profile ? strcspn(s->type, " ") : strlen(s->type)),
		 s->type);
	/* libburn means CD-RW and DVD-RW only. */
	m->erasable = s->erasable || s->overwritable;
	m->unformatted = s->unformatted;
	m->damaged = s->damaged;
	look_at_maker(m, d->handle);
	library_drain();
	return drive_speeds(d, s->profile, &m->write_speeds,
			    &m->write_speeds_n);
}

/* Where the content cannot be read: what the drive says is still known. */
static void take_state(struct medium_info *m, const struct drive_state *s)
{
	m->medium = (struct medium){
		.status = s->status,
		.type = s->type,
		.why_not_writable = "what it holds cannot be read",
		.overwritable = s->overwritable,
		.nwa = s->nwa,
		.free_blocks = s->free_blocks,
		.capacity_blocks = s->nwa + s->free_blocks,
		.end_lba = s->readable_blocks,
		.sessions = (unsigned)s->sessions_n,
	};
	if (s->sessions_n > 0)
		m->medium.last_lba = s->sessions[s->sessions_n - 1].lba;
}

/* ---- what the medium holds ---- */

static bool is_audio(const struct medium_info *m)
{
	const struct drive_state *s;
	struct drive *drive;

	return drive_disc_parts(m->disc, &drive, &s) && s->sessions_n > 0 &&
	       s->sessions[s->sessions_n - 1].audio;
}

static int look_at_content(struct medium_info *m)
{
	struct why why = {""};
	bool readable =
		m->medium.status != DISC_NONE && disc_readable(m->disc) > 0;
	int err = 0;

	if (readable && m->medium.sessions > 0)
		err = disc_sessions(m->disc, &m->sessions, &m->sessions_n,
				    &why);
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		note_trouble(m, &why, err);
	if (!readable || is_audio(m))
		return 0;
	err = contents_look(m->disc,
			    m->medium.has_base ? m->medium.base_lba
					       : m->medium.last_lba,
			    &m->contents, &why);
	if (m->medium.udf)
		m->contents.udf = true;
	if (err < 0 && err != -ENOMEM) {
		note_trouble(m, &why, err);
		err = 0;
	}
	return err;
}

int medium_info_look(struct medium_info *m, struct why *why)
{
	const struct drive_state *state = NULL;
	struct why reason = {""};
	struct drive *drive;
	bool is_drive;
	int err;

	free(m->sessions);
	m->sessions = NULL;
	m->sessions_n = 0;
	m->trouble[0] = 0;
	memset(&m->contents, 0, sizeof m->contents);
	m->profile = 0;
	m->kind[0] = 0;
	m->erasable = m->unformatted = m->damaged = false;
	/* What is written to it from here on, is found out by its time. */
	if (disc_fd(m->disc) >= 0 && fstat(disc_fd(m->disc), &m->image) < 0)
		return why_set(why, -errno, "%s", strerror(errno));
	err = disc_look(m->disc, &m->medium, &reason);
	is_drive = drive_disc_parts(m->disc, &drive, &state);
	/* A drive that is gone, or a file that went bad. */
	if (err < 0 && (!is_drive || !state->type[0])) {
		if (why)
			*why = reason;
		return err;
	}
	if (err < 0) {
		note_trouble(m, &reason, err);
		take_state(m, state);
	}
	if (m->medium.damage)
		snprintf(m->trouble, sizeof m->trouble, "%s", m->medium.damage);
	if (is_drive) {
		err = look_at_drive(m, drive, state);
		if (err < 0)
			return err;
	} else {
		snprintf(m->kind, sizeof m->kind, "%s", m->medium.type);
	}
	return look_at_content(m);
}

int medium_info_open(const char *path, bool to_change, struct medium_info *ret,
		     struct why *why)
{
	struct disc_params params = {.path = path, .foreign = true};
	struct medium_info m = {0};
	struct stat st;
	int err;

	params.writable =
		to_change && stat(path, &st) == 0 && S_ISREG(st.st_mode);
	err = disc_open(&params, &m.disc, why);
	if (err < 0)
		return err;
	err = medium_info_look(&m, why);
	if (err < 0) {
		medium_info_release(&m);
		return err;
	}
	*ret = m;
	return 0;
}

void medium_info_release(struct medium_info *m)
{
	disc_free(m->disc);
	free(m->sessions);
	free(m->media_id);
	free(m->manufacturer);
	free(m->write_speeds);
	*m = (struct medium_info){0};
}
