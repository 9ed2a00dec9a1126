/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/exit_code.h"
#include "cli/launch.h"
#include "tests/unit/run_suite.h"

/* Check's own handlers would go to the child. */
static void no_handlers(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

static int fails(struct launch *l, void *arg)
{
	(void)l;
	return *(int *)arg;
}

START_TEST(passes_the_code_on)
{
	int code = EXIT_CODE_FAILURE;

	ck_assert_int_eq(launch(false, fails, &code), EXIT_CODE_FAILURE);
	ck_assert_int_eq(launch(true, fails, &code), EXIT_CODE_FAILURE);
	code = EXIT_CODE_OK;
	ck_assert_int_eq(launch(false, fails, &code), EXIT_CODE_OK);
}
END_TEST

static int dies(struct launch *l, void *arg)
{
	(void)l;
	(void)arg;
	prctl(PR_SET_DUMPABLE, 0);
	raise(SIGKILL);
	return 0;
}

__attribute__((noreturn)) static int leaves(struct launch *l, void *arg)
{
	(void)l;
	(void)arg;
	_exit(0);
}

START_TEST(a_death_is_an_internal_error)
{
	ck_assert_int_eq(launch(false, dies, NULL), EXIT_CODE_INTERNAL);
	ck_assert_int_eq(launch(false, leaves, NULL), EXIT_CODE_INTERNAL);
}
END_TEST

struct seen {
	pid_t pid, session;
	struct stat standard[3];
	struct stat null;
	int others; /* open files beyond */
};

/* Every file of the caller is closed for it, so it answers by a FIFO's name. */
__attribute__((noreturn)) static int goes_on(struct launch *l, void *arg)
{
	struct seen seen = {.pid = getpid(), .session = getsid(0)};
	int fd;

	for (fd = 3; fd < 256; fd++)
		if (fd != l->fd && fcntl(fd, F_GETFD) >= 0)
			seen.others++;
	launch_ready(l);
	stat("/dev/null", &seen.null);
	for (fd = 0; fd < 3; fd++)
		fstat(fd, &seen.standard[fd]);
	fd = open(arg, O_WRONLY);
	if (fd < 0 || write(fd, &seen, sizeof seen) != sizeof seen)
		_exit(1);
	_exit(0);
}

START_TEST(goes_on_as_a_daemon)
{
	char name[] = "fifo";
	struct seen seen;
	int fd;

	ck_assert_int_eq(mkfifo(name, 0600), 0);
	ck_assert_int_eq(launch(false, goes_on, name), EXIT_CODE_OK);
	fd = open(name, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, &seen, sizeof seen), (int)sizeof seen);
	close(fd);
	unlink(name);
	ck_assert_int_ne(seen.pid, getpid());
	ck_assert_int_eq(seen.session, seen.pid);
	ck_assert_int_eq(seen.others, 0);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(seen.standard[i].st_rdev, seen.null.st_rdev);
}
END_TEST

__attribute__((noreturn)) static int hangs(struct launch *l, void *arg)
{
	(void)l;
	(void)arg;
	/* The command is interrupted by its terminal. */
	kill(getppid(), SIGINT);
	for (;;)
		pause();
}

START_TEST(an_interrupt_ends_both)
{
	ck_assert_int_eq(launch(false, hangs, NULL), EXIT_CODE_INTERRUPTED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("launch");
	TCase *tcase = tcase_create("launch");

	tcase_add_checked_fixture(tcase, no_handlers, NULL);
	tcase_add_test(tcase, passes_the_code_on);
	tcase_add_test(tcase, a_death_is_an_internal_error);
	tcase_add_test(tcase, goes_on_as_a_daemon);
	tcase_add_test(tcase, an_interrupt_ends_both);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
