/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/temp_folder.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void temp_folder_make(char *buf)
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(buf, TEMP_FOLDER, "%s/case-XXXXXX",
			 tmp ? tmp : "/tmp");

	ck_assert_int_lt(n, TEMP_FOLDER);
	ck_assert_ptr_nonnull(mkdtemp(buf));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void temp_folder_remove(const char *path)
{
	ck_assert_int_eq(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
