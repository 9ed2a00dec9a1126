/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -o stage-from= with a blank disc: what waits for a disc that is lost goes to
 * this one.  The new disc gets a stage of its own, which borrows the bytes of
 * the lost one's (stage_loan.h), and from there on all is as with any blank
 * disc.  A stage whose own disc was blank misses nothing: it moves.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/stage_loan.h"
#include "fs/stage_salvage.h"
#include "fs/stage_way.h"
#include "fs/volume_internal.h"

/* So many lines at the mount; the others by "discfs stage missing". */
enum { MISSING_LINES = 10 };

/* ---- may it be? ---- */

/* This disc must have no stage but the one that it was given before. */
static int look_for_own(struct volume *v, const char *id, const char *borrower,
			struct why *why)
{
	AUTO_FREE char *own = NULL;
	struct stage_way drop;
	bool recover;
	int found = stage_find(v->stage_root, &v->binding, &own, &recover, why);

	/* At the lost image's path, or with its inode. */
	if (!own || strcmp(own, id) == 0)
		return found < 0 && !own ? found : 0;
	if (found == 1 && borrower && strcmp(own, borrower) == 0)
		return 1;
	if (found < 0)
		return found;
	return why_set(why, -EBUSY,
		       "stage %s holds changes for this disc already: before "
		       "those of stage %s are taken to it burn them, or discard "
		       "them with \"%s\"",
		       own, id, stage_way(&drop, v->stage_root, "drop", own));
}

/*
 * Whether stage @id can be lent.  Returns 0, or 1 with *@ret_borrower (heap)
 * where it is already, to this very disc; or -errno with @why.
 */
static int may_lend(struct volume *v, const char *id, char **ret_borrower,
		    struct why *why)
{
	AUTO_FREE char *borrower = NULL;
	struct stage_way from, drop;
	int lent = stage_borrower(v->stage_root, id, &borrower);
	int err;

	if (lent < 0)
		return why_set(why, lent, "stage %s: %s", id, strerror(-lent));
	err = look_for_own(v, id, borrower, why);
	if (err == 1) {
		*ret_borrower = STEAL_PTR(borrower);
		return 1;
	}
	if (err || !lent)
		return err;
	return why_set(why, -EBUSY,
		       "the changes in stage %s wait already to be burned to "
		       "another disc, as stage %s: \"%s\" takes them to this "
		       "one, \"%s\" gives that up",
		       id, borrower,
		       stage_way_mount(&from, v->stage_root, "stage-from",
				       borrower, v->source),
		       stage_way(&drop, v->stage_root, "drop", borrower));
}

/* ---- taking it ---- */

static void tell_missing(const char *root, const char *id,
			 const struct stage_salvage *s)
{
	struct stage_way way;
	char text[120], path[200];

	if (!s->n_missing)
		return;
	for (uint32_t i = 0; i < s->n_missing && i < MISSING_LINES; i++) {
		stage_missing_text(&s->missing[i], text, sizeof text);
		log_warning(
			"missing: %s: %s",
			stage_printable(s->missing[i].path, path, sizeof path),
			text);
	}
	if (s->n_missing > MISSING_LINES)
		log_warning("missing: and %u more",
			    (unsigned)(s->n_missing - MISSING_LINES));
	log_warning(
		"%u of the changes in stage %s cannot be burned here, since "
		"their content was on the lost disc (\"%s\" lists them); "
		"files that were not changed are not known at all",
		(unsigned)s->n_missing, id,
		stage_way(&way, root, "missing", id));
}

static struct attr usual_folder(void)
{
	struct attr a = {
		.mode = S_IFDIR | 0755, .uid = geteuid(), .gid = getegid()};

	clock_gettime(CLOCK_REALTIME, &a.mtime);
	a.atime = a.ctime = a.mtime;
	return a;
}

static int lend(struct volume *v, struct stage *lender, struct why *why)
{
	struct attr folder = usual_folder();
	struct stage_salvage s = {0};
	struct stage_view view = {0};
	struct stage_batch rows;
	int err = stage_view_load(lender, &view, why);

	if (!err)
		err = stage_salvage(&view, &folder, stage_next_id(lender), &s,
				    why);
	if (!err && !s.n_links)
		err = why_set(why, -ENODATA,
			      "stage %s holds nothing that could be burned "
			      "without its disc: the content of all of it is "
			      "there",
			      stage_id(lender));
	rows = (struct stage_batch){.nodes = s.nodes,
				    .n_nodes = s.n_nodes,
				    .links = s.links,
				    .n_links = s.n_links};
	if (!err)
		err = stage_lend(lender, &v->binding, &rows, s.n_missing,
				 &v->stage, why);
	if (!err) {
		v->borrowed = true;
		tell_missing(v->stage_root, stage_id(lender), &s);
	}
	stage_salvage_release(&s);
	stage_view_release(&view);
	return err;
}

/* Of a disc that was not blank, to one that is. */
static int take_lost(struct volume *v, const char *id, bool look_only,
		     struct why *why)
{
	AUTO_FREE char *borrower = NULL;
	struct stage *lender;
	int err = may_lend(v, id, &borrower, why);

	if (err < 0)
		return err;
	if (err == 1)
		return stage_open(v->stage_root, borrower, look_only, &v->stage,
				  why);
	/* A mount that is only tried: it would do. */
	if (v->opts.offline && !v->readonly_reason)
		return 0;
	if (look_only)
		return why_set(why, -EROFS,
			       "the changes in stage %s were made to a disc "
			       "that was not blank: they are taken to a blank "
			       "one only where that is mounted for writing",
			       id);
	err = stage_open(v->stage_root, id, false, &lender, why);
	if (err)
		return err;
	err = lend(v, lender, why);
	stage_close(lender, false);
	return err;
}

/*
 * An image whose burn was begun and not finished needs its stage to be told
 * whole from torn: it must not lose it, as long as it is there.
 */
static int check_left_behind(struct stage *st, const struct stage_binding *b,
			     struct why *why)
{
	struct stage_intent intent = {0};
	int burning = stage_get_intent(st, &intent, why);
	char path[200];
	struct stat s;

	stage_intent_release(&intent);
	if (burning <= 0)
		return burning;
	if (!b->image_ino || stat(b->path, &s) < 0 ||
	    s.st_dev != b->image_dev || s.st_ino != b->image_ino)
		return 0;
	return why_set(why, -EBUSY,
		       "stage %s has a burn that was begun on %s and is not "
		       "finished: mount that image first, to have it finished "
		       "or undone",
		       stage_id(st),
		       stage_printable(b->path, path, sizeof path));
}

int volume_open_named(struct volume *v, const char *id, bool look_only,
		      struct why *why)
{
	struct stage_binding b = {0};
	struct stage *st;
	bool lost = false;
	int err = stage_open(v->stage_root, id, true, &st, why);

	if (err)
		return err;
	err = stage_check_age(st, why);
	if (!err)
		err = stage_get_binding(st, &b, why);
	if (!err) {
		lost = v->blank && !b.blank;
		if (!lost && !look_only)
			err = check_left_behind(st, &b, why);
	}
	stage_binding_release(&b);
	stage_close(st, false);
	if (err)
		return err;
	if (lost)
		return take_lost(v, id, look_only, why);
	return stage_open(v->stage_root, id, look_only, &v->stage, why);
}
