/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs commit: burn what is pending, the mount going on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "burner/disc.h"
#include "cli/args.h"
#include "cli/commit_run.h"
#include "cli/exit_code.h"
#include "cli/target.h"
#include "common/cleanup.h"
#include "common/size.h"

/* @overhead: of a dry run, in bytes. */
static void print_result(uint64_t blocks, uint64_t overhead, const char *text)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return;
	json_object_object_add(o, "blocks", json_object_new_uint64(blocks));
	json_object_object_add(o, "bytes",
			       json_object_new_uint64(blocks * DISC_BLOCK));
	if (text)
		json_object_object_add(o, "text", json_object_new_string(text));
	else
		json_object_object_add(o, "overhead_bytes",
				       json_object_new_uint64(overhead));
	command_print_json(o);
	json_object_put(o);
}

static int show_size(struct target *t, bool json, struct json_object *status,
		     struct why *why)
{
	struct json_object *answer = NULL, *space = NULL;
	char text[SIZE_TEXT], more[SIZE_TEXT];
	uint64_t blocks, overhead;
	int err;

	err = client_call_op(t->client, "size", &answer, why);
	if (err)
		return err;
	blocks = answer_number(answer, "blocks");
	json_object_put(answer);
	json_object_object_get_ex(status, "space", &space);
	overhead = blocks ? answer_number(space, "overhead_bytes") : 0;
	if (json)
		print_result(blocks, overhead, NULL);
	else if (!blocks)
		puts("nothing to burn");
	else if (overhead)
		printf("%" PRIu64 " blocks (%s) would be burned, %s more are "
		       "taken by the session's end\n",
		       blocks, size_format(blocks * DISC_BLOCK, text),
		       size_format(overhead, more));
	else
		printf("%" PRIu64 " blocks (%s) would be burned\n", blocks,
		       size_format(blocks * DISC_BLOCK, text));
	if (blocks)
		commit_warn(status);
	return 0;
}

/* A read-only mount has no changes, and its process nothing to burn with. */
static int check_writable(struct target *t, struct json_object **ret_status,
			  struct why *why)
{
	struct json_object *status, *readonly;
	int err = target_status(t, &status, why);

	if (err)
		return err;
	*ret_status = status;
	if (json_object_object_get_ex(status, "readonly", &readonly) &&
	    json_object_get_boolean(readonly))
		err = why_set(why, -EROFS, "mounted read-only: %s",
			      answer_text(status, "readonly_reason"));
	return err;
}

static int burn(struct target *t, bool json, struct json_object *status,
		struct why *why)
{
	struct commit_result result = {0};
	int err;

	commit_warn(status);
	err = commit_run(t->client, false, false, &result, why);
	if (err == -EINTR)
		return why_set(why, err,
			       "interrupted: the burn goes on, and how far it "
			       "is shows \"discfs status %s\"",
			       t->mount.dir);
	if (err)
		return err;
	if (json)
		print_result(result.blocks, 0, result.text);
	else if (*result.text)
		puts(result.text);
	else if (result.blocks)
		printf("burned %" PRIu64 " blocks\n", result.blocks);
	else
		puts("nothing to burn");
	free(result.text);
	return 0;
}

static int commit_main(const struct command *self, int argc, char **argv)
{
	static const char *const needed[] = {"no disc is named", NULL};
	bool json = false, dry_run = false;
	const struct args_option options[] = {
		{.name = "json", .flag = &json},
		{.name = "dry-run", .letter = 'n', .flag = &dry_run},
		{0},
	};
	struct why why = {""};
	struct json_object *status = NULL;
	struct target t;
	int err;

	if (args_parse(self, argc, argv, options, needed, 0, &err) < 0)
		return err;
	err = target_open_mount(&t, argv[0], true, &why);
	if (!err)
		err = check_writable(&t, &status, &why);
	if (!err)
		err = dry_run ? show_size(&t, json, status, &why)
			      : burn(&t, json, status, &why);
	if (err)
		command_fail(&why, err, "%s", argv[0]);
	json_object_put(status);
	target_close(&t);
	return exit_code_of(err);
}

const struct command command_commit = {
	.name = "commit",
	.summary = "burn the changes now",
	.usage = "Usage: discfs commit [-n] [--json] DIR\n"
		 "\n"
		 "Burn what was changed in DIR as a new session and verify it; "
		 "DIR stays mounted.\n"
		 "\n"
		 "  -n, --dry-run  burn nothing: tell the exact size of the "
		 "session\n"
		 "      --json     the result as JSON\n"
		 "      --help     show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = commit_main,
};
