#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Programs that change a folder while they list it: they come to an end, and
# meet each file that was there once, whatever they do to it.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires python3

# scan.py FOLDER CHANGE FILES - make a folder of so many, do CHANGE to each file
# that is met, and print how many were met.
cat >scan.py <<'END'
import os, sys

def rename(d, name, n):
    os.rename(f"{d}/{name}", f"{d}/{name}x")

def save(d, name, n):
    open(f"{d}/.tmp{n}", "w").close()
    os.rename(f"{d}/.tmp{n}", f"{d}/{name}")

def backup(d, name, n):
    os.rename(f"{d}/{name}", f"{d}/{name}~")
    open(f"{d}/{name}", "w").close()

def again(d, name, n):
    os.unlink(f"{d}/{name}")
    open(f"{d}/{name}", "w").close()

def link(d, name, n):
    os.link(f"{d}/{name}", f"{d}/{name}l")
    os.unlink(f"{d}/{name}")

def out(d, name, n):
    os.rename(f"{d}/{name}", f"{d}/../other")
    os.rename(f"{d}/../other", f"{d}/{name}")

def back(d, name, n):
    os.rename(f"{d}/{name}", f"{d}/other")
    os.rename(f"{d}/other", f"{d}/{name}")

folder, change, files = sys.argv[1], sys.argv[2], int(sys.argv[3])
if not os.path.exists(folder):
    os.mkdir(folder)
    for i in range(files):
        open(f"{folder}/f{i}", "w").close()
met = 0
for entry in os.scandir(folder):
    if met < 10 * files:
        globals()[change](folder, entry.name, met)
        met += 1
    else:
        break
print(met)
END

# More than fit into one answer of a getdents(2).
files=400

# scans FOLDER - each change to files that are new, and to those that it left.
scans() {
	local change round want met

	for change in rename save backup again link out back; do
		for round in 1 2; do
			want=$files
			[ ! -e "$1/$change" ] ||
				want=$(find "$1/$change" -type f | wc -l)
			met=$(python3 scan.py "$1/$change" "$change" "$want")
			[ "$met" -eq "$want" ] ||
				fail "$change, $round: $met of $want files met"
		done
	done
}

new_image
mnt
scans "$MNT"
ok "a scan that renames, saves or makes anew what it meets ends"

umnt
mnt
scans "$MNT"
[ "$(find "$MNT/rename" -name '*xxxx' ! -name '*xxxxx' | wc -l)" -eq $files ] ||
	fail "not all were renamed four times"
ok "in a folder of the disc as well"

# What is removed while others make new ones.
mkdir "$MNT/busy"
touch "$MNT/busy/"{1..500}
(
	n=0
	while [ ! -e stop ]; do
		: >"$MNT/busy/new$((n++))"
	done
) &
maker=$!
timeout $((20 * TEST_SLOW)) find "$MNT/busy" -type f -delete ||
	fail "the removal does not end"
touch stop
wait $maker
[ -z "$(find "$MNT/busy" -name '[0-9]*')" ] || fail "some were passed over"
ok "a removal ends though others make new files"
keep
