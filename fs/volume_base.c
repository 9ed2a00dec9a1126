/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which session the mount starts from, where not all of them can be read: a
 * burn of another program that failed leaves one that is the disc's last and
 * has no superblock, no whole tree, or not all of its content.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/volume_internal.h"

/* ---- -o base= ---- */

static int visit_nothing(void *arg, const struct import_node *node)
{
	(void)arg;
	(void)node;
	return 0;
}

/*
 * Whether all of the session is there; those behind it are passed over.
 * Returns 1, 0, or -errno; -EMEDIUMTYPE: it is of something else than ISO 9660.
 */
static int is_whole(struct volume *v, uint32_t lba)
{
	struct import_opts opts = {
		.session_lba = lba,
		.no_rock_ridge = v->opts.no_rock_ridge,
		.no_joliet = v->opts.no_joliet,
	};
	struct import_info info;
	struct medium m;
	int err = import_session(v->disc, &opts, visit_nothing, NULL, &info,
				 NULL);

	/* Zeros are what a drive fills up a track with. */
	if (err == -EMEDIUMTYPE && disc_look(v->disc, &m, NULL) == 0 &&
	    m.status != DISC_FOREIGN)
		return 0;
	if (err == -EIO)
		return 0;
	if (err)
		return err;
	return info.content.missing_files == 0 && !info.lost_md5;
}

static int pass_over(struct volume *v, const struct disc_session *sessions,
		     size_t n, struct why *why)
{
	unsigned base = v->opts.base_number;
	int ret;

	for (size_t i = n; i > base; i--) {
		if (sessions[i - 1].passed_over)
			continue;
		ret = is_whole(v, sessions[i - 1].lba);
		if (ret > 0)
			return why_set(why, -EINVAL,
				       "-o base=%u: session %zu can be read, "
				       "and is not passed over; mount without "
				       "base=, and copy what is to come back "
				       "from .discfs/sessions",
				       base, i);
		if (ret == -EMEDIUMTYPE)
			return why_set(why, ret,
				       "-o base=%u: session %zu holds "
				       "something else than ISO 9660, and is "
				       "not passed over",
				       base, i);
		if (!ret)
			ret = disc_distrust(v->disc, sessions[i - 1].lba);
		if (ret < 0)
			return ret;
	}
	if (base && is_whole(v, sessions[base - 1].lba) != 1)
		return why_set(why, -EIO,
			       "-o base=%u: session %u itself is damaged", base,
			       base);
	return 0;
}

int volume_choose_base(struct volume *v, struct why *why)
{
	AUTO_FREE struct disc_session *sessions = NULL;
	unsigned base = v->opts.base_number;
	struct medium m;
	size_t n = 0;
	int err = disc_look(v->disc, &m, why);

	if (!err && m.status == DISC_FOREIGN && !base)
		err = disc_refuse_foreign(v->disc, &m, why);
	if (!err && m.overwritable)
		return why_set(why, -ENOTSUP,
			       "-o base=%u: only on media that are written "
			       "once, session by session; %s is none (%s)",
			       base, v->source, m.type);
	if (!err)
		err = disc_sessions(v->disc, &sessions, &n, why);
	if (err)
		return err;
	if (base > n)
		return why_set(why, -ENOENT,
			       "-o base=%u: there is no session %u: the disc "
			       "has %zu",
			       base, base, n);
	return pass_over(v, sessions, n, why);
}

/* ---- the base ---- */

static int set_damage(struct volume *v, const char *text)
{
	free(v->damage);
	v->damage = strdup(text);
	return v->damage ? 0 : -ENOMEM;
}

static int new_tree(struct volume *v)
{
	struct attr root = {
		.mode = S_IFDIR | 0755, .uid = geteuid(), .gid = getegid()};
	int err;

	clock_gettime(CLOCK_REALTIME, &root.mtime);
	root.atime = root.ctime = root.mtime;
	tree_free(v->tree);
	v->tree = NULL;
	err = tree_new(&root, NULL, &v->tree);
	if (!err)
		volume_set_limit(v);
	return err;
}

