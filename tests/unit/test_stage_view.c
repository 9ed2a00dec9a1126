/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/stage_export.h"
#include "fs/stage_view.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/stage_tools.h"

/*
 * Rows as people and as enemies make them: what they say without a disc.
 */

static struct stage_view view;
static char text[4096];

#define NEW_DIR(id) a_node(id, NULL, 0, S_IFDIR | 0755)
#define NEW_FILE(id) a_node(id, NULL, 0, S_IFREG | 0644)

/* The deltas, "K path" or "R old>path" each, in one line. */
static const char *deltas(void)
{
	struct diff_entry *v;
	uint32_t n;
	size_t len = 0;

	ok(stage_view_load(st, &view, &why));
	ok(stage_view_diff(&view, &v, &n, &why));
	*text = 0;
	for (uint32_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
					"%c %s%s%s;", v[i].kind,
					v[i].old_path ? v[i].old_path : "",
					v[i].old_path ? ">" : "", v[i].path);
	diff_free(v, n);
	stage_view_release(&view);
	return text;
}

/* The rows are refused with these words, and not exported either. */
static void ck_bad(const char *words)
{
	struct diff_entry *v;
	uint32_t n;

	ok(stage_view_load(st, &view, &why));
	ck_assert_int_eq(stage_view_diff(&view, &v, &n, &why), -EBADMSG);
	ck_assert_msg(strstr(why.text, words) != NULL, "%s", why.text);
	stage_view_release(&view);
}

START_TEST(nothing)
{
	uint64_t bytes = 1;

	ck_assert_str_eq(deltas(), "");
	ok(stage_view_load(st, &view, &why));
	ok(stage_view_bytes(&view, &bytes));
	ck_assert_uint_eq(bytes, 0);
	stage_view_release(&view);
}
END_TEST

START_TEST(below_moved_folders)
{
	/* a moved to b; a/x to y/x, below a new folder; files in both. */
	struct stage_node nodes[] = {
		ANCHOR(1, ""),
		ANCHOR(2, "a"),
		ANCHOR(3, "a/x"),
		a_node(4, "a/f", STAGE_CONTENT | STAGE_ATTR, S_IFREG | 0644),
		a_node(5, "a/x/g", STAGE_ATTR, S_IFREG | 0644),
		NEW_DIR(6),
		NEW_FILE(7),
		NEW_FILE(8),
	};
	struct stage_link links[] = {{1, "b", 2},
				     {1, "y", 6},
				     {6, "x", 3},
				     {3, "new", 7},
				     {2, "new", 8}};
	const char *gone[] = {"a", "a/x", "a-b"};

	WRITE(nodes, links, gone);
	ck_assert_str_eq(deltas(),
			 "D a-b;R a>b;M b/f;A b/new;A y;R a/x>y/x;T y/x/g;"
			 "A y/x/new;");
}
END_TEST

START_TEST(in_the_place_of_something)
{
	/* f saved by an editor; d, a folder, became a file; m was moved, and
	 * another file is where it was. */
	struct stage_node nodes[] = {ANCHOR(1, ""), NEW_FILE(2), NEW_FILE(3),
				     ANCHOR(4, "m"), NEW_FILE(5)};
	struct stage_link links[] = {
		{1, "f", 2}, {1, "d", 3}, {1, "n", 4}, {1, "m", 5}};
	const char *gone[] = {"f", "d", "d/below", "m"};

	WRITE(nodes, links, gone);
	ck_assert_str_eq(deltas(), "A d;D d;D d/below;M f;A m;R m>n;");
}
END_TEST

START_TEST(folders_in_a_loop)
{
	struct stage_node nodes[] = {NEW_DIR(1), NEW_DIR(2)};
	struct stage_link links[] = {{1, "b", 2}, {2, "a", 1}};
	const char *gone[] = {"x"};

	WRITE(nodes, links, gone);
	ck_bad("loop");
}
END_TEST

START_TEST(base_folders_in_a_loop)
{
	struct stage_node nodes[] = {ANCHOR(1, "a"), ANCHOR(2, "b")};
	struct stage_link links[] = {{1, "y", 2}, {2, "x", 1}};
	const char *gone[] = {"a", "b"};

	WRITE(nodes, links, gone);
	ck_bad("loop");
}
END_TEST

