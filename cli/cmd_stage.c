/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs stage: what waits on this machine, also for discs that are not here.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/quote.h"
#include "cli/show.h"
#include "common/cleanup.h"
#include "common/size.h"
#include "fs/report_stage.h"
#include "fs/stage.h"
#include "fs/stage_export.h"
#include "fs/stage_way.h"

struct stage_args {
	bool json, yes;
	const char *root; /* --stage, or NULL */
	char **words;	  /* what stands behind the verb */
	int n_words;
};

/* ---- list ---- */

static const char *state_of(struct json_object *stage)
{
	if (*answer_text(stage, "error"))
		return "unreadable";
	if (show_is_true(stage, "in_use"))
		return "in use";
	/* Another one has its changes. */
	if (show_is_true(stage, "lent"))
		return "disc lost";
	return show_is_true(stage, "burning") ? "burn begun" : "waiting";
}

static void show_list_line(struct json_object *s)
{
	AUTO_FREE char *disc = quote_name(answer_text(s, "disc"));
	bool readable = !*answer_text(s, "error");
	char bytes[SIZE_TEXT];

	printf("%-36s  %-20s %8" PRIu64 " %10s  %-10s  %s%s\n",
	       answer_text(s, "id"), answer_text(s, "created"),
	       answer_number(show_member(s, "pending"), "deltas"),
	       size_format(answer_number(s, "bytes"), bytes), state_of(s),
	       disc ? disc : "",
	       readable && !show_is_true(s, "disc_present") ? " (not there)"
							    : "");
}

static int stage_list(const char *root, const struct stage_args *args,
		      struct why *why)
{
	struct json_object *report, *stages;
	size_t n, broken = 0;
	int err = report_stage_list(root, &report, why);

	if (err)
		return err;
	stages = json_object_object_get(report, "stages");
	n = json_object_array_length(stages);
	if (args->json)
		command_print_json(report);
	else if (n)
		printf("%-36s  %-20s %8s %10s  %-10s  %s\n", "STAGE", "MADE",
		       "CHANGES", "SIZE", "STATE", "DISC");
	for (size_t i = 0; i < n; i++) {
		struct json_object *s = json_object_array_get_idx(stages, i);
		const char *error = answer_text(s, "error");

		if (!args->json)
			show_list_line(s);
		if (*error) {
			command_say("%s", error);
			broken++;
		}
	}
	json_object_put(report);
	return broken ? -EBADMSG : 0;
}

/* ---- show ---- */

static void show_base(struct json_object *b)
{
	if (show_is_true(b, "blank"))
		show_row("base:", "none, the disc is blank");
	else
		show_row("base:",
			 "session at lba %" PRIu64
			 ", next writable block %" PRIu64,
			 answer_number(b, "base_lba"), answer_number(b, "nwa"));
}

static void show_stage(struct json_object *s)
{
	struct json_object *intent = show_member(s, "intent");
	struct json_object *binding = show_member(s, "binding");
	uint64_t pid = answer_number(s, "pid");
	char bytes[SIZE_TEXT];

	show_row("stage:", "%s", answer_text(s, "id"));
	show_row("", "%s", answer_text(s, "path"));
	show_row("made:", "%s", answer_text(s, "created"));
	show_row("disc:", "%s%s", answer_text(s, "disc"),
		 show_is_true(s, "disc_present") ? "" : " (not there)");
	if (*answer_text(binding, "serial"))
		show_row("", "%s, serial %s",
			 answer_text(binding, "media_type"),
			 answer_text(binding, "serial"));
	else
		show_row("", "%s", answer_text(binding, "media_type"));
	if (show_is_true(s, "lent"))
		show_row("", "given up: its changes were taken to another");
	show_base(binding);
	if (pid)
		show_row("in use:", "by process %" PRIu64, pid);
	else
		show_row("in use:", "%s",
			 show_is_true(s, "in_use") ? "yes" : "no");
	if (intent)
		show_row("burn begun:", "%" PRIu64 " blocks at lba %" PRIu64,
			 answer_number(intent, "blocks"),
			 answer_number(intent, "nwa"));
	if (*answer_text(s, "last_commit"))
		show_row("last commit:", "%s", answer_text(s, "last_commit"));
	show_row("pending:", "%" PRIu64 " changes, %s staged",
		 answer_number(show_member(s, "pending"), "deltas"),
		 size_format(answer_number(s, "bytes"), bytes));
	show_lost(s);
	show_deltas(json_object_object_get(s, "deltas"));
}

