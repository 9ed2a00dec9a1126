/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_LONG_RUN_H
#define CLI_LONG_RUN_H

/*
 * A work that takes its time, shown while it runs: as a bar where standard
 * error is a terminal; elsewhere, and only with @verbose, as a line for each
 * tenth.
 */

#include <signal.h>
#include <stdbool.h>
#include <json-c/json.h>

#include "cli/client.h"
#include "cli/progress_bar.h"
#include "common/progress.h"
#include "common/why.h"

/*
 * long_run_call - client_call, its progress shown.  SIGINT, SIGTERM or SIGHUP
 * end the waiting with -EINTR, and the connection is of no more use.
 */
int long_run_call(struct client *c, struct json_object *request, bool verbose,
		  struct json_object **ret, struct why *why);

/*
 * long_run_report - the same, without lines, for an answer that has a report: a
 * new reference to it in *@ret.  0 or -errno with @why.
 */
int long_run_report(struct client *c, struct json_object *request,
		    struct json_object **ret, struct why *why);

/*
 * long_run_begin - a work of this process is to begin, to which &r->sink is
 * given: it shows the progress, and the signals cancel it.  One at a time.
 * long_run_end - it is over.
 */
struct long_run {
	struct progress_sink sink;

	struct progress_bar bar;
	bool lines;
	char phase[32]; /* of the last line */
	unsigned tenth;
	struct sigaction old_int, old_term, old_hup;
};
void long_run_begin(struct long_run *r, bool verbose);
void long_run_end(struct long_run *r);

#endif
