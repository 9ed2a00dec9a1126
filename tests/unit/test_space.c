/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bound that statfs and ENOSPC go by, against what libisofs really lays
 * out: never too small, and not so large that a disc seems full too early.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/file.h"
#include "fs/space.h"
#include "fs/volume.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/temp_folder.h"

static char folder[TEMP_FOLDER];
static struct volume *v;
static struct tree *t;
static const struct cred me = {.umask = 022};

static void open_volume(bool joliet)
{
	char image[TEMP_FOLDER + 16], stage[TEMP_FOLDER + 16];
	struct volume_opts opts = {
		.source = image,
		.stage_root = stage,
		.create = true,
		.no_joliet = !joliet,
		.session_lba = IMPORT_LAST,
		.uid = -1,
		.gid = -1,
		.mode = -1,
		.dmode = -1,
		.umask = -1,
	};
	struct why why = {""};

	temp_folder_make(folder);
	snprintf(image, sizeof image, "%s/image.iso", folder);
	snprintf(stage, sizeof stage, "%s/stage", folder);
	ck_assert_msg(volume_open(&opts, &v, &why) == 0, "%s", why.text);
	t = volume_tree(v);
}

static void close_volume(void)
{
	volume_close(v);
	temp_folder_remove(folder);
}

/* The bound holds; and is at most @percent of what is needed, and a little. */
static void check_bound(unsigned percent)
{
	struct tree_space space;
	struct why why = {""};
	uint64_t exact = 0;

	tree_space(t, &space);
	ck_assert_msg(volume_commit_size(v, &exact, &why) == 0, "%s", why.text);
	ck_assert_uint_gt(exact, 0);
	ck_assert_uint_ge(space.session_blocks, exact);
	ck_assert_uint_le(space.session_blocks, exact * percent / 100 + 320);
}

static uint64_t add(uint64_t parent, const char *name, mode_t mode,
		    const char *target)
{
	struct tree_entry e;
	int err;

	if (target)
		err = tree_symlink(t, &me, parent, name, target, &e);
	else if (S_ISDIR(mode))
		err = tree_mkdir(t, &me, parent, name, mode, &e);
	else
		err = tree_mknod(t, &me, parent, name, mode, 0, &e);
	ck_assert_int_eq(err, 0);
	tree_forget(t, e.ino, 1);
	return e.ino;
}

static void name_of(char *buf, unsigned len, unsigned n)
{
	int digits = snprintf(buf, 16, "%06u", n);

	memset(buf + digits, 'x', len);
	buf[len < 6 ? 6 : len] = 0;
}

static const unsigned lengths[] = {6, 14, 31, 60, 100, 110, 200, 255};

START_TEST(holds_for_names)
{
	char name[TREE_NAME_MAX + 16];

	open_volume(_i & 1);
	for (unsigned n = 0; n < 2000; n++) {
		name_of(name, lengths[_i / 2], n);
		add(TREE_ROOT, name, S_IFREG | 0644, NULL);
	}
	check_bound(220);
	close_volume();
}
END_TEST

START_TEST(holds_for_folders)
{
	char name[TREE_NAME_MAX + 16];
	uint64_t parent = TREE_ROOT;

	open_volume(_i & 1);
	for (unsigned n = 0; n < 400; n++) {
		name_of(name, lengths[_i / 2], n);
		add(add(TREE_ROOT, name, S_IFDIR | 0755, NULL), name,
		    S_IFREG | 0644, NULL);
	}
	/* A deep one. */
	for (unsigned n = 0; n < 60; n++) {
		name_of(name, lengths[_i / 2], n + 1000);
		parent = add(parent, name, S_IFDIR | 0755, NULL);
	}
	check_bound(260);
	close_volume();
}
END_TEST

START_TEST(holds_for_links_and_attributes)
{
	static char target[1000], value[4000];
	char name[TREE_NAME_MAX + 16];

	open_volume(_i & 1);
	memset(target, 'l', sizeof target);
	for (size_t i = 100; i < sizeof target; i += 100)
		target[i] = '/';
	memset(value, 'v', sizeof value);
	for (unsigned n = 0; n < 300; n++) {
		uint64_t ino;

		name_of(name, lengths[_i / 2], n);
		target[3 * n + 1] = 0;
		add(TREE_ROOT, name, 0, target);
		target[3 * n + 1] =
			3 * n + 1 == 100 || (3 * n + 1) % 100 == 0 ? '/' : 'l';
		name_of(name, lengths[_i / 2], n + 1000);
		ino = add(TREE_ROOT, name, S_IFREG | 0644, NULL);
		ck_assert_int_eq(tree_setxattr(t, &me, ino, "user.test", value,
					       n * 13, 0),
				 0);
	}
	check_bound(260);
	close_volume();
}
END_TEST

/* Continuation areas that leave most of a block free, all of them or with small
 * ones in between. */
static const size_t awkward[] = {150, 250,  300,  470,	490,  640, 670,
				 960, 1000, 1100, 1950, 2050, 3000};
enum { N_AWKWARD = sizeof awkward / sizeof awkward[0] };

START_TEST(holds_for_awkward_attributes)
{
	static char value[4000];
	char name[TREE_NAME_MAX + 16];

	open_volume(_i & 1);
	memset(value, 'v', sizeof value);
	for (unsigned n = 0; n < 600; n++) {
		uint64_t ino;
		size_t len = awkward[_i / 4];

		if ((_i & 2) && n % 2 == 0)
			len = awkward[n / 2 % 3];
		name_of(name, 8, n);
		ino = add(TREE_ROOT, name, S_IFREG | 0644, NULL);
		ck_assert_int_eq(
			tree_setxattr(t, &me, ino, "user.test", value, len, 0),
			0);
	}
	check_bound(330);
	close_volume();
}
END_TEST

START_TEST(holds_for_holes)
{
	struct tree_entry e;
	uint64_t ino;

	open_volume(true);
	ino = add(TREE_ROOT, "hole", S_IFREG | 0644, NULL);
	/* More than one record for each 4 GiB. */
	ck_assert_int_eq(file_fallocate(t, &me, ino, 0, 0, (uint64_t)9 << 30),
			 0);
	ck_assert_int_eq(tree_getattr(t, ino, &e.st), 0);
	ck_assert_int_eq(e.st.st_size, (off_t)9 << 30);
	ck_assert_int_eq(e.st.st_blocks, 0);
	check_bound(101);
	close_volume();
}
END_TEST

START_TEST(counts_whole_blocks)
{
	ck_assert_uint_eq(space_data_blocks(0), 0);
	ck_assert_uint_eq(space_data_blocks(1), 1);
	ck_assert_uint_eq(space_data_blocks(2048), 1);
	ck_assert_uint_eq(space_data_blocks(2049), 2);
	ck_assert_uint_eq(space_data_blocks(UINT64_MAX), UINT64_MAX / 2048 + 1);
}
END_TEST

int main(void)
{
	const int n = (int)(sizeof lengths / sizeof lengths[0]) * 2;
	Suite *s = suite_create("space");
	TCase *c = tcase_create("space");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, counts_whole_blocks);
	tcase_add_loop_test(c, holds_for_names, 0, n);
	tcase_add_loop_test(c, holds_for_folders, 0, n);
	tcase_add_loop_test(c, holds_for_links_and_attributes, 0, n);
	tcase_add_loop_test(c, holds_for_awkward_attributes, 0, 4 * N_AWKWARD);
	tcase_add_test(c, holds_for_holes);
	suite_add_tcase(s, c);
	return run_suite(s);
}
