/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_TEMP_FOLDER_H
#define TESTS_UNIT_TEMP_FOLDER_H

/*
 * A folder for one case, in the private one that tests/unit/run gives
 * ($TMPDIR): what a case leaves behind that failed goes with that.
 */

enum { TEMP_FOLDER = 200 };

/* temp_folder_make - a new one, its path into @buf of TEMP_FOLDER bytes. */
void temp_folder_make(char *buf);

/* temp_folder_remove - with all that is in it. */
void temp_folder_remove(const char *path);

#endif