START_TEST(in_a_removed_folder)
{
	struct stage_node nodes[] = {ANCHOR(1, "a/b"), NEW_FILE(2)};
	struct stage_link links[] = {{1, "f", 2}};
	const char *gone[] = {"a"};

	WRITE(nodes, links, gone);
	ck_bad("removed folder");
}
END_TEST

START_TEST(in_a_folder_without_a_place)
{
	struct stage_node nodes[] = {NEW_DIR(1), NEW_FILE(2)};
	struct stage_link links[] = {{1, "f", 2}};
	const char *gone[] = {"a"};

	WRITE(nodes, links, gone);
	ck_bad("removed folder");
}
END_TEST

START_TEST(shared_bytes_count_once)
{
	static const struct extent one = {.len = 6000, .source = EXTENT_DATA};
	static const struct extent two[] = {
		{.len = 1000, .source = EXTENT_DISC},
		{.off = 1000, .len = 4000, .pos = 4000, .source = EXTENT_DATA}};
	struct stage_node nodes[] = {ANCHOR(1, ""), NEW_FILE(2), NEW_FILE(3)};
	struct stage_link links[] = {{1, "f", 2}, {1, "g", 3}};
	const char *gone[] = {"x"};
	uint64_t bytes, pos;

	ok(stage_data_alloc(stage_data(st), 8192, 0, &pos));
	ck_assert_uint_eq(pos, 0);
	ck_assert_int_eq(ftruncate(stage_data_fd(stage_data(st)), 8192), 0);
	nodes[1].size = 6000;
	nodes[1].extents = &one;
	nodes[1].n_extents = 1;
	nodes[2].size = 5000;
	nodes[2].extents = two;
	nodes[2].n_extents = 2;
	WRITE(nodes, links, gone);
	ok(stage_view_load(st, &view, &why));
	ok(stage_view_bytes(&view, &bytes));
	ck_assert_uint_eq(bytes, 8000);
	stage_view_release(&view);
}
END_TEST

static unsigned troubles;

static void count_trouble(void *arg, const char *path, const char *words)
{
	(void)arg;
	(void)path;
	ck_assert_str_ne(words, "");
	troubles++;
}

START_TEST(export_stays_inside)
{
	/* A new link out, and a file that claims to be of the base below it. */
	struct stage_node nodes[] = {
		ANCHOR(1, ""),
		a_node(2, NULL, 0, S_IFLNK | 0777),
		a_node(3, "out/file", STAGE_CONTENT | STAGE_ATTR,
		       S_IFREG | 0644),
	};
	struct stage_link links[] = {{1, "out", 2}};
	const char *gone[] = {"x"};
	char outside[STAGE_ROOT + 16], dir[STAGE_ROOT + 16],
		found[STAGE_ROOT + 32];
	struct stage_export done;
	char id[64];

	snprintf(outside, sizeof outside, "%s/outside", root);
	snprintf(dir, sizeof dir, "%s/exported", root);
	ck_assert_int_eq(mkdir(outside, 0700), 0);
	nodes[1].target = outside;
	WRITE(nodes, links, gone);
	snprintf(id, sizeof id, "%s", stage_id(st));
	ck_assert_int_eq(
		stage_export(root, id, dir, count_trouble, NULL, &done, &why),
		-EBUSY);
	ck_assert_int_ne(access(dir, F_OK), 0);
	stage_close(st, false);
	st = NULL;
	troubles = 0;
	ok(stage_export(root, id, dir, count_trouble, NULL, &done, &why));
	ck_assert_uint_eq(troubles, 1);
	ck_assert_uint_eq(done.troubles, 1);
	ck_assert_uint_eq(done.others, 1);
	snprintf(found, sizeof found, "%s/file", outside);
	ck_assert_int_ne(access(found, F_OK), 0);
	ck_assert_int_eq(
		stage_export(root, id, dir, count_trouble, NULL, &done, &why),
		-EEXIST);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stage_view");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing);
	tcase_add_test(t, below_moved_folders);
	tcase_add_test(t, in_the_place_of_something);
	tcase_add_test(t, folders_in_a_loop);
	tcase_add_test(t, base_folders_in_a_loop);
	tcase_add_test(t, in_a_removed_folder);
	tcase_add_test(t, in_a_folder_without_a_place);
	tcase_add_test(t, shared_bytes_count_once);
	tcase_add_test(t, export_stays_inside);
	suite_add_tcase(s, t);
	return run_suite(s);
}
