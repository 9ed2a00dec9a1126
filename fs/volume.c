/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wires disc, tree and stage together.
 */
#include "fs/volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/cond.h"
#include "common/log.h"
#include "fs/diff.h"
#include "fs/stage_way.h"
#include "fs/volume_internal.h"

/* ---- the medium ---- */

bool volume_base(struct volume *v, struct medium *ret_medium,
		 struct import_info *ret_info)
{
	LOCK_GUARD(&v->lock);
	if (ret_medium)
		*ret_medium = v->medium;
	if (ret_info)
		*ret_info = v->info;
	return v->blank;
}

int volume_look(struct volume *v, struct why *why)
{
	struct medium m;
	int err = disc_look(v->disc, &m, why);

	if (err)
		return err;
	{
		LOCK_GUARD(&v->lock);
		v->medium = m;
	}
	if (!m.overwritable)
		return 0;
	if (!v->head)
		v->head = malloc(DISC_HEAD_BYTES);
	if (!v->head)
		return why_set(why, -ENOMEM, "out of memory");
	err = disc_read_head(v->disc, v->head);
	if (err)
		return why_set(why, err, "cannot read the head of %s",
			       disc_path(v->disc));
	return 0;
}

/* Whether what is staged takes room away from the image. */
static bool shares_room(struct volume *v)
{
	uint64_t dev, ino;
	char serial[64];
	struct stat st;

	return v->stage && disc_identity(v->disc, &dev, &ino, serial) == 0 &&
	       ino && fstat(volume_data_fd(v), &st) == 0 &&
	       dev == (uint64_t)st.st_dev;
}

void volume_set_limit(struct volume *v)
{
	uint64_t shared = TREE_NO_LIMIT;

	/* What is staged already has taken its part of it. */
	if (shares_room(v))
		shared = (stage_data_room(stage_data(v->stage)) +
			  stage_data_used(stage_data(v->stage))) /
			 DISC_BLOCK;
	tree_set_limit(v->tree, v->medium.free_blocks, shared,
		       !v->opts.no_joliet);
}

int volume_fill_binding(struct disc *disc, const struct medium *m,
			const struct import_info *info, bool blank,
			struct stage_binding *ret)
{
	int err;

	*ret = (struct stage_binding){
		.blank = blank,
		.base_lba = blank ? 0 : info->lba,
		.tip_lba = m->last_lba,
		.nwa = m->nwa,
		.capacity_blocks = m->capacity_blocks,
		.path = strdup(disc_path(disc)),
	};
	if (!ret->path)
		return -ENOMEM;
	if (!blank)
		memcpy(ret->digest, info->digest, sizeof ret->digest);
	strncpy(ret->media_type, m->type, sizeof ret->media_type - 1);
	err = disc_identity(disc, &ret->image_dev, &ret->image_ino,
			    ret->serial);
	if (err)
		stage_binding_release(ret);
	return err;
}

int volume_bind_now(const struct volume *v, const struct import_info *info,
		    struct stage_binding *ret)
{
	int err = volume_fill_binding(v->disc, &v->medium, info, v->blank, ret);

	if (!err)
		ret->import_flags =
			(v->opts.no_rock_ridge ? STAGE_NO_ROCK_RIDGE : 0u) |
			(v->opts.no_joliet ? STAGE_NO_JOLIET : 0u);
	return err;
}

/* ---- opening ---- */

static int copy_text(const char *from, char **ret)
{
	*ret = from ? strdup(from) : NULL;
	return from && !*ret ? -ENOMEM : 0;
}

static int copy_opts(struct volume *v, const struct volume_opts *opts,
		     struct why *why)
{
	v->opts = *opts;
	if (copy_text(opts->source, &v->source) < 0 ||
	    copy_text(opts->label, &v->label) < 0 ||
	    copy_text(opts->given, &v->given) < 0)
		return why_set(why, -ENOMEM, "out of memory");
	v->opts.source = v->source;
	v->opts.label = v->label;
	v->opts.given = v->given;
	v->opts.stage_from = NULL; /* not looked at again */
	v->stage_root = stage_root(opts->stage_root, why);
	if (!v->stage_root)
		return -ENOENT;
	v->opts.stage_root = v->stage_root;
	return 0;
}

