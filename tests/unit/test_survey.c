/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damaged and hostile images: an import ends with an error or a whole tree.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/volume.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

/* libisofs forgets a little memory where an import fails: not our leak. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define FORGIVE_LEAKS() __lsan_disable()
#else
#define FORGIVE_LEAKS() ((void)0)
#endif

static void load(const char *path, const struct import_opts *opts,
		 struct tree *tree)
{
	struct why why = {""};
	int err = tree_load(path, opts, tree, &why);

	ck_assert_msg(err == 0, "%s: %d %s", path, err, why.text);
}

static const struct item *get(const struct tree *tree, const char *path)
{
	const struct item *item = tree_find(tree, path);

	ck_assert_msg(item != NULL, "%s is missing", path);
	return item;
}

/* A folder of more than one block, in an image without checksums. */
static uint32_t make_long_folder(void)
{
	unsigned char block[DISC_BLOCK];
	struct volume vol;

	tools_sh("mkdir -p s; cd s; for i in $(seq 100); do echo $i >file$i; "
		 "done; cd ..; genisoimage -quiet -R -o i.iso s; cp i.iso o");
	tools_peek("i.iso", VOLUME_SUPERBLOCK * DISC_BLOCK, block,
		   sizeof block);
	ck_assert(volume_parse(block, &vol));
	ck_assert_uint_gt(vol.root_bytes, 3 * DISC_BLOCK);
	return vol.root_lba;
}

START_TEST(an_unreadable_folder_is_an_error)
{
	uint32_t root = make_long_folder();
	struct why why = {""};
	struct tree tree;

	for (unsigned i = 0; i < 4; i++) {
		tools_sh("cp o i.iso; truncate -s $((%lu * 2048 + 100)) i.iso",
			 (unsigned long)root + i);
		ck_assert_int_eq(tree_load("i.iso", NULL, &tree, &why), -EIO);
		ck_assert_msg(strstr(why.text, "cannot read block") != NULL,
			      "%s", why.text);
	}
}
END_TEST

START_TEST(a_wiped_folder_is_an_error)
{
	static const unsigned char zeros[DISC_BLOCK];
	uint32_t root = make_long_folder();
	struct tree tree;

	for (unsigned i = 0; i < 3; i++) {
		tools_sh("cp o i.iso");
		tools_patch("i.iso", (uint64_t)(root + i) * DISC_BLOCK, zeros,
			    sizeof zeros);
		ck_assert_int_eq(tree_load("i.iso", NULL, &tree, NULL), -EIO);
	}
}
END_TEST

START_TEST(damage_is_found_by_the_checksums)
{
	struct why why = {""};
	unsigned char byte;
	struct tree tree;
	const struct item *item;

	tools_sh("mkdir -p s/d; cd s; for i in $(seq 300); do echo $i >d/f$i; "
		 "done; seq 5000 >a; cd ..; xorriso -md5 on -outdev i.iso "
		 "-map s / -commit");
	load("i.iso", NULL, &tree);
	item = get(&tree, "/a");
	ck_assert_uint_gt(item->node.n_runs, 0);
	tree_release(&tree);
	/* A letter of a name, which no structure depends on. */
	tools_sh("grep -abo f299 i.iso | head -1 | cut -d: -f1 >at");
	tools_peek("at", 0, &byte, 1);
	ck_assert(byte >= '1' && byte <= '9');
	tools_sh("printf g | dd of=i.iso bs=1 seek=$(cat at) conv=notrunc");
	ck_assert_int_eq(tree_load("i.iso", NULL, &tree, &why), -EIO);
	ck_assert_msg(strstr(why.text, "checksum") != NULL, "%s", why.text);
}
END_TEST

/* Where the record of @name is: behind the path tables, which name it too. */
static uint64_t find_record(const char *name)
{
	unsigned long at = 0;
	FILE *f;

	tools_sh("grep -abo '%s' i.iso | tail -1 | cut -d: -f1 >at", name);
	f = fopen("at", "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%lu", &at), 1);
	fclose(f);
	return at - 33;
}

START_TEST(folders_in_a_circle_are_an_error)
{
	/* The first one is put in the place of the second one. */
	static const char *const pairs[][2] = {{"OUTER", "INNER"},
					       {"OUTER", "OTHER"},
					       {"INNER", "OTHER"},
					       {"OTHER", "OUTER"},
					       {"OTHER", "INNER"}};
	struct why why = {""};
	unsigned char extent[8];
	struct tree tree;

	tools_sh("mkdir -p s/outer/inner/leaf s/other; "
		 "genisoimage -quiet -R -o o s");
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		tools_sh("cp o i.iso");
		tools_peek("i.iso", find_record(pairs[i][0]) + 2, extent,
			   sizeof extent);
		tools_patch("i.iso", find_record(pairs[i][1]) + 2, extent,
			    sizeof extent);
		ck_assert_int_eq(tree_load("i.iso", NULL, &tree, &why), -EIO);
		ck_assert_msg(strstr(why.text, "two places") != NULL, "%s",
			      why.text);
	}
}
END_TEST

START_TEST(too_deep_folders_are_an_error)
{
	struct why why = {""};
	struct tree tree;

	tools_sh("d=$(printf 'd/%%.0s' $(seq 1000)); mkdir -p s/$d; "
		 "xorriso -as mkisofs -quiet -R -D -o i.iso s; "
		 "mv s/d t; mv t s/e; mkdir -p u/$d; mv s u/$d; "
		 "xorriso -as mkisofs -quiet -R -D -o j.iso u");
	load("i.iso", NULL, &tree);
	ck_assert_uint_eq(tree.n, 1001);
	tree_release(&tree);
	ck_assert_int_eq(tree_load("j.iso", NULL, &tree, &why), -EIO);
	ck_assert_ptr_nonnull(strstr(why.text, "too deeply"));
}
END_TEST

