/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tests/unit/control_tools.h"

/* ---- a volume that does what the test says ---- */

struct volume vol;

int volume_commit(struct volume *v, bool hold, commit_done done, void *arg)
{
	LOCK_GUARD(&v->lock);

	if (v->commit_err)
		return v->commit_err;
	v->commits++;
	v->held = hold;
	v->done = done;
	v->done_arg = arg;
	pthread_cond_broadcast(&v->cond);
	return 0;
}

void volume_commit_release(struct volume *v)
{
	LOCK_GUARD(&v->lock);

	v->releases++;
	v->held = false;
	pthread_cond_broadcast(&v->cond);
}

bool volume_is_behind(struct volume *v, const void *arg)
{
	LOCK_GUARD(&v->lock);

	return v->behind && v->done_arg == arg;
}

int volume_commit_size(struct volume *v, uint64_t *ret_blocks, struct why *why)
{
	(void)v;
	(void)ret_blocks;
	return why_set(why, -ENOSPC, "12 blocks too many");
}

void volume_watch(struct volume *v, struct volume_watch *w)
{
	LOCK_GUARD(&v->lock);

	w->next = v->watches;
	v->watches = w;
	pthread_cond_broadcast(&v->cond);
}

void volume_unwatch(struct volume *v, struct volume_watch *w)
{
	struct volume_watch **p;
	LOCK_GUARD(&v->lock);

	for (p = &v->watches; *p != w; p = &(*p)->next)
		ck_assert_ptr_nonnull(*p);
	*p = w->next;
}

int volume_flush(struct volume *v, struct why *why)
{
	LOCK_GUARD(&v->lock);

	return v->flush_error
		       ? why_set(why, v->flush_error, "the stage is full")
		       : 0;
}

void volume_leaving(struct volume *v, bool begins)
{
	(void)v;
	(void)begins;
}

void volume_unkeep(struct volume *v)
{
	(void)v;
}

void volume_keep(struct volume *v, const char *reason)
{
	(void)reason;
	LOCK_GUARD(&v->lock);

	v->keeps++;
}

struct json_object *report_status(struct volume *v)
{
	struct json_object *obj = json_object_new_object();

	(void)v;
	json_object_object_add(obj, "state", json_object_new_string("idle"));
	return obj;
}

struct json_object *report_diff(struct volume *v, const char *const *paths,
				size_t n)
{
	size_t i;

	v->diff_paths[0] = '\0';
	for (i = 0; i < n; i++) {
		strcat(v->diff_paths, paths[i]);
		strcat(v->diff_paths, ";");
	}
	return json_object_new_object();
}

int volume_revert(struct volume *v, const char *const *paths, size_t n,
		  struct json_object **ret, struct why *why)
{
	if (!n)
		return why_set(why, -ENOENT, "no path");
	*ret = report_diff(v, paths, n);
	return 0;
}

int volume_check(struct volume *v, const struct progress_sink *sink,
		 struct json_object **ret, struct why *why)
{
	struct progress p = {.phase = "checking", .blocks_total = 9};

	(void)v;
	sink->report(sink->arg, &p);
	/* Nobody cancels: somebody who waits for the answer gets it. */
	for (int i = 0; i < 20; i++) {
		if (atomic_load(sink->cancel))
			return why_set(why, -ECANCELED, "cancelled");
		usleep(10000);
	}
	*ret = json_object_new_object();
	return 0;
}

int volume_export(struct volume *v, unsigned session, int fd,
		  const struct progress_sink *sink, struct json_object **ret,
		  struct why *why)
{
	(void)v;
	(void)sink;
	(void)why;
	*ret = json_object_new_object();
	ck_assert_int_gt(dprintf(fd, "session %u", session), 0);
	return 0;
}

int report_log(struct volume *v, struct json_object **ret, struct why *why)
{
	(void)v;
	(void)ret;
	return why_set(why, -EIO, "cannot read block 16");
}

void emit(const char *phase, uint64_t blocks)
{
	struct progress p = {
		.phase = phase, .blocks_done = blocks, .file = "/a/b"};
	LOCK_GUARD(&vol.lock);
	struct volume_watch *w;

	for (w = vol.watches; w; w = w->next)
		w->fn(w->arg, &p);
}

