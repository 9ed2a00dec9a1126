/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/plan_builder.h"
#include "tests/unit/run_suite.h"

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
	/* Long enough to be reported. */
	b.nodes[i].size = 5000000;
	b_content(&b, i)->delay_ms = 20;
	b_author(&b);
	b_burn(&b);
	ck_assert(b.reports > 0 && b.saw_file);
	b_close(&b);
}
END_TEST

/* Not libisofs but the system ends the burn. */
START_TEST(failing_write)
{
	struct rlimit limit, old;
	struct builder b;

	new_folder();
	make_base(0);
	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	b_open(&b, "a.iso");
	b_big(&b, 0, "big", 5000000);
	b_author(&b);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = b.facts.nwa * DISC_BLOCK + 1000000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(session_burn(b.session, NULL, &b.why), -EFBIG);
	ck_assert_ptr_nonnull(strstr(b.why.text, strerror(EFBIG)));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	nothing_happened(&b);
	/* At once again. */
	b_author(&b);
	b_burn(&b);
	b_verify(&b);
	b_publish(&b);
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

static Suite *suite(void)
{
	Suite *s = suite_create("session_faults");
	TCase *tc = tcase_create("images");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, failing_write);
	tcase_add_test(tc, failing_content);
	tcase_add_test(tc, cancelled_burn);
	tcase_add_test(tc, stale_plans);
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, damage_is_found);
	tcase_add_loop_test(tc, recovery, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
