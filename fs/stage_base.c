/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/stage_base.h"

#include <string.h>

#include "burner/import.h"

int stage_base_digest(const struct stage_binding *b, struct disc *disc,
		      unsigned char ret[sizeof b->digest], struct why *why)
{
	struct import_opts opts = {
		.session_lba = b->base_lba,
		.no_rock_ridge = b->import_flags & STAGE_NO_ROCK_RIDGE,
		.no_joliet = b->import_flags & STAGE_NO_JOLIET,
	};
	struct import_info info;
	int err = import_session(disc, &opts, NULL, NULL, &info, why);

	if (!err)
		memcpy(ret, info.digest, sizeof b->digest);
	return err;
}
