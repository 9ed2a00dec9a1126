/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "burner/disc.h"
#include "cli/command.h"
#include "cli/ending.h"
#include "cli/exit_code.h"
#include "cli/mountinfo.h"
#include "cli/target.h"
#include "cli/utab.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "fs/control.h"

/* Everything that stands between the disc and the mount table. */
struct service {
	struct serve_plan *plan;
	struct launch *launch;
	struct volume *volume;
	struct fs_mount *mount;
	struct control *control;
	bool in_utab;
};

/* -o session=N: the address of the Nth session, as "discfs log" counts. */
static int find_session(struct options *o, struct why *why)
{
	struct disc_params params = {.path = o->volume.source};
	AUTO_FREE struct disc_session *sessions = NULL;
	struct disc *disc;
	size_t n = 0;
	int err;

	if (!o->session_number)
		return 0;
	err = disc_open(&params, &disc, why);
	if (err)
		return err;
	err = disc_sessions(disc, &sessions, &n, why);
	disc_free(disc);
	if (err)
		return err;
	if (o->session_number > n)
		return why_set(why, -ENOENT,
			       "there is no session %u: the disc has %zu",
			       o->session_number, n);
	o->volume.session_lba = sessions[o->session_number - 1].lba;
	return 0;
}

/* Another mount of it may be about to end. */
static int open_patiently(struct service *s, struct why *why)
{
	struct options *o = s->plan->options;
	unsigned tries = 0;
	int err;

	do {
		err = find_session(o, why);
		if (!err)
			err = volume_open(&o->volume, &s->volume, why);
	} while (err == -EBUSY && ending_wait_source(o->volume.source, &tries));
	return err;
}

static int open_volume(struct service *s, struct why *why)
{
	struct options *o = s->plan->options;
	const char *reason, *damage, *beside;
	int err;

	err = open_patiently(s, why);
	if (err)
		return err;
	target_say_notes(o->volume.source, s->volume);
	reason = volume_readonly_reason(s->volume);
	damage = volume_damage(s->volume);
	beside = volume_beside(s->volume);
	if (beside &&
	    (o->volume.readonly || !reason || strcmp(reason, beside) != 0))
		command_say("%s: %s", o->volume.source, beside);
	if (damage)
		command_say("%s: damaged: %s%s", o->volume.source, damage,
			    reason && !strcmp(reason, damage)
				    ? " (mounted read-only)"
				    : "");
	if (reason && !o->volume.readonly &&
	    (!damage || strcmp(reason, damage) != 0))
		command_say("%s: mounted read-only: %s", o->volume.source,
			    reason);
	o->mount.readonly = reason != NULL || o->volume.readonly;
	return 0;
}

static int start(struct service *s, struct why *why)
{
	struct options *o = s->plan->options;
	int err;

	err = fs_mount_new(s->volume, &o->mount, &s->mount, why);
	if (err)
		return err;
	err = volume_start(s->volume, why);
	if (!err)
		err = control_start(s->volume, fs_mount_dev(s->mount),
				    &s->control, why);
	if (!err && !s->plan->no_utab) {
		err = utab_add(o->mount.source, o->mount.dir, why);
		s->in_utab = !err;
	}
	return err;
}

/* What an earlier mount left: who mounts is to know that it waits. */
static void say_what_waits(struct service *s)
{
	const struct options *o = s->plan->options;
	uint64_t n = volume_pending(s->volume);
	char last[512];
	bool failed;

	/* Who names a stage knows. */
	if (!n || !volume_stage_id(s->volume) || o->volume.stage_from)
		return;
	volume_last_result(s->volume, last, sizeof last);
	failed = !strncmp(last, "not burned", 10);
	command_say("%s: %" PRIu64 " change%s from before wait%s to be burned, "
		    "in stage %s%s%s%s%s",
		    o->volume.source, n, n == 1 ? "" : "s", n == 1 ? "s" : "",
		    volume_stage_id(s->volume), failed ? " (" : "",
		    failed ? last : "", failed ? ")" : "",
		    volume_commits_on(s->volume, COMMIT_ON_UNMOUNT)
			    ? "; the unmount burns"
			    : "");
}

/*
 * Waits for the mount's first answer, from a thread that serves no requests,
 * and lets the command end with it.
 */
