# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For scripts that root starts and that need ordinary users, 4001 and 4002: they
# have names, a folder for sockets, /dev/fuse, and may run $DISCFS.

# Where the program was built may not be open to others.
chmod 755 "$T"
mkdir bin
cp "$DISCFS" bin/
DISCFS=$T/bin/discfs

# On some machines /dev/fuse is root's; here, all may have it.
mknod -m 666 fuse c 10 229
mount --bind fuse /dev/fuse

# fusermount3 wants to know the users' names.
{
	cat /etc/passwd
	echo 'one:x:4001:4001::/nonexistent:/bin/false'
	echo 'two:x:4002:4002::/nonexistent:/bin/false'
} >passwd
mount --bind passwd /etc/passwd

# as UID COMMAND...
as() {
	local uid=$1

	shift
	setpriv --reuid="$uid" --regid="$uid" --clear-groups \
		env XDG_RUNTIME_DIR="$T/run.$uid" "$@"
}

for uid in 4001 4002; do
	mkdir -m 700 "run.$uid"
	chown $uid:$uid "run.$uid"
done
