#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What programs do with files, each thing tried on a file of the disc and on a new
# one; then all of it is burned, and other readers see the result.
#
# Runs on disk: a file system as others have it.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires perl setfattr setfacl getfacl flock sqlite3

new_image
mnt
mkdir "$MNT/dir"
seq 100000 >"$MNT/imported"
cp "$(type -P true)" "$MNT/program"
umnt
mnt
seq 100000 >"$MNT/staged"
files=("$MNT/imported" "$MNT/staged")

# rename2 FLAGS FROM TO - renameat2(2); 1: RENAME_NOREPLACE, 2: RENAME_EXCHANGE.
rename2() {
	perl -e 'my ($flags, $from, $to) = @ARGV;
		# SYS_renameat2 by machine; -100 is AT_FDCWD.
		my %nr = (x86_64 => 316, aarch64 => 276, riscv64 => 276);
		my $nr = $nr{(split " ", `uname -m`)[0]} // die "unknown machine\n";
		syscall($nr, -100, $from, -100, $to, $flags + 0) == 0
			or die "$!\n"' "$1" "$2" "$3"
}

for f in "${files[@]}"; do
	# In the middle, at the end, behind the end.
	printf PATCH | dd of="$f" bs=1 seek=1000 conv=notrunc status=none
	echo more >>"$f"
	seq 100000 >want
	printf PATCH | dd of=want bs=1 seek=1000 conv=notrunc status=none
	echo more >>want
	cmp want "$f" || fail "written wrong: $f"
	truncate -s 1000000 "$f" want
	cmp want "$f" || fail "grown wrong: $f"
	truncate -s 500001 "$f" want
	cmp want "$f" || fail "cut wrong: $f"

	# Direct, by a mapping, and locked.
	dd if="$f" of=got bs=4096 iflag=direct status=none
	same want got "$f read with O_DIRECT"
	head -c 8192 /dev/zero | tr '\0' D |
		dd of="$f" bs=4096 seek=2 conv=notrunc oflag=direct \
			iflag=fullblock status=none
	head -c 8192 /dev/zero | tr '\0' D |
		dd of=want bs=4096 seek=2 conv=notrunc status=none
	cmp want "$f" || fail "written wrong with O_DIRECT: $f"
	flock -n "$f" -c "! flock -n '$f' -c true" || fail "flock: $f"

	# Holes.
	fallocate -p -o 40960 -l 40960 "$f"
	fallocate -p -o 40960 -l 40960 want
	cmp want "$f" || fail "punched wrong: $f"
	fallocate -l 600000 "$f"
	[ "$(stat -c %s "$f")" -eq 600000 ] || fail "fallocate: $f"
	truncate -s 600000 want
	cmp want "$f" || fail "fallocate filled it wrong: $f"

	# A copy shares what it can, and is one of its own all the same.
	cp "$f" "$f.copy"
	printf X | dd of="$f.copy" bs=1 seek=7 conv=notrunc status=none
	cmp want "$f" || fail "a change of the copy shows in $f"
	printf X | dd of=want bs=1 seek=7 conv=notrunc status=none
	cmp want "$f.copy" || fail "copied wrong: $f"
	rm "$f.copy"
	ok "content: ${f##*/}"
done

# The bytes of large and of small writes take different ways.
in_turn() {
	local _ size

	for _ in {1..10}; do
		for size in 100 1M 4K 300K 32K 32700; do
			dd bs=$size count=1 iflag=fullblock status=none
		done
	done
}
head -c 20M /dev/urandom >want
in_turn <want >"$MNT/staged-in-turn"
size=$(stat -c %s "$MNT/staged-in-turn")
[ "$size" -gt 14000000 ] || fail "only $size bytes were written"
head -c "$size" want | cmp - "$MNT/staged-in-turn" ||
	fail "large and small writes in turn are damaged"
rm "$MNT/staged-in-turn"
ok "large and small writes in turn"

# Open, and without a name.
for f in "${files[@]}"; do
	cp "$f" want
	exec 5<>"$f"
	mv "$f" "$f.tmp"
	cp "$f.tmp" "$f"
	rm "$f.tmp"
	cmp want - <&5 || fail "an open file without a name is damaged"
	exec 5>&-
done
"$MNT/program" || fail "a program cannot be run"
ok "open files without a name, and programs"

