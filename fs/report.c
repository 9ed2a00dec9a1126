/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands show, as JSON (volume.h lists the keys).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/size.h"
#include "fs/diff.h"
#include "fs/report_internal.h"
#include "fs/report_stage.h"
#include "fs/volume_internal.h"

/* ---- status ---- */

struct json_object *report_medium(const struct medium *m)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "type", m->type);
	put_text(o, "status", disc_status_word(m->status));
	put_bool(o, "overwritable", m->overwritable);
	put_number(o, "capacity_bytes", m->capacity_blocks * DISC_BLOCK);
	put_number(o, "free_bytes", m->free_blocks * DISC_BLOCK);
	put_number(o, "nwa", m->nwa);
	put_number(o, "sessions", m->sessions);
	if (m->head_note)
		put_text(o, "head_note", m->head_note);
	if (m->tail_note)
		put_text(o, "tail_note", m->tail_note);
	return o;
}

static const char *tree_word(bool blank, const struct import_info *info)
{
	if (blank)
		return "blank";
	switch (info->kind) {
	case TREE_ROCK_RIDGE:
		return "rock_ridge";
	case TREE_JOLIET:
		return "joliet";
	case TREE_ISO9660:
		break;
	}
	return "iso9660";
}

static struct json_object *session_object(bool blank,
					  const struct import_info *info)
{
	struct json_object *o = json_object_new_object();

	put_number(o, "lba", blank ? 0 : info->lba);
	put_text(o, "volume_id", blank ? "" : info->volume_id);
	put_text(o, "tree", tree_word(blank, info));
	put_number(o, "nodes", blank ? 0 : info->nodes);
	return o;
}

/*
 * A session is dear where it costs more than so many times what it holds, and
 * the disc some blocks; it is one of the last where less than this part of all
 * that a medium takes is left.
 */
enum { MUCH_FOR = 10, MANY_BLOCKS = 1024, NEAR_PART = 10 };

static struct json_object *space_object(struct volume *v,
					const struct medium *m,
					const struct tree_space *space)
{
	struct json_object *o = json_object_new_object();
	struct volume_statfs st;

	volume_statfs(v, &st);
	put_number(o, "total_bytes", st.total_blocks * DISC_BLOCK);
	put_number(o, "free_bytes", st.free_blocks * DISC_BLOCK);
	/* At most; "commit -n" tells exactly. */
	put_number(o, "commit_bytes", space->session_blocks * DISC_BLOCK);
	put_number(o, "overhead_bytes",
		   medium_overhead(m, space->session_blocks) * DISC_BLOCK);
	return o;
}

static void put_clock_warning(struct json_object *o, struct volume *v)
{
	char text[256];

	if (volume_clock_behind(v, text, sizeof text))
		put_text(o, "clock_warning", text);
}

/* What a person should know before the next burn, or nothing. */
static void put_warning(struct json_object *o, const struct medium *m,
			const struct tree_space *space)
{
	uint64_t overhead = medium_overhead(m, space->session_blocks);
	char cost[SIZE_TEXT], data[SIZE_TEXT], text[256];

	if (m->sessions_max &&
	    m->sessions + 1 >= m->sessions_max - m->sessions_max / NEAR_PART)
		snprintf(text, sizeof text,
			 "this is session %u of at most %u on a %s",
			 m->sessions + 1, m->sessions_max, m->type);
	else if (overhead > MANY_BLOCKS &&
		 overhead / MUCH_FOR > space->data_blocks)
		snprintf(text, sizeof text,
			 "a session costs %s of the %s beside what it holds, "
			 "%s of new content",
			 size_format(overhead * DISC_BLOCK, cost), m->type,
			 size_format(space->data_blocks * DISC_BLOCK, data));
	else
		return;
	put_text(o, "burn_warning", text);
}

void report_pending_counts(struct json_object *o,
			   const struct diff_entry *deltas, uint32_t n)
{
	uint64_t kinds[128] = {0};

	for (uint32_t i = 0; i < n; i++)
		kinds[deltas[i].kind]++;
	put_number(o, "deltas", n);
	put_number(o, "added", kinds[DIFF_ADDED]);
	put_number(o, "removed", kinds[DIFF_REMOVED]);
	put_number(o, "modified", kinds[DIFF_CONTENT]);
	put_number(o, "attributes", kinds[DIFF_ATTR]);
	put_number(o, "moved", kinds[DIFF_MOVED]);
}

static struct json_object *pending_object(struct volume *v,
					  const struct tree_space *space)
{
	struct json_object *o = json_object_new_object();
	struct diff_entry *entries = NULL;
	uint32_t n = 0;

	if (diff_collect(v->tree, &entries, &n) < 0)
		n = 0;
	report_pending_counts(o, entries, n);
	diff_free(entries, n);
	put_number(o, "bytes", space->data_blocks * DISC_BLOCK);
	return o;
}

static struct json_object *stage_object(struct volume *v)
{
	struct json_object *o;
	struct why why = {""};

