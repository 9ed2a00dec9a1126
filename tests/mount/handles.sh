#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# File handles, as NFS and backup programs keep them: name_to_handle_at(2) and
# open_by_handle_at(2), also of what the kernel has forgotten meanwhile.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq
handle=$top_builddir/tests/mount/handle

# keep_handle NAME PATH
keep_handle() {
	"$handle" keep "$MNT/$2" "h.$1"
}

# opens NAME TEXT - what "handle open" says of it.
opens() {
	local said

	said=$("$handle" open "$MNT" "h.$1" 2>&1) || true
	[ "$said" = "$2" ] || fail "$1: '$said', not '$2'"
}

# forget - have the kernel drop all that nobody uses.
forget() {
	echo 2 >/proc/sys/vm/drop_caches
}

# forgotten - whether it has told the mount so.
forgotten() {
	"$DISCFS" status --json "$MNT" | jq -e '.requests.forget +
		(.requests.batch_forget // 0) > 0' >said
}

: >probe
"$handle" keep probe h.probe 2>/dev/null && "$handle" open . h.probe >out 2>&1 ||
	grep -qE 'ESTALE|EOPNOTSUPP' out || skip "no right to open handles: $(cat out)"
[ -w /proc/sys/vm/drop_caches ] || skip "caches cannot be dropped here"

new_image
mnt
mkdir -p "$MNT/a/b/c"
echo deep >"$MNT/a/b/c/deep"
echo one >"$MNT/one"
echo gone >"$MNT/gone"
ln -s over/there "$MNT/link"
mkfifo "$MNT/pipe"
for name in a a/b a/b/c a/b/c/deep one link pipe gone; do
	keep_handle "${name//\//.}" "$name"
done

# known - what all of them are.
known() {
	opens a "ok $MNT/a 1 entries"
	opens a.b.c "ok $MNT/a/b/c 1 entries"
	opens a.b "ok $MNT/a/b 1 entries"
	"$handle" open "$MNT" h.a.b.c.deep | grep -q ' deep$' || fail "deep"
	"$handle" open "$MNT" h.one | grep -q ' one$' || fail "one"
	"$handle" open "$MNT" h.link | grep -q ' over/there$' || fail "link"
	"$handle" open "$MNT" h.pipe >out || fail "pipe: $(cat out)"
}
known
forget
within 5 forgotten
known
ok "handles of what is staged"

"$DISCFS" commit "$MNT"
forget
known
keep_handle again one
cmp h.one h.again || fail "another handle after the commit"
ok "over a commit"

rm "$MNT/gone"
opens gone ESTALE
forget
opens gone ESTALE
"$DISCFS" revert "$MNT" gone
forget
"$handle" open "$MNT" h.gone | grep -q ' gone$' || fail "reverted, but ESTALE"
ok "a removed file is stale, until it is there again"

# The number of a new file is given to another one, some time after its removal.
echo new >"$MNT/new"
number=$(stat -c %i "$MNT/new")
keep_handle new new
rm "$MNT/new"
forget
touch "$MNT/other0"
"$DISCFS" commit "$MNT"
forget
touch "$MNT/other"{1..50}
stat -c %i "$MNT"/other* | grep -qx "$number" || fail "$number is not used again"
opens new ESTALE
forget
opens new ESTALE
ok "and a file with its number is another one"

echo held >"$MNT/held"
keep_handle held held
"$handle" held "$MNT/held" h.held >out || fail "$(cat out)"
grep -q ' held$' out || fail "$(cat out)"
forget
opens held ESTALE
ok "an unlinked file that is open can be opened, as long as it is"

mkdir "$MNT/elsewhere"
mv "$MNT/a/b" "$MNT/elsewhere/moved"
mv "$MNT/one" "$MNT/elsewhere/first"
forget
opens a.b "ok $MNT/elsewhere/moved 1 entries"
opens a.b.c "ok $MNT/elsewhere/moved/c 1 entries"
"$handle" open "$MNT" h.one | grep -q ' one$' || fail "renamed, but not there"
ok "what was moved is found where it is"

# The older sessions' numbers.
"$DISCFS" commit "$MNT"
old=.discfs/sessions/1
keep_handle old "$old/a/b/c/deep"
keep_handle oldest "$old/one"
forget
"$handle" open "$MNT" h.old | grep -q ' deep$' || fail "session 1"
"$handle" open "$MNT" h.oldest | grep -q ' one$' || fail "session 1"
ok "files of older sessions"

# Numbers begin anew with a mount.
umnt
mnt
for name in a a.b one link pipe gone oldest; do
	opens $name ESTALE
done
umnt
ok "a handle of an earlier mount opens nothing"