START_TEST(a_relocation_into_a_circle_is_an_error)
{
	unsigned long at = 0;
	struct import_opts no_rr = {.session_lba = IMPORT_LAST,
				    .no_rock_ridge = true};
	unsigned char block[DISC_BLOCK], entry[12];
	struct volume vol;
	struct tree tree;
	FILE *f;

	tools_sh("mkdir -p s/1/2/3/4/5/6/7/8/9; genisoimage -quiet -R -o i.iso "
		 "s; grep -aboP 'CL\\x0c\\x01' i.iso | cut -d: -f1 >at");
	f = fopen("at", "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%lu", &at), 1);
	fclose(f);
	tools_peek("i.iso", VOLUME_SUPERBLOCK * DISC_BLOCK, block,
		   sizeof block);
	ck_assert(volume_parse(block, &vol));
	tools_peek("i.iso", at, entry, sizeof entry);
	ck_assert_mem_eq(entry, "CL\f\1", 4);
	for (int i = 0; i < 4; i++)
		entry[4 + i] = (unsigned char)(vol.root_lba >> (8 * i));
	tools_patch("i.iso", at, entry, sizeof entry);
	ck_assert_int_eq(tree_load("i.iso", NULL, &tree, NULL), -EIO);
	load("i.iso", &no_rr, &tree);
	tree_release(&tree);
}
END_TEST

START_TEST(names_stay_unique)
{
	struct tree tree;

	tools_sh("mkdir s; echo 1 >s/aaaa; echo 2 >s/aaab; "
		 "genisoimage -quiet -o i.iso s; "
		 "grep -abo AAAB i.iso | cut -d: -f1 | while read at; do "
		 "printf AAAA | dd of=i.iso bs=1 seek=$at conv=notrunc; done");
	load("i.iso", NULL, &tree);
	ck_assert_uint_eq(tree.n, 3);
	ck_assert_str_ne(tree.items[1].path, tree.items[2].path);
	tree_release(&tree);
}
END_TEST

/*
 * Bytes of the descriptors and the tree are changed at random: an error or a
 * tree comes out, in time, and nothing else (a crash ends the test's process).
 */
static void flip(const char *original, unsigned seed, int rounds)
{
	uint32_t first = 16, blocks = 60;
	int trees = 0, errors = 0;

	FORGIVE_LEAKS();
	srandom(seed);
	tools_sh("cp %s i.iso", original);
	for (int i = 0; i < rounds; i++) {
		unsigned char old[8], new[8];
		uint64_t at[8];
		struct tree tree;
		int n = 1 + (int)(random() % 8), err;

		for (int k = 0; k < n; k++) {
			at[k] = first * DISC_BLOCK +
				(uint64_t)random() % (blocks * DISC_BLOCK);
			tools_peek("i.iso", at[k], &old[k], 1);
			new[k] = random() % 4 ? (unsigned char)random()
					      : old[k] ^ 1;
			tools_patch("i.iso", at[k], &new[k], 1);
		}
		err = tree_load("i.iso", NULL, &tree, NULL);
		if (err == 0) {
			tree_release(&tree);
			trees++;
		} else {
			ck_assert_msg(err == -EIO || err == -EMEDIUMTYPE,
				      "error %d", err);
			errors++;
		}
		while (n--)
			tools_patch("i.iso", at[n], &old[n], 1);
	}
	ck_assert_int_gt(trees, 0);
	ck_assert_int_gt(errors, 0);
}

START_TEST(flipped_bytes_do_no_harm)
{
	static const char *const makers[] = {
		"genisoimage -quiet -R -J -o i.iso s",
		"xorriso -as mkisofs -quiet -R -J --acl --xattr -o i.iso s",
		"genisoimage -quiet -J -o i.iso s",
		("xorriso -as mkisofs -quiet -R -b boot.img -no-emul-boot "
		 "-boot-load-size 4 -c boot.cat -o i.iso s"),
	};

	tools_sh("mkdir -p s/d/e; cd s; for i in $(seq 60); do echo $i "
		 ">d/f$i; ln -s ../f$i d/e/l$i; done; seq 600 >boot.img; "
		 "n=$(printf 'n%%.0s' $(seq 200)); seq 7 >d/$n; "
		 "setfattr -n user.test -v value d/f1 || true");
	tools_sh("%s; mv i.iso o", makers[_i]);
	flip("o", 1234u + (unsigned)_i, 200);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("survey");
	TCase *tcase = tcase_create("survey");

	tcase_add_checked_fixture(tcase, tools_enter, tools_leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, an_unreadable_folder_is_an_error);
	tcase_add_test(tcase, a_wiped_folder_is_an_error);
	tcase_add_test(tcase, damage_is_found_by_the_checksums);
	tcase_add_test(tcase, folders_in_a_circle_are_an_error);
	tcase_add_test(tcase, too_deep_folders_are_an_error);
	tcase_add_test(tcase, a_relocation_into_a_circle_is_an_error);
	tcase_add_test(tcase, names_stay_unique);
	tcase_add_loop_test(tcase, flipped_bytes_do_no_harm, 0, 4);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
