/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "burner/chain.h"
#include "burner/library.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/plan_builder.h"
#include "tests/unit/run_suite.h"

static int open_as(const char *path, bool writable, bool create,
		   struct disc **ret, struct why *why)
{
	struct disc_params params = {
		.path = path, .writable = writable, .create = create};

	return disc_open(&params, ret, why);
}

static struct medium look(struct disc *disc)
{
	struct why why = {""};
	struct medium m;

	ck_assert_msg(disc_look(disc, &m, &why) == 0, "%s", why.text);
	return m;
}

START_TEST(a_missing_image_is_made_only_when_asked)
{
	struct why why = {""};
	struct medium m;
	struct disc *disc;

	ck_assert_int_eq(open_as("new.iso", true, false, &disc, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "new.iso"));
	ck_assert_int_eq(access("new.iso", F_OK), -1);
	ck_assert_int_eq(open_as("new.iso", true, true, &disc, &why), 0);
	ck_assert_int_eq(access("new.iso", F_OK), 0);
	ck_assert_int_eq(disc_path(disc)[0], '/');
	m = look(disc);
	ck_assert_int_eq(m.status, DISC_BLANK);
	ck_assert_uint_eq(m.nwa, 32);
	ck_assert_uint_eq(m.sessions, 0);
	ck_assert_uint_gt(m.free_blocks, 0);
	ck_assert(m.overwritable);
	ck_assert_ptr_null(m.why_not_writable);
	disc_free(disc);
}
END_TEST

START_TEST(zeros_are_blank)
{
	struct disc *disc;

	tools_sh("truncate -s 1M zero; truncate -s 64K late; echo x >>late; "
		 "truncate -s 65535 early; echo x >>early");
	disc = tools_open("zero", true);
	ck_assert_int_eq(look(disc).status, DISC_BLANK);
	disc_free(disc);
	ck_assert_int_eq(open_as("late", true, false, &disc, NULL),
			 -EMEDIUMTYPE);
	ck_assert_int_eq(open_as("early", true, false, &disc, NULL),
			 -EMEDIUMTYPE);
}
END_TEST

START_TEST(what_is_no_disc_is_refused)
{
	struct why why = {""};
	struct disc *disc;

	ck_assert_int_eq(open_as(".", true, true, &disc, &why), -EISDIR);
	ck_assert_ptr_nonnull(strstr(why.text, "is a folder"));
	tools_sh("seq 100000 >text");
	ck_assert_int_eq(open_as("text", true, false, &disc, &why),
			 -EMEDIUMTYPE);
	ck_assert_ptr_nonnull(strstr(why.text, "neither blank nor"));
	tools_sh(
		"truncate -s 1M udf; for i in BEA01 NSR03 TEA01; do n=$((n+1));"
		"printf \"\\000$i\\001\" | dd of=udf bs=2048 seek=$((15+n)) "
		"conv=notrunc; done");
	ck_assert_int_eq(open_as("udf", true, false, &disc, &why),
			 -EMEDIUMTYPE);
	ck_assert_ptr_nonnull(strstr(why.text, "UDF"));
	ck_assert_int_eq(open_as("/dev/null", true, false, &disc, &why),
			 -ENOTSUP);
}
END_TEST

/* What another process gets; 0 or -errno. */
static int open_in_child(const char *path)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct disc *disc;

		_exit(-open_as(path, true, false, &disc, NULL));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

START_TEST(a_second_writer_is_refused)
{
	struct why why = {""};
	struct disc *disc, *other;

	tools_sh("truncate -s 1M a; ln a b; ln -s a c");
	disc = tools_open("a", true);
	ck_assert_int_eq(open_as("a", true, false, &other, &why), -EBUSY);
	ck_assert_ptr_nonnull(strstr(why.text, "in use"));
	ck_assert_int_eq(open_as("b", true, false, &other, NULL), -EBUSY);
	ck_assert_int_eq(open_as("c", true, false, &other, NULL), -EBUSY);
	ck_assert_int_eq(open_in_child("b"), -EBUSY);
	disc_free(tools_open("a", false));
	ck_assert_int_eq(open_in_child("a"), -EBUSY);
	disc_free(disc);
	ck_assert_int_eq(open_in_child("a"), 0);
}
END_TEST

