# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the tests that need a kernel, or a system, of their own: a guest of QEMU
# without KVM, with Debian's kernel.  Its root is the host's, read-only by 9p,
# with an overlay in memory, so all that is installed and built here is there
# and none of it can be harmed.
#
#   $SHARE     a folder of both; in the guest it is /guest
#   $SHARE/overlay/    is copied over the guest's root before it starts
#   $GUEST_DISK        ext4, /state in the guest, for what must outlive it;
#              guest_disk makes it, guest_file FILE TO gets a file out of it
#
# tests/guest/kernel keeps the kernel in $GUEST_CACHE.

# shellcheck source=tests/mount/lib.sh
. "$top_srcdir/tests/mount/lib.sh"

SHARE=$T/share GUEST_DISK=$T/state.ext4
GUEST_CACHE=${GUEST_CACHE:-$top_builddir/guest}
mkdir -p "$SHARE/overlay"

# needs_guest - skip where there cannot be one.
needs_guest() {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	requires qemu-system-x86_64 busybox cpio depmod apt-get
	[ -x "$DISCFS" ] || fail "$DISCFS was not built"
	bash "$top_srcdir/tests/guest/kernel" "$GUEST_CACHE" >"$T/kernel.log" \
		2>&1 || {
		cat "$T/kernel.log"
		skip "no kernel to be had"
	}
}

# guest_disk MEGABYTES
guest_disk() {
	truncate -s "$1M" "$GUEST_DISK"
	mkfs.ext4 -q -F "$GUEST_DISK"
}

# guest_file FILE TO - of the disk, while no guest has it.
guest_file() {
	# What the guest wrote last may be in the journal only.
	e2fsck -p "$GUEST_DISK" >/dev/null || [ $? -eq 1 ]
	debugfs -R "dump $1 $2" "$GUEST_DISK"
	[ -e "$2" ]
}

# boot SECONDS [QEMU-ARG...] - until it powers itself off.
boot() {
	local limit=$1 share=local,security_model=none,multidevs=remap disk=()
	# One line: systemd reads no other.
	local line=(console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off
		nokaslr random.trust_cpu=1 tsc=reliable
		systemd.unit=guest.target systemd.show_status=no)

	shift
	[ ! -e "$GUEST_DISK" ] ||
		disk=(-drive "file=$GUEST_DISK,if=virtio,format=raw")
	timeout "$((limit * TEST_SLOW))" qemu-system-x86_64 \
		-accel tcg,thread=multi -cpu max -smp 1 -m 2048 -nodefaults \
		-display none -no-reboot -serial "file:$T/console" \
		-kernel "$GUEST_CACHE/vmlinuz" -initrd "$GUEST_CACHE/initrd" \
		-append "${line[*]}" \
		-fsdev "$share,id=root,path=/,readonly=on" \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "$share,id=share,path=$SHARE" \
		-device virtio-9p-pci,fsdev=share,mount_tag=share \
		-fsdev "$share,id=modules,path=$GUEST_CACHE/modules,readonly=on" \
		-device virtio-9p-pci,fsdev=modules,mount_tag=modules \
		"${disk[@]}" "$@" </dev/null || {
		tail -n 30 "$T/console"
		fail "the guest did not power itself off in $limit seconds"
	}
}

# guest SECONDS [QEMU-ARG...] - boot it to run the script on standard input,
# by bash, with $DISCFS and $T; what that printed is shown.  It must succeed.
guest() {
	{
		echo 'set -eEuo pipefail'
		echo 'export LC_ALL=C.UTF-8 TZ=UTC HOME=/root'
		printf 'DISCFS=%q T=/tmp/guest\n' "$DISCFS"
		# shellcheck disable=SC2016
		echo 'trap '\''echo "failed: $BASH_COMMAND"'\'' ERR'
		echo 'mkdir -p "$T"; cd "$T"'
		cat
	} >"$SHARE/script"
	rm -f "$SHARE/status" "$SHARE/log" "$SHARE/systemd"
	boot "$@"
	cat "$SHARE/log" || tail -n 30 "$T/console"
	[ "$(cat "$SHARE/status")" = 0 ] || fail "the guest's script failed"
}

# Services and timers of the host, and what would walk through all of its files.
MASKED="systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service
systemd-tmpfiles-clean.timer systemd-journal-flush.service
systemd-sysusers.service systemd-firstboot.service systemd-hwdb-update.service
systemd-random-seed.service systemd-machine-id-commit.service
systemd-update-utmp.service systemd-timesyncd.service
systemd-remount-fs.service systemd-binfmt.service systemd-modules-load.service
ldconfig.service timers.target getty.target console-getty.service
serial-getty@ttyS0.service"

# guest_system SECONDS - boot it with systemd to run the script on standard
# input, by bash as a service, until the system is off.  The journal is in
# $T/console.
guest_system() {
	local etc=$SHARE/overlay/etc unit=$SHARE/overlay/etc/systemd/system name

	mkdir -p "$unit" "$etc/systemd/journald.conf.d"
	for name in $MASKED; do
		ln -sf /dev/null "$unit/$name"
	done
	cat >"$etc/systemd/journald.conf.d/guest.conf" <<-'END'
		[Journal]
		Storage=volatile
		ForwardToConsole=yes
		TTYPath=/dev/ttyS0
		MaxLevelConsole=info
	END
	cat >"$unit/guest.target" <<-'END'
		[Unit]
		Requires=basic.target
		After=basic.target
		Wants=dbus.service systemd-logind.service guest-script.service
		AllowIsolate=yes
	END
	cat >"$unit/guest-script.service" <<-'END'
		[Unit]
		After=basic.target
		[Service]
		ExecStart=/bin/bash -c '/bin/bash /guest/script >>/guest/log 2>&1; echo $? >/guest/status'
	END
	{
		echo 'export LC_ALL=C.UTF-8 TZ=UTC HOME=/root'
		printf 'DISCFS=%q\n' "$DISCFS"
		cat
	} >"$SHARE/script"
	: >"$SHARE/systemd"
	rm -f "$SHARE/status" "$SHARE/log"
	boot "$@"
	cat "$SHARE/log" || tail -n 30 "$T/console"
}
