/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/busy.h"
#include "tests/unit/run_suite.h"

START_TEST(reads_maps)
{
	static const char line[] =
		"7f12-7f34 r--s 00001000 00:2f 1234   /mnt/disc/a file\n";

	ck_assert(busy_maps_line_on(line, makedev(0, 0x2f)));
	ck_assert(!busy_maps_line_on(line, makedev(0, 0x2e)));
	ck_assert(!busy_maps_line_on("7f12-7f34 rw-p 00000000 00:00 0\n",
				     makedev(0, 0x2f)));
	ck_assert(!busy_maps_line_on("", makedev(0, 0)));
}
END_TEST

START_TEST(says_who)
{
	struct busy_holder holders[] = {
		{.pid = 12,
		 .name = "bash",
		 .what = "has its working folder there"},
		{.pid = 7, .name = "a\nb", .what = "has a file open there"},
	};
	char buf[256], small[10];

	busy_text(holders, 2, buf, sizeof buf);
	ck_assert_str_eq(buf, "bash (pid 12) has its working folder there, "
			      "a\\012b (pid 7) has a file open there");
	busy_text(holders, 0, buf, sizeof buf);
	ck_assert_str_eq(buf, "");
	busy_text(holders, 2, small, sizeof small);
	ck_assert_str_eq(small, "bash (pid");
}
END_TEST

/* A process that holds something, and says so on @ready. */
static pid_t start_holder(void (*hold)(void))
{
	int fds[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		hold();
		if (write(fds[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const char *scan_for(const struct mountinfo *m, pid_t pid)
{
	static struct busy_holder holders[4096];
	size_t n = busy_scan(m, holders, 4096);

	for (size_t i = 0; i < n; i++)
		if (holders[i].pid == pid)
			return holders[i].what;
	return NULL;
}

static void enter(void)
{
	if (chdir("below/sub"))
		_exit(1);
}

/* 0:0 is what anonymous memory is mapped from. */
static const dev_t nowhere_dev = 0xfffff;

START_TEST(finds_a_working_folder)
{
	char *dir;
	struct mountinfo m = {.id = UINT32_MAX, .dev = nowhere_dev};
	pid_t pid;

	ck_assert_int_eq(mkdir("below", 0755), 0);
	ck_assert_int_eq(mkdir("below/sub", 0755), 0);
	dir = realpath("below", NULL);
	pid = start_holder(enter);
	m.dir = dir;
	ck_assert_str_eq(scan_for(&m, pid), "has its working folder there");
	/* a folder whose name only begins so */
	m.dir[strlen(m.dir) - 1] = 0;
	ck_assert_ptr_null(scan_for(&m, pid));
	end_holder(pid);
	rmdir("below/sub");
	rmdir("below");
	free(dir);
}
END_TEST

static void open_file(void)
{
	if (open("held", O_RDWR | O_CREAT, 0600) < 0)
		_exit(1);
}

/* The id of the mount that the current folder is on. */
static unsigned mount_id_here(void)
{
	char line[256], path[64];
	unsigned id = 0;
	int fd = open(".", O_RDONLY);
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "mnt_id: %u", &id) == 1)
			break;
	fclose(f);
	close(fd);
	return id;
}

START_TEST(finds_an_open_file)
{
	char nowhere[] = "/nothing/is/there";
	struct mountinfo m = {
		.id = mount_id_here(), .dev = nowhere_dev, .dir = nowhere};
	pid_t pid;

	ck_assert_uint_ne(m.id, 0);
	pid = start_holder(open_file);
	ck_assert_str_eq(scan_for(&m, pid), "has a file open there");
	m.id = UINT32_MAX;
	ck_assert_ptr_null(scan_for(&m, pid));
	end_holder(pid);
	unlink("held");
}
END_TEST

static void map_file(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, 4096) ||
	    mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(1);
	close(fd);
}

START_TEST(finds_a_mapping)
{
	char nowhere[] = "/nothing/is/there";
	struct mountinfo m = {.id = UINT32_MAX, .dir = nowhere};
	struct stat st;
	pid_t pid = start_holder(map_file);

	ck_assert_int_eq(stat("mapped", &st), 0);
	m.dev = st.st_dev;
	ck_assert_str_eq(scan_for(&m, pid), "has a file mapped there");
	end_holder(pid);
	unlink("mapped");
}
END_TEST

/* Where the kernel does not tell, since nothing is mounted there, /proc must.
 */
START_TEST(checks_without_the_kernel)
{
	struct mountinfo m = {.id = UINT32_MAX, .dev = nowhere_dev};
	pid_t pid;

	ck_assert_int_eq(mkdir("below", 0755), 0);
	ck_assert_int_eq(mkdir("below/sub", 0755), 0);
	m.dir = realpath("below", NULL);
	ck_assert(!busy_check(&m));
	pid = start_holder(enter);
	ck_assert(busy_check(&m));
	end_holder(pid);
	ck_assert(!busy_check(&m));
	rmdir("below/sub");
	rmdir("below");
	free(m.dir);
}
END_TEST

START_TEST(stops_at_the_limit)
{
	char root[] = "/";
	struct mountinfo m = {.dir = root};
	struct busy_holder holders[2];

	ck_assert_uint_eq(busy_scan(&m, holders, 1), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("busy");
	TCase *tcase = tcase_create("busy");

	tcase_add_test(tcase, reads_maps);
	tcase_add_test(tcase, says_who);
	tcase_add_test(tcase, finds_a_working_folder);
	tcase_add_test(tcase, finds_an_open_file);
	tcase_add_test(tcase, finds_a_mapping);
	tcase_add_test(tcase, checks_without_the_kernel);
	tcase_add_test(tcase, stops_at_the_limit);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
