/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client.h"
#include "tests/unit/run_suite.h"

#define SOCKET_NAME "socket"

static struct client *client;
static struct why why;
static pid_t server;

/* A mount's end of the socket: it answers the first line with @answer. */
static void serve(int listener, const char *answer, size_t len)
{
	char request[4096];
	int fd;

	/* Who is refused by the client hangs up and says nothing. */
	do
		fd = accept(listener, NULL, NULL);
	while (recv(fd, request, sizeof request, 0) <= 0);
	/* In pieces, as a stream may bring them. */
	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < 7 ? len - at : 7;
		if (len > 65536)
			n = len - at < 60000 ? len - at : 60000;
		if (send(fd, answer + at, n, MSG_NOSIGNAL) < 0)
			_exit(0);
	}
	if (answer[len - 1] != '\n')
		_exit(0);
	/* Until the client hangs up. */
	while (recv(fd, request, sizeof request, 0) > 0)
		;
	_exit(0);
}

/* A process that serves the socket: who listens is who the client meets. */
static void start_server(uid_t uid, const char *answer, size_t len)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX,
				   .sun_path = SOCKET_NAME};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fds[2];
	char byte;

	unlink(SOCKET_NAME);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof addr),
			 0);
	ck_assert_int_eq(pipe(fds), 0);
	server = fork();
	if (server == 0) {
		if ((uid != geteuid() && setuid(uid)) || listen(listener, 2) ||
		    write(fds[1], "", 1) != 1)
			_exit(1);
		serve(listener, answer, len);
	}
	close(listener);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	close(fds[1]);
}

static void start_n(const char *answer, size_t len)
{
	start_server(geteuid(), answer, len);
	ck_assert_int_eq(client_connect(SOCKET_NAME, geteuid(), &client, &why),
			 0);
}

static void start(const char *answer)
{
	start_n(answer, strlen(answer));
}

static void tear_down(void)
{
	client_free(client);
	client = NULL;
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	unlink(SOCKET_NAME);
}

static int call(client_event event, void *arg, int wake,
		struct json_object **ret)
{
	struct json_object *request = json_object_new_object();
	int err;

	why.text[0] = 0;
	err = client_call(client, request, event, arg, wake, ret, &why);
	json_object_put(request);
	return err;
}

static void add_up(void *arg, struct json_object *event)
{
	*(uint64_t *)arg += answer_number(event, "n");
}

START_TEST(events_come_before_the_answer)
{
	struct json_object *answer;
	uint64_t sum = 0;

	start("{\"event\":\"progress\",\"n\":3}\n{\"done\":false,\"n\":4}\n"
	      "{\"done\":true,\"blocks\":9,\"text\":\"it is burned\"}\n");
	ck_assert_int_eq(call(add_up, &sum, -1, &answer), 0);
	ck_assert_uint_eq(sum, 7);
	ck_assert_uint_eq(answer_number(answer, "blocks"), 9);
	ck_assert_str_eq(answer_text(answer, "text"), "it is burned");
	/* of another type, or not there */
	ck_assert_uint_eq(answer_number(answer, "text"), 0);
	ck_assert_str_eq(answer_text(answer, "blocks"), "");
	ck_assert_str_eq(answer_text(answer, "nothing"), "");
	ck_assert_str_eq(answer_text(NULL, "nothing"), "");
	json_object_put(answer);
}
END_TEST

