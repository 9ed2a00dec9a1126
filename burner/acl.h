/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_ACL_H
#define BURNER_ACL_H

/*
 * An ACL in the long text form of acl(5), as libisofs gives and takes it, and
 * in the form in which Linux keeps it in the xattrs system.posix_acl_access
 * and system.posix_acl_default (linux/posix_acl_xattr.h, version 2).
 */

#include <stddef.h>

#define ACL_ACCESS_XATTR "system.posix_acl_access"
#define ACL_DEFAULT_XATTR "system.posix_acl_default"

/*
 * acl_from_text - names of users and groups are looked up, numbers taken as
 * they are.  The caller frees *@ret_value.
 * Returns the length, or -EINVAL (not an ACL), -ENOENT (unknown user or
 * group), -ENOMEM.
 */
int acl_from_text(const char *text, void **ret_value);

/*
 * acl_to_text - with numbers for users and groups.  The caller frees *@ret.
 * Returns 0, -EINVAL, -ENOMEM.
 */
int acl_to_text(const void *value, size_t len, char **ret);

#endif
