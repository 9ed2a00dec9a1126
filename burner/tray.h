/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_TRAY_H
#define BURNER_TRAY_H

/* The tray of a drive, or what it has for one. */

#include "common/why.h"

/*
 * tray_open, tray_close - of the drive at @path, an absolute path.  tray_close
 * returns when the medium can be used, or when there is none.
 * Return 0, also where it is so already; -EBUSY with who has the drive;
 * -ENOTSUP: no optical drive, or none that can do so; -EIO with @why.
 */
int tray_open(const char *path, struct why *why);
int tray_close(const char *path, struct why *why);

#endif
