/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/report_stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "burner/disc.h"
#include "common/cleanup.h"
#include "fs/report_internal.h"
#include "fs/stage.h"
#include "fs/stage_loan.h"
#include "fs/stage_salvage.h"
#include "fs/stage_view.h"

/* What there is to know of one stage. */
struct summary {
	struct stage *st;
	struct stage_binding binding;
	struct stage_intent intent;
	bool burning;
	struct stage_view view;
	struct diff_entry *deltas;
	uint32_t n_deltas;
	uint64_t bytes;
};

static void summary_release(struct summary *s)
{
	diff_free(s->deltas, s->n_deltas);
	stage_view_release(&s->view);
	stage_intent_release(&s->intent);
	stage_binding_release(&s->binding);
	stage_close(s->st, false);
}

static int summary_read(const char *root, const char *id, struct summary *s,
			struct why *why)
{
	int err;

	*s = (struct summary){0};
	err = stage_open(root, id, true, &s->st, why);
	if (!err)
		err = stage_get_binding(s->st, &s->binding, why);
	if (!err) {
		int n = stage_get_intent(s->st, &s->intent, why);

		s->burning = n == 1;
		err = n < 0 ? n : 0;
	}
	if (!err)
		err = stage_view_load(s->st, &s->view, why);
	if (!err)
		err = stage_view_diff(&s->view, &s->deltas, &s->n_deltas, why);
	if (!err && stage_view_bytes(&s->view, &s->bytes) < 0)
		err = why_set(why, -ENOMEM, "out of memory");
	if (err)
		summary_release(s);
	return err;
}

struct json_object *report_lost(const struct stage *st)
{
	struct json_object *o;
	uint64_t missing;
	const char *lender = stage_lender(st, &missing);

	if (!lender)
		return NULL;
	o = json_object_new_object();
	put_text(o, "stage", lender);
	put_number(o, "missing", missing);
	return o;
}

static struct json_object *stage_object(const struct summary *s)
{
	struct json_object *o = json_object_new_object();
	struct json_object *pending = json_object_new_object();
	char date[64];
	long pid;

	report_date(s->binding.created, date, sizeof date);
	put_text(o, "id", stage_id(s->st));
	put_text(o, "path", stage_path(s->st));
	put_text(o, "disc", s->binding.path);
	put_bool(o, "disc_present", access(s->binding.path, F_OK) == 0);
	put_text(o, "created", date);
	put_bool(o, "in_use", stage_in_use(s->st, &pid));
	if (pid > 0)
		put_number(o, "pid", (uint64_t)pid);
	put_bool(o, "burning", s->burning);
	put_bool(o, "lent", stage_is_lent(s->st));
	put(o, "lost", report_lost(s->st));
	report_pending_counts(pending, s->deltas, s->n_deltas);
	put(o, "pending", pending);
	put_number(o, "rows", stage_rows(s->st));
	put_number(o, "bytes", s->bytes);
	return o;
}

static struct json_object *binding_object(const struct stage_binding *b)
{
	struct json_object *o = json_object_new_object();
	char digest[2 * sizeof b->digest + 1];

	for (size_t i = 0; i < sizeof b->digest; i++)
		snprintf(digest + 2 * i, 3, "%02x", b->digest[i]);
	put_bool(o, "blank", b->blank);
	put_text(o, "digest", digest);
	put_number(o, "base_lba", b->base_lba);
	put_number(o, "tip_lba", b->tip_lba);
	put_number(o, "nwa", b->nwa);
	put_number(o, "image_dev", b->image_dev);
	put_number(o, "image_ino", b->image_ino);
	put_text(o, "serial", b->serial);
	put_text(o, "media_type", b->media_type);
	put_number(o, "capacity_bytes", b->capacity_blocks * DISC_BLOCK);
	put_bool(o, "norock", b->import_flags & STAGE_NO_ROCK_RIDGE);
	put_bool(o, "nojoliet", b->import_flags & STAGE_NO_JOLIET);
	return o;
}

static struct json_object *intent_object(const struct summary *s)
{
	const struct stage_intent *i = &s->intent;
	struct json_object *o;

	if (!s->burning)
		return NULL;
	o = json_object_new_object();
	put_number(o, "nwa", i->nwa);
	put_number(o, "blocks", i->blocks);
	put_text(o, "volume_uuid", i->volume_uuid);
	put_bool(o, "overwritable", i->overwritable);
	put_bool(o, "exact", i->exact);
	return o;
}

