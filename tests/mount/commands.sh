#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# status, diff, commit and log, for people and as JSON, on a mount and on an image.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq

# json COMMAND... - its output is one JSON object with keys in snake_case;
# into json.out.
json() {
	local status=0

	"$@" >json.out || status=$?
	[ $status -le 1 ] || fail "exit status $status: $*"
	[ "$(jq -s length json.out)" -eq 1 ] || fail "not one JSON value: $*"
	[ "$(jq '[.. | objects | keys[]] |
		all(test("^[a-z][a-z0-9_]*$"))' json.out)" = true ] ||
		fail "keys are not in snake_case: $(cat json.out)"
}

# is FILTER - it holds of json.out.
is() {
	[ "$(jq "$1" json.out)" = true ] || fail "not so: $1: $(cat json.out)"
}

new_image
mnt
json "$DISCFS" status --json "$MNT"
is '.mounted and .pending.deltas == 0 and .state == "idle"'
is '.medium.status | test("blank")'
is ".source == \"$IMG\" and .mountpoint == \"$MNT\""
expect_exit 0 "$DISCFS" diff "$MNT"
ok "a blank disc"

mkdir "$MNT/folder"
echo one >"$MNT/folder/one"
echo two >"$MNT/folder/two"
echo three >"$MNT/three"
seq 10000 >"$MNT/four"
umnt >umount.out
grep -Eq 'lba|block' umount.out || fail "umount does not say what it burned"

mnt
echo changed >"$MNT/folder/one"
chmod 600 "$MNT/folder/two"
mv "$MNT/three" "$MNT/trois"
rm "$MNT/four"
mkdir "$MNT/new"
printf 'a\nb' >"$MNT/new/line
feed"
: >"$MNT/passing"
rm "$MNT/passing"

cat >want <<'END'
M folder/one
T folder/two
D four
A new
A new/line\nfeed
R three -> trois
END
expect_exit 1 "$DISCFS" diff "$MNT" >got
# A line feed in a name must not make a second line, however it is written.
sed -i -E 's/(\\012|\$.\\n.|\\n|\?)feed.?$/\\nfeed/' got
diff want got || fail "diff says something else"
ok "diff: one line a delta, sorted"
expect_exit 1 "$DISCFS" diff "$MNT" folder >got
[ "$(cat got)" = 'M folder/one
T folder/two' ] || fail "diff folder says: $(cat got)"
expect_exit 0 "$DISCFS" diff "$MNT" trois/none >got
[ ! -s got ] || fail "deltas below what is not there"
ok "diff of a path"

expect_exit 1 "$DISCFS" diff --json "$MNT" >/dev/null
json "$DISCFS" diff --json "$MNT"
is '[.deltas[].kind] | sort == ["A", "A", "D", "M", "R", "T"]'
is '[.deltas[] | select(.kind == "R") | .old_path, .path] == ["three", "trois"]'
is '[.deltas[].path] | contains(["new/line\nfeed"])'
ok "diff --json"

json "$DISCFS" status --json "$MNT"
is '.pending | .deltas == 6 and .added == 2 and .removed == 1 and
	.modified == 1 and .attributes == 1 and .moved == 1'
is '.session.lba == 32 and .session.tree == "rock_ridge"'
is '.medium.sessions == 1 and .space.free_bytes > 0 and
	.space.commit_bytes > 0'
is '.stage.id | test("^[0-9a-f-]{36}$")'
"$DISCFS" status "$MNT" >status.out
grep -q "$IMG" status.out || fail "status does not name the image"
grep -Eq '(^|[^0-9])6([^0-9]|$)' status.out ||
	fail "status does not count the deltas: $(cat status.out)"
ok "status"

cp "$IMG" before.iso
"$DISCFS" commit -n "$MNT" >size.out
same before.iso "$IMG" "the image after commit -n"
json "$DISCFS" commit -n --json "$MNT"
blocks=$(jq .blocks json.out)
json "$DISCFS" commit --json "$MNT"
is '.blocks > 0'
[ "$(jq .blocks json.out)" -eq "$blocks" ] ||
	fail "commit -n said $blocks blocks: $(cat json.out)"
expect_sessions 2
n=$(session_blocks "$IMG" | tail -n 1)
# As the superblock has it, without the padding that follows.
if [ "$blocks" -lt "$n" ] || [ "$blocks" -gt $((n + 200)) ]; then
	fail "commit says $blocks blocks, xorriso $n"
fi
ok "commit burns what commit -n said"

clean
[ "$(cat "$MNT/trois")" = three ] || fail "the moved file is another"
json "$DISCFS" commit --json "$MNT"
is '.blocks == 0'
expect_sessions 2
ok "commit with nothing to do burns nothing"

json "$DISCFS" status --json "$MNT"
is '.medium.sessions == 2 and .pending.deltas == 0'
mapfile -t starts < <(sessions "$IMG")
[ "$(jq .session.lba json.out)" -eq "${starts[1]}" ] ||
	fail "status names another session"
ok "status follows the commit"

json "$DISCFS" log --json "$MNT"
is '[.sessions[].number] == [1, 2]'
is "[.sessions[].lba] == [${starts[0]}, ${starts[1]}]"
# Files, not folders; one that was moved is both.
is '.sessions[0] | .added == 4 and .removed == 0'
is '.sessions[1] | .added == 2 and .removed == 2'
is '[.sessions[].date | fromdateiso8601] | .[0] <= .[1]'
"$DISCFS" log "$MNT" >log.out
[ "$(grep -c -e "${starts[0]}" -e "${starts[1]}" log.out)" -ge 2 ] ||
	fail "log does not list both: $(cat log.out)"
ok "log"

echo later >"$MNT/later"
keep >keep.out
grep -Eqi '1 .*pending' keep.out || fail "umount --keep says: $(cat keep.out)"
cp "$IMG" before.iso
json "$DISCFS" status --json "$IMG"
is '.mounted == false and .medium.sessions == 2'
json "$DISCFS" log --json "$IMG"
is '[.sessions[].number] == [1, 2]'
"$DISCFS" diff "$IMG" >/dev/null || [ $? -eq 1 ] || fail "diff of an image"
same before.iso "$IMG" "the image that was looked at"
ok "status, log and diff of an image that is not mounted"

# ECMA-119 8.4.26.1: zeros where there is no date.
genisoimage -quiet -o undated.iso "$top_srcdir/README" 2>err || fail "$(cat err)"
printf '0000000000000000\0' |
	dd of=undated.iso bs=1 seek=$((16 * 2048 + 813)) conv=notrunc status=none
json "$DISCFS" info --json undated.iso
is '.sessions[0].date == null'
json "$DISCFS" log --json undated.iso
is '.sessions[0].date == null'
ok "a session without a date has none"

verbs="mount umount status diff commit revert log check export drives info blank
	format close recover eject load stage"
for verb in '' $verbs; do
	# shellcheck disable=SC2086
	"$DISCFS" $verb --help >help.out || fail "no help for '$verb'"
	grep -q discfs help.out || fail "the help for '$verb' says nothing"
done
"$DISCFS" --help >help.out
for verb in $verbs; do
	grep -Eq "^ +$verb( |$)" help.out || fail "--help does not list $verb"
done
"$DISCFS" --version | grep -Eq '[0-9]+\.[0-9]+' || fail "no version"
ok "--help and --version"
