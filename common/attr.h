/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_ATTR_H
#define COMMON_ATTR_H

/*
 * What a file has beside its name and content, in the words of stat(2): the
 * currency between importing (burner), the live tree (fs) and authoring.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct attr {
	mode_t mode; /* type and permission bits, as st_mode */
	uid_t uid;
	gid_t gid;
	dev_t rdev; /* of S_IFCHR and S_IFBLK, else 0 */
	struct timespec atime, mtime, ctime;
};

/*
 * Extended attributes, one heap block:  count times
 * { u16 name_len; u32 value_len; name bytes; value bytes }, no padding,
 * native byte order.  Names carry their namespace ("user.x",
 * "system.posix_acl_access", "trusted.y", "security.z") as in xattr(7), and
 * are sorted by strcmp and unique.  An ACL is an xattr in the kernel's
 * representation of it.  NULL stands for no attributes at all.
 */
struct xattrs {
	uint32_t size_bytes; /* of data[] */
	uint32_t count;
	unsigned char data[];
};

/*
 * xattrs_get - the value of @name in @x.
 * Returns its length and sets *@ret_value into @x (valid as long as @x), or
 * -ENODATA.
 */
int xattrs_get(const struct xattrs *x, const char *name,
	       const void **ret_value);

/*
 * xattrs_set - a new block with @name set to @value (@len bytes), or without
 * @name where @value is NULL.  @x stays as it is; the caller frees both.
 * *@ret is NULL when nothing is left.
 * Returns 0, -ENOMEM, -E2BIG (value over 64 KiB, name over 255 bytes), or
 * -ENODATA (removal of a name that is not there).
 */
int xattrs_set(const struct xattrs *x, const char *name, const void *value,
	       size_t len, struct xattrs **ret);

/*
 * xattrs_next - walk: @cursor starts at 0; each call fills the outputs and
 * returns 1, or 0 at the end.  The name is not NUL-terminated.
 */
int xattrs_next(const struct xattrs *x, uint32_t *cursor,
		const char **ret_name, size_t *ret_name_len,
		const void **ret_value, size_t *ret_value_len);

/* xattrs_dup - a copy of @x on the heap (NULL for NULL).  Returns 0 or -ENOMEM. */
int xattrs_dup(const struct xattrs *x, struct xattrs **ret);

/* xattrs_equal - 1 if both hold the same names and values. */
int xattrs_equal(const struct xattrs *a, const struct xattrs *b);

/*
 * xattrs_check - whether @size bytes at @data with @count entries are a well
 * formed block (sorted, unique, no overrun).  For what comes from a file.
 */
int xattrs_check(const void *data, size_t size, uint32_t count);

#endif
