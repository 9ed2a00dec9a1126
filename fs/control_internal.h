/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_CONTROL_INTERNAL_H
#define FS_CONTROL_INTERNAL_H

/*
 * The parts of the control socket: control.c accepts, control_client.c speaks
 * with one client (control_peer.h has its parts), control_socket.c knows where
 * the socket is.
 */

#include "fs/control.h"

/*
 * control_serve - speak with the client at @fd until it hangs up or @stop_fd
 * is readable; closes @fd.  Blocks: for a thread of its own.
 */
void control_serve(struct volume *v, int fd, int stop_fd);

/* control_refuse - tell the client at @fd why it is not served; closes @fd. */
void control_refuse(int fd, int err, const char *text);

/*
 * control_listen - make the socket of the mount @dev, in the place of a stale
 * one.  *@ret_path (heap) is where it is, *@ret_ino its inode there.  Returns
 * the descriptor, listening and not blocking, or -errno with @why.
 */
int control_listen(dev_t dev, char **ret_path, ino_t *ret_ino, struct why *why);

#endif
