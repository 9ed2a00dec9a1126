/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/options.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/size.h"

/* Returns 0 or -EINVAL; @value is NULL where the option had none. */
typedef int (*option_take)(struct options *o, const char *name,
			   const char *value, struct why *why);

enum rule_kind {
	RULE_IGNORE, /* with a value or without */
	RULE_ON,     /* sets a bool */
	RULE_OFF,
	RULE_FLAG,  /* calls take, has no value */
	RULE_VALUE, /* calls take, must have a value */
	RULE_EITHER /* calls take */
};

struct rule {
	const char *name;
	enum rule_kind kind;
	size_t offset;
	option_take take;
};

static int parse_number(const char *text, int base, uint64_t max, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || *end || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int keep_text(struct options *o, enum options_text which,
		     const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(o->texts[which]);
	o->texts[which] = copy;
	return 0;
}

static int take_uid(struct options *o, const char *name, const char *value,
		    struct why *why)
{
	struct passwd *pw = getpwnam(value);
	uint64_t id;

	if (pw)
		id = pw->pw_uid;
	else if (parse_number(value, 10, UINT32_MAX - 1, &id))
		return why_set(why, -EINVAL, "-o %s=%s: no such user", name,
			       value);
	o->volume.uid = (int64_t)id;
	return 0;
}

static int take_gid(struct options *o, const char *name, const char *value,
		    struct why *why)
{
	struct group *gr = getgrnam(value);
	uint64_t id;

	if (gr)
		id = gr->gr_gid;
	else if (parse_number(value, 10, UINT32_MAX - 1, &id))
		return why_set(why, -EINVAL, "-o %s=%s: no such group", name,
			       value);
	o->volume.gid = (int64_t)id;
	return 0;
}

static int take_mode(struct options *o, const char *name, const char *value,
		     struct why *why)
{
	int64_t *field = !strcmp(name, "umask")	  ? &o->volume.umask
			 : !strcmp(name, "dmode") ? &o->volume.dmode
						  : &o->volume.mode;
	uint64_t bits;

	if (parse_number(value, 8, 07777, &bits))
		return why_set(why, -EINVAL, "-o %s=%s: not an octal file mode",
			       name, value);
	*field = (int64_t)bits;
	return 0;
}

static int take_session(struct options *o, const char *name, const char *value,
			struct why *why)
{
	uint64_t number;

	if (parse_number(value, 10, UINT_MAX, &number) || number == 0)
		return why_set(why, -EINVAL,
			       "-o %s=%s: not a session's number (1, 2, ... as "
			       "\"discfs log\" shows them)",
			       name, value);
	o->session_number = (unsigned)number;
	return 0;
}

static int take_base(struct options *o, const char *name, const char *value,
		     struct why *why)
{
	uint64_t number;

	if (parse_number(value, 10, UINT_MAX, &number))
		return why_set(why, -EINVAL,
			       "-o %s=%s: not a session's number (as \"discfs "
			       "log\" shows them; 0 for none)",
			       name, value);
	o->volume.base_given = true;
	o->volume.base_number = (unsigned)number;
	return 0;
}

static int take_sbsector(struct options *o, const char *name, const char *value,
			 struct why *why)
{
	uint64_t lba;

	if (parse_number(value, 10, UINT32_MAX - 1, &lba))
		return why_set(why, -EINVAL,
			       "-o %s=%s: not a block address (the lba that "
			       "\"discfs log\" shows)",
			       name, value);
	o->volume.session_lba = (uint32_t)lba;
	return 0;
}

static int take_iocharset(struct options *o, const char *name,
			  const char *value, struct why *why)
{
	(void)o;
	if (strcasecmp(value, "utf8") && strcasecmp(value, "utf-8"))
		return why_set(why, -EINVAL, "-o %s=%s: only utf8 is supported",
			       name, value);
	return 0;
}

static int take_stage(struct options *o, const char *name, const char *value,
		      struct why *why)
{
	AUTO_FREE char *path = NULL, *cwd = NULL;

	if (*value == '/')
		return keep_text(o, OPTIONS_STAGE_ROOT, value);
	/* The daemon's working folder is another one; DIR need not exist. */
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return why_set(why, -EINVAL, "-o %s=%s: give an absolute path",
			       name, value);
	if (asprintf(&path, "%s/%s", cwd, value) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return keep_text(o, OPTIONS_STAGE_ROOT, path);
}

static int take_stage_from(struct options *o, const char *name,
			   const char *value, struct why *why)
{
	/* It names a folder below the stage root, never a way out of it. */
	if (strchr(value, '/') || *value == '.')
		return why_set(why, -EINVAL, "-o %s=%s: not a stage's id", name,
			       value);
	return keep_text(o, OPTIONS_STAGE_FROM, value);
}

static int take_label(struct options *o, const char *name, const char *value,
		      struct why *why)
{
	/* ECMA-119 8.4.7: 32 bytes. */
	if (strlen(value) > 32)
		return why_set(why, -EINVAL,
			       "-o %s=%s: a label has 32 bytes at most", name,
			       value);
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return why_set(why, -EINVAL,
				       "-o %s: control character in the label",
				       name);
	return keep_text(o, OPTIONS_LABEL, value);
}

static int take_capacity(struct options *o, const char *name, const char *value,
			 struct why *why)
{
	uint64_t bytes;

	if (size_parse(value, &bytes) || bytes == 0)
		return why_set(why, -EINVAL,
			       "-o %s=%s: not a size (bytes with K, M, G or T, "
			       "or cd, dvd, dvd-dl, bd, bd-dl)",
			       name, value);
	o->volume.capacity_bytes = bytes;
	return 0;
}

static int take_verify(struct options *o, const char *name, const char *value,
		       struct why *why)
{
	static const char *const levels[] = {
		[VERIFY_NONE] = "none",
		[VERIFY_QUICK] = "quick",
		[VERIFY_FULL] = "full",
	};

	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (!strcmp(value, levels[i])) {
			o->volume.verify = (enum verify_level)i;
			return 0;
		}
	}
	return why_set(why, -EINVAL, "-o %s=%s: not one of none, quick, full",
		       name, value);
}

/* As xorriso has it: a multiple of 1x, also with the kind of medium that has
 * it (c, d, b), or so many 1000 bytes a second (k). */
static int take_speed(struct options *o, const char *name, const char *value,
		      struct why *why)
{
	static const struct {
		const char *unit;
		uint32_t tenths; /* of 1000 bytes; 0: as the medium's kind */
	} units[] = {{"", 0},	  {"x", 0},	{"k", 10},   {"m", 10000},
		     {"c", 1764}, {"d", 13850}, {"b", 44956}};
	struct burn_settings *burn = &o->volume.burn;
	size_t digits = strspn(value, "0123456789");
	char number[8];
	uint64_t n;

	burn->speed_kbs = burn->speed_x = 0;
	if (!strcmp(value, "max"))
		return 0;
	snprintf(number, sizeof number, "%.*s", (int)digits, value);
	if (digits >= sizeof number || parse_number(number, 10, 999999, &n))
		n = 0;
	for (size_t i = 0; n && i < sizeof units / sizeof units[0]; i++) {
		if (strcasecmp(value + digits, units[i].unit) != 0)
			continue;
		if (!units[i].tenths && n <= 999) {
			burn->speed_x = (uint32_t)n;
			return 0;
		}
		n = n * units[i].tenths / 10;
		if (!n || n > INT_MAX)
			break;
		burn->speed_kbs = (uint32_t)n;
		return 0;
	}
	return why_set(why, -EINVAL,
		       "-o %s=%s: not a speed (8 or 8x, 4c, 4d, 4b, 5540k, "
		       "max)",
		       name, value);
}

static int take_stream(struct options *o, const char *name, const char *value,
		       struct why *why)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return why_set(why, -EINVAL, "-o %s=%s: not on or off", name,
			       value);
	o->volume.burn.stream = !strcmp(value, "on");
	return 0;
}

