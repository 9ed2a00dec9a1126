#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Targets of symbolic links of every length and shape come back from the disc as
# they were; other readers see those that libisofs can carry.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# name BYTE LENGTH
name() {
	head -c "$2" /dev/zero | tr '\0' "$1"
}

mkdir want
cd want || exit
i=0
link() {
	ln -s -- "$1" "$i"
	i=$((i + 1))
}
for target in a . .. / a/b a/ a/b/ a// //a a//b ./a ../a/./b/.. \
	' b ' "$(printf 'x\n\001\377')"; do
	link "$target"
done
for n in 100 248 249 250 254 255; do
	link "$(name n $n)"
	link "$(name n $n)/"
	link "/$(name n $n)/x/y"
done
fit=$i
for n in 256 500 1023 1024 2000 4095; do
	link "$(name n $n)"
done
for n in 900 1023 1024 2000 4094; do
	link "$(name n $n | sed -E 's/n{60}/&\//g' | head -c $n)z"
done
# What is in front of a long component decides how libisofs divides it.
for n in 200 230 240 241 242 243 244 245 246 247 248; do
	for m in 247 248 249 252 255; do
		link "$(name a $n)/$(name b $m)/c/$(name d 20)"
	done
done
cd "$T" || exit

new_image
mnt
cp -a want "$MNT/links"
same_tree want "$MNT/links"
ok "$i targets in the mount"
umnt
mnt
same_tree want "$MNT/links"
ok "and on the disc"

# Changed, moved and linked, on the disc and after another session.
touch -h -d '2001-02-03 04:05:06 UTC' "$MNT"/links/*
chown -h 12:34 "$MNT"/links/*
touch -h -d '2001-02-03 04:05:06 UTC' want/*
chown -h 12:34 want/*
mv "$MNT/links" "$MNT/moved"
umnt
mnt
clean
touch -r want "$MNT/moved"
same_tree want "$MNT/moved"
ok "after a change of their attributes as well"
umnt

extract "$IMG" got
for ((k = 0; k < fit; k++)); do
	target=$(readlink "want/$k"; echo .)
	read=$(readlink "got/moved/$k"; echo .)
	# libisofs drops a slash at the end.
	[ "$read" = "$target" ] || [ "${read%$'\n.'}/" = "${target%$'\n.'}" ] ||
		fail "xorriso reads '$read' for '$target'"
done
ok "xorriso reads those that it can"
[ "$(find got/moved -lname 'discfs:target-too-long*' | wc -l)" -gt 10 ] ||
	fail "no stand-ins"
find got/moved -type l ! -lname 'discfs:*' -printf '%f %l\n' | sort >got.list
find want -type l -printf '%f %l\n' | sort >want.list
# Whatever is no stand-in is the whole truth.
[ "$(sed 's|/$||' want.list | comm -13 - <(sed 's|/$||' got.list) |
	grep -c '^[0-9]')" -eq 0 ] || fail "a wrong target is shown"
ok "and sees no wrong one"

# Where target and attributes together do not fit the record.
mnt
mkdir "$MNT/attrs"
for n in {1..240}; do
	ln -s "$(name n "$n")" "$MNT/attrs/$n"
done
if setfattr -h -n security.test -v "$(name v 60)" "$MNT"/attrs/* 2>/dev/null; then
	umnt
	mnt
	[ "$(getfattr -h -n security.test "$MNT"/attrs/* 2>/dev/null |
		grep -c '^security.test="v\{60\}"')" -eq 240 ] ||
		fail "attributes of links are lost"
	for n in {1..240}; do
		[ "$(readlink "$MNT/attrs/$n")" = "$(name n "$n")" ] ||
			fail "the target of $n is another"
	done
	ok "links with attributes"
fi
umnt
