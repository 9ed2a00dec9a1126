#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A drive that is unplugged and plugged again, a disc that is swapped and put
# back: nothing is written to what is not the disc, and once it is there again
# it is burned without a new mount.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse

requires jq
three_trees

# refuses REGEX ARG... - discfs fails with 32, and says so.
refuses() {
	local regex=$1 got=0

	shift
	on_drive "$@" >said 2>&1 || got=$?
	cat said
	[ $got -eq 32 ] || fail "$kind: exit status $got: $*"
	tail -n 1 said | grep -Eq -- "^discfs: .*$regex" || fail "$kind: $(cat said)"
}

# kept - all that was changed is pending, and the mount lets changes in.
kept() {
	on_drive diff "$MNT" >diff.out || [ $? -eq 1 ] || fail "diff"
	grep -qx 'A s2' diff.out || fail "$kind: $(cat diff.out)"
	touch "$MNT/more" && rm "$MNT/more" || fail "$kind: not writable any more"
}

for kind in cd-r dvd-rw dvd+r dvd+rw bd-re; do
	new_drive $kind
	mount_drive
	cp -r "$T/t/s1" "$MNT/"
	on_drive commit "$MNT" >/dev/null
	cp -r "$T/t/s2" "$MNT/"

	disc unplug
	refuses 'the medium in /dev/sr0 cannot be read: it, or the drive, is gone; the changes stay in the stage' \
		commit "$MNT"
	refuses 'not burned: the medium in /dev/sr0 cannot be read' umount "$MNT"
	mounted || fail "$kind: unmounted without its drive"
	kept
	on_drive status "$MNT" >status.out || fail "$kind: no status"
	disc plug
	on_drive commit "$MNT" >said 2>&1 || fail "$kind: $(cat said)"
	grep -q '^burned and verified' said || fail "$kind: $(cat said)"
	on_drive umount "$MNT" >said 2>&1 || fail "$kind: umount: $(cat said)"
	holds 1 2
	ok "$kind: unplugged and plugged again"
done

for kind in cd-r dvd-rw dvd+r dvd+rw bd-re; do
	new_drive $kind
	mount_drive
	cp -r "$T/t/s1" "$MNT/"
	on_drive commit "$MNT" >/dev/null
	cp -r "$T/t/s2" "$MNT/"

	cat "$DRIVE" >the.disc
	disc create $kind capacity=$CAPACITY
	refuses 'another medium is in /dev/sr0; the changes stay in the stage' commit "$MNT"
	refuses 'not burned: ' umount "$MNT"
	[ "$(disc count write)" -eq 0 ] || fail "$kind: the other disc was written"
	disc_is blank
	kept
	dd if=the.disc of="$DRIVE" conv=notrunc bs=1M status=none
	disc load
	on_drive commit "$MNT" >said 2>&1 || fail "$kind: $(cat said)"
	grep -q '^burned and verified' said || fail "$kind: $(cat said)"
	on_drive umount "$MNT" >said 2>&1 || fail "$kind: umount: $(cat said)"
	holds 1 2
	ok "$kind: another disc instead of it, which stays as it is, and it again"
done

# One that looks the same from outside: as many blocks at the same places.
for kind in cd-r dvd+r; do
	for disc in twin this; do
		new_drive $kind
		mount_drive
		head -c 300000 /dev/urandom >"$MNT/data"
		cp "$MNT/data" $disc.data
		on_drive umount "$MNT" >/dev/null 2>&1
		cat "$DRIVE" >$disc.disc
	done
	mount_drive
	cp -r "$T/t/s2" "$MNT/"
	dd if=twin.disc of="$DRIVE" conv=notrunc bs=1M status=none
	disc load
	writes=$(disc count write)
	refuses 'another medium is in /dev/sr0' commit "$MNT"
	[ "$(disc count write)" -eq "$writes" ] || fail "$kind: it was written"
	if cat "$MNT/data" >got 2>/dev/null; then
		same got this.data "$kind: read from the other disc"
	fi
	kept
	dd if=this.disc of="$DRIVE" conv=notrunc bs=1M status=none
	disc load
	on_drive umount "$MNT" >said 2>&1 || fail "$kind: umount: $(cat said)"
	burns xorriso -indev /dev/sr0 -osirrox on -extract / got.tree
	same got.tree/data this.data
	rm -rf got.tree
	ok "$kind: a disc of the same shape is not taken for it"
done

new_drive cd-r
disc eject
on_drive mount -o "stage=$STAGE,nofail" /dev/sr0 "$MNT" >said 2>&1 ||
	fail "nofail without a medium: $(cat said)"
[ ! -s said ] || fail "nofail: $(cat said)"
! mounted || fail "mounted"
ok "nofail without a medium"
