/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/plan_builder.h"
#include "tests/unit/run_suite.h"

START_TEST(first_session_on_blank)
{
	struct builder b;
	uint32_t d;

	new_folder();
	b_open(&b, "a.iso");
	b_file(&b, 0, "hello", "Hello, disc\n");
	d = b_dir(&b, 0, "folder");
	b_file(&b, d, "empty", "");
	b_symlink(&b, d, "link", "../hello");
	b_big(&b, d, "big", 3000000);
	b_commit(&b);
	ck_assert(b.info.has_rock_ridge && b.info.has_joliet && b.info.has_md5);
	b_close(&b);
	shell("mkdir -p want/folder; echo 'Hello, disc' >want/hello;"
	      ": >want/folder/empty; ln -s ../hello want/folder/link;"
	      "yes 'The quick brown fox jumps over the lazy dog.' |"
	      " head -c 3000000 >want/folder/big");
	same_tree("a.iso");
	shell("isoinfo -J -i a.iso -x /folder/big | cmp - want/folder/big");
	shell("bsdtar -tf a.iso | grep -q folder/link");
}
END_TEST

START_TEST(edits)
{
	uint32_t lba, z, n;
	struct builder b;
	uint64_t nwa;

	new_folder();
	make_base(_i);
	b_open(&b, "a.iso");
	lba = b_base(&b, "/a/numbers")->lba;
	/* Swap two names. */
	b_move(&b, "/one", 0, "two");
	b_move(&b, "/two", 0, "one");
	/* A folder into a new one, another one into that. */
	z = b_dir(&b, 0, "z");
	n = b_move(&b, "/a", z, "a-moved");
	b_move(&b, "/b", n, "b-inside");
	/* A removed folder of which two survive; its name is used again. */
	b_remove(&b, "/gone");
	b_move(&b, "/gone/stay", 0, "stayed");
	b_move(&b, "/gone/keep", z, "kept");
	b_file(&b, 0, "gone", "a file now\n");
	/* New content, in its place and elsewhere. */
	b_rewrite(&b, "/many/file7", "seven\n");
	b_remove(&b, "/many/file8");
	b_file(&b, b_at(&b, "/many"), "file0", "zero\n");
	b_author(&b);
	nwa = b.facts.nwa;
	b_burn(&b);
	b_verify(&b);
	shell("cmp -n 65536 before.iso a.iso");
	b_publish(&b);
	b_close(&b);
	old_blocks_stand(nwa);

	shell("cd want; mv one t; mv two one; mv t two; mkdir z;"
	      "mv a z/a-moved; mv b z/a-moved/b-inside; mv gone/stay stayed;"
	      "mv gone/keep z/kept; rm -r gone; echo 'a file now' >gone;"
	      "echo seven >many/file7; rm many/file8; echo zero >many/file0");
	same_tree("a.iso");
	b_open(&b, "a.iso");
	ck_assert_uint_eq(b_base(&b, "/z/a-moved/numbers")->lba, lba);
	ck_assert_str_eq(b.info.volume_id, "BASE");
	b_close(&b);
	shell("test $(stat -c %%s a.iso) -lt "
	      "$(($(stat -c %%s before.iso) + 350000))");
}
END_TEST

START_TEST(content_moved_and_renewed)
{
	struct builder b;
	uint32_t i;

	new_folder();
	make_base(0);
	b_open(&b, "a.iso");
	i = b_rewrite(&b, "/a/three", "3\n");
	b.nodes[i].flags |= SESSION_PLACE;
	b.nodes[i].parent = 0;
	b_remove(&b, "/b");
	b_commit(&b);
	b_close(&b);
	shell("cd want; rm -r b a/three; echo 3 >three");
	same_tree("a.iso");
}
END_TEST

