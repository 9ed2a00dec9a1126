/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/stage_internal.h"
#include "fs/stage_loan.h"
#include "fs/stage_way.h"

static char *join(const char *a, const char *b)
{
	char *ret;

	return asprintf(&ret, "%s/%s", a, b) < 0 ? NULL : ret;
}

static char *home_root(void)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	struct passwd pw, *found = NULL;
	char buf[4096];

	/* A relative one is to be ignored (XDG Base Directory). */
	if (state && *state == '/')
		return join(state, "discfs");
	if ((!home || *home != '/') &&
	    getpwuid_r(geteuid(), &pw, buf, sizeof buf, &found) == 0 && found)
		home = found->pw_dir;
	if (!home || *home != '/') {
		errno = ENOENT;
		return NULL;
	}
	return join(home, ".local/state/discfs");
}

char *stage_root(const char *option, struct why *why)
{
	AUTO_FREE char *here = NULL;
	char *ret;

	if (option && *option == '/') {
		ret = strdup(option);
	} else if (option && *option) {
		here = getcwd(NULL, 0);
		ret = here ? join(here, option) : NULL;
	} else if (geteuid() == 0) {
		ret = strdup("/var/lib/discfs");
	} else {
		ret = home_root();
	}
	if (!ret)
		why_set(why, -errno,
			"no folder for the stage (no home): give one with "
			"-o stage=DIR");
	return ret;
}

/*
 * All stages
 */

static int only_stages(const struct dirent *e)
{
	return stage_id_ok(e->d_name);
}

/* By bytes: the locale has no say. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int stage_each(const char *root, int (*fn)(void *arg, const char *id),
	       void *arg, struct why *why)
{
	AUTO_FD int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **list;
	int i, err, n;

	err = fd < 0 ? 0 : stage_check_root(fd, root, why);
	if (err)
		return err;
	n = scandir(root, &list, only_stages, by_name);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return why_set(why, -errno, "cannot list the stages in %s: %s",
			       root, strerror(errno));
	for (i = 0; i < n; i++) {
		AUTO_FREE char *path = join(root, list[i]->d_name);
		struct stat st;

		if (err == 0 && path && lstat(path, &st) == 0 &&
		    S_ISDIR(st.st_mode))
			err = fn(arg, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return err;
}

/* What a stage says of its disc. */
struct claim {
	struct stage_binding binding;
	struct stage_intent intent;
	bool burning;
	bool lent;	/* its disc was given up: the digest alone counts */
	bool empty;	/* nothing would be lost with it */
	struct why old; /* why its digest tells nothing; "": it does */
};

static void claim_release(struct claim *c)
{
	stage_binding_release(&c->binding);
	stage_intent_release(&c->intent);
}

static int read_claim(const char *root, const char *id, struct claim *ret,
		      struct why *why)
{
	struct stage *st;
	int n, err = stage_open(root, id, true, &st, why);

	*ret = (struct claim){0};
	if (err < 0)
		return err;
	stage_check_age(st, &ret->old);
	ret->lent = stage_is_lent(st);
	err = stage_get_binding(st, &ret->binding, why);
	if (err == 0) {
		n = stage_get_intent(st, &ret->intent, why);
		ret->burning = n == 1;
		err = n < 0 ? n : 0;
	}
	ret->empty = stage_is_empty(st);
	if (err < 0)
		claim_release(ret);
	stage_close(st, false);
	return err;
}

/*
 * Which one is it?
 *
 * An image file is known by device and inode, by its path and by its digest;
 * a disc in a drive by its digest, and while it is blank by the drive and its
 * size.  Two different images may agree in some of these (a copy; an inode
 * used again), so anything but a clear case is refused: burning the deltas of
 * one disc onto another cannot be undone.
 */
enum verdict {
	OTHER,	/* nothing to do with it */
	BROKEN, /* it cannot be opened, and may be any disc's */
	STALE,	/* it is, or may be, and must not be used */
	LIKELY, /* same content, and the stage's own image is gone */
	SURE,
	LOCKED, /* it is, or may be, and cannot be opened */
};

struct search {
	const char *root;
	const struct stage_binding *now;
	struct why *failed;
	char *id[LOCKED + 1]; /* the first of each verdict */
	char *second[LOCKED + 1];
	struct why why[LOCKED + 1]; /* of the first one */
	int err[LOCKED + 1];
	bool recover[LOCKED + 1];
};

