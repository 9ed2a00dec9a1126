/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/acl.h"

#include <endian.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

enum {
	ENTRY_TEXT_MAX = 64, /* "default:group:4294967295:rwx\n" */
	LOOKUP_BYTES = 16384,
};

static const struct tag {
	const char *name;
	uint16_t plain, qualified; /* without and with a user or group */
} tags[] = {
	{"user", ACL_USER_OBJ, ACL_USER},
	{"group", ACL_GROUP_OBJ, ACL_GROUP},
	{"mask", ACL_MASK, 0},
	{"other", ACL_OTHER, 0},
};

static int lookup(const char *name, bool group, uint32_t *ret)
{
	AUTO_FREE char *buf = NULL;
	struct passwd pwd, *p = NULL;
	struct group grp, *g = NULL;
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(name, &end, 10);
	if (*name >= '0' && *name <= '9' && !*end) {
		if (errno || number >= UINT32_MAX)
			return -EINVAL;
		*ret = (uint32_t)number;
		return 0;
	}
	buf = malloc(LOOKUP_BYTES);
	if (!buf)
		return -ENOMEM;
	if (group) {
		if (getgrnam_r(name, &grp, buf, LOOKUP_BYTES, &g) || !g)
			return -ENOENT;
		*ret = g->gr_gid;
	} else {
		if (getpwnam_r(name, &pwd, buf, LOOKUP_BYTES, &p) || !p)
			return -ENOENT;
		*ret = p->pw_uid;
	}
	return 0;
}

static int parse_perm(const char *p, uint16_t *ret)
{
	static const char letters[] = "rwx";
	uint16_t perm = 0;
	int i;

	for (i = 0; i < 3; i++) {
		if (p[i] == letters[i])
			perm |= (uint16_t)(4 >> i);
		else if (p[i] != '-')
			return -EINVAL;
	}
	/* A remark, as in "#effective:r--", may follow. */
	if (p[3] && p[3] != ' ' && p[3] != '\t' && p[3] != '#')
		return -EINVAL;
	*ret = perm;
	return 0;
}

/* "tag:qualifier:perm", cut up in place. */
static int parse_entry(char *line, struct posix_acl_xattr_entry *ret)
{
	char *name = strchr(line, ':');
	char *perm = name ? strchr(name + 1, ':') : NULL;
	uint32_t id = (uint32_t)ACL_UNDEFINED_ID;
	uint16_t bits = 0, tag;
	size_t i;
	int err;

	if (!perm)
		return -EINVAL;
	*name++ = 0;
	*perm++ = 0;
	for (i = 0; i < sizeof tags / sizeof tags[0]; i++)
		if (strcmp(line, tags[i].name) == 0)
			break;
	if (i == sizeof tags / sizeof tags[0])
		return -EINVAL;
	tag = *name ? tags[i].qualified : tags[i].plain;
	if (!tag)
		return -EINVAL;
	if (*name) {
		err = lookup(name, tag == ACL_GROUP, &id);
		if (err < 0)
			return err;
	}
	err = parse_perm(perm, &bits);
	if (err < 0)
		return err;
	ret->e_tag = htole16(tag);
	ret->e_perm = htole16(bits);
	ret->e_id = htole32(id);
	return 0;
}

/* The kernel wants them in the order of their tags, then of the ids. */
static int entry_cmp(const void *a, const void *b)
{
	const struct posix_acl_xattr_entry *x = a, *y = b;
	uint16_t tx = le16toh(x->e_tag), ty = le16toh(y->e_tag);
	uint32_t ix = le32toh(x->e_id), iy = le32toh(y->e_id);

	if (tx != ty)
		return tx < ty ? -1 : 1;
	return (ix > iy) - (ix < iy);
}

int acl_from_text(const char *text, void **ret_value)
{
	AUTO_FREE char *copy = strdup(text);
	struct posix_acl_xattr_header *header;
	struct posix_acl_xattr_entry *entries;
	AUTO_FREE void *value = NULL;
	char *line, *next = NULL;
	size_t n = 0, room = 1;
	const char *p;

	if (!copy)
		return -ENOMEM;
	for (p = text; *p; p++)
		if (*p == '\n' || *p == ',')
			room++;
	value = malloc(sizeof *header + room * sizeof *entries);
	if (!value)
		return -ENOMEM;
	header = value;
	header->a_version = htole32(POSIX_ACL_XATTR_VERSION);
	entries = (void *)(header + 1);
	for (line = strtok_r(copy, "\n,", &next); line;
	     line = strtok_r(NULL, "\n,", &next)) {
		int err;

		if (line[strspn(line, " \t")] == 0 || *line == '#')
			continue;
		err = parse_entry(line + strspn(line, " \t"), &entries[n]);
		if (err < 0)
			return err;
		n++;
	}
	if (n == 0)
		return -EINVAL;
	qsort(entries, n, sizeof *entries, entry_cmp);
	*ret_value = STEAL_PTR(value);
	return (int)(sizeof *header + n * sizeof *entries);
}

static int entry_to_text(const struct posix_acl_xattr_entry *e, char *buf,
			 size_t room)
{
	uint16_t tag = le16toh(e->e_tag), perm = le16toh(e->e_perm);
	char id[16] = "";
	size_t i;

	if (perm & ~7u)
		return -EINVAL;
	for (i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		if (tag == tags[i].plain)
			break;
		if (tag == tags[i].qualified) {
			snprintf(id, sizeof id, "%lu",
				 (unsigned long)le32toh(e->e_id));
			break;
		}
	}
	if (i == sizeof tags / sizeof tags[0])
		return -EINVAL;
	return snprintf(buf, room, "%s:%s:%c%c%c\n", tags[i].name, id,
			perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
			perm & 1 ? 'x' : '-');
}

int acl_to_text(const void *value, size_t len, char **ret)
{
	const struct posix_acl_xattr_header *header = value;
	struct posix_acl_xattr_entry e;
	AUTO_FREE char *text = NULL;
	size_t n, i, pos = 0;
	uint32_t version;

	if (len <= sizeof *header || (len - sizeof *header) % sizeof e)
		return -EINVAL;
	memcpy(&version, value, sizeof version);
	if (le32toh(version) != POSIX_ACL_XATTR_VERSION)
		return -EINVAL;
	n = (len - sizeof *header) / sizeof e;
	text = malloc(n * ENTRY_TEXT_MAX + 1);
	if (!text)
		return -ENOMEM;
	text[0] = 0;
	for (i = 0; i < n; i++) {
		int chars;

		memcpy(&e, (const char *)value + sizeof *header + i * sizeof e,
		       sizeof e);
		chars = entry_to_text(&e, text + pos, ENTRY_TEXT_MAX);
		if (chars < 0)
			return chars;
		pos += (size_t)chars;
	}
	*ret = STEAL_PTR(text);
	return 0;
}
