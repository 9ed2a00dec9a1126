/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/plan_builder.h"

/* What the image shows to xorriso has to be what the folder "want" holds. */
static void same_tree(const char *image)
{
	shell("rm -rf got && xorriso -osirrox on -indev %s -extract / got "
	      ">log 2>&1 || { cat log; exit 1; }",
	      image);
	shell("chmod -R u+rwX got; diff -r --no-dereference want got");
	shell("xorriso -md5 on -indev %s -check_md5 SORRY -- "
	      "-check_md5_r SORRY / -- >log 2>&1 || { cat log; exit 1; }",
	      image);
	shell("grep -q 'session data match recorded md5' log || "
	      "{ cat log; exit 1; }");
}

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

/* A tree with a bit of all, as folder "src", and the folder "want", a copy. */
static void make_source(void)
{
	shell("mkdir -p src/a/deep/er src/b src/many src/gone/keep; cd src;"
	      "echo one >one; echo two >two; echo three >a/three;"
	      "seq 1 40000 >a/numbers; echo x >a/deep/er/x; ln one hard;"
	      "seq 1 3000 >b/list; echo del >gone/del; echo stay >gone/stay;"
	      "echo deep >gone/keep/deep; ln -s a/three link;"
	      "for i in $(seq 1 50); do echo $i >many/file$i; done;"
	      "cd ..; cp -a src want");
}

static const char *const makers[] = {
	"xorriso -outdev a.iso -volid BASE -map src / -commit",
	("xorriso -md5 on -outdev a.iso -volid BASE -joliet on -map src / "
	 "-commit"),
	"xorriso -as mkisofs -V BASE -J -R -o a.iso src",
	"genisoimage -V BASE -J -R -cache-inodes -o a.iso src",
	"genisoimage -V BASE -R -o a.iso src",
	"bsdtar -c -f a.iso --format iso9660 --options volume-id=BASE -C src .",
};
enum { N_MAKERS = sizeof makers / sizeof *makers };

static void make_base(int maker)
{
	make_source();
	shell("%s >log 2>&1 || { cat log; exit 1; }", makers[maker]);
	shell("cp a.iso before.iso");
}

/* Nothing below @nwa may change but the head. */
static void old_blocks_stand(uint64_t nwa)
{
	shell("s=$(stat -c %%s before.iso); n=%llu; [ $s -lt $n ] && n=$s;"
	      "cmp -i 65536 -n $((n - 65536)) before.iso a.iso",
	      (unsigned long long)nwa * DISC_BLOCK);
}

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

/* The padding behind the old session may have been written to. */
static void nothing_happened(struct builder *b)
{
	uint64_t nwa = b->facts.nwa;

	session_free(b->session);
	b->session = NULL;
	shell("test $(stat -c %%s before.iso) = $(stat -c %%s a.iso);"
	      "cmp -n %llu before.iso a.iso",
	      (unsigned long long)nwa * DISC_BLOCK);
}

START_TEST(failing_content)
{
	struct builder b;
	uint32_t i;

	new_folder();
	make_base(0);
	b_open(&b, "a.iso");
	i = b_big(&b, b_dir(&b, 0, "d"), "big", 20000000);
	b_content(&b, i)->fail_at = 15000000;
	b_author(&b);
	ck_assert_int_eq(session_burn(b.session, &b.sink, &b.why), -EIO);
	ck_assert_ptr_nonnull(strstr(b.why.text, "/d/big"));
	nothing_happened(&b);
	/* The same again, when it can be read. */
	b_content(&b, i)->fail_at = UINT64_MAX;
	b_author(&b);
	b_burn(&b);
	b_verify(&b);
	b_publish(&b);
	b_close(&b);
	shell("mkdir want/d; yes 'The quick brown fox jumps over the lazy dog."
	      "' | head -c 20000000 >want/d/big");
	same_tree("a.iso");
}
END_TEST