static int import_tree(struct volume *v, struct why *why)
{
	int err = new_tree(v);

	if (err)
		return why_set(why, err, "out of memory");
	/* Of a session that was asked for an empty folder would say that it
	 * holds nothing. */
	v->blank = medium_is_blank(&v->medium) &&
		   v->opts.session_lba == IMPORT_LAST;
	if (v->blank)
		return 0;
	return volume_import(v, v->opts.session_lba, v->tree, &v->info, why);
}

/*
 * The last session cannot be read, for @fault: an older one is shown, if there
 * is one that can.  Returns 0 to try that, or -errno with @why.
 */
static int give_up(struct volume *v, const struct why *fault, struct why *why)
{
	char reason[sizeof fault->text];
	int err;

	snprintf(reason, sizeof reason, "%s", why_text(fault, -EIO));
	err = disc_give_up(v->disc, v->medium.base_lba, reason);
	if (!err)
		err = volume_look(v, why);
	if (err)
		return err;
	if (!v->medium.has_base)
		/* An image, or what came before is no ISO 9660. */
		return why_set(why, -EIO, "%s",
			       v->medium.overwritable || !v->medium.damage
				       ? reason
				       : v->medium.damage);
	return volume_set_readonly(v, v->medium.why_not_writable);
}

/* @text is wrong with what is shown; the next session could make it worse. */
static int forbid(struct volume *v, struct why *what)
{
	const struct medium *m = &v->medium;
	size_t len = strlen(what->text);

	if (!m->overwritable && !v->readonly_reason && m->base_number)
		snprintf(what->text + len, sizeof what->text - len,
			 "; -o base=%u goes on from %s, behind the damage",
			 m->base_number - 1,
			 m->base_number > 1 ? "the session before" : "nothing");
	if (set_damage(v, what->text) < 0)
		return -ENOMEM;
	return volume_set_readonly(v, what->text);
}

/* The content of what was imported: missing, or not to be read to its end. */
static int look_at_content(struct volume *v)
{
	const struct import_content *c = &v->info.content;
	unsigned long long end = c->end_lba, have = c->session_end;
	unsigned char block[DISC_BLOCK];
	struct why what = {""};

	/* What is missing would be read from the next session. */
	if (c->missing_files) {
		why_set(&what, -EIO,
			"the session's content ends at block %llu, and should "
			"at %llu: %u file%s cannot be read to the end",
			have, end, c->missing_files,
			c->missing_files == 1 ? "" : "s");
		return forbid(v, &what);
	}
	/* What shows whether its tree is right, and its files. */
	if (v->info.lost_md5) {
		why_set(&what, -EIO,
			"the checksums of the session's files cannot be read");
		return forbid(v, &what);
	}
	if (v->damage || !end ||
	    disc_read(v->disc, block, sizeof block,
		      (c->end_lba - 1) * DISC_BLOCK) == 0)
		return 0;
	why_set(&what, -EIO,
		"the end of the session's content (block %llu) cannot be read",
		end - 1);
	return set_damage(v, what.text);
}

int volume_import_base(struct volume *v, struct why *why)
{
	struct why fault = {""};
	int err;

	while ((err = import_tree(v, &fault)) == -EIO &&
	       v->opts.session_lba == IMPORT_LAST && !v->opts.base_given) {
		err = give_up(v, &fault, why);
		if (err)
			return err;
		fault.text[0] = 0;
	}
	if (err)
		return why_set(why, err, "%s", why_text(&fault, err));
	if (v->medium.damage && v->opts.session_lba == IMPORT_LAST)
		err = set_damage(v, v->medium.damage);
	if (!err && !v->blank)
		err = look_at_content(v);
	return err ? why_set(why, err, "out of memory") : 0;
}

/* ---- its date ---- */

static void date_text(time_t t, char *buf, size_t size)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(buf, size, "at no time");
}

bool volume_clock_behind(struct volume *v, char *text, size_t size)
{
	char here[64], there[64];
	struct import_info info;
	time_t now = time(NULL);

	if (volume_base(v, NULL, &info) || info.created <= now)
		return false;
	date_text(now, here, sizeof here);
	date_text(info.created, there, sizeof there);
	snprintf(text, size,
		 "the clock says %s, but the last session is dated %s: the "
		 "next one will be dated before the one that it follows",
		 here, there);
	return true;
}