/*
 * commit=unmount,sync is split at its comma by every program between fstab
 * and here, and mount(8) may even put its generic "sync" elsewhere.  So a
 * "sync" anywhere counts as said behind commit=, and so does an "unmount".
 */
static int take_commit(struct options *o, const char *name, const char *value,
		       struct why *why)
{
	o->commit_given = true;
	o->commit_manual = o->commit_unmount = o->commit_sync = false;
	for (const char *p = value;; p++) {
		size_t n = strcspn(p, ",+");

		if (n == 7 && !strncmp(p, "unmount", n))
			o->commit_unmount = true;
		else if (n == 4 && !strncmp(p, "sync", n))
			o->commit_sync = true;
		else if (n == 6 && !strncmp(p, "manual", n))
			o->commit_manual = true;
		else
			return why_set(why, -EINVAL,
				       "-o %s=%s: not \"manual\" and not of "
				       "\"unmount,sync\"",
				       name, value);
		p += n;
		if (!*p)
			break;
	}
	if (o->commit_manual && (o->commit_unmount || o->commit_sync))
		return why_set(why, -EINVAL,
			       "-o %s=%s: \"manual\" stands alone", name,
			       value);
	return 0;
}

static int take_unmount(struct options *o, const char *name, const char *value,
			struct why *why)
{
	(void)value;
	if (!o->commit_given || o->commit_manual)
		return why_set(why, -EINVAL,
			       "-o %s: stands behind commit= only", name);
	o->commit_unmount = true;
	return 0;
}

