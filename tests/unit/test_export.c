/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree as an image of its own: of bases that several programs made.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "burner/export.h"
#include "tests/unit/plan_builder.h"
#include "tests/unit/run_suite.h"

static int export_fd(struct builder *b, int fd, struct export_result *ret)
{
	return export_image(b->disc, &b->plan, fd, &b->sink, ret, &b->why);
}

static int export_to(struct builder *b, const char *path)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0666), err;
	struct export_result r;

	ck_assert_int_ge(fd, 0);
	err = export_fd(b, fd, &r);
	if (!err)
		ck_assert_int_eq(lseek(fd, 0, SEEK_END),
				 (off_t)(r.blocks * DISC_BLOCK));
	close(fd);
	return err;
}

static void must(struct builder *b, int err)
{
	ck_assert_msg(err == 0, "%d: %s", err, why_text(&b->why, err));
}

START_TEST(whole_bases)
{
	struct builder b;

	new_folder();
	make_base(_i);
	b_open(&b, "a.iso");
	must(&b, export_to(&b, "out.iso"));
	b_close(&b);
	same_tree("out.iso");
	shell("cmp before.iso a.iso");
	shell("test $(xorriso -indev out.iso -toc 2>/dev/null |"
	      " grep -c '^ISO session') -eq 1");
}
END_TEST

START_TEST(edits)
{
	uint32_t n, z;
	struct builder b;

	new_folder();
	make_base(_i);
	b_open(&b, "a.iso");
	b_move(&b, "/one", 0, "two");
	b_move(&b, "/two", 0, "one");
	z = b_dir(&b, 0, "z");
	n = b_move(&b, "/a", z, "a-moved");
	b_move(&b, "/b", n, "b-inside");
	b_remove(&b, "/gone");
	b_move(&b, "/gone/stay", 0, "stayed");
	b_rewrite(&b, "/many/file7", "seven\n");
	b_remove(&b, "/many/file8");
	b_big(&b, z, "big", 3000000);
	must(&b, export_to(&b, "out.iso"));
	/* Twice from one plan, and then it can still be burned. */
	must(&b, export_to(&b, "again.iso"));
	b_commit(&b);
	b_close(&b);
	shell("cd want; mv one t; mv two one; mv t two; mkdir z;"
	      "mv a z/a-moved; mv b z/a-moved/b-inside; mv gone/stay stayed;"
	      "rm -r gone; echo seven >many/file7; rm many/file8;"
	      "yes 'The quick brown fox jumps over the lazy dog.' |"
	      " head -c 3000000 >z/big");
	same_tree("out.iso");
	same_tree("again.iso");
	same_tree("a.iso");
}
END_TEST

START_TEST(links_share_their_content)
{
	struct builder b;

	new_folder();
	make_base(0);
	b_open(&b, "a.iso");
	b_link(&b, "/a/numbers", 0, "third");
	must(&b, export_to(&b, "out.iso"));
	b_close(&b);
	shell("cd want; ln a/numbers third");
	same_tree("out.iso");
	shell("test $(xorriso -indev out.iso -find / -type f -exec report_lba "
	      "-- "
	      "2>/dev/null | grep -E \"numbers|third\" |"
	      "awk '{ print $6 }' | sort -u | wc -l) -eq 1");
}
END_TEST

START_TEST(long_names)
{
	struct builder b;
	uint32_t d;
	char name[200];

	new_folder();
	make_base(0);
	b_open(&b, "a.iso");
	d = b_dir(&b, 0, "long");
	shell("mkdir want/long");
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "%d%0*d", i + 10, 100 + i, 7);
		b_file(&b, d, name, "x");
		shell("printf x >want/long/%s", name);
	}
	must(&b, export_to(&b, "out.iso"));
	b_close(&b);
	same_tree("out.iso");
}
END_TEST

START_TEST(what_fails)
{
	atomic_int cancel = 0;
	struct export_result r;
	struct builder b;
	int fds[2];
	uint32_t i;

	new_folder();
	make_base(0);
	signal(SIGPIPE, SIG_IGN);
	b_open(&b, "a.iso");
	i = b_big(&b, 0, "big", 20000000);
	b_content(&b, i)->fail_at = 15000000;
	ck_assert_int_eq(export_to(&b, "out.iso"), -EIO);
	ck_assert_ptr_nonnull(strstr(b.why.text, "/big"));
	b_content(&b, i)->fail_at = UINT64_MAX;

	/* Nobody reads. */
	ck_assert_int_eq(pipe(fds), 0);
	close(fds[0]);
	ck_assert_int_eq(export_fd(&b, fds[1], &r), -EPIPE);
	close(fds[1]);

	/* While it is read, and while the pipe is full. */
	b.sink.cancel = &cancel;
	b_content(&b, i)->set_when_read = &cancel;
	ck_assert_int_eq(export_to(&b, "out.iso"), -ECANCELED);
	atomic_store(&cancel, 0);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(export_fd(&b, fds[1], &r), -ECANCELED);
	close(fds[0]);
	close(fds[1]);
	atomic_store(&cancel, 0);
	b_content(&b, i)->set_when_read = NULL;

	b.plan.base_digest[3] ^= 1;
	ck_assert_int_eq(export_to(&b, "out.iso"), -ESTALE);
	/* Whatever there is. */
	memset(b.plan.base_digest, 0, sizeof b.plan.base_digest);
	must(&b, export_to(&b, "out.iso"));
	b_close(&b);
	shell("yes 'The quick brown fox jumps over the lazy dog.' |"
	      " head -c 20000000 >want/big");
	same_tree("out.iso");
	shell("cmp before.iso a.iso");
}
END_TEST

START_TEST(blank_disc)
{
	struct builder b;

	new_folder();
	b_open(&b, "a.iso");
	b_file(&b, b_dir(&b, 0, "folder"), "text", "hello\n");
	must(&b, export_to(&b, "out.iso"));
	b_close(&b);
	shell("mkdir -p want/folder; echo hello >want/folder/text;"
	      "test ! -s a.iso");
	same_tree("out.iso");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("export");
	TCase *c = tcase_create("export");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, whole_bases, 0, N_MAKERS);
	tcase_add_loop_test(c, edits, 0, N_MAKERS);
	tcase_add_test(c, links_share_their_content);
	tcase_add_test(c, long_names);
	tcase_add_test(c, what_fails);
	tcase_add_test(c, blank_disc);
	suite_add_tcase(s, c);
	return run_suite(s);
}
