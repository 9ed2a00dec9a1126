/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/umount_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/busy.h"
#include "cli/clones.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/show.h"
#include "cli/umount_wait.h"
#include "cli/unmount.h"
#include "cli/utab.h"
#include "common/cleanup.h"

int umount_fail(const struct umount_args *a, const struct why *why, int err)
{
	command_fail(why, err, "cannot unmount %s", a->dir);
	return exit_code_of(err);
}

int umount_refuse_busy(const struct umount_args *a, const struct target *t)
{
	char text[512];

	busy_words(&t->mount, text, sizeof text);
	command_say("cannot unmount %s: target is busy%s%s; nothing was burned",
		    a->dir, *text ? ": " : "", text);
	return EXIT_CODE_FAILURE;
}

/* How many changes wait, as the mount's process says; 0 where none does. */
static uint64_t count_pending(struct target *t)
{
	struct json_object *status = NULL;
	uint64_t n = 0;

	if (t->client && !target_status(t, &status, NULL))
		n = answer_number(show_member(status, "pending"), "deltas");
	json_object_put(status);
	return n;
}

/*
 * It was not the last mount of the disc when it was unmounted.  Another unmount
 * may have thought so of the one that was left, at the same time: then the
 * mount's process burns by itself.
 */
static void say_what_is_left(const struct umount_args *a, struct target *t)
{
	const struct mountinfo none = {.id = ~0u, .dev = t->mount.dev};
	AUTO_FREE char *left = NULL;
	uint64_t pending;
	int n = clones_look(&none, t->client ? client_peer(t->client) : 0,
			    &left, NULL);

	if (n == 0 && t->client) {
		command_say("%s: the last mount of the disc went at the same "
			    "time: what is pending is burned by the mount's "
			    "process, and the log says how that ends",
			    a->dir);
		umount_wait_end(t);
		return;
	}
	pending = count_pending(t);
	if (left && (pending || a->verbose))
		command_say("%s: nothing was burned, the disc is still mounted "
			    "on %s (changes pending: %" PRIu64 ")",
			    a->dir, left, pending);
}

int umount_clone(const struct umount_args *a, struct target *t)
{
	struct why why = {""};
	int err;

	if (!a->lazy && busy_check(&t->mount))
		return umount_refuse_busy(a, t);
	err = unmount_now(&t->mount, a->lazy, &why);
	if (err)
		return umount_fail(a, &why, err);
	utab_cover(t->mount.dev, NULL);
	if (a->helper)
		utab_cover(t->mount.dev, t->mount.dir);
	say_what_is_left(a, t);
	return EXIT_CODE_OK;
}
