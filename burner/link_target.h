/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_LINK_TARGET_H
#define BURNER_LINK_TARGET_H

/*
 * Targets of symbolic links that libisofs cannot carry: Rock Ridge has room
 * for all that Linux allows, but libisofs reads 1023 bytes, takes no component
 * of more than 255, and writes some of more than 248 twice.  Such a link gets a
 * stand-in as its target, and its real one as an AAIP attribute.
 */

#include <stdbool.h>

/* Programs restore no attributes of symbolic links when they extract them. */
#define LINK_TARGET_ATTR "discfs.target"

/* What other readers show then: it leads nowhere, and says why. */
#define LINK_TARGET_STAND_IN "discfs:target-too-long-for-this-reader"

/*
 * link_target_for_others - what libisofs is to write: @target, or the stand-in.
 * link_target_needs_attr - whether that is not all of @target; true as well for
 * one that ends in a slash, which libisofs drops.
 */
const char *link_target_for_others(const char *target);
bool link_target_needs_attr(const char *target);
/* link_target_is_for - whether @read, which libisofs read, is what it was
 * given to write for @target. */
bool link_target_is_for(const char *read, const char *target);

#endif
