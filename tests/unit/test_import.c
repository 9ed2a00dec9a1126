/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "burner/acl.h"
#include "burner/volume.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

#define GRUB_RESCUE "/usr/lib/grub-rescue/grub-rescue-cdrom.iso"

/* Native xorriso, with all that Rock Ridge and AAIP can hold. */
#define XORRISO                                                                \
	"xorriso -abort_on NEVER -return_with SORRY 32 -md5 on -hardlinks on " \
	"-acl on -xattr on "

static void load(const char *path, const struct import_opts *opts,
		 struct tree *tree)
{
	struct why why = {""};
	int err = tree_load(path, opts, tree, &why);

	ck_assert_msg(err == 0, "%s: %d %s", path, err, why.text);
	tree_names_agree(tree, path, opts);
}

static const struct item *get(const struct tree *tree, const char *path)
{
	const struct item *item = tree_find(tree, path);

	ck_assert_msg(item != NULL, "%s is missing", path);
	return item;
}

/* A folder "s" of all kinds of files. */
static void make_source(void)
{
	tools_sh("mkdir -p s/d/e s/empty.d; cd s; seq 5000 >a; ln a d/a2; "
		 "ln a d/e/a3; ln -s ../a d/sym; ln -s /x/y/../z d/far; "
		 ": >empty; seq 99 >other; ln other d/other2; "
		 "head -c 70001 /dev/urandom >d/e/big; mkfifo -m 640 pipe; "
		 "chmod 4711 other; chmod 1777 empty.d; chmod 400 d/e/big; "
		 "touch -d @-1000000000 d/old; touch -d @4000000000 d/new; "
		 "touch -d @1 d/first; touch -h -d @1000000001 d/sym; "
		 "n=$(printf 'n%%.0s' $(seq 255)); seq 7 >$n; "
		 "u=$(printf '\\303\\244%%.0s' $(seq 127)); seq 8 >d/$u; "
		 "for i in $(seq 300); do echo $i >d/e/f$i; done; "
		 "l=$(printf 'comp/%%.0s' $(seq 150)); ln -s ${l}end d/e/long");
	if (geteuid() == 0)
		tools_sh("cd s; mknod c c 5 1; mknod d/b b 259 300000; "
			 "chown 70000:80000 empty; "
			 "chown -h 12345:54321 d/sym");
}

START_TEST(rock_ridge_keeps_everything)
{
	static const char *const makers[] = {
		XORRISO "-outdev i.iso -map s / -commit",
		XORRISO "-joliet on -outdev i.iso -map s / -commit",
		XORRISO "-rockridge on -compliance no_emul_toc -outdev i.iso "
			"-map s / -commit",
	};
	struct tree tree;

	make_source();
	tools_sh("%s", makers[_i]);
	load("i.iso", NULL, &tree);
	ck_assert_int_eq(tree.info.kind, TREE_ROCK_RIDGE);
	ck_assert(tree.info.has_rock_ridge);
	ck_assert(tree.info.has_joliet == (_i == 1));
	ck_assert(tree.info.has_md5);
	ck_assert_uint_eq(tree.info.lba, _i == 2 ? 0 : 32);
	ck_assert_uint_gt(tree.info.tree_blocks, 300 * 100 / DISC_BLOCK);
	tree_equals_folder(&tree, "i.iso", "s");
	tree_release(&tree);
}
END_TEST

START_TEST(genisoimage_is_read)
{
	struct tree tree;

	/* It keeps no inode numbers, hangs on long symbolic links, and takes
	 * 2096 for a year without a leap day. */
	make_source();
	tools_sh("rm -f s/d/a2 s/d/e/a3 s/d/other2 s/d/e/long s/d/new; "
		 "genisoimage -quiet -R -J -joliet-long -o i.iso s");
	load("i.iso", NULL, &tree);
	ck_assert_int_eq(tree.info.kind, TREE_ROCK_RIDGE);
	ck_assert(!tree.info.has_md5);
	ck_assert_str_eq(tree.info.volume_id, "CDROM");
	tree_equals_folder(&tree, "i.iso", "s");
	tree_release(&tree);
}
END_TEST

