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
mapfile -t groups < <("$conformance")
chmod 755 "$T"

# run_groups DIR GROUP... - one line a group that holds; else it fails.
run_groups() {
	"$conformance" "$@" >"$T/out" || [ $? -eq 1 ] ||
		fail "the assertions could not be made: $(tail -n 1 "$T/out")"
	cat "$T/out"
	! grep -q -v ', 0 failed$' "$T/out" ||
		fail "$(grep -v ', 0 failed$' "$T/out" | head -n 1)"
}

# cases - each group of the last run is one.
cases() {
	local line

	while read -r line; do
		ok "${line%, 0 failed}"
	done <"$T/out"
}

# Others differ in details that nobody relies on.
case $(stat -f -c %T .) in
ext*)
	mkdir -m 755 shadow
	run_groups shadow "${groups[@]}" prepare imported
	ok "the assertions hold on this machine's disk"
	;;
*)
	echo "not tried on the disk of this machine, which has no ext4"
	;;
esac

new_image
mnt -o allow_other
chmod 755 "$MNT"
run_groups "$MNT" "${groups[@]}" limits
cases

# What they leave behind can be burned; what was burned is as good as new.
run_groups "$MNT" prepare
umnt
mnt -o allow_other
clean
run_groups "$MNT" imported
cases
umnt
on_image "$IMG" - -find / >"$T/paths"
[ "$(wc -l <"$T/paths")" -gt 500 ] || fail "little of it is on the disc"
ok "what is left of it can be burned"
