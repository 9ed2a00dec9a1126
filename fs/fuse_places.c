/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_internal.h"

/*
 * Where the mount stands, by /proc/self/mountinfo: the mount itself may hang.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* proc_pid_mountinfo(5): blanks and the like in a path are \ooo. */
static void unescape(char *s)
{
	char *d = s;

	while (*s) {
		if (s[0] == '\\' && is_octal(s[1]) && is_octal(s[2]) &&
		    is_octal(s[3])) {
			*d++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
				      (s[3] - '0'));
			s += 4;
		} else {
			*d++ = *s++;
		}
	}
	*d = '\0';
}

struct place {
	dev_t dev;
	char *dir; /* in the line */
	bool ours; /* a discfs */
};

/* One line of the table, cut up in place. */
static bool parse_line(char *line, struct place *ret)
{
	const char *type = strstr(line, " - ");
	unsigned long major_no, minor_no;
	char *save = NULL, *end;
	char *field[5] = {NULL};
	unsigned i;

	if (!type)
		return false;
	ret->ours = strncmp(type + 3, "fuse.discfs ", 12) == 0;
	for (i = 0; i < 5; i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return false;
	}
	unescape(field[4]);
	ret->dir = field[4];
	major_no = strtoul(field[2], &end, 10);
	if (*end != ':')
		return false;
	minor_no = strtoul(end + 1, &end, 10);
	ret->dev = makedev((unsigned)major_no, (unsigned)minor_no);
	return !*end;
}

int mountpoint_dev(const char *dir, dev_t *ret)
{
	AUTO_FREE char *line = NULL;
	struct place p, top = {.ours = false};
	size_t room = 0;
	FILE *f = fopen("/proc/self/mountinfo", "re");

	if (!f)
		return -errno;
	while (getline(&line, &room, f) > 0)
		if (parse_line(line, &p) && strcmp(p.dir, dir) == 0)
			top = p; /* the last one is on top */
	fclose(f);
	if (!top.ours)
		return -ENOENT;
	*ret = top.dev;
	return 0;
}

bool mountpoint_is(const char *dir, dev_t dev)
{
	dev_t top = 0;

	return mountpoint_dev(dir, &top) == 0 && top == dev;
}

char *mountpoint_find(const char *dir, dev_t dev)
{
	AUTO_FREE char *line = NULL;
	char *found = NULL;
	size_t room = 0;
	struct place p;
	FILE *f;

	if (mountpoint_is(dir, dev))
		return strdup(dir);
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return NULL;
	while (!found && getline(&line, &room, f) > 0)
		if (parse_line(line, &p) && p.dev == dev &&
		    mountpoint_is(p.dir, dev))
			found = strdup(p.dir);
	fclose(f);
	return found;
}

int mountpoint_detach_all(const char *dir, dev_t dev)
{
	enum { MAX_MOUNTS = 1000 };
	int err = 0;

	for (int i = 0; !err && i < MAX_MOUNTS; i++) {
		AUTO_FREE char *place = mountpoint_find(dir, dev);

		if (!place)
			break;
		err = mountpoint_detach(place);
	}
	return err;
}