int volume_set_readonly(struct volume *v, const char *reason)
{
	if (v->readonly_reason)
		return 0;
	v->readonly_reason = strdup(reason);
	return v->readonly_reason ? 0 : -ENOMEM;
}

/* A source that is gone; its changes may not be. */
static int missing(struct volume *v, int err, struct why *why)
{
	AUTO_FREE char *id = NULL;
	struct stage_way create, export, drop;

	/* disc_open had words for who wanted one. */
	if (disc_is_device_place(v->source) && v->opts.create)
		return err;
	if (disc_is_device_place(v->source))
		return why_set(why, err,
			       "%s: %s (\"discfs drives\" lists the drives)",
			       v->source, strerror(-err));
	if (stage_find_path(v->stage_root, v->source, &id) != 1)
		return why_set(why, err, "%s: %s; a blank image is made by \"%s\"",
			       v->source, strerror(-err),
			       stage_way_mount(&create, v->stage_root, "create",
					       NULL, v->source));
	return why_set(why, err,
		       "%s is gone, but stage %s holds changes for it: bring "
		       "the image back, save its files with \"%s\", or give "
		       "them up with \"%s\"",
		       v->source, id,
		       stage_way(&export, v->stage_root, "export", id),
		       stage_way(&drop, v->stage_root, "drop", id));
}

static int open_disc(struct volume *v, struct why *why)
{
	struct disc_params params = {
		.path = v->source,
		.writable = !v->opts.readonly && !v->opts.offline,
		.create = v->opts.create && !v->opts.offline &&
			  v->opts.session_lba == IMPORT_LAST,
		/* It may be what a burn of ours left: judge looks again. */
		.foreign = true,
		.capacity_bytes = v->opts.capacity_bytes,
	};
	int err = disc_open(&params, &v->disc, why);

	if (err == -ENOENT)
		return missing(v, err, why);
	return err;
}

/* Why nothing can be written, if so. */
static int judge(struct volume *v, struct why *why)
{
	const struct volume_opts *o = &v->opts;
	const struct medium *m = &v->medium;
	int err = 0;

	if (m->status == DISC_NONE)
		return why_set(why, -ENOMEDIUM, "no medium in %s", v->source);
	/* A session may be there that nothing leads to. */
	if (m->status == DISC_FOREIGN && o->session_lba == IMPORT_LAST)
		return disc_refuse_foreign(v->disc, m, why);
	if (m->status == DISC_UNSUPPORTED && !m->sessions)
		return why_set(why, -EMEDIUMTYPE, "%s cannot be used: %s",
			       v->source, m->why_not_writable);
	if (m->unreadable && !m->has_base && o->session_lba == IMPORT_LAST)
		return why_set(why, -EIO, "%s", m->damage);
	if (o->readonly)
		err = volume_set_readonly(v, "as asked for");
	else if (o->no_stage)
		err = volume_set_readonly(v, "without a stage, as asked for");
	else if (o->session_lba != IMPORT_LAST)
		err = volume_set_readonly(v, "an older session is shown");
	else if (m->why_not_writable)
		err = volume_set_readonly(v, m->why_not_writable);
	if (o->burn.dummy && !m->simulates && !v->readonly_reason)
		return why_set(why, -ENOTSUP,
			       "-o dummy: on %s (%s) no burn can be made for a "
			       "test",
			       v->source, m->type);
	if (o->burn.close && m->overwritable && !v->readonly_reason)
		log_warning("-o close has no meaning for %s: a medium of its "
			    "kind (%s) can always be written again",
			    v->source, m->type);
	return err ? why_set(why, err, "out of memory") : 0;
}