START_TEST(libburn_writes_beside_the_lock)
{
	char drive_path[4096], block[DISC_BLOCK], back[DISC_BLOCK];
	struct burn_drive_info *info;
	struct disc *disc;

	tools_sh("truncate -s 1M a");
	disc = tools_open("a", true);
	ck_assert_int_eq(library_start(NULL), 0);
	snprintf(drive_path, sizeof drive_path, "stdio:%s", disc_path(disc));
	ck_assert_int_eq(burn_drive_scan_and_grab(&info, drive_path, 0), 1);
	memset(block, 'x', sizeof block);
	ck_assert_int_eq(burn_random_access_write(info[0].drive,
						  40 * DISC_BLOCK, block,
						  sizeof block, 1),
			 1);
	ck_assert_int_eq(open_in_child("a"), -EBUSY);
	burn_drive_release(info[0].drive, 0);
	burn_drive_info_free(info);
	ck_assert_int_eq(disc_read(disc, back, sizeof back, 40 * DISC_BLOCK),
			 0);
	ck_assert_mem_eq(back, block, sizeof block);
	ck_assert_int_eq(open_in_child("a"), -EBUSY);
	disc_free(disc);
}
END_TEST

/* Root is above file modes by a capability; without it, it is not. */
static void obey_file_modes(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << CAP_DAC_OVERRIDE);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

START_TEST(an_unwritable_image_is_opened_read_only)
{
	unsigned char head[DISC_HEAD_BYTES] = {0};
	struct medium m;
	struct disc *disc;

	tools_sh("truncate -s 1M a; chmod 444 a");
	obey_file_modes();
	disc = tools_open("a", true);
	m = look(disc);
	ck_assert_ptr_nonnull(m.why_not_writable);
	ck_assert_ptr_nonnull(strstr(m.why_not_writable, "may not be written"));
	ck_assert_uint_eq(m.free_blocks, 0);
	ck_assert_int_eq(disc_write_head(disc, head, NULL), -EROFS);
	disc_free(disc);
}
END_TEST

START_TEST(capacity_limits_what_is_free)
{
	struct disc_params params = {.path = "a", .writable = true};
	struct medium m;
	struct disc *disc;

	tools_sh("truncate -s 1M a");
	params.capacity_bytes = 1000 * DISC_BLOCK;
	ck_assert_int_eq(disc_open(&params, &disc, NULL), 0);
	m = look(disc);
	ck_assert_uint_eq(m.capacity_blocks, 1000);
	ck_assert_uint_eq(m.free_blocks, 1000 - 32);
	disc_free(disc);
	params.capacity_bytes = 32 * DISC_BLOCK;
	ck_assert_int_eq(disc_open(&params, &disc, NULL), 0);
	m = look(disc);
	ck_assert_uint_eq(m.free_blocks, 0);
	ck_assert_ptr_nonnull(m.why_not_writable);
	disc_free(disc);
}
END_TEST

START_TEST(reading_stays_inside)
{
	unsigned char buf[2 * DISC_BLOCK];
	uint64_t dev, ino;
	char serial[64];
	struct stat st;
	struct disc *disc;

	tools_sh("truncate -s 1M a");
	disc = tools_open("a", false);
	ck_assert_int_eq(disc_read(disc, buf, sizeof buf, 510 * DISC_BLOCK), 0);
	ck_assert_int_eq(disc_read(disc, buf, sizeof buf, 511 * DISC_BLOCK),
			 -EIO);
	ck_assert_int_eq(disc_read(disc, buf, 1, 512 * DISC_BLOCK), -EIO);
	ck_assert_int_eq(disc_read(disc, buf, 1, UINT64_MAX), -EIO);
	ck_assert_int_ge(disc_fd(disc), 0);
	ck_assert_int_eq(stat("a", &st), 0);
	ck_assert_int_eq(disc_identity(disc, &dev, &ino, serial), 0);
	ck_assert_uint_eq(dev, st.st_dev);
	ck_assert_uint_eq(ino, st.st_ino);
	ck_assert_str_eq(serial, "");
	disc_free(disc);
}
END_TEST

