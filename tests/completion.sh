#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the completion offers: each case gives the words of a line so far, as
# readline would break them, the last one to be completed.
. "$top_srcdir/tests/mount/lib.sh"

# Outside of readline there is none to tell.
compopt() { :; }
. "$top_srcdir/cli/discfs.bash-completion"

# offers "WORDS" WANT... - exactly these, in any order.
offers() {
	local line=$1 got

	read -ra COMP_WORDS <<<"$line"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	shift
	_discfs || fail "completion failed: $line"
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort)
	[ "$got" = "$(printf '%s\n' "$@" | sort)" ] ||
		fail "\"$line\" offers: ${got//$'\n'/ }"
	ok "$line"
}

offers 'discfs ' mount umount status diff commit revert log check export drives \
	info blank format close recover eject load stage --help --version
offers 'discfs u' umount
offers 'discfs umount --k' --keep
offers 'discfs commit -' -n --json --help
offers 'discfs status --j' --json
offers 'discfs s' status stage
offers 'discfs stage ' list show missing export drop
offers 'discfs stage d' drop
offers 'discfs stage drop -' -y --stage --help
offers 'discfs stage list -' --json --stage --help
offers 'discfs mount -o com' commit=
offers 'discfs mount -o commit =' unmount sync manual
offers 'discfs mount -o commit = m' manual
offers 'discfs mount -o ro,ver' ro,verify=
offers 'discfs mount -o ro,verify = q' quick
offers 'discfs mount -o reb' rebase
offers 'discfs mount -o zzz' ''

_discfs_stages() { printf '%s\n' 1f0e 1fff 2abc; }
offers 'discfs stage show 1f' 1f0e 1fff
offers 'discfs stage drop -y ' 1f0e 1fff 2abc
offers 'discfs stage export --stage /s 2' 2abc

_discfs_drives() { printf '%s\n' /dev/sr0 /dev/sr1; }
offers 'discfs blank ' /dev/sr0 /dev/sr1
offers 'discfs eject /dev/sr1' /dev/sr1
offers 'discfs info ' /dev/sr0 /dev/sr1
offers 'discfs drives -' --json --help
offers 'discfs format -' -y --full --stage --json --help
offers 'discfs close -' -y --stage --json --help
offers 'discfs recover -' --json --help
offers 'discfs load -' --help

_discfs_mountpoints() { printf '%s\n' '/mnt/a' '/mnt/b c'; }
offers 'discfs umount /mnt/b' '/mnt/b\ c'
offers 'discfs revert /mnt/b' '/mnt/b\ c'
offers 'discfs revert --' --json --help
offers 'discfs export -' -s -f --help
offers 'discfs check /mnt/a' /mnt/a
offers 'discfs log ' /mnt/a '/mnt/b\ c'