int volume_import(struct volume *v, uint32_t session_lba, struct tree *t,
		  struct import_info *ret, struct why *why)
{
	struct import_opts opts = {
		.session_lba = session_lba,
		.no_rock_ridge = v->opts.no_rock_ridge,
		.no_joliet = v->opts.no_joliet,
	};
	struct tree_present present = {
		.uid = v->opts.uid,
		.gid = v->opts.gid,
		.mode = v->opts.mode,
		.dmode = v->opts.dmode,
		.umask = v->opts.umask,
	};

	return tree_import(t, v->disc, &opts, &present, ret, why);
}

/*
 * A stage of this disc, or one that may be, is there and cannot be used.  What
 * it holds fits the disc as long as nothing else is burned to it.
 */
static int leave_broken(struct volume *v, const struct why *reason,
			struct why *why)
{
	if (v->readonly_reason)
		log_warning("shown without changes that are pending: %s",
			    reason->text);
	else if (volume_set_readonly(v, reason->text) < 0)
		return why_set(why, -ENOMEM, "out of memory");
	return 0;
}

/* The tree gets the stage's changes, or is shown without them. */
static int load_stage(struct volume *v, bool named, struct why *why)
{
	struct why detail = {""}, reason = {""};
	struct stage *st = v->stage;
	int err;

	tree_attach_data(v->tree, stage_data(st));
	err = record_load(v->tree, st, &detail);
	if (!err)
		return 0;
	if (named || !stage_is_broken(err))
		return why_set(why, err, "%s", why_text(&detail, err));
	stage_say_broken(v->stage_root, stage_id(st), err, &detail, &reason);
	/* Not with a part of them. */
	v->stage = NULL;
	err = volume_import_base(v, why);
	stage_close(st, false);
	return err ? err : leave_broken(v, &reason, why);
}

/* Find, open or make the stage; *@ret_made: it has the binding already. */
static int open_stage(struct volume *v, const char *from, bool *ret_made,
		      struct why *why)
{
	bool look_only = v->readonly_reason || v->opts.offline;
	AUTO_FREE char *id = NULL;
	struct why detail = {""};
	bool recover;
	int err;

	if (v->opts.no_stage)
		return 0;
	if (from) {
		err = stage_resolve(v->stage_root, from, &id, why);
		return err ? err : volume_open_named(v, id, look_only, why);
	}
	err = stage_find(v->stage_root, &v->binding, &id, &recover, &detail);
	if (err < 0 && id && stage_is_broken(err))
		return leave_broken(v, &detail, why);
	if (err < 0)
		why_set(why, err, "%s", why_text(&detail, err));
	if (!err)
		err = volume_find_former(v, &id, why);
	if (err == -ESTALE && id && v->opts.rebase)
		return volume_open_former(v, id, look_only, why);
	if (err < 0)
		return err;
	if (err == 1) {
		err = stage_open(v->stage_root, id, look_only, &v->stage, why);
		if (!stage_is_broken(err))
			return err;
		stage_say_broken(v->stage_root, id, err, why, &detail);
		return leave_broken(v, &detail, why);
	}
	if (look_only)
		return 0;
	*ret_made = true;
	return stage_create(v->stage_root, &v->binding, &v->stage, why);
}

static int attach_stage(struct volume *v, const char *from, struct why *why)
{
	bool look_only = v->readonly_reason || v->opts.offline;
	int err = volume_bind_now(v, &v->info, &v->binding);
	bool made = false;

	if (err)
		return why_set(why, err, "out of memory");
	/* An older session has no stage; it is never written to. */
	if (v->opts.session_lba != IMPORT_LAST)
		return 0;
	err = open_stage(v, from, &made, why);
	if (err < 0 && v->opts.readonly && !from) {
		log_warning("shown without changes that are pending: %s",
			    why_text(why, err));
		return 0;
	}
	if (err || !v->stage)
		return err;
	if (from || v->opts.rebase)
		err = volume_check_stage(v, from != NULL, why);
	if (err)
		return err;
	err = load_stage(v, from != NULL, why);
	if (err || !v->stage)
		return err;
	volume_set_limit(v);
	v->loaded = true;
	stage_get_result(v->stage, v->last_result, sizeof v->last_result, NULL);
	if (look_only || made)
		return 0;
	/* The disc may have another path now. */
	return from ? stage_move(v->stage, &v->binding, why)
		    : stage_set_binding(v->stage, &v->binding, why);
}

