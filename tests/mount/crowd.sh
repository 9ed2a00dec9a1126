#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Four writers, four readers and one that renames, while commits are made: what
# is read, what each session holds and what is left has every byte where one
# order of the calls has it.
#
#   CROWD_SECONDS  how long (default 8)
#
# Runs on disk: a file system as others have it.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

CROWD=$top_builddir/tests/mount/crowd
[ -x "$CROWD" ] || fail "$CROWD was not built"
seconds=${CROWD_SECONDS:-8}
mkdir calls

# On the machine's own disk first: what the program looks for holds there.
mkdir -p plain plain-calls
"$CROWD" run plain 1 plain-calls
"$CROWD" check plain plain-calls

new_image
mnt
# So that each burn takes its time.
cat >commit.sh <<END
set -e
head -c 20000000 /dev/urandom >'$MNT/ballast'
'$DISCFS' commit '$MNT' >>'$T/commit.out' 2>&1
END
"$CROWD" run "$MNT" "$seconds" calls "bash '$T/commit.sh'" | tee summary
"$CROWD" check "$MNT" calls
ok "$(cat summary)"

# shellcheck disable=SC2034
read -r commits took meanwhile longest < <(sed 's/.*renames, //' summary |
	tr -dc '0-9 \n')
[ "$meanwhile" -gt 100 ] || fail "$meanwhile calls while it burned"
[ "$longest" -lt "$took" ] || fail "a call waited for the burn: $longest ms"
ok "calls do not wait for the burn"

commits=$(wc -l <calls/commits)
[ "$commits" -gt 0 ] || fail "no commit in $seconds seconds"
umnt
mnt
clean
"$CROWD" check "$MNT" calls
umnt
ok "after the last burn, every byte is there"

# The last, and a few before it.
mapfile -t starts < <(sessions "$IMG")
[ ${#starts[@]} -gt "$commits" ] || [ ${#starts[@]} -eq "$commits" ] ||
	fail "${#starts[@]} sessions of $commits commits"
extract "$IMG" got.last
"$CROWD" check got.last calls
# A single one may have ended with the calls themselves.
[ "$commits" -lt 2 ] || expect_exit 1 "$CROWD" check got.last calls 1
for n in $(seq 1 $((1 + commits / 8)) "$commits"); do
	rm -rf got
	extract "$IMG" got "${starts[n - 1]}"
	"$CROWD" check got calls "$n"
done
ok "each session holds what was there at one moment of its commit"
sound "$IMG"
