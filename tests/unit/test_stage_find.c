/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/stage_tools.h"

/*
 * Which stage belongs to a disc.  Every case starts with one stage, st, that
 * is bound to the image "disc.iso", and looks with what a disc shows now.
 */

static struct stage_binding now; /* what the disc shows; path in now_path */
static char now_path[256], found[64];
static bool recover;
static uint64_t fake_ino = 1000;

/* A path beside the folder of stages. */
static char *image(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%.*s/%s", (int)(strrchr(root, '/') - root),
		 root, name);
	return path;
}

static void make_image(const char *name)
{
	ck_assert_int_eq(mknod(image(name), S_IFREG | 0600, 0), 0);
}

/* @b is the image @name, which must be there. */
static void at_image(struct stage_binding *b, char *path, const char *name)
{
	struct stat s;

	strcpy(path, image(name));
	ck_assert_int_eq(stat(path, &s), 0);
	b->path = path;
	b->image_dev = s.st_dev;
	b->image_ino = s.st_ino;
}

/* Something is in @stage. */
static void fill(struct stage *stage)
{
	const char *gone = "removed";

	ok(stage_write(stage,
		       &(struct stage_batch){.gone = &gone, .n_gone = 1},
		       &why));
}

/* Bind st, which holds something, to @b; then the disc shows just that. */
static void bind_to(const struct stage_binding *b)
{
	if (stage_rows(st) == 0)
		fill(st);
	ok(stage_set_binding(st, b, &why));
	now = *b;
	strcpy(now_path, b->path);
	now.path = now_path;
}

static struct stage_binding an_image(void)
{
	static char path[256];
	struct stage_binding b = {.base_lba = 32,
				  .tip_lba = 32,
				  .nwa = 96,
				  .media_type = "image file"};

	memset(b.digest, 0xd1, sizeof b.digest);
	make_image("disc.iso");
	at_image(&b, path, "disc.iso");
	return b;
}

static struct stage_binding a_disc(void)
{
	static char path[] = "/dev/sr0";
	struct stage_binding b = {.base_lba = 0,
				  .tip_lba = 0,
				  .nwa = 500,
				  .path = path,
				  .serial = "SN1",
				  .media_type = "DVD+R",
				  .capacity_blocks = 2295104};

	memset(b.digest, 0xd2, sizeof b.digest);
	return b;
}

static void other_digest(void)
{
	memset(now.digest, 0x77, sizeof now.digest);
}

static void grown(void)
{
	other_digest();
	now.tip_lba = 96;
	now.nwa = 160;
}

static int find(void)
{
	char *id = NULL;
	int ret = stage_find(root, &now, &id, &recover, &why);

	snprintf(found, sizeof found, "%s", id ? id : "");
	free(id);
	return ret;
}

/* It is st's disc. */
static void ck_found(bool want_recover)
{
	ck_assert_msg(find() == 1, "%s", why.text);
	ck_assert_str_eq(found, stage_id(st));
	ck_assert_int_eq(recover, want_recover);
}

static void ck_none(void)
{
	ck_assert_msg(find() == 0, "%s", why.text);
	ck_assert_str_eq(found, "");
}

/* It must not be used: st is named, and how to go on. */
static void ck_refused(const char *reason, const char *way)
{
	char text[512];

	ck_assert_int_eq(find(), -ESTALE);
	ck_assert_str_eq(found, stage_id(st));
	ck_assert_msg(strstr(why.text, reason) != NULL, "%s", why.text);
	ck_assert_msg(strstr(why.text, way) != NULL, "%s", why.text);
	snprintf(text, sizeof text, "-o 'stage=%s,nostage' ", root);
	ck_assert_msg(strstr(why.text, text) != NULL, "%s", why.text);
	snprintf(text, sizeof text, "\"discfs stage drop --stage '%s' %.8s\"", root,
		 stage_id(st));
	ck_assert_msg(strstr(why.text, text) != NULL, "%s", why.text);
	ck_assert_uint_lt(strlen(why.text), sizeof why.text - 1);
	ck_assert_ptr_null(strchr(why.text, '\n'));
}

