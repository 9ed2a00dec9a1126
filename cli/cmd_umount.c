/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs umount, and umount.discfs as umount(8) calls it.  It tells the truth:
 * it succeeds only once what was changed is burned and verified, and a mount
 * that it cannot burn or unmount stays as it was.
 *
 *	the disc is mounted elsewhere, too  -> nothing is burned, that goes on
 *	busy?  -> nothing is burned, the mount stays
 *	commit, changes held off from its snapshot on
 *	          fails -> the mount stays, writable
 *	unmount   fails -> the hold is released, the mount stays
 *	wait until the mount's process has closed the disc
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/busy.h"
#include "cli/clones.h"
#include "cli/command.h"
#include "cli/commit_run.h"
#include "cli/exit_code.h"
#include "cli/going_down.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/umount_parts.h"
#include "cli/umount_wait.h"
#include "cli/unmount.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/control.h"

/* Of the lease, for the unmount itself. */
enum { MARGIN_MS = 500 };

/*
 * Nobody answers.  If the process died, what it had flushed is in the stage,
 * and nothing can be burned here; if it may live, it is not to be bypassed.
 */
static int unmount_dead(const struct umount_args *a, const struct target *t,
			const struct why *no_answer)
{
	struct why why = {""};
	struct statfs st;
	int err;

	if (!statfs(t->mount.dir, &st) || errno != ENOTCONN) {
		command_fail(no_answer, -ENOTCONN,
			     "cannot unmount %s (\"umount -i %s\" does, and "
			     "leaves the burn to that process)",
			     a->dir, a->dir);
		return exit_code_of(-ENOTCONN);
	}
	err = unmount_now(&t->mount, a->lazy, &why);
	if (err)
		return umount_fail(a, &why, err);
	command_say("%s: the mount's process is gone: unmounted, nothing was "
		    "burned; what is pending is there at the next mount",
		    a->dir);
	return EXIT_CODE_FAILURE;
}

/* Whether an unmount of this mount burns (-o commit=). */
static bool burns_on_unmount(struct json_object *status)
{
	struct json_object *list;

	if (!json_object_object_get_ex(status, "commit_on", &list) ||
	    !json_object_is_type(list, json_type_array))
		return true; /* asked in vain: then it says why not */
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(json_object_get_string(
				    json_object_array_get_idx(list, i)),
			    "unmount"))
			return true;
	return false;
}

static uint64_t pending_of(struct json_object *status)
{
	return answer_number(show_member(status, "pending"), "deltas");
}

/* @goes_down: that is why; else it was asked for. */
static void say_pending(const struct umount_args *a, struct json_object *status,
			bool goes_down)
{
	uint64_t n = pending_of(status);
	const char *id = answer_text(show_member(status, "stage"), "id");

	if (n && goes_down)
		command_say("%s: the system is going down: nothing was burned, "
			    "%" PRIu64 " change%s in stage %s for the next "
			    "mount",
			    a->dir, n, n == 1 ? " waits" : "s wait", id);
	else if (n && !a->quiet)
		printf("%" PRIu64 " change%s pending in stage %s\n", n,
		       n == 1 ? "" : "s", id);
}

static int call_keep(struct target *t, bool goes_down, struct why *why)
{
	struct json_object *request = json_object_new_object();
	int err;

	if (!request)
		return -ENOMEM;
	json_object_object_add(request, "op", json_object_new_string("keep"));
	if (goes_down)
		json_object_object_add(
			request, "reason",
			json_object_new_string("the system was going down"));
	err = client_call(t->client, request, NULL, NULL, -1, NULL, why);
	json_object_put(request);
	return err;
}

/* Burn nothing: make it durable and tell how much waits.  What runs already is
 * burned to its end. */
static int prepare_keep(const struct umount_args *a, struct target *t,
			bool goes_down, struct json_object **ret_status)
{
	struct why why = {""};
	int err;

	err = umount_wait_idle(t, &why);
	if (!err)
		err = call_keep(t, goes_down, &why);
	if (!err)
		err = target_status(t, ret_status, &why);
	return err ? umount_fail(a, &why, err) : EXIT_CODE_OK;
}

/* Another one unmounted it while we waited for our turn, and its process ended
 * before it came. */
static bool is_gone(const struct target *t, int err)
{
	return (err == -EPIPE || err == -ESHUTDOWN) &&
	       !unmount_is_mounted(&t->mount);
}

/* Nothing waits once the stage, which was at @stage, is removed: its mount's
 * process does that last. */
static int after_another(const struct umount_args *a, struct target *t,
			 const char *stage)
{
	umount_wait_end(t);
	if (*stage && access(stage, F_OK) && errno == ENOENT)
		return EXIT_CODE_OK;
	command_say("%s was unmounted by another meanwhile: \"discfs status "
		    "%s\" shows whether changes wait",
		    a->dir, t->mount.source);
	return EXIT_CODE_FAILURE;
}

