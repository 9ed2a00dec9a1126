/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_HEAD_H
#define BURNER_HEAD_H

/*
 * Inside burner/ only: the head of an overwritable medium, its first
 * DISC_HEAD_BYTES, which everybody may write to.  Windows puts a disk signature
 * at byte 440, isohybrid and fdisk a partition table, implantisomd5 its sum
 * into the primary descriptor, growisofs the descriptors of its own session.
 * libisofs' checksum tag in the head does not match any more, and nothing of
 * the session that the head leads to is worse for that.
 *
 * Pure functions, but for libisofs' MD5: they read the given memory and
 * nothing else, and believe none of it.
 */

#include <stdbool.h>

#include "burner/disc.h"

enum head_sum {
	HEAD_UNSUMMED, /* there is no checksum tag, or it is of another place */
	HEAD_AS_WRITTEN,
	HEAD_CHANGED,
};

/* head_sum - whether @head (DISC_HEAD_BYTES) is what its tag says. */
enum head_sum head_sum(const unsigned char *head);

/*
 * head_agrees - whether the descriptors in @head lead to the same trees as
 * those of the session that it should be a copy of; @own is the first
 * DISC_HEAD_BYTES of that.
 */
bool head_agrees(const unsigned char *head, const unsigned char *own);

/*
 * head_restore - make the first @blocks blocks of @head again what they were
 * when their sum was @md5, where that is to be guessed: what others write to is
 * empty in most images.  Returns false, and leaves @head as it is, if not.
 */
bool head_restore(unsigned char *head, unsigned blocks, const char md5[16]);

#endif
