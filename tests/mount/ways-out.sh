#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The commands that messages name work as they stand, with the folder of stages
# where it is not the usual one; an id's first digits will do; and no image is
# made among devices.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq

# way REGEX - the command in quotes of the last message that matches; DIR is
# put in.
way() {
	grep -o '"[^"]*"' "$T/err" | tr -d '"' | grep -E -- "$1" |
		sed "s#discfs#'$DISCFS'#; s#DIR\$#$dir#" | tail -n 1
}

# --- a usual folder of stages, one of one's own, and one to be quoted --------

n=0
for STAGE in '' "$T/stages" "$T/my stages' place"; do
	n=$((n + 1))
	dir=$T/dir.$n
	mkdir "$dir"
	options=() root=()
	[ -z "$STAGE" ] || options=(-o "stage=$STAGE") root=(--stage "$STAGE")
	IMG="$T/disc $n.iso"
	new_image
	"$DISCFS" mount "${options[@]}" "$IMG" "$MNT"
	echo base >"$MNT/base"
	umnt
	"$DISCFS" mount "${options[@]}" "$IMG" "$MNT"
	echo pending >"$MNT/pending"
	keep
	cp "$IMG" copy.iso
	expect_error 32 'has changes for the disc that this is a copy of' \
		"$DISCFS" mount "${options[@]}" copy.iso "$dir"
	eval "$(way nostage)" 2>said
	[ ! -e "$dir/pending" ] || fail "nostage shows the stage"
	"$DISCFS" umount "$dir"
	eval "$(way stage-from=)"
	[ "$(cat "$dir/pending")" = pending ] || fail "not taken"
	"$DISCFS" umount --keep "$dir"
	rm copy.iso
	mv "$IMG" away
	expect_error 32 'is gone, but stage' "$DISCFS" mount "${options[@]}" \
		"$T/copy.iso" "$dir"
	rmdir "$dir"
	eval "$(way export)"
	[ "$(cat "$dir/pending")" = pending ] || fail "not saved"
	eval "$(way drop | sed 's/drop/drop -y/')"
	[ -z "$("$DISCFS" stage list "${root[@]}")" ] || fail "not dropped"
	mv away "$IMG"
done
ok "the ways out of a refused mount work as they stand"

# --- the first digits ----------------------------------------------------------

STAGE=$T/stages
for i in {1..20}; do
	: >"$i.iso"
	"$DISCFS" mount -o "stage=$STAGE" "$i.iso" "$MNT"
	echo "$i" >"$MNT/file"
	keep >kept.out
done
mapfile -t ids < <("$DISCFS" stage list --json --stage "$STAGE" |
	jq -r '.stages[].id' | sort)
[ ${#ids[@]} -eq 20 ] || fail "${#ids[@]} stages"
"$DISCFS" stage show --json --stage "$STAGE" "${ids[3]:0:8}" >shown
[ "$(jq -r .id shown)" = "${ids[3]}" ] || fail "another stage"
# Of twenty, two begin alike.
first=$(printf '%s\n' "${ids[@]}" | cut -c 1 | uniq -d | head -n 1)
mapfile -t both < <(printf '%s\n' "${ids[@]}" | grep "^$first")
expect_error any "begin with \"$first\": .*${both[0]}, ${both[1]}" \
	"$DISCFS" stage drop -y --stage "$STAGE" "$first"
expect_error any 'no stage 0123456789 in' \
	"$DISCFS" stage show --stage "$STAGE" 0123456789
expect_error any 'no stage.s name' "$DISCFS" stage show --stage "$STAGE" ../x
source=$("$DISCFS" stage show --json --stage "$STAGE" "${ids[5]}" | jq -r .disc)
expect_error 32 "begin with \"$first\"" mnt -o "stage-from=$first" "$source"
"$DISCFS" stage drop -y --stage "$STAGE" "${ids[3]:0:8}"
[ ! -e "$STAGE/${ids[3]}" ] || fail "not dropped"
[ "$(ls "$STAGE" | wc -l)" -eq 19 ] || fail "$(ls "$STAGE")"
mnt -o "stage-from=${ids[5]:0:8}" "$source"
has 'A file'
keep
ok "an id's first digits name a stage; several are listed"

# --- among devices -----------------------------------------------------------

mkdir devices
mount -t tmpfs none devices
mknod devices/fuse c 10 229
mknod -m 666 devices/null c 1 3
mknod -m 666 devices/urandom c 1 9
mkdir devices/shm devices/disk
mount --bind devices /dev
ln -s /dev/sr0 link.iso
expect_error 32 'discfs drives' mnt /dev/sr0
! grep -q create err || fail "create is named"
for path in /dev/sr0 /dev/disk/new /dev/./sr0 /dev/fd/../sr0 link.iso \
	"$T/devices/sr0"; do
	expect_error 32 'among devices.*discfs drives|no such file' \
		mnt -o create "$path"
done
[ -z "$(find devices -type f)" ] || fail "made: $(find devices -type f)"
mnt -o create /dev/shm/disc.iso
umnt
[ -f /dev/shm/disc.iso ] || fail "none in /dev/shm"
ok "-o create makes nothing among devices, and is not proposed there"
