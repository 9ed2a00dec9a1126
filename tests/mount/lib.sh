# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the test scripts, which tests/mount/run starts in a folder of their own:
#
#   $T         private temporary folder, also the current one
#   $DISCFS    the program
#   $IMG $MNT $STAGE   an image, a mountpoint, a folder of stages: names for
#              the usual test with one disc; $MNT is there, $IMG is not
#
# Any command that fails ends the script, and the test, with its line number.
# A script says "ok TEXT" for each thing that it has shown, ends with status 0,
# or with "skip WHY".

set -eEuo pipefail
shopt -s inherit_errexit

IMG=$T/disc.iso MNT=$T/mnt STAGE=$T/stage
mkdir "$MNT"

# place - file and line of the script itself, whatever of this file is between.
place() {
	local i=1

	while [ "${BASH_SOURCE[i]##*/}" = lib.sh ] &&
		[ -n "${BASH_SOURCE[i + 1]:-}" ]; do
		i=$((i + 1))
	done
	echo "${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}"
}

# A function of its own, so that place sees the stack as fail does.  On standard
# error: the command may be at work for a pipe.
failed() {
	echo "$(place): failed: $1" >&2
}

trap 'failed "$BASH_COMMAND"' ERR

# --- verdicts ---------------------------------------------------------------

ok() {
	echo "ok: $*"
	echo "$*" >>"$TEST_RESULTS"
}

fail() {
	trap - ERR
	echo "$(place): $*" >&2
	exit 1
}

skip() {
	trap - ERR
	echo "$*"
	exit 77
}

# requires PROG... - skip where a program is missing.
requires() {
	local p

	for p; do
		command -v "$p" >/dev/null || skip "no $p on this machine"
	done
}

# needs_fuse - skip where nothing can be mounted.
needs_fuse() {
	[ -n "${TEST_PRIVATE:-}" ] ||
		skip "no mount namespace of one's own to be had"
	[ -w /dev/fuse ] || skip "no /dev/fuse"
	requires xorriso
	[ -x "$DISCFS" ] || fail "$DISCFS was not built"
}

# expect_exit STATUS COMMAND...
expect_exit() {
	local want=$1 got=0

	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ] ||
		fail "exit status $got, not $want: $*"
}

# expect_error STATUS REGEX COMMAND... - it ends with STATUS (or, "any", with
# one that is not 0 and no signal) and says exactly one line on standard error,
# "discfs: ...", which matches REGEX (extended, case does not matter).
expect_error() {
	local want=$1 regex=$2 got=0

	shift 2
	"$@" 2>"$T/err" || got=$?
	sed 's/^/stderr: /' "$T/err"
	if [ "$want" = any ]; then
		if [ "$got" -eq 0 ] || [ "$got" -ge 124 ]; then
			fail "exit status $got: $*"
		fi
	else
		[ "$got" -eq "$want" ] ||
			fail "exit status $got, not $want: $*"
	fi
	[ "$(wc -l <"$T/err")" -eq 1 ] ||
		fail "not one line of error: $*"
	grep -q '^discfs: ' "$T/err" || fail "line does not name us: $*"
	grep -Eqi -- "$regex" "$T/err" || fail "line says no '$regex': $*"
}

# same A B [WHAT] - two files are equal.
same() {
	cmp "$1" "$2" || fail "${3:-$1 and $2} differ"
}

# inside PID DIR - whether that is the process's working folder.
inside() {
	[ "$(readlink "/proc/$1/cwd")" = "$2" ]
}

# within SECONDS COMMAND... - until it succeeds.
within() {
	local end=$((SECONDS + $1 * TEST_SLOW))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "in vain: $*"
		sleep 0.1
	done
}

# --- mounting ---------------------------------------------------------------

# new_image [FILE] - a blank disc of any size.
new_image() {
	: >"${1:-$IMG}"
}

# mnt [-o OPTS] [IMAGE [DIR]]
mnt() {
	local opts=

	if [ "${1:-}" = -o ]; then
		opts=,$2
		shift 2
	fi
	"$DISCFS" mount -o "stage=$STAGE$opts" "${1:-$IMG}" "${2:-$MNT}"
}

# umnt [DIR] - with the burn.
umnt() {
	"$DISCFS" umount "${1:-$MNT}"
}

# keep [DIR] - without.
keep() {
	"$DISCFS" umount --keep "${1:-$MNT}"
}

mounted() {
	mountpoint -q "${1:-$MNT}"
}

# daemon - the process ids of all mounts of this test; not of the commands.
daemon() {
	pgrep -f '^[^ ]*(discfs mount|mount\.discfs) '
}

