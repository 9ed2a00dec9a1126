/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listing folders, and what statvfs and pathconf say.
 */
#include "tests/mount/conformance/conformance.h"

#include <dirent.h>
#include <sys/statvfs.h>

enum { MANY = 500 };

static void name_of(char *buf, int i)
{
	sprintf(buf, "d/entry-%04d", i);
}

/* Counts the entries that are left to be read; each once in @seen. */
static int count(DIR *d, char *seen)
{
	const struct dirent *e;
	int n = 0, i;

	while ((e = readdir(d))) {
		n++;
		if (sscanf(e->d_name, "entry-%d", &i) == 1 && i < MANY)
			seen[i]++;
	}
	return n;
}

static bool all_once(const char *seen, int step)
{
	int i;

	for (i = 0; i < MANY; i += step)
		if (seen[i] != 1)
			return false;
	return true;
}

static void listing(void)
{
	char seen[MANY] = {0}, path[32];
	long pos[3];
	char names[3][256];
	const struct dirent *e;
	DIR *d = opendir("d");
	int i;

	note("%s", "readdir");
	EQUAL(MANY + 2, count(d, seen));
	HOLDS(all_once(seen, 1));
	note("%s", "rewinddir");
	memset(seen, 0, sizeof seen);
	rewinddir(d);
	EQUAL(MANY + 2, count(d, seen));
	HOLDS(all_once(seen, 1));
	note("%s", "rewinddir shows what is new");
	make_node(REGULAR, "d/new");
	rewinddir(d);
	EQUAL(MANY + 3, count(d, seen));
	remove_node("d/new");
	note("%s", "telldir and seekdir");
	rewinddir(d);
	for (i = 0; i < 3; i++) {
		int k;

		for (k = 0; k < 100; k++)
			readdir(d);
		pos[i] = telldir(d);
		e = readdir(d);
		HOLDS(e);
		snprintf(names[i], sizeof names[i], "%s", e ? e->d_name : "");
	}
	for (i = 2; i >= 0; i--) {
		seekdir(d, pos[i]);
		EQUAL(pos[i], telldir(d));
		e = readdir(d);
		HOLDS(e && strcmp(e->d_name, names[i]) == 0);
	}
	note("%s", "removing while reading");
	memset(seen, 0, sizeof seen);
	rewinddir(d);
	for (i = 0; i < 50; i++)
		if ((e = readdir(d)) && e->d_name[0] != '.')
			seen[atoi(e->d_name + 6)]++;
	for (i = 1; i < MANY; i += 2) {
		name_of(path, i);
		remove_node(path);
	}
	count(d, seen);
	HOLDS(all_once(seen, 2));
	note("%s", "making while reading");
	memset(seen, 0, sizeof seen);
	rewinddir(d);
	for (i = 0; i < 50; i++)
		if ((e = readdir(d)) && e->d_name[0] != '.')
			seen[atoi(e->d_name + 6)]++;
	for (i = 1; i < MANY; i += 2) {
		name_of(path, i);
		make_node(REGULAR, path);
	}
	count(d, seen);
	HOLDS(all_once(seen, 2));
	closedir(d);
}

static void types(void)
{
	static const unsigned char want[N_KINDS] = {
		DT_REG, DT_DIR, DT_FIFO, DT_BLK, DT_CHR, DT_SOCK, DT_LNK};
	unsigned k, dots = 0;
	const struct dirent *e;
	DIR *d;

	note("%s", "types and numbers");
	make_node(FOLDER, "t");
	for (k = 0; k < N_KINDS; k++) {
		char path[32];

		snprintf(path, sizeof path, "t/%s", kind_names[k]);
		make_node(k, path);
	}
	d = opendir("t");
	while ((e = readdir(d))) {
		struct stat st;

		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			abort();
		EQUAL(st.st_ino, e->d_ino);
		dots += e->d_name[0] == '.';
		for (k = 0; k < N_KINDS; k++)
			if (strcmp(e->d_name, kind_names[k]) == 0)
				EQUAL(want[k], e->d_type);
	}
	EQUAL(2, dots);
	EQUAL(lstat_of(".").st_ino, lstat_of("t/..").st_ino);
	EQUAL(lstat_of("t").st_ino, lstat_of("t/.").st_ino);
	closedir(d);
}

static void limits(void)
{
	struct statvfs st, st2;

	note("%s", "statvfs");
	WORKS(statvfs(".", &st));
	EQUAL(255, st.f_namemax);
	HOLDS(st.f_bsize >= 512 && st.f_frsize >= 512);
	HOLDS(st.f_blocks > 0 && st.f_bfree <= st.f_blocks);
	HOLDS(st.f_bavail <= st.f_bfree);
	HOLDS(st.f_files > 0 && st.f_ffree <= st.f_files);
	WORKS(statvfs("t", &st2));
	EQUAL(st.f_fsid, st2.f_fsid);
	EQUAL(st.f_blocks, st2.f_blocks);
	EQUAL(0, st.f_flag & ST_RDONLY);
	EQUAL(255, pathconf(".", _PC_NAME_MAX));
	EQUAL(4096, pathconf(".", _PC_PATH_MAX));
	HOLDS(lstat_of(".").st_blksize >= 512);
}

static void read_times(void)
{
	struct stat before;
	DIR *d;

	note("%s", "reading changes neither mtime nor ctime");
	remember("t", &before);
	d = opendir("t");
	while (readdir(d))
		;
	closedir(d);
	EQUAL(0, moved("t", &before) & (MTIME | CTIME));
}

static void nlinks(void)
{
	char path[16];
	int i;

	note("%s", "links of a folder");
	make_node(FOLDER, "n");
	for (i = 0; i < 10; i++) {
		EQUAL(2 + i, NLINK("n"));
		sprintf(path, "n/%d", i);
		make_node(FOLDER, path);
	}
	make_node(REGULAR, "n/f");
	EQUAL(12, NLINK("n"));
	for (i = 0; i < 10; i++) {
		sprintf(path, "n/%d", i);
		remove_node(path);
		EQUAL(11 - i, NLINK("n"));
	}
}

void test_folders(void)
{
	char path[32];
	int i;

	make_node(FOLDER, "d");
	for (i = 0; i < MANY; i++) {
		name_of(path, i);
		make_node(REGULAR, path);
	}
	listing();
	types();
	limits();
	read_times();
	nlinks();
	note("%s", "errors");
	HOLDS(!opendir("t/regular"));
	EQUAL(ENOTDIR, errno);
}
