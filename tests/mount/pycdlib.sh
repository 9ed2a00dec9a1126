#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pycdlib, by which Ansible and others read images, opens what discfs wrote, and
# finds in it what the mount shows: a disc of one session and of two, an export,
# an image of others that grew.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires setfattr setfacl
python=/usr/bin/python3
"$python" -c 'import pycdlib' 2>/dev/null ||
	skip "no pycdlib (Debian: python3-pycdlib)"

cat >list.py <<'END'
import io, sys, pycdlib

iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
for folder, folders, files in iso.walk(rr_path='/'):
    for name in folders + files:
        path = folder.rstrip('/') + '/' + name
        record = iso.get_record(rr_path=path)
        if name in folders:
            what = 'folder'
        elif record.rock_ridge.is_symlink():
            what = '-> ' + record.rock_ridge.symlink_path().decode()
        else:
            content = io.BytesIO()
            iso.get_file_from_iso_fp(content, rr_path=path)
            what = content.getvalue().hex()
        print(path, what)
iso.close()
END

# shown DIR - the same of a folder.
shown() {
	(cd "$1" && find . -mindepth 1 \( -type d -printf '%p folder\n' \) -o \
		\( -type l -printf '%p -> %l\n' \) -o -type f -print) |
		while read -r path rest; do
			[ -n "$rest" ] ||
				rest=$(od -An -v -t x1 "$1/$path" | tr -d ' \n')
			echo "${path#.} $rest"
		done | sed 's/ $//' | LC_ALL=C sort
}

# opens IMAGE DIR
opens() {
	"$python" list.py "$1" >listed 2>&1 ||
		fail "pycdlib and $1: $(tail -n 1 listed)"
	sed 's/ $//' listed | LC_ALL=C sort | diff <(shown "$2") - ||
		fail "pycdlib finds another tree in $1"
}

new_image
mnt
mkdir -p "$MNT/folder/1/2/3/4/5/6/7/8/9"
echo deep >"$MNT/folder/1/2/3/4/5/6/7/8/9/file"
echo one >"$MNT/one"
ln "$MNT/one" "$MNT/folder/one"
: >"$MNT/empty"
ln -s ../one "$MNT/folder/link"
setfattr -n user.color -v blue "$MNT/one"
setfacl -m u:1234:r "$MNT/folder"
for n in 80 97 98 120 180 250; do
	echo "$n" >"$MNT/$(printf "%0${n}d" 7)"
done
for n in {1..60}; do
	echo "$n" >"$MNT/folder/$(printf '%0200d' "$n")"
done
umnt >/dev/null
mnt
opens "$IMG" "$MNT"
echo two >"$MNT/two"
umnt >/dev/null
mnt
opens "$IMG" "$MNT"
"$DISCFS" export "$MNT" export.iso >/dev/null
opens export.iso "$MNT"
cp -a "$MNT/." tree
umnt
ok "a session, two, an export"

rm -f tree/00*
xorriso -as mkisofs -quiet -r -J -o "$IMG" tree 2>/dev/null
mnt
echo new >"$MNT/new"
umnt >/dev/null
mnt
opens "$IMG" "$MNT"
umnt
ok "another program's image that grew"

# What the attributes say is there for others, too.
getfattr -h -R -d -m 'user.color|system.posix_acl' tree >want
rm -rf got
extract export.iso got
(mv got tree2 && rm -rf tree && mv tree2 tree &&
	getfattr -h -R -d -m 'user.color|system.posix_acl' tree) >got.attrs
sort want >want.sorted
sort got.attrs | diff want.sorted - || fail "other attributes for xorriso"
ok "attributes and ACLs for xorriso"