# no_daemon - nothing of ours runs.  A process that is ending has no command
# line any more, and its first thread may have ended, but its files may still be
# open, and locked.
no_daemon() {
	! grep -qsE '^[0-9]+ \([^)]*discfs\) [^ZX]' \
		/proc/[0-9]*/task/[0-9]*/stat
}

# slay [DIR] - kill -9 the daemon and clear the dead mount away.
slay() {
	# shellcheck disable=SC2046
	kill -9 $(daemon)
	within 10 no_daemon
	bury "$@"
}

# bury [DIR] - clear the mount of a dead daemon away, not asking any helper.
bury() {
	umount -i -l "${1:-$MNT}" 2>/dev/null || true
	! mounted "${1:-$MNT}" || fail "the dead mount stays"
}

# deltas [DIR|SOURCE] - their list; diff's exit status 1 says "some".
deltas() {
	local status=0

	"$DISCFS" diff "${1:-$MNT}" || status=$?
	[ $status -le 1 ] || fail "discfs diff: exit status $status"
}

# clean [DIR] - no delta is pending.
clean() {
	"$DISCFS" diff "${1:-$MNT}" >"$T/diff.out" ||
		fail "deltas are pending: $(head -n 3 "$T/diff.out")"
	[ ! -s "$T/diff.out" ] || fail "exit status 0, and yet a delta"
}

# cover_folder DIR - a private copy of DIR, with links to what it has, in which
# a script can put programs of its own.
cover_folder() {
	local real old new

	real=$(realpath "$1")
	old=$T/covered$(tr / - <<<"$real")
	new=$old.new
	mkdir "$old" "$new"
	mount --bind "$real" "$old"
	mount -t tmpfs -o mode=755 tmpfs "$new"
	find "$old/" -mindepth 1 -maxdepth 1 -type l -exec cp -P -t "$new" {} +
	find "$old/" -mindepth 1 -maxdepth 1 ! -type l -exec ln -s -t "$new" {} +
	mount --bind "$new" "$real"
}

# install_helpers - put links to the program where mount(8) and umount(8) look
# for them, in a private copy of that folder.
install_helpers() {
	local sbin name

	sbin=$(realpath /sbin)
	cover_folder "$sbin"
	for name in mount.discfs mount.fuse.discfs umount.discfs \
		umount.fuse.discfs; do
		ln -sf "$DISCFS" "$sbin/$name"
	done
}

# drop_caches FILE... - the page cache's copies of these files.
drop_caches() {
	local f

	for f; do
		dd if="$f" iflag=nocache count=0 status=none
	done
	{ echo 3 >/proc/sys/vm/drop_caches; } 2>/dev/null || true
}

# --- the independent readers -------------------------------------------------

# on_image IMAGE LBA COMMANDS... - xorriso, reading only; LBA "-" for the last
# session.
on_image() {
	local image=$1 load=()

	[ "$2" = - ] || load=(-load sbsector "$2")
	shift 2
	# Sorry is xorriso's word for what must not happen here.
	xorriso -abort_on SORRY -return_with SORRY 32 -hardlinks on \
		-md5 on -acl on -xattr on "${load[@]}" -indev "stdio:$image" "$@" 2>"$T/xorriso.err" || {
		cat "$T/xorriso.err" >&2
		return 1
	}
}

# image_tree IMAGE [LBA] - one line a node, sorted by path: mode, links, uid,
# gid, size, date, path.
image_tree() {
	on_image "$1" "${2:--}" -find / -exec lsdl -- | LC_ALL=C sort -k 9
}

# image_paths IMAGE [LBA] - quoted as xorriso does, sorted.
image_paths() {
	on_image "$1" "${2:--}" -find / | LC_ALL=C sort
}

# image_blocks IMAGE [LBA] - "path lba blocks", one line a section of a file.
image_blocks() {
	on_image "$1" "${2:--}" -find / -type f -exec report_lba -- |
		awk -F ' , *' '/^File data lba/ { print $5, $2, $3 }' |
		LC_ALL=C sort
}

# extract IMAGE DIR [LBA] - the whole tree into the new folder DIR.  xorriso
# does not restore the times of symbolic links: compare with "same_tree -l".
extract() {
	on_image "$1" "${3:--}" -osirrox on -extract / "$2"
}

# untar IMAGE DIR - the last session into the new folder DIR, by libarchive.
untar() {
	requires bsdtar
	mkdir "$2"
	bsdtar -C "$2" -xpf "$1"
}

