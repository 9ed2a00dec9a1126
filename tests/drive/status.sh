#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dvd+rw-mediainfo and the programs of sg3-utils read the drive's status.
. "$top_srcdir/tests/drive/lib.sh"
requires dvd+rw-mediainfo sg_inq sg_get_config sg_readcap sg_turs xorriso wodim cdrskin

# says REGEX - the program that was run last.
says() {
	grep -Eq -- "$1" "$T/said" || fail "no '$1' in: $(cat "$T/said")"
}

new_drive dvd+r
burns sg_inq /dev/sr0
says 'Peripheral device type: cd/dvd'
says 'Unit serial number: MMC-'
burns sg_get_config /dev/sr0
says 'Current profile: DVD\+R$'
says 'DVD\+R feature'
burns sg_turs /dev/sr0
ok "sg_inq, sg_get_config and sg_turs know the drive"

names=(
	"dvd-r:DVD-R Sequential" "dvd-rw:DVD-RW Sequential"
	"dvd-rw-ro:DVD-RW Restricted Overwrite" "dvd+r:DVD\+R"
	"dvd+r-dl:DVD\+R Double Layer" "dvd+rw:DVD\+RW" "dvd-ram:DVD-RAM"
	"bd-r:BD-R SRM" "bd-re:BD-RE"
)
for pair in "${names[@]}"; do
	new_drive "${pair%%:*}"
	burns dvd+rw-mediainfo /dev/sr0
	says "Mounted Media:.*, ${pair#*:}"
	case ${pair%%:*} in
	dvd-ram | dvd-rw-ro) says 'Disc status: *complete' ;;
	*) says 'Disc status: *blank' ;;
	esac
	ok "dvd+rw-mediainfo: a new ${pair%%:*}"
done

declare -A profile=(
	[cd-rom]=CD-ROM [cd-r]=CD-R [cd-rw]=CD-RW [dvd-rom]=DVD-ROM
	[dvd-r]='DVD-R sequential recording'
	[dvd-rw]='DVD-RW sequential recording'
	[dvd-rw-ro]='DVD-RW restricted overwrite' [dvd+r]='DVD[+]R'
	[dvd+r-dl]='DVD[+]R dual layer' [dvd+rw]='DVD[+]RW' [dvd-ram]=DVD-RAM
	[bd-rom]='BD-ROM' [bd-r]='BD-R SRM' [bd-re]=BD-RE
)
for kind in "${!profile[@]}"; do
	new_drive "$kind"
	burns sg_get_config /dev/sr0
	says "Current profile: ${profile[$kind]}"
	burns sg_inq --page=0x80 /dev/sr0
	says 'MMC-'
	burns cdrskin dev=/dev/sr0 -minfo
	says "Mounted media type: *${profile[$kind]%% *}"
done
ok "sg_get_config and cdrskin -minfo know all media"

for kind in cd-r cd-rw; do
	new_drive $kind
	burns wodim dev=/dev/sr0 -atip
	[ $kind = cd-r ] && is=' not' || is=
	says "Is$is erasable"
	says "ATIP start of lead out: $CAPACITY "
done
ok "wodim -atip: what is pressed into a CD"

three_trees
new_drive dvd+r
burns xorriso -for_backup -dev /dev/sr0 -close off -map "$T/t/s1" /s1 -commit
burns dvd+rw-mediainfo /dev/sr0
says 'Disc status: *appendable'
says 'Number of Sessions: *2'
end=$(sed -n 's/^ *Track Size: *\([0-9]*\)\*2KB/\1/p' "$T/said" | head -n 1)
says "Next Writable Address: *$((end + 2048))\\*2KB"
burns sg_readcap /dev/sr0
says "Number of logical blocks=$end\$"
ok "an appendable disc: its end, and where the next session starts"

disc eject
if burner sg_turs /dev/sr0; then
	fail "ready with an open tray"
fi
ok "an open tray is not ready"

# Nothing but what MMC_DRIVES names: no such drive is ever opened.
burner sg_inq /dev/sr1 && fail "there is a /dev/sr1"
ok "other drives are not there"
disc load
printf 'not a drive' >"$T/other"
MMC_DRIVES=/dev/sr0=$T/other
got=0
burner sg_inq /dev/sr0 || got=$?
[ $got -eq 125 ] || fail "exit status $got with an unusable file"
says 'mmcshim: cannot use'
ok "an unusable file ends the program"
