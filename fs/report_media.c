/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/report_media.h"

#include <errno.h>
#include <stdio.h>

#include "burner/recorder.h"
#include "burner/udf.h"
#include "fs/report_internal.h"

/* NULL where the drive does not tell. */
static void put_known(struct json_object *o, const char *key, const char *text)
{
	put_text(o, key, text && *text ? text : NULL);
}

static struct json_object *speeds_array(const unsigned *speeds, size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_uint64(speeds[i]));
	return list;
}

/* ---- drives ---- */

static struct json_object *profiles_array(const struct recorder *r, bool writes)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < r->profiles_n; i++) {
		if (!writes || r->profiles[i].writes)
			json_object_array_add(
				list,
				json_object_new_string(r->profiles[i].name));
	}
	return list;
}

static struct json_object *inserted_object(const struct recorder *r)
{
	struct json_object *o = json_object_new_object();
	bool any = r->overwritable && r->status == DISC_BLANK;

	put_known(o, "type", r->medium);
	put_text(o, "status",
		 any ? "overwritable" : disc_status_word(r->status));
	put_bool(o, "overwritable", r->overwritable);
	put(o, "write_speeds",
	    speeds_array(r->write_speeds, r->write_speeds_n));
	return o;
}

static struct json_object *recorder_object(const struct recorder *r)
{
	struct json_object *o = json_object_new_object();
	bool looked_at = !r->holder[0] && !r->trouble[0];

	put_text(o, "path", r->path);
	put_known(o, "vendor", r->vendor);
	put_known(o, "product", r->product);
	put_known(o, "revision", r->revision);
	put_known(o, "serial", r->serial);
	put_bool(o, "in_use", r->holder[0] != 0);
	put_known(o, "holder", r->holder);
	put_known(o, "trouble", r->trouble);
	if (looked_at) {
		put_number(o, "buffer_bytes", r->buffer_bytes);
		put(o, "reads", profiles_array(r, false));
		put(o, "writes", profiles_array(r, true));
		put(o, "medium", inserted_object(r));
	} else {
		put(o, "buffer_bytes", NULL);
		put(o, "reads", NULL);
		put(o, "writes", NULL);
		put(o, "medium", NULL);
	}
	return o;
}

int report_drives(struct json_object **ret, struct why *why)
{
	struct json_object *o, *list;
	struct recorder *recorders;
	size_t n;
	int err = recorder_list(&recorders, &n, why);

	if (err < 0)
		return err;
	o = json_object_new_object();
	list = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, recorder_object(&recorders[i]));
	recorder_list_free(recorders, n);
	put(o, "drives", list);
	*ret = o;
	return 0;
}

/* ---- info ---- */

static struct json_object *drive_object(const struct medium_info *m)
{
	struct json_object *o;

	if (!m->is_drive)
		return NULL;
	o = json_object_new_object();
	put_known(o, "vendor", m->vendor);
	put_known(o, "product", m->product);
	put_known(o, "revision", m->revision);
	put_known(o, "serial", m->serial);
	return o;
}

static struct json_object *info_medium(const struct medium_info *m)
{
	struct json_object *o = report_medium(&m->medium);
	bool none = m->medium.status == DISC_NONE;

	put_bool(o, "writable", !none && !m->medium.why_not_writable);
	put_text(o, "reason",
		 none ? "there is no medium" : m->medium.why_not_writable);
	put_text(o, "looks_like", m->medium.looks_like);
	if (!m->is_drive || none)
		return o;
	put_number(o, "profile", (uint64_t)m->profile);
	put_bool(o, "erasable", m->erasable);
	put_bool(o, "formatted", m->medium.overwritable && !m->unformatted);
	put_bool(o, "damaged", m->damaged);
	put_text(o, "media_id", m->media_id);
	put_text(o, "manufacturer", m->manufacturer);
	put(o, "write_speeds",
	    speeds_array(m->write_speeds, m->write_speeds_n));
	return o;
}

static struct json_object *sessions_array(const struct medium_info *m)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->sessions_n; i++)
		json_object_array_add(list,
				      report_session(&m->sessions[i], i));
	return list;
}

static struct json_object *add_type(struct json_object *list, const char *type,
				    bool supported)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "type", type);
	put_bool(o, "supported", supported);
	json_object_array_add(list, o);
	return o;
}

static void add_udf(struct json_object *list, const struct udf_volume *udf)
{
	struct json_object *o = add_type(list, "udf", false);

	if (!udf)
		return;
	put_known(o, "label", udf->label);
	if (udf->counted) {
		put_number(o, "files", udf->files);
		put_number(o, "folders", udf->folders);
	}
}

static struct json_object *file_systems_array(const struct contents *c,
					      const struct udf_volume *udf)
{
	struct json_object *list = json_object_new_array(), *o;

	if (c->iso9660) {
		o = add_type(list, "iso9660", true);
		/* Names longer than any level has are of none. */
		put(o, "level",
		    c->level ? json_object_new_uint64(c->level) : NULL);
		put_bool(o, "level_partial", c->level_partial);
	}
	if (c->rock_ridge)
		add_type(list, "rock_ridge", true);
	if (c->joliet_level) {
		o = add_type(list, "joliet", true);
		put_number(o, "level", c->joliet_level);
	}
	if (c->enhanced)
		add_type(list, "iso9660_1999", false);
	if (c->udf)
		add_udf(list, udf);
	if (c->hfs_plus)
		add_type(list, "hfs_plus", false);
	if (c->hfs)
		add_type(list, "hfs", false);
	return list;
}

static struct json_object *boot_array(const struct contents *c)
{
	const struct {
		bool there;
		const char *word;
	} ways[] = {
		{c->el_torito, "el_torito"},
		{c->mbr, "mbr"},
		{c->gpt, "gpt"},
		{c->apm, "apm"},
	};
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		if (ways[i].there)
			json_object_array_add(
				list, json_object_new_string(ways[i].word));
	}
	return list;
}

struct json_object *report_info(const char *source, const struct medium_info *m)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return NULL;
	put_text(o, "source", source);
	put_text(o, "kind", m->is_drive ? "drive" : "image");
	put(o, "mountpoint", NULL);
	put(o, "drive", drive_object(m));
	put(o, "medium", info_medium(m));
	put(o, "sessions", sessions_array(m));
	put(o, "file_systems", file_systems_array(&m->contents, m->medium.udf));
	put(o, "boot", boot_array(&m->contents));
	put_known(o, "trouble", m->trouble);
	return o;
}