# extract_file IMAGE PATH FILE [LBA]
extract_file() {
	on_image "$1" "${4:--}" -osirrox on -extract "$2" "$3"
}

# sessions IMAGE - the block address of each session, oldest first.
sessions() {
	on_image "$1" - -toc |
		awk -F '[:,]' '/^ISO session/ { print $3 + 0 }'
}

# session_blocks IMAGE - the size of each session.
session_blocks() {
	on_image "$1" - -toc |
		awk -F '[:,]' '/^ISO session/ { print $4 + 0 }'
}

# untouched BEFORE AFTER - AFTER, a later state of the image BEFORE, has all of
# BEFORE's sessions as they were.  The head may differ, where the superblock
# is, and what follows the last session: padding.
untouched() {
	local end

	end=$(on_image "$1" - -toc | awk -F '[:,]' \
		'/^ISO session/ { end = ($3 + $4) * 2048 } END { print end }')
	[ "$end" -gt 65536 ] || fail "$1: no session"
	[ "$(stat -c %s "$2")" -ge "$end" ] || fail "$2 was cut"
	cmp <(tail -c +65537 "$1" | head -c $((end - 65536))) \
		<(tail -c +65537 "$2" | head -c $((end - 65536))) ||
		fail "old sessions were changed: $1, $2"
}

# expect_sessions N [IMAGE]
expect_sessions() {
	local n

	n=$(sessions "${2:-$IMG}" | wc -l)
	[ "$n" -eq "$1" ] || fail "$n sessions on the disc, not $1"
}

# sound IMAGE - the MD5 sums that were recorded for it, xorriso finds again.
sound() {
	on_image "$1" - -check_media use=indev -- >"$T/check_media"
	! grep -q 'MD5 MISMATCH' "$T/check_media" ||
		fail "$1: $(grep 'MD5 MISMATCH' "$T/check_media")"
	on_image "$1" - -check_md5_r FAILURE / --
	! grep -q 'Not a single file with MD5' "$T/xorriso.err" ||
		fail "$1: no MD5 sums of files"
}

# readable IMAGE NAME... - three more readers take it, and list NAME (a path
# without the leading slash).
readable() {
	local image=$1 reader name

	requires isoinfo bsdtar 7z
	shift
	# To files: a reader whose pipe breaks early would count as failed.
	isoinfo -R -f -i "$image" | sed 's|^/||' >"$T/read.isoinfo"
	bsdtar -tf "$image" | sed 's|^\./||; s|/$||' >"$T/read.bsdtar"
	# 7-Zip prefers Joliet: names beyond its limit are cut there.
	7z l -ba -slt "$image" | sed -n 's|^Path = ||p' >"$T/read.7z"
	for reader in isoinfo bsdtar 7z; do
		for name; do
			grep -Fqx -- "$name" "$T/read.$reader" ||
				fail "$reader does not list $name"
		done
	done
}

# --- comparing trees ----------------------------------------------------------

# tree_of DIR - a folder in words, one line a node, sorted by path: type and
# mode, links (files), owner, group, size, mtime in seconds, link target, path.
tree_of() {
	(cd "$1" && find . -mindepth 1 \
		\( -type d -printf '%M - %U %G - %Ts -> %l %P\n' \) -o \
		\( -type l -printf '%M %n %U %G - %Ts -> %l %P\n' \) -o \
		-printf '%M %n %U %G %s %Ts -> %l %P\n') |
		LC_ALL=C sort
}

# same_tree [-l] A B - content, and all that tree_of says; with -l but for the
# times of symbolic links.
same_tree() {
	local drop=

	if [ "$1" = -l ]; then
		drop='s/^(l[^>]*) [0-9]+ ->/\1 - ->/'
		shift
	fi
	diff -r --no-dereference "$1" "$2" >"$T/diff-r" ||
		fail "$1 and $2: $(head -n 3 "$T/diff-r")"
	tree_of "$1" | sed -E "$drop" | LC_ALL=C sort >"$T/tree.1"
	tree_of "$2" | sed -E "$drop" | LC_ALL=C sort >"$T/tree.2"
	diff "$T/tree.1" "$T/tree.2" >"$T/diff-tree" ||
		fail "$1 and $2: $(head -n 5 "$T/diff-tree")"
}

# has DELTA... - each line, as discfs diff prints it, is in its list.
has() {
	local line

	deltas >"$T/deltas"
	for line; do
		grep -Fqx -- "$line" "$T/deltas" || {
			sed 's/^/delta: /' "$T/deltas"
			fail "no delta '$line'"
		}
	done
}
