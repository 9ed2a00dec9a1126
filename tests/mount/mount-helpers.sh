#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The helpers of mount(8) and umount(8): mount -t discfs, fstab, and an umount that
# waits for the burn and tells the truth.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

install_helpers
opts=stage=$STAGE

image_with_base() {
	rm -f "$IMG"
	new_image
	mnt
	echo base >"$MNT/base"
	umnt
	expect_sessions 1
}

image_with_base
mount -t discfs -o "$opts" "$IMG" "$MNT"
[ "$(findmnt -n -o FSTYPE,SOURCE "$MNT" | tr -s ' ')" = "fuse.discfs $IMG" ] ||
	fail "the mount table says: $(findmnt -n "$MNT")"
echo one >"$MNT/one"
umount "$MNT"
! mounted || fail "still mounted"
expect_sessions 2
extract_file "$IMG" /one got
[ "$(cat got)" = one ] || fail "the file on the disc is another"
no_daemon || fail "a process stays behind"
cp "$IMG" before.base
ok "mount -t discfs, umount: burned when umount returns"

# What scripts compare.
mount -t discfs -o "$opts" "$IMG" "$MNT"
echo quiet >"$MNT/quiet"
umount "$MNT" >out 2>&1
[ ! -s out ] || fail "umount says: $(cat out)"
expect_sessions 3
mount -t discfs -o "$opts" "$IMG" "$MNT"
rm "$MNT/quiet"
umount -v "$MNT" >out
grep -q '^burned and verified: ' out || fail "umount -v says: $(cat out)"
mount -t discfs -o "$opts" "$IMG" "$MNT"
rm "$MNT/one"
"$DISCFS" umount "$MNT" >out
grep -q '^burned and verified: ' out || fail "discfs umount says: $(cat out)"
cp before.base "$IMG"
ok "umount is silent where nobody looks"

# Nothing stays in utab: a second umount must not find a helper to call.
! grep -q "$MNT" /run/mount/utab 2>/dev/null || fail "utab keeps the mount"
expect_exit 32 umount "$MNT" 2>/dev/null
ok "umount of what is not mounted"

mount -t discfs -o "$opts" "$IMG" "$MNT"
echo two >"$MNT/two"
cp "$IMG" before.iso
(cd "$MNT" && exec sleep 1000) &
sleeper=$!
within 5 inside $sleeper "$MNT"
expect_exit 32 umount "$MNT" 2>err
grep -Eqi 'busy' err || fail "not said that it is busy: $(cat err)"
mounted || fail "unmounted under a shell"
same before.iso "$IMG" "the image of a busy mount"
kill $sleeper
wait $sleeper || true
ok "umount of a busy mount: exit 32, nothing burned"

keep
same before.iso "$IMG" "the image after umount --keep"
no_daemon || fail "a process stays behind"
mount -t discfs -o "$opts" "$IMG" "$MNT"
has 'A two'
umount "$MNT"
expect_sessions 3
ok "umount --keep leaves the changes to the next mount"

# By the mount table, with what mount(8) itself and systemd put there.
echo "$IMG $MNT discfs $opts,noauto,nofail,user,noatime,x-systemd.automount 0 0" \
	>fstab
mount --bind fstab /etc/fstab
mount "$MNT"
echo three >"$MNT/three"
umount "$MNT"
expect_sessions 4
ok "an entry of fstab"

# --- nofail ---

# silent COMMAND... - it succeeds without a word, and nothing is mounted.
silent() {
	"$@" >out 2>&1 || fail "exit status $?: $*"
	[ ! -s out ] || fail "$*: $(cat out)"
	! mounted || fail "mounted: $*"
}

silent mount -t discfs -o "$opts,nofail" "$T/missing.iso" "$MNT"
silent mount -t discfs -o "$opts,nofail" "$T/no/folder/missing.iso" "$MNT"
silent mount -t discfs -o "$opts,nofail" /dev/sr77 "$MNT"
silent "$DISCFS" mount -o "$opts,nofail" "$T/missing.iso" "$MNT"
silent mount.discfs "$T/missing.iso" "$MNT" -f -o "$opts,nofail"
echo "$T/missing.iso $MNT discfs $opts,nofail 0 0" >fstab
silent mount -a
silent mount "$MNT"
echo "$T/missing.iso $MNT discfs $opts 0 0" >fstab
expect_exit 32 mount "$MNT" 2>err
[ -s err ] || fail "without nofail nothing is said"
# What is there must work, and what is to be made is made.
head -c 100000 /dev/urandom >garbage.iso
expect_exit 32 mount -t discfs -o "$opts,nofail" "$T/garbage.iso" "$MNT" 2>err
mount -t discfs -o "$opts,nofail,create" "$T/made.iso" "$MNT"
umount "$MNT"
[ -e made.iso ] || fail "-o create,nofail makes nothing"
expect_exit 32 mount -t discfs -o "$opts,nofail" "$IMG" "$T/no-folder" 2>err
ok "nofail: what is missing is no failure, and no word"

for option in user users owner group; do
	mount -t discfs -o "$opts,$option" "$IMG" "$MNT"
	findmnt -n -o VFS-OPTIONS "$MNT" | grep -q 'nosuid,nodev' ||
		fail "$option: $(findmnt -n -o VFS-OPTIONS "$MNT")"
	umount "$MNT"
done
mount -t discfs -o "$opts" "$IMG" "$MNT"
! findmnt -n -o VFS-OPTIONS "$MNT" | grep -q nosuid || fail "root's is nosuid"
umount "$MNT"
ok "user, users, owner and group imply nosuid and nodev"

mount -t discfs -o "ro,$opts" "$IMG" "$MNT"
findmnt -n -o OPTIONS "$MNT" | grep -Eq '(^|,)ro(,|$)' ||
	fail "the mount table does not say ro"
