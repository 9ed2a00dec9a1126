/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs blank, format, close, recover: what is done to a disc as a whole.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/care.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/progress_bar.h"
#include "cli/show.h"
#include "cli/target.h"
#include "common/cleanup.h"
#include "common/size.h"
#include "fs/report_media.h"
#include "fs/stage.h"
#include "fs/stage_way.h"

struct care_args {
	bool json, yes, full;
	const char *stage_root; /* --stage, or NULL */
	const char *drive;
};

/* ---- the question ---- */

/* What waits for the disc in the drive. */
struct pending {
	uint64_t deltas;
	char stage[40];	   /* its id */
	char unknown[300]; /* why nobody knows; "": it is known */
	/* Of an image that cannot be mounted: nothing more is known than that
	 * the stage has some. */
	bool some;
};

/* A stage that has changes for the image at @path, whatever that is now. */
static void find_by_path(const struct care_args *args, struct pending *ret)
{
	AUTO_FREE char *path = realpath(args->drive, NULL);
	AUTO_FREE char *root = stage_root(args->stage_root, NULL);
	AUTO_FREE char *id = NULL;

	if (!path || !root || stage_find_path(root, path, &id) != 1)
		return;
	ret->some = true;
	snprintf(ret->stage, sizeof ret->stage, "%s", id);
}

/*
 * Changes in a stage that are for the disc: what is asked about must name them,
 * and so must who is not asked.  Of a disc that cannot be read nobody knows.
 */
static void find_pending(const struct care_args *args, struct pending *ret)
{
	struct json_object *status = NULL;
	struct why why = {""};
	struct target t;
	int err = target_open_staged(&t, args->drive, args->stage_root, &why);

	*ret = (struct pending){0};
	if (!err)
		err = target_status(&t, &status, &why);
	if (!err) {
		ret->deltas =
			answer_number(show_member(status, "pending"), "deltas");
		snprintf(ret->stage, sizeof ret->stage, "%s",
			 answer_text(show_member(status, "stage"), "id"));
	} else if (err == -EMEDIUMTYPE) {
		find_by_path(args, ret);
	} else if (err != -ENOMEDIUM) {
		snprintf(ret->unknown, sizeof ret->unknown, "%s",
			 why_text(&why, err));
	}
	json_object_put(status);
	target_close(&t);
}

static void say_pending(const char *path, const struct pending *p)
{
	if (p->some)
		command_say("%s: stage %s has changes for what was there "
			    "before",
			    path, p->stage);
	else if (p->deltas)
		command_say("%s: %" PRIu64 " change%s in stage %s for it, "
			    "which could not be burned to it any more",
			    path, p->deltas, p->deltas == 1 ? "" : "s",
			    p->stage);
	else if (p->unknown[0])
		command_say("%s: it is not known whether changes wait for it: "
			    "%s",
			    path, p->unknown);
}

/* They are still there, and their disc is not. */
static void say_lost(const struct care_args *args, const char *path,
		     const struct pending *p)
{
	AUTO_FREE char *root = stage_root(args->stage_root, NULL);
	struct stage_way from, export;

	if (p->deltas && root)
		command_say("%s: %" PRIu64 " change%s in stage %s cannot be "
			    "burned to it any more: \"%s\" takes them to a "
			    "blank disc, \"%s\" saves their files",
			    path, p->deltas, p->deltas == 1 ? "" : "s",
			    p->stage,
			    stage_way_mount(&from, root, "stage-from",
					    p->stage, path),
			    stage_way(&export, root, "export", p->stage));
	else if (p->unknown[0])
		command_say("%s: it is not known whether changes waited for "
			    "it: %s",
			    path, p->unknown);
}

