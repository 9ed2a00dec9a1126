/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking the base of a volume against its recorded checksums.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/check.h"
#include "common/array.h"
#include "fs/report_internal.h"
#include "fs/volume_internal.h"

struct bad_file {
	char *path;
	enum check_verdict what;
	uint64_t lba;
};

struct bad_files {
	struct bad_file *v;
	uint32_t n;
};

static int note(void *arg, const char *path, enum check_verdict what,
		uint64_t lba)
{
	struct bad_files *b = arg;
	struct bad_file *f = array_append(&b->v, &b->n, sizeof *f);

	if (!f)
		return -ENOMEM;
	*f = (struct bad_file){strdup(path), what, lba};
	return f->path ? 0 : -ENOMEM;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct bad_file *)a)->path,
		      ((const struct bad_file *)b)->path);
}

static struct json_object *list_of(const struct bad_files *b,
				   enum check_verdict what)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < b->n; i++) {
		struct json_object *o;

		if (b->v[i].what != what)
			continue;
		o = json_object_new_object();
		put_text(o, "path", b->v[i].path);
		if (what == CHECK_UNREADABLE)
			put_number(o, "lba", b->v[i].lba);
		json_object_array_add(list, o);
	}
	return list;
}

static int check_base(struct volume *v, const struct progress_sink *sink,
		      struct bad_files *bad, struct check_totals *totals,
		      struct why *why)
{
	struct import_opts opts = {.session_lba = IMPORT_LAST};
	struct import_info info;
	/* A burn has libisofs: not to be waited for where nobody can cancel. */
	int err = volume_take_turn(v, "a check", sink, why);

	if (err)
		return err;
	volume_end_turn(v);
	if (volume_base(v, NULL, &info))
		return 0;
	opts.session_lba = info.lba;
	/* As it was imported: what a tree of other names has is the same. */
	opts.no_rock_ridge =
		v->opts.no_rock_ridge && info.kind != TREE_ROCK_RIDGE;
	opts.no_joliet = v->opts.no_joliet && info.kind != TREE_JOLIET;
	return check_session(v->disc, &opts, note, bad, sink, totals, why);
}

int volume_check(struct volume *v, const struct progress_sink *sink,
		 struct json_object **ret, struct why *why)
{
	struct check_totals totals = {0};
	struct bad_files bad = {0};
	struct json_object *o;
	int err = check_base(v, sink, &bad, &totals, why);

	if (bad.n)
		qsort(bad.v, bad.n, sizeof *bad.v, by_path);
	if (!err) {
		o = json_object_new_object();
		put_number(o, "files", totals.files);
		put_number(o, "bytes", totals.bytes);
		put_number(o, "no_checksum", totals.no_checksum);
		put(o, "damaged", list_of(&bad, CHECK_DAMAGED));
		put(o, "unreadable", list_of(&bad, CHECK_UNREADABLE));
		if (v->damage)
			put_text(o, "damage", v->damage);
		if (v->beside)
			put_text(o, "beside", v->beside);
		*ret = o;
	}
	for (uint32_t i = 0; i < bad.n; i++)
		free(bad.v[i].path);
	free(bad.v);
	return err;
}
