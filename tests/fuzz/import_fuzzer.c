/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mount asks of an image before it shows anything, for a fuzzer that is
 * guided by coverage: opening and looking, the chain of sessions, the survey,
 * libisofs' import, of the last session and of older ones.  An image may be
 * refused; nothing may crash or be promised and not kept.
 *
 * libFuzzer and AFL++ bring their own main; tests/fuzz/replay.c is another one.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "burner/disc.h"
#include "burner/import.h"
#include "tests/fuzz/sparse_image.h"
#include "tests/fuzz/visitor.h"

/* Bits of the first byte. */
enum {
	NO_ROCK_RIDGE = 1,
	NO_JOLIET = 2,
	OLD_SESSIONS = 4,
	NAMES_ONLY = 8,
	SESSIONS_MAX = 4,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import(struct disc *disc, uint8_t flags, uint32_t session_lba)
{
	const struct import_opts opts = {
		.session_lba = session_lba,
		.no_rock_ridge = flags & NO_ROCK_RIDGE,
		.no_joliet = flags & NO_JOLIET,
	};
	struct visitor v = {.names_only = flags & NAMES_ONLY};
	struct import_info info;
	struct why why = {""};
	int err;

	if (v.names_only)
		err = import_names(disc, &opts, visitor_visit, &v, &info, &why);
	else
		err = import_session(disc, &opts, visitor_visit, &v, &info,
				     &why);
	if (v.wrong || (err == 0 && info.nodes != v.next_id))
		abort();
}

static void import_old(struct disc *disc, uint8_t flags)
{
	struct disc_session *sessions = NULL;
	struct why why = {""};
	size_t n = 0, i;

	if (disc_sessions(disc, &sessions, &n, &why) == 0)
		for (i = 0; i < n && i < SESSIONS_MAX; i++)
			import(disc, flags, sessions[i].lba);
	free(sessions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *folder = getenv("TMPDIR");
	struct disc_params params = {0};
	struct why why = {""};
	struct disc *disc;
	char path[4096];
	uint8_t flags = 0;

	snprintf(path, sizeof path, "%s/import_fuzzer.%ld.iso",
		 folder ? folder : "/tmp", (long)getpid());
	params.path = path;
	if (sparse_image_write(data, size, path, &flags) == 0 &&
	    disc_open(&params, &disc, &why) == 0) {
		import(disc, flags, IMPORT_LAST);
		if (flags & OLD_SESSIONS)
			import_old(disc, flags);
		disc_free(disc);
	}
	unlink(path);
	return 0;
}