START_TEST(relocated_folders_come_home)
{
	struct tree tree;

	tools_sh("mkdir -p s/1/2/3/4/5/6/7/8/9/10/11 s/1/2/3/4/5/6/7/b/c/d; "
		 "echo x >s/1/2/3/4/5/6/7/8/9/10/11/f; "
		 "echo y >s/1/2/3/4/5/6/7/b/c/d/f; "
		 "genisoimage -quiet -R -o i.iso s");
	load("i.iso", NULL, &tree);
	get(&tree, "/1/2/3/4/5/6/7/8/9/10/11/f");
	get(&tree, "/1/2/3/4/5/6/7/b/c/d/f");
	tree_release(&tree);
}
END_TEST

START_TEST(joliet_alone)
{
	struct import_opts no_rr = {.session_lba = IMPORT_LAST,
				    .no_rock_ridge = true};
	struct import_opts none = {.session_lba = IMPORT_LAST,
				   .no_rock_ridge = true,
				   .no_joliet = true};
	struct tree tree;

	tools_sh("mkdir -p s/d; echo 1 >'s/Gr\303\274\303\237e \342\202\254'; "
		 "echo 22 >'s/d/a long name with blanks and.many.dots'; "
		 "genisoimage -quiet -input-charset utf-8 -J -o j.iso s; "
		 "genisoimage -quiet -input-charset utf-8 -J -R -o r.iso s");
	for (int i = 0; i < 2; i++) {
		load(i ? "r.iso" : "j.iso", i ? &no_rr : NULL, &tree);
		ck_assert_int_eq(tree.info.kind, TREE_JOLIET);
		ck_assert(tree.info.has_rock_ridge == (i == 1));
		get(&tree, "/Gr\303\274\303\237e \342\202\254");
		ck_assert_uint_eq(
			get(&tree, "/d/a long name with blanks and.many.dots")
				->node.size,
			3);
		ck_assert_uint_eq(tree.n, 4);
		tree_release(&tree);
	}
	load("r.iso", &none, &tree);
	ck_assert_int_eq(tree.info.kind, TREE_ISO9660);
	ck_assert_uint_eq(tree.n, 4);
	tree_release(&tree);
}
END_TEST

START_TEST(plain_iso_level_1)
{
	const struct item *item;
	unsigned char *bytes;
	struct tree tree;
	struct disc *disc;

	tools_sh("mkdir -p s/dir; printf hello >s/dir/file.txt; : >s/empty; "
		 "genisoimage -quiet -iso-level 1 -o i.iso s");
	load("i.iso", NULL, &tree);
	ck_assert_int_eq(tree.info.kind, TREE_ISO9660);
	ck_assert_uint_eq(tree.n, 4);
	item = get(&tree, "/DIR/FILE.TXT");
	ck_assert_uint_eq(item->node.attr.mode, S_IFREG | 0444);
	ck_assert_uint_eq(get(&tree, "/DIR")->node.attr.mode, S_IFDIR | 0555);
	ck_assert_uint_eq(get(&tree, "/EMPTY")->node.n_runs, 0);
	disc = tools_open("i.iso", false);
	bytes = tree_read(disc, item);
	ck_assert_mem_eq(bytes, "hello", 5);
	free(bytes);
	disc_free(disc);
	tree_release(&tree);
}
END_TEST

