/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_INHIBIT_H
#define FS_INHIBIT_H

/*
 * A burn that is not to be cut off by a shutdown or by sleep: logind is asked
 * to refuse these while it runs, where systemd is the first process
 * (systemd-inhibit(1)).  A person who wants to switch off is told why not;
 * root can do so all the same.
 */

struct inhibit;

/*
 * inhibit_begin - from soon after this on; @why is what people are told.  NULL
 * where there is no logind: that is no failure.  It ends with this process,
 * however that does.
 * inhibit_end - no more; waits a moment for its end.  Takes NULL.
 */
struct inhibit *inhibit_begin(const char *why);
void inhibit_end(struct inhibit *i);

#endif
