/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/control.h"

/* ---- a volume that does what the test says ---- */

struct volume {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct volume_watch *watches;
	commit_done done; /* of the commit that runs, or NULL */
	void *done_arg;
	unsigned commits, releases, keeps;
	int flush_error;
	bool held;
	int commit_err; /* of volume_commit itself */
	char diff_paths[256];
};

static struct volume vol;

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

void volume_keep(struct volume *v)
{
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

static void emit(const char *phase, uint64_t blocks)
{
	struct progress p = {
		.phase = phase, .blocks_done = blocks, .file = "/a/b"};
	LOCK_GUARD(&vol.lock);
	struct volume_watch *w;

	for (w = vol.watches; w; w = w->next)
		w->fn(w->arg, &p);
}

/* Wait until the commit number @n runs. */
static void wait_commit(unsigned n)
{
	LOCK_GUARD(&vol.lock);

	while (vol.commits < n)
		pthread_cond_wait(&vol.cond, &vol.lock);
}

static void end_commit(int err, uint64_t blocks, const char *text)
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

static unsigned releases(void)
{
	LOCK_GUARD(&vol.lock);

	return vol.releases;
}

static bool is_watched(void)
{
	LOCK_GUARD(&vol.lock);

	return vol.watches != NULL;
}

static unsigned keeps(void)
{
	LOCK_GUARD(&vol.lock);

	return vol.keeps;
}

static void wait_release(unsigned n)
{
	LOCK_GUARD(&vol.lock);

	while (vol.releases < n)
		pthread_cond_wait(&vol.cond, &vol.lock);
}

static void nap(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

/* ---- a client ---- */

static dev_t dev;
static struct control *control;

static int connect_to(const char *path)
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

static int client(void)
{
	AUTO_FREE char *path = control_socket_path(dev, geteuid());
	int fd = connect_to(path);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void say(int fd, const char *line)
{
	ck_assert_int_eq(send(fd, line, strlen(line), MSG_NOSIGNAL),
			 (ssize_t)strlen(line));
	ck_assert_int_eq(send(fd, "\n", 1, MSG_NOSIGNAL), 1);
}

/* The next line (for the caller to put), or NULL at the end. */
static struct json_object *hear(int fd)
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

static const char *text_of(struct json_object *obj, const char *key)
{
	struct json_object *v;

	ck_assert_msg(json_object_object_get_ex(obj, key, &v),
		      "no \"%s\" in %s", key, json_object_to_json_string(obj));
	return json_object_get_string(v);
}

static uint64_t number_of(struct json_object *obj, const char *key)
{
	return strtoull(text_of(obj, key), NULL, 10);
}

/* Ask, and get the one line of the answer. */
static struct json_object *ask(int fd, const char *line)
{
	struct json_object *obj;

	say(fd, line);
	obj = hear(fd);
	ck_assert_msg(obj != NULL, "no answer to %s", line);
	ck_assert_str_eq(text_of(obj, "done"), "true");
	return obj;
}

static void expect_error(int fd, const char *line, int err, const char *text)
{
	struct json_object *obj = ask(fd, line);

	ck_assert_int_eq((int)number_of(obj, "errno"), err);
	if (text)
		ck_assert_str_eq(text_of(obj, "error"), text);
	else
		ck_assert_str_ne(text_of(obj, "error"), "");
	json_object_put(obj);
}

static void setup(void)
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

static void teardown(void)
{
	control_stop(control);
	control = NULL;
}

/* ---- requests ---- */

START_TEST(answers_the_simple_requests)
{
	int fd = client();
	struct json_object *obj, *sub;

	obj = ask(fd, "{\"op\":\"status\"}");
	ck_assert(json_object_object_get_ex(obj, "status", &sub));
	ck_assert_str_eq(text_of(sub, "state"), "idle");
	json_object_put(obj);

	obj = ask(fd, "{\"op\":\"revert\",\"paths\":[\"a\"]}");
	ck_assert(json_object_object_get_ex(obj, "revert", &sub));
	json_object_put(obj);
	expect_error(fd, "{\"op\":\"revert\"}", ENOENT, "no path");
	obj = ask(fd, "{\"op\":\"diff\",\"paths\":[\"/a\",\"/b c\"]}");
	ck_assert(json_object_object_get_ex(obj, "diff", &sub));
	ck_assert_str_eq(vol.diff_paths, "/a;/b c;");
	json_object_put(obj);
	json_object_put(ask(fd, "{\"op\":\"diff\"}"));
	ck_assert_str_eq(vol.diff_paths, "");

	json_object_put(ask(fd, "{\"op\":\"keep\"}"));
	ck_assert_uint_eq(vol.keeps, 1);
	/* What cannot be kept must not be unmounted. */
	vol.flush_error = -ENOSPC;
	obj = ask(fd, "{\"op\":\"keep\"}");
	ck_assert_uint_eq(number_of(obj, "errno"), ENOSPC);
	ck_assert_str_eq(text_of(obj, "error"), "the stage is full");
	ck_assert_uint_eq(vol.keeps, 1);
	json_object_put(obj);
	vol.flush_error = 0;
	json_object_put(ask(fd, "{\"op\":\"release\"}"));
	ck_assert_uint_eq(vol.releases, 1);
	close(fd);
}
END_TEST

START_TEST(passes_errors_on_in_words)
{
	int fd = client();

	expect_error(fd, "{\"op\":\"log\"}", EIO, "cannot read block 16");
	expect_error(fd, "{\"op\":\"size\"}", ENOSPC, "12 blocks too many");
	vol.commit_err = -ENOMEM;
	expect_error(fd, "{\"op\":\"commit\"}", ENOMEM, NULL);
	ck_assert_ptr_null(vol.watches);
	close(fd);
}
END_TEST

START_TEST(refuses_what_is_no_request)
{
	int fd = client();

	expect_error(fd, "status", EINVAL, NULL);
	expect_error(fd, "", EINVAL, NULL);
	expect_error(fd, "{\"op\":\"status\"} x", EINVAL, NULL);
	expect_error(fd, "{\"op\":", EINVAL, NULL);
	expect_error(fd, "[\"op\"]", EINVAL, NULL);
	expect_error(fd, "null", EINVAL, NULL);
	expect_error(fd, "{\"op\":7}", EINVAL, NULL);
	expect_error(fd, "{\"op\":null}", EINVAL, NULL);
	expect_error(fd, "{\"op\":\"format\"}", EOPNOTSUPP, NULL);
	expect_error(fd, "{\"op\":\"diff\",\"paths\":\"/a\"}", EINVAL, NULL);
	expect_error(fd, "{\"op\":\"diff\",\"paths\":[1]}", EINVAL, NULL);
	expect_error(fd, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", EINVAL, NULL);
	/* It goes on. */
	json_object_put(ask(fd, "{\"op\":\"status\"}"));
	close(fd);
}
END_TEST

START_TEST(ends_a_line_without_end)
{
	static char much[1 << 16];
	struct json_object *obj;
	int fd = client(), i;

	memset(much, ' ', sizeof much);
	for (i = 0; i < (1 << 20) / (int)sizeof much; i++)
		ck_assert_int_eq(send(fd, much, sizeof much, MSG_NOSIGNAL),
				 sizeof much);
	obj = hear(fd);
	ck_assert_ptr_nonnull(obj);
	ck_assert_uint_eq(number_of(obj, "errno"), EMSGSIZE);
	json_object_put(obj);
	ck_assert_ptr_null(hear(fd));
	close(fd);
}
END_TEST

START_TEST(answers_several_at_once_and_after_the_end_of_input)
{
	int fd = client(), i;

	say(fd, "{\"op\":\"status\"}\n{\"op\":\"keep\"}\n{\"op\":\"status\"}");
	shutdown(fd, SHUT_WR);
	for (i = 0; i < 3; i++) {
		struct json_object *obj = hear(fd);

		ck_assert_ptr_nonnull(obj);
		json_object_put(obj);
	}
	ck_assert_ptr_null(hear(fd));
	close(fd);
}
END_TEST

START_TEST(heeds_a_request_of_one_who_went)
{
	int fd = client(), i;

	say(fd, "{\"op\":\"keep\"}");
	close(fd);
	for (i = 0; i < 500 && keeps() == 0; i++)
		nap(10);
	ck_assert_uint_eq(keeps(), 1);
}
END_TEST

/* ---- commit ---- */

START_TEST(tells_of_a_commit)
{
	struct json_object *obj;
	int fd = client();

	say(fd, "{\"op\":\"commit\",\"hold\":false}");
	wait_commit(1);
	ck_assert(!vol.held);
	emit("authoring", 0);
	obj = hear(fd);
	ck_assert_str_eq(text_of(obj, "event"), "progress");
	ck_assert_str_eq(text_of(obj, "phase"), "authoring");
	json_object_put(obj);
	emit("burning", 5);
	obj = hear(fd);
	ck_assert_str_eq(text_of(obj, "phase"), "burning");
	ck_assert_uint_eq(number_of(obj, "blocks_done"), 5);
	ck_assert_uint_eq(number_of(obj, "blocks_total"), 0);
	ck_assert_str_eq(text_of(obj, "file"), "/a/b");
	json_object_put(obj);
	end_commit(0, 77, "burned and verified");
	obj = hear(fd);
	ck_assert_str_eq(text_of(obj, "done"), "true");
	ck_assert_uint_eq(number_of(obj, "blocks"), 77);
	ck_assert_str_eq(text_of(obj, "text"), "burned and verified");
	json_object_put(obj);
	ck_assert_uint_eq(releases(), 0);

	/* The same client once more, and without luck. */
	say(fd, "{\"op\":\"commit\"}");
	wait_commit(2);
	end_commit(-EIO, 0, "the laser is tired");
	obj = hear(fd);
	ck_assert_uint_eq(number_of(obj, "errno"), EIO);
	ck_assert_str_eq(text_of(obj, "error"), "the laser is tired");
	json_object_put(obj);
	close(fd);
}
END_TEST

START_TEST(does_not_wait_for_a_slow_reader)
{
	uint64_t last = 0, events = 0;
	struct json_object *obj, *v;
	int fd = client();
	unsigned i;

	say(fd, "{\"op\":\"commit\"}");
	wait_commit(1);
	/* More than any socket holds: it must return nevertheless. */
	for (i = 1; i <= 200000; i++)
		emit(i % 1000 ? "burning" : "closing", i);
	end_commit(0, 1, "done");
	while ((obj = hear(fd))) {
		if (json_object_object_get_ex(obj, "done", &v))
			break;
		ck_assert_uint_gt(number_of(obj, "blocks_done"), last);
		last = number_of(obj, "blocks_done");
		events++;
		json_object_put(obj);
	}
	ck_assert_ptr_nonnull(obj);
	json_object_put(obj);
	ck_assert_uint_eq(last, 200000);
	ck_assert_uint_lt(events, 200000);
	close(fd);
}
END_TEST

START_TEST(holds_as_long_as_the_client_is_there)
{
	struct json_object *obj;
	int fd = client();

	say(fd, "{\"op\":\"commit\",\"hold\":true}");
	wait_commit(1);
	ck_assert(vol.held);
	end_commit(0, 3, "done");
	obj = hear(fd);
	ck_assert_uint_eq(number_of(obj, "blocks"), 3);
	json_object_put(obj);
	json_object_put(ask(fd, "{\"op\":\"status\"}"));
	ck_assert_uint_eq(releases(), 0);
	close(fd);
	wait_release(1);
}
END_TEST

START_TEST(releases_for_one_who_hung_up_when_the_commit_is_over)
{
	int fd = client();

	say(fd, "{\"op\":\"commit\",\"hold\":true}");
	wait_commit(1);
	emit("burning", 1);
	close(fd);
	nap(200);
	ck_assert_uint_eq(releases(), 0);
	end_commit(0, 3, "done");
	wait_release(1);

	/* A failure has released it already. */
	fd = client();
	say(fd, "{\"op\":\"commit\",\"hold\":true}");
	wait_commit(2);
	close(fd);
	end_commit(-EIO, 0, "no");
	nap(200);
	ck_assert_uint_eq(releases(), 1);
}
END_TEST

START_TEST(stops_while_a_commit_runs)
{
	int fd = client(), gone = client();

	say(fd, "{\"op\":\"commit\",\"hold\":true}");
	wait_commit(1);
	say(gone, "{\"op\":\"watch\"}");
	json_object_put(ask(gone, "{\"op\":\"status\"}"));
	control_stop(control);
	control = NULL;
	ck_assert_ptr_null(vol.watches);
	ck_assert_ptr_null(hear(fd));
	ck_assert_ptr_null(hear(gone));
	/* The burn goes on and ends without anybody. */
	emit("burning", 1);
	end_commit(0, 3, "done");
	ck_assert_uint_eq(releases(), 0);
	close(fd);
	close(gone);
}
END_TEST

START_TEST(watches)
{
	struct json_object *obj;
	int fd = client();

	say(fd, "{\"op\":\"watch\"}");
	json_object_put(ask(fd, "{\"op\":\"status\"}"));
	emit("idle", 9);
	obj = hear(fd);
	ck_assert_str_eq(text_of(obj, "phase"), "idle");
	json_object_put(obj);
	close(fd);
	/* The end of the test shows that nobody watches any more. */
	while (is_watched())
		nap(1);
}
END_TEST

START_TEST(does_a_job_for_who_waits)
{
	struct json_object *obj, *sub;
	int fd = client(), gone = client(), last = client();

	say(fd, "{\"op\":\"check\"}");
	obj = hear(fd);
	ck_assert_str_eq(text_of(obj, "phase"), "checking");
	json_object_put(obj);
	/* Served in order. */
	say(fd, "{\"op\":\"status\"}");
	obj = hear(fd);
	ck_assert(json_object_object_get_ex(obj, "report", &sub));
	json_object_put(obj);
	obj = hear(fd);
	ck_assert(json_object_object_get_ex(obj, "status", &sub));
	json_object_put(obj);

	/* Who goes, or is not served any more, ends the work. */
	say(gone, "{\"op\":\"watch\"}");
	say(gone, "{\"op\":\"check\"}");
	json_object_put(hear(gone));
	close(gone);
	while (is_watched())
		nap(1);
	say(last, "{\"op\":\"watch\"}");
	say(last, "{\"op\":\"check\"}");
	json_object_put(hear(last));
	control_stop(control);
	control = NULL;
	close(fd);
	close(last);
}
END_TEST

/* Say @line and pass @passed with it. */
static void say_with(int fd, const char *line, int passed)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control_room = {.room = {0}};
	struct iovec iov = {(void *)(uintptr_t)line, strlen(line)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control_room,
			     .msg_controllen = sizeof control_room};
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof passed);
	memcpy(CMSG_DATA(h), &passed, sizeof passed);
	ck_assert_int_gt(sendmsg(fd, &msg, MSG_NOSIGNAL), 0);
}

START_TEST(takes_a_descriptor_along)
{
	int fd = client(), fds[2];
	char text[64] = "";

	expect_error(fd, "{\"op\":\"export\"}", EBADF, "no descriptor came along");
	ck_assert_int_eq(pipe(fds), 0);
	/* Two of them: the later one counts, the other is closed. */
	say_with(fd, "{\"op\":\"status\"}\n", STDERR_FILENO);
	json_object_put(hear(fd));
	say_with(fd, "{\"op\":\"export\",\"session\":3}\n", fds[1]);
	json_object_put(hear(fd));
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], text, sizeof text), 9);
	ck_assert_str_eq(text, "session 3");
	/* The server's is closed, too. */
	ck_assert_int_eq(read(fds[0], text, sizeof text), 0);
	close(fds[0]);
	close(fd);
}
END_TEST

