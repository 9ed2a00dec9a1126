/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_CHECK_H
#define BURNER_CHECK_H

/*
 * Reading all of a session: its tree, and the content of every file, which is
 * compared with the MD5 that libisofs recorded for it.  Each session has the
 * sums of all its files, those included whose content is in older sessions.
 */

#include <stdint.h>

#include "burner/disc.h"
#include "burner/import.h"
#include "common/progress.h"
#include "common/why.h"

enum check_verdict {
	CHECK_DAMAGED,	  /* the content has another MD5 */
	CHECK_UNREADABLE, /* a block of it cannot be read */
};

struct check_totals {
	uint64_t files;	      /* names of regular files */
	uint64_t bytes;	      /* that were read */
	uint64_t no_checksum; /* of the files: read, but there is nothing to
				 compare */
	uint64_t damaged, unreadable;
};

/*
 * check_session - read @opts' session of @disc and tell @found of each file
 * that is not good, in no order, hard links by each of their names; @lba: of an
 * unreadable file, a block near the first one that cannot be read.
 * @sink (or NULL) hears of phase "checking".
 * Returns 0 where everything was looked at, good or not; -EIO and the like with
 * @why where the tree cannot be read or is damaged itself, -ECANCELED, or
 * what @found returned.
 */
typedef int (*check_found)(void *arg, const char *path, enum check_verdict what,
			   uint64_t lba);
int check_session(struct disc *disc, const struct import_opts *opts,
		  check_found found, void *arg,
		  const struct progress_sink *sink, struct check_totals *ret,
		  struct why *why);

#endif
