# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the scripts with an emulated burner, beside tests/mount/lib.sh:
#
#   $DRIVE     the drive's file;  /dev/sr0 to programs that "burner" starts
#   $MMCDISC   the tool that makes discs, and the shim $MMCSHIM
#
# Programs that others wrote are the judges: they must find in it the drive
# that they know.

. "$top_srcdir/tests/mount/lib.sh"

: "${MMCDISC:?is not set}" "${MMCSHIM:?is not set}"
[ -x "$MMCDISC" ] || fail "$MMCDISC was not built"
DRIVE=$T/drive
export MMC_DRIVES=/dev/sr0=$DRIVE

# Room for three sessions with the largest gaps.
CAPACITY=60000

CDS="cd-r cd-rw"
DVDS="dvd-r dvd-rw dvd-rw-ro dvd+r dvd+r-dl dvd+rw dvd-ram"
BDS="bd-r bd-re"

# new_drive KIND [ARG...] - a drive with a new disc in it.
new_drive() {
	local kind=$1

	shift
	rm -f "$DRIVE"
	"$MMCDISC" "$DRIVE" create "$kind" capacity=$CAPACITY "$@"
}

disc() {
	"$MMCDISC" "$DRIVE" "$@"
}

# disc_is STATUS - as mmcdisc shows it.
disc_is() {
	disc show | grep -qx "status: $1" ||
		fail "the disc is not $1: $(disc show)"
}

# burner COMMAND... - with the drive for /dev/sr0.  What it says is in $T/said.
burner() {
	timeout 60 env LD_PRELOAD="$MMCSHIM" "$@" >"$T/said" 2>&1 </dev/null
}

# burns COMMAND... - the same, and it must succeed.
burns() {
	burner "$@" && return
	tail -n 20 "$T/said" >&2
	fail "failed: $*"
}

# So that the kernel's size of the medium is that of what was burned.
reload() {
	disc eject
	disc load
}

# is_overwritable KIND
is_overwritable() {
	case $1 in
	dvd-rw-ro | dvd+rw | dvd-ram | bd-re) return 0 ;;
	*) return 1 ;;
	esac
}

# three_trees - $T/t/s1 to s3: what the three sessions add.
three_trees() {
	local i

	rm -rf "$T/t"
	for i in 1 2 3; do
		mkdir -p "$T/t/s$i/folder"
		head -c $((300000 + i * 12345)) /dev/urandom >"$T/t/s$i/data"
		echo "session $i" >"$T/t/s$i/folder/a file with a longer name"
	done
}

# holds N... - xorriso extracts from the disc just these of the three trees.
holds() {
	local i

	rm -rf "$T/x" "$T/want"
	mkdir "$T/want"
	for i; do
		cp -r "$T/t/s$i" "$T/want/s$i"
	done
	burns xorriso -indev /dev/sr0 -osirrox on -extract / "$T/x"
	chmod -R u+w "$T/x"
	diff -r "$T/want" "$T/x" || fail "the disc does not hold $*"
}

# sessions N - so many does xorriso list.
sessions() {
	local n

	burns xorriso -indev /dev/sr0 -toc
	n=$(grep -c '^ISO session' "$T/said") || true
	[ "$n" -eq "$1" ] || fail "$n sessions, not $1"
}

# on_drive ARG... - discfs with the drive.
on_drive() {
	timeout 60 env LD_PRELOAD="$MMCSHIM" \
		ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" \
		"$DISCFS" "$@" </dev/null
}

# mount_drive [OPTS] - the drive on $MNT, with stages in $STAGE.
mount_drive() {
	on_drive mount -o "stage=$STAGE${1:+,$1}" /dev/sr0 "$MNT"
}

# hold_drive - another program opens it, and does not claim it for itself alone;
# until "kill $holder".
hold_drive() {
	env MMC_SLEEP=real LD_PRELOAD="$MMCSHIM" \
		bash -c "exec 3</dev/sr0; echo >'$T/open'; exec sleep 60" &
	holder=$!
	within 10 [ -e "$T/open" ]
}

# burn_begins - wait until the drive is writing.
burn_begins() {
	within 10 sh -c "'$MMCDISC' '$DRIVE' log | tail -n 1 | grep -q ^2a"
}

# kill_in_burn - a commit, and the mount killed in the midst of its burn.
kill_in_burn() {
	disc fault slow on=write ms=60
	on_drive commit "$MNT" >/dev/null 2>&1 &
	burn_begins
	slay
	wait $! && fail "it says that all went well"
	disc faults clear
}
