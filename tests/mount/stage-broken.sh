#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A stage that may be this disc's and cannot be opened: the disc is mounted
# read-only with the reason and the ways out.  Brought back, the stage fits.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq

# begin - a disc with a session and a stage with a change, after a kill, so that
# some of it is in the log.
begin() {
	rm -rf "$STAGE" "$IMG" saved
	new_image
	mnt
	seq 10 >"$MNT/base"
	umnt >/dev/null
	mnt
	for i in 1 2 3 4 5; do
		head -c 20000 /dev/urandom >"pending$i"
		cp "pending$i" "$MNT/"
		sync "$MNT/pending$i"
	done
	"${1:-slay}"
	id=$(ls "$STAGE")
	cp -a "$STAGE/$id" saved
}

# locked - the disc is shown as it is on the disc, and cannot be changed.
locked() {
	mnt 2>err || fail "it is not mounted: $(cat err)"
	grep -q "read-only: stage $id .*cannot be opened" err ||
		fail "no reason: $(cat err)"
	grep -q "discfs stage drop $id" err || fail "no way out: $(cat err)"
	[ "$(head -n 1 "$MNT/base")" = 1 ] || fail "the disc is not shown"
	[ ! -e "$MNT/pending1" ] || fail "a part of the changes is shown"
	! touch "$MNT/x" 2>/dev/null || fail "it is writable"
	"$DISCFS" status "$MNT" | grep -q "read-only: .*$id" ||
		fail "status does not say why"
	umnt
	"$DISCFS" stage list --stage "$STAGE" >list 2>&1 || true
	grep -q "$id" list || fail "stage list does not show it: $(cat list)"
}

# back - brought back, it is as before.
back() {
	rm -rf "${STAGE:?}/$id"
	cp -a saved "$STAGE/$id"
	mnt
	for i in 1 2 3 4 5; do
		cmp "pending$i" "$MNT/pending$i" || fail "pending$i"
	done
	umnt
	expect_sessions 2
	[ -z "$(ls "$STAGE")" ] || fail "the stage is still there"
}

garbage() {
	head -c "$2" /dev/urandom | dd of="$1" bs=1 seek="$3" conv=notrunc \
		status=none
}

for how in 'truncate -s 3000 $D/stage.db' ': >$D/stage.db' 'rm $D/stage.db' \
	'rm $D/data' 'truncate -s 30000 $D/data' ': >$D/data' \
	'garbage $D/stage.db 4096 0' 'rm $D/stage.db; mkdir $D/stage.db' \
	'head -c 50000 /dev/urandom >$D/stage.db-wal' \
	'garbage $D/stage.db-wal 16 8' 'garbage $D/stage.db-wal 20000 4500' \
	'garbage $D/stage.db-wal 100 5000' \
	'rm $D/stage.db-shm; garbage $D/stage.db-wal 100 5000' \
	'rm $D/lock; mkfifo $D/data2; mv $D/data2 $D/data' \
	'rm $D/stage.db; ln -s /dev/zero $D/stage.db' \
	'rm -r $D/*; cp saved/disc $D/'; do
	begin
	D=$STAGE/$id
	eval "$how"
	locked
	back
	ok "$how: read-only, and the stage fits when it is back"
done

begin keep
sqlite3 "$STAGE/$id/stage.db" 'PRAGMA user_version = 99' 2>/dev/null ||
	python3 - "$STAGE/$id/stage.db" <<'PY'
import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version = 99").connection.close()
PY
locked
grep -q 'format 99' err || fail "the reason is not told: $(cat err)"
back
ok "a newer format: read-only"

# Without the label it is not known which disc it is for.
begin
rm "$STAGE/$id/disc"
: >"$STAGE/$id/stage.db"
locked
"$DISCFS" stage drop -y --stage "$STAGE" "$id" </dev/null
mnt
echo new >"$MNT/new"
umnt
ok "without a label: read-only, until it is dropped"

# It is in no other disc's way.
begin
: >"$STAGE/$id/stage.db"
new_image other.iso
mnt other.iso 2>err
echo other >"$MNT/other"
umnt
extract_file other.iso /other got
rm -f got
locked
"$DISCFS" stage list --stage "$STAGE" 2>/dev/null >list || true
grep -q "$IMG" list || fail "whose it is, is not shown: $(cat list)"
"$DISCFS" stage drop -y --stage "$STAGE" "$id" </dev/null
mnt
echo new >"$MNT/new"
umnt
ok "another disc is mounted as ever; dropped, this one is too"

# A moved image, and a copy of it, are known by what they hold.
begin
: >"$STAGE/$id/stage.db"
mv "$IMG" moved.iso
cp moved.iso "$IMG.copy"
mnt moved.iso 2>err
grep -q "read-only: stage $id" err || fail "the moved image: $(cat err)"
umnt
mnt "$IMG.copy" 2>err
grep -q "read-only: stage $id" err || fail "the copied image: $(cat err)"
umnt
mv moved.iso "$IMG"
back
ok "a moved image and a copy: read-only"

# What a crash of the machine may leave is not damage.
begin
D=$STAGE/$id
size=$(stat -c %s "$D/stage.db-wal")
truncate -s $((size - 2000)) "$D/stage.db-wal"
mnt
cmp pending4 "$MNT/pending4"
umnt
ok "a torn last transaction: taken up without it"
