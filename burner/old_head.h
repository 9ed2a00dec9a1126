/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_OLD_HEAD_H
#define BURNER_OLD_HEAD_H

/*
 * Inside burner/ only: the copy of a head that a new superblock replaces.  How
 * a session gets it is session_parts.h's.
 */

#include <stdint.h>

/*
 * old_head_restore - make the copy of a head, @head (DISC_HEAD_BYTES), which
 * was read from block @copy_lba, what once stood at block 0: the places in it
 * that lead into the copy lead into the head again.  Pure; believes nothing.
 */
void old_head_restore(unsigned char *head, uint32_t copy_lba);

#endif
