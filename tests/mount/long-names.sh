#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tree size of libisofs 1.5.4 can be wrong by a block where names, links or
# xattrs are long.  Folders of 1 to 300 such files: every commit succeeds at the
# first try, and other readers find the names.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires setfattr jq

# name N - 90 to 255 bytes, no two alike.
name() {
	local n=$1 text

	printf -v text '%03d-%0*d' "$n" $((86 + n * 37 % 166)) "$n"
	echo "$text"
}

filler=$(printf 'a/rather/long/folder/%.0s' {1..200})
new_image
mnt
mkdir "$MNT/files" "$MNT/links" "$MNT/xattrs"
longest=0
for n in {1..300}; do
	text=$(name "$n")
	[ ${#text} -le "$longest" ] || longest=${#text}
	echo "$n" >"$MNT/files/$text"
	[ $((n % 3)) -ne 0 ] ||
		ln -s "${filler:0:100 + n * 3}" "$MNT/links/${text:0:130}"
	if [ $((n % 5)) -eq 0 ]; then
		: >"$MNT/xattrs/${text:0:100}"
		setfattr -n user.long -v "${filler:0:n * 6}" \
			"$MNT/xattrs/${text:0:100}"
	fi
	"$DISCFS" commit "$MNT" >commit.out 2>commit.err ||
		fail "with $n files: $(cat commit.err)"
done
[ "$longest" -eq 255 ] || fail "the longest name has $longest bytes"
clean
ok "300 commits, each at the first try"
umnt

mapfile -t starts < <(sessions "$IMG")
[ ${#starts[@]} -eq 300 ] || fail "${#starts[@]} sessions"
for n in 1 77 120 299 300; do
	image_paths "$IMG" "${starts[n - 1]}" | sed -n "s|^'/files/||p" |
		tr -d "'" >got
	for i in $(seq "$n"); do
		name "$i"
	done | LC_ALL=C sort >want
	same want got "the names in session $n"
done
ok "xorriso finds every name, in old sessions too"

# Not bsdtar here: libarchive takes no long name of a file whose data lie before
# the tree, as those of older sessions do.
text=$(name 300)
isoinfo -R -f -i "$IMG" >got.isoinfo
grep -Fqx "/files/$text" got.isoinfo || fail "isoinfo does not find it"
extract "$IMG" got.tree
[ "$(readlink "got.tree/links/${text:0:130}")" = "${filler:0:1000}" ] ||
	fail "a long link is another"
on_image "$IMG" - -getfattr "/xattrs/${text:0:100}" -- >got
grep -Fqx "user.long=\"${filler:0:1800}\"" got ||
	fail "a long xattr is another"
ok "long links and xattrs are whole"

# What bsdtar takes of them in an appended session: those whose record has all.
rm "$IMG"
new_image
mnt
echo old >"$MNT/$(printf '%097d' 7)"
umnt >/dev/null
mnt
echo new >"$MNT/new"
umnt >/dev/null
readable "$IMG" new "$(printf '%097d' 7)"
[ "$(bsdtar -xOf "$IMG" "$(printf '%097d' 7)")" = old ] ||
	fail "bsdtar finds other content"
ok "97 bytes of an old file's name, for bsdtar"

# All of it at once, into a first session.
rm "$IMG"
new_image
mnt
cp -a got.tree/files got.tree/links "$MNT/"
umnt
image_paths "$IMG" | sed -n "s|^'/files/||p" | tr -d "'" >got
same want got "the names in one session"
readable "$IMG" files links
grep -Fqx "files/$text" read.bsdtar || fail "bsdtar does not find it"
ok "and in one session, for bsdtar too"