/* "CD-RW, 2 sessions, 'PHOTOS'" */
static void describe(const struct medium_info *m, char *buf, size_t size)
{
	const struct medium *medium = &m->medium;
	const char *id = m->contents.volume_id;
	int n = snprintf(buf, size, "%s, ", m->kind);

	if (n < 0 || (size_t)n >= size)
		return;
	buf += n;
	size -= (size_t)n;
	if (!m->is_drive) {
		char bytes[SIZE_TEXT];

		n = snprintf(buf, size, "%s, ",
			     size_format((uint64_t)m->image.st_size, bytes));
		buf += n;
		size -= (size_t)n;
	}
	if (medium->looks_like)
		snprintf(buf, size, "%s", medium->looks_like);
	else if (medium->sessions == 0)
		snprintf(buf, size, "%s", disc_status_word(medium->status));
	else
		snprintf(buf, size, "%u session%s%s%s%s", medium->sessions,
			 medium->sessions == 1 ? "" : "s", *id ? ", '" : "", id,
			 *id ? "'" : "");
}

static int ask_first(const char *verb, const char *path,
		     const struct medium_info *m, const struct pending *pending,
		     bool closes, struct why *why)
{
	char text[300];

	describe(m, text, sizeof text);
	if (!ask_can())
		return why_set(why, -EPERM,
			       closes ? "that cannot be undone (%s): without a "
					"terminal to ask at, -y must say so"
				      : "what is on it would be lost (%s): "
					"without a terminal to ask at, -y must "
					"say so",
			       text);
	if (m->trouble[0])
		command_say("%s: %s", path, m->trouble);
	say_pending(path, pending);
	if (closes)
		return ask(why, "%s %s (%s) for ever?", verb, path, text);
	return ask(why, "%s %s (%s)?", verb, path, text);
}

/* ---- doing it ---- */

static void draw(void *arg, const struct progress *p)
{
	progress_bar_draw(arg, p);
}

/*
 * The drive goes on whatever becomes of us; so we stay with it, and see what
 * comes of it.
 */
static int run_to_the_end(struct medium_info *m, enum care_job job, bool full,
			  struct why *why)
{
	struct progress_bar bar;
	struct progress_sink sink = {.report = draw, .arg = &bar};
	sigset_t set, old;
	int err;