static int open_all(struct volume *v, const struct volume_opts *opts,
		    struct why *why)
{
	int err = copy_opts(v, opts, why);

	if (!err)
		err = open_disc(v, why);
	if (!err)
		err = volume_doubt(v->disc, v->stage_root, why);
	if (!err && !v->opts.offline && !v->opts.readonly && !v->opts.no_stage)
		err = volume_recover(v->disc, v->stage_root, why);
	if (!err && v->opts.base_given)
		err = volume_choose_base(v, why);
	if (!err)
		err = volume_look(v, why);
	if (!err)
		err = judge(v, why);
	if (!err)
		err = volume_import_base(v, why);
	if (!err)
		err = volume_look_at_udf(v, why);
	if (!err)
		err = attach_stage(v, opts->stage_from, why);
	if (!err && (v->readonly_reason || v->opts.offline))
		tree_set_readonly(v->tree, true);
	return err;
}

int volume_open(const struct volume_opts *opts, struct volume **ret,
		struct why *why)
{
	struct volume *v = calloc(1, sizeof *v);
	int err;

	if (!v)
		return why_set(why, -ENOMEM, "out of memory");
	pthread_mutex_init(&v->commit_lock, NULL);
	pthread_mutex_init(&v->flush_lock, NULL);
	pthread_mutex_init(&v->lock, NULL);
	pthread_mutex_init(&v->hold_lock, NULL);
	cond_init(&v->changed);
	err = past_new(&v->past);
	err = err ? why_set(why, err, "out of memory") : open_all(v, opts, why);
	if (err) {
		volume_close(v);
		return err;
	}
	*ret = v;
	return 0;
}

/* ---- closing ---- */

static void stop_threads(struct volume *v)
{
	if (!v->started)
		return;
	{
		LOCK_GUARD(&v->lock);
		v->stopping = true;
		pthread_cond_broadcast(&v->changed);
	}
	pthread_join(v->committer, NULL);
	pthread_join(v->flusher, NULL);
	v->started = false;
}

static int follow(struct volume *v, struct why *why)
{
	LOCK_GUARD(&v->flush_lock);
	return v->rebase_pending ? 0 : volume_follow_locked(v, why);
}

/* A stage that holds nothing any more is removed. */
static void close_stage(struct volume *v)
{
	bool look_only = v->readonly_reason || v->opts.offline;
	struct stage_batch nothing = {0};
	AUTO_FREE char *undone = NULL;
	struct why why = {""};
	bool drop = false, lost = false;

	if (!v->stage)
		return;
	/* A stage that was made for this mount, which did not come to be. */
	if (v->borrowed && !v->loaded)
		undone = strdup(stage_id(v->stage));
	/* A tree that did not take up the stage's rows says nothing of them. */
	if (!look_only && v->loaded) {
		if (volume_flush(v, &why) < 0 || follow(v, &why) < 0)
			lost = volume_pending(v) != 0;
		if (lost)
			log_error("the last changes are not in the stage: %s",
				  why_text(&why, -EIO));
		else if (!v->rebase_pending && volume_pending(v) == 0 &&
			 !stage_is_lost(v->stage))
			drop = stage_set_intent(v->stage, NULL, NULL) == 0 &&
			       stage_replace(v->stage, &nothing, NULL) == 0;
	}
	tree_free(v->tree);
	v->tree = NULL;
	stage_close(v->stage, drop);
	if (undone)
		stage_remove(v->stage_root, undone, NULL);
}