START_TEST(passes_errors_on)
{
	struct json_object *answer = NULL;

	start("{\"done\":true,\"error\":\"no space on the disc\","
	      "\"errno\":28}\n");
	ck_assert_int_eq(call(NULL, NULL, -1, &answer), -ENOSPC);
	ck_assert_str_eq(why.text, "no space on the disc");
	ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(an_error_is_never_success)
{
	static const char *const answers[] = {
		"{\"done\":true,\"error\":\"x\"}\n",
		"{\"done\":true,\"error\":\"x\",\"errno\":0}\n",
		"{\"done\":true,\"error\":\"x\",\"errno\":-5}\n",
		"{\"done\":true,\"error\":\"x\",\"errno\":99999999}\n",
		"{\"done\":true,\"error\":\"x\",\"errno\":\"y\"}\n",
	};

	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		start(answers[i]);
		ck_assert_int_eq(call(NULL, NULL, -1, NULL), -EIO);
		tear_down();
	}
	/* Only our own interrupt is -EINTR. */
	start("{\"done\":true,\"error\":\"x\",\"errno\":4}\n");
	ck_assert_int_eq(call(NULL, NULL, -1, NULL), -ECANCELED);
}
END_TEST

START_TEST(notices_a_hang_up)
{
	start("{\"done\":tr");
	ck_assert_int_eq(call(NULL, NULL, -1, NULL), -EPIPE);
}
END_TEST

START_TEST(refuses_what_is_no_object)
{
	static const char *const answers[] = {"[1]\n", "hello\n", "\n",
					      "{\"done\":}\n", "7\n"};

	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		start(answers[i]);
		ck_assert_int_eq(call(NULL, NULL, -1, NULL), -EPROTO);
		tear_down();
	}
}
END_TEST

START_TEST(takes_long_lines)
{
	static const char head[] = "{\"done\":true,\"text\":\"";
	const size_t n = 3000000;
	struct json_object *answer;
	char *line = malloc(n + 100);

	strcpy(line, head);
	memset(line + sizeof head - 1, 'x', n);
	strcpy(line + sizeof head - 1 + n, "\"}\n");
	start_n(line, strlen(line));
	ck_assert_int_eq(call(NULL, NULL, -1, &answer), 0);
	ck_assert_uint_eq(strlen(answer_text(answer, "text")), n);
	json_object_put(answer);
	free(line);
}
END_TEST

START_TEST(can_be_interrupted)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "", 1), 1);
	start("{\"event\":\"progress\"}\n");
	ck_assert_int_eq(call(NULL, NULL, fds[0], NULL), -EINTR);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(refuses_a_stranger)
{
	uid_t uid = geteuid() ? geteuid() : 4001;
	struct client *c = NULL;

	start_server(uid, "\n", 1);
	ck_assert_int_eq(client_connect(SOCKET_NAME, uid + 1, &c, &why),
			 -EPERM);
	ck_assert_ptr_nonnull(strstr(why.text, "not by the mount's owner"));
	ck_assert_ptr_null(c);
	ck_assert_int_eq(client_connect(SOCKET_NAME, uid, &c, &why), 0);
	client_free(c);
}
END_TEST

START_TEST(says_where_nobody_serves)
{
	struct client *c = NULL;

	ck_assert_int_eq(client_connect("missing", 0, &c, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "missing"));
	start("{\"done\":true}\n");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
	ck_assert_int_eq(client_connect(SOCKET_NAME, 0, &c, &why),
			 -ECONNREFUSED);
	ck_assert_ptr_null(c);
}
END_TEST

START_TEST(waits_for_the_end_of_the_process)
{
	start("{\"done\":true}\n");
	ck_assert_int_eq(client_wait_gone(client, 50), -ETIMEDOUT);
	kill(server, SIGKILL);
	ck_assert_int_eq(client_wait_gone(client, 20000), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *tcase = tcase_create("client");

	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_test(tcase, events_come_before_the_answer);
	tcase_add_test(tcase, passes_errors_on);
	tcase_add_test(tcase, an_error_is_never_success);
	tcase_add_test(tcase, notices_a_hang_up);
	tcase_add_test(tcase, refuses_what_is_no_object);
	tcase_add_test(tcase, takes_long_lines);
	tcase_add_test(tcase, can_be_interrupted);
	tcase_add_test(tcase, refuses_a_stranger);
	tcase_add_test(tcase, says_where_nobody_serves);
	tcase_add_test(tcase, waits_for_the_end_of_the_process);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