/* ---- the socket ---- */

START_TEST(serves_a_bounded_number)
{
	static const char status[] = "{\"op\":\"status\"}\n";
	int fd[33], i;
	struct json_object *obj;

	for (i = 0; i < 32; i++) {
		fd[i] = client();
		json_object_put(ask(fd[i], "{\"op\":\"status\"}"));
	}
	fd[32] = client();
	obj = hear(fd[32]);
	ck_assert_uint_eq(number_of(obj, "errno"), EBUSY);
	json_object_put(obj);
	close(fd[32]);
	close(fd[0]);
	/* There is room again, once the server has seen it. */
	for (i = 0; i < 500; i++) {
		fd[0] = client();
		/* One that is refused may be gone already. */
		send(fd[0], status, sizeof status - 1, MSG_NOSIGNAL);
		obj = hear(fd[0]);
		if (obj && !json_object_object_get_ex(obj, "error", NULL))
			break;
		json_object_put(obj);
		close(fd[0]);
		nap(10);
	}
	ck_assert_int_lt(i, 500);
	json_object_put(obj);
	for (i = 0; i < 32; i++)
		close(fd[i]);
}
END_TEST

START_TEST(is_private)
{
	AUTO_FREE char *path = control_socket_path(dev, geteuid());
	AUTO_FREE char *dir = strdup(path);
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	*strrchr(dir, '/') = '\0';
	ck_assert_int_eq(stat(dir, &st), 0);
	ck_assert_uint_eq(st.st_uid, geteuid());
	ck_assert_uint_eq(st.st_mode & (geteuid() ? 077 : 022), 0);
}
END_TEST

