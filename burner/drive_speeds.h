/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_DRIVE_SPEEDS_H
#define BURNER_DRIVE_SPEEDS_H

/* Inside burner/ only. */

#include <stddef.h>

#include "burner/drive.h"

/* drive_is_pressed - media of @profile (MMC-6 5.3.1) are made by a press. */
bool drive_is_pressed(int profile);

/*
 * drive_speeds - at what speeds @d writes the medium that is in it, of
 * @profile, in bytes a second, the fastest first, each once.  *@ret is freed
 * and replaced; NULL where there are none.
 * Returns 0 or -ENOMEM.
 */
int drive_speeds(struct drive *d, int profile, unsigned **ret, size_t *ret_n);

#endif