START_TEST(each_session_by_its_lba)
{
	struct import_opts opts = {0};
	struct disc_session *s;
	struct tree tree;
	struct disc *disc;
	size_t n;

	tools_sh("seq 3000 >f; for i in 1 2 3; do " XORRISO
		 "-volid V$i -dev i.iso -map f /f$i -commit; done");
	disc = tools_open("i.iso", false);
	ck_assert_int_eq(disc_sessions(disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++) {
		char name[] = {'/', 'f', (char)('1' + i), 0};

		opts.session_lba = s[i].lba;
		load("i.iso", &opts, &tree);
		ck_assert_uint_eq(tree.info.lba, s[i].lba);
		ck_assert_str_eq(tree.info.volume_id, s[i].volume_id);
		ck_assert_uint_eq(tree.n, i + 2);
		get(&tree, name);
		tree_release(&tree);
	}
	load("i.iso", NULL, &tree);
	ck_assert_uint_eq(tree.n, 4);
	ck_assert_uint_eq(tree.info.lba, s[2].lba);
	tree_release(&tree);
	opts.session_lba = s[1].lba + 1;
	ck_assert_int_eq(tree_load("i.iso", &opts, &tree, NULL), -EMEDIUMTYPE);
	opts.session_lba = 1u << 30;
	ck_assert_int_eq(tree_load("i.iso", &opts, &tree, NULL), -EIO);
	free(s);
	disc_free(disc);
}
END_TEST

START_TEST(blank_is_no_tree)
{
	struct why why = {""};
	struct tree tree;

	tools_sh("truncate -s 1M i.iso");
	ck_assert_int_eq(tree_load("i.iso", NULL, &tree, &why), -EMEDIUMTYPE);
	ck_assert_ptr_nonnull(strstr(why.text, "blank"));
}
END_TEST

START_TEST(files_over_four_gigabytes)
{
	const struct item *item;
	unsigned char byte;
	uint64_t sum = 0;
	struct tree tree;
	struct disc *disc;

	/* The image stays sparse, too. */
	tools_sh("mkdir s; truncate -s 4100M s/f; printf x >>s/f; echo z >s/z; "
		 "xorriso -as mkisofs -quiet -iso-level 3 -R s | "
		 "dd of=i.iso bs=1M conv=sparse iflag=fullblock");
	load("i.iso", NULL, &tree);
	item = get(&tree, "/f");
	ck_assert_uint_eq(item->node.size, (4100ull << 20) + 1);
	for (unsigned i = 0; i < item->node.n_runs; i++)
		sum += item->node.runs[i].len_bytes;
	ck_assert_uint_eq(sum, item->node.size);
	disc = tools_open("i.iso", false);
	ck_assert_uint_eq(item->node.n_runs, 1);
	ck_assert_int_eq(disc_read(disc, &byte, 1,
				   item->node.runs[0].lba * DISC_BLOCK +
					   (4100ull << 20)),
			 0);
	ck_assert_uint_eq(byte, 'x');
	disc_free(disc);
	tree_release(&tree);
}
END_TEST

static void attr_is(const struct item *item, const char *name,
		    const void *value, int len)
{
	const void *found;

	ck_assert_int_eq(xattrs_get(item->node.xattrs, name, &found), len);
	ck_assert_mem_eq(found, value, (size_t)len);
}

START_TEST(attributes_and_acls)
{
	/* linux/posix_acl_xattr.h: version 2, then tag, permissions, id */
	static const unsigned char acl[] = {
		2,  0, 0, 0,			     /* */
		1,  0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* user:: */
		2,  0, 7, 0, 0x57, 0x04, 0x00, 0x00, /* user:1111: */
		2,  0, 4, 0, 0xae, 0x08, 0x00, 0x00, /* user:2222: */
		4,  0, 5, 0, 0xff, 0xff, 0xff, 0xff, /* group:: */
		8,  0, 2, 0, 0x05, 0x0d, 0x00, 0x00, /* group:3333: */
		16, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, /* mask:: */
		32, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* other:: */
	};
	const void *value;
	char *text;
	void *back;
	struct tree tree;

	tools_sh("echo 1 >f; echo 2 >g; mkdir d; " XORRISO
		 "-outdev i.iso -map f /f -map g /g -map d /d "
		 "-setfattr user.one 'first value' /f -- "
		 "-setfattr user.a 1 /f -- "
		 "-setfacl u::rw-,u:2222:r--,u:1111:rwx,g::r-x,g:3333:-w-,"
		 "m::rwx,o::r-- /f -- "
		 "-setfacl u::rwx,g::r-x,o::---,d:u::rwx,d:g::---,d:o::--x /d "
		 "-- -commit");
	load("i.iso", NULL, &tree);
	attr_is(get(&tree, "/f"), "user.one", "first value", 11);
	attr_is(get(&tree, "/f"), "user.a", "1", 1);
	attr_is(get(&tree, "/f"), ACL_ACCESS_XATTR, acl, sizeof acl);
	ck_assert_uint_eq(get(&tree, "/f")->node.xattrs->count, 3);
	ck_assert_uint_eq(get(&tree, "/f")->node.attr.mode, S_IFREG | 0674);
	ck_assert_int_eq(xattrs_get(get(&tree, "/d")->node.xattrs,
				    ACL_DEFAULT_XATTR, &value),
			 4 + 3 * 8);
	ck_assert_ptr_null(get(&tree, "/g")->node.xattrs);
	ck_assert_ptr_null(tree.items[0].node.xattrs);

	ck_assert_int_eq(acl_to_text(acl, sizeof acl, &text), 0);
	ck_assert_int_eq(acl_from_text(text, &back), sizeof acl);
	ck_assert_mem_eq(back, acl, sizeof acl);
	free(back);
	free(text);
	tree_release(&tree);
}
END_TEST

START_TEST(what_is_no_acl_is_refused)
{
	static const char *const bad[] = {"",
					  "user",
					  "user::",
					  "user::rw",
					  "user::rwz",
					  "mask:1:rwx",
					  "nobody-has-this::rwx",
					  "user:4294967295:rwx",
					  "other::rwxr"};
	static const unsigned char short_acl[] = {2, 0, 0, 0, 1, 0, 6};
	void *value;
	char *text;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(acl_from_text(bad[i], &value) == -EINVAL, "'%s'",
			      bad[i]);
	ck_assert_int_eq(acl_from_text("user:no-such-user-here:rwx", &value),
			 -ENOENT);
	ck_assert_int_eq(acl_to_text(short_acl, sizeof short_acl, &text),
			 -EINVAL);
	ck_assert_int_eq(acl_to_text("\1\0\0\0\1\0\6\0\0\0\0\0", 12, &text),
			 -EINVAL);
}
END_TEST

START_TEST(boot_catalogs_are_marked)
{
	const struct item *item;
	struct tree tree;

	tools_sh("mkdir s; head -c 2048 /dev/urandom >s/boot.img; "
		 "xorriso -as mkisofs -quiet -R -b boot.img -no-emul-boot "
		 "-boot-load-size 4 -c boot.cat -o i.iso s");
	load("i.iso", NULL, &tree);
	ck_assert(tree.info.has_el_torito);
	item = get(&tree, "/boot.cat");
	ck_assert(item->node.boot_catalog);
	ck_assert(S_ISREG(item->node.attr.mode));
	ck_assert(!get(&tree, "/boot.img")->node.boot_catalog);
	tree_release(&tree);
	if (access(GRUB_RESCUE, R_OK))
		return;
	load(GRUB_RESCUE, NULL, &tree);
	ck_assert(tree.info.has_el_torito);
	ck_assert(get(&tree, "/boot.catalog")->node.boot_catalog);
	get(&tree, "/boot/grub/grub.cfg");
	tree_release(&tree);
}
END_TEST

START_TEST(zisofs_is_marked)
{
	struct tree tree;

	tools_sh("seq 50000 >f; " XORRISO "-outdev i.iso -map f /f "
		 "-map f /g -set_filter_r --zisofs /f -- -commit");
	load("i.iso", NULL, &tree);
	ck_assert(get(&tree, "/f")->node.filtered);
	ck_assert_uint_eq(get(&tree, "/f")->node.size,
			  get(&tree, "/g")->node.size);
	ck_assert(!get(&tree, "/g")->node.filtered);
	tree_release(&tree);
}
END_TEST

START_TEST(the_digest_names_the_base)
{
	struct import_opts no_rr = {.session_lba = IMPORT_LAST,
				    .no_rock_ridge = true};
	unsigned char digest[16];
	struct tree tree;

	tools_sh("seq 3000 >f; " XORRISO "-outdev i.iso -map f /f -commit");
	load("i.iso", NULL, &tree);
	memcpy(digest, tree.info.digest, sizeof digest);
	tree_release(&tree);
	load("i.iso", NULL, &tree);
	ck_assert_mem_eq(digest, tree.info.digest, sizeof digest);
	tree_release(&tree);
	load("i.iso", &no_rr, &tree);
	ck_assert_mem_ne(digest, tree.info.digest, sizeof digest);
	tree_release(&tree);
	tools_sh(XORRISO "-dev i.iso -chmod 0600 /f -- -commit");
	load("i.iso", NULL, &tree);
	ck_assert_mem_ne(digest, tree.info.digest, sizeof digest);
	tree_release(&tree);
}
END_TEST

static int count_down(void *arg, const struct import_node *node)
{
	int *left = arg;

	(void)node;
	return --*left ? 0 : -ECANCELED;
}

/* What is burned behind a session that is shorter than a head. */
START_TEST(the_digest_ends_with_the_session)
{
	unsigned char digest[16];
	struct tree tree;

	tools_sh("mkdir s; echo x >s/a; genisoimage -quiet -no-pad -R -o i.iso "
		 "s; test $(stat -c %%s i.iso) -lt 65536");
	load("i.iso", NULL, &tree);
	memcpy(digest, tree.info.digest, sizeof digest);
	tree_release(&tree);
	tools_sh("head -c 100000 /dev/urandom >>i.iso");
	load("i.iso", NULL, &tree);
	ck_assert_mem_eq(digest, tree.info.digest, sizeof digest);
	tree_release(&tree);
}
END_TEST

START_TEST(the_visitor_can_stop_it)
{
	struct import_opts opts = {.session_lba = IMPORT_LAST};
	struct import_info info;
	struct disc *disc;
	int left = 2;

	tools_sh("mkdir s; cd s; touch 1 2 3 4; cd ..; genisoimage -quiet -R "
		 "-o i.iso s");
	disc = tools_open("i.iso", false);
	ck_assert_int_eq(
		import_session(disc, &opts, count_down, &left, &info, NULL),
		-ECANCELED);
	ck_assert_int_eq(left, 0);
	disc_free(disc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("import");
	TCase *tcase = tcase_create("import");

	tcase_add_checked_fixture(tcase, tools_enter, tools_leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, rock_ridge_keeps_everything, 0, 3);
	tcase_add_test(tcase, genisoimage_is_read);
	tcase_add_test(tcase, relocated_folders_come_home);
	tcase_add_test(tcase, joliet_alone);
	tcase_add_test(tcase, plain_iso_level_1);
	tcase_add_test(tcase, each_session_by_its_lba);
	tcase_add_test(tcase, blank_is_no_tree);
	tcase_add_test(tcase, files_over_four_gigabytes);
	tcase_add_test(tcase, attributes_and_acls);
	tcase_add_test(tcase, what_is_no_acl_is_refused);
	tcase_add_test(tcase, boot_catalogs_are_marked);
	tcase_add_test(tcase, zisofs_is_marked);
	tcase_add_test(tcase, the_digest_names_the_base);
	tcase_add_test(tcase, the_digest_ends_with_the_session);
	tcase_add_test(tcase, the_visitor_can_stop_it);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