/* Links of files of the base cost nothing, and all are one inode. */
START_TEST(links_of_the_base)
{
	struct builder b;
	uint32_t lba;
	uint64_t ino;

	new_folder();
	make_base(_i);
	b_open(&b, "a.iso");
	lba = b_base(&b, "/a/numbers")->lba;
	b_link(&b, "/a/numbers", 0, "again");
	b_link(&b, "/a/numbers", b_at(&b, "/a"), "z-again");
	b_link(&b, "/one", b_at(&b, "/b"), "first");
	b_move(&b, "/two", b_at(&b, "/many"), "two");
	b_link(&b, "/two", 0, "twin");
	b_commit(&b);
	ck_assert_uint_eq(b_base(&b, "/a/numbers")->lba, lba);
	ck_assert_uint_eq(b_base(&b, "/again")->lba, lba);
	ck_assert_uint_eq(b_base(&b, "/a/z-again")->lba, lba);
	ino = b_base(&b, "/again")->link_id;
	ck_assert_uint_ne(ino, 0);
	ck_assert_uint_eq(b_base(&b, "/a/numbers")->link_id, ino);
	ck_assert_uint_eq(b_base(&b, "/a/z-again")->link_id, ino);
	ino = b_base(&b, "/b/first")->link_id;
	ck_assert_uint_ne(ino, 0);
	ck_assert_uint_eq(b_base(&b, "/one")->link_id, ino);
	ck_assert_uint_ne(b_base(&b, "/twin")->link_id, 0);
	ck_assert_uint_eq(b_base(&b, "/twin")->link_id,
			  b_base(&b, "/many/two")->link_id);
	b_close(&b);
	shell("cd want; ln a/numbers again; ln again a/z-again;"
	      "ln one b/first; mv two many; ln many/two twin");
	same_tree("a.iso");
	/* 230 KB of numbers were not written again. */
	shell("test $(stat -c %%s a.iso) -lt "
	      "$(($(stat -c %%s before.iso) + 200000))");
	/* Once more upon that session. */
	b_open(&b, "a.iso");
	b_link(&b, "/again", 0, "thrice");
	b_remove(&b, "/a/numbers");
	b_commit(&b);
	ck_assert_uint_eq(b_base(&b, "/thrice")->lba, lba);
	ck_assert_uint_eq(b_base(&b, "/thrice")->link_id,
			  b_base(&b, "/again")->link_id);
	b_close(&b);
	shell("cd want; ln again thrice; rm a/numbers");
	same_tree("a.iso");
}
END_TEST

START_TEST(new_links_are_written_once)
{
	struct builder b;
	uint32_t i, k;

	new_folder();
	b_open(&b, "a.iso");
	i = b_big(&b, 0, "one", 2000000);
	k = b_big(&b, b_dir(&b, 0, "d"), "other", 2000000);
	b.nodes[i].link_id = b.nodes[k].link_id = 77;
	b_commit(&b);
	ck_assert_uint_eq(b_base(&b, "/one")->lba, b_base(&b, "/d/other")->lba);
	ck_assert_uint_ne(b_base(&b, "/one")->link_id, 0);
	ck_assert_uint_eq(b_base(&b, "/one")->link_id,
			  b_base(&b, "/d/other")->link_id);
	b_close(&b);
	shell("test $(stat -c %%s a.iso) -lt 2300000");
	shell("bsdtar -xf a.iso && test one -ef d/other");
}
END_TEST

/* The mark of a node's names had another name once. */
START_TEST(old_marks_of_links)
{
	static const char mark[] = "32.7";
	struct builder b;
	uint32_t i;

	new_folder();
	b_open(&b, "a.iso");
	i = b_new(&b, 0, "one", S_IFIFO | 0644);
	b_xattr(&b, i, "discfs.inode", mark, sizeof mark - 1);
	i = b_new(&b, b_dir(&b, 0, "d"), "other", S_IFIFO | 0644);
	b_xattr(&b, i, "discfs.inode", mark, sizeof mark - 1);
	b_new(&b, 0, "alone", S_IFIFO | 0644);
	b_commit(&b);
	ck_assert_uint_ne(b_base(&b, "/one")->link_id, 0);
	ck_assert_uint_eq(b_base(&b, "/one")->link_id,
			  b_base(&b, "/d/other")->link_id);
	ck_assert_ptr_null(b_base(&b, "/one")->xattrs);
	ck_assert_uint_ne(b_base(&b, "/alone")->link_id,
			  b_base(&b, "/one")->link_id);
	b_close(&b);
}
END_TEST

