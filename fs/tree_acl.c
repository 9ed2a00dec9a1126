/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX ACLs (acl(5)) as the kernel hands them over: the extended attributes
 * system.posix_acl_access and _default, in the layout of
 * linux/posix_acl_xattr.h.  The kernel checks permissions by them; that they
 * agree with the mode bits, and are passed on to new nodes, is done here.
 */
#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/tree_internal.h"

static const char access_name[] = "system.posix_acl_access";
static const char default_name[] = "system.posix_acl_default";

enum { ENTRIES_MAX = 4096 };

/* Entries of a well formed ACL, or NULL; in the block that @value is. */
static struct posix_acl_xattr_entry *entries_of(void *value, size_t size,
						size_t *ret_n)
{
	const struct posix_acl_xattr_header *head = value;

	if (size < sizeof *head ||
	    le32toh(head->a_version) != POSIX_ACL_XATTR_VERSION ||
	    (size - sizeof *head) % sizeof(struct posix_acl_xattr_entry))
		return NULL;
	*ret_n = (size - sizeof *head) / sizeof(struct posix_acl_xattr_entry);
	if (*ret_n > ENTRIES_MAX)
		return NULL;
	return (void *)((char *)value + sizeof *head);
}

static struct posix_acl_xattr_entry *
find_tag(struct posix_acl_xattr_entry *v, size_t n, unsigned tag)
{
	for (size_t i = 0; i < n; i++)
		if (le16toh(v[i].e_tag) == tag)
			return &v[i];
	return NULL;
}

/* The three entries that stand for the bits of the mode. */
struct mode_entries {
	struct posix_acl_xattr_entry *user, *group, *other;
	bool minimal; /* they are all: the mode says the same */
};

static int mode_entries(void *value, size_t size, struct mode_entries *ret)
{
	struct posix_acl_xattr_entry *v, *mask;
	size_t n;

	v = entries_of(value, size, &n);
	if (!v)
		return -EINVAL;
	ret->user = find_tag(v, n, ACL_USER_OBJ);
	ret->group = find_tag(v, n, ACL_GROUP_OBJ);
	ret->other = find_tag(v, n, ACL_OTHER);
	if (!ret->user || !ret->group || !ret->other)
		return -EINVAL;
	mask = find_tag(v, n, ACL_MASK);
	if (mask)
		ret->group = mask;
	ret->minimal = n == 3;
	return 0;
}

static mode_t bits_of(const struct mode_entries *e)
{
	return (mode_t)((le16toh(e->user->e_perm) & 7) << 6 |
			(le16toh(e->group->e_perm) & 7) << 3 |
			(le16toh(e->other->e_perm) & 7));
}

static void set_bits(struct mode_entries *e, mode_t mode)
{
	e->user->e_perm = htole16(mode >> 6 & 7);
	e->group->e_perm = htole16(mode >> 3 & 7);
	e->other->e_perm = htole16(mode & 7);
}

bool acl_is_name(const char *name)
{
	return strcmp(name, access_name) == 0 ||
	       strcmp(name, default_name) == 0;
}

int acl_check(const struct inode *inode, const char *name, const void *value,
	      size_t size, mode_t *ret_mode, bool *ret_keep)
{
	AUTO_FREE void *copy = NULL;
	struct mode_entries e;
	int err;

	*ret_mode = inode->mode;
	*ret_keep = true;
	if (S_ISLNK(inode->mode))
		return -EOPNOTSUPP;
	if (strcmp(name, default_name) == 0 && !S_ISDIR(inode->mode))
		return value ? -EACCES : 0;
	if (!value)
		return 0;
	copy = malloc(size ? size : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, size);
	err = mode_entries(copy, size, &e);
	if (err)
		return err;
	if (strcmp(name, access_name) == 0) {
		*ret_mode = (inode->mode & ~(mode_t)0777) | bits_of(&e);
		*ret_keep = !e.minimal;
	}
	return 0;
}

int acl_chmod(struct inode *inode, mode_t mode)
{
	AUTO_FREE void *copy = NULL;
	struct mode_entries e;
	struct xattrs *changed;
	const void *value;
	int err, len = xattrs_get(inode->xattrs, access_name, &value);

	if (len < 0)
		return 0;
	copy = malloc((size_t)len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, (size_t)len);
	/* One that came with the disc and is none stays as it is. */
	if (mode_entries(copy, (size_t)len, &e) < 0)
		return 0;
	set_bits(&e, mode);
	err = xattrs_set(inode->xattrs, access_name, copy, (size_t)len,
			 &changed);
	if (err)
		return err;
	free(inode->xattrs);
	inode->xattrs = changed;
	return 0;
}

static int add(struct inode *inode, const char *name, const void *value,
	       size_t len)
{
	struct xattrs *changed;
	int err = xattrs_set(inode->xattrs, name, value, len, &changed);

	if (err)
		return err;
	free(inode->xattrs);
	inode->xattrs = changed;
	return 0;
}

int acl_inherit(const struct inode *dir, struct inode *inode, mode_t umask)
{
	AUTO_FREE void *copy = NULL;
	struct mode_entries e;
	const void *value;
	int err = 0, len = xattrs_get(dir->xattrs, default_name, &value);

	if (S_ISLNK(inode->mode))
		return 0;
	if (len < 0) {
		inode->mode &= ~(umask & 0777);
		return 0;
	}
	copy = malloc((size_t)len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, (size_t)len);
	if (mode_entries(copy, (size_t)len, &e) < 0) {
		inode->mode &= ~(umask & 0777);
		return 0;
	}
	/* acl(5), object creation: the mode limits, the umask does not. */
	if (S_ISDIR(inode->mode))
		err = add(inode, default_name, value, (size_t)len);
	set_bits(&e, bits_of(&e) & inode->mode);
	inode->mode = (inode->mode & ~(mode_t)0777) | bits_of(&e);
	if (!err && !e.minimal)
		err = add(inode, access_name, copy, (size_t)len);
	return err;
}