static void *announce(void *arg)
{
	struct service *s = arg;
	struct stat st;

	if (stat(s->plan->options->mount.dir, &st)) {
		log_error("%s: %s", s->plan->options->mount.dir,
			  strerror(errno));
		return NULL;
	}
	say_what_waits(s);
	if (s->plan->verbose)
		command_say("%s mounted on %s, changes pending: %" PRIu64,
			    s->plan->options->volume.source,
			    s->plan->options->mount.dir,
			    volume_pending(s->volume));
	launch_ready(s->launch);
	return NULL;
}

static int start_announcer(struct service *s, struct why *why)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	/* Detached: should the mount never answer, nobody waits for it. */
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, announce, s);
	pthread_attr_destroy(&attr);
	if (err)
		return why_set(why, -err, "thread: %s", strerror(err));
	return 0;
}

/* The mount is gone: burn what the unmount meant to burn. */
static void finish(struct service *s, int ended_by)
{
	const char *source = s->plan->options->volume.source;
	struct why why = {""};
	uint64_t pending;
	int err;

	volume_unmounted(s->volume);
	if (ended_by != 0)
		volume_keep(s->volume, ended_by > 0 ? "the mount was ended by "
						      "a signal"
						    : NULL);
	if (volume_pending(s->volume) &&
	    volume_commits_on(s->volume, COMMIT_ON_UNMOUNT)) {
		err = volume_commit_wait(s->volume, false, &why);
		if (err)
			log_error("%s: not burned: %s", source,
				  why_text(&why, err));
	}
	/* What others asked for: they are told how it ended. */
	volume_wind_up(s->volume);
	while (volume_is_committing(s->volume))
		clock_nap_ms(50);
	why.text[0] = 0;
	err = volume_flush(s->volume, &why);
	if (err)
		log_error("%s: the last changes are lost: %s", source,
			  why_text(&why, err));
	pending = volume_pending(s->volume);
	if (pending)
		log_warning("%s: kept for the next mount: %" PRIu64 " change%s",
			    source, pending, pending == 1 ? "" : "s");
}

/* When nobody did it for us (fusermount3 -u, a signal). */
static void clean_utab(const char *dir)
{
	struct mountinfo m = {0};

	if (mountinfo_lookup(dir, false, &m, NULL) == 0)
		utab_remove(dir);
	mountinfo_release(&m);
}

static void stop(struct service *s)
{
	if (s->in_utab)
		clean_utab(s->plan->options->mount.dir);
	control_stop(s->control);
	if (s->mount)
		fs_mount_free(s->mount);
	if (s->volume)
		volume_close(s->volume);
}

int serve(struct launch *l, void *arg)
{
	/* Static: the announcer may outlive the function. */
	static struct service s;
	struct why why = {""};
	int err, ended_by;

	s = (struct service){.plan = arg, .launch = l};
	if (s.plan->verbose)
		log_set_level(LOG_LEVEL_INFO);
	if (s.plan->options->mount.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if (chdir("/"))
		return EXIT_CODE_SYSTEM;
	err = open_volume(&s, &why);
	if (!err)
		err = start(&s, &why);
	if (!err)
		err = start_announcer(&s, &why);
	if (err == -ENOMEDIUM && s.plan->options->nofail) {
		stop(&s);
		return EXIT_CODE_OK;
	}
	if (err) {
		command_fail(&why, err, "cannot mount %s on %s",
			     s.plan->options->volume.source,
			     s.plan->options->mount.dir);
		stop(&s);
		return exit_code_of(err);
	}
	ended_by = fs_mount_loop(s.mount);
	if (ended_by < 0)
		log_error("%s: %s", s.plan->options->mount.dir,
			  strerror(-ended_by));
	finish(&s, ended_by);
	stop(&s);
	return ended_by < 0 ? exit_code_of(ended_by) : EXIT_CODE_OK;
}

int serve_try(struct serve_plan *plan)
{
	struct options *o = plan->options;
	struct volume *volume = NULL;
	struct why why = {""};
	int err;

	if (o->volume.create && access(o->volume.source, F_OK) &&
	    !disc_is_device_place(o->volume.source))
		return EXIT_CODE_OK;
	err = find_session(o, &why);
	o->volume.offline = true;
	if (!err)
		err = volume_open(&o->volume, &volume, &why);
	if (err == -ENOMEDIUM && o->nofail)
		return EXIT_CODE_OK;
	if (err) {
		command_fail(&why, err, "cannot mount %s on %s",
			     o->volume.source, o->mount.dir);
		return exit_code_of(err);
	}
	volume_close(volume);
	return EXIT_CODE_OK;
}