static void ck_stale(const char *reason)
{
	char way[512];

	snprintf(way, sizeof way, "\"discfs mount -o 'stage=%s,stage-from=%.8s' ",
		 root, stage_id(st));
	ck_refused(reason, way);
}

static void ck_grown(const char *reason)
{
	char way[512];

	snprintf(way, sizeof way, "\"discfs mount -o 'stage=%s,rebase' ", root);
	ck_refused(reason, way);
	ck_assert_ptr_null(strstr(why.text, "-o stage-from"));
}

static void burn_begun(uint64_t nwa)
{
	static unsigned char head[65536];
	struct stage_intent i = {.nwa = nwa,
				 .blocks = 50,
				 .overwritable = true,
				 .old_head = head,
				 .new_head = head};

	ok(stage_set_intent(st, &i, &why));
}

START_TEST(same_image)
{
	struct stage_binding b = an_image();

	bind_to(&b);
	ck_found(false);
	/* Found beside its owner, and by the next mount. */
	reopen(true);
	ck_found(false);
	/* A device that got another number is the same by its path. */
	now.image_dev++;
	ck_found(false);
}
END_TEST

START_TEST(moved_image)
{
	struct stage_binding b = an_image();
	char from[256];

	bind_to(&b);
	strcpy(from, image("disc.iso"));
	ck_assert_int_eq(rename(from, image("moved.iso")), 0);
	at_image(&now, now_path, "moved.iso");
	ck_found(false);
}
END_TEST

START_TEST(copied_image)
{
	struct stage_binding b = an_image();

	bind_to(&b);
	make_image("copy.iso");
	at_image(&now, now_path, "copy.iso");
	ck_stale("this is a copy of");
	/* Without the original, the copy is the disc. */
	ck_assert_int_eq(unlink(image("disc.iso")), 0);
	ck_found(false);
}
END_TEST

START_TEST(grown_image)
{
	struct stage_binding b = an_image();
	char from[256];

	bind_to(&b);
	grown();
	ck_grown("something else wrote to it");
	strcpy(from, image("disc.iso"));
	ck_assert_int_eq(rename(from, image("moved.iso")), 0);
	at_image(&now, now_path, "moved.iso");
	ck_grown("before it was moved");
}
END_TEST

START_TEST(other_image_at_the_path)
{
	struct stage_binding b = an_image();

	bind_to(&b);
	other_digest();
	now.image_ino = fake_ino;
	ck_stale("another disc that was at this path");
	now.blank = true;
	memset(now.digest, 0, sizeof now.digest);
	ck_stale("another disc that was at this path");
}
END_TEST

START_TEST(other_import_options)
{
	struct stage_binding b = an_image();

	bind_to(&b);
	other_digest();
	now.import_flags = 1;
	ck_stale("norock");
}
END_TEST

START_TEST(unrelated_image)
{
	struct stage_binding b = an_image();

	bind_to(&b);
	make_image("other.iso");
	at_image(&now, now_path, "other.iso");
	other_digest();
	ck_none();
	/* The stage's image was removed, and its inode used again by a disc
	 * that cannot have grown from it. */
	ck_assert_int_eq(unlink(image("disc.iso")), 0);
	now.image_ino = b.image_ino;
	now.nwa = b.nwa - 1;
	ck_none();
}
END_TEST

