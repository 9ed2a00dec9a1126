#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The disc is lost, and its stage is burned to a blank one: what the stage holds
# is there, what only the disc had is named and left out, never faked; and until
# it is burned nothing can be lost, whoever is killed.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq

stages() {
	local verb=$1

	shift
	"$DISCFS" stage "$verb" --stage "$STAGE" "$@"
}

# the_other - the id of the stage that is not the lost disc's.
the_other() {
	stages list --json | jq -r --arg lost "$id" \
		'.stages[].id | select(. != $lost)'
}

# rows ID - a stage's changes, and what it is bound to, whatever looks at it.
rows() {
	stages show --json "$1" |
		jq -S 'del(.disc_present, .in_use, .lent, .pid)'
}

new_image
mnt
mkdir -p "$MNT/dir/deep" "$MNT/moved/sub" "$MNT/gone" "$MNT/quiet"
seq 1 200000 >"$MNT/big"
for f in plain replaced renamed appended linked dir/inside dir/deep/attr \
	moved/below moved/sub/edited gone/under quiet/never; do
	echo "$f, as it was" >"$MNT/$f"
done
ln -s target "$MNT/symlink"
mkfifo "$MNT/fifo"
umnt
mnt

# What is had.
mkdir -m 0751 "$MNT/new" "$MNT/new/inner"
head -c 3000000 /dev/urandom >"$MNT/new/inner/data"
setfattr -n user.note -v kept "$MNT/new/inner/data" 2>/dev/null ||
	skip "no setfattr, or no user attributes"
chmod 0640 "$MNT/new/inner/data"
touch -d '2001-02-03 04:05:06' "$MNT/new/inner/data"
ln "$MNT/new/inner/data" "$MNT/second"
ln -s ../new "$MNT/new/symbolic"
echo "in place" >"$MNT/replaced"
echo "by an editor" >"$MNT/tmp" && mv "$MNT/tmp" "$MNT/dir/inside"
mv "$MNT/moved" "$MNT/new/elsewhere"
echo "whole" >"$MNT/new/elsewhere/sub/edited"
touch -d '2002-03-04 05:06:07' "$MNT/new/elsewhere/sub/edited"
chmod 0600 "$MNT/fifo"
chmod 0700 "$MNT/dir/deep"
truncate -s 100000 "$MNT/new/hole"
: >"$MNT/plain"
cp "$MNT/new/inner/data" "$MNT/new/copy"

# What is missing: all of it, and pieces; and what is not named at all.
mv "$MNT/renamed" "$MNT/new/renamed"
echo more >>"$MNT/appended"
printf patch | dd of="$MNT/big" bs=1 seek=500000 conv=notrunc status=none
chmod 0400 "$MNT/dir/deep/attr"
mv "$MNT/symlink" "$MNT/new/symlink"
ln "$MNT/linked" "$MNT/new/linked2"
cp "$MNT/quiet/never" "$MNT/new/clone"
cat "$MNT/quiet/never" >>"$MNT/new/tail"
rm -r "$MNT/gone"

mkdir want
cp -a "$MNT/." want
(
	cd want
	rm -r appended big dir/deep/attr new/clone new/linked2 new/renamed \
		new/symlink new/elsewhere/below linked quiet fifo
	find . -type d -exec touch -r "$MNT/{}" {} \;
)
id=$("$DISCFS" status --json "$MNT" | jq -r .stage.id)
keep
cat >want.missing <<-END
	appended: 20 of 25 bytes are on the lost disc
	big: 1288890 of 1288895 bytes are on the lost disc
	dir/deep/attr: all of it is on the lost disc
	new/clone: all of it is on the lost disc
	new/elsewhere: what was in this folder is on the lost disc
	new/linked2: all of it is on the lost disc
	new/renamed: all of it is on the lost disc
	new/symlink: all of it is on the lost disc
END
mv "$IMG" away.iso
rows "$id" >before.rows
data=$STAGE/$id/data
cp "$data" before.data

# intact - the lost disc's stage is as it was: its rows, and the bytes they name.
intact() {
	rows "$id" >after.rows
	diff before.rows after.rows || fail "the lost disc's stage changed"
	cmp -n "$(stat -c %s before.data)" before.data "$data" ||
		fail "the lost disc's bytes changed"
}

