/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_COMMIT_RUN_H
#define CLI_COMMIT_RUN_H

/*
 * A commit asked for through the control socket, shown while it runs: as a
 * bar where standard error is a terminal; elsewhere, and only with @verbose,
 * as a line for each tenth.
 */

#include <stdbool.h>
#include <stdint.h>

#include "cli/client.h"
#include "common/why.h"

struct commit_result {
	uint64_t blocks; /* 0: there was nothing to burn */
	char *text;	 /* what was done, a line; heap */
};

/*
 * commit_run - burn what is pending and wait for it.
 * @hold: as in volume_commit.
 * Returns 0 with *@ret filled (free its text), -EINTR when SIGINT, SIGTERM or
 * SIGHUP ended the waiting (the burn goes on, the connection is of no more
 * use), or -errno with @why.
 */
int commit_run(struct client *c, bool hold, bool verbose,
	       struct commit_result *ret, struct why *why);

/*
 * commit_warn - a line on standard error where the mount's @status says that a
 * session is dear, or one of the last, and one where it would be dated before
 * the one that it follows; nothing where nothing is pending.
 */
void commit_warn(struct json_object *status);

#endif
