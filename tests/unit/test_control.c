/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tests/unit/control_tools.h"
#include "tests/unit/run_suite.h"

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
	/* There was nothing to release, nor to renew. */
	ck_assert_uint_eq(vol.releases, 0);
	expect_error(fd, "{\"op\":\"renew\"}", ESTALE, NULL);
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

	tcase_set_timeout(tcase, 20);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, answers_the_simple_requests);
	tcase_add_test(tcase, passes_errors_on_in_words);
	tcase_add_test(tcase, refuses_what_is_no_request);
	tcase_add_test(tcase, ends_a_line_without_end);
	tcase_add_test(tcase,
		       answers_several_at_once_and_after_the_end_of_input);
	tcase_add_test(tcase, heeds_a_request_of_one_who_went);
	tcase_add_test(tcase, serves_a_bounded_number);
	tcase_add_test(tcase, is_private);
	tcase_add_test(tcase, refuses_other_users);
	tcase_add_test(tcase, replaces_a_stale_socket_and_leaves_its_successor);
	tcase_add_test(tcase, looks_for_the_owners_socket);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