	progress_bar_init(&bar, stderr);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	err = care_run(m, job, full, &sink, why);
	progress_bar_clear(&bar);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

static void print_result(const char *path, const char *done,
			 const struct medium_info *m, bool json)
{
	struct json_object *report;

	if (!json) {
		printf("%s: %s\n", path, done);
		return;
	}
	report = report_info(path, m);
	command_print_json(report);
	json_object_put(report);
}

static int care(const struct care_args *args, const char *verb,
		const char *done, enum care_job job, struct why *why)
{
	const char *path = args->drive;
	struct medium_info m = {0};
	struct pending pending = {0};
	bool destroys;
	char text[160];
	int err = mountinfo_refuse(path, why);

	if (err)
		return err;
	/* It takes the drive for itself, too. */
	if (job != CARE_RECOVER && (args->yes || ask_can()))
		find_pending(args, &pending);
	err = medium_info_open(path, job == CARE_BLANK, &m, why);
	if (err)
		return err;
	path = disc_path(m.disc);
	destroys = care_destroys(&m, job);
	err = care_check(&m, job, args->full, why);
	if (err == 0 && !args->yes && destroys)
		err = ask_first(verb, path, &m, &pending, job == CARE_CLOSE,
				why);
	if (err == 0) {
		err = run_to_the_end(&m, job, args->full, why);
		if (!err) {
			snprintf(text, sizeof text, "%s; the %s is %s now",
				 done, m.kind,
				 disc_status_word(m.medium.status));
			print_result(path, text, &m, args->json);
			if (destroys)
				say_lost(args, path, &pending);
		}
	} else if (err > 0) {
		print_result(path, why->text, &m, args->json);
		err = 0;
	}
	medium_info_release(&m);
	return err;
}

static int care_command(const struct command *self, int argc, char **argv,
			const char *done, enum care_job job)
{
	static const char *const needed[] = {"no drive is named", NULL};
	bool can_full = job == CARE_BLANK || job == CARE_FORMAT;
	struct care_args args = {0};
	const struct args_option options[] = {
		{.name = "json", .flag = &args.json},
		{.name = "yes", .letter = 'y', .flag = &args.yes},
		/* The list ends at one without a name. */
		{.name = job == CARE_RECOVER ? NULL : "stage",
		 .value = &args.stage_root},
		{.name = can_full ? "full" : NULL, .flag = &args.full},
		{0},
	};
	struct why why = {""};
	int err;

	if (args_parse(self, argc, argv, options, needed, 0, &err) < 0)
		return err;
	args.drive = argv[0];
	err = care(&args, self->name, done, job, &why);
	if (err)
		command_fail(&why, err, "%s %s", self->name, args.drive);
	return exit_code_of(err);
}

static int blank_run(const struct command *self, int argc, char **argv)
{
	return care_command(self, argc, argv, "blanked", CARE_BLANK);
}

static int format_run(const struct command *self, int argc, char **argv)
{
	return care_command(self, argc, argv, "formatted", CARE_FORMAT);
}

static int close_run(const struct command *self, int argc, char **argv)
{
	return care_command(self, argc, argv, "closed", CARE_CLOSE);
}

static int recover_run(const struct command *self, int argc, char **argv)
{
	return care_command(self, argc, argv, "the open track was closed",
			    CARE_RECOVER);
}

#define OPTIONS_ALL                                                       \
	"  -y, --yes    do not ask\n"                                     \
	"  --stage DIR  where changes that wait for the disc are looked " \
	"for, as with\n"                                                  \
	"               -o stage=\n"                                      \
	"  --json       print what \"discfs info --json\" does\n"         \
	"  --help       show this\n"

const struct command command_blank = {
	.name = "blank",
	.summary = "make a rewritable disc or an image file empty",
	.usage = "Usage: discfs blank [-y] [--full] [--stage DIR] [--json] "
		 "DRIVE|IMAGE\n"
		 "\n"
		 "Make the disc in DRIVE empty: a CD-RW, a DVD-RW (one that "
		 "was formatted is not\n"
		 "any more then), a DVD+RW, DVD-RAM or BD-RE.  What is on it "
		 "is lost.  IMAGE is\n"
		 "cut to nothing, whatever it holds.\n"
		 "\n"
		 "  --full       erase all of a CD-RW, not only what leads "
		 "to its content;\n"
		 "               takes long\n" OPTIONS_ALL,
	.usage_code = EXIT_CODE_USAGE,
	.run = blank_run,
};

const struct command command_format = {
	.name = "format",
	.summary = "format a rewritable disc",
	.usage = "Usage: discfs format [-y] [--full] [--stage DIR] [--json] "
		 "DRIVE\n"
		 "\n"
		 "Format the disc in DRIVE: a DVD-RW (it can be overwritten "
		 "then), a DVD+RW,\n"
		 "DVD-RAM or BD-RE that is not formatted yet.  What is on it "
		 "is lost.\n"
		 "\n"
		 "  --full       as thorough as the drive can, and also a "
		 "disc that is\n"
		 "               formatted; may take an hour\n" OPTIONS_ALL,
	.usage_code = EXIT_CODE_USAGE,
	.run = format_run,
};

const struct command command_close = {
	.name = "close",
	.summary = "close a disc for ever, for players that need it",
	.usage = "Usage: discfs close [-y] [--stage DIR] [--json] DRIVE\n"
		 "\n"
		 "Close the disc in DRIVE, a DVD-R, DVD-RW, DVD+R or BD-R: it "
		 "takes no more\n"
		 "sessions.  That cannot be undone.\n"
		 "\n" OPTIONS_ALL,
	.usage_code = EXIT_CODE_USAGE,
	.run = close_run,
};

const struct command command_recover = {
	.name = "recover",
	.summary = "close a track that a failed burn left open",
	.usage = "Usage: discfs recover [--json] DRIVE\n"
		 "\n"
		 "Close the track that a failed burn left open on the disc in "
		 "DRIVE, so that the\n"
		 "next session can be burned behind it.  The sessions before "
		 "it stay.\n"
		 "\n"
		 "  --json     print what \"discfs info --json\" does\n"
		 "  --help     show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = recover_run,
};
