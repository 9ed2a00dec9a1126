/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disc in a drive has no path and no inode: that it is the one of a stage,
 * grown since, is told by its sessions.  The one that the stage's changes were
 * made to is among them, as old sessions are never overwritten.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/stage_base.h"
#include "fs/volume_internal.h"

struct search {
	struct volume *v;
	struct disc_session *sessions;
	size_t n_sessions;
	/* Most stages are against a session at block 0. */
	bool known;
	uint32_t known_lba, known_flags;
	unsigned char known_digest[16];
	char *id;
	struct why *why;
};

static bool has_session(const struct search *s, uint32_t lba)
{
	for (size_t i = 0; i < s->n_sessions; i++)
		if (s->sessions[i].lba == lba)
			return true;
	return false;
}

/* The digest of the session at @b's base, as @b would have made it. */
static int find_digest(struct search *s, const struct stage_binding *b)
{
	int err;

	if (s->known && s->known_lba == b->base_lba &&
	    s->known_flags == b->import_flags)
		return 0;
	err = stage_base_digest(b, s->v->disc, s->known_digest, NULL);
	if (err)
		return err;
	s->known = true;
	s->known_lba = b->base_lba;
	s->known_flags = b->import_flags;
	return 0;
}

/* 1: @b is bound to a session of the disc; 0; -ENOMEM. */
static int judge(struct search *s, const struct stage_binding *b)
{
	int err;

	if (b->image_ino || b->blank ||
	    strcmp(b->media_type, s->v->binding.media_type) != 0 ||
	    !has_session(s, b->base_lba))
		return 0;
	err = find_digest(s, b);
	/* A session that cannot be read is nobody's. */
	if (err)
		return err == -ENOMEM ? err : 0;
	return memcmp(s->known_digest, b->digest, sizeof b->digest) == 0;
}

/* What is in stage @id belongs to the disc as it was before. */
static int found(struct search *s, const char *id,
		 const struct stage_binding *b, bool empty)
{
	if (empty) {
		/* As a crash of a mount without changes leaves it. */
		if (!s->v->readonly_reason && !s->v->opts.offline)
			stage_remove(s->v->stage_root, id, NULL);
		return 0;
	}
	s->id = strdup(id);
	if (!s->id)
		return -ENOMEM;
	stage_say_grown(s->v->stage_root, id, b, s->v->source, s->why);
	return 1;
}

static int look(void *arg, const char *id)
{
	struct search *s = arg;
	struct stage_binding b = {0};
	struct stage *st;
	bool empty;
	int err = 0;

	/* One that cannot be read was complained of by stage_find. */
	if (stage_open(s->v->stage_root, id, true, &st, NULL) < 0)
		return 0;
	if (stage_check_age(st, NULL) == 0 &&
	    stage_get_binding(st, &b, NULL) == 0)
		err = judge(s, &b);
	empty = stage_is_empty(st);
	stage_close(st, false);
	if (err == 1)
		err = found(s, id, &b, empty);
	stage_binding_release(&b);
	return err;
}

int volume_find_former(struct volume *v, char **ret_id, struct why *why)
{
	struct search s = {.v = v, .why = why};
	int err;

	if (v->blank || v->binding.image_ino)
		return 0;
	err = disc_sessions(v->disc, &s.sessions, &s.n_sessions, why);
	if (!err)
		err = stage_each(v->stage_root, look, &s, why);
	free(s.sessions);
	if (err != 1)
		return err == -ENOMEM ? why_set(why, err, "out of memory")
				      : err;
	*ret_id = s.id;
	return -ESTALE;
}
