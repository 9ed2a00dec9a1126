/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/drive_tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/drive/mmc_file.h"

char drive_path[PATH_MAX];

bool drive_tools_start(uint32_t blocks)
{
	char setting[PATH_MAX + 16], folder[PATH_MAX - 8];

	if (!getcwd(folder, sizeof folder))
		return false;
	snprintf(drive_path, sizeof drive_path, "%s/drive", folder);
	if (mmc_file_create(drive_path, MMC_CD_R, blocks) < 0)
		return false;
	snprintf(setting, sizeof setting, DRIVE "=%s", drive_path);
	return setenv("MMC_DRIVES", setting, 1) == 0;
}
