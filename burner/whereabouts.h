/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_WHEREABOUTS_H
#define BURNER_WHEREABOUTS_H

/*
 * Where an open file is now: the descriptor holds the file, while its path can
 * come to lead elsewhere.
 */

#include "common/why.h"

/*
 * whereabouts_of - whether @path still leads to the regular file @fd.
 * Returns 0 where it does; 1 where the file was moved on its file system, with
 * its new absolute path in *@ret_path (heap); -ESTALE with @why, a clause that
 * names @path, where it was deleted, replaced, or cannot be found; -ENOMEM.
 */
int whereabouts_of(int fd, const char *path, char **ret_path, struct why *why);

#endif