! touch "$MNT/new" 2>/dev/null || fail "ro is writable"
cp "$IMG" before.iso
umount "$MNT"
same before.iso "$IMG" "an image mounted read-only"
ok "mount -o ro"

# options_are WORD - ro or rw, in the mount table.
options_are() {
	findmnt -n -o OPTIONS "$MNT" | grep -Eq "^$1(,|\$)" ||
		fail "not $1: $(findmnt -n -o OPTIONS "$MNT")"
}

# Without an entry of fstab, and with one.
for fstab in '' "$IMG $MNT discfs $opts,noexec,verify=quick 0 0"; do
	echo "$fstab" >fstab
	mount -t discfs -o "$opts" "$IMG" "$MNT"
	echo remount >"$MNT/remount"
	mount -o remount,ro "$MNT" 2>err
	if [ -n "$fstab" ]; then
		grep -Eqx 'discfs: mount.discfs: -o verify stays as it is .*' \
			err || fail "not said: $(cat err)"
		findmnt -n -o OPTIONS "$MNT" | grep -q noexec ||
			fail "noexec is lost"
	else
		[ ! -s err ] || fail "$(cat err)"
	fi
	options_are ro
	! touch "$MNT/new" 2>touch.err || fail "ro is writable"
	grep -q Read-only touch.err || fail "$(cat touch.err)"
	mount -o remount,rw "$MNT" 2>err
	options_are rw
	touch "$MNT/new"
	exec 9>"$MNT/new"
	expect_exit 32 mount -o remount,ro "$MNT" 2>err
	grep -q 'cannot remount .*: a file in it is open for writing' err ||
		fail "$(cat err)"
	exec 9>&-
	mount -o remount,ro "$MNT" 2>err
	# What waits is burned all the same.
	before=$(sessions "$IMG" | wc -l)
	umount "$MNT"
	[ "$(sessions "$IMG" | wc -l)" -eq $((before + 1)) ] ||
		fail "nothing was burned"
	extract_file "$IMG" /remount got.remount
	[ "$(cat got.remount)" = remount ] || fail "the change is lost"
	mount -t discfs -o "$opts" "$IMG" "$MNT"
	rm "$MNT/remount" "$MNT/new"
	umount "$MNT"
done
echo "$IMG $MNT discfs $opts,label=A_B,verify=quick,commit=unmount,sync,umask=022,noauto,nofail 0 0" >fstab
mount "$MNT"
mount -o remount,ro "$MNT" >out 2>&1
[ ! -s out ] || fail "its own options: $(cat out)"
options_are ro
mount -o remount,rw "$MNT" >out 2>&1
[ ! -s out ] || fail "its own options: $(cat out)"
mount -o remount,ro,label=OTHER "$MNT" 2>err
[ "$(cat err)" = "discfs: mount.discfs: -o label stays as it is until the \
next mount" ] || fail "not said: $(cat err)"
umount "$MNT"
echo >fstab
ok "mount -o remount,ro and remount,rw"

mount -t discfs -o "$opts,ro" "$IMG" "$MNT"
mount -o remount,ro "$MNT"
expect_error 32 'cannot remount .*it was mounted read-only \(as asked for\)' \
	mount -o remount,rw "$MNT"
options_are ro
expect_error 32 'cannot remount .*no disc is mounted there' \
	mount.discfs "$IMG" "$T" -o remount,ro
umount "$MNT"
ok "what was mounted read-only is not remounted writable"

expect_error 1 'frobnicate' mount -t discfs -o "$opts,frobnicate" "$IMG" "$MNT"
expect_error 32 '.' mount -t discfs -o "$opts" missing.iso "$MNT"
! mounted || fail "and yet it is mounted"
ok "mount passes the helper's exit status on"

# Going round the helper: the burn is made all the same, unseen.
mount -t discfs -o "$opts" "$IMG" "$MNT"
echo five >"$MNT/five"
umount -i "$MNT"
within 30 no_daemon
expect_sessions 9
extract_file "$IMG" /five got.five
[ "$(cat got.five)" = five ] || fail "the file on the disc is another"
ok "umount -i burns in the background"

# A program that comes in while it burns.
mount -t discfs -o "$opts" "$IMG" "$MNT"
head -c 100000000 /dev/zero >"$MNT/large"
umount -v "$MNT" >out 2>err &
umounter=$!
within 20 grep -q burning err
(cd "$MNT" && exec sleep 1000) &
sleeper=$!
code=0
wait $umounter || code=$?
[ $code -eq 32 ] || fail "exit status $code"
cat err
tail -n 1 err | grep -Eq "target is busy: sleep \(pid $sleeper\) .*; burned and \
verified: .*, but it stays mounted$" || fail "said last: $(tail -n 1 err)"
mounted || fail "it is not mounted"
clean
touch "$MNT/late"
kill $sleeper
wait $sleeper || true
rm "$MNT/late"
keep
no_daemon || fail "a process stays behind"
ok "burned, and yet busy: what is said last is so, and changes are allowed"

# A burn that fails: umount says so, and the mount stays.
mkdir small
mount -t tmpfs -o size=30m tmpfs small
IMG=$T/small/disc.iso
image_with_base
mount -t discfs -o "$opts" "$IMG" "$MNT"
head -c 5000000 /dev/urandom >"$MNT/data"
fallocate -l "$(($(df --output=avail -k small | tail -n 1) - 1000))K" \
	small/filler
expect_exit 32 umount "$MNT" 2>err
grep -Eqi 'space|free' err || fail "not said why: $(cat err)"
mounted || fail "unmounted, and nothing burned"
rm small/filler
umount "$MNT"
expect_sessions 2
ok "umount of a mount that cannot be burned: exit 32, and it stays"
