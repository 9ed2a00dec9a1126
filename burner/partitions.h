/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_PARTITIONS_H
#define BURNER_PARTITIONS_H

/*
 * Partition tables in the system area (ECMA-119 6.2.1) of images that are to
 * boot from memory sticks too.  A partition may stand behind the volume, as
 * the EFI system partition of many a Linux distribution does: nothing in
 * ISO 9660 tells of it, and a session that begins at the volume's end would
 * overwrite it.
 */

#include <stdint.h>

/*
 * partitions_end - one behind the last block of 2048 bytes that an MBR or a GPT
 * in @head (DISC_HEAD_BYTES) assigns, the copy of the GPT included; 0 without
 * partitions.  What does not end within @readable_bytes is not there and does
 * not count.
 */
uint64_t partitions_end(const unsigned char *head, uint64_t readable_bytes);

#endif