	if (!v->stage)
		return NULL;
	o = json_object_new_object();
	put_text(o, "id", stage_id(v->stage));
	put_text(o, "path", stage_path(v->stage));
	put_number(o, "bytes", stage_data_used(stage_data(v->stage)));
	put(o, "lost", report_lost(v->stage));
	if (stage_trouble(v->stage, &why))
		put_text(o, "trouble", why_text(&why, -EIO));
	return o;
}

static void put_progress(struct json_object *o, struct volume *v)
{
	struct json_object *p;

	LOCK_GUARD(&v->lock);
	put_text(o, "state", commit_state_name(v->state));
	put_text(o, "last_commit", v->last_result);
	if (v->state == STATE_IDLE || v->state == STATE_FAILED)
		return;
	p = json_object_new_object();
	put_text(p, "phase", v->progress.phase);
	put_number(p, "blocks_done", v->progress.blocks_done);
	put_number(p, "blocks_total", v->progress.blocks_total);
	put_text(p, "file", v->progress.file);
	if (v->progress.waits_for)
		put_text(p, "waits_for", v->progress.waits_for);
	put_number(p, "bytes_per_second", v->progress.bytes_per_second);
	put_number(p, "seconds_left", v->progress.seconds_left);
	put(o, "progress", p);
}

/* What burns without "discfs commit". */
static struct json_object *triggers_object(struct volume *v)
{
	struct json_object *list = json_object_new_array();

	if (volume_commits_on(v, COMMIT_ON_UNMOUNT))
		json_object_array_add(list, json_object_new_string("unmount"));
	if (volume_commits_on(v, COMMIT_ON_SYNC))
		json_object_array_add(list, json_object_new_string("sync"));
	return list;
}

/* @given: lines, or NULL. */
static struct json_object *options_object(const char *given)
{
	struct json_object *list = json_object_new_array();

	for (const char *s = given ? given : ""; *s; s = strchr(s, '\n') + 1)
		json_object_array_add(list,
				      json_object_new_string_len(
					      s, (int)strcspn(s, "\n")));
	return list;
}

static void put_count(void *arg, const char *name, uint64_t count)
{
	put_number(arg, name, count);
}

static void put_requests(struct json_object *o, struct volume *v)
{
	struct json_object *requests;

	LOCK_GUARD(&v->lock);
	if (!v->counts)
		return;
	requests = json_object_new_object();
	v->counts(v->counts_source, put_count, requests);
	put(o, "requests", requests);
}

static struct json_object *medium_object(struct volume *v,
					 const struct medium *m)
{
	struct json_object *o = report_medium(m);
	struct why why = {""};

	if (disc_trouble(v->disc, &why))
		put_text(o, "trouble", why_text(&why, -EIO));
	return o;
}

static bool is_mounted(struct volume *v)
{
	LOCK_GUARD(&v->lock);

	return !v->opts.offline && !v->unmounted;
}

struct json_object *report_status(struct volume *v)
{
	struct json_object *o = json_object_new_object();
	struct tree_space space;
	struct import_info info;
	struct medium medium;
	bool blank = volume_base(v, &medium, &info);

	tree_space(v->tree, &space);
	put_text(o, "source", disc_path(v->disc));
	put_bool(o, "mounted", is_mounted(v));
	put_bool(o, "readonly", v->readonly_reason != NULL);
	if (v->readonly_reason)
		put_text(o, "readonly_reason", v->readonly_reason);
	if (v->damage)
		put_text(o, "damage", v->damage);
	if (v->beside)
		put_text(o, "beside", v->beside);
	put(o, "medium", medium_object(v, &medium));
	put(o, "session", session_object(blank, &info));
	put(o, "space", space_object(v, &medium, &space));
	put(o, "pending", pending_object(v, &space));
	if (!v->readonly_reason) {
		put_warning(o, &medium, &space);
		put_clock_warning(o, v);
	}
	put(o, "commit_on", triggers_object(v));
	put(o, "stage", stage_object(v));
	put(o, "options", options_object(v->opts.given));
	put_bool(o, "unmounting", volume_is_leaving(v));
	put_progress(o, v);
	put_requests(o, v);
	return o;
}

/* ---- diff ---- */

/* Whether @path is at or below one of @paths ("" and "/" are the root). */
static bool is_wanted(const char *path, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *p = paths[i] + strspn(paths[i], "/");
		size_t len = strlen(p);

		while (len && p[len - 1] == '/')
			len--;
		if (!len || (strncmp(path, p, len) == 0 &&
			     (!path[len] || path[len] == '/')))
			return true;
	}
	return n == 0;
}

struct json_object *report_delta(const struct diff_entry *e)
{
	struct json_object *o = json_object_new_object();
	const char kind[] = {(char)e->kind, 0};

	put_text(o, "kind", kind);
	put_text(o, "path", *e->path ? e->path : ".");
	if (e->old_path)
		put_text(o, "old_path", e->old_path);
	if ((e->kind == DIFF_ADDED || e->kind == DIFF_CONTENT) &&
	    e->size != STAGE_VIEW_NO_SIZE)
		put_number(o, "size", e->size);
	return o;
}