START_TEST(two_stages_match)
{
	struct stage_binding b = an_image();
	struct stage *other;
	char text[128];

	bind_to(&b);
	ok(stage_create(root, &b, &other, &why));
	ck_assert_int_eq(find(), -ESTALE);
	ck_assert_ptr_nonnull(strstr(why.text, stage_id(st)));
	ck_assert_ptr_nonnull(strstr(why.text, stage_id(other)));
	ck_assert_ptr_nonnull(strstr(why.text, ",nostage' "));
	ck_assert_str_ne(found, "");
	snprintf(text, sizeof text, ",stage-from=%.8s' ", found);
	ck_assert_ptr_nonnull(strstr(why.text, text));
	ck_assert_ptr_nonnull(strstr(why.text, "discfs stage drop "));
	/* One that only might belong to it does not count beside it. */
	memset(b.digest, 3, sizeof b.digest);
	ok(stage_set_binding(other, &b, &why));
	ck_found(false);
	stage_close(other, false);
}
END_TEST

START_TEST(copy_with_a_stage_of_its_own)
{
	struct stage_binding b = an_image(), copy = b;
	static char path[256];
	struct stage *other;

	bind_to(&b);
	make_image("copy.iso");
	at_image(&copy, path, "copy.iso");
	ok(stage_create(root, &copy, &other, &why));
	ck_found(false);
	at_image(&now, now_path, "copy.iso");
	ck_assert_int_eq(find(), 1);
	ck_assert_str_eq(found, stage_id(other));
	stage_close(other, false);
}
END_TEST

START_TEST(unfinished_burn_on_an_image)
{
	struct stage_binding b = an_image();
	char from[256];

	bind_to(&b);
	burn_begun(96);
	/* Nothing of it is seen; all of it; a torn head. */
	ck_found(true);
	grown();
	ck_found(true);
	now.tip_lba = 12345;
	ck_found(true);
	memset(now.digest, 0, sizeof now.digest);
	now.blank = true;
	ck_found(true);
	/* Moved after that. */
	now.blank = false;
	grown();
	strcpy(from, image("disc.iso"));
	ck_assert_int_eq(rename(from, image("moved.iso")), 0);
	at_image(&now, now_path, "moved.iso");
	ck_found(true);
	/* At the same place on a device with another number. */
	strcpy(now_path, from);
	now.image_dev++;
	ck_found(true);
	now.tip_lba = 1000;
	ck_stale("another disc that was at this path");
	ok(stage_set_intent(st, NULL, &why));
	at_image(&now, now_path, "moved.iso");
	grown();
	ck_grown("before it was moved");
}
END_TEST

START_TEST(blank_image)
{
	struct stage_binding b = an_image();
	char from[256];

	memset(b.digest, 0, sizeof b.digest);
	b.blank = true;
	b.base_lba = b.tip_lba = 0;
	b.nwa = 32;
	bind_to(&b);
	ck_found(false);
	/* Each of them counts: all blank images are alike. */
	now.image_dev++;
	ck_stale("another disc that was at this path");
	now.image_dev--;
	now.image_ino = fake_ino;
	ck_stale("another disc that was at this path");
	make_image("other.iso");
	at_image(&now, now_path, "other.iso");
	ck_none();
	strcpy(from, image("disc.iso"));
	ck_assert_int_eq(rename(from, image("moved.iso")), 0);
	at_image(&now, now_path, "moved.iso");
	ck_grown("before it was moved");
	ck_assert_int_eq(rename(image("moved.iso"), from), 0);
	at_image(&now, now_path, "disc.iso");
	ck_found(false);
	/* Somebody else burned to it; or we did, and were killed. */
	grown();
	now.blank = false;
	ck_grown("something else wrote to it");
	burn_begun(32);
	ck_found(true);
}
END_TEST

START_TEST(disc_in_a_drive)
{
	struct stage_binding b = a_disc();

	bind_to(&b);
	ck_found(false);
	/* In another drive it is the same disc. */
	strcpy(now.serial, "SN2");
	strcpy(now_path, "/dev/sr1");
	ck_found(false);
	/* Another disc in the same drive is not. */
	now = b;
	other_digest();
	ck_none();
	now.blank = true;
	ck_none();
	/* The burn that was not finished made the disc look otherwise. */
	burn_begun(500);
	now.blank = false;
	now.tip_lba = 500;
	ck_found(true);
	now.tip_lba = 501;
	ck_none();
	now.tip_lba = 500;
	now.capacity_blocks++;
	ck_none();
}
END_TEST

