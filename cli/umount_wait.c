/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/umount_wait.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/busy.h"
#include "cli/command.h"
#include "cli/show.h"

enum {
	SOON_MS = 2000,
	POLL_MS = 200,
	GONE_TIMEOUT_MS = 60000,
};

int umount_wait_idle(struct target *t, struct why *why)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	struct json_object *status;
	bool idle = false;
	int err;

	for (int ms = 0; !idle; ms += POLL_MS) {
		const char *state;

		status = NULL;
		err = target_status(t, &status, why);
		if (err)
			return err;
		state = answer_text(status, "state");
		idle = !strcmp(state, "idle") || !strcmp(state, "failed");
		json_object_put(status);
		if (idle)
			break;
		if (ms == SOON_MS)
			command_say("%s: waiting for a burn to end that was "
				    "begun before",
				    t->mount.dir);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Whether there is a mount of it somewhere yet, as its process says. */
static bool is_mounted(struct target *t)
{
	struct json_object *status = NULL;
	bool mounted = !target_status(t, &status, NULL) &&
		       show_is_true(status, "mounted");

	json_object_put(status);
	return mounted;
}

void umount_wait_end(struct target *t)
{
	struct busy_holder holders[BUSY_HOLDERS];
	const char *dir = t->mount.dir;
	char text[512];
	size_t n;

	if (!client_wait_gone(t->client, SOON_MS))
		return;
	n = busy_elsewhere(&t->mount, holders, BUSY_HOLDERS);
	busy_text(holders, n, text, sizeof text);
	if (!n && is_mounted(t))
		snprintf(text, sizeof text,
			 "something that cannot be named has it (a mount "
			 "namespace without a process, or another user's)");
	if (*text) {
		command_say("%s is unmounted here, but %s: the mount's process "
			    "goes on and has the disc until that one ends",
			    dir, text);
		return;
	}
	command_say("%s is unmounted; waiting for the mount's process (pid %d) "
		    "to close the disc",
		    dir, (int)client_peer(t->client));
	if (client_wait_gone(t->client, GONE_TIMEOUT_MS))
		command_say("%s is unmounted, but the mount's process (pid %d) "
			    "has not ended for %d seconds and still has the "
			    "disc",
			    dir, (int)client_peer(t->client),
			    GONE_TIMEOUT_MS / 1000);
}
