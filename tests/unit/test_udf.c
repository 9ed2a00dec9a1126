/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A UDF file system is found by its sequence and by its anchors, and nothing
 * else is taken for one. */
#include <check.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/udf.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

static bool look(const char *path, uint32_t lba, struct udf_volume *ret)
{
	struct disc_params params = {.path = path, .foreign = true};
	struct why why = {""};
	struct disc *disc;
	bool found;

	ck_assert_msg(disc_open(&params, &disc, &why) == 0, "%s", why.text);
	found = udf_look(disc, lba, true, 0, ret);
	disc_free(disc);
	return found;
}

static void make_bridge(void)
{
	tools_sh("mkdir -p t/folder/sub; echo 1 >t/one; echo 2 >t/folder/two; "
		 "ln t/one t/three; "
		 "genisoimage -quiet -R -J -udf -V BRIDGE -o a.iso t 2>&1");
}

static uint64_t blocks_of(const char *path)
{
	struct disc *disc = tools_open(path, false);
	uint64_t blocks = disc_readable(disc) / DISC_BLOCK;

	disc_free(disc);
	return blocks;
}

static void clear_behind(const char *path, unsigned lba)
{
	tools_sh("size=$(stat -c %%s %s); truncate -s %u %s; "
		 "truncate -s $size %s",
		 path, lba * DISC_BLOCK, path, path);
}

START_TEST(a_bridge)
{
	struct udf_volume udf;

	make_bridge();
	ck_assert(look("a.iso", 0, &udf));
	ck_assert(udf.recognized && udf.anchored && udf.counted);
	ck_assert_uint_eq(udf.anchor_lba, 256);
	ck_assert_str_eq(udf.label, "BRIDGE");
	ck_assert_uint_eq(udf.files, 3);
	ck_assert_uint_eq(udf.folders, 3);
}
END_TEST

START_TEST(an_anchor_alone)
{
	static const char zeros[16 * DISC_BLOCK];
	struct udf_volume udf;
	uint64_t end;

	make_bridge();
	tools_patch("a.iso", 17 * DISC_BLOCK, zeros, sizeof zeros);
	ck_assert(look("a.iso", 0, &udf));
	ck_assert(!udf.recognized && udf.anchored);
	/* The one at the end is left, with padding behind it or not. */
	tools_patch("a.iso", 256 * DISC_BLOCK, zeros, DISC_BLOCK);
	end = blocks_of("a.iso") - 1;
	ck_assert(look("a.iso", 0, &udf));
	ck_assert_uint_eq(udf.anchor_lba, end);
	ck_assert_str_eq(udf.label, "BRIDGE");
	tools_sh("truncate -s +600K a.iso");
	ck_assert(look("a.iso", 0, &udf));
	ck_assert_uint_eq(udf.anchor_lba, end);
	/* genisoimage pads with them. */
	clear_behind("a.iso", 257);
	ck_assert(!look("a.iso", 0, &udf));
}
END_TEST

START_TEST(a_sequence_alone)
{
	struct udf_volume udf;

	make_bridge();
	clear_behind("a.iso", 256);
	ck_assert(look("a.iso", 0, &udf));
	ck_assert(udf.recognized && !udf.anchored && !udf.counted);
	ck_assert_str_eq(udf.label, "");
}
END_TEST

/* A wrong sum, or one that stands elsewhere than it says. */
START_TEST(no_anchor)
{
	static const char zeros[16 * DISC_BLOCK];
	struct udf_volume udf;

	make_bridge();
	tools_sh("head -c %u a.iso >b.iso; truncate -s 2M b.iso",
		 257 * DISC_BLOCK);
	tools_patch("b.iso", 17 * DISC_BLOCK, zeros, sizeof zeros);
	ck_assert(look("b.iso", 0, &udf));
	tools_sh("cp b.iso c.iso");
	tools_patch("c.iso", 256 * DISC_BLOCK + 20, "x", 1);
	ck_assert(!look("c.iso", 0, &udf));
	tools_sh("(head -c 2048 /dev/zero; cat b.iso) >d.iso");
	ck_assert(!look("d.iso", 0, &udf));
}
END_TEST

/* An image of UDF as a file in one that has none. */
START_TEST(a_file_is_not_the_disc)
{
	struct udf_volume udf;

	make_bridge();
	tools_sh("mkdir u; mv a.iso u; "
		 "genisoimage -quiet -R -o e.iso u 2>&1; "
		 "xorriso -as mkisofs -quiet -R -o f.iso u 2>&1; "
		 "mkdir v; mkudffs --media-type=dvdrw v/g.udf 3000 >/dev/null; "
		 "genisoimage -quiet -no-pad -o h.iso v 2>&1");
	ck_assert(!look("e.iso", 0, &udf));
	ck_assert(!look("f.iso", 0, &udf));
	ck_assert(!look("h.iso", 0, &udf));
}
END_TEST

START_TEST(pure_udf)
{
	static const char *const kinds[] = {
		"--media-type=dvdrw --label=PURE",
		"--media-type=dvdram --label=PURE",
		"--media-type=hd --blocksize=2048 --label=PURE",
		"--media-type=cdrw --udfrev=1.50 --label=PURE",
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct udf_volume udf;

		tools_sh("rm -f g; mkudffs %s g 20000 >/dev/null", kinds[i]);
		ck_assert(look("g", 0, &udf));
		ck_assert(udf.recognized);
		ck_assert_str_eq(udf.label, "PURE");
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udf");
	TCase *tc = tcase_create("udf");

	tcase_add_checked_fixture(tc, tools_enter, tools_leave);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_bridge);
	tcase_add_test(tc, an_anchor_alone);
	tcase_add_test(tc, a_sequence_alone);
	tcase_add_test(tc, no_anchor);
	tcase_add_test(tc, a_file_is_not_the_disc);
	tcase_add_test(tc, pure_udf);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
