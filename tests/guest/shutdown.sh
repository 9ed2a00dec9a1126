#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs on disk: the guest's disk is large.
#
# A system with systemd goes down while changes wait, and while a session is
# being burned.  The disc is mounted by systemd, from a line in fstab, so it is
# systemd that runs umount(8) then.
. "$top_srcdir/tests/guest/lib.sh"
requires mkfs.ext4 debugfs systemd-run
needs_guest
guest_disk 1024

mkdir -p "$SHARE/overlay/usr/sbin" "$SHARE/overlay/etc" "$SHARE/overlay/mnt/d"
for name in mount umount; do
	ln -s "$DISCFS" "$SHARE/overlay/usr/sbin/$name.discfs"
	ln -s "$DISCFS" "$SHARE/overlay/usr/sbin/$name.fuse.discfs"
done
cat >"$SHARE/overlay/etc/fstab" <<'END'
/state/d.iso /mnt/d discfs noauto,create,stage=/state/stage,x-systemd.requires-mounts-for=/state 0 0
END

# sessions IMAGE - how many xorriso finds.
sessions() {
	xorriso -indev "$1" -toc 2>/dev/null | grep -c '^ISO session' || true
}

guest_system 180 <<'END'
modprobe fuse
systemctl start mnt-d.mount
echo precious >/mnt/d/one
sync /mnt/d/one
systemctl poweroff
END
grep -E 'discfs|umount' "$T/console" || true
guest_file /d.iso "$IMG"
[ "$(sessions "$IMG")" = 0 ] || fail "a shutdown burned"
ok "a shutdown burns nothing of what waits"
grep -qE '1 change.* pending|1 change.* wait' "$T/console" ||
	fail "the journal has no word of it"
ok "and the journal says that it waits"

guest_system 240 <<'END'
modprobe fuse
systemctl start mnt-d.mount
cat /mnt/d/one
head -c 40M /dev/urandom >/mnt/d/big
sha256sum </mnt/d/big >/state/sum
sync /mnt/d/big /state/sum
"$DISCFS" commit /mnt/d >/state/commit.log 2>&1 &
until "$DISCFS" status --json /mnt/d |
	grep -qE '"state": *"(burning|verifying)"'; do
	sleep 0.1
done
systemctl poweroff
END
grep -E 'discfs|umount' "$T/console" || true
grep -q '^precious$' "$SHARE/log" || fail "the change is lost"
ok "the next mount has it"
guest_file /d.iso "$IMG"
guest_file /commit.log commit.log
cat commit.log
burned=$(sessions "$IMG")
echo "sessions after the shutdown: $burned"
[ "$burned" = 1 ] ||
	fail "the burn was not finished, though there was time for it"
ok "a burn that runs when the system goes down is finished"

guest_system 240 <<'END'
modprobe fuse
systemctl start mnt-d.mount
"$DISCFS" status /mnt/d
[ "$(cat /mnt/d/one)" = precious ] && sha256sum </mnt/d/big |
	cmp - /state/sum && echo "all of it is there"
umount /mnt/d
"$DISCFS" check /state/d.iso
"$DISCFS" stage list --stage /state/stage
systemctl poweroff
END
grep -q '^all of it is there$' "$SHARE/log" || fail "something was lost"
ok "and nothing of it was lost"