/* *@ret_burned: what was burned, in words (heap); "" for nothing. */
static int burn(const struct umount_args *a, struct target *t,
		const char *stage, char **ret_burned, bool *ret_gone)
{
	struct commit_result result = {0};
	struct why why = {""};
	int err = 0;

	/* The bar shows what runs; without one it is said. */
	if (!isatty(STDERR_FILENO))
		err = umount_wait_idle(t, &why);
	if (!err)
		err = commit_run(t->client, true, a->verbose, &result, &why);
	if (err == -EINTR) {
		command_say("interrupted: the burn of %s goes on, and it "
			    "stays mounted; how far it is shows \"discfs status "
			    "%s\"",
			    a->dir, a->dir);
		return EXIT_CODE_INTERRUPTED;
	}
	if (err && is_gone(t, err)) {
		*ret_gone = true;
		return after_another(a, t, stage);
	}
	if (err) {
		command_fail(&why, err, "cannot unmount %s: not burned",
			     a->dir);
		return exit_code_of(err);
	}
	if (!result.blocks)
		*result.text = 0; /* it says that there was nothing */
	*ret_burned = result.text;
	return EXIT_CODE_OK;
}

/*
 * Changes are held off for as long as we are heard of.  Who was stopped, or had
 * to wait, begins again: else changes would be left out of what was told to be
 * all.  *@ret_until is when the hold ends.
 */
static int prepare_burn(const struct umount_args *a, struct target *t,
			const char *stage, char **ret_burned,
			int64_t *ret_until, bool *ret_gone)
{
	AUTO_FREE char *before = NULL;
	struct why why = {""};
	int code, err;

	do {
		free(before);
		before = STEAL_PTR(*ret_burned);
		code = burn(a, t, stage, ret_burned, ret_gone);
		if (code || *ret_gone)
			return code;
		/* What the first one burned was burned. */
		if (before && *before && !**ret_burned) {
			free(*ret_burned);
			*ret_burned = STEAL_PTR(before);
		}
		*ret_until = clock_now_ms() + CONTROL_LEASE_MS - MARGIN_MS;
		err = client_call_op(t->client, "renew", NULL, &why);
	} while (err == -ESTALE);
	/* Or its process was told to end, which it did once it was burned. */
	if (err && unmount_is_mounted(&t->mount))
		return umount_fail(a, &why, err);
	return EXIT_CODE_OK;
}

/* For who was stopped even between the last question and the unmount. */
static int say_late(const struct umount_args *a)
{
	command_say("%s is unmounted, but it took so long that changes may have "
		    "come after the burn: they are burned in the background, "
		    "or wait for the next mount",
		    a->dir);
	return EXIT_CODE_FAILURE;
}

/* What is said last is what is so: it may be burned, and yet stay mounted. */
static int stay(const struct umount_args *a, struct target *t,
		const char *burned, const struct why *why, int err)
{
	char who[512] = "";

	/* Else nobody could change anything there, or it were not burned. */
	client_call_op(t->client, "release", NULL, NULL);
	if (err == -EBUSY)
		busy_words(&t->mount, who, sizeof who);
	command_say("cannot unmount %s: %s%s%s; %s%sit stays mounted", a->dir,
		    why_text(why, err), *who ? ": " : "", who,
		    burned && *burned ? burned : "nothing was burned",
		    burned && *burned ? ", but " : ", and ");
	return exit_code_of(err);
}

/* @burned: in words; "" where it was asked for and there was nothing, NULL where
 * it was not. */
static int finish(const struct umount_args *a, struct target *t,
		  const char *burned, int64_t held_until)
{
	struct why why = {""};
	bool late;
	int err;

	err = unmount_now(&t->mount, a->lazy, &why);
	if (err)
		return stay(a, t, burned, &why, err);
	late = held_until && clock_now_ms() > held_until;
	if (burned && *burned && !a->quiet)
		puts(burned);
	else if (burned && !*burned && a->verbose)
		puts("nothing to burn");
	fflush(stdout);
	/* After a lazy unmount it may live on as long as it is in use. */
	if (!a->lazy)
		umount_wait_end(t);
	return late ? say_late(a) : EXIT_CODE_OK;
}

/* Whether nothing is to be burned though it was not asked for, and where the
 * stage is (heap); 0 with the answers, or -errno with @why. */
static int is_kept(struct target *t, bool *ret_keep, bool *ret_goes_down,
		   char **ret_stage, struct why *why)
{
	struct json_object *status = NULL;
	int err = target_status(t, &status, why);

	if (err)
		return err;
	*ret_stage = strdup(answer_text(show_member(status, "stage"), "path"));
	*ret_keep = !burns_on_unmount(status);
	if (!*ret_keep && pending_of(status))
		*ret_keep = *ret_goes_down = system_goes_down();
	if (!*ret_keep)
		commit_warn(status);
	json_object_put(status);
	return 0;
}