START_TEST(a_head_is_written_and_read_back)
{
	static unsigned char head[DISC_HEAD_BYTES], back[DISC_HEAD_BYTES];
	struct disc *disc;

	memset(head, 'h', sizeof head);
	tools_sh("truncate -s 0 a");
	disc = tools_open("a", true);
	ck_assert_int_eq(disc_read_head(disc, back), 0);
	ck_assert_int_eq(back[0], 0);
	ck_assert_int_eq(disc_write_head(disc, head, NULL), 0);
	ck_assert_int_eq(disc_read_head(disc, back), 0);
	ck_assert_mem_eq(head, back, sizeof head);
	disc_free(disc);
}
END_TEST

START_TEST(a_truncated_image_is_not_appended)
{
	struct why why = {""};
	struct medium m;
	struct tree tree;
	struct disc *disc;

	tools_sh("mkdir s; head -c 3000000 /dev/urandom >s/f; "
		 "genisoimage -quiet -R -o a s; truncate -s 1M a");
	disc = tools_open("a", true);
	m = look(disc);
	ck_assert_int_eq(m.status, DISC_CLOSED);
	ck_assert_ptr_nonnull(strstr(m.why_not_writable, "truncated"));
	ck_assert_uint_eq(m.free_blocks, 0);
	disc_free(disc);
	/* Its tree is there. */
	ck_assert_msg(tree_load("a", NULL, &tree, &why) == 0, "%s", why.text);
	ck_assert_uint_eq(tree.info.content.session_end, 512);
	ck_assert_uint_gt(tree.info.content.end_lba, 1464);
	ck_assert_uint_eq(tree.info.content.missing_files, 1);
	tree_release(&tree);
}
END_TEST

