/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs status: the disc, its space, what is pending, what is going on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exit_code.h"
#include "cli/quote.h"
#include "cli/show.h"
#include "cli/show_report.h"
#include "common/cleanup.h"
#include "common/size.h"

static void show_medium(struct json_object *m)
{
	char free_text[SIZE_TEXT], capacity[SIZE_TEXT];

	if (!m)
		return;
	show_row("medium:", "%s, %s", answer_text(m, "type"),
		 answer_text(m, "status"));
	show_row("",
		 "%s free of %s, next writable block %" PRIu64 ", %" PRIu64
		 " session%s",
		 size_format(answer_number(m, "free_bytes"), free_text),
		 size_format(answer_number(m, "capacity_bytes"), capacity),
		 answer_number(m, "nwa"), answer_number(m, "sessions"),
		 answer_number(m, "sessions") == 1 ? "" : "s");
	show_notes(m);
	if (*answer_text(m, "trouble"))
		show_row("", "%s", answer_text(m, "trouble"));
}

static void show_session(struct json_object *s)
{
	const char *tree = answer_text(s, "tree");
	const char *words = !strcmp(tree, "rock_ridge") ? "Rock Ridge"
			    : !strcmp(tree, "joliet")	? "Joliet"
			    : !strcmp(tree, "iso9660")	? "plain ISO 9660"
							: tree;

	if (!s)
		return;
	if (!strcmp(tree, "blank"))
		show_row("session:", "none, the disc is blank");
	else
		show_row("session:", "at lba %" PRIu64 ", \"%s\", %s",
			 answer_number(s, "lba"), answer_text(s, "volume_id"),
			 words);
}

static void show_space(struct json_object *s)
{
	char total[SIZE_TEXT], left[SIZE_TEXT], commit[SIZE_TEXT];

	if (!s)
		return;
	show_row("space:", "%s of %s left, a commit now writes up to %s",
		 size_format(answer_number(s, "free_bytes"), left),
		 size_format(answer_number(s, "total_bytes"), total),
		 size_format(answer_number(s, "commit_bytes"), commit));
	if (answer_number(s, "overhead_bytes"))
		show_row("", "and takes %s more for the session's end",
			 size_format(answer_number(s, "overhead_bytes"),
				     commit));
}

static void show_pending(struct json_object *p)
{
	uint64_t deltas = answer_number(p, "deltas");
	char bytes[SIZE_TEXT];

	if (!p)
		return;
	if (!deltas) {
		show_row("pending:", "nothing");
		return;
	}
	show_row("pending:", "%" PRIu64 " change%s, %s to burn", deltas,
		 deltas == 1 ? "" : "s",
		 size_format(answer_number(p, "bytes"), bytes));
	show_row("",
		 "%" PRIu64 " added, %" PRIu64 " removed, %" PRIu64
		 " modified, %" PRIu64 " attributes, %" PRIu64 " moved",
		 answer_number(p, "added"), answer_number(p, "removed"),
		 answer_number(p, "modified"), answer_number(p, "attributes"),
		 answer_number(p, "moved"));
}

static void show_stage(struct json_object *s)
{
	char bytes[SIZE_TEXT];

	if (!s) {
		show_row("stage:", "none");
		return;
	}
	show_row("stage:", "%s, %s", answer_text(s, "id"),
		 size_format(answer_number(s, "bytes"), bytes));
	show_row("", "%s", answer_text(s, "path"));
	if (*answer_text(s, "trouble"))
		show_row("", "%s", answer_text(s, "trouble"));
	show_lost(s);
}

static void show_state(struct json_object *status)
{
	struct json_object *p = show_member(status, "progress");
	uint64_t total = answer_number(p, "blocks_total");

	if (*answer_text(p, "waits_for"))
		show_row("state:", "%s for %s to end",
			 answer_text(status, "state"),
			 answer_text(p, "waits_for"));
	else if (p && total)
		show_row("state:", "%s, %" PRIu64 " of %" PRIu64 " blocks",
			 answer_text(status, "state"),
			 answer_number(p, "blocks_done"), total);
	else
		show_row("state:", "%s", answer_text(status, "state"));
	if (*answer_text(status, "last_commit"))
		show_row("last commit:", "%s",
			 answer_text(status, "last_commit"));
}

static void show(struct json_object *status)
{
	const char *reason = answer_text(status, "readonly_reason");
	const char *damage = answer_text(status, "damage");
	const char *beside = answer_text(status, "beside");

	show_row("source:", "%s", answer_text(status, "source"));
	if (*answer_text(status, "mountpoint"))
		show_row("mounted on:", "%s",
			 answer_text(status, "mountpoint"));
	else
		show_row("mounted on:", "%s",
			 show_is_true(status, "mounted") ? "?" : "nothing");
	if (show_is_true(status, "readonly"))
		show_row("read-only:", "%s", *reason ? reason : "yes");
	if (*damage && strcmp(damage, reason) != 0)
		show_row("damaged:", "%s", damage);
	if (*beside && strcmp(beside, reason) != 0)
		show_row("beside:", "%s", beside);
	show_medium(show_member(status, "medium"));
	show_session(show_member(status, "session"));
	show_space(show_member(status, "space"));
	show_pending(show_member(status, "pending"));
	show_stage(show_member(status, "stage"));
	show_state(status);
}

static int status_run(const struct command *self, int argc, char **argv)
{
	return show_report(self, argc, argv, target_status, show);
}

const struct command command_status = {
	.name = "status",
	.summary = "show the disc, its space and what is pending",
	.usage = "Usage: discfs status [--json] DIR|SOURCE\n"
		 "\n"
		 "Show the disc that is mounted on DIR, or SOURCE: the medium, "
		 "its last session,\n"
		 "the space that is left, and what waits to be burned.\n"
		 "\n"
		 "  --json  as JSON, with sizes in bytes\n"
		 "  --help  show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = status_run,
};