/* Ours, ours, ours, xorriso's, ours: all in the list, all there. */
START_TEST(sessions_of_two_programs)
{
	struct disc_session *sessions;
	struct builder b;
	char name[16];
	size_t n, k;
	int i;

	new_folder();
	for (i = 1; i <= 3; i++) {
		b_open(&b, "a.iso");
		snprintf(name, sizeof name, "f%d", i);
		b_file(&b, 0, name, name);
		b_commit(&b);
		b_close(&b);
	}
	shell("printf f4 >f4; xorriso -md5 on -dev a.iso -map f4 /f4 -commit "
	      ">log 2>&1 || { cat log; exit 1; }");
	b_open(&b, "a.iso");
	b_file(&b, 0, "f5", "f5");
	b_commit(&b);
	ck_assert_int_eq(disc_sessions(b.disc, &sessions, &n, &b.why), 0);
	ck_assert_uint_eq(n, 5);
	b_close(&b);
	shell("mkdir want; cd want; for i in 1 2 3 4 5; do printf f$i >f$i;"
	      "done");
	same_tree("a.iso");
	shell("test $(xorriso -indev a.iso -toc 2>/dev/null |"
	      " grep -c '^ISO session') = 5");
	for (k = 0; k < n; k++)
		shell("rm -rf g; xorriso -osirrox on -load sbsector %u -indev "
		      "a.iso -extract / g >log 2>&1 || { cat log; exit 1; };"
		      "test $(ls g | wc -l) = %zu && cat g/f%zu | grep -qx "
		      "f%zu",
		      sessions[k].lba, k + 1, k + 1, k + 1);
	free(sessions);
}
END_TEST

/* An image that has its own session at block 0 keeps it within reach. */
START_TEST(foreign_session_stays)
{
	struct disc_session *sessions;
	struct builder b;
	size_t n;
	int i;

	new_folder();
	make_base(_i);
	for (i = 0; i < 3; i++) {
		char name[16];

		b_open(&b, "a.iso");
		snprintf(name, sizeof name, "new%d", i);
		b_file(&b, 0, name, "new\n");
		b_commit(&b);
		b_close(&b);
	}
	b_open(&b, "a.iso");
	ck_assert_int_eq(disc_sessions(b.disc, &sessions, &n, &b.why), 0);
	ck_assert_uint_eq(n, 4);
	b_close(&b);
	shell("xorriso -osirrox on -load sbsector %u -indev a.iso -extract / "
	      "got >log 2>&1 || { cat log; exit 1; };"
	      "chmod -R u+rwX got; diff -r --no-dereference want got",
	      sessions[0].lba);
	free(sessions);
	shell("rm -rf got; cd want; for i in 0 1 2; do echo new >new$i; done");
	same_tree("a.iso");
}
END_TEST

/* Bases without Rock Ridge get it, with the names that they show; what is
 * compressed stays so. */
START_TEST(other_trees)
{
	static const char *const make[] = {
		"genisoimage -o a.iso src",
		"genisoimage -J -o a.iso src",
		("xorriso -outdev a.iso -map src / -set_filter_r --zisofs / "
		 "-- -commit"),
	};
	struct builder b;

	new_folder();
	shell("mkdir -p src/folder; seq 1 20000 >src/folder/numbers;"
	      "echo one >src/one; %s 2>log",
	      make[_i]);
	shell("xorriso -osirrox on -indev a.iso -extract / want 2>log;"
	      "chmod -R u+rwX want; cp a.iso before.iso");
	b_open(&b, "a.iso");
	b_file(&b, 0, "new", "new\n");
	b_dir(&b, 0, "new-folder");
	b_move(&b, b_base(&b, "/one") ? "/one" : "/ONE", 0, "moved");
	b_commit(&b);
	ck_assert(b.info.has_rock_ridge);
	b_close(&b);
	shell("cd want; echo new >new; mkdir new-folder;"
	      "if [ -e one ]; then mv one moved; else mv ONE moved; fi");
	shell("rm -rf got; xorriso -osirrox on -indev a.iso -extract / got "
	      ">log 2>&1; chmod -R u+rwX got; diff -r want got");
	shell("test $(stat -c %%s a.iso) -lt "
	      "$(($(stat -c %%s before.iso) + 250000))");
}
END_TEST

