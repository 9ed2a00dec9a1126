/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/ending.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/show.h"
#include "common/cleanup.h"
#include "fs/control.h"

enum {
	POLL_MS = 100,
	SAY_MS = 2000,
	TAIL_TRIES = 20, /* the socket goes before the disc does */
};

static void nap(void)
{
	static const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};

	nanosleep(&pause, NULL);
}

/* What a mount's process says of itself: 1 if it is about to end, 0 if not,
 * -errno where it does not say.  @source: only if it has this one, else
 * -ENOENT. */
static int ask(struct client *c, const char *source)
{
	struct json_object *answer = NULL, *status;
	int ret = client_call_op(c, "status", &answer, NULL);

	if (ret)
		return ret;
	status = show_member(answer, "status");
	if (source && strcmp(answer_text(status, "source"), source) != 0)
		ret = -ENOENT;
	else
		ret = show_is_true(status, "unmounting");
	json_object_put(answer);
	return ret;
}

/* An unmount that was begun at this moment has not told yet. */
static int ask_twice(struct client *c, const char *source)
{
	int ret = ask(c, source);

	if (ret)
		return ret;
	nap();
	nap();
	return ask(c, source);
}

/* Until the process has ended, or the unmount has without that. */
static void wait_for(struct client *c, const char *what)
{
	bool talks = true;

	for (int ms = 0; talks || ms < SAY_MS + 60000; ms += POLL_MS) {
		if (!client_wait_gone(c, POLL_MS))
			return;
		if (ms == SAY_MS)
			command_say("waiting for the unmount of %s to end",
				    what);
		if (talks) {
			int ends = ask(c, NULL);

			if (ends == 0)
				return;
			talks = ends > 0;
		}
	}
}

static bool is_umount(const char *pid)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(name, sizeof name, f))
		name[0] = 0;
	fclose(f);
	return !strcmp(name, "umount\n");
}

/*
 * When its helper has ended, umount(8) drops the entry of the folder in utab,
 * and would drop that of a mount that is made there meanwhile: then the next
 * umount would not find the helper.  So its end is waited for; one that goes on
 * with others is not of this folder.
 */
static void wait_for_umount(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int left_ms = SAY_MS;

	while (d && left_ms > 0 && (e = readdir(d))) {
		struct pollfd end = {.fd = -1, .events = POLLIN};

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    !is_umount(e->d_name))
			continue;
		end.fd = (int)syscall(SYS_pidfd_open,
				      (pid_t)strtol(e->d_name, NULL, 10), 0);
		for (; end.fd >= 0 && left_ms > 0; left_ms -= POLL_MS)
			if (poll(&end, 1, POLL_MS) != 0)
				break;
		if (end.fd >= 0)
			close(end.fd);
	}
	if (d)
		closedir(d);
}

bool ending_wait_mount(const struct mountinfo *m)
{
	AUTO_FREE char *path = control_socket_path(m->dev, m->owner);
	struct client *c = NULL;
	bool ends;

	if (!path || client_connect(path, m->owner, &c, NULL))
		return false;
	ends = ask_twice(c, NULL) > 0;
	if (ends)
		wait_for(c, m->dir);
	client_free(c);
	if (ends)
		wait_for_umount();
	return ends;
}

/* The mount that has @source, by the sockets of this user's mounts; no mount
 * table has it any more.  Returns as ask_twice, with the client. */
static int find(const char *source, struct client **ret)
{
	AUTO_FREE char *some = control_socket_path(0, geteuid());
	char *name = some ? strrchr(some, '/') : NULL;
	struct dirent *e;
	int found = -ENOENT;
	DIR *d;

	if (!name)
		return -ENOENT;
	*name = 0;
	d = opendir(some);
	while (d && found == -ENOENT && (e = readdir(d))) {
		AUTO_FREE char *path = NULL;
		struct client *c = NULL;

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    asprintf(&path, "%s/%s", some, e->d_name) < 0 ||
		    client_connect(path, geteuid(), &c, NULL))
			continue;
		found = ask_twice(c, source);
		if (found < 0)
			client_free(c);
		else
			*ret = c;
	}
	if (d)
		closedir(d);
	return found < 0 ? -ENOENT : found;
}

bool ending_wait_source(const char *source, unsigned *tries)
{
	struct client *c = NULL;
	int ends = find(source, &c);

	if (ends > 0)
		wait_for(c, source);
	client_free(c);
	if (ends >= 0)
		return ends;
	nap();
	return ++*tries < TAIL_TRIES;
}
