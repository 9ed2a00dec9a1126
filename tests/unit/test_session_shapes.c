/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/plan_builder.h"
#include "tests/unit/run_suite.h"

/*
 * libisofs' forecast of a folder's size is wrong for some mixes of long names,
 * links and attributes (stretch.h).  Whatever the mix, the session is laid out.
 */

enum {
	SHAPES = 8,
	SHAPE_LONG_NAMES = 1, /* of any length, else about what fits */
	SHAPE_LONG_TARGETS = 2,
	SHAPE_LONG_ATTRS = 4,
	ENTRIES = 100,
	ATTRS = 16000, /* bytes */
	FOLDERS = 400,
	SEVEN_PIECES = 1690, /* of attributes, nearly */
};

static unsigned long long state;

/* From 0 to @n - 1, the same on all machines. */
static unsigned pick(unsigned n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % n;
}

/* @len bytes, of a name or with slashes in between. */
static const char *text(size_t len, bool slashes)
{
	static char buf[ATTRS + 1];
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = slashes && i % 2 && pick(9) == 0
				 ? '/'
				 : (char)('a' + pick(26));
	buf[len] = 0;
	return buf;
}

static void add_attrs(struct builder *b, uint32_t i, size_t len)
{
	b_xattr(b, i, "user.x", text(len, false), len);
}

static void add_entry(struct builder *b, uint32_t dir, unsigned n,
		      unsigned shape)
{
	unsigned what = pick(10), most = 200;
	char name[256], target[1024];
	uint32_t i;

	snprintf(name, sizeof name, "%03u-%s", n,
		 text(shape & SHAPE_LONG_NAMES ? 1 + pick(250) : 76 + pick(60),
		      false));
	if (what < 3) {
		snprintf(target, sizeof target, "%s",
			 text(1 + pick(shape & SHAPE_LONG_TARGETS ? 900 : 120),
			      true));
		i = b_symlink(b, dir, name, target);
	} else if (what < 4) {
		i = b_dir(b, dir, name);
	} else if (what < 5) {
		i = b_new(b, dir, name, S_IFIFO | 0644);
	} else {
		i = b_file(b, dir, name, "x");
	}
	if (pick(3) != 0)
		return;
	if (pick(3) == 0)
		most = shape & SHAPE_LONG_ATTRS ? 4000 : 900;
	add_attrs(b, i, 1 + pick(most));
}

START_TEST(folders_of_any_shape)
{
	struct builder b;
	unsigned n, i, k;

	new_folder();
	for (i = 0; i < FOLDERS; i++) {
		uint32_t dir = 0;

		state = i;
		b_open(&b, "a.iso");
		/* The root, with attributes, or one below it. */
		if (i % 2)
			dir = b_dir(&b, 0, "d");
		if (pick(2))
			add_attrs(&b, dir, 1 + pick(ATTRS));
		for (n = pick(ENTRIES), k = 0; k < n; k++)
			add_entry(&b, dir, k, pick(SHAPES));
		b_author(&b);
		b_close(&b);
	}
}
END_TEST

START_TEST(root_with_any_attributes)
{
	struct builder b;
	size_t len;

	new_folder();
	for (len = 10; len < ATTRS; len += 27) {
		b_open(&b, "a.iso");
		b_file(&b, 0, "hello", "Hello, disc\n");
		add_attrs(&b, 0, len);
		b_author(&b);
		b_close(&b);
	}
}
END_TEST

/* What is laid out at the second try is right, too, and can be added to. */
START_TEST(burned_at_the_second_try)
{
	char name[300], value[SEVEN_PIECES + 200];
	const void *got;
	struct builder b;
	size_t len;

	memset(value, 'v', sizeof value);
	for (len = SEVEN_PIECES; len < sizeof value; len += 20) {
		new_folder();
		b_open(&b, "a.iso");
		b_file(&b, 0, "hello", "Hello, disc\n");
		b_xattr(&b, 0, "user.x", value, len);
		b_commit(&b);
		snprintf(name, sizeof name, "%0200d", 7);
		b_file(&b, 0, name, "long\n");
		b_commit(&b);
		ck_assert_int_eq(xattrs_get(b.base[0].xattrs, "user.x", &got),
				 (int)len);
		b_close(&b);
		shell("mkdir want; echo 'Hello, disc' >want/hello;"
		      "echo long >want/%s",
		      name);
		same_tree("a.iso");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session_shapes");
	TCase *tcase = tcase_create("session_shapes");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, folders_of_any_shape);
	tcase_add_test(tcase, root_with_any_attributes);
	tcase_add_test(tcase, burned_at_the_second_try);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