static int take_user(struct options *o, const char *name, const char *value,
		     struct why *why)
{
	(void)value;
	(void)why;
	/* What mount(8) says of these: implied unless a later option undoes
	 * it. */
	o->mount.nosuid = o->mount.nodev = true;
	if (!strncmp(name, "user", 4))
		o->mount.noexec = true;
	return 0;
}

#define VOLUME(field) offsetof(struct options, volume.field)
#define MOUNT(field) offsetof(struct options, mount.field)

static const struct rule rules[] = {
	/* what mount.discfs(8) describes */
	{"ro", RULE_ON, VOLUME(readonly), NULL},
	{"rw", RULE_OFF, VOLUME(readonly), NULL},
	{"uid", RULE_VALUE, 0, take_uid},
	{"gid", RULE_VALUE, 0, take_gid},
	{"umask", RULE_VALUE, 0, take_mode},
	{"mode", RULE_VALUE, 0, take_mode},
	{"dmode", RULE_VALUE, 0, take_mode},
	{"norock", RULE_ON, VOLUME(no_rock_ridge), NULL},
	{"nojoliet", RULE_ON, VOLUME(no_joliet), NULL},
	{"session", RULE_VALUE, 0, take_session},
	{"sbsector", RULE_VALUE, 0, take_sbsector},
	{"base", RULE_VALUE, 0, take_base},
	{"iocharset", RULE_VALUE, 0, take_iocharset},
	{"utf8", RULE_IGNORE, 0, NULL},
	{"allow_other", RULE_ON, MOUNT(allow_other), NULL},
	{"stage", RULE_VALUE, 0, take_stage},
	{"stage-from", RULE_VALUE, 0, take_stage_from},
	{"nostage", RULE_ON, VOLUME(no_stage), NULL},
	{"rebase", RULE_ON, VOLUME(rebase), NULL},
	{"commit", RULE_VALUE, 0, take_commit},
	{"unmount", RULE_FLAG, 0, take_unmount},
	{"sync", RULE_ON, offsetof(struct options, generic_sync), NULL},
	{"close", RULE_ON, VOLUME(burn.close), NULL},
	{"dummy", RULE_ON, VOLUME(burn.dummy), NULL},
	{"eject", RULE_ON, VOLUME(eject), NULL},
	{"speed", RULE_VALUE, 0, take_speed},
	{"stream", RULE_VALUE, 0, take_stream},
	{"verify", RULE_VALUE, 0, take_verify},
	{"label", RULE_VALUE, 0, take_label},
	{"capacity", RULE_VALUE, 0, take_capacity},
	{"create", RULE_ON, VOLUME(create), NULL},
	{"debug", RULE_ON, MOUNT(debug), NULL},
	/* generic ones that mean something here */
	{"nosuid", RULE_ON, MOUNT(nosuid), NULL},
	{"suid", RULE_OFF, MOUNT(nosuid), NULL},
	{"nodev", RULE_ON, MOUNT(nodev), NULL},
	{"dev", RULE_OFF, MOUNT(nodev), NULL},
	{"noexec", RULE_ON, MOUNT(noexec), NULL},
	{"exec", RULE_OFF, MOUNT(noexec), NULL},
	{"noatime", RULE_ON, MOUNT(noatime), NULL},
	{"atime", RULE_OFF, MOUNT(noatime), NULL},
	{"user", RULE_EITHER, 0, take_user},
	{"users", RULE_FLAG, 0, take_user},
	{"owner", RULE_FLAG, 0, take_user},
	{"group", RULE_FLAG, 0, take_user},
	{"remount", RULE_ON, offsetof(struct options, remount), NULL},
	{"nofail", RULE_ON, offsetof(struct options, nofail), NULL},
	/* generic ones that mean nothing here, or are mount(8)'s own */
	{"defaults", RULE_IGNORE, 0, NULL},
	{"auto", RULE_IGNORE, 0, NULL},
	{"noauto", RULE_IGNORE, 0, NULL},
	{"nouser", RULE_IGNORE, 0, NULL},
	{"nousers", RULE_IGNORE, 0, NULL},
	{"noowner", RULE_IGNORE, 0, NULL},
	{"nogroup", RULE_IGNORE, 0, NULL},
	{"_netdev", RULE_IGNORE, 0, NULL},
	{"comment", RULE_IGNORE, 0, NULL},
	{"helper", RULE_IGNORE, 0, NULL},
	{"uhelper", RULE_IGNORE, 0, NULL},
	{"default_permissions", RULE_IGNORE, 0, NULL},
	/* of the kernel's table, which a remount repeats */
	{"user_id", RULE_IGNORE, 0, NULL},
	{"group_id", RULE_IGNORE, 0, NULL},
	{"max_read", RULE_IGNORE, 0, NULL},
	{"async", RULE_IGNORE, 0, NULL},
	{"dirsync", RULE_IGNORE, 0, NULL},
	{"diratime", RULE_IGNORE, 0, NULL},
	{"nodiratime", RULE_IGNORE, 0, NULL},
	{"relatime", RULE_IGNORE, 0, NULL},
	{"norelatime", RULE_IGNORE, 0, NULL},
	{"strictatime", RULE_IGNORE, 0, NULL},
	{"nostrictatime", RULE_IGNORE, 0, NULL},
	{"lazytime", RULE_IGNORE, 0, NULL},
	{"nolazytime", RULE_IGNORE, 0, NULL},
	{"mand", RULE_IGNORE, 0, NULL},
	{"nomand", RULE_IGNORE, 0, NULL},
	{"silent", RULE_IGNORE, 0, NULL},
	{"loud", RULE_IGNORE, 0, NULL},
};