/* The last mount of the disc. */
static int unmount_last(const struct umount_args *a, struct target *t)
{
	struct json_object *status = NULL;
	AUTO_FREE char *burned = NULL;
	AUTO_FREE char *stage = NULL;
	bool keep = a->keep, goes_down = false, gone = false;
	int64_t held_until = 0;
	struct why why = {""};
	int err, code;

	if (!a->lazy && busy_check(&t->mount))
		return umount_refuse_busy(a, t);
	/* Who mounts now waits for us.  An older process does not know it. */
	client_call_op(t->client, "leaving", NULL, NULL);
	err = keep ? 0 : is_kept(t, &keep, &goes_down, &stage, &why);
	if (err)
		return umount_fail(a, &why, err);
	code = keep ? prepare_keep(a, t, goes_down, &status)
		    : prepare_burn(a, t, stage ? stage : "", &burned,
				   &held_until, &gone);
	if (!code && !gone)
		code = finish(a, t, burned, held_until);
	if (!code && keep)
		say_pending(a, status, goes_down);
	json_object_put(status);
	return code;
}

static int unmount_target(const struct umount_args *a, struct target *t)
{
	AUTO_FREE char *left = NULL;
	struct why why = {""};
	int n = clones_look(&t->mount, t->client ? client_peer(t->client) : 0,
			    &left, &why);

	if (n < 0)
		return umount_fail(a, &why, n);
	return n ? umount_clone(a, t) : unmount_last(a, t);
}

/* Its process cannot be asked: it is dead, or not to be reached from here. */
static int unmount_silent(const struct umount_args *a, struct target *t,
			  const struct why *no_answer)
{
	AUTO_FREE char *left = NULL;
	struct statfs st;

	if (!statfs(t->mount.dir, &st) &&
	    clones_look(&t->mount, 0, &left, NULL) == 1)
		return umount_clone(a, t);
	return unmount_dead(a, t, no_answer);
}

static int run_umount(const struct command *self, const struct umount_args *a)
{
	struct target t;
	struct why why = {""};
	int err, code;

	if (a->namespace)
		command_say("%s: -N is passed over: it unmounts in the "
			    "namespace of the caller",
			    self->name);
	err = target_open_mount(&t, a->dir, false, &why);
	if (err == -ENOTCONN)
		code = unmount_silent(a, &t, &why);
	else if (err)
		code = umount_fail(a, &why, err);
	else
		code = unmount_target(a, &t);
	target_close(&t);
	return code;
}

static int parse_and_run(const struct command *self, int argc, char **argv,
			 struct umount_args *a,
			 const struct args_option *options)
{
	static const char *const needed[] = {"one DIR is needed", NULL};
	int code;

	if (args_parse(self, argc, argv, options, needed, 0, &code) < 0)
		return code;
	a->dir = argv[0];
	a->quiet = a->quiet && !a->verbose;
	return run_umount(self, a);
}

static int umount_run(const struct command *self, int argc, char **argv)
{
	struct umount_args a = {0};
	const struct args_option options[] = {
		{"keep", 'k', .flag = &a.keep},
		{"lazy", 'l', .flag = &a.lazy},
		{"verbose", 'v', .flag = &a.verbose},
		{0},
	};

	return parse_and_run(self, argc, argv, &a, options);
}

static int helper_run(const struct command *self, int argc, char **argv)
{
	struct umount_args a = {0};
	const char *type;
	const struct args_option options[] = {
		{.letter = 'l', .flag = &a.lazy},
		{.letter = 'v', .flag = &a.verbose},
		{.letter = 'N', .value = &a.namespace},
		{.letter = 't', .value = &type},
		/* There is nothing to force: a burn is not cut off. */
		{.letter = 'f'},
		{.letter = 'n'},
		{.letter = 'r'},
		{0},
	};

	/* umount(8) prints nothing, and scripts compare that. */
	a.helper = true;
	a.quiet = !isatty(STDOUT_FILENO);
	return parse_and_run(self, argc, argv, &a, options);
}

const struct command command_umount = {
	.name = "umount",
	.summary = "burn the changes and unmount",
	.usage = "Usage: discfs umount [-klv] DIR\n"
		 "\n"
		 "Burn what was changed in DIR as a new session, verify it, "
		 "unmount DIR.\n"
		 "Where DIR is in use, or the burn fails, it stays mounted.\n"
		 "\n"
		 "  -k, --keep     burn nothing: the changes wait for the next "
		 "mount\n"
		 "  -l, --lazy     unmount also while in use, once it is "
		 "burned\n"
		 "  -v, --verbose  show progress also where there is no "
		 "terminal\n"
		 "      --help     show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = umount_run,
};

const struct command helper_umount = {
	.name = "umount.discfs",
	.summary = "umount(8)'s helper",
	.usage =
		"Usage: umount.discfs DIR [-flnrv] [-t TYPE]\n"
		"\n"
		"What \"umount DIR\" runs for a disc: burn the changes, verify "
		"them, unmount.\n"
		"\n"
		"  -l      unmount also while in use, once it is burned\n"
		"  -v      show progress also where there is no terminal\n"
		"  -f, -n, -r, -t TYPE  passed over\n"
		"  --help  show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = helper_run,
};