START_TEST(cancelled_burn)
{
	atomic_int cancel = 0;
	struct builder b;
	uint32_t i;

	new_folder();
	make_base(0);
	b_open(&b, "a.iso");
	b.sink.cancel = &cancel;
	i = b_big(&b, 0, "big", 300000000);
	b_author(&b);
	b_content(&b, i)->set_when_read = &cancel;
	ck_assert_int_eq(session_burn(b.session, &b.sink, &b.why), -ECANCELED);
	nothing_happened(&b);
	atomic_store(&cancel, 1);
	ck_assert_int_eq(
		session_author(b.disc, &b.plan, &b.sink, &b.session, &b.why),
		-ECANCELED);
	/* At once again. */
	atomic_store(&cancel, 0);
	b_content(&b, i)->set_when_read = NULL;
	b.nodes[i].size = 5000000;
	b_author(&b);
	b_burn(&b);
	ck_assert(b.reports > 0 && b.saw_file);
	b_close(&b);
}
END_TEST

START_TEST(stale_plans)
{
	struct builder b;

	new_folder();
	make_base(0);
	b_open(&b, "a.iso");
	b_file(&b, 0, "new", "new");
	b.plan.base_digest[3] ^= 1;
	ck_assert_int_eq(
		session_author(b.disc, &b.plan, NULL, &b.session, &b.why),
		-ESTALE);
	b.plan.base_digest[3] ^= 1;
	b.removed[0] = b_base(&b, "/two")->id;
	b.removed_names[0] = "three";
	b.plan.n_removed = 1;
	ck_assert_int_eq(
		session_author(b.disc, &b.plan, NULL, &b.session, &b.why),
		-ESTALE);
	b.plan.n_removed = 0;
	b.plan.blank = true;
	ck_assert_int_eq(
		session_author(b.disc, &b.plan, NULL, &b.session, &b.why),
		-ESTALE);
	b.plan.blank = false;
	/* Two nodes at one place. */
	b_file(&b, 0, "two", "new");
	ck_assert_int_lt(
		session_author(b.disc, &b.plan, NULL, &b.session, &b.why), 0);
	b_remove(&b, "/two");
	b_author(&b);
	/* Another program writes between authoring and burning. */
	shell("printf X | dd of=a.iso bs=1 seek=100 conv=notrunc 2>/dev/null");
	ck_assert_int_eq(session_burn(b.session, NULL, &b.why), -ESTALE);
	b_close(&b);
}
END_TEST

START_TEST(too_large)
{
	const struct disc_params params = {.path = "a.iso",
					   .writable = true,
					   .create = true,
					   .capacity_bytes = 4000000};
	struct builder b;
	uint32_t i;

	new_folder();
	b_open(&b, "a.iso");
	disc_free(b.disc);
	ck_assert_int_eq(disc_open(&params, &b.disc, &b.why), 0);
	i = b_big(&b, 0, "big", 4000000);
	ck_assert_int_eq(
		session_author(b.disc, &b.plan, NULL, &b.session, &b.why),
		-ENOSPC);
	ck_assert_ptr_nonnull(strstr(b.why.text, "more than are free"));
	b.nodes[i].size = 3500000;
	b_author(&b);
	b_burn(&b);
	b_verify(&b);
	b_publish(&b);
	b_close(&b);
}
END_TEST

START_TEST(damage_is_found)
{
	struct builder b;

	new_folder();
	b_open(&b, "a.iso");
	b_big(&b, 0, "big", 2000000);
	b_author(&b);
	b_burn(&b);
	shell("printf X | dd of=a.iso bs=1 seek=%llu conv=notrunc 2>/dev/null",
	      (unsigned long long)(b.facts.nwa + b.facts.blocks / 2) *
		      DISC_BLOCK);
	ck_assert_int_eq(session_verify(b.session, VERIFY_QUICK, NULL, &b.why),
			 0);
	ck_assert_int_eq(session_verify(b.session, VERIFY_FULL, NULL, &b.why),
			 -EBADMSG);
	ck_assert_ptr_nonnull(strstr(b.why.text, "read back differently"));
	shell("printf X | dd of=a.iso bs=1 seek=%llu conv=notrunc 2>/dev/null",
	      (unsigned long long)(b.facts.nwa + 21) * DISC_BLOCK + 3);
	ck_assert_int_eq(session_verify(b.session, VERIFY_QUICK, NULL, &b.why),
			 -EBADMSG);
	b_close(&b);
}
END_TEST