void options_init(struct options *o)
{
	*o = (struct options){
		.volume = {.session_lba = IMPORT_LAST,
			   .triggers = COMMIT_ON_UNMOUNT | COMMIT_ON_SYNC,
			   .verify = VERIFY_FULL,
			   .uid = -1,
			   .gid = -1,
			   .mode = -1,
			   .dmode = -1,
			   .umask = -1},
		.mount = {.allow_other = geteuid() == 0},
	};
}

void options_release(struct options *o)
{
	for (size_t i = 0; i < OPTIONS_TEXTS; i++) {
		free(o->texts[i]);
		o->texts[i] = NULL;
	}
	free(o->of_disc);
	o->of_disc = NULL;
}

/* Not mount(8)'s, and not the kernel's. */
static bool is_of_disc(const struct rule *rule)
{
	return rule->kind == RULE_VALUE ||
	       (rule->kind == RULE_ON && rule->offset != VOLUME(readonly) &&
		rule->offset < offsetof(struct options, mount));
}

static int remember(struct options *o, const char *name, const char *value)
{
	char *all;

	if (asprintf(&all, "%s%s%s%s\n", o->of_disc ? o->of_disc : "", name,
		     value ? "=" : "", value ? value : "") < 0)
		return -ENOMEM;
	free(o->of_disc);
	o->of_disc = all;
	return 0;
}

