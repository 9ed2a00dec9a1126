/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * utimensat and futimens.
 */
#include "tests/mount/conformance/conformance.h"

#include <time.h>

static int set(const char *path, struct timespec a, struct timespec m)
{
	return utimensat(AT_FDCWD, path, (const struct timespec[]){a, m},
			 AT_SYMLINK_NOFOLLOW);
}

static const struct timespec now = {.tv_nsec = UTIME_NOW};
static const struct timespec omit = {.tv_nsec = UTIME_OMIT};

static bool same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static struct timespec at(time_t s, long ns)
{
	return (struct timespec){.tv_sec = s, .tv_nsec = ns};
}

static void values(enum kind kind)
{
	static const struct timespec v[] = {
		{0, 0},
		{0, 1},
		{100000000, 100000000},
		{946684799, 999999999},
		{-1, 0},
		{-86400, 500000000},
		{-2000000000, 1},
		{2147483647, 0},
		{2147483648, 7},
		{4294967296, 0},
	};
	struct timespec early = {1, 2}, late = {1900000000, 3};
	unsigned i;

	note("%s", kind_names[kind]);
	make_node(kind, "n");
	for (i = 0; i < sizeof v / sizeof *v; i++) {
		struct stat st;

		note("%s, %lld.%09ld", kind_names[kind], (long long)v[i].tv_sec,
		     v[i].tv_nsec);
		WORKS(set("n", v[i], early));
		st = lstat_of("n");
		HOLDS(same(&st.st_atim, &v[i]));
		HOLDS(same(&st.st_mtim, &early));
		WORKS(set("n", late, v[i]));
		st = lstat_of("n");
		HOLDS(same(&st.st_atim, &late));
		HOLDS(same(&st.st_mtim, &v[i]));
	}
	remove_node("n");
}

static void special(enum kind kind)
{
	struct timespec old = {1000, 1}, begin;
	struct stat before, st;

	note("%s, now and omit", kind_names[kind]);
	make_node(kind, "n");
	clock_gettime(CLOCK_REALTIME_COARSE, &begin);
	WORKS(set("n", old, old));
	remember("n", &before);
	WORKS(set("n", now, omit));
	st = lstat_of("n");
	HOLDS(st.st_atim.tv_sec >= begin.tv_sec);
	HOLDS(same(&st.st_mtim, &old));
	EQUAL(ATIME | CTIME, moved("n", &before));
	WORKS(set("n", old, now));
	st = lstat_of("n");
	HOLDS(same(&st.st_atim, &old));
	HOLDS(st.st_mtim.tv_sec >= begin.tv_sec);
	remember("n", &before);
	WORKS(set("n", omit, omit));
	EQUAL(0, moved("n", &before));
	WORKS(set("n", omit, at(5, 6)));
	st = lstat_of("n");
	HOLDS(same(&st.st_atim, &old));
	EQUAL(5, st.st_mtim.tv_sec);
	EQUAL(6, st.st_mtim.tv_nsec);
	EQUAL(CTIME, moved("n", &before) & CTIME);
	FAILS(EINVAL, set("n", at(1, 1000000000), old));
	FAILS(EINVAL, set("n", old, at(1, -1)));
	remove_node("n");
}

/* To now: who may write. To other times: the owner. */
static void rights(enum kind kind)
{
	struct stat before;

	note("%s, rights", kind_names[kind]);
	make_node(kind, "n");
	WORKS(lchown("n", ALICE, ALICE));
	if (kind != LINK)
		WORKS(chmod("n", 0444));
	be(ALICE, ALICE);
	WORKS(set("n", now, now));
	WORKS(set("n", at(1, 1), at(2, 2)));
	WORKS(set("n", omit, omit));
	WORKS(set("n", at(1, 1), omit));
	be_root();
	remember("n", &before);
	be(BOB, BOB);
	if (kind != LINK)
		FAILS(EACCES, set("n", now, now));
	FAILS(EPERM, set("n", at(1, 1), at(2, 2)));
	FAILS(EPERM, set("n", now, omit));
	FAILS(EPERM, set("n", omit, now));
	FAILS(EPERM, set("n", at(1, 1), omit));
	WORKS(set("n", omit, omit));
	be_root();
	if (kind != LINK)
		EQUAL(0, moved("n", &before));
	if (kind != LINK)
		WORKS(chmod("n", 0666));
	be(BOB, BOB);
	WORKS(set("n", now, now));
	FAILS(EPERM, set("n", at(1, 1), at(2, 2)));
	FAILS(EPERM, set("n", now, omit));
	be_root();
	EQUAL(ATIME | MTIME | CTIME, moved("n", &before));
	remove_node("n");
}

void test_utimens(void)
{
	struct timespec two[] = {{3, 4}, {5, 6}};
	struct stat link, st;
	unsigned k;
	int fd;

	for (k = 0; k < N_KINDS; k++) {
		values(k);
		special(k);
		rights(k);
	}
	note("%s", "futimens");
	make_file("f", 0, 0);
	fd = open("f", O_RDONLY | O_CLOEXEC);
	WORKS(futimens(fd, two));
	st = lstat_of("f");
	HOLDS(same(&st.st_atim, &two[0]));
	HOLDS(same(&st.st_mtim, &two[1]));
	close(fd);
	note("%s", "symbolic link");
	WORKS(symlink("f", "l"));
	remember("l", &link);
	two[0].tv_sec = 77;
	WORKS(utimensat(AT_FDCWD, "l", two, 0));
	EQUAL(77, lstat_of("f").st_atim.tv_sec);
	EQUAL(0, moved("l", &link) & (MTIME | CTIME));
	WORKS(set("l", at(8, 9), at(10, 11)));
	EQUAL(8, lstat_of("l").st_atim.tv_sec);
	EQUAL(10, lstat_of("l").st_mtim.tv_sec);
	EQUAL(77, lstat_of("f").st_atim.tv_sec);
	/* What is set stays when names around it change. */
	note("%s", "afterwards");
	make_node(FOLDER, "d");
	make_node(REGULAR, "d/x");
	WORKS(set("d", at(8, 9), at(10, 11)));
	EQUAL(10, lstat_of("d").st_mtim.tv_sec);
	remove_node("d/x");
	HOLDS(lstat_of("d").st_mtim.tv_sec > 10);
}