static void keep_intent(struct builder *b, struct session_intent *intent)
{
	unsigned char *heads = malloc((size_t)2 * DISC_HEAD_BYTES);

	ck_assert_ptr_nonnull(heads);
	memcpy(heads, b->facts.old_head, DISC_HEAD_BYTES);
	memcpy(heads + DISC_HEAD_BYTES, b->facts.new_head, DISC_HEAD_BYTES);
	intent->nwa = b->facts.nwa;
	intent->blocks = b->facts.blocks;
	memcpy(intent->volume_uuid, b->facts.volume_uuid,
	       sizeof intent->volume_uuid);
	intent->overwritable = b->facts.overwritable;
	intent->old_head = heads;
	intent->new_head = heads + DISC_HEAD_BYTES;
}

static void recover(struct builder *b, const struct session_intent *intent,
		    enum session_outcome want)
{
	enum session_outcome outcome;
	int err = session_recover(b->disc, intent, &outcome, &b->why);

	ck_assert_msg(err == 0, "%s", why_text(&b->why, err));
	ck_assert_int_eq(outcome, want);
}

/* Every mix of sectors of the two heads in front of what is there. */
static void tear_head(const struct session_intent *intent, unsigned seed)
{
	FILE *f = fopen("a.iso", "r+");
	size_t pos;

	ck_assert_ptr_nonnull(f);
	for (pos = 0; pos < DISC_HEAD_BYTES; pos += 512) {
		seed = seed * 1103515245 + 12345;
		ck_assert_uint_eq(fwrite((seed >> 16 & 1 ? intent->old_head
							 : intent->new_head) +
						 pos,
					 1, 512, f),
				  512);
	}
	fclose(f);
}

START_TEST(recovery)
{
	struct session_intent intent;
	enum session_outcome outcome;
	struct builder b;
	unsigned seed;

	new_folder();
	make_base(_i);
	b_open(&b, "a.iso");
	b_big(&b, 0, "big", 1000000);
	b_author(&b);
	keep_intent(&b, &intent);
	/* Killed before a byte was written. */
	recover(&b, &intent, SESSION_LOST);
	shell("cmp before.iso a.iso");
	/* Killed in the middle. */
	b_burn(&b);
	shell("cp a.iso burned.iso; truncate -s %llu a.iso",
	      (unsigned long long)(intent.nwa + intent.blocks / 2) *
		      DISC_BLOCK);
	recover(&b, &intent, SESSION_LOST);
	shell("cmp -n 65536 before.iso a.iso");
	tear_head(&intent, 5);
	recover(&b, &intent, SESSION_LOST);
	shell("cmp -n 65536 before.iso a.iso");
	/* Killed before the head was written, while it was, after it was. */
	shell("cat burned.iso >a.iso");
	recover(&b, &intent, SESSION_WHOLE);
	for (seed = 1; seed < 6; seed++) {
		tear_head(&intent, seed);
		recover(&b, &intent, SESSION_WHOLE);
	}
	recover(&b, &intent, SESSION_WHOLE);
	shell("yes 'The quick brown fox jumps over the lazy dog.' |"
	      " head -c 1000000 >want/big");
	same_tree("a.iso");
	/* Another program was here. */
	shell("printf X | dd of=a.iso bs=1 seek=32999 conv=notrunc "
	      "2>/dev/null; cp a.iso theirs.iso");
	ck_assert_int_eq(session_recover(b.disc, &intent, &outcome, &b.why),
			 -ESTALE);
	shell("cmp a.iso theirs.iso");
	free((void *)(uintptr_t)intent.old_head);
	b_close(&b);
}
END_TEST

#define BOOT_IMAGE "/boot/grub/i386-pc/eltorito.img"

/* A bootable image; what it says of booting goes to "boot.before". */
static void make_bootable(int kind)
{
	static const char *const make[] = {
		"cp /usr/lib/grub-rescue/grub-rescue-cdrom.iso a.iso",
		("mkdir -p src/boot/grub/i386-pc && "
		 "seq 1 5000 | head -c 20480 >src" BOOT_IMAGE " && "
		 "genisoimage -R -J -b boot/grub/i386-pc/eltorito.img "
		 "-c boot.cat -no-emul-boot -boot-load-size 4 "
		 "-boot-info-table -o a.iso src 2>log"),
	};

	shell("%s; cp a.iso before.iso", make[kind]);
	shell("xorriso -osirrox on -indev a.iso -extract / want "
	      "-report_el_torito plain >boot.before 2>log;"
	      "chmod -R u+rwX want");
}