START_TEST(blank_disc_in_a_drive)
{
	struct stage_binding b = a_disc();

	memset(b.digest, 0, sizeof b.digest);
	b.blank = true;
	b.nwa = 0;
	bind_to(&b);
	ck_found(false);
	now.capacity_blocks--;
	ck_none();
	now.capacity_blocks++;
	strcpy(now.media_type, "DVD-R");
	ck_none();
	strcpy(now.media_type, "DVD+R");
	strcpy(now.serial, "SN2");
	ck_none();
	strcpy(now.serial, "SN1");
	strcpy(now_path, "/dev/sr7"); /* the number of the drive changed */
	ck_found(false);
	/* A DVD-RW is the same once it was formatted, and is written from
	 * another place on then. */
	strcpy(b.media_type, "DVD-RW sequential recording");
	strcpy(b.serial, "SN1");
	bind_to(&b);
	ck_found(false);
	now.nwa = 32;
	ck_none();
	strcpy(now.media_type, "DVD-RW restricted overwrite");
	now.capacity_blocks++;
	ck_found(false);
	strcpy(b.media_type, "DVD+R");
	/* A drive without a serial is known by its path. */
	b.serial[0] = '\0';
	bind_to(&b);
	ck_found(false);
	strcpy(now_path, "/dev/sr7");
	ck_none();
}
END_TEST

START_TEST(image_of_a_disc)
{
	struct stage_binding b = a_disc();

	bind_to(&b);
	make_image("copy.iso");
	at_image(&now, now_path, "copy.iso");
	ck_stale("this is a copy of");
	other_digest();
	ck_none();
}
END_TEST

START_TEST(long_and_strange_path_fits_the_line)
{
	struct stage_binding b = an_image();
	static char path[5000];

	memset(path, '\n', sizeof path - 1);
	path[0] = '/';
	b.path = path;
	fill(st);
	ok(stage_set_binding(st, &b, &why));
	now = b;
	make_image("copy.iso");
	at_image(&now, now_path, "copy.iso");
	ck_found(false); /* such a path is not there */
	now.image_ino = b.image_ino;
	now.image_dev = b.image_dev;
	grown();
	ck_grown("before it was moved");
}
END_TEST

START_TEST(broken_stage_is_left_aside)
{
	struct stage_binding b = an_image();
	struct stage_binding foreign = b;
	struct stage *other;
	char path[400], elsewhere[] = "/nowhere/other.iso";

	foreign.path = elsewhere;
	foreign.image_ino += 1000;
	foreign.digest[0] ^= 1;
	bind_to(&b);
	ok(stage_create(root, &foreign, &other, &why));
	snprintf(path, sizeof path, "%s/stage.db", stage_path(other));
	stage_close(other, false);
	ck_assert_int_eq(truncate(path, 100), 0);
	ck_found(false);
}
END_TEST

START_TEST(broken_stage_of_the_disc)
{
	struct stage_binding b = an_image();
	struct stage *other;
	char path[400], *id = NULL;
	bool again;
	int err;

	bind_to(&b);
	ok(stage_create(root, &b, &other, &why));
	snprintf(path, sizeof path, "%s/stage.db", stage_path(other));
	stage_close(other, false);
	ck_assert_int_eq(truncate(path, 100), 0);
	err = stage_find(root, &b, &id, &again, &why);
	ck_assert(stage_is_broken(err));
	ck_assert_ptr_nonnull(id);
	ck_assert_ptr_nonnull(strstr(why.text, "discfs stage drop"));
	free(id);
}
END_TEST