for f in "${files[@]}"; do
	n=${f##*/}
	chmod 4751 "$f"
	chown 12:34 "$f"
	[ "$(stat -c '%a %u %g' "$f")" = '751 12 34' ] ||
		[ "$(stat -c '%a %u %g' "$f")" = '4751 12 34' ] ||
		fail "chmod, chown: $(stat -c '%a %u %g' "$f")"
	chmod 640 "$f"
	setfattr -n user.colour -v blue "$f"
	[ "$(getfattr --only-values -n user.colour "$f")" = blue ] ||
		fail "the xattr is another"
	setfattr -n user.empty "$f"
	setfattr -n user.gone -v x "$f"
	setfattr -x user.gone "$f"
	! getfattr -n user.gone "$f" 2>/dev/null || fail "the xattr stays"
	setfacl -m u:77:rw "$f"
	getfacl -cn "$f" | grep -qx 'user:77:rw-' || fail "the ACL is lost"
	ln "$f" "$MNT/dir/$n.link"
	[ "$(stat -c %h "$f")" -eq 2 ] || fail "the link count is wrong"
	[ "$(stat -c %i "$f")" = "$(stat -c %i "$MNT/dir/$n.link")" ] ||
		fail "a link is another file"
	ln -s "../$n" "$MNT/dir/$n.symlink"
	[ "$(stat -L -c %i "$MNT/dir/$n.symlink")" = "$(stat -c %i "$f")" ] ||
		fail "the symbolic link leads elsewhere"
	touch -d '1999-12-31 23:59:59' "$f"
	[ "$(stat -c %Y "$f")" -eq 946684799 ] || fail "the time is another"
	ok "attributes and links: $n"
done

# Renames: over a file, over an empty folder, not over a full one, not below
# itself, and the two of renameat2.
cd "$MNT" || exit
mkdir a a/b empty full full/x
echo 1 >one
echo 2 >two
mv one two
[ "$(cat two)" = 1 ] || fail "renamed over a file: $(cat two)"
mv -T a empty
[ -d empty/b ] || fail "renamed over an empty folder"
! mv -T empty full 2>/dev/null || fail "renamed over a full folder"
! mv -T empty empty/b/c 2>/dev/null || fail "renamed below itself"
! rmdir full 2>/dev/null || fail "a full folder was removed"
echo 3 >three
! rename2 1 two three 2>"$T/err" || fail "NOREPLACE replaced"
grep -q 'exists' "$T/err" || fail "NOREPLACE: $(cat "$T/err")"
rename2 2 two three
[ "$(cat two three)" = "3
1" ] || fail "EXCHANGE of files"
rename2 2 full dir
[ -e dir/x ] || fail "EXCHANGE of folders"
[ -L full/imported.symlink ] || fail "EXCHANGE of folders"
rename2 2 full dir
rename2 1 two four
[ "$(cat four)" = 3 ] || fail "NOREPLACE lost the file"
cd "$T" || exit
ok "renames"

# Many names, read while they are removed.
mkdir "$MNT/many"
(cd "$MNT/many" && touch {1..3000})
[ "$(find "$MNT/many" -type f | wc -l)" -eq 3000 ] || fail "names are missing"
find "$MNT/many" -name '*[13579]' -delete
[ "$(find "$MNT/many" -type f | wc -l)" -eq 1500 ] ||
	fail "removed while read: $(find "$MNT/many" -type f | wc -l)"
rm -r "$MNT/many"
[ ! -e "$MNT/many" ] || fail "it is still there"
ok "a folder that is read while it changes"

[ "$(printf '%0256d' 0 | xargs -I{} sh -c ": >'$MNT/{}'" 2>&1 |
	grep -c 'too long')" -eq 1 ] || fail "a name of 256 bytes"
: >"$MNT/$(printf '%0255d' 0)"
ok "the longest name"

cp -a "$MNT" want.tree
umnt
extract "$IMG" got.tree
same_tree -l want.tree got.tree
on_image "$IMG" - -getfattr /imported /staged -- \
	-getfacl /imported /staged -- >got.attr
[ "$(grep -c '^user.colour="blue"' got.attr)" -eq 2 ] ||
	fail "xattrs on the disc: $(cat got.attr)"
[ "$(grep -c '^user:77:rw-' got.attr)" -eq 2 ] ||
	fail "ACLs on the disc: $(cat got.attr)"
ok "on the disc, all of it is as it was"

mnt
clean
same_tree want.tree "$MNT"
[ "$(getfattr --only-values -n user.colour "$MNT/imported")" = blue ] ||
	fail "the xattr did not come back"
getfacl -cn "$MNT/staged" | grep -qx 'user:77:rw-' ||
	fail "the ACL did not come back"
# libisofs 1.5.4 forgets an empty value that comes last.
mkdir "$MNT/no-values"
# Nor are links with attributes kept together by themselves.
echo linked >"$MNT/link1"
ln "$MNT/link1" "$MNT/link2"
setfattr -n user.links -v x "$MNT/link1"
setfacl -m u:77:r "$MNT/link1"
setfattr -n user.alone "$MNT/no-values"
setfacl -d -m u:77:rwx "$MNT/no-values"
setfattr -n user.first -v x "$MNT/dir"
setfattr -n user.last "$MNT/dir"
setfacl -m u:77:rwx "$MNT/dir"
umnt
mnt
# A default list brings no access list along.
getfattr -n system.posix_acl_default "$MNT/no-values"
! getfattr -n system.posix_acl_access "$MNT/no-values" 2>/dev/null ||
	fail "an access list that nobody set"
getfattr -n user.empty "$MNT/imported" "$MNT/staged"
getfattr -n user.alone "$MNT/no-values"
ln "$MNT/link1" "$MNT/link3"
umnt
mnt
[ "$(stat -c %h "$MNT/link1")" -eq 3 ] && [ "$(stat -c %h "$MNT/link2")" -eq 3 ] ||
	fail "the links are no longer one file"
getfattr -n user.last "$MNT/dir"
umnt
ok "and after the next mount"