static int stage_show(const char *root, const struct stage_args *args,
		      struct why *why)
{
	struct json_object *report;
	int err = report_stage(root, args->words[0], &report, why);

	if (err)
		return err;
	if (args->json)
		command_print_json(report);
	else
		show_stage(report);
	json_object_put(report);
	return 0;
}

/* ---- missing ---- */

static int stage_missing(const char *root, const struct stage_args *args,
			 struct why *why)
{
	struct json_object *report, *list;
	int err = report_stage_missing(root, args->words[0], &report, why);

	if (err)
		return err;
	list = json_object_object_get(report, "missing");
	if (args->json)
		command_print_json(report);
	for (size_t i = 0; !args->json && i < json_object_array_length(list);
	     i++) {
		struct json_object *m = json_object_array_get_idx(list, i);
		AUTO_FREE char *path = quote_name(answer_text(m, "path"));

		printf("%s: %s\n", path ? path : "", answer_text(m, "text"));
	}
	json_object_put(report);
	return 0;
}

/* ---- drop ---- */

/* What is about to be lost, in one line; a stage that cannot be read too. */
static void ask_drop(const char *root, const char *id)
{
	struct json_object *s;
	struct stage_way way;
	struct why why = {""};
	char bytes[SIZE_TEXT];
	int err = report_stage(root, id, &s, &why);

	if (err) {
		fprintf(stderr, "Stage %s cannot be read. Discard it? [y/N] ",
			id);
		return;
	}
	AUTO_FREE char *disc = quote_name(answer_text(s, "disc"));

	if (show_is_true(s, "burning"))
		fprintf(stderr,
			"A burn was begun and not finished: mount the disc "
			"first to have it finished or undone.\n");
	if (show_is_true(s, "lent"))
		fprintf(stderr,
			"They were taken to another disc, but for what "
			"\"%s\" lists.\n",
			stage_way(&way, root, "missing", id));
	fprintf(stderr,
		"Stage %s of %s: %" PRIu64
		" changes, %s.\nThey are not on the disc. Discard them? "
		"[y/N] ",
		id, disc ? disc : "",
		answer_number(show_member(s, "pending"), "deltas"),
		size_format(answer_number(s, "bytes"), bytes));
	json_object_put(s);
}

