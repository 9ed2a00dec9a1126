#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Large trees: many files in one folder, a deep tree, many links of one file,
# and names of every byte.
#
#   LARGE_FILES  in one folder (default 200000)
#   LARGE_DISC   files of a disc, in folders of 1000 (default 0: not done)
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires python3
files=${LARGE_FILES:-200000}
disc=${LARGE_DISC:-0}

# fill DIR N - N files in one folder, with no program started for each.
fill() {
	python3 - "$1" "$2" <<-'END'
		import os, sys
		dir = os.open(sys.argv[1], os.O_RDONLY)
		for i in range(int(sys.argv[2])):
		    os.close(os.open("f%06d" % i, os.O_WRONLY | os.O_CREAT, 0o644,
		                     dir_fd=dir))
	END
}

# took WHAT COMMAND... - and how long it took.
took() {
	local what=$1 start=${EPOCHREALTIME/./}

	shift
	"$@"
	printf '%s: %d ms\n' "$what" $(((${EPOCHREALTIME/./} - start) / 1000))
}

new_image
mnt
mkdir "$MNT/many"
took "make $files files" fill "$MNT/many" "$files"
took list find "$MNT/many" -type f -printf '%f\n' >listed
[ "$(grep -c '^f' listed)" -eq "$files" ] ||
	fail "$(grep -c '^f' listed) of $files files are listed"
[ "$(grep '^f' listed | sort -u | wc -l)" -eq "$files" ] ||
	fail "a name is listed twice"
ok "$files files in one folder"

# From names of two bytes on, so that none is "." or "..".
cat >names.py <<'END'
import os, sys
root = os.fsencode(sys.argv[2])
def names():
    for first in (b"x", b"\xc3"):
        for b in range(1, 256):
            if b != 0x2f:
                yield first + bytes([b])
    for b in range(1, 256):
        if b not in (0x2e, 0x2f):
            yield bytes([b])
    # At both ends, and a whole name of it: as long as a name can be.
    for b in range(1, 256):
        if b not in (0x2e, 0x2f):
            yield bytes([b]) + b"middle" + bytes([b])
            yield bytes([b]) * 255
if sys.argv[1] == "make":
    os.mkdir(root)
    for n in names():
        with open(root + b"/" + n, "xb") as f:
            f.write(n)
else:
    want = sorted(names())
    assert sorted(os.listdir(root)) == want, "other names"
    for n in want:
        with open(root + b"/" + n, "rb") as f:
            assert f.read() == n, n
END
python3 names.py make "$MNT/names"
python3 names.py look "$MNT/names"

# 200 levels, by names of LENGTH bytes.  Where these are long it is more than a
# path can name: one goes down step by step.
cat >deep.py <<'END'
import os, sys
LEVELS = 200
name = "level-%03d".ljust(int(sys.argv[3]) + 2, "-")
if sys.argv[1] == "make":
    os.chdir(sys.argv[2])
    for i in range(LEVELS):
        os.mkdir(name % i)
        os.chdir(name % i)
        with open("leaf", "x") as f:
            f.write(str(i))
else:
    os.chdir(sys.argv[2])
    for i in range(LEVELS):
        os.chdir(name % i)
        with open("leaf") as f:
            assert f.read() == str(i), i
        assert os.stat(".").st_nlink == (3 if i < LEVELS - 1 else 2), i
    assert os.getcwd().endswith(name % (LEVELS - 1))
END
mkdir "$MNT/deep"
python3 deep.py make "$MNT/deep" 9
python3 deep.py look "$MNT/deep" 9
mkdir "$MNT/links"
echo linked >"$MNT/links/file"
took "make 64999 links" python3 -c '
import os, sys
os.chdir(sys.argv[1])
for i in range(64999):
    os.link("file", "l%05d" % i)
try:
    os.link("file", "one-too-many")
except OSError as e:
    assert e.errno == 31, e
else:
    raise Exception("no end of links")' "$MNT/links"
took burn umnt

took mount mnt
clean
[ "$(find "$MNT/many" -type f | wc -l)" -eq "$files" ] ||
	fail "not all of the $files files came back"
python3 names.py look "$MNT/names"
python3 deep.py look "$MNT/deep" 9
[ "$(stat -c %h "$MNT/links/l00000")" -eq 65000 ] ||
	fail "$(stat -c %h "$MNT/links/l00000") links of 65000"
ok "all of it came back"

on_image "$IMG" - -find /many -type f >listed.xorriso
[ "$(wc -l <listed.xorriso)" -eq "$files" ] ||
	fail "xorriso finds $(wc -l <listed.xorriso) of $files files"
on_image "$IMG" - -osirrox on -extract /names got.names \
	-extract /deep got.deep
python3 names.py look got.names
python3 deep.py look got.deep 9
ok "names of every byte, and 200 levels, for another reader too"

# Paths that xorriso does not take any more.
mkdir "$MNT/deeper"
python3 deep.py make "$MNT/deeper" 40
umnt
mnt
python3 deep.py look "$MNT/deeper" 40
ok "200 levels that no path names"

took "remove $files files" rm -r "$MNT/many"
took "remove 65000 links" rm -r "$MNT/links"
! ls "$MNT/many" 2>/dev/null || fail "it is still there"
took "remove 200 levels" rm -r "$MNT/deeper"
took burn umnt
on_image "$IMG" - -find / >listed.xorriso
[ "$(wc -l <listed.xorriso)" -lt 2000 ] || fail "something is left"
ok "and removed again"

[ "$disc" -gt 0 ] || exit 0
rm "$IMG"
new_image
mnt
make_disc() {
	local i

	for ((i = 0; i < disc / 1000; i++)); do
		mkdir "$MNT/d$i"
		fill "$MNT/d$i" 1000
	done
}
took "make $disc files" make_disc
took burn umnt
took mount mnt
clean
[ "$(find "$MNT" -type f | wc -l)" -eq "$disc" ] ||
	fail "not all of $disc files came back"
grep VmHWM "/proc/$(daemon)/status"
touch "$MNT/d0/one-more"
took "burn one more" umnt
on_image "$IMG" - -find / -type f >listed.xorriso
[ "$(wc -l <listed.xorriso)" -eq $((disc + 1)) ] ||
	fail "xorriso finds $(wc -l <listed.xorriso) files"
ok "$disc files in a disc"
