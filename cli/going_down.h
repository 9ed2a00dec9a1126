/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_GOING_DOWN_H
#define CLI_GOING_DOWN_H

/*
 * Whether the system is on its way down: then an unmount is not a wish to burn.
 * Where the first process is systemd, its own word counts (systemctl
 * is-system-running says "stopping" from the moment that a shutdown was begun);
 * elsewhere the runlevel (utmp(5)), 0 or 6.
 */

#include <stdbool.h>

/* system_goes_down - blocks for some seconds at most, and says so.  False also
 * where it cannot be found out. */
bool system_goes_down(void);

#endif