static char *boot_line(const char *image, const char *word)
{
	return output("xorriso -indev %s -report_el_torito plain "
		      "-report_system_area plain 2>/dev/null | grep '%s'",
		      image, word);
}

START_TEST(boot_stays)
{
	char *before, *after;
	struct builder b;

	new_folder();
	make_bootable(_i);
	b_open(&b, "a.iso");
	b_file(&b, 0, "new", "new\n");
	b_move(&b, BOOT_IMAGE, 0, "moved.img");
	b_commit(&b);
	b_close(&b);
	shell("mv want" BOOT_IMAGE " want/moved.img; echo new >want/new");
	same_tree("a.iso");
	before = boot_line("before.iso", "boot img  *:");
	after = boot_line("a.iso", "boot img  *:");
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	after = boot_line("a.iso", "img path");
	ck_assert_ptr_nonnull(strstr(after, "/moved.img"));
	free(after);
	shell("cmp -n 432 before.iso a.iso");
}
END_TEST

START_TEST(boot_content_is_renewed)
{
	struct builder b;
	char *text;
	uint32_t i, lba;

	new_folder();
	make_bootable(_i);
	shell("cp want" BOOT_IMAGE " new.img;"
	      "printf NEWCODE | dd of=new.img bs=1 seek=3000 conv=notrunc "
	      "2>/dev/null");
	b_open(&b, "a.iso");
	i = b_rewrite(&b, BOOT_IMAGE, "-");
	b_load(&b, i, "new.img");
	b_commit(&b);
	lba = b_base(&b, BOOT_IMAGE)->lba;
	b_close(&b);
	text = boot_line("a.iso", "boot img  *:");
	ck_assert_uint_eq(strtoul(strrchr(text, ' '), NULL, 10), lba);
	free(text);
	text = boot_line("a.iso", "img path");
	ck_assert_ptr_nonnull(strstr(text, BOOT_IMAGE));
	free(text);
	/* The rest of what the catalog said. */
	shell("grep 'boot img ' boot.before | head -1 | sed 's/ *[0-9]*$//' >1;"
	      "xorriso -indev a.iso -report_el_torito plain 2>/dev/null |"
	      "grep 'boot img ' | head -1 | sed 's/ *[0-9]*$//' | diff 1 -");
	/* Only its table of addresses differs from what was given, and
	 * GRUB's own address at byte 2548. */
	shell("xorriso -osirrox on -indev a.iso -extract " BOOT_IMAGE
	      " got.img 2>log; cmp -i 64 -n 2484 new.img got.img;"
	      "cmp -i 2560 new.img got.img;"
	      "test $(od -An -tu4 -j12 -N4 got.img) = %u",
	      lba);
	shell("xorriso -md5 on -indev a.iso -check_md5 SORRY -- "
	      ">log 2>&1 || { cat log; exit 1; }");
}
END_TEST

START_TEST(boot_goes_with_its_catalog)
{
	static const char *const catalog[] = {"/boot.catalog", "/boot.cat"};
	struct builder b;

	new_folder();
	make_bootable(_i);
	b_open(&b, "a.iso");
	ck_assert(b.info.has_el_torito);
	b_remove(&b, catalog[_i]);
	b_commit(&b);
	ck_assert(!b.info.has_el_torito);
	b_close(&b);
	shell("rm want%s", catalog[_i]);
	same_tree("a.iso");
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
	tcase_add_test(tc, sessions_of_two_programs);
	tcase_add_loop_test(tc, foreign_session_stays, 2, N_MAKERS);
	tcase_add_test(tc, folders_of_long_names);
	tcase_add_test(tc, long_links);
	tcase_add_loop_test(tc, random_records, 0, 8);
	tcase_add_test(tc, names_of_all_kinds);
	tcase_add_test(tc, attributes);
	tcase_add_test(tc, failing_content);
	tcase_add_test(tc, cancelled_burn);
	tcase_add_test(tc, stale_plans);
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, damage_is_found);
	tcase_add_loop_test(tc, recovery, 0, 3);
	tcase_add_loop_test(tc, boot_stays, 0, 2);
	tcase_add_loop_test(tc, boot_content_is_renewed, 0, 2);
	tcase_add_loop_test(tc, boot_goes_with_its_catalog, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
