#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Other programs write to the first 64 KiB of an image: a disk signature, a
# partition table, a sum for installers, a label, the descriptors of a session.
# The image mounts, with one line about it, and is writable; the next session
# leaves their bytes in the first 32 KiB as they are.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires implantisomd5 checkisomd5 sfdisk sgdisk growisofs genisoimage

# --- the images: each with a file "one" ---------------------------------------

mkdir s more
echo one >s/one
head -c 200000 /dev/urandom >s/data

make_ours() {
	new_image
	mnt -o label=OURS
	cp s/* "$MNT/"
	umnt
}
make_export() {
	make_ours
	"$DISCFS" export "$IMG" "$T/export.iso"
	mv "$T/export.iso" "$IMG"
}
make_xorriso() {
	xorriso -as mkisofs -quiet --md5 -R -J -o "$IMG" s 2>/dev/null
}
make_genisoimage() {
	genisoimage -quiet -R -J -o "$IMG" s
}

# --- what is done to them -----------------------------------------------------

put() { # OFFSET BYTES
	printf '%b' "$2" | dd of="$IMG" bs=1 seek="$1" conv=notrunc status=none
}
change_signature() {
	put 440 '\xde\xad\xbe\xef'
}
change_boot() {
	dd if=/dev/urandom of="$IMG" bs=32768 count=1 iflag=fullblock \
		conv=notrunc status=none
}
change_implant() {
	implantisomd5 -f "$IMG" >/dev/null
}
change_sfdisk() {
	sfdisk -q "$IMG" <<<'label: dos
start=64, size=8, type=83'
}
change_sgdisk() {
	# As large as a copy of the table needs it to be.
	truncate -s +1M "$IMG"
	sgdisk -a 1 -n 1:200:240 "$IMG" >/dev/null
}
change_label() {
	put $((16 * 2048 + 40)) 'TUNED   '
}
change_grow() {
	echo three >more/three
	growisofs -M "$IMG" -R -J -quiet more >/dev/null 2>&1
}
change_grow_twice() {
	change_grow
	head -c 70000 /dev/urandom >more/four
	growisofs -M "$IMG" -R -J -quiet more >/dev/null 2>&1
}

# --- what has to hold ---------------------------------------------------------

# is_noted COMMAND... - it ends well, and says one line, or none where the image
# has no sum that could be wrong.  A new table may tell of a partition, too.
is_noted() {
	"$@" 2>"$T/err" >"$T/out" || fail "$* fails: $(cat "$T/err")"
	grep -v 'behind its file system lie' "$T/err" >"$T/notes" || true
	case $kind in
	genisoimage) [ ! -s "$T/notes" ] ;;
	*)
		[ "$(grep -c . "$T/notes")" -eq 1 ] &&
			grep -q 'another program changed' "$T/notes"
		;;
	esac || fail "$kind, $change: $* says: $(cat "$T/err")"
}

holds() { # NAME...
	for f; do
		[ -e "$MNT/$f" ] || fail "$kind, $change: no $f"
	done
	same s/data "$MNT/data"
}

one_case() {
	local files=(one data)

	rm -rf "$IMG" "$STAGE" want
	"make_$kind" >/dev/null
	"change_$change" || fail "cannot $change $kind"
	case $change in
	grow) files+=(three) ;;
	grow_twice) files+=(three four) ;;
	esac
	is_noted "$DISCFS" log "$IMG"
	is_noted "$DISCFS" check "$IMG"
	is_noted mnt -o ro
	holds "${files[@]}"
	umnt
	is_noted mnt
	holds "${files[@]}"
	[ -w "$MNT/one" ] || fail "$kind, $change: read-only"
	head -c 32768 "$IMG" >area
	echo new >"$MNT/new"
	umnt >/dev/null
	cmp area <(head -c 32768 "$IMG") ||
		fail "$kind, $change: the system area is not as it was"
	# The sum in the new head is of what stands there now.
	mnt 2>"$T/err"
	[ ! -s "$T/err" ] || fail "$kind, $change, grown: $(cat "$T/err")"
	holds "${files[@]}" new
	[ "$kind" != ours ] || [ -e "$MNT/.discfs/sessions/1/one" ] ||
		fail "$kind, $change: session 1 is gone"
	umnt
	"$DISCFS" check "$IMG" >out ||
		fail "$kind, $change, grown: $(cat out)"
	extract_file "$IMG" /data data.back
	same s/data data.back "$kind, $change: what xorriso reads"
	rm -f data.back
}

# cases KIND CHANGE...
cases() {
	kind=$1
	shift
	for change; do
		one_case
	done
	ok "$kind: not damaged by: $*"
}

cases ours signature boot implant sfdisk sgdisk label grow grow_twice
cases xorriso signature boot implant label grow
cases export implant sgdisk
cases genisoimage sfdisk grow_twice

# A tree that is damaged is refused, whatever the head looks like.
for kind in ours xorriso; do
	rm -rf "$IMG" "$STAGE"
	"make_$kind" >/dev/null
	change=signature
	change_signature
	at=$(LC_ALL=C grep -abo 'NM[^n]*one' "$IMG" | tail -n 1 | cut -d : -f 1)
	put $((at + 5)) X
	if "$DISCFS" check "$IMG" 2>err >out; then
		fail "$kind: a damaged tree is not seen: $(cat out)"
	fi
	grep -q 'damaged: the checksum' err || fail "$kind: $(cat err)"
done
ok "behind a changed head the tree's own sums still count"