static int confirm_drop(const char *root, const char *id, struct why *why)
{
	struct stage_way way;
	char line[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return why_set(why, -EPERM,
			       "the changes in stage %s would be lost: without "
			       "a terminal to ask at, -y must say so: \"%s\"",
			       id, stage_way(&way, root, "drop -y", id));
	ask_drop(root, id);
	if (!fgets(line, sizeof line, stdin) || (*line != 'y' && *line != 'Y'))
		return why_set(why, -ECANCELED, "not discarded");
	return 0;
}

static int stage_drop(const char *root, const struct stage_args *args,
		      struct why *why)
{
	const char *id = args->words[0];
	struct stage *st;
	long pid = 0;
	int err;

	/* What may not be discarded, nobody is asked about. */
	err = stage_open(root, id, true, &st, why);
	if (err == -ENOENT || err == -EINVAL || err == -EACCES)
		return err;
	if (!err) {
		bool in_use = stage_in_use(st, &pid);

		stage_close(st, false);
		/* With the words for that. */
		if (in_use)
			return stage_remove(root, id, why);
	}
	err = args->yes ? 0 : confirm_drop(root, id, why);
	return err ? err : stage_remove(root, id, why);
}

/* ---- export ---- */

static void say_trouble(void *arg, const char *path, const char *text)
{
	AUTO_FREE char *quoted = quote_name(path);

	(void)arg;
	command_say("%s: %s", quoted ? quoted : "", text);
}

static int stage_export_to(const char *root, const struct stage_args *args,
			   struct why *why)
{
	struct stage_export done;
	struct stage_way way;
	char bytes[SIZE_TEXT];
	int err = stage_export(root, args->words[0], args->words[1],
			       say_trouble, NULL, &done, why);

	if (err)
		return err;
	printf("%" PRIu64 " files (%s), %" PRIu64 " folders, %" PRIu64
	       " others in %s\n",
	       done.files, size_format(done.bytes, bytes), done.folders,
	       done.others, args->words[1]);
	if (done.left_out)
		printf("%" PRIu64
		       " changes have no staged content (removed, moved, "
		       "attributes): \"%s\" lists them\n",
		       done.left_out,
		       stage_way(&way, root, "show", args->words[0]));
	return done.troubles ? -EIO : 0;
}

/* ---- which ---- */

static const struct verb {
	const char *name;
	const char *missing; /* what is said where too few words are given */
	int n_words;
	bool json, yes; /* options it has */
	int (*run)(const char *root, const struct stage_args *args,
		   struct why *why);
} verbs[] = {
	{"list", "", 0, true, false, stage_list},
	{"show", "no stage is named", 1, true, false, stage_show},
	{"missing", "no stage is named", 1, true, false, stage_missing},
	{"drop", "no stage is named", 1, false, true, stage_drop},
	{"export", "a stage and a new folder must be named", 2, false, false,
	 stage_export_to},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static int check(const struct command *self, const struct verb *verb,
		 const struct stage_args *args)
{
	if (args->n_words < verb->n_words)
		return command_misuse(self, "%s: %s", verb->name,
				      verb->missing);
	if (args->n_words > verb->n_words)
		return command_misuse(self, "%s: too many arguments",
				      args->words[verb->n_words]);
	if (args->json && !verb->json)
		return command_misuse(self, "%s has no --json", verb->name);
	if (args->yes && !verb->yes)
		return command_misuse(self, "%s has no -y", verb->name);
	return 0;
}

static int stage_run(const struct command *self, int argc, char **argv)
{
	static const char *const needed[] = {
		"say list, show, missing, export or drop", NULL};
	struct stage_args args = {0};
	const struct args_option options[] = {
		{.name = "json", .flag = &args.json},
		{.name = "yes", .letter = 'y', .flag = &args.yes},
		{.name = "stage", .value = &args.root},
		{0},
	};
	AUTO_FREE char *root = NULL, *id = NULL;
	const struct verb *verb;
	struct why why = {""};
	int err;
	int n = args_parse(self, argc, argv, options, needed, argc, &err);

	if (n < 0)
		return err;
	verb = find_verb(argv[0]);
	if (!verb)
		return command_misuse(self, "%s: no such verb", argv[0]);
	args.words = argv + 1;
	args.n_words = n - 1;
	err = check(self, verb, &args);
	if (err)
		return err;
	root = stage_root(args.root, &why);
	err = root ? 0 : -ENOENT;
	/* The first word is a stage, for all that have one. */
	if (!err && verb->n_words)
		err = stage_resolve(root, args.words[0], &id, &why);
	if (id)
		args.words[0] = id;
	if (!err)
		err = verb->run(root, &args, &why);
	if (err && why.text[0])
		command_fail(&why, err, "stage %s", verb->name);
	return exit_code_of(err);
}

const struct command command_stage = {
	.name = "stage",
	.summary = "list, show, save or discard what waits to be burned",
	.usage = "Usage: discfs stage list [--json]\n"
		 "       discfs stage show [--json] ID\n"
		 "       discfs stage missing [--json] ID\n"
		 "       discfs stage export ID DIR\n"
		 "       discfs stage drop [-y] ID\n"
		 "\n"
		 "The stages on this machine: the changes that wait to be "
		 "burned, also those of\n"
		 "discs that are not here.  show lists the changes of one; "
		 "missing lists\n"
		 "what cannot be burned to another disc (mount -o "
		 "stage-from=ID) since its content\n"
		 "is on the stage's own; export copies new and changed files "
		 "into the new folder\n"
		 "DIR; drop discards it.  The first digits of an ID will do.\n"
		 "\n"
		 "  --stage DIR  the folder that stages are in, as -o stage=\n"
		 "  --json       as JSON, with sizes in bytes\n"
		 "  -y, --yes    discard without asking\n"
		 "  --help       show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = stage_run,
};
