/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs info: the medium in a drive, or an image file, whatever it holds.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/exit_code.h"
#include "cli/quote.h"
#include "cli/show.h"
#include "cli/show_args.h"
#include "cli/show_report.h"
#include "cli/target.h"
#include "common/cleanup.h"
#include "common/size.h"
#include "fs/report_media.h"

/* ---- in words ---- */

static void show_medium(struct json_object *m)
{
	char free_text[SIZE_TEXT], capacity[SIZE_TEXT];
	const char *type = answer_text(m, "type");

	show_row("medium:", "%s%s%s%s", type, *type ? ", " : "",
		 answer_text(m, "status"),
		 show_is_true(m, "overwritable") ? ", overwritable" : "");
	if (*answer_text(m, "media_id"))
		show_row("", "%s%s%s", answer_text(m, "media_id"),
			 *answer_text(m, "manufacturer") ? ", made by " : "",
			 answer_text(m, "manufacturer"));
	if (*answer_text(m, "reason"))
		show_row("", "cannot be written: %s", answer_text(m, "reason"));
	if (*answer_text(m, "looks_like"))
		show_row("looks like:", "%s", answer_text(m, "looks_like"));
	show_notes(m);
	if (!answer_number(m, "capacity_bytes"))
		return;
	size_format(answer_number(m, "free_bytes"), free_text);
	size_format(answer_number(m, "capacity_bytes"), capacity);
	if (answer_number(m, "free_bytes"))
		show_row(
			"space:", "%s free of %s, next writable block %" PRIu64,
			free_text, capacity, answer_number(m, "nwa"));
	else
		show_row("space:", "nothing free of %s", capacity);
}

/* The names of the trade. */
static const char *system_name(const char *type)
{
	static const char *const names[][2] = {
		{"iso9660", "ISO 9660"},
		{"rock_ridge", "Rock Ridge"},
		{"joliet", "Joliet"},
		{"iso9660_1999", "ISO 9660:1999"},
		{"udf", "UDF"},
		{"hfs_plus", "HFS+"},
		{"hfs", "HFS"},
		{"el_torito", "El Torito"},
		{"mbr", "MBR partitions"},
		{"gpt", "GPT partitions"},
		{"apm", "Apple partitions"},
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(type, names[i][0]))
			return names[i][1];
	return type;
}

static void show_systems(struct json_object *list, struct json_object *boot)
{
	const char *row = "holds:";

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *s = json_object_array_get_idx(list, i);
		uint64_t level = answer_number(s, "level");
		uint64_t files = answer_number(s, "files");
		char text[64] = "";

		if (level)
			snprintf(text, sizeof text, " level %" PRIu64 "%s",
				 level,
				 show_is_true(s, "level_partial") ? " or higher"
								  : "");
		else if (files)
			snprintf(text, sizeof text, ", %" PRIu64 " file%s",
				 files, files == 1 ? "" : "s");
		show_row(row, "%s%s%s", system_name(answer_text(s, "type")),
			 text,
			 show_is_true(s, "supported") ? ""
						      : " (not used here)");
		row = "";
	}
	row = "starts by:";
	for (size_t i = 0; boot && i < json_object_array_length(boot); i++) {
		struct json_object *s = json_object_array_get_idx(boot, i);

		show_row(row, "%s", system_name(json_object_get_string(s)));
		row = "";
	}
}

static void show_sessions(struct json_object *list)
{
	size_t n = list ? json_object_array_length(list) : 0;

	if (!n)
		return;
	printf("\n%7s %10s %10s  %-20s  %s\n", "SESSION", "LBA", "BLOCKS",
	       "DATE", "VOLUME ID");
	for (size_t i = 0; i < n; i++) {
		struct json_object *s = json_object_array_get_idx(list, i);
		AUTO_FREE char *id = quote_name(answer_text(s, "volume_id"));

		printf("%7" PRIu64 " %10" PRIu64 " %10" PRIu64 "  %-20s  %s\n",
		       answer_number(s, "number"), answer_number(s, "lba"),
		       answer_number(s, "blocks"), answer_text(s, "date"),
		       id ? id : "");
	}
}