struct json_object *report_diff(struct volume *v, const char *const *paths,
				size_t n)
{
	struct json_object *o = json_object_new_object();
	struct json_object *deltas = json_object_new_array();
	struct diff_entry *entries = NULL;
	uint32_t n_entries = 0;

	if (diff_collect(v->tree, &entries, &n_entries) < 0)
		n_entries = 0;
	for (uint32_t i = 0; i < n_entries; i++) {
		const struct diff_entry *e = &entries[i];

		if (is_wanted(e->path, paths, n) ||
		    (e->old_path && is_wanted(e->old_path, paths, n)))
			json_object_array_add(deltas, report_delta(e));
	}
	diff_free(entries, n_entries);
	put(o, "deltas", deltas);
	return o;
}

/* ---- log ---- */

/* The files of a session, as hashes of their paths, contents' place and size.
 */
struct listing {
	uint64_t *paths; /* by import id */
	uint32_t n;
	uint64_t *files; /* sorted */
	uint32_t n_files;
};

static uint64_t hash_on(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h ^ h >> 31;
}

static int list_node(void *arg, const struct import_node *node)
{
	struct listing *l = arg;
	uint64_t *path = array_append(&l->paths, &l->n, sizeof *path);
	uint64_t *file;

	if (!path || node->parent_id >= l->n)
		return -ENOMEM;
	if (node->id == IMPORT_ROOT) {
		*path = 0xcbf29ce484222325ULL;
		return 0;
	}
	*path = hash_on(l->paths[node->parent_id] + 1, node->name,
			strlen(node->name));
	if (S_ISDIR(node->attr.mode))
		return 0;
	file = array_append(&l->files, &l->n_files, sizeof *file);
	if (!file)
		return -ENOMEM;
	*file = *path;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void listing_release(struct listing *l)
{
	free(l->paths);
	free(l->files);
	*l = (struct listing){0};
}

/* How many elements of @a are not in @b. */
static uint64_t missing_in(const struct listing *a, const struct listing *b)
{
	uint64_t missing = 0;
	uint32_t j = 0;

	for (uint32_t i = 0; i < a->n_files; i++) {
		while (j < b->n_files && b->files[j] < a->files[i])
			j++;
		missing += j == b->n_files || b->files[j] != a->files[i];
	}
	return missing;
}

void report_date(int64_t seconds, char *buf, size_t size)
{
	time_t t = seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*buf = 0;
}

struct json_object *report_session(const struct disc_session *s, size_t i)
{
	struct json_object *o = json_object_new_object();
	char date[64];

	report_date(s->created, date, sizeof date);
	put_number(o, "number", i + 1);
	put_number(o, "lba", s->lba);
	put_number(o, "blocks", s->blocks);
	put_text(o, "volume_id", s->volume_id);
	put_text(o, "date", s->created ? date : NULL);
	return o;
}

static struct json_object *log_entry(const struct disc_session *s, size_t i,
				     const struct listing *before,
				     const struct listing *now)
{
	struct json_object *o = report_session(s, i);

	put_number(o, "added", missing_in(now, before));
	put_number(o, "removed", missing_in(before, now));
	return o;
}

/* What cannot be imported does not change what the next one is compared with.
 */
static struct json_object *unreadable_entry(const struct disc_session *s,
					    size_t i)
{
	struct json_object *o = json_object_new_object();

	put_number(o, "number", i + 1);
	put_number(o, "lba", s->lba);
	put_number(o, "blocks", s->blocks);
	put_bool(o, "unreadable", true);
	return o;
}

int report_log(struct volume *v, struct json_object **ret, struct why *why)
{
	struct json_object *o, *array = json_object_new_array();
	AUTO_FREE struct disc_session *sessions = NULL;
	struct listing before = {0};
	size_t n = 0;
	int err = volume_base(v, NULL, NULL)
			  ? 0
			  : disc_sessions(v->disc, &sessions, &n, why);

	for (size_t i = 0; !err && i < n; i++) {
		struct import_opts opts = {.session_lba = sessions[i].lba};
		struct import_info info;
		struct listing now = {0};
		struct json_object *entry;
		bool missing;

		err = import_session(v->disc, &opts, list_node, &now, &info,
				     why);
		missing = !err && info.content.missing_files > 0;
		/* A burn that failed is listed, too; nothing is in it. */
		if (err == -EIO || err == -EMEDIUMTYPE || err == -EBADMSG ||
		    (missing && sessions[i].passed_over)) {
			listing_release(&now);
			json_object_array_add(
				array, unreadable_entry(&sessions[i], i));
			err = 0;
			continue;
		}
		if (!err) {
			if (now.n_files)
				qsort(now.files, now.n_files, sizeof *now.files,
				      by_value);
			entry = log_entry(&sessions[i], i, &before, &now);
			if (missing)
				put_bool(entry, "damaged", true);
			json_object_array_add(array, entry);
		}
		/* Nothing is added to one that is damaged. */
		listing_release(missing ? &now : &before);
		if (!missing)
			before = now;
	}
	listing_release(&before);
	if (err) {
		json_object_put(array);
		return err;
	}
	o = json_object_new_object();
	put(o, "sessions", array);
	*ret = o;
	return 0;
}