struct list {
	const char *root;
	struct json_object *array;
};

static int list_one(void *arg, const char *id)
{
	struct list *l = arg;
	struct json_object *o;
	struct why why = {""};
	struct summary s;
	int err = summary_read(l->root, id, &s, &why);

	if (err == -ENOENT)
		return 0; /* dropped meanwhile */
	if (err == -ENOMEM)
		return err;
	if (err) {
		AUTO_FREE char *path = NULL, *disc = NULL;

		if (asprintf(&path, "%s/%s", l->root, id) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		o = json_object_new_object();
		put_text(o, "id", id);
		put_text(o, "path", path);
		put_text(o, "error", why_text(&why, err));
		disc = stage_label_path(l->root, id);
		put_text(o, "disc", disc);
	} else {
		o = stage_object(&s);
		summary_release(&s);
	}
	json_object_array_add(l->array, o);
	return 0;
}

int report_stage_list(const char *root, struct json_object **ret,
		      struct why *why)
{
	struct list l = {.root = root, .array = json_object_new_array()};
	int err = stage_each(root, list_one, &l, why);

	if (err) {
		json_object_put(l.array);
		return err;
	}
	*ret = json_object_new_object();
	put(*ret, "stages", l.array);
	return 0;
}

int report_stage(const char *root, const char *id, struct json_object **ret,
		 struct why *why)
{
	struct json_object *o, *deltas;
	char result[4096] = "";
	struct summary s;
	int err = summary_read(root, id, &s, why);

	if (err)
		return err;
	err = stage_get_result(s.st, result, sizeof result, why);
	if (!err) {
		o = stage_object(&s);
		put(o, "binding", binding_object(&s.binding));
		put(o, "intent", intent_object(&s));
		put_text(o, "last_commit", result);
		deltas = json_object_new_array();
		for (uint32_t i = 0; i < s.n_deltas; i++)
			json_object_array_add(deltas,
					      report_delta(&s.deltas[i]));
		put(o, "deltas", deltas);
		*ret = o;
	}
	summary_release(&s);
	return err;
}

/* ---- what cannot be burned to another disc ---- */

static struct json_object *missing_object(const struct stage_missing *m)
{
	static const char *const kinds[] = {[MISSING_ALL] = "all",
					    [MISSING_PART] = "part",
					    [MISSING_INSIDE] = "inside"};
	struct json_object *o = json_object_new_object();
	char text[120];

	stage_missing_text(m, text, sizeof text);
	put_text(o, "path", m->path);
	put_text(o, "kind", kinds[m->kind]);
	if (m->size != STAGE_VIEW_NO_SIZE) {
		put_number(o, "size", m->size);
		put_number(o, "missing_bytes", m->bytes);
	}
	put_text(o, "text", text);
	return o;
}

/* The id of the stage whose disc is the lost one: @id, or whose it borrows. */
static int find_lost(const char *root, const char *id, char **ret,
		     struct why *why)
{
	const char *lender;
	struct stage *st;
	int err = stage_open(root, id, true, &st, why);

	if (err)
		return err;
	lender = stage_lender(st, NULL);
	*ret = strdup(lender ? lender : id);
	stage_close(st, false);
	return *ret ? 0 : why_set(why, -ENOMEM, "out of memory");
}

static int list_missing(const struct summary *s, struct json_object *array,
			struct why *why)
{
	struct attr folder = {.mode = S_IFDIR | 0755};
	struct stage_salvage salvage;
	int err = stage_salvage(&s->view, &folder, stage_next_id(s->st),
				&salvage, why);

	if (err)
		return err;
	for (uint32_t i = 0; i < salvage.n_missing; i++)
		json_object_array_add(array,
				      missing_object(&salvage.missing[i]));
	stage_salvage_release(&salvage);
	return 0;
}

int report_stage_missing(const char *root, const char *id,
			 struct json_object **ret, struct why *why)
{
	struct json_object *array;
	AUTO_FREE char *lost = NULL;
	struct summary s;
	int err = find_lost(root, id, &lost, why);

	if (!err)
		err = summary_read(root, lost, &s, why);
	if (err)
		return err;
	array = json_object_new_array();
	/* A disc that was blank had nothing. */
	err = s.binding.blank ? 0 : list_missing(&s, array, why);
	summary_release(&s);
	if (err) {
		json_object_put(array);
		return err;
	}
	*ret = json_object_new_object();
	put_text(*ret, "stage", lost);
	put(*ret, "missing", array);
	return 0;
}
