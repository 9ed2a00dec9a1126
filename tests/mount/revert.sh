#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs revert on a live mount: what programs see at once, open files, the stage
# after a crash, and that nothing is left to burn.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires python3

# reverts "DELTA;DELTA" PATH... - it says just these.
reverts() {
	local want=$1

	shift
	"$DISCFS" revert "$MNT" "$@" >revert.out
	[ "$(cat revert.out)" = "${want//;/$'\n'}" ] ||
		fail "revert $* says: $(cat revert.out)"
}

new_image
mnt
mkdir -p "$MNT/photos/sea" "$MNT/docs"
for i in 1 2 3; do
	head -c "$((i * 70000))" /dev/urandom >"$MNT/photos/$i.jpg"
done
seq 5000 >"$MNT/docs/list"
echo letter >"$MNT/docs/letter"
ln "$MNT/docs/list" "$MNT/docs/second name"
ln -s list "$MNT/docs/link"
setfattr -n user.color -v blue "$MNT/docs/letter"
umnt >/dev/null
mnt
mkdir base
cp -a "$MNT/." base/
ls -R "$MNT" >/dev/null

# Everything is in the kernel's caches when the revert comes.
echo more >>"$MNT/docs/list"
cat "$MNT/docs/list" "$MNT/docs/second name" >/dev/null
rm "$MNT/photos/1.jpg"
[ ! -e "$MNT/photos/1.jpg" ]
mv "$MNT/photos/2.jpg" "$MNT/docs/two"
chmod 600 "$MNT/docs/letter"
setfattr -n user.color -v red "$MNT/docs/letter"
mkdir "$MNT/new"
echo new >"$MNT/new/file"
ls -lR "$MNT" >/dev/null
reverts 'M docs/list;M docs/second name' docs/list
same base/docs/list "$MNT/docs/list"
[ "$(stat -c %s "$MNT/docs/second name")" -eq "$(stat -c %s base/docs/list)" ]
reverts 'D photos/1.jpg' photos/1.jpg
same base/photos/1.jpg "$MNT/photos/1.jpg"
reverts 'T docs/letter;R photos/2.jpg -> docs/two' docs
same base/photos/2.jpg "$MNT/photos/2.jpg"
[ ! -e "$MNT/docs/two" ] || fail "the moved file is still there"
[ "$(getfattr --only-values -n user.color "$MNT/docs/letter")" = blue ] ||
	fail "the attribute was not reverted"
reverts 'A new;A new/file' "$MNT/new"
[ ! -e "$MNT/new" ] || fail "the new folder is still there"
[ "$(ls "$MNT")" = $'docs\nphotos' ] || fail "ls: $(ls "$MNT")"
clean
same_tree base "$MNT"
"$DISCFS" commit -n "$MNT" | grep -q 'nothing to burn' ||
	fail "something is left to burn"
"$DISCFS" revert "$MNT" . | grep -q 'nothing to revert' ||
	fail "there was something to revert"
ok "each kind of change, seen at once"

# Descriptors and folders in use.
exec 3<>"$MNT/docs/letter" 4<"$MNT/photos/3.jpg"
echo LETTER >&3
echo new >"$MNT/fresh"
exec 5<>"$MNT/fresh"
rm "$MNT/photos/3.jpg"
mv "$MNT/photos" "$MNT/pictures"
cd "$MNT/pictures"
(cd "$T" &&
	reverts 'M docs/letter;A fresh;D photos/3.jpg;R photos -> pictures' .)
[ "$(ls)" = $'1.jpg\n2.jpg\n3.jpg\nsea' ] || fail "the folder we are in: $(ls)"
[ "$(ls "$MNT/photos")" = "$(ls)" ] || fail "the folder did not go back"
cd "$T"
head -c 6 <&4 | cmp - <(head -c 6 base/photos/3.jpg) ||
	fail "the file that came back reads otherwise"
[ "$(stat -L -c %h /proc/$$/fd/4)" -eq 1 ] || fail "it has no link"
[ "$(cat /proc/$$/fd/5)" = new ] || fail "an open file that went is empty"
echo later >&5
echo changed >&3
exec 5>&-
has 'M docs/letter'
exec 3>&- 4>&-
reverts 'M docs/letter' docs/letter
clean
same_tree base "$MNT"
ok "open files go on"

# A page that a program changed through a mapping must not come later.
cat >map.py <<'PY'
import mmap, subprocess, sys
with open(sys.argv[2], "r+b") as f:
    m = mmap.mmap(f.fileno(), 0)
    m[0:5] = b"DIRTY"
    subprocess.run([sys.argv[1], "revert", sys.argv[3], "docs/list"],
                   check=True, stdout=subprocess.DEVNULL)
    assert m[0:5] != b"DIRTY", m[0:5]
    m.flush()
PY
python3 map.py "$DISCFS" "$MNT/docs/list" "$MNT"
same base/docs/list "$MNT/docs/list"
clean
ok "mapped pages"

# In words, and nothing is done.
rm -r "$MNT/photos"
mv "$MNT/docs/letter" "$MNT/docs/brief"
mkdir "$MNT/docs/letter"
deltas >before
expect_error 32 'photos/1.jpg: its folder is removed: revert photos' \
	"$DISCFS" revert "$MNT" docs/link photos/1.jpg
expect_error 32 'the name is taken by something else.*docs/letter' \
	"$DISCFS" revert "$MNT" docs/brief
expect_error 32 'nowhere: there is no such file' \
	"$DISCFS" revert "$MNT" photos nowhere
expect_error 1 'no path' "$DISCFS" revert "$MNT"
expect_error 32 'no disc is mounted' "$DISCFS" revert "$T" x
deltas >after
diff before after || fail "a refused revert did something"
ok "what cannot be done is said, and nothing is done"

"$DISCFS" revert --json "$MNT" docs photos >json.out
python3 - <<'PY'
import json
kinds = sorted(d["kind"] for d in json.load(open("json.out"))["deltas"])
assert kinds == list("ADDDDDR"), kinds
PY
clean
ok "--json"

# The stage has it, too.
rm "$MNT/photos/2.jpg"
echo x >>"$MNT/docs/list"
mkdir "$MNT/n"
cp "$MNT/photos/3.jpg" "$MNT/n/copy"
mv "$MNT/docs" "$MNT/n/docs"
sync "$MNT/n"
reverts 'R docs -> n/docs;M n/docs/list;M n/docs/second name' n/docs
sync "$MNT/n"
slay
mnt
deltas >got
printf '%s\n' 'A n' 'A n/copy' 'D photos/2.jpg' | diff - got ||
	fail "after a crash: $(cat got)"
reverts 'A n;A n/copy;D photos/2.jpg' n photos
same_tree base "$MNT"
cp "$IMG" before.iso
umnt >/dev/null
same before.iso "$IMG" "the image after a revert of all"
ok "the stage follows; nothing is burned"

mnt -o ro
expect_error 32 'read-only' "$DISCFS" revert "$MNT" docs
umnt
ok "a read-only mount has nothing to revert"
