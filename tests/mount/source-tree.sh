#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A source tree of thousands of files, copied in with cp -a, is the same before the
# burn, after it, after the next mount, and to other readers.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# tree_make DIR - 5250 files with modes, owners, times, links: the same always.
tree_make() (
	modes=(644 600 755 444 640 4755 2711)
	line='A line of text, as sources have many of them.'
	mkdir "$1"
	cd "$1" || exit
	for d in {0..49}; do
		mkdir -p "d$d/"{a,b,c,deep/er/still}
		for f in {0..104}; do
			case $((f % 4)) in
			0) p=d$d/a ;;
			1) p=d$d/b ;;
			2) p=d$d/c ;;
			3) p=d$d/deep/er/still ;;
			esac
			text=
			for ((n = d * f % 23; n > 0; n--)); do
				text+="$n $line"$'\n'
			done
			printf %s "$text" >"$p/file $f of $d.c"
		done
		chmod "${modes[d % 7]}" "d$d"/b/*
		chown "$((d * 11)):$((d * 7))" "d$d"/c/*
		# libarchive keeps no links of an empty file.
		echo "$d" >"d$d/first"
		ln "d$d/first" "d$d/deep/first"
		ln "d$d/first" "d$d/deep/er/first"
		ln -s "a/file 4 of $d.c" "d$d/link"
		ln -s "/nowhere/$d" "d$d/dangling"
		mkdir "d$d/empty"
		chmod 1777 "d$d/empty"
		# Bottom up: a folder's time comes after its children's.
		find "d$d" -depth -exec touch -h -d "@$((1000000000 + d * 98765))" \
			{} +
	done
	head -c 3000000 /dev/zero | tr '\0' 'z' >large
	printf 'no newline' >'back\slash "quote" ümläut'
	chmod 711 .
)

tree_make src
if [ -d /usr/include/linux ]; then
	cp -a /usr/include/linux /usr/include/*.h src/
fi
n=$(find src -type f | wc -l)
[ "$n" -ge 5000 ] || fail "$n files only"

new_image
mnt
cp -a src "$MNT/"
same_tree src "$MNT/src"
ok "$n files, copied in: equal before the burn"

# What diff -r cannot compare.
mkfifo "$MNT/fifo"
mknod "$MNT/null" c 1 3
touch -d @1234567890 "$MNT/fifo" "$MNT/null"

sync "$MNT"
clean
same_tree src "$MNT/src"
expect_sessions 1
ok "equal after sync, which burned one session"

umnt
expect_sessions 1
mnt
clean
same_tree src "$MNT/src"
[ -p "$MNT/fifo" ] || fail "the fifo is none"
[ "$(stat -c '%F %Hr %Lr %Y' "$MNT/null")" = \
	'character special file 1 3 1234567890' ] || fail "the device is lost"
umnt
expect_sessions 1
ok "equal after the next mount"

extract "$IMG" by-xorriso
same_tree -l src by-xorriso/src
ok "equal as xorriso extracts it"
untar "$IMG" by-bsdtar
same_tree src by-bsdtar/src
ok "equal as bsdtar extracts it"
readable "$IMG" src/d7/first src/large
sound "$IMG"
ok "isoinfo and 7z read it, and its MD5 sums match"
