/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_BUSY_H
#define CLI_BUSY_H

/*
 * Whether something in a mount is in use, and by whom, found without asking
 * the mount anything: by what /proc says of each process.
 */

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "cli/mountinfo.h"

#define BUSY_HOLDERS 3

struct busy_holder {
	pid_t pid;
	char name[64];	  /* may hold any byte, as the process says */
	const char *what; /* "has its working folder there", ... */
};

/*
 * busy_scan - up to @max processes that hold @m, as far as this user may look
 * into them.  Returns how many were found.
 */
size_t busy_scan(const struct mountinfo *m, struct busy_holder *holders,
		 size_t max);

/*
 * busy_elsewhere - the same for what keeps the file system of @m alive though
 * @m is unmounted: processes in other mount namespaces that have it mounted,
 * and those anywhere that have a file of it open, as after a lazy unmount.
 */
size_t busy_elsewhere(const struct mountinfo *m, struct busy_holder *holders,
		      size_t max);

/*
 * busy_check - whether @m is in use.  Root has the kernel's word for it
 * (umount2 with MNT_EXPIRE, which unmounts nothing here); others that of
 * busy_scan.
 */
bool busy_check(const struct mountinfo *m);

/* busy_text - "bash (pid 12) has its working folder there, ..." into @buf; ""
 * for none. */
void busy_text(const struct busy_holder *holders, size_t n, char *buf,
	       size_t size);

/*
 * busy_words - all that is known of who holds @m: mounts that stand on it, then
 * processes.  Into @buf, "" where nobody is found.
 */
void busy_words(const struct mountinfo *m, char *buf, size_t size);

/* busy_maps_line_on - whether a line of /proc/PID/maps is of a file on @dev. */
bool busy_maps_line_on(const char *line, dev_t dev);

#endif
