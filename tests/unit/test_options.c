/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "tests/unit/run_suite.h"

static struct options o;
static struct why why;

static void set_up(void)
{
	options_init(&o);
	why.text[0] = 0;
}

static void tear_down(void)
{
	options_release(&o);
}

static void takes(const char *text)
{
	int err = options_parse(&o, text, false, &why);

	ck_assert_msg(err == 0, "%s: %s", text, why_text(&why, err));
	err = options_finish(&o, &why);
	ck_assert_msg(err == 0, "%s: %s", text, why_text(&why, err));
}

/* @word: what the line names. */
static void refuses(const char *text, const char *word)
{
	int err;

	why.text[0] = 0;
	err = options_parse(&o, text, false, &why);
	if (!err)
		err = options_finish(&o, &why);
	ck_assert_msg(err == -EINVAL, "%s: %d", text, err);
	ck_assert_msg(strstr(why.text, word) != NULL, "%s: %s", text, why.text);
}

START_TEST(defaults)
{
	takes("defaults");
	ck_assert(!o.volume.readonly && !o.volume.create && !o.volume.offline);
	ck_assert_uint_eq(o.volume.triggers,
			  COMMIT_ON_UNMOUNT | COMMIT_ON_SYNC);
	ck_assert_int_eq(o.volume.verify, VERIFY_FULL);
	ck_assert_uint_eq(o.volume.session_lba, IMPORT_LAST);
	ck_assert_int_eq(o.volume.uid, -1);
	ck_assert_int_eq(o.volume.umask, -1);
	ck_assert_ptr_null(o.volume.label);
	ck_assert_ptr_null(o.volume.stage_root);
	ck_assert_int_eq(o.mount.allow_other, geteuid() == 0);
}
END_TEST

START_TEST(takes_the_disc_options)
{
	takes("ro,uid=12,gid=0,umask=022,mode=0644,dmode=755,norock,nojoliet,"
	      "iocharset=UTF-8,stage=/a/b,stage-from=0123-ab,close,"
	      "verify=quick,label=MY DISC,capacity=dvd,create,sbsector=544");
	ck_assert(o.volume.readonly && o.mount.readonly);
	ck_assert_int_eq(o.volume.uid, 12);
	ck_assert_int_eq(o.volume.gid, 0);
	ck_assert_int_eq(o.volume.umask, 022);
	ck_assert_int_eq(o.volume.mode, 0644);
	ck_assert_int_eq(o.volume.dmode, 0755);
	ck_assert(o.volume.no_rock_ridge && o.volume.no_joliet);
	ck_assert_str_eq(o.volume.stage_root, "/a/b");
	ck_assert_str_eq(o.volume.stage_from, "0123-ab");
	ck_assert(o.volume.burn.close && o.volume.create);
	ck_assert_int_eq(o.volume.verify, VERIFY_QUICK);
	ck_assert_str_eq(o.volume.label, "MY DISC");
	ck_assert_uint_eq(o.volume.capacity_bytes, UINT64_C(4700372992));
	ck_assert_uint_eq(o.volume.session_lba, 544);
}
END_TEST

START_TEST(takes_the_drive_options)
{
	static const struct {
		const char *text;
		uint32_t kbs, x;
	} speeds[] = {{"speed=8", 0, 8},	{"speed=16x", 0, 16},
		      {"speed=4c", 705, 0},	{"speed=2D", 2770, 0},
		      {"speed=5540k", 5540, 0}, {"speed=max", 0, 0}};

	takes("dummy,eject,stream=on");
	ck_assert(o.volume.burn.dummy && o.volume.burn.stream);
	ck_assert(o.volume.eject);
	takes("stream=off");
	ck_assert(!o.volume.burn.stream);
	ck_assert(!o.volume.base_given && !o.remount);
	takes("ro,nosuid,remount,user_id=0,group_id=0,allow_other");
	ck_assert(o.remount && o.mount.readonly && o.mount.nosuid);
	takes("rw,base=0");
	ck_assert_str_eq(o.of_disc, "dummy\neject\nstream=on\nstream=off\n"
				    "base=0\n");
	ck_assert(o.volume.base_given);
	ck_assert_uint_eq(o.volume.base_number, 0);
	takes("rw,base=7");
	ck_assert_uint_eq(o.volume.base_number, 7);
	for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
		takes(speeds[i].text);
		ck_assert_uint_eq(o.volume.burn.speed_kbs, speeds[i].kbs);
		ck_assert_uint_eq(o.volume.burn.speed_x, speeds[i].x);
	}
}
END_TEST

START_TEST(takes_what_fstab_holds)
{
	takes("rw,noauto,nofail,_netdev,users,exec,relatime,lazytime,"
	      "x-systemd.automount,X-mount.mkdir=0755,comment=hello,"
	      "uhelper=discfs,dev,async,");
	ck_assert(!o.volume.readonly);
	ck_assert(o.mount.nosuid && !o.mount.noexec && !o.mount.nodev);
}
END_TEST

START_TEST(user_implies)
{
	takes("user=joe");
	ck_assert(o.mount.nosuid && o.mount.nodev && o.mount.noexec);
	tear_down();
	set_up();
	takes("owner");
	ck_assert(o.mount.nosuid && o.mount.nodev && !o.mount.noexec);
}
END_TEST

START_TEST(later_ones_win)
{
	takes("ro,label=A,noatime,verify=none");
	takes("rw,label=B,atime,verify=full");
	ck_assert(!o.volume.readonly && !o.mount.readonly);
	ck_assert_str_eq(o.volume.label, "B");
	ck_assert(!o.mount.noatime);
	ck_assert_int_eq(o.volume.verify, VERIFY_FULL);
}
END_TEST

