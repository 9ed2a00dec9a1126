/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/stage_salvage.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/stage_tools.h"

/*
 * What a stage's rows become without their disc, and what they lack.
 */

enum { USUAL = S_IFDIR | 0711 };

static char text[4096];
static size_t len;

#define NEW_DIR(id) a_node(id, NULL, 0, S_IFDIR | 0750)
#define NEW_FILE(id) a_node(id, NULL, 0, S_IFREG | 0640)
#define CHANGED(id, path) \
	a_node(id, path, STAGE_CONTENT | STAGE_ATTR, S_IFREG | 0600)

static const struct extent staged[] = {{.len = 3000, .source = EXTENT_DATA}};
static const struct extent mixed[] = {
	{.len = 1000, .source = EXTENT_DISC},
	{.off = 1000, .len = 2000, .pos = 4096, .source = EXTENT_DATA}};
static const struct extent on_disc[] = {
	{.len = 3000, .pos = 77, .source = EXTENT_DISC}};

static void give(struct stage_node *n, const struct extent *v, uint32_t count)
{
	n->size = 3000;
	n->extents = v;
	n->n_extents = count;
}

static void make_bytes(void)
{
	uint64_t pos;

	ok(stage_data_alloc(stage_data(st), 8192, 0, &pos));
	ck_assert_int_eq(ftruncate(stage_data_fd(stage_data(st)), 8192), 0);
}

