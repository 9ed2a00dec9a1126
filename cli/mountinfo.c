/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/mountinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"

#define DISCFS_TYPE "fuse.discfs"

void mountinfo_release(struct mountinfo *m)
{
	free(m->root);
	free(m->dir);
	free(m->type);
	free(m->source);
	*m = (struct mountinfo){0};
}

bool mountinfo_is_discfs(const struct mountinfo *m)
{
	return m->type && !strcmp(m->type, DISCFS_TYPE);
}

/* The kernel writes space, tab, newline and backslash as \ooo. */
static void decode(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
					(s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = 0;
}

static uid_t owner_of(char *options)
{
	char *save, *o;

	for (o = strtok_r(options, ",", &save); o;
	     o = strtok_r(NULL, ",", &save))
		if (!strncmp(o, "user_id=", 8))
			return (uid_t)strtoul(o + 8, NULL, 10);
	return 0;
}

/* The number of an optional field: "shared:7". */
static void take_tag(const char *tag, struct mountinfo *ret)
{
	if (!strncmp(tag, "shared:", 7))
		ret->shared = (unsigned)strtoul(tag + 7, NULL, 10);
	else if (!strncmp(tag, "master:", 7))
		ret->master = (unsigned)strtoul(tag + 7, NULL, 10);
}

/*
 * One line, cut up in place:
 *   ID PARENT MAJOR:MINOR ROOT DIR OPTIONS [TAG...] - TYPE SOURCE FSOPTIONS
 * @ret's strings point into it.  Returns 1, or 0 if it is not such a line.
 */
static int parse_line(char *line, struct mountinfo *ret)
{
	char *field[6], *save = NULL, *tag;
	unsigned long major_no, minor_no;
	char *options, *end;

	line[strcspn(line, "\n")] = 0;
	ret->shared = ret->master = 0;
	for (int i = 0; i < 6; i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return 0;
	}
	do {
		tag = strtok_r(NULL, " ", &save);
		if (!tag)
			return 0;
		take_tag(tag, ret);
	} while (strcmp(tag, "-") != 0);
	ret->type = strtok_r(NULL, " ", &save);
	ret->source = strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " ", &save);
	/* An empty source leaves one field less. */
	if (!ret->type || !ret->source || !options)
		return 0;
	major_no = strtoul(field[2], &end, 10);
	if (end == field[2] || *end != ':')
		return 0;
	minor_no = strtoul(end + 1, NULL, 10);
	ret->id = (unsigned)strtoul(field[0], NULL, 10);
	ret->parent = (unsigned)strtoul(field[1], NULL, 10);
	ret->dev = makedev(major_no, minor_no);
	ret->root = field[3];
	ret->dir = field[4];
	ret->readonly = !strncmp(field[5], "ro", 2) &&
			(field[5][2] == 0 || field[5][2] == ',');
	ret->owner = owner_of(options);
	decode(ret->root);
	decode(ret->dir);
	decode(ret->source);
	return 1;
}

static int copy_out(const struct mountinfo *line, struct mountinfo *ret)
{
	struct mountinfo copy = *line;

	copy.root = strdup(line->root);
	copy.dir = strdup(line->dir);
	copy.type = strdup(line->type);
	copy.source = strdup(line->source);
	mountinfo_release(ret);
	*ret = copy;
	return copy.root && copy.dir && copy.type && copy.source ? 0 : -ENOMEM;
}

/* The table is in the order of making; a mount that was moved stands where it
 * was, so that one below another can come after it. */
static bool is_below(const struct mountinfo *m, const struct mountinfo *found)
{
	return found->dir && found->parent == m->id;
}

static int find(FILE *table, const char *dir, const char *source,
		struct mountinfo *ret)
{
	AUTO_FREE char *line = NULL;
	struct mountinfo found = {0}, m;
	size_t size = 0;

	while (getline(&line, &size, table) > 0) {
		if (!parse_line(line, &m))
			continue;
		if (dir ? strcmp(m.dir, dir) != 0
			: strcmp(m.source, source) != 0 ||
				    !mountinfo_is_discfs(&m))
			continue;
		if (dir && is_below(&m, &found))
			continue;
		if (copy_out(&m, &found)) {
			mountinfo_release(&found);
			return -ENOMEM;
		}
	}
	if (!found.dir)
		return 0;
	*ret = found;
	return 1;
}

