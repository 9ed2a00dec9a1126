#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon asks its own mount whether mapped pages have come.  Killed before
# it answers itself, it is gone at once all the same, and so is its mount.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

new_image
mnt
echo kept >"$MNT/kept"
sync "$MNT/kept"
keep
DISCFS_CRASH=in-barrier mnt
echo more >"$MNT/more"
sync "$MNT/more"
expect_exit 32 "$DISCFS" commit "$MNT"
within 10 no_daemon
ok "nothing of the daemon stays"

bury
mnt
[ "$(cat "$MNT/kept" "$MNT/more")" = "kept
more" ] || fail "what was saved is lost"
umnt
sound "$IMG"
ok "its changes are there, and can be burned"