static int by_link(const void *a, const void *b)
{
	const struct stage_link *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* "ID[@BASE] FLAGS MODE;" of all nodes, "|", "PARENT/NAME=NODE;" of all links,
 * "|", "KIND PATH MISSING/SIZE;" of what is missing. */
static const char *salvaged(void)
{
	const struct attr usual = {.mode = USUAL};
	struct stage_salvage s = {0};
	struct stage_view view = {0};

#define ADD(...) \
	len += (size_t)snprintf(text + len, sizeof text - len, __VA_ARGS__)
	len = 0;
	ok(stage_view_load(st, &view, &why));
	ok(stage_salvage(&view, &usual, stage_next_id(st), &s, &why));
	for (uint32_t i = 0; i < s.n_nodes; i++)
		ADD("%d%s%s %u %o;", (int)s.nodes[i].id,
		    s.nodes[i].base_path ? "@" : "",
		    s.nodes[i].base_path ? s.nodes[i].base_path : "",
		    s.nodes[i].flags, s.nodes[i].attr.mode);
	ADD("|");
	if (s.n_links)
		qsort(s.links, s.n_links, sizeof *s.links, by_link);
	for (uint32_t i = 0; i < s.n_links; i++)
		ADD("%d/%s=%d;", (int)s.links[i].parent, s.links[i].name,
		    (int)s.links[i].node);
	ADD("|");
	for (uint32_t i = 0; i < s.n_missing; i++)
		ADD("%d %s %lld/%lld;", s.missing[i].kind, s.missing[i].path,
		    (long long)s.missing[i].bytes,
		    (long long)s.missing[i].size);
	stage_salvage_release(&s);
	stage_view_release(&view);
	return text;
}

static void ck_salvaged(const char *want)
{
	ck_assert_str_eq(salvaged(), want);
}

START_TEST(nothing_at_all)
{
	ck_salvaged("||");
}
END_TEST

START_TEST(new_nodes)
{
	struct stage_node nodes[] = {ANCHOR(1, ""),
				     NEW_DIR(2),
				     NEW_FILE(3),
				     NEW_FILE(4),
				     NEW_FILE(5),
				     NEW_FILE(6),
				     a_node(7, NULL, 0, S_IFLNK | 0777),
				     a_node(8, NULL, 0, S_IFIFO | 0600)};
	struct stage_link links[] = {
		{1, "d", 2},	  {2, "empty", 3}, {2, "whole", 4},
		{1, "whole2", 4}, {2, "part", 5},  {1, "clone", 6},
		{1, "clone2", 6}, {1, "l", 7},	   {2, "p", 8}};
	const char *gone[] = {"removed"};

	make_bytes();
	give(&nodes[3], staged, 1);
	give(&nodes[4], mixed, 2);
	give(&nodes[5], on_disc, 1);
	nodes[6].target = "t";
	WRITE(nodes, links, gone);
	ck_salvaged("1@ 0 0;2 0 40750;3 0 100640;4 0 100640;7 0 120777;"
		    "8 0 10600;|"
		    "1/d=2;1/l=7;1/whole2=4;2/empty=3;2/p=8;2/whole=4;|"
		    "0 clone 3000/3000;0 clone2 3000/3000;1 d/part 1000/3000;");
}
END_TEST

/* The folders above a file are made, with what the rows tell of them. */
START_TEST(files_of_the_disc)
{
	struct stage_node nodes[] = {
		CHANGED(1, "a/b/whole"),
		CHANGED(2, "a/b/part"),
		a_node(3, "a", STAGE_ATTR, S_IFDIR | 0700),
		a_node(4, "attr", STAGE_ATTR, S_IFREG | 0400),
		a_node(5, "link", STAGE_ATTR, S_IFLNK | 0777),
		a_node(6, "dev", STAGE_ATTR, S_IFCHR | 0600),
		a_node(7, "dir", STAGE_ATTR, S_IFDIR | 0700),
		a_node(8, "touched", STAGE_TOUCHED, S_IFDIR | 0755),
		CHANGED(9, "emptied"),
		a_node(10, "no/attributes", STAGE_CONTENT, 0),
	};
	struct stage_link links[] = {{8, "x", 4}};
	const char *gone[] = {"gone"};

	make_bytes();
	give(&nodes[0], staged, 1);
	give(&nodes[1], mixed, 2);
	WRITE(nodes, links, gone);
	ck_salvaged("1 0 100600;3 0 40700;6 0 20600;7 0 40700;9 0 100600;"
		    "11@ 0 0;12 0 40711;|"
		    "3/b=12;11/a=3;11/dev=6;11/dir=7;11/emptied=9;12/whole=1;|"
		    "1 a/b/part 1000/3000;0 attr -1/-1;0 link -1/-1;"
		    "0 no/attributes 0/0;0 touched/x -1/-1;");
}
END_TEST

/* a moved to n/b, a/x out of it to y; changed files below both. */
START_TEST(below_moved_folders)
{
	struct stage_node nodes[] = {
		ANCHOR(1, ""),	   ANCHOR(2, "a"),	  NEW_DIR(3),
		ANCHOR(4, "a/x"),  CHANGED(5, "a/x/d/f"), CHANGED(6, "a/g"),
		ANCHOR(7, "file"),
	};
	struct stage_link links[] = {
		{1, "n", 3}, {3, "b", 2}, {1, "y", 4}, {3, "moved", 7}};
	const char *gone[] = {"a", "a/x", "file"};

	nodes[1].attr.mode = nodes[3].attr.mode = S_IFDIR | 0770;
	WRITE(nodes, links, gone);
	ck_salvaged("1@ 0 0;2 0 40770;3 0 40750;4 0 40770;5 0 100600;"
		    "6 0 100600;8 0 40711;|"
		    "1/n=3;1/y=4;2/g=6;3/b=2;4/d=8;8/f=5;|"
		    "2 n/b -1/-1;0 n/moved -1/-1;2 y -1/-1;");
}
END_TEST

/* A changed file that was moved, linked, or removed under one of its names. */
START_TEST(changed_and_moved)
{
	struct stage_node nodes[] = {ANCHOR(1, ""), CHANGED(2, "d/m"),
				     CHANGED(3, "d/l"), CHANGED(4, "d/gone")};
	struct stage_link links[] = {{1, "m", 2}, {1, "m2", 2}, {1, "l2", 3}};
	const char *gone[] = {"d/m", "d/gone"};

	WRITE(nodes, links, gone);
	ck_salvaged("1@ 0 0;2 0 100600;3 0 100600;5 0 40711;|"
		    "1/d=5;1/l2=3;1/m=2;1/m2=2;5/l=3;|");
}
END_TEST

/* Nothing is kept for the sake of what is missing. */
START_TEST(only_missing)
{
	struct stage_node nodes[] = {ANCHOR(1, ""), ANCHOR(2, "d/e"),
				     ANCHOR(3, "f")};
	struct stage_link links[] = {{2, "g", 3}};
	const char *gone[] = {"f"};

	WRITE(nodes, links, gone);
	ck_salvaged("||0 d/e/g -1/-1;");
}
END_TEST

/* Rows as enemies make them end in an error, or in rows that are refused. */
START_TEST(loops)
{
	const struct attr usual = {.mode = USUAL};
	struct stage_node nodes[] = {ANCHOR(1, "a"), ANCHOR(2, "b"),
				     NEW_FILE(3), CHANGED(4, "a/f")};
	struct stage_link links[] = {{1, "y", 2}, {2, "x", 1}, {1, "n", 3}};
	const char *gone[] = {"a", "b"};
	struct stage_salvage s = {0};
	struct stage_view view = {0};

	WRITE(nodes, links, gone);
	ok(stage_view_load(st, &view, &why));
	ck_assert_int_eq(stage_salvage(&view, &usual, 5, &s, &why), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "loop"));
	stage_view_release(&view);
}
END_TEST

START_TEST(words)
{
	struct stage_missing m = {.kind = MISSING_PART, .size = 9, .bytes = 4};

	stage_missing_text(&m, text, sizeof text);
	ck_assert_str_eq(text, "4 of 9 bytes are on the lost disc");
	m.kind = MISSING_ALL;
	stage_missing_text(&m, text, sizeof text);
	ck_assert_str_eq(text, "all of it is on the lost disc");
	m.kind = MISSING_INSIDE;
	stage_missing_text(&m, text, sizeof text);
	ck_assert_str_eq(text, "what was in this folder is on the lost disc");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stage_salvage");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_at_all);
	tcase_add_test(t, new_nodes);
	tcase_add_test(t, files_of_the_disc);
	tcase_add_test(t, below_moved_folders);
	tcase_add_test(t, changed_and_moved);
	tcase_add_test(t, only_missing);
	tcase_add_test(t, loops);
	tcase_add_test(t, words);
	suite_add_tcase(s, t);
	return run_suite(s);
}