const char *stage_printable(const char *path, char *buf, size_t size)
{
	size_t i, len = strlen(path);
	const char *from = len < size ? path : path + len - size + 1;

	for (i = 0; from[i]; i++)
		buf[i] = (unsigned char)from[i] < ' ' || from[i] == 127
				 ? '?'
				 : from[i];
	buf[i] = '\0';
	return buf;
}

/* The stage that is looked at, and the disc. */
struct question {
	const char *root, *id, *source;
};

static enum verdict stale(const struct question *q,
			  const struct stage_binding *s, struct why *why,
			  const char *text)
{
	struct stage_way from, none, drop;
	char path[150];

	why_set(why, -ESTALE,
		"stage %s (of %s) %s: \"%s\" takes it all the same, \"%s\" "
		"leaves it alone, \"%s\" discards it",
		q->id, stage_printable(s->path, path, sizeof path), text,
		stage_way_mount(&from, q->root, "stage-from", q->id, q->source),
		stage_way_mount(&none, q->root, "nostage", NULL, q->source),
		stage_way(&drop, q->root, "drop", q->id));
	return STALE;
}

/* The same, of a disc that is not any more what the changes were made to. */
static enum verdict grown(const struct question *q,
			  const struct stage_binding *s, struct why *why,
			  const char *text)
{
	struct stage_way rebase, none, export, drop;
	char path[120];

	why_set(why, -ESTALE,
		"stage %s (of %s) %s: \"%s\" takes it where nothing changed on "
		"both sides, \"%s\" leaves it alone, \"%s\" saves its files, "
		"\"%s\" discards it",
		q->id, stage_printable(s->path, path, sizeof path), text,
		stage_way_mount(&rebase, q->root, "rebase", NULL, q->source),
		stage_way_mount(&none, q->root, "nostage", NULL, q->source),
		stage_way(&export, q->root, "export", q->id),
		stage_way(&drop, q->root, "drop", q->id));
	return STALE;
}

static const char grown_text[] =
	"has changes for this disc as it was before something else wrote to it";

int stage_say_grown(const char *root, const char *id,
		    const struct stage_binding *b, const char *source,
		    struct why *why)
{
	const struct question q = {root, id, source};

	grown(&q, b, why, grown_text);
	return -ESTALE;
}

bool stage_same_blank(const struct stage_binding *a,
		      const struct stage_binding *b)
{
	static const char rw[] = "DVD-RW";
	/* It may have been formatted since: by the burn that did not end. */
	bool both_rw = !strncmp(a->media_type, rw, sizeof rw - 1) &&
		       !strncmp(b->media_type, rw, sizeof rw - 1);

	if (!both_rw && (strcmp(a->media_type, b->media_type) != 0 ||
			 a->capacity_blocks != b->capacity_blocks))
		return false;
	/* A drive that tells no serial is known by its path. */
	return strcmp(a->serial, b->serial) == 0 &&
	       (a->serial[0] || strcmp(a->path, b->path) == 0);
}

/* Both in a drive. */
static enum verdict judge_disc(const struct stage_binding *s,
			       const struct stage_intent *intent,
			       const struct stage_binding *now)
{
	bool same_drive = stage_same_blank(s, now);

	/* One that a burn failed on is written from another place on; and one
	 * that was formatted since. */
	if (s->blank && now->blank)
		return same_drive && (s->nwa == now->nwa ||
				      strcmp(s->media_type, now->media_type) !=
					      0)
			       ? SURE
			       : OTHER;
	if (!s->blank && !now->blank &&
	    memcmp(s->digest, now->digest, sizeof s->digest) == 0)
		return SURE;
	/* The burn that was not finished may have changed all but these. */
	if (intent && same_drive && now->tip_lba == intent->nwa)
		return SURE;
	return OTHER;
}

/* Both image files, or one of them. */
static enum verdict judge_image(const struct question *q,
				const struct stage_binding *s,
				const struct stage_intent *intent,
				const struct stage_binding *now,
				struct why *why)
{
	bool both = s->image_ino && now->image_ino;
	bool same_file = both && s->image_ino == now->image_ino &&
			 s->image_dev == now->image_dev;
	bool same_path = strcmp(s->path, now->path) == 0;
	bool same_content =
		!s->blank && !now->blank &&
		memcmp(s->digest, now->digest, sizeof s->digest) == 0;
	bool there = access(s->path, F_OK) == 0;