void wait_commit(unsigned n)
{
	LOCK_GUARD(&vol.lock);

	while (vol.commits < n)
		pthread_cond_wait(&vol.cond, &vol.lock);
}

void end_commit(int err, uint64_t blocks, const char *text)
{
	commit_done done;

	pthread_mutex_lock(&vol.lock);
	done = vol.done;
	vol.done = NULL;
	if (err)
		vol.held = false;
	pthread_mutex_unlock(&vol.lock);
	ck_assert_ptr_nonnull(done);
	done(vol.done_arg, err, blocks, text);
}

unsigned releases(void)
{
	LOCK_GUARD(&vol.lock);

	return vol.releases;
}

bool is_watched(void)
{
	LOCK_GUARD(&vol.lock);

	return vol.watches != NULL;
}

unsigned keeps(void)
{
	LOCK_GUARD(&vol.lock);

	return vol.keeps;
}

void wait_release(unsigned n)
{
	LOCK_GUARD(&vol.lock);

	while (vol.releases < n)
		pthread_cond_wait(&vol.cond, &vol.lock);
}

void nap(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

/* ---- a client ---- */

dev_t dev;
struct control *control;

int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_lt(strlen(path), sizeof addr.sun_path);
	strcpy(addr.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof addr)) {
		close(fd);
		return -1;
	}
	return fd;
}

int client(void)
{
	AUTO_FREE char *path = control_socket_path(dev, geteuid());
	int fd = connect_to(path);

	ck_assert_int_ge(fd, 0);
	return fd;
}

void say(int fd, const char *line)
{
	ck_assert_int_eq(send(fd, line, strlen(line), MSG_NOSIGNAL),
			 (ssize_t)strlen(line));
	ck_assert_int_eq(send(fd, "\n", 1, MSG_NOSIGNAL), 1);
}

struct json_object *hear(int fd)
{
	char line[8192];
	size_t n = 0;
	struct json_object *obj;

	while (n < sizeof line - 1) {
		if (recv(fd, line + n, 1, 0) != 1)
			return NULL;
		if (line[n++] == '\n')
			break;
	}
	line[n] = '\0';
	obj = json_tokener_parse(line);
	ck_assert_msg(obj != NULL, "not JSON: %s", line);
	return obj;
}

const char *text_of(struct json_object *obj, const char *key)
{
	struct json_object *v;

	ck_assert_msg(json_object_object_get_ex(obj, key, &v),
		      "no \"%s\" in %s", key, json_object_to_json_string(obj));
	return json_object_get_string(v);
}

uint64_t number_of(struct json_object *obj, const char *key)
{
	return strtoull(text_of(obj, key), NULL, 10);
}

struct json_object *ask(int fd, const char *line)
{
	struct json_object *obj;

	say(fd, line);
	obj = hear(fd);
	ck_assert_msg(obj != NULL, "no answer to %s", line);
	ck_assert_str_eq(text_of(obj, "done"), "true");
	return obj;
}

void expect_error(int fd, const char *line, int err, const char *text)
{
	struct json_object *obj = ask(fd, line);

	ck_assert_int_eq((int)number_of(obj, "errno"), err);
	if (text)
		ck_assert_str_eq(text_of(obj, "error"), text);
	else
		ck_assert_str_ne(text_of(obj, "error"), "");
	json_object_put(obj);
}

void setup(void)
{
	struct why why = {""};
	int err;

	/* Not root: a folder of the test's own. */
	setenv("XDG_RUNTIME_DIR", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
	       1);
	memset(&vol, 0, sizeof vol);
	pthread_mutex_init(&vol.lock, NULL);
	pthread_cond_init(&vol.cond, NULL);
	/* A number that no mount has. */
	dev = makedev(4000, (unsigned)getpid() & 0xfffff);
	err = control_start(&vol, dev, &control, &why);
	ck_assert_msg(err == 0, "%s", why_text(&why, err));
}

void teardown(void)
{
	control_stop(control);
	control = NULL;
}