static unsigned triggers_of(const char *text)
{
	unsigned triggers;

	set_up();
	takes(text);
	triggers = o.volume.triggers;
	tear_down();
	return triggers;
}

/* Its comma is everybody's separator, and "sync" is also mount(8)'s own. */
START_TEST(commit)
{
	const unsigned both = COMMIT_ON_UNMOUNT | COMMIT_ON_SYNC;

	ck_assert_uint_eq(triggers_of("commit=manual"), 0);
	ck_assert_uint_eq(triggers_of("commit=unmount"), COMMIT_ON_UNMOUNT);
	ck_assert_uint_eq(triggers_of("commit=sync"), COMMIT_ON_SYNC);
	ck_assert_uint_eq(triggers_of("commit=unmount,sync"), both);
	ck_assert_uint_eq(triggers_of("commit=sync,unmount"), both);
	ck_assert_uint_eq(triggers_of("commit=\"unmount,sync\""), both);
	ck_assert_uint_eq(triggers_of("rw,sync,commit=unmount"), both);
	ck_assert_uint_eq(triggers_of("sync"), both);
	ck_assert_uint_eq(triggers_of("sync,commit=manual"), 0);
	ck_assert_uint_eq(triggers_of("commit=unmount,commit=manual"), 0);
	ck_assert_uint_eq(triggers_of("commit=manual,commit=sync"),
			  COMMIT_ON_SYNC);
	set_up();
	refuses("commit=always", "commit=always");
	refuses("speed=0", "speed=0");
	refuses("speed=quick", "speed=quick");
	refuses("speed=8q", "speed=8q");
	refuses("speed=99999999", "speed=");
	refuses("stream=yes", "stream=yes");
	refuses("commit=", "commit");
	refuses("commit=manual+sync", "manual");
	refuses("commit=manual,unmount", "unmount");
	tear_down();
	set_up();
	refuses("unmount", "unmount");
}
END_TEST

START_TEST(quotes)
{
	takes("label=\"a,b=c\",stage=\"/x,y\"/z,ro");
	ck_assert_str_eq(o.volume.label, "a,b=c");
	ck_assert_str_eq(o.volume.stage_root, "/x,y/z");
	ck_assert(o.volume.readonly);
	refuses("label=\"a,ro", "quote");
}
END_TEST

START_TEST(makes_the_stage_folder_absolute)
{
	char *cwd = getcwd(NULL, 0);

	takes("stage=some/where");
	ck_assert_ptr_nonnull(cwd);
	ck_assert(!strncmp(o.volume.stage_root, cwd, strlen(cwd)));
	ck_assert_str_eq(o.volume.stage_root + strlen(cwd), "/some/where");
	free(cwd);
}
END_TEST

START_TEST(users_by_name)
{
	takes("uid=root,gid=root");
	ck_assert_int_eq(o.volume.uid, 0);
	ck_assert_int_eq(o.volume.gid, 0);
}
END_TEST

START_TEST(refuses_what_is_wrong)
{
	static const char *const bad[][2] = {
		{"frobnicate", "frobnicate"},
		{"frobnicate=1", "frobnicate"},
		{"stage", "stage"},
		{"stage=", "stage"},
		{"uid", "uid"},
		{"uid=nobody-of-that-name", "nobody-of-that-name"},
		{"uid=-1", "uid"},
		{"uid=4294967295", "uid"},
		{"gid=12x", "gid"},
		{"mode=9", "mode"},
		{"dmode=17777", "dmode"},
		{"umask=rwx", "umask"},
		{"verify=perhaps", "perhaps"},
		{"capacity=12x", "12x"},
		{"capacity=0", "capacity"},
		{"session=last", "session"},
		{"session=0", "session"},
		{"sbsector=4294967295", "sbsector"},
		{"session=1,sbsector=32", "exclude"},
		{"base=-1", "base"},
		{"base=1,session=1", "exclude"},
		{"base=1,sbsector=32", "exclude"},
		{"iocharset=latin1", "latin1"},
		{"label=123456789012345678901234567890123", "32"},
		{"label=a\nb", "label"},
		{"stage-from=../x", "stage-from"},
		{"stage-from=..", "stage-from"},
		{"ro=1", "ro"},
		{"create=yes", "create"},
		{"users=joe", "users"},
		{"nostage,stage-from=1", "exclude"},
		{"nostage,rebase", "exclude"},
		{"fast=8", "fast"},
		{"ROCK", "ROCK"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		set_up();
		refuses(bad[i][0], bad[i][1]);
		tear_down();
	}
}
END_TEST

START_TEST(sloppy)
{
	ck_assert_int_eq(options_parse(&o, "frobnicate,ro,x=y", true, &why), 0);
	ck_assert(o.volume.readonly);
	/* A wrong value of a known one is no less wrong. */
	ck_assert_int_eq(options_parse(&o, "uid=", true, &why), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("options");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, takes_the_disc_options);
	tcase_add_test(tcase, takes_the_drive_options);
	tcase_add_test(tcase, takes_what_fstab_holds);
	tcase_add_test(tcase, user_implies);
	tcase_add_test(tcase, later_ones_win);
	tcase_add_test(tcase, commit);
	tcase_add_test(tcase, quotes);
	tcase_add_test(tcase, makes_the_stage_folder_absolute);
	tcase_add_test(tcase, users_by_name);
	tcase_add_test(tcase, refuses_what_is_wrong);
	tcase_add_test(tcase, sloppy);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
