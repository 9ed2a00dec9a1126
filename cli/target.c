/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "common/cleanup.h"
#include "fs/control.h"

static int connect_to(struct target *t, struct why *why)
{
	AUTO_FREE char *path =
		control_socket_path(t->mount.dev, t->mount.owner);
	uid_t uid = geteuid();
	int err;

	if (uid != 0 && uid != t->mount.owner)
		return why_set(why, -EACCES,
			       "it is the mount of user %u, who alone, with "
			       "root, is served",
			       t->mount.owner);
	if (!path)
		return why_set(why, -ENOENT,
			       "no place for control sockets is known");
	err = client_connect(path, t->mount.owner, &t->client, why);
	if (err == -ECONNREFUSED)
		control_sweep(t->mount.owner);
	if (err == -ECONNREFUSED || err == -ENOENT)
		return why_set(why, -ENOTCONN,
			       "the process of this mount does not answer at "
			       "%s; was it killed?",
			       path);
	return err;
}

int target_open_mount(struct target *t, const char *path, bool by_source,
		      struct why *why)
{
	int found;

	*t = (struct target){0};
	found = mountinfo_lookup(path, by_source, &t->mount, why);
	if (found < 0)
		return found;
	if (!found)
		return why_set(why, -EINVAL, "no disc is mounted there");
	return connect_to(t, why);
}

void target_say_notes(const char *source, const struct volume *v)
{
	const char *notes[VOLUME_NOTES + 1];

	volume_notes(v, notes);
	for (const char **note = notes; *note; note++)
		command_say("%s: %s", source, *note);
}

static int open_volume(struct target *t, const char *path, const char *root,
		       bool no_stage, struct why *why)
{
	struct volume_opts opts = {
		.offline = true,
		.stage_root = root,
		.no_stage = no_stage,
		.session_lba = IMPORT_LAST,
		.verify = VERIFY_FULL,
		.uid = -1,
		.gid = -1,
		.mode = -1,
		.dmode = -1,
		.umask = -1,
	};
	AUTO_FREE char *source = NULL;
	struct stat st;
	int err;

	err = target_open_mount(t, path, true, why);
	if (err != -EINVAL)
		return err;
	source = realpath(path, NULL);
	if (!source)
		return why_set(why, -errno, "%s", strerror(errno));
	if (!stat(source, &st) && S_ISDIR(st.st_mode))
		return why_set(why, -EISDIR,
			       "a folder, and no disc is mounted on it");
	opts.source = source;
	err = volume_open(&opts, &t->volume, why);
	if (!err)
		target_say_notes(path, t->volume);
	if (!err && volume_damage(t->volume))
		command_say("%s: damaged: %s", path, volume_damage(t->volume));
	return err;
}

int target_open(struct target *t, const char *path, struct why *why)
{
	return open_volume(t, path, NULL, false, why);
}

int target_open_staged(struct target *t, const char *path, const char *root,
		       struct why *why)
{
	return open_volume(t, path, root, false, why);
}

int target_open_base(struct target *t, const char *path, struct why *why)
{
	return open_volume(t, path, NULL, true, why);
}

void target_close(struct target *t)
{
	client_free(t->client);
	if (t->volume)
		volume_close(t->volume);
	mountinfo_release(&t->mount);
	*t = (struct target){0};
}

/* The value of @key in the answer to @request, which is used up. */
static int ask(struct target *t, struct json_object *request, const char *key,
	       struct json_object **ret, struct why *why)
{
	struct json_object *answer, *value;
	int err;

	if (!request)
		return -ENOMEM;
	err = client_call(t->client, request, NULL, NULL, -1, &answer, why);
	json_object_put(request);
	if (err)
		return err;
	if (json_object_object_get_ex(answer, key, &value) &&
	    json_object_is_type(value, json_type_object))
		*ret = json_object_get(value);
	else
		err = why_set(why, -EPROTO,
			      "the process of the mount gave no %s", key);
	json_object_put(answer);
	return err;
}

static struct json_object *make_request(const char *op)
{
	struct json_object *request = json_object_new_object();

	if (request)
		json_object_object_add(request, "op",
				       json_object_new_string(op));
	return request;
}

int target_status(struct target *t, struct json_object **ret, struct why *why)
{
	int err;

	if (t->client) {
		err = ask(t, make_request("status"), "status", ret, why);
		/* What the mount cannot know: it may have been moved. */
		if (!err)
			json_object_object_add(
				*ret, "mountpoint",
				json_object_new_string(t->mount.dir));
		return err;
	}
	*ret = report_status(t->volume);
	return *ret ? 0 : -ENOMEM;
}

/* As the disc has it; heap.  A folder that is bound elsewhere has its own place
 * in front. */
static char *path_on_disc(const struct target *t, const char *path)
{
	const char *above = "";
	char *ret;

	if (t->mount.dir && *path == '/' &&
	    mountinfo_path_below(path, t->mount.dir)) {
		path += strcmp(t->mount.dir, "/") ? strlen(t->mount.dir) : 0;
		above = t->mount.root + 1;
	}
	path += strspn(path, "/");
	return asprintf(&ret, "%s%s%s", above, *above && *path ? "/" : "",
			path) < 0
		       ? NULL
		       : ret;
}

static struct json_object *make_paths_request(const struct target *t,
					      const char *op,
					      char *const *paths, int n)
{
	struct json_object *request = make_request(op);
	struct json_object *list = json_object_new_array();

	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = path_on_disc(t, paths[i]);

		/* Without memory it is no path, and so refused. */
		json_object_array_add(list, path ? json_object_new_string(path)
						 : NULL);
	}
	if (request)
		json_object_object_add(request, "paths", list);
	else
		json_object_put(list);
	return request;
}

int target_diff(struct target *t, char *const *paths, int n,
		struct json_object **ret, struct why *why)
{
	AUTO_FREE const char **own = NULL;

	if (t->client)
		return ask(t, make_paths_request(t, "diff", paths, n), "diff",
			   ret, why);
	own = calloc((size_t)n + 1, sizeof *own);
	if (!own)
		return -ENOMEM;
	/* The disc's own: there is no folder that it is seen in. */
	for (int i = 0; i < n; i++)
		own[i] = paths[i] + strspn(paths[i], "/");
	*ret = report_diff(t->volume, own, (size_t)n);
	return *ret ? 0 : -ENOMEM;
}

int target_revert(struct target *t, char *const *paths, int n,
		  struct json_object **ret, struct why *why)
{
	return ask(t, make_paths_request(t, "revert", paths, n), "revert", ret,
		   why);
}

int target_log(struct target *t, struct json_object **ret, struct why *why)
{
	if (t->client)
		return ask(t, make_request("log"), "log", ret, why);
	return report_log(t->volume, ret, why);
}