int mountinfo_find_dir(FILE *table, const char *dir, struct mountinfo *ret)
{
	return find(table, dir, NULL, ret);
}

int mountinfo_find_source(FILE *table, const char *source,
			  struct mountinfo *ret)
{
	return find(table, NULL, source, ret);
}

int mountinfo_load(FILE *table, struct mountinfo **ret, size_t *ret_n)
{
	AUTO_FREE char *line = NULL;
	struct mountinfo *list = NULL, *more, m;
	size_t n = 0, size = 0;

	while (getline(&line, &size, table) > 0) {
		if (!parse_line(line, &m))
			continue;
		more = reallocarray(list, n + 1, sizeof *list);
		if (more)
			list = more;
		if (more)
			list[n] = (struct mountinfo){0};
		if (!more || copy_out(&m, &list[n++])) {
			mountinfo_free(list, n);
			return -ENOMEM;
		}
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

void mountinfo_free(struct mountinfo *list, size_t n)
{
	while (n)
		mountinfo_release(&list[--n]);
	free(list);
}

char *mountinfo_canonical(const char *dir)
{
	AUTO_FREE char *copy = strdup(dir), *parent = NULL;
	char *name, *path;
	size_t n, size;

	if (!copy)
		return NULL;
	n = strlen(copy);
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = 0;
	name = strrchr(copy, '/');
	name = name ? name + 1 : copy;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return realpath(dir, NULL);
	if (name == copy) {
		parent = realpath(".", NULL);
	} else {
		char first = *name;

		*name = 0;
		parent = realpath(copy, NULL);
		*name = first;
	}
	if (!parent)
		return NULL;
	size = strlen(parent) + strlen(name) + 2;
	path = malloc(size);
	if (path)
		snprintf(path, size, "%s/%s", strcmp(parent, "/") ? parent : "",
			 name);
	return path;
}

bool mountinfo_path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		return *path == '/';
	return !strncmp(path, dir, n) && (path[n] == 0 || path[n] == '/');
}

/* Returns as mountinfo_find_dir; any type of mount. */
static int lookup_dir(const char *dir, struct mountinfo *ret, struct why *why)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	int found;

	if (!table)
		return why_set(why, -errno, "/proc/self/mountinfo: %s",
			       strerror(errno));
	found = mountinfo_find_dir(table, dir, ret);
	fclose(table);
	return found;
}

static int lookup_source(const char *source, struct mountinfo *ret,
			 struct why *why)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	int found;

	if (!table)
		return why_set(why, -errno, "/proc/self/mountinfo: %s",
			       strerror(errno));
	found = mountinfo_find_source(table, source, ret);
	fclose(table);
	return found;
}

int mountinfo_lookup(const char *path, bool by_source, struct mountinfo *ret,
		     struct why *why)
{
	AUTO_FREE char *dir = mountinfo_canonical(path), *real = NULL;
	struct mountinfo found = {0};
	int n = 0;

	if (dir)
		n = lookup_dir(dir, &found, why);
	if (n == 0) {
		/* Nothing is mounted just there, so it may be looked at: it
		 * may be a symbolic link to a mount. */
		real = realpath(path, NULL);
		if (real && (!dir || strcmp(real, dir) != 0))
			n = lookup_dir(real, &found, why);
		if (n == 0 && real && by_source)
			n = lookup_source(real, &found, why);
	}
	if (n == 1 && !mountinfo_is_discfs(&found)) {
		mountinfo_release(&found);
		return 0;
	}
	if (n == 1)
		*ret = found;
	return n;
}

int mountinfo_refuse(const char *path, struct why *why)
{
	struct mountinfo mount = {0};
	int found = mountinfo_lookup(path, true, &mount, why);

	if (found == 1)
		found = why_set(why, -EBUSY,
				"it is mounted on %s: umount it first",
				mount.dir);
	mountinfo_release(&mount);
	return found;
}