void volume_close(struct volume *v)
{
	if (!v)
		return;
	stop_threads(v);
	if (v->opts.eject && v->disc && v->tree && volume_pending(v) == 0)
		disc_eject(v->disc);
	close_stage(v);
	tree_free(v->tree);
	past_free(v->past);
	disc_free(v->disc);
	stage_binding_release(&v->binding);
	free(v->head);
	free(v->sessions);
	free(v->readonly_reason);
	free(v->damage);
	free(v->beside);
	free(v->source);
	free(v->label);
	free(v->given);
	free(v->stage_root);
	pthread_mutex_destroy(&v->commit_lock);
	pthread_mutex_destroy(&v->flush_lock);
	pthread_mutex_destroy(&v->lock);
	pthread_mutex_destroy(&v->hold_lock);
	pthread_cond_destroy(&v->changed);
	free(v);
}

/* ---- what the others ask for ---- */

struct tree *volume_tree(struct volume *v)
{
	return v->tree;
}

int volume_disc_fd(struct volume *v)
{
	return disc_fd(v->disc);
}

int volume_data_fd(struct volume *v)
{
	return v->stage ? stage_data_fd(stage_data(v->stage)) : -1;
}

int volume_read_disc(struct volume *v, void *buf, size_t len, uint64_t pos)
{
	return disc_read(v->disc, buf, len, pos);
}

const struct volume_opts *volume_opts(const struct volume *v)
{
	return &v->opts;
}

const char *volume_readonly_reason(const struct volume *v)
{
	return v->readonly_reason;
}

void volume_notes(const struct volume *v, const char *ret[VOLUME_NOTES + 1])
{
	unsigned n = 0;

	if (v->medium.head_note)
		ret[n++] = v->medium.head_note;
	if (v->medium.tail_note)
		ret[n++] = v->medium.tail_note;
	ret[n] = NULL;
}

const char *volume_damage(const struct volume *v)
{
	return v->damage;
}

const char *volume_beside(const struct volume *v)
{
	return v->beside;
}

void volume_statfs(struct volume *v, struct volume_statfs *ret)
{
	struct tree_space space;
	struct medium m;
	uint64_t room;

	volume_base(v, &m, NULL);
	tree_space(v->tree, &space);
	*ret = (struct volume_statfs){
		.total_blocks = m.capacity_blocks,
		.files = space.files + space.folders,
	};
	if (v->readonly_reason)
		return;
	ret->free_blocks = space.free_blocks;
	room = v->stage ? stage_data_room(stage_data(v->stage)) / DISC_BLOCK
			: UINT64_MAX;
	if (room < ret->free_blocks)
		ret->free_blocks = room;
	/* An image is as large as its file system lets it become. */
	room = m.nwa + space.session_blocks + ret->free_blocks;
	if (m.overwritable && !v->opts.capacity_bytes &&
	    room < m.capacity_blocks)
		ret->total_blocks = room;
}

uint64_t volume_pending(struct volume *v)
{
	struct diff_entry *entries;
	uint32_t n = 0;

	/* Not known: not nothing. */
	if (diff_collect(v->tree, &entries, &n) < 0)
		return UINT64_MAX;
	diff_free(entries, n);
	return n;
}

void volume_set_sync(struct volume *v, int (*sync)(void *arg), void *arg)
{
	LOCK_GUARD(&v->lock);
	v->sync = sync;
	v->sync_arg = arg;
}

void volume_set_counts(struct volume *v, volume_counts counts, void *source)
{
	LOCK_GUARD(&v->lock);
	v->counts = counts;
	v->counts_source = source;
}

/* ---- threads ---- */

int volume_start(struct volume *v, struct why *why)
{
	int err;

	if (!v->stage || v->readonly_reason)
		return 0;
	err = pthread_create(&v->flusher, NULL, volume_flush_thread, v);
	if (err)
		return why_set(why, -err, "cannot start a thread");
	err = pthread_create(&v->committer, NULL, commit_thread, v);
	if (err) {
		pthread_mutex_lock(&v->lock);
		v->stopping = true;
		pthread_cond_broadcast(&v->changed);
		pthread_mutex_unlock(&v->lock);
		pthread_join(v->flusher, NULL);
		return why_set(why, -err, "cannot start a thread");
	}
	LOCK_GUARD(&v->lock);
	v->started = true;
	return 0;
}
