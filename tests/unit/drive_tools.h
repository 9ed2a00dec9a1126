/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_DRIVE_TOOLS_H
#define TESTS_UNIT_DRIVE_TOOLS_H

/*
 * For unit tests that are linked with the emulated drive (tests/drive/shim.h).
 */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define DRIVE "/dev/sr0"

extern char drive_path[PATH_MAX]; /* the file that stands for DRIVE */

/*
 * drive_tools_start - make the drive in the current folder, with a CD-R of
 * @blocks blocks in it.  Before the first test is forked: the shim reads once
 * where it is.  The caller unlinks drive_path in the end.
 */
bool drive_tools_start(uint32_t blocks);

#endif
