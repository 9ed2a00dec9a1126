/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_LINK_MARK_H
#define BURNER_LINK_MARK_H

/*
 * Hard links of symbolic links and special files.  libisofs has no way to say
 * of new ones that they are one, so all names of one get an AAIP attribute with
 * the same value, unique to this node and session.  Other readers take them for
 * nodes of their own.
 */

/*
 * In the name space that libisofs keeps to itself, so that programs do not try
 * to restore it when they extract files; and what it was called before.
 */
#define LINK_MARK_ATTR "isofs.discfs.inode"
#define LINK_MARK_ATTR_OLD "discfs.inode"

enum { LINK_MARK_MAX = 40 }; /* bytes of a value, with its NUL */

#endif