# is_on IMAGE - xorriso finds there just what was to be had.
is_on() {
	sound "$1"
	rm -rf got
	extract "$1" got
	# diff does not compare such.
	[ "$(stat -c '%F %a' got/fifo)" = "fifo 600" ] || fail "no fifo"
	rm got/fifo
	# A folder that no row tells of gets the time of the mount.
	touch -d @0 got/new/elsewhere/sub want/new/elsewhere/sub
	same_tree -l want got
	[ got/second -ef got/new/inner/data ] || fail "no hard link"
	[ "$(getfattr --only-values -n user.note got/second)" = kept ] ||
		fail "no extended attribute"
}

stages missing "$id" | diff want.missing - || fail "another list"
stages missing --json "$id" >json
[ "$(jq -c '.missing[0]' json)" = '{"path":"appended","kind":"part","size":25,"missing_bytes":20,"text":"20 of 25 bytes are on the lost disc"}' ] ||
	fail "$(jq -c . json)"
ok "what cannot be had without the disc is listed"

# --- refused -------------------------------------------------------------------

new_image
expect_error 32 "only where that is mounted for writing" \
	mnt -o "ro,stage-from=$id"
expect_error 32 'no stage' mnt -o stage-from=00000000-0000-4000-8000-000000000000
new_image own.iso
mnt own.iso
echo own >"$MNT/own"
keep
own=$(the_other)
expect_error 32 "stage $own holds changes for this disc already" \
	mnt -o "stage-from=$id" own.iso
stages drop -y "$own"
intact
[ "$(stages list --json | jq '.stages | length')" -eq 1 ] ||
	fail "a stage is left"
ok "it is refused where it would not be written, or in another one's place"

# --- taken ---------------------------------------------------------------------

mnt -o "stage-from=$id" 2>said
sed 's/^/said: /' said
[ "$(grep -c '^discfs: missing: ' said)" -eq 8 ] || fail "not each is told"
tail -n 1 said | grep -Eq "8 of the changes .*stage missing --stage $STAGE ${id:0:8}" || fail "no count"
rm -rf got
cp -a "$MNT/." got
new=$("$DISCFS" status --json "$MNT" | jq -r .stage.id)
[ "$new" != "$id" ] || fail "the lost disc's stage was taken for it"
[ "$("$DISCFS" status --json "$MNT" | jq -c .stage.lost)" = \
	"{\"stage\":\"$id\",\"missing\":8}" ] || fail "status does not tell"
"$DISCFS" status "$MNT" | grep -q "without 8 of its changes" ||
	fail "status does not show"
stages missing "$new" | diff want.missing - || fail "another list by the new id"
[ "$data" -ef "$STAGE/$new/data" ] || fail "the bytes were copied"
intact
mkdir "$MNT.2"
expect_error 32 "wait to be burned to $IMG, as stage $new" mnt away.iso "$MNT.2"
ok "the tree shows what is had, and nothing is copied"

# Killed: the next mount has it, with or without the option.
echo later >"$MNT/later"
echo later >"$MNT/replaced"
sync "$MNT/later"
slay
mnt
[ "$(cat "$MNT/later" "$MNT/replaced")" = $'later\nlater' ] ||
	fail "what was changed since is lost"
cmp "$MNT/second" want/second || fail "the bytes are others"
keep
mnt -o "stage-from=$id"
[ "$("$DISCFS" status --json "$MNT" | jq -r .stage.id)" = "$new" ] ||
	fail "the same command takes another stage"
rm "$MNT/later" "$MNT/second"
sync "$MNT/replaced"
intact
keep
ok "killed in between, the next mount goes on, and the lost disc's bytes stay"

# The old disc is back, and nothing is burned yet.
expect_error 32 "wait to be burned to $IMG, as stage $new" mnt away.iso "$MNT.2"
mnt -o nostage away.iso "$MNT.2" 2>err
[ ! -e "$MNT.2/new" ] || fail "nostage shows the stage"
umnt "$MNT.2"
: >third.iso
expect_error 32 "-o stage=$STAGE,stage-from=${new:0:8} $T/third.iso DIR\" takes them to this one" \
	mnt -o "stage-from=$id" third.iso
