/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

/*
 * Running something as a daemon, so that the command that starts it ends when
 * it is ready, or fails with its line and exit code when it is not.  The fork
 * comes first: threads of libraries do not survive one.
 */

#include <stdatomic.h>
#include <stdbool.h>

struct launch {
	atomic_int fd; /* of the pipe to the command; -1 in the foreground */
};

/*
 * launch - call @work in a new session, in a child without open files beside
 * the standard ones.  Returns the exit code for the command: 0 once @work has
 * called launch_ready; what it returned, if it ended before;
 * EXIT_CODE_INTERNAL with words when it died; EXIT_CODE_INTERRUPTED on
 * SIGINT, which ends the child.
 * In the foreground @work is just called.
 * Until it is ready @work has the command's standard error to say what is
 * wrong.
 */
int launch(bool foreground, int (*work)(struct launch *l, void *arg),
	   void *arg);

/*
 * launch_ready - the command ends with 0; in the background standard input,
 * output and error are /dev/null from now on and the log goes to syslog.
 */
void launch_ready(struct launch *l);

#endif