	if (same_content) {
		if (both && (same_file || same_path))
			return SURE;
		if (both && !there)
			return LIKELY;
		return stale(q, s, why,
			     "has changes for the disc that this is a copy of");
	}
	if (s->blank && now->blank && same_file && same_path)
		return SURE;
	if (intent && both &&
	    (same_file || (same_path && now->tip_lba == intent->nwa)))
		return SURE;
	if (same_path && s->import_flags != now->import_flags && same_file)
		return stale(q, s, why,
			     "was made with other norock or nojoliet options");
	if (same_path && same_file)
		return grown(q, s, why, grown_text);
	if (same_path)
		return stale(q, s, why,
			     "has changes for another disc that was at this "
			     "path");
	/* An inode alone tells little: it is used again once a file is gone.
	 * Moved, and then grown, or moved while blank, it may be. */
	if (same_file && !there && now->nwa >= s->nwa && now->blank == s->blank)
		return grown(q, s, why,
			     "may have changes for this disc before it was "
			     "moved");
	return OTHER;
}

/* Whether @now is the image that @s was made with, or stands where it stood. */
static bool is_in_place(const struct stage_binding *s,
			const struct stage_binding *now)
{
	return strcmp(s->path, now->path) == 0 ||
	       (s->image_ino == now->image_ino &&
		s->image_dev == now->image_dev);
}

/*
 * By all but the digest, which an older build made.  In a drive that is what a
 * burn changes: such a disc, written just so far.
 */
static bool may_be(const struct claim *c, const struct stage_binding *now)
{
	const struct stage_binding *s = &c->binding;

	if (s->image_ino || now->image_ino)
		return is_in_place(s, now);
	if (strcmp(s->media_type, now->media_type) != 0 ||
	    s->capacity_blocks != now->capacity_blocks ||
	    s->blank != now->blank)
		return false;
	return (s->nwa == now->nwa && s->tip_lba == now->tip_lba) ||
	       (c->burning && now->tip_lba == c->intent.nwa);
}

static enum verdict judge(const struct question *q, const struct claim *c,
			  const struct stage_binding *now, struct why *why)
{
	const struct stage_binding *s = &c->binding;
	const struct stage_intent *intent = c->burning ? &c->intent : NULL;

	if (c->old.text[0]) {
		*why = c->old;
		return may_be(c, now) ? STALE : OTHER;
	}
	/* What is at its path now, or has its inode, is the other disc. */
	if (c->lent && memcmp(s->digest, now->digest, sizeof s->digest) != 0)
		return OTHER;
	if (s->image_ino == 0 && now->image_ino == 0)
		return judge_disc(s, intent, now);
	return judge_image(q, s, intent, now, why);
}

static int note(struct search *f, const char *id, enum verdict v, bool burning,
		int err, const struct why *why)
{
	char **slot;

	if (v == OTHER)
		return 0;
	if (!f->id[v]) {
		f->why[v] = *why;
		f->err[v] = err;
		f->recover[v] = burning;
	}
	slot = f->id[v] ? &f->second[v] : &f->id[v];
	if (*slot)
		return 0;
	*slot = strdup(id);
	return *slot ? 0 : -ENOMEM;
}

/* One broken stage must not stop all other discs: only those it may be of. */
static int look_at_broken(struct search *f, const char *id, int err,
			  const struct why *detail)
{
	struct stage_binding label = {0};
	int found = stage_broken_label(f->root, id, &label);
	enum verdict v = BROKEN;
	struct why why = {""};

	if (found < 0)
		return found;
	if (found == STAGE_BROKEN_LABEL)
		v = stage_broken_may_be(&label, f->now) ? LOCKED : OTHER;
	else if (found == STAGE_BROKEN_EMPTY)
		v = OTHER;
	stage_binding_release(&label);
	if (v == OTHER)
		log_warning("%s; left aside", why_text(detail, err));
	stage_broken_say(f->root, id, err, detail, v == BROKEN, &why);
	return note(f, id, v, false, err, &why);
}