stages export "$id" exported >export.out || true
cmp exported/second want/second || fail "no export beside the loan"
rm -r exported
ok "as long as the new disc waits, the old one is told so"

# The new one is given up: all is as before.
stages drop -y "$new"
intact
mnt away.iso
cmp "$MNT/second" want/second || fail "the bytes are others"
[ "$(head -c 19 "$MNT/appended")" = "appended, as it was" ] ||
	fail "the old content is not there"
keep
rows "$id" >before.rows
cp "$data" before.data
ok "once the new stage is dropped, the old disc has its changes"

# --- burned --------------------------------------------------------------------

for point in after-data torn-head before-rebase; do
	new_image
	mv away.iso gone.iso
	DISCFS_CRASH=$point mnt -o "stage-from=$id" 2>said
	expect_exit 32 "$DISCFS" umount "$MNT" 2>said
	within 10 no_daemon
	bury
	intact
	mnt
	if [ -n "$(deltas)" ]; then
		umnt >said
	else
		umnt
	fi
	is_on "$IMG"
	expect_sessions 1
	intact
	[ "$(stages list --json | jq -r '.stages[].id')" = "$id" ] ||
		fail "another stage is left"
	mv gone.iso away.iso
	ok "killed in the burn ($point), and burned at the next mount"
done

new_image
mv away.iso gone.iso
mnt -o "stage-from=$id" 2>err
umnt >said
cat said
grep -q "burned and verified.*stage drop --stage $STAGE ${id:0:8}" said ||
	fail "nobody says that the old stage is there"
is_on "$IMG"
readable "$IMG" second new/elsewhere/sub/edited
[ "$(stages list --json | jq -r '.stages[] | [.id, .lent] | @csv')" = \
	"\"$id\",true" ] || fail "$(stages list --json)"
stages list | grep -q "^$id .* disc lost " || fail "$(stages list)"
intact
ok "burned, and xorriso finds all that was to be had"

# At the path that the lost disc had, and maybe with its inode.
mnt
clean
echo second >"$MNT/session"
umnt
expect_sessions 2
ok "the new disc goes on at the old one's path"

# The old one comes back: it has its changes still.
mv gone.iso old.iso
mnt old.iso
has 'A second' 'R moved -> new/elsewhere'
rm -rf got
cp -a "$MNT/." got
umnt
expect_sessions 2 old.iso
sound old.iso
extract old.iso got.old
rm got/fifo got.old/fifo
same_tree -l got got.old
[ -z "$(ls "$STAGE")" ] || fail "a stage is left"
ok "the old disc, back again, has its changes, and burns them"

# --- nothing to be had, and nothing missing ---------------------------------------

rm "$IMG"
new_image
mnt
echo one >"$MNT/one"
umnt
mnt
mv "$MNT/one" "$MNT/two"
id=$("$DISCFS" status --json "$MNT" | jq -r .stage.id)
keep
cp "$IMG" one.iso
rm "$IMG"
new_image
expect_error 32 'nothing that could be burned' mnt -o "stage-from=$id"
[ "$(ls "$STAGE")" = "$id" ] || fail "another stage is left"
stages drop -y "$id"
ok "where all is lost, that is said"

# More than a terminal can hold; names that could move its cursor.
mnt one.iso
mkdir "$MNT/had" "$MNT/links"
for i in {01..14}; do
	ln "$MNT/one" "$MNT/links/$i"
done
mv "$MNT/one" "$MNT/"$'links/\033[2J'
id=$("$DISCFS" status --json "$MNT" | jq -r .stage.id)
keep
install_helpers
expect_exit 0 /sbin/mount.discfs "$IMG" "$MNT" -f \
	-o "stage=$STAGE,stage-from=$id"