/* The sessions as xorriso lists them: "lba size" a line in the file "toc". */
static void sessions_are_as_xorriso_says(const char *image)
{
	struct disc *disc = tools_open(image, false);
	struct disc_session *s;
	unsigned long lba, size;
	size_t n, i = 0;
	struct medium m = look(disc);
	FILE *f;

	/* What was not set is none of false and true. */
	mallopt(M_PERTURB, 0x5a);
	tools_sh("xorriso -indev %s -toc 2>/dev/null | awk -F, "
		 "'/^ISO session/ {print $2+0, $3+0}' >toc",
		 image);
	ck_assert_int_eq(disc_sessions(disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(m.sessions, n);
	f = fopen("toc", "re");
	ck_assert_ptr_nonnull(f);
	for (; fscanf(f, "%lu %lu", &lba, &size) == 2; i++) {
		ck_assert_uint_lt(i, n);
		ck_assert_uint_eq(s[i].lba, lba);
		ck_assert_uint_eq(s[i].blocks, size);
		ck_assert(!s[i].passed_over);
	}
	fclose(f);
	ck_assert_uint_eq(i, n);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(m.last_lba, s[n - 1].lba);
	ck_assert_uint_eq(m.end_lba, s[n - 1].lba + s[n - 1].blocks);
	ck_assert_uint_eq(m.nwa, chain_align(m.end_lba));
	free(s);
	disc_free(disc);
}

START_TEST(the_sessions_are_those_of_xorriso)
{
	char md5 = _i ? 'n' : 'f'; /* -md5 on, off: with and without tags */
	struct disc_session *s;
	struct disc *disc;
	size_t n;

	tools_sh(
		"seq 9999 >f; for i in 1 2 3; do xorriso -md5 o%c%s -volid V$i "
		"-dev a -map f /f$i -commit; done",
		md5, _i ? "" : "f");
	sessions_are_as_xorriso_says("a");
	disc = tools_open("a", true);
	ck_assert_int_eq(disc_sessions(disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(s[0].volume_id, "V1");
	ck_assert_str_eq(s[2].volume_id, "V3");
	ck_assert_int_gt(s[1].created, 1600000000);
	ck_assert_int_eq(look(disc).status, DISC_APPENDABLE);
	free(s);
	disc_free(disc);
}
END_TEST

START_TEST(an_unpublished_session_is_not_there)
{
	static unsigned char head[DISC_HEAD_BYTES];
	struct disc_session *s;
	struct disc *disc;
	struct medium before, after;
	size_t n;

	tools_sh("seq 9999 >f; for i in 1 2; do xorriso -md5 on -dev a -map f "
		 "/f$i -commit; done");
	disc = tools_open("a", true);
	before = look(disc);
	ck_assert_int_eq(disc_read_head(disc, head), 0);
	tools_sh("xorriso -md5 on -dev a -map f /f3 -commit");
	after = look(disc);
	ck_assert_uint_eq(after.sessions, 3);
	ck_assert_uint_eq(after.last_lba, before.nwa);
	ck_assert_int_eq(disc_write_head(disc, head, NULL), 0);
	after = look(disc);
	ck_assert_uint_eq(after.sessions, 2);
	ck_assert_uint_eq(after.last_lba, before.last_lba);
	/* Nobody said that it is ours: what it holds stays. */
	ck_assert_uint_gt(after.nwa, before.nwa);
	ck_assert_ptr_nonnull(after.tail_note);
	ck_assert_int_eq(disc_sessions(disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(n, 2);
	free(s);
	disc_free(disc);
}
END_TEST

/*
 * A foreign image that grows by sessions, each with a copy of the head that it
 * replaces in front of its data; the session at @skip (1, 2, ...) has none, as
 * if another program had written it.
 */
static void grow_foreign(int sessions, int skip)
{
	tools_sh(
		"mkdir s; seq 99999 >s/first; genisoimage -quiet -R -V FOREIGN "
		"-o a s");
	for (int i = 1; i <= sessions; i++) {
		tools_sh("head -c 65536 a >head; seq 9999 >f");
		if (i == skip)
			tools_sh("xorriso -md5 on -volid V%d -dev a -map f "
				 "/f%d -commit",
				 i, i);
		else
			tools_sh("xorriso -md5 on -volid V%d -dev a -map f "
				 "/f%d -map head /h%d -find /h%d -exec "
				 "sort_weight 9 -- -commit",
				 i, i, i, i);
	}
}

START_TEST(a_foreign_session_stays_listed)
{
	struct import_opts opts = {0};
	unsigned char head[DISC_HEAD_BYTES];
	struct why why = {""};
	struct disc_session *s;
	struct tree tree;
	struct disc *disc;
	size_t n;

	grow_foreign(0, 0);
	disc = tools_open("a", false);
	ck_assert_int_eq(disc_sessions(disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(s[0].lba, 0);
	ck_assert_str_eq(s[0].volume_id, "FOREIGN");
	ck_assert_uint_eq(look(disc).last_lba, 0);
	ck_assert_int_eq(disc_read_head(disc, head), 0);
	ck_assert_int_eq(chain_is_native(disc, head), 0);
	free(s);
	disc_free(disc);
	tools_sh("rm -r s");

	grow_foreign(3, 0);
	disc = tools_open("a", false);
	ck_assert_int_eq(disc_sessions(disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(n, 4);
	ck_assert_str_eq(s[0].volume_id, "FOREIGN");
	ck_assert_str_eq(s[1].volume_id, "V1");
	ck_assert_str_eq(s[3].volume_id, "V3");
	ck_assert_uint_eq(look(disc).last_lba, s[3].lba);
	opts.session_lba = s[0].lba;
	ck_assert_msg(tree_load("a", &opts, &tree, &why) == 0, "%s", why.text);
	tree_equals_folder(&tree, "a", "s");
	tree_release(&tree);
	free(s);
	disc_free(disc);
}
END_TEST

START_TEST(a_session_without_a_copy_does_not_hide_the_others)
{
	struct disc_session *s;
	struct disc *disc;
	size_t n;

	grow_foreign(4, 3);
	disc = tools_open("a", false);
	ck_assert_int_eq(disc_sessions(disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(n, 5);
	ck_assert_str_eq(s[0].volume_id, "FOREIGN");
	for (int i = 1; i < 5; i++) {
		char name[] = {'V', (char)('0' + i), 0};

		ck_assert_str_eq(s[i].volume_id, name);
	}
	free(s);
	disc_free(disc);
}
END_TEST

/* Its session would end where a native chain begins. */
START_TEST(a_tiny_foreign_session_stays_listed)
{
	struct import_opts opts = {0};
	struct disc_session *s;
	struct builder b;
	struct tree tree;
	size_t n;

	tools_sh("mkdir s; ln -s to s/link; genisoimage -quiet -R -no-pad -V "
		 "TINY -o a s; test $(stat -c %%s a) -lt 65536");
	for (int i = 1; i <= 2; i++) {
		char name[] = {'f', (char)('0' + i), 0};

		b_open(&b, "a");
		b_file(&b, 0, name, name);
		b_commit(&b);
		b_close(&b);
	}
	b_open(&b, "a");
	ck_assert_int_eq(disc_sessions(b.disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(s[0].volume_id, "TINY");
	ck_assert_uint_eq(s[1].lba, 64);
	opts.session_lba = s[0].lba;
	b_close(&b);
	ck_assert_int_eq(tree_load("a", &opts, &tree, NULL), 0);
	ck_assert_ptr_nonnull(tree_find(&tree, "/link"));
	ck_assert_uint_eq(tree.n, 2);
	tree_release(&tree);
	free(s);
}
END_TEST

START_TEST(hostile_superblocks_do_no_harm)
{
	static const uint32_t sizes[] = {0, 1, 33, 1000, UINT32_MAX};
	struct disc *disc;

	tools_sh("seq 9999 >f; for i in 1 2; do xorriso -md5 on -dev a -map f "
		 "/f$i -commit; done; cp a b");
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (int at = 16; at <= 48; at += 32) {
			struct medium m;

			tools_sh("cp b a");
			tools_patch("a", (uint64_t)at * DISC_BLOCK + 80,
				    &sizes[i], sizeof sizes[i]);
			disc = tools_open("a", true);
			m = look(disc);
			ck_assert_uint_le(m.free_blocks, UINT32_MAX);
			ck_assert_uint_le(m.last_lba, m.end_lba);
			disc_free(disc);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("disc");
	TCase *tcase = tcase_create("disc");

	tcase_add_checked_fixture(tcase, tools_enter, tools_leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_missing_image_is_made_only_when_asked);
	tcase_add_test(tcase, zeros_are_blank);
	tcase_add_test(tcase, what_is_no_disc_is_refused);
	tcase_add_test(tcase, a_second_writer_is_refused);
	tcase_add_test(tcase, libburn_writes_beside_the_lock);
	tcase_add_test(tcase, an_unwritable_image_is_opened_read_only);
	tcase_add_test(tcase, capacity_limits_what_is_free);
	tcase_add_test(tcase, reading_stays_inside);
	tcase_add_test(tcase, a_head_is_written_and_read_back);
	tcase_add_test(tcase, a_truncated_image_is_not_appended);
	tcase_add_loop_test(tcase, the_sessions_are_those_of_xorriso, 0, 2);
	tcase_add_test(tcase, an_unpublished_session_is_not_there);
	tcase_add_test(tcase, a_foreign_session_stays_listed);
	tcase_add_test(tcase,
		       a_session_without_a_copy_does_not_hide_the_others);
	tcase_add_test(tcase, a_tiny_foreign_session_stays_listed);
	tcase_add_test(tcase, hostile_superblocks_do_no_harm);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