/* The copy of the old head stands behind trees of any size. */
START_TEST(foreign_session_behind_large_trees)
{
	struct disc_session *sessions;
	struct builder b;
	size_t n;

	new_folder();
	shell("mkdir src; cd src; for i in $(seq 6000); do "
	      ": >a-name-of-which-joliet-makes-a-large-tree-$i; done; cd ..;"
	      "genisoimage -R -J -joliet-long -o a.iso src 2>log");
	b_open(&b, "a.iso");
	b_file(&b, 0, "new", "new\n");
	b_commit(&b);
	ck_assert_int_eq(disc_sessions(b.disc, &sessions, &n, &b.why), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_gt(sessions[0].lba, sessions[1].lba);
	free(sessions);
	b_close(&b);
}
END_TEST

/* libisofs 1.5.4 lays out most of these at wrong addresses by itself. */
START_TEST(folders_of_long_names)
{
	static const int counts[] = {1, 7, 40, 78, 120, 300};
	static const int lengths[] = {90, 110, 150, 201, 255};
	const size_t n_lengths = sizeof lengths / sizeof *lengths;
	size_t c, l;
	struct builder b;

	new_folder();
	b_open(&b, "a.iso");
	shell("mkdir want");
	for (c = 0; c < sizeof counts / sizeof *counts; c++) {
		for (l = 0; l < n_lengths; l++) {
			char dir[32], name[256];
			uint32_t d;
			int i;

			snprintf(dir, sizeof dir, "d%d-%d", counts[c],
				 lengths[l]);
			d = b_dir(&b, 0, dir);
			memset(name, 'n', sizeof name);
			name[lengths[l]] = 0;
			for (i = 0; i < counts[c]; i++) {
				char number[16];

				snprintf(number, sizeof number, "%04d.", i);
				memcpy(name, number, 5);
				b_file(&b, d, name, dir);
			}
			shell("mkdir want/%s; cd want/%s;"
			      "n=$(printf '%%%ds' '' | tr ' ' n);"
			      "for i in $(seq 0 %d); do "
			      "printf %s >$(printf %%04d. $i)$n; done",
			      dir, dir, lengths[l] - 5, counts[c] - 1, dir);
		}
	}
	b_commit(&b);
	same_tree("a.iso");
	/* In a later session bsdtar refuses continuation areas that stand
	 * behind their file's content, whoever wrote them. */
	shell("mkdir x; bsdtar -C x -xf a.iso; diff -r x want");
	b_file(&b, b_at(&b, "/d300-255"), "one more", "more\n");
	b_remove(&b, "/d7-150");
	b_commit(&b);
	b_close(&b);
	shell("cd want; echo more >'d300-255/one more'; rm -r d7-150");
	same_tree("a.iso");
	shell("isoinfo -R -f -i a.iso | grep -c '^/d300-255/' | grep -qx 301");
}
END_TEST

START_TEST(long_links)
{
	struct builder b;
	char target[2000];
	int i, k;

	new_folder();
	b_open(&b, "a.iso");
	shell("mkdir want");
	for (i = 0; i < 40; i++) {
		char name[32];

		target[0] = 0;
		for (k = 0; k < i * 4; k++)
			strcat(target, k % 3 ? "../" : "component/");
		strcat(target, "end");
		snprintf(name, sizeof name, "link%d", i);
		b_symlink(&b, 0, name, target);
		shell("ln -s %s want/%s", target, name);
	}
	b_commit(&b);
	b_close(&b);
	same_tree("a.iso");
}
END_TEST

/* A word of @len bytes; with @every, a slash after each so many. */
static void fill(char *text, int len, int every)
{
	int i;

	memset(text, 'w', (size_t)len);
	text[len] = 0;
	for (i = every; every && i < len - 1; i += every + 1)
		text[i] = '/';
}

/* Links, names and attributes of random lengths, as many as make the folders'
 * forecast go wrong; all come back as they were. */
START_TEST(random_records)
{
	char target[1024], name[256], value[3000], path[300];
	unsigned seed = (unsigned)_i;
	struct builder b;
	uint32_t first, last, i;
	struct session_node *want;

	new_folder();
	b_open(&b, "a.iso");
	first = b_dir(&b, 0, "d");
	fill(value, sizeof value - 1, 0);
	for (i = 0; i < 60; i++) {
		fill(name, 10 + rand_r(&seed) % 240, 0);
		snprintf(path, sizeof path, "%03u", i);
		memcpy(name, path, 3);
		fill(target, 1 + rand_r(&seed) % 1020, 1 + rand_r(&seed) % 250);
		last = b_symlink(&b, first, name, target);
		if (i % 3 == 0)
			b_xattr(&b, last, "user.v", value,
				(size_t)(rand_r(&seed) % 2900));
	}
	b_file(&b, 0, "z", "end\n");
	b_author(&b);
	b_burn(&b);
	b_verify(&b);
	b_publish(&b);
	want = calloc(b.plan.n_nodes, sizeof *want);
	ck_assert_ptr_nonnull(want);
	for (i = first + 1; i <= last; i++) {
		struct session_node *n = &b.nodes[i];

		want[i] = *n;
		n->name = n->target = NULL;
		n->xattrs = NULL;
	}
	b_close(&b);
	b_open(&b, "a.iso");
	for (i = first + 1; i <= last; i++) {
		const struct base_node *got;

		snprintf(path, sizeof path, "/d/%s", want[i].name);
		got = b_base(&b, path);
		ck_assert_ptr_nonnull(got);
		ck_assert_str_eq(got->target, want[i].target);
		ck_assert(xattrs_equal(got->xattrs, want[i].xattrs));
		shell("ln -s '%s' w", want[i].target);
		shell("mkdir -p want/d; mv w 'want/d/%s'", want[i].name);
		free((void *)(uintptr_t)want[i].name);
		free((void *)(uintptr_t)want[i].target);
		free((void *)(uintptr_t)want[i].xattrs);
	}
	free(want);
	b_close(&b);
	shell("echo end >want/z");
	same_tree("a.iso");
}
END_TEST

/* Bytes, twins by case, and what Joliet cannot hold. */
START_TEST(names_of_all_kinds)
{
	char long_name[256];
	struct builder b;

	new_folder();
	b_open(&b, "a.iso");
	memset(long_name, 'j', 255);
	long_name[255] = 0;
	b_file(&b, 0, long_name, "1");
	long_name[254] = 'k';
	b_file(&b, 0, long_name, "2");
	b_file(&b, 0, "new\nline", "3");
	b_file(&b, 0, "bytes\377\200\001", "4");
	b_file(&b, 0, "Twin", "5");
	b_file(&b, 0, "tWIN", "6");
	b_file(&b, 0, "a*b?c:d\\e;f", "7");
	b_file(&b, 0, " blank ", "8");
	b_file(&b, 0, "\303\244\303\266\303\274 \342\202\254", "9");
	b_commit(&b);
	b_move(&b, "/bytes\377\200\001", 0, "\001first");
	b_remove(&b, "/new\nline");
	b_commit(&b);
	ck_assert_ptr_nonnull(b_base(&b, "/\001first"));
	ck_assert_ptr_null(b_base(&b, "/new\nline"));
	b_close(&b);
	shell("mkdir want; cd want; j=$(printf '%%254s' '' | tr ' ' j);"
	      "printf 1 >${j}j; printf 2 >${j}k;"
	      "printf 4 >\"$(printf '\\001first')\"; printf 5 >Twin;"
	      "printf 6 >tWIN; printf 7 >'a*b?c:d\\e;f'; printf 8 >' blank ';"
	      "printf 9 >'\303\244\303\266\303\274 \342\202\254'");
	same_tree("a.iso");
	shell("test $(isoinfo -J -f -i a.iso | wc -l) = 8");
}
END_TEST

/* user::rw-, user:1000:r--, group::r--, mask::r--, other::--- */
static const unsigned char some_acl[] = {
	2,    0,    0,	  0,	1,    0,    6,	  0,	0xff, 0xff, 0xff,
	0xff, 2,    0,	  4,	0,    0xe8, 3,	  0,	0,    4,    0,
	4,    0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,	4,    0,    0xff,
	0xff, 0xff, 0xff, 0x20, 0,    0,    0,	  0xff, 0xff, 0xff, 0xff};

START_TEST(attributes)
{
	struct builder b;
	const struct base_node *n;
	const void *value;
	char *text, big[5000];
	uint32_t f, s, d;

	new_folder();
	make_base(1);
	memset(big, 'v', sizeof big);
	b_open(&b, "a.iso");
	f = b_file(&b, 0, "attrs", "text");
	b.nodes[f].attr.mode = S_IFREG | 04640;
	b.nodes[f].attr.uid = 70000;
	b.nodes[f].attr.gid = 100;
	b.nodes[f].attr.mtime.tv_sec = -86400 * 365;
	b.nodes[f].attr.atime.tv_sec = 3000000000;
	b_xattr(&b, f, "user.note", "hello", 5);
	b_xattr(&b, f, "user.big", big, sizeof big);
	b_xattr(&b, f, "trusted.t", "x", 1);
	b_xattr(&b, f, "security.capability", "\1\0\0\2", 4);
	b_xattr(&b, f, "user.empty", "", 0);
	f = b_file(&b, 0, "acl", "text");
	b.nodes[f].attr.mode = S_IFREG | 0640;
	b_xattr(&b, f, "system.posix_acl_access", some_acl, sizeof some_acl);
	s = b_new(&b, 0, "null", S_IFCHR | 0666);
	b.nodes[s].attr.rdev = 0x103;
	b_new(&b, 0, "pipe", S_IFIFO | 0600);
	b_new(&b, 0, "sock", S_IFSOCK | 0700);
	d = b_at(&b, "/a");
	b.nodes[d].flags |= SESSION_ATTR;
	b.nodes[d].attr.mode = S_IFDIR | 01777;
	f = b_at(&b, "/a/three");
	b_xattr(&b, f, "user.three", "3", 1);
	b_commit(&b);

	n = b_base(&b, "/attrs");
	ck_assert_uint_eq(n->attr.mode, S_IFREG | 04640);
	ck_assert_uint_eq(n->attr.uid, 70000);
	ck_assert_int_eq(n->attr.mtime.tv_sec, -86400 * 365);
	ck_assert_int_eq(n->attr.atime.tv_sec, 3000000000);
	ck_assert_uint_eq(n->xattrs->count, 5);
	ck_assert_int_eq(xattrs_get(n->xattrs, "user.big", &value), sizeof big);
	ck_assert_mem_eq(value, big, sizeof big);
	ck_assert_int_eq(xattrs_get(n->xattrs, "trusted.t", &value), 1);
	n = b_base(&b, "/acl");
	ck_assert_uint_eq(n->attr.mode, S_IFREG | 0640);
	ck_assert_int_eq(
		xattrs_get(n->xattrs, "system.posix_acl_access", &value),
		sizeof some_acl);
	ck_assert_mem_eq(value, some_acl, sizeof some_acl);
	ck_assert_uint_eq(b_base(&b, "/null")->attr.rdev, 0x103);
	ck_assert(S_ISFIFO(b_base(&b, "/pipe")->attr.mode));
	ck_assert(S_ISSOCK(b_base(&b, "/sock")->attr.mode));
	ck_assert_uint_eq(b_base(&b, "/a")->attr.mode, S_IFDIR | 01777);
	ck_assert_int_eq(xattrs_get(b_base(&b, "/a/three")->xattrs,
				    "user.three", &value),
			 1);
	/* Another set of attributes takes the place of the old one. */
	f = b_at(&b, "/attrs");
	b_xattr(&b, f, "user.other", "o", 1);
	b.nodes[f].attr.mode = S_IFREG | 0600;
	f = b_at(&b, "/acl");
	b.nodes[f].flags |= SESSION_ATTR;
	b.nodes[f].attr.mode = S_IFREG | 0604;
	b_commit(&b);
	ck_assert_uint_eq(b_base(&b, "/attrs")->xattrs->count, 1);
	ck_assert_uint_eq(b_base(&b, "/attrs")->attr.mode, S_IFREG | 0600);
	ck_assert_ptr_null(b_base(&b, "/acl")->xattrs);
	ck_assert_uint_eq(b_base(&b, "/acl")->attr.mode, S_IFREG | 0604);
	b_close(&b);
	text = output("xorriso -xattr on -indev a.iso -getfattr /attrs -- "
		      "-getfattr /a/three -- 2>/dev/null");
	ck_assert_ptr_nonnull(strstr(text, "user.other=\"o\""));
	ck_assert_ptr_nonnull(strstr(text, "user.three=\"3\""));
	ck_assert_ptr_null(strstr(text, "user.note"));
	free(text);
	shell("xorriso -md5 on -indev a.iso -check_md5_r SORRY / -- "
	      ">log 2>&1 || { cat log; exit 1; }");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("session");
	TCase *tc = tcase_create("images");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, first_session_on_blank);
	tcase_add_loop_test(tc, edits, 0, N_MAKERS);
	tcase_add_test(tc, content_moved_and_renewed);
	tcase_add_loop_test(tc, links_of_the_base, 0, 4);
	tcase_add_test(tc, new_links_are_written_once);
	tcase_add_test(tc, old_marks_of_links);
	tcase_add_test(tc, sessions_of_two_programs);
	tcase_add_loop_test(tc, foreign_session_stays, 2, N_MAKERS);
	tcase_add_loop_test(tc, other_trees, 0, 3);
	tcase_add_test(tc, foreign_session_behind_large_trees);
	tcase_add_test(tc, folders_of_long_names);
	tcase_add_test(tc, long_links);
	tcase_add_loop_test(tc, random_records, 0, 8);
	tcase_add_test(tc, names_of_all_kinds);
	tcase_add_test(tc, attributes);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
