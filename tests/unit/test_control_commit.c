/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What takes long: commits, their watchers, and jobs for one client.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/control_tools.h"
#include "tests/unit/run_suite.h"

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

START_TEST(holds_for_who_is_heard_of)
{
	struct json_object *obj;
	int fd = client();

	say(fd, "{\"op\":\"commit\",\"hold\":true}");
	wait_commit(1);
	/* As long as the burn takes. */
	nap(CONTROL_LEASE_MS + 300);
	ck_assert_uint_eq(releases(), 0);
	end_commit(0, 3, "done");
	obj = hear(fd);
	ck_assert_uint_eq(number_of(obj, "blocks"), 3);
	json_object_put(obj);
	nap(CONTROL_LEASE_MS - 1000);
	obj = ask(fd, "{\"op\":\"renew\"}");
	ck_assert(!json_object_object_get_ex(obj, "error", NULL));
	json_object_put(obj);
	nap(CONTROL_LEASE_MS - 1000);
	ck_assert_uint_eq(releases(), 0);
	nap(1500);
	ck_assert_uint_eq(releases(), 1);
	expect_error(fd, "{\"op\":\"renew\"}", ESTALE, NULL);
	close(fd);
	nap(100);
	ck_assert_uint_eq(releases(), 1);
}
END_TEST

/* Who is stopped reads nothing either, so that the answer cannot be sent. */
START_TEST(holds_no_longer_for_who_does_not_read)
{
	int fd = client();

	say(fd, "{\"op\":\"commit\",\"hold\":true}");
	wait_commit(1);
	for (uint64_t i = 0; i < 20000; i++)
		emit(i % 2 ? "burning" : "closing", i);
	end_commit(0, 3, "done");
	nap(CONTROL_LEASE_MS - 1000);
	ck_assert_uint_eq(releases(), 0);
	nap(1500);
	ck_assert_uint_eq(releases(), 1);
	close(fd);
}
END_TEST

START_TEST(tells_who_waits_for_another)
{
	struct json_object *obj;
	int fd = client();

	vol.behind = true;
	say(fd, "{\"op\":\"commit\"}");
	wait_commit(1);
	obj = hear(fd);
	ck_assert_str_eq(text_of(obj, "phase"), "waiting");
	ck_assert_str_eq(text_of(obj, "waits_for"), "a burn that runs already");
	json_object_put(obj);
	end_commit(0, 0, "nothing");
	obj = hear(fd);
	ck_assert(json_object_object_get_ex(obj, "done", NULL));
	json_object_put(obj);
	close(fd);
}
END_TEST

START_TEST(tells_the_end_that_comes_with_the_mounts)
{
	struct json_object *obj;
	int fd = client(), late = client();

	json_object_put(ask(late, "{\"op\":\"status\"}"));
	say(fd, "{\"op\":\"commit\",\"hold\":true}");
	wait_commit(1);
	end_commit(0, 3, "done");
	control_stop(control);
	control = NULL;
	obj = hear(fd);
	ck_assert_ptr_nonnull(obj);
	ck_assert_uint_eq(number_of(obj, "blocks"), 3);
	json_object_put(obj);
	ck_assert_ptr_null(hear(fd));
	ck_assert_ptr_null(hear(late));
	ck_assert_uint_eq(releases(), 0);
	close(fd);
	close(late);
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

/* ---- jobs ---- */

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

	expect_error(fd, "{\"op\":\"export\"}", EBADF,
		     "no descriptor came along");
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

int main(void)
{
	Suite *suite = suite_create("control_commit");
	TCase *tcase = tcase_create("control_commit");

	tcase_set_timeout(tcase, 20);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, tells_of_a_commit);
	tcase_add_test(tcase, does_not_wait_for_a_slow_reader);
	tcase_add_test(tcase, holds_as_long_as_the_client_is_there);
	tcase_add_test(tcase, holds_for_who_is_heard_of);
	tcase_add_test(tcase, holds_no_longer_for_who_does_not_read);
	tcase_add_test(tcase, tells_who_waits_for_another);
	tcase_add_test(tcase, tells_the_end_that_comes_with_the_mounts);
	tcase_add_test(tcase,
		       releases_for_one_who_hung_up_when_the_commit_is_over);
	tcase_add_test(tcase, stops_while_a_commit_runs);
	tcase_add_test(tcase, watches);
	tcase_add_test(tcase, does_a_job_for_who_waits);
	tcase_add_test(tcase, takes_a_descriptor_along);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
