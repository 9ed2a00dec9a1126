#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nothing is burned that nobody asked for: not by readers, not by the saves of
# editors, not by a database in the mount's root, a busy unmount or a shutdown;
# sync on the mount's root burns once.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires sqlite3 perl

new_image
mnt
mkdir "$MNT/docs"
seq 1000 >"$MNT/docs/text"
umnt
expect_sessions 1
cp "$IMG" before.iso

# unburned WHAT - the image is, to the byte, as it was.
unburned() {
	cmp before.iso "$IMG" || fail "burned: $1"
	ok "burns nothing: $1"
}

# save FILE TEXT - as a careful editor does: one process writes a new file,
# makes it durable, puts it in place of the old one, and makes the folder
# durable.
save() {
	perl -e '
		use Fcntl;
		use IO::Handle;
		my ($file, $text) = @ARGV;
		my ($dir) = $file =~ m{(.*)/};
		sysopen(my $new, "$file.swp", O_WRONLY | O_CREAT | O_EXCL)
			or die "create: $!";
		syswrite($new, "$text\n") or die "write: $!";
		$new->sync or die "fsync: $!";
		close $new;
		rename "$file.swp", $file or die "rename: $!";
		sysopen(my $folder, $dir, O_RDONLY) or die "folder: $!";
		$folder->sync or die "fsync of the folder: $!";
	' "$1" "$2"
}

mnt
find "$MNT" -type f -exec cat {} + >/dev/null
ls -lR "$MNT" >/dev/null
clean
unburned 'find, ls and cat'

save "$MNT/docs/text" 'saved in a folder'
save "$MNT/letter" 'saved in the root'
unburned "an editor's saves"

for i in {1..100}; do
	echo "insert into t values ($i, 'row $i');"
done >rows
sqlite3 "$MNT/app.db" 'create table t (n integer, text text);' ".read rows" \
	>sqlite.out
[ "$(sqlite3 "$MNT/app.db" 'select count(*) from t')" -eq 100 ] ||
	fail "rows are missing"
unburned '100 SQLite transactions in the root'

sync "$MNT/letter" "$MNT/docs/text"
sync -f "$MNT/letter"
unburned 'sync of files, and of the whole file system'

mkdir "$MNT/busy"
(cd "$MNT/busy" && exec sleep 1000) &
sleeper=$!
within 5 inside $sleeper "$MNT/busy"
expect_error 32 'busy' umnt
mounted || fail "unmounted under a shell"
unburned 'umount with a shell inside'
kill $sleeper
wait $sleeper || true

has 'A letter' 'A app.db' 'A busy' 'M docs/text'
sync "$MNT"
expect_sessions 2
clean
sync "$MNT"
expect_sessions 2
ok "sync of the root burns one session, and only where there is one to burn"
cp "$IMG" before.iso

echo late >"$MNT/late"
# shellcheck disable=SC2046
kill -TERM $(daemon)
within 20 no_daemon
bury
unburned 'SIGTERM'
mnt
has 'A late'
[ "$(cat "$MNT/late")" = late ] || fail "the change is damaged"
keep
unburned 'umount --keep'
mnt
has 'A late'
umnt
expect_sessions 3
ok "what a SIGTERM kept is there at the next mount, and burned by umount"

cp "$IMG" before.iso
mnt
cat "$MNT/late" >/dev/null
umnt
unburned 'umount without changes'

extract_file "$IMG" /app.db app.db
[ "$(sqlite3 app.db 'pragma integrity_check')" = ok ] ||
	fail "the database on the disc is damaged"
extract_file "$IMG" /letter letter
[ "$(cat letter)" = 'saved in the root' ] || fail "the letter is another"
ok "the disc has what was saved"

mnt -o commit=manual
echo more >"$MNT/more"
sync "$MNT"
umnt >out 2>&1
grep -Eqi '1 .*pending' out || fail "umount does not say what is pending"
unburned 'sync and umount with commit=manual'
mnt -o commit=manual
has 'A more'
"$DISCFS" commit "$MNT"
expect_sessions 4
ok "discfs commit does"
umnt