static int look(void *arg, const char *id)
{
	struct search *f = arg;
	const struct question q = {f->root, id, f->now->path};
	struct claim c;
	enum verdict v;
	struct why why;
	int err;

	err = read_claim(f->root, id, &c, &why);
	if (err == -ENOENT)
		return 0; /* dropped meanwhile */
	/* That says nothing of the stage. */
	if (err == -ENOMEM || err == -EMFILE || err == -ENFILE)
		return why_set(f->failed, err, "%s", why_text(&why, err));
	if (err < 0)
		return look_at_broken(f, id, err, &why);
	v = judge(&q, &c, f->now, &why);
	/* As a crash of a mount without changes leaves it. */
	if (v == STALE && c.empty)
		v = OTHER;
	err = note(f, id, v, c.burning, -ESTALE, &why);
	claim_release(&c);
	return err;
}

static int refuse(struct search *f, enum verdict v, char **ret_id,
		  struct why *why)
{
	*ret_id = STEAL_PTR(f->id[v]);
	return why_set(why, f->err[v], "%s", f->why[v].text);
}

static int say_both(const struct search *f, const char *id, const char *second,
		    struct why *why)
{
	const char *source = f->now->path;
	struct stage_way from, none, drop;

	return why_set(why, -ESTALE,
		       "stages %s and %s both belong to this disc: take one "
		       "with \"%s\", leave them alone with \"%s\", or discard "
		       "one with \"%s\"",
		       id, second,
		       stage_way_mount(&from, f->root, "stage-from", id,
				       source),
		       stage_way_mount(&none, f->root, "nostage", NULL, source),
		       stage_way(&drop, f->root, "drop", second));
}

static int conclude(struct search *f, char **ret_id, bool *ret_recover,
		    struct why *why)
{
	enum verdict best = f->id[SURE] ? SURE : LIKELY;

	if (f->id[LOCKED])
		return refuse(f, LOCKED, ret_id, why);
	if (f->second[best]) {
		*ret_id = STEAL_PTR(f->id[best]);
		return say_both(f, *ret_id, f->second[best], why);
	}
	if (f->id[best]) {
		*ret_id = STEAL_PTR(f->id[best]);
		*ret_recover = f->recover[best];
		return 1;
	}
	if (f->id[STALE])
		return refuse(f, STALE, ret_id, why);
	/* A disc that has a stage of its own does not look for another. */
	return f->id[BROKEN] ? refuse(f, BROKEN, ret_id, why) : 0;
}

int stage_find(const char *root, const struct stage_binding *now, char **ret_id,
	       bool *ret_recover, struct why *why)
{
	struct search f = {.root = root, .now = now, .failed = why};
	unsigned v;
	int err;

	*ret_recover = false;
	err = stage_each(root, look, &f, why);
	if (err == 0)
		err = conclude(&f, ret_id, ret_recover, why);
	for (v = 0; v <= LOCKED; v++) {
		free(f.id[v]);
		free(f.second[v]);
	}
	return err;
}

static int drop_empty(void *arg, const char *id)
{
	const struct search *f = arg;
	struct claim c;
	bool here;

	if (read_claim(f->root, id, &c, NULL) < 0)
		return 0;
	here = c.empty && f->now->image_ino &&
	       is_in_place(&c.binding, f->now);
	claim_release(&c);
	/* One that is in use stays. */
	if (here)
		stage_remove(f->root, id, NULL);
	return 0;
}

void stage_drop_empty(const char *root, const struct stage_binding *now)
{
	struct search f = {.root = root, .now = now};

	stage_each(root, drop_empty, &f, NULL);
}

struct path_search {
	const char *root, *path;
	char *id;
};

static int look_path(void *arg, const char *id)
{
	struct path_search *f = arg;
	struct claim c;
	int err = read_claim(f->root, id, &c, NULL);

	if (err < 0)
		return 0;
	if (strcmp(c.binding.path, f->path) == 0 && !c.lent && !c.empty) {
		f->id = strdup(id);
		err = f->id ? 1 : -ENOMEM;
	}
	claim_release(&c);
	return err;
}

int stage_find_path(const char *root, const char *path, char **ret_id)
{
	struct path_search f = {.root = root, .path = path};
	int err = stage_each(root, look_path, &f, NULL);

	if (err == 1)
		*ret_id = f.id;
	return err;
}