START_TEST(no_stage_at_all)
{
	struct stage_binding b = an_image();

	bind_to(&b);
	ck_found(false);
	stage_close(st, false);
	ok(stage_remove(root, found, &why));
	st = NULL;
	ck_none();
	ck_assert_int_eq(rmdir(root), 0);
	ck_none();
}
END_TEST

/* As a crash of a mount without changes leaves one. */
START_TEST(empty_stage_is_in_nobodys_way)
{
	struct stage_binding b = an_image();
	struct stage *other;
	char *id = NULL;

	ok(stage_set_binding(st, &b, &why));
	now = b;
	ck_found(false);
	grown();
	ck_none();
	ck_assert_int_eq(stage_find_path(root, b.path, &id), 0);
	/* In use, it stays. */
	ok(stage_create(root, &now, &other, &why));
	ck_assert_uint_eq(stages(), 2);
	stage_close(other, true);
	stage_close(st, false);
	st = NULL;
	ok(stage_create(root, &now, &other, &why));
	ck_assert_uint_eq(stages(), 1);
	/* Neither that of another image, nor one with changes. */
	b.path = now_path;
	make_image("other.iso");
	at_image(&b, now_path, "other.iso");
	fill(other);
	stage_close(other, false);
	ok(stage_create(root, &b, &other, &why));
	stage_close(other, false);
	ok(stage_create(root, &now, &other, &why));
	ck_assert_uint_eq(stages(), 3);
	stage_close(other, false);
}
END_TEST

START_TEST(stage_by_its_path)
{
	struct stage_binding b = an_image();
	char *id = NULL;

	bind_to(&b);
	ck_assert_int_eq(stage_find_path(root, b.path, &id), 1);
	ck_assert_str_eq(id, stage_id(st));
	free(id);
	ck_assert_int_eq(stage_find_path(root, "/none.iso", &id), 0);
}
END_TEST

static void ck_root(const char *option, const char *want)
{
	char *got = stage_root(option, &why);

	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(folder_of_the_stages)
{
	ck_root("/some/where", "/some/where");
	ck_assert_int_eq(chdir("/usr"), 0);
	ck_root("stages", "/usr/stages");
	if (geteuid() == 0) {
		ck_root(NULL, "/var/lib/discfs");
		ck_assert_int_eq(seteuid(65534), 0);
	}
	setenv("XDG_STATE_HOME", "/x/state", 1);
	ck_root(NULL, "/x/state/discfs");
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("HOME", "/home/u", 1);
	ck_root(NULL, "/home/u/.local/state/discfs");
	unsetenv("XDG_STATE_HOME");
	ck_root("", "/home/u/.local/state/discfs");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stage_find");
	TCase *t = tcase_create("stage_find");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, same_image);
	tcase_add_test(t, moved_image);
	tcase_add_test(t, copied_image);
	tcase_add_test(t, grown_image);
	tcase_add_test(t, other_image_at_the_path);
	tcase_add_test(t, other_import_options);
	tcase_add_test(t, unrelated_image);
	tcase_add_test(t, two_stages_match);
	tcase_add_test(t, copy_with_a_stage_of_its_own);
	tcase_add_test(t, unfinished_burn_on_an_image);
	tcase_add_test(t, blank_image);
	tcase_add_test(t, disc_in_a_drive);
	tcase_add_test(t, blank_disc_in_a_drive);
	tcase_add_test(t, image_of_a_disc);
	tcase_add_test(t, long_and_strange_path_fits_the_line);
	tcase_add_test(t, broken_stage_is_left_aside);
	tcase_add_test(t, broken_stage_of_the_disc);
	tcase_add_test(t, no_stage_at_all);
	tcase_add_test(t, empty_stage_is_in_nobodys_way);
	tcase_add_test(t, stage_by_its_path);
	tcase_add_test(t, folder_of_the_stages);
	suite_add_tcase(s, t);
	return run_suite(s);
}
