#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What POSIX and Linux say of each operation, asserted on the mount by a program
# that is several users in turn.  First the same on the machine's own disk, which
# shows that the assertions are right.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

[ "$(id -u)" -eq 0 ] || skip "only root can be another user"
conformance=$top_builddir/tests/mount/conformance/conformance
[ -x "$conformance" ] || fail "$conformance was not built"
groups=$("$conformance")
chmod 755 "$T"

# run_groups DIR - its output, one line a group and one an assertion that fails.
run_groups() {
	# shellcheck disable=SC2086
	"$conformance" "$1" $groups >"$T/out" || [ $? -eq 1 ] ||
		fail "the assertions could not be made: $(tail -n 1 "$T/out")"
}

# Others differ in details that nobody relies on.
case $(stat -f -c %T .) in
ext*)
	mkdir -m 755 shadow
	run_groups shadow
	! grep -v ', 0 failed$' "$T/out" || fail "not so on a disk either"
	ok "the assertions hold on this machine's disk"
	;;
*)
	echo "not tried on the disk of this machine, which has no ext4"
	;;
esac

new_image
mnt -o allow_other
chmod 755 "$MNT"
run_groups "$MNT"
cat "$T/out"
! grep -q -v ', 0 failed$' "$T/out" ||
	fail "$(grep -v ', 0 failed$' "$T/out" | head -n 1)"
while read -r line; do
	ok "${line%, 0 failed}"
done <"$T/out"

# What they leave behind can be burned.
umnt
on_image "$IMG" - -find / >"$T/paths"
[ "$(wc -l <"$T/paths")" -gt 500 ] || fail "little of it is on the disc"
ok "what is left of it can be burned"
