/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a volume shows, or one of its sessions, as an image of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/export.h"
#include "common/cleanup.h"
#include "fs/report_internal.h"
#include "fs/volume_internal.h"

static int give(const struct volume *v, const struct export_result *r,
		struct json_object **ret)
{
	struct json_object *o = json_object_new_object();

	put_number(o, "blocks", r->blocks);
	put_number(o, "bytes", r->blocks * DISC_BLOCK);
	put_text(o, "left_out", r->left_out);
	if (v->beside)
		put_text(o, "beside", v->beside);
	*ret = o;
	return 0;
}

/* ---- a session ---- */

static int find_session(struct volume *v, unsigned number, uint32_t *ret_lba,
			struct why *why)
{
	AUTO_FREE struct disc_session *sessions = NULL;
	size_t n = 0;
	int err = volume_base(v, NULL, NULL)
			  ? 0
			  : disc_sessions(v->disc, &sessions, &n, why);

	if (err)
		return err;
	if (number < 1 || number > n)
		return why_set(why, -ENOENT,
			       "there is no session %u: the disc has %zu",
			       number, n);
	*ret_lba = sessions[number - 1].lba;
	return 0;
}

static int export_session(struct volume *v, unsigned number, int fd,
			  const struct progress_sink *sink,
			  struct export_result *ret, struct why *why)
{
	static const struct session_node root = {.name = "", .base_name = ""};
	struct session_plan plan = {
		.nodes = &root, .n_nodes = 1, .joliet = !v->opts.no_joliet};
	int err = find_session(v, number, &plan.base.session_lba, why);

	/* As a burn: who wants libisofs meanwhile is told, and need not wait.
	 */
	if (!err)
		err = volume_take_turn(v, "an export", sink, why);
	if (err)
		return err;
	err = export_image(v->disc, &plan, fd, sink, ret, why);
	volume_end_turn(v);
	return err;
}

/* ---- what is shown ---- */

static int export_tree(struct volume *v, int fd,
		       const struct progress_sink *sink,
		       struct export_result *ret, struct why *why)
{
	struct snapshot *snapshot = NULL;
	struct session_plan plan = {0};
	int err = volume_take_turn(v, "an export", sink, why);

	if (err)
		return err;
	err = volume_push_pages(v, why);
	if (!err)
		err = snapshot_look(v->tree, v->disc, &snapshot, why);
	if (!err) {
		volume_fill_plan(v, snapshot, v->info.lba, &plan);
		err = export_image(v->disc, &plan, fd, sink, ret, why);
	}
	snapshot_free(snapshot);
	volume_end_turn(v);
	return err;
}

int volume_export(struct volume *v, unsigned session, int fd,
		  const struct progress_sink *sink, struct json_object **ret,
		  struct why *why)
{
	struct export_result result = {0};
	int err = session ? export_session(v, session, fd, sink, &result, why)
			  : export_tree(v, fd, sink, &result, why);

	return err ? err : give(v, &result, ret);
}
