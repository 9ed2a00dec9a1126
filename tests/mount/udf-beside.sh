#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image with a UDF file system beside its ISO 9660: nothing is written, so
# that all who read UDF find what they found before; and each command that shows
# ISO 9660 alone says so.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq genisoimage blkid udfinfo 7z

mkdir -p src/sources
echo "see the UDF tree" >src/README.TXT
head -c 300000 /dev/urandom >src/sources/install.wim
genisoimage -quiet -udf -V WIN -hide sources -o more.iso src
genisoimage -quiet -udf -J -R -V SAME -o same.iso src
# As one that another program appended a session to: who looks at the
# descriptors sees no UDF any more, 7-Zip does.
cp same.iso hidden.iso
printf 'libisofs_sb_checksum_tag_v1 hides it' |
	dd of=hidden.iso bs=2048 seek=19 conv=notrunc,sync status=none
for block in 20 21; do
	dd if=/dev/zero of=hidden.iso bs=2048 seek=$block count=1 conv=notrunc \
		status=none
done

# By independent readers.
[ "$(blkid -o value -s TYPE more.iso)" = udf ]
[ "$(blkid -o value -s TYPE hidden.iso)" = iso9660 ]

more="it also holds a UDF file system, 'WIN', of whose 2 files ISO 9660 shows only 1; \"mount -t udf -o ro $T/more.iso DIR\" shows them"
same="it also holds a UDF file system, 'SAME', which a new session would hide or leave behind; \"discfs export $T/same.iso FILE\" makes an image without it"
hidden=${same//same.iso/hidden.iso}

for kind in more same hidden; do
	image=$kind.iso words=${!kind}
	cp $image before.iso
	mnt $image 2>err
	[ "$(cat err)" = "discfs: $T/$image: mounted read-only: $words" ] ||
		fail "$kind: $(cat err)"
	! touch "$MNT/new" 2>/dev/null || fail "$kind: writable"
	"$DISCFS" status --json "$MNT" >json
	[ "$(jq -r .readonly_reason json)" = "$words" ] || fail "$(cat json)"
	[ "$(jq -r .beside json)" = "$words" ] || fail "$(cat json)"
	"$DISCFS" check "$MNT" 2>err >/dev/null
	[ "$(cat err)" = "discfs: $MNT: $words" ] || fail "$kind: $(cat err)"
	"$DISCFS" export -f "$MNT" out.iso 2>err >/dev/null
	grep -Fqx "discfs: $MNT: $words" err || fail "$kind: $(cat err)"
	umnt
	"$DISCFS" check $image 2>err >/dev/null
	[ "$(cat err)" = "discfs: $image: $words" ] || fail "$kind: $(cat err)"
	"$DISCFS" export -f $image out.iso 2>err >/dev/null
	grep -Fqx "discfs: $image: $words" err || fail "$kind: $(cat err)"
	"$DISCFS" info $image >out
	grep -Eq '^ +UDF, 2 files \(not used here\)$' out || fail "$(cat out)"
	grep -q 'cannot be written: it also holds a UDF' out || fail "$(cat out)"
	same before.iso $image
	ok "$kind: read-only, and each command says so"
done

mnt -o ro more.iso 2>err
[ "$(cat err)" = "discfs: $T/more.iso: $more" ] || fail "$(cat err)"
umnt
mnt -o ro,nostage same.iso 2>err
umnt
ok "with -o ro, too"

# What discfs makes has none, and can be written.
"$DISCFS" export -f same.iso plain.iso >/dev/null 2>&1
mnt plain.iso 2>err
[ ! -s err ] || fail "$(cat err)"
touch "$MNT/new"
umnt >/dev/null
readable plain.iso new sources/install.wim
ok "an export has no UDF and can be written"

# It comes while the image is mounted.
mkdir other
"$DISCFS" export -f same.iso plain.iso >/dev/null 2>&1
mnt plain.iso
touch "$MNT/new"
dd if=same.iso of=plain.iso bs=2048 skip=256 seek=256 count=1 conv=notrunc \
	status=none
cp plain.iso before.iso
expect_error 32 'UDF|another program' umnt
same before.iso plain.iso
keep
ok "UDF that comes under a mount is not written over"