[ "$(ls "$STAGE")" = "$id" ] || fail "a mount that was only tried took it"
mnt -o "stage-from=$id" 2>said
[ "$(ls "$MNT")" = $'had\nlinks' ] || fail "not what was had: $(ls "$MNT")"
! grep -q $'\033' said || fail "an escape sequence is passed on"
[ "$(grep -c 'missing: ' said)" -eq 11 ] || fail "$(cat said)"
grep -qx 'discfs: missing: and 5 more' said || fail "$(cat said)"
[ "$(stages missing "$id" | wc -l)" -eq 15 ] || fail "not all are listed"
stages missing "$id" | grep -Fq 'links/\033[2J: all of it' ||
	fail "a name is not quoted: $(stages missing "$id")"
keep
for id in $(ls "$STAGE"); do
	stages drop -y "$id"
done
ok "of many that are missing some are named, and all are listed"

# A disc that was blank: its stage moves, with a burn that was begun.
mnt
echo first >"$MNT/first"
id=$("$DISCFS" status --json "$MNT" | jq -r .stage.id)
keep
DISCFS_CRASH=after-data mnt
expect_exit 32 "$DISCFS" umount "$MNT" 2>said
within 10 no_daemon
bury
mv "$IMG" dead.iso
mnt -o "stage-from=$id,create" other.iso
[ "$(stages show --json "$id" | jq .intent)" = null ] ||
	fail "the burn on the lost disc is not forgotten"
[ "$("$DISCFS" status --json "$MNT" | jq -r .stage.id)" = "$id" ] ||
	fail "it is another stage"
slay
mnt other.iso
umnt
extract_file other.iso /first got.first
[ "$(cat got.first)" = first ] || fail "the change is lost"
[ -z "$(ls "$STAGE")" ] || fail "a stage is left"
ok "a stage of a disc that was blank moves, with nothing missing"

# But not away from an image that is there and was not burned to its end.
new_image
DISCFS_CRASH=torn-head mnt
echo first >"$MNT/first"
expect_exit 32 "$DISCFS" umount "$MNT" 2>said
within 10 no_daemon
bury
id=$(stages list --json | jq -r '.stages[].id')
rm other.iso
expect_error 32 "burn that was begun on $IMG and is not finished" \
	mnt -o "stage-from=$id,create" other.iso
mnt
clean
umnt
ok "an image that was burned half keeps its stage"

# A lost disc that was burned half: that is the old stage's business.
mnt
echo second >"$MNT/second"
keep
DISCFS_CRASH=torn-head mnt
expect_exit 32 "$DISCFS" umount "$MNT" 2>said
within 10 no_daemon
bury
id=$(stages list --json | jq -r '.stages[].id')
mv "$IMG" torn.iso
new_image
mnt -o "stage-from=$id"
[ "$(ls "$MNT")" = second ] || fail "not what was staged: $(ls "$MNT")"
umnt >said
extract_file "$IMG" /second got.second
[ "$(stages show --json "$id" | jq .intent.nwa)" -gt 32 ] ||
	fail "the burn on the lost disc is forgotten"
mnt
umnt
mnt torn.iso
clean
[ "$(ls "$MNT")" = $'first\nsecond' ] || fail "not recovered: $(ls "$MNT")"
umnt
[ -z "$(ls "$STAGE")" ] || fail "a stage is left"
ok "a burn that was begun on the lost disc is finished once it is back"

# The floor of the benchmark makes no hard links.
mkdir linkless
setsid "$top_builddir/tests/bench/floor" floor.data "$PWD/linkless" &
within 10 mountpoint -q linkless
kept_stage=$STAGE STAGE=$PWD/linkless
new_image
mnt
echo burned >"$MNT/burned"
umnt
mnt
echo staged >"$MNT/staged"
keep
mv "$IMG" lost.iso
id=$(stages list --json | jq -r '.stages[].id')
expect_error 32 "makes no hard links .*discfs stage export --stage $STAGE ${id:0:8} DIR" \
	mnt -o "stage-from=$id,create" other.iso
[ "$(ls "$STAGE")" = "$id" ] || fail "another stage is left: $(ls "$STAGE")"
stages export "$id" saved
[ "$(cat saved/staged)" = staged ] || fail "not saved"
mv lost.iso "$IMG"
mnt
[ "$(cat "$MNT/staged")" = staged ] || fail "the stage is not taken up again"
umnt
umount linkless
STAGE=$kept_stage
ok "refused where no hard links are made, and the stage is as it was"