static void show(struct json_object *info)
{
	struct json_object *d = show_member(info, "drive");
	struct json_object *m = show_member(info, "medium");

	show_row("source:", "%s", answer_text(info, "source"));
	if (d)
		show_row("", "%s %s %s", answer_text(d, "vendor"),
			 answer_text(d, "product"), answer_text(d, "revision"));
	if (*answer_text(info, "mountpoint"))
		show_row("mounted on:", "%s", answer_text(info, "mountpoint"));
	if (m) {
		show_medium(m);
		show_speeds(json_object_object_get(m, "write_speeds"));
	}
	show_systems(json_object_object_get(info, "file_systems"),
		     json_object_object_get(info, "boot"));
	if (*answer_text(info, "trouble"))
		show_row("trouble:", "%s", answer_text(info, "trouble"));
	show_sessions(json_object_object_get(info, "sessions"));
}

/* ---- where it comes from ---- */

static void put_known(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key,
			       *text ? json_object_new_string(text) : NULL);
}

/* Takes over @sessions of "log", which tell more than asked for. */
static void put_sessions(struct json_object *o, struct json_object *sessions)
{
	for (size_t i = 0; i < json_object_array_length(sessions); i++) {
		struct json_object *s = json_object_array_get_idx(sessions, i);

		json_object_object_del(s, "added");
		json_object_object_del(s, "removed");
	}
	json_object_object_add(o, "sessions", json_object_get(sessions));
}

/* The keys of report_info; null for what the mount cannot tell. */
static struct json_object *info_of_mount(const char *dir,
					 struct json_object *status,
					 struct json_object *log)
{
	struct json_object *medium = show_member(status, "medium");
	struct json_object *o = json_object_new_object();

	json_object_object_add(
		medium, "writable",
		json_object_new_boolean(!show_is_true(status, "readonly")));
	put_known(medium, "reason", answer_text(status, "readonly_reason"));
	put_known(o, "source", answer_text(status, "source"));
	put_known(o, "kind", "drive");
	put_known(o, "mountpoint", dir);
	json_object_object_add(o, "drive", NULL);
	json_object_object_add(o, "medium", json_object_get(medium));
	put_sessions(o, json_object_object_get(log, "sessions"));
	json_object_object_add(o, "file_systems", NULL);
	json_object_object_add(o, "boot", NULL);
	json_object_object_add(o, "trouble", NULL);
	return o;
}

static int ask_mount(const char *path, struct json_object **ret,
		     struct why *why)
{
	struct json_object *status = NULL, *log = NULL;
	struct target t;
	int err = target_open_mount(&t, path, true, why);

	if (!err)
		err = target_status(&t, &status, why);
	if (!err)
		err = target_log(&t, &log, why);
	if (!err)
		*ret = info_of_mount(t.mount.dir, status, log);
	json_object_put(status);
	json_object_put(log);
	target_close(&t);
	return err;
}

static int look_at(const char *path, const char *mountpoint,
		   struct json_object **ret, struct why *why)
{
	struct medium_info info;
	int err = medium_info_open(path, false, &info, why);

	if (err)
		return err;
	*ret = report_info(disc_path(info.disc), &info);
	if (mountpoint)
		json_object_object_add(*ret, "mountpoint",
				       json_object_new_string(mountpoint));
	medium_info_release(&info);
	return *ret ? 0 : -ENOMEM;
}

static int gather(const char *path, struct json_object **ret, struct why *why)
{
	struct mountinfo mount = {0};
	struct stat st;
	int err = mountinfo_lookup(path, true, &mount, why);

	if (err < 0)
		return err;
	if (err == 0)
		return look_at(path, NULL, ret, why);
	/* An image can be looked at beside its mount, a drive cannot. */
	if (stat(mount.source, &st) == 0 && S_ISREG(st.st_mode))
		err = look_at(mount.source, mount.dir, ret, why);
	else
		err = ask_mount(path, ret, why);
	mountinfo_release(&mount);
	return err;
}

static int info_run(const struct command *self, int argc, char **argv)
{
	struct json_object *info = NULL;
	struct why why = {""};
	struct show_args args;
	int err;

	if (!show_args_parse(self, argc, argv, 0, &args, &err))
		return err;
	err = gather(args.target, &info, &why);
	show_result(&why, err, args.target, info, args.json, show);
	json_object_put(info);
	return exit_code_of(err);
}

const struct command command_info = {
	.name = "info",
	.summary = "show the medium in a drive, or an image file",
	.usage = "Usage: discfs info [--json] SOURCE\n"
		 "\n"
		 "Show the medium in the drive SOURCE, or the image file "
		 "SOURCE, whatever it holds:\n"
		 "its kind and state, the space, the sessions, the file "
		 "systems.  Of a drive that is\n"
		 "mounted, what its mount knows.\n"
		 "\n"
		 "  --json  as JSON, with sizes in bytes\n"
		 "  --help  show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = info_run,
};