/* In a child of another user, through a socket that lets everybody in. */
START_TEST(refuses_other_users)
{
	AUTO_FREE char *path = control_socket_path(dev, geteuid());
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		puts("refuses_other_users: skipped, only root can be another");
		return;
	}
	ck_assert_int_eq(chmod(path, 0666), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct json_object *obj;
		int fd;

		if (setgid(65534) || setuid(65534))
			_exit(2);
		fd = connect_to(path);
		if (fd < 0)
			_exit(3);
		free(STEAL_PTR(path));
		obj = hear(fd);
		if (!obj || number_of(obj, "errno") != EACCES)
			_exit(4);
		json_object_put(obj);
		_exit(hear(fd) ? 5 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(replaces_a_stale_socket_and_leaves_its_successor)
{
	AUTO_FREE char *path = control_socket_path(dev, geteuid());
	struct control *next;
	struct why why = {""};
	struct stat st;

	/* Another mount got the number while this one still ends. */
	ck_assert_int_eq(control_start(&vol, dev, &next, &why), 0);
	control_stop(control);
	control = NULL;
	ck_assert_int_eq(lstat(path, &st), 0);
	close(client());
	control_stop(next);
	ck_assert_int_eq(lstat(path, &st), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(looks_for_the_owners_socket)
{
	AUTO_FREE char *root = control_socket_path(makedev(0, 77), 0);
	AUTO_FREE char *other = control_socket_path(makedev(0, 77), 65533);

	ck_assert_str_eq(root, "/run/discfs/0:77");
	ck_assert_str_eq(other, "/run/user/65533/discfs/0:77");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 20);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, answers_the_simple_requests);
	tcase_add_test(tcase, passes_errors_on_in_words);
	tcase_add_test(tcase, refuses_what_is_no_request);
	tcase_add_test(tcase, ends_a_line_without_end);
	tcase_add_test(tcase,
		       answers_several_at_once_and_after_the_end_of_input);
	tcase_add_test(tcase, heeds_a_request_of_one_who_went);
	tcase_add_test(tcase, tells_of_a_commit);
	tcase_add_test(tcase, does_not_wait_for_a_slow_reader);
	tcase_add_test(tcase, holds_as_long_as_the_client_is_there);
	tcase_add_test(tcase,
		       releases_for_one_who_hung_up_when_the_commit_is_over);
	tcase_add_test(tcase, stops_while_a_commit_runs);
	tcase_add_test(tcase, watches);
	tcase_add_test(tcase, does_a_job_for_who_waits);
	tcase_add_test(tcase, takes_a_descriptor_along);
	tcase_add_test(tcase, serves_a_bounded_number);
	tcase_add_test(tcase, is_private);
	tcase_add_test(tcase, refuses_other_users);
	tcase_add_test(tcase, replaces_a_stale_socket_and_leaves_its_successor);
	tcase_add_test(tcase, looks_for_the_owners_socket);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
