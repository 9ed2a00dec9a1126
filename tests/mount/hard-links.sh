#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hard links of every kind of node, made on the mount, to what is on the disc
# and removed again, are links after each burn, and never of another node.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# links DIR - groups of names that are one node, one line each.
links() {
	(cd "$1" && find . ! -type d -printf '%i %n %P\n' | LC_ALL=C sort -k 3 |
		awk '{ v[$1] = v[$1] " " $3; n[$1] = $2 }
			END { for (i in v) print n[i] v[i] }' | LC_ALL=C sort)
}

# again - burn, mount again, and compare with what was there before.
again() {
	links "$MNT" >want
	umnt
	mnt
	clean
	links "$MNT" >got
	diff want got >&2 || fail "$1"
	ok "$1"
}

new_image
mnt
cd "$MNT" || exit
mkdir d
for i in 1 2; do
	echo x >"file$i"
	mkfifo "fifo$i"
	ln -s nowhere "link$i"
	ln -s "$(head -c 2000 /dev/zero | tr '\0' t)" "long$i"
	mknod "device$i" c 1 3 2>/dev/null || rm -f "device$i"
done
# All pairs are equal in everything but their inode.
touch -h -d '2001-02-03' ./*[12]
for f in *[12]; do
	ln "$f" "d/$f.link"
done
cd "$T" || exit
again "new links"

cd "$MNT" || exit
for f in *1; do
	ln "$f" "$f.third"
done
cd "$T" || exit
again "a third name of what is on the disc"
! grep -v '^[23] ' got || fail "a node has lost its other names"

cd "$MNT" || exit
for f in *2; do
	chown -h 7:8 "$f"
	mv "$f" "d/$f.moved"
done
rm ./*1
cd "$T" || exit
again "names that were moved and removed, owners that changed"
[ "$(stat -c %u "$MNT/d/fifo2.link")" -eq 7 ] ||
	fail "the other name has the old owner"

rm "$MNT"/d/*.link
again "single names that are left"
! grep -v '^1 ' got || fail "a single name is counted twice"

cd "$MNT" || exit
for f in *.third; do
	ln "$f" "${f%.third}.new"
	ln -s nowhere "fresh-$f"
	ln "fresh-$f" "fresh-$f.link"
done
cd "$T" || exit
again "new names and new nodes in a later session"
[ "$(readlink "$MNT/long1.new" | wc -c)" -eq 2001 ] || fail "the target is cut"
umnt

# The marks of links are nothing to restore: no reader stumbles over them.
xorriso -abort_on SORRY -return_with SORRY 32 -acl on -xattr any \
	-indev "stdio:$IMG" -osirrox on -extract / extracted 2>err ||
	fail "xorriso -xattr any: $(cat err)"
[ -p extracted/d/fifo2.moved ] || fail "xorriso has lost the fifo"
ok "extracted with all attributes"
