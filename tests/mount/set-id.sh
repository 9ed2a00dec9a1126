#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel leaves it to us to clear set-id bits and capabilities when a file's
# content or owner changes (FUSE_HANDLE_KILLPRIV_V2).
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires setpriv setcap getcap perl
[ "$(id -u)" -eq 0 ] || skip "only root can be another user"

chmod 755 "$T"
new_image
mnt -o allow_other
f=$MNT/f

# fresh - a file with set-id bits that everybody may write to.
fresh() {
	head -c 300000 /dev/zero >"$f"
	chown 4001:4001 "$f"
	chmod 6777 "$f"
}

# mode WANT WHAT
mode() {
	[ "$(stat -c %a "$f")" = "$1" ] || fail "$2: mode $(stat -c %a "$f")"
}

# as UID GID COMMAND...
as() {
	setpriv --reuid="$1" --regid="$2" --clear-groups "${@:3}"
}

user() {
	as 4002 4002 "$@"
}

fresh
user sh -c "printf x 1<>'$f'"
mode 777 "a small write"
fresh
user dd if=/dev/zero of="$f" bs=256k count=1 conv=notrunc status=none
mode 777 "a large write"
fresh
user truncate -s 10 "$f"
mode 777 "truncate"
fresh
user sh -c ": >'$f'"
mode 777 "O_TRUNC"
fresh
user fallocate -l 400000 "$f"
mode 777 "fallocate"
fresh
head -c 100000 /dev/urandom >"$MNT/source"
# shellcheck disable=SC2016
user perl -e '
	my %nr = (x86_64 => 326, aarch64 => 285, riscv64 => 285);
	my $nr = $nr{(split " ", `uname -m`)[0]} // die "unknown machine\n";
	open(my $a, "<", $ARGV[0]) or die "source: $!";
	open(my $b, "+<", $ARGV[1]) or die "target: $!";
	syscall($nr, fileno $a, 0, fileno $b, 0, 100000, 0) == 100000
		or die "copy_file_range: $!\n"' "$MNT/source" "$f"
cmp -n 100000 "$MNT/source" "$f" || fail "copied wrong"
mode 777 "copy_file_range"
ok "a user's change of content clears them"

fresh
printf x 1<>"$f"
dd if=/dev/zero of="$f" bs=256k count=1 conv=notrunc status=none
mode 6777 "written by root"
setpriv --bounding-set=-fsetid sh -c "printf x 1<>'$f'"
mode 777 "written by root without CAP_FSETID"
ok "root's does not, if it has CAP_FSETID"

fresh
chown 4002 "$f"
mode 777 "chown"
ok "a change of the owner clears them"

# no_exec WANT WHAT COMMAND...
no_exec() {
	fresh
	chmod 2666 "$f"
	"${@:3}"
	mode "$1" "$2"
}
no_exec 666 "written by another" user sh -c "printf x 1<>'$f'"
no_exec 666 "a large write" user \
	dd if=/dev/zero of="$f" bs=256k count=1 conv=notrunc status=none
no_exec 666 "truncated by another" user truncate -s 10 "$f"
no_exec 666 "fallocate" user fallocate -l 400000 "$f"
no_exec 666 "given to a group by an owner who was not of it" \
	as 4001 4002 chgrp 4002 "$f"
no_exec 2666 "written by one of the group" \
	as 4002 4001 sh -c "printf x 1<>'$f'"
no_exec 2666 "truncated by one" as 4002 4001 truncate -s 10 "$f"
no_exec 2666 "written by root" sh -c "printf x 1<>'$f'"
ok "where the group may not execute, set-gid goes for who is not of it"

root() {
	"$@"
}

for who in user root; do
	fresh
	setcap cap_net_raw+ep "$f"
	[ -n "$(getcap "$f")" ] || fail "no capability to begin with"
	$who sh -c "printf x 1<>'$f'"
	drop_caches "$f"
	[ -z "$(getcap "$f")" ] || fail "the capability outlives a write"
done
ok "a write takes capabilities away, root's as well"
keep
