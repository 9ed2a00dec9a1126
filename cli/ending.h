/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_ENDING_H
#define CLI_ENDING_H

/*
 * A mount beside an unmount that is not over yet: it waits for it, and after
 * two seconds says so.  Ctrl-C ends that.
 */

#include <stdbool.h>

#include "cli/mountinfo.h"

/*
 * ending_wait_mount - if @m is being unmounted, until that is over.  Returns
 * whether it was: @m may be there all the same, where the unmount failed.
 */
bool ending_wait_mount(const struct mountinfo *m);

/*
 * ending_wait_source - @source, a real path, is in use.  Wait until the process
 * of the mount that has it, and is about to end, has ended, or for a moment
 * where nobody is known to have it: that is the same process a little later.
 * @tries: zero at first.  Returns whether it is worth another try.
 */
bool ending_wait_source(const char *source, unsigned *tries);

#endif