static int apply(struct options *o, const struct rule *rule, const char *value,
		 struct why *why)
{
	bool *flag = (bool *)((char *)o + rule->offset);

	if (is_of_disc(rule) && remember(o, rule->name, value))
		return -ENOMEM;
	switch (rule->kind) {
	case RULE_IGNORE:
		return 0;
	case RULE_ON:
	case RULE_OFF:
		if (value)
			break;
		*flag = rule->kind == RULE_ON;
		return 0;
	case RULE_FLAG:
		if (value)
			break;
		return rule->take(o, rule->name, NULL, why);
	case RULE_VALUE:
		if (!value || !*value)
			return why_set(why, -EINVAL, "-o %s: needs a value",
				       rule->name);
		return rule->take(o, rule->name, value, why);
	case RULE_EITHER:
		return rule->take(o, rule->name, value, why);
	}
	return why_set(why, -EINVAL, "-o %s: takes no value", rule->name);
}

static int parse_one(struct options *o, const char *name, const char *value,
		     bool sloppy, struct why *why)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (!strcmp(name, rules[i].name))
			return apply(o, &rules[i], value, why);
	/* Comments of fstab for other programs. */
	if (!strncasecmp(name, "x-", 2) || sloppy)
		return 0;
	return why_set(why, -EINVAL, "-o %s: unknown option", name);
}

/* Cut the option at *@cursor out in place: its name, and its value without
 * quotes or NULL.  Returns 0 at the end, 1, or -EINVAL. */
static int next_option(char **cursor, char **ret_name, char **ret_value,
		       struct why *why)
{
	char *p = *cursor, *out, *name;
	bool quoted = false;

	while (*p == ',')
		p++;
	if (!*p)
		return 0;
	name = out = p;
	*ret_value = NULL;
	for (; *p && (quoted || *p != ','); p++) {
		if (*p == '"') {
			quoted = !quoted;
		} else if (*p == '=' && !*ret_value) {
			*out++ = 0;
			*ret_value = out;
		} else {
			*out++ = *p;
		}
	}
	if (quoted)
		return why_set(why, -EINVAL, "-o %s: quote is not closed",
			       name);
	*cursor = *p ? p + 1 : p;
	*out = 0;
	*ret_name = name;
	return 1;
}

int options_parse(struct options *o, const char *text, bool sloppy,
		  struct why *why)
{
	AUTO_FREE char *copy = strdup(text);
	char *cursor = copy, *name = NULL, *value = NULL;
	int ret;

	if (!copy)
		return -ENOMEM;
	while ((ret = next_option(&cursor, &name, &value, why)) > 0) {
		ret = parse_one(o, name, value, sloppy, why);
		if (ret)
			return ret;
	}
	return ret;
}

int options_finish(struct options *o, struct why *why)
{
	o->volume.stage_root = o->texts[OPTIONS_STAGE_ROOT];
	o->volume.stage_from = o->texts[OPTIONS_STAGE_FROM];
	o->volume.label = o->texts[OPTIONS_LABEL];
	o->volume.given = o->of_disc;

	if (o->session_number && o->volume.session_lba != IMPORT_LAST)
		return why_set(why, -EINVAL,
			       "-o session= and -o sbsector= exclude each "
			       "other");
	if (o->volume.base_given &&
	    (o->session_number || o->volume.session_lba != IMPORT_LAST))
		return why_set(why, -EINVAL,
			       "-o base= excludes -o session= and -o "
			       "sbsector=");
	if (o->volume.no_stage && o->volume.stage_from)
		return why_set(why, -EINVAL,
			       "-o nostage and -o stage-from= exclude each "
			       "other");
	if (o->volume.no_stage && o->volume.rebase)
		return why_set(why, -EINVAL,
			       "-o nostage and -o rebase exclude each other");
	if (o->commit_given) {
		o->volume.triggers = 0;
		if (o->commit_unmount)
			o->volume.triggers |= COMMIT_ON_UNMOUNT;
		/* With "manual", a "sync" is mount(8)'s generic one. */
		if (o->commit_sync || (o->generic_sync && !o->commit_manual))
			o->volume.triggers |= COMMIT_ON_SYNC;
	}
	o->mount.readonly = o->volume.readonly;
	return 0;
}
