/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_CONTROL_H
#define FS_CONTROL_H

/*
 * The control socket of a mount: a unix stream socket in /run/discfs/ (root),
 * $XDG_RUNTIME_DIR/discfs/ or /run/user/UID/discfs/, or, where these cannot be
 * had, /tmp/discfs-UID/, or, where another user has made that,
 * /tmp/discfs-UID-XXXXXX/; a folder that is not the owner's alone is passed
 * over.  It is named by the mount's device number ("MAJOR:MINOR").  One JSON object a line in both directions; only the
 * owner of the mount and root are served (SO_PEERCRED).  It holds no file of
 * the mount open, so it works while the mount is busy.
 *
 * Requests			Answers (the last line of each has "done": true)
 * {"op":"status"}		{"done":true,"status":{...}}
 * {"op":"diff","paths":[..]}	{"done":true,"diff":{...}}
 * {"op":"revert","paths":[..]}	{"done":true,"revert":{...}}	what was dropped
 * {"op":"check"}			progress*, {"done":true,"report":{...}}	all is read
 * {"op":"export","session":N}	progress*, {"done":true,"report":{...}}	written to
 *				the descriptor that is passed along (SCM_RIGHTS);
 *				without "session": what is shown
 * {"op":"log"}			{"done":true,"log":{...}}
 * {"op":"size"}		{"done":true,"blocks":N}
 * {"op":"commit","hold":BOOL}	{"event":"progress","phase":..,"blocks_done":..,
 *				 "blocks_total":..,"file":..,"bytes_per_second":..,
 *				 "seconds_left":..}*
 *				{"done":true,"blocks":N,"text":".."}
 * {"op":"release"}		{"done":true}	changes are allowed again, and an
 *				unmount burns again
 * {"op":"keep","reason":".."}	{"done":true}	burn nothing at the unmount; all is
 *				in the stage.  The reason, which may be missing, is told
 * {"op":"leaving"}		{"done":true}	an unmount begins, until the client hangs up:
 *				"status" says so, and who mounts the disc again waits
 * {"op":"renew"}		{"done":true}	the hold lasts so long again, or ESTALE
 * {"op":"watch"}		progress events until the client hangs up
 * anything that fails		{"done":true,"error":"one line","errno":N}
 *
 * A client that hangs up during "commit" ends its waiting, not the burn; during
 * "check" and "export" it ends the work.  A
 * * hold lasts until "release", until its client hangs up, or until CONTROL_LEASE_MS
 * after the commit was over or the client said "renew"; then (and, while
 * the commit runs, when that is over) the mount is released: the unmount
 * helper stays connected until it has unmounted, and asks by "renew" just
 * before whether nothing was changed.  The end of the mount (control_stop)
 * releases nothing.
 *
 * A request is a line of at most 1 MiB; a longer one ends the connection.
 * Progress that a slow client did not read yet is replaced by newer.
 */

#include <sys/types.h>

#include "common/why.h"
#include "fs/volume.h"

struct control;

/* A hold that its client does not renew ends so long after the commit, so that
 * one who is stopped does not lock everybody out. */
enum { CONTROL_LEASE_MS = 3000 };

/* control_start - make the socket and serve it in threads of its own. */
int control_start(struct volume *v, dev_t dev, struct control **ret,
		  struct why *why);
/* control_stop - close, remove the socket, end the threads.  Whose commit is
 * over gets its answer, which takes a second at most.  Takes NULL. */
void control_stop(struct control *c);

/*
 * control_socket_path - where the socket of the mount with device @dev is for
 * this process's user; @owner_uid: of the mount.  Heap.
 */
char *control_socket_path(dev_t dev, uid_t owner_uid);

/* control_sweep - remove the sockets of @owner's mounts that nobody serves any
 * more, since their processes were killed. */
void control_sweep(uid_t owner);

#endif
