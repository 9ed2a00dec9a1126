#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Programs that people run on a folder, each on the machine's disk and on the
# mount: they succeed, and the results are equal.  Then all of it is burned.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

new_image
mnt
mkdir disk

# have PROG... - whether they are all there; a case that is skipped says why.
have() {
	local p

	for p; do
		command -v "$p" >/dev/null || {
			ok "not tried, no $p on this machine"
			return 1
		}
	done
}

# both FUNCTION TEXT - run it in $disk/FUNCTION and in $MNT/FUNCTION, in a shell
# of its own; what it prints and what is then in the folder is the same.
both() {
	local dir

	for dir in "$T/disk" "$MNT"; do
		mkdir "$dir/$1"
		(cd "$dir/$1" && "$1") >"$T/out.${dir##*/}" ||
			fail "$1 fails in $dir"
	done
	cmp "$T/out.disk" "$T/out.mnt" || {
		diff "$T/out.disk" "$T/out.mnt" >&2 || true
		fail "$1 prints something else on the mount"
	}
	same_content "disk/$1" "$MNT/$1"
	# Names, kinds, modes, owners, links and sizes.
	diff <(shape "disk/$1") <(shape "$MNT/$1") >"$T/diff" ||
		fail "$1 leaves something else: $(head -n 3 "$T/diff")"
	ok "$2"
}

# same_content A B - to diff a fifo is equal to none.  How git packs is its own
# affair.
same_content() {
	diff -r -x 'pack-*' --no-dereference "$1" "$2" |
		grep -v 'is a fifo while' >"$T/diff" || true
	[ ! -s "$T/diff" ] ||
		fail "$1 and $2 differ: $(head -n 3 "$T/diff")"
}

shape() {
	(cd "$1" && find . -name 'pack-*' -o -type d -printf '%P %M %U %G\n' -o \
		-printf '%P %M %n %U %G %s %l\n' | LC_ALL=C sort)
}

# A tree with all that a tree can have; for whom cannot set it, less.
make_sample() {
	local i

	mkdir -p sample/deep/er
	for i in {1..200}; do
		seq "$i" $((i * 30)) >"sample/deep/f$i"
		touch -d "2020-01-01 00:00:$((i % 60))" "sample/deep/f$i"
	done
	ln sample/deep/f1 sample/deep/er/hard
	ln -s ../f2 sample/deep/er/soft
	mkfifo sample/deep/pipe
	touch -d '2004-02-03 04:05:06' sample/deep/pipe sample/deep/er/hard
	truncate -s 300000 sample/sparse
	echo end >>sample/sparse
	touch -d '2005-02-03 04:05:06' sample/sparse
	chmod 4711 sample/deep/f3
	chown -h 12:34 sample/deep/f4 sample/deep/er/soft
	setfattr -n user.colour -v blue sample/deep/f5 sample/deep
	setfacl -m u:77:rw,g:88:r sample/deep/f6
	setfacl -d -m u:77:rwx sample/deep/er
	touch -d '2001-02-03 04:05:06.789' sample/deep/f7
	touch -h -d '2002-02-03 04:05:06' sample/deep/er/soft
	touch -d '2003-02-03 04:05:06' sample/deep/er sample/deep sample
}

# listing DIR - what getfattr, getfacl and stat say of it.
listing() {
	(cd "$1" && find . | LC_ALL=C sort >"$T/listing" &&
		xargs -d '\n' stat -c '%n %A %u %g %h %y' <"$T/listing" &&
		xargs -d '\n' getfattr -hdm - --absolute-names <"$T/listing" &&
		find . ! -type l | LC_ALL=C sort | xargs -d '\n' getfacl -cpn)
}

if have setfattr setfacl; then
	(cd "$T" && make_sample)
fi

run_git() {
	export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b \
		GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b \
		GIT_AUTHOR_DATE='1600000000 +0000' \
		GIT_COMMITTER_DATE='1600000000 +0000'
	git clone -q "$T/repo" clone
	cd clone || exit
	git fsck --full --strict
	echo changed >>file7
	rm file8
	git mv file9 renamed
	git add -A
	git commit -q -m second
	git checkout -q -b other HEAD~1
	[ -e file8 ] || exit
	git checkout -q main
	git gc -q
	git fsck --full
	git status --porcelain
	git log --format='%H %s'
	git rev-list --objects --all | LC_ALL=C sort
	# It holds times and inode numbers.
	rm -r .git/index .git/logs .git/objects/info
	find .git -name '*.rev' -delete
}
if have git; then
	git init -q -b main repo
	for i in {1..100}; do
		seq "$i" 1000 >"repo/file$i"
	done
	git -C repo add .
	git -C repo -c user.name=a -c user.email=a@b commit -q -m first
	both run_git "git clone, fsck, commit, checkout, gc"
fi

run_rsync() {
	rsync -aHAX "$T/sample" .
	echo again:
	# Nothing of it is copied a second time.
	rsync -aHAXi "$T/sample" .
	echo changed:
	echo more >>sample/deep/f9
	rsync -aHAXi --delete "$T/sample" .
	rsync -aHAX --inplace --no-whole-file --checksum "$T/sample" .
	listing sample
}
if have rsync setfattr setfacl getfattr getfacl; then
	both run_rsync "rsync -aHAX, again, and after a change"
	# One after the other: both make the same list of names.
	listing "$MNT/run_rsync/sample" >"$T/listing.got"
	listing sample >"$T/listing.want"
	cmp "$T/listing.got" "$T/listing.want" || fail "rsync lost attributes"
	ok "rsync keeps links, ACLs, attributes and times"
fi

run_tar() {
	tar --xattrs --xattrs-include='*' --acls -cf a.tar -C "$T" sample
	tar --xattrs --xattrs-include='*' --acls -xpf a.tar
	tar --xattrs --acls -df a.tar
	listing sample
	tar --xattrs --xattrs-include='*' --acls --sort=name -cf b.tar sample
	mkdir again
	tar --xattrs --xattrs-include='*' --acls -xpf b.tar -C again
	listing again/sample
	tar -tvf b.tar
	rm a.tar b.tar
}
if have tar getfattr getfacl setfattr setfacl; then
	both run_tar "tar in and out with xattrs and ACLs"
fi

run_sqlite() {
	local mode

	for mode in delete wal; do
		{
			echo "PRAGMA journal_mode=$mode;"
			echo 'CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);'
			for i in {1..500}; do
				echo "BEGIN; INSERT INTO t VALUES" \
					"($i, hex(zeroblob($i))); COMMIT;"
			done
			echo 'DELETE FROM t WHERE a % 3 = 0; VACUUM;'
			echo 'PRAGMA integrity_check;'
			echo 'SELECT count(*), sum(length(b)) FROM t;'
		} | sqlite3 "$mode.db"
		sqlite3 "$mode.db" 'PRAGMA integrity_check; SELECT sum(a) FROM t;'
	done
	rm -f ./*.db
}
if have sqlite3; then
	both run_sqlite "sqlite3, 1,000 transactions in both kinds of journal"
fi

run_editors() {
	seq 100 >text
	chmod 640 text
	sed -i 's/^5$/five/' text
	sed -i.orig '$d' text
	perl -pi -e 's/^7$/seven/' text
	sort -o text -r text
	truncate -s -1 text.orig
	cat text
}
both run_editors "sed -i, perl -i, sort -o"

run_vim() {
	seq 100 >text
	chmod 640 text
	# Both ways of vim to write: a new file renamed, and the old one.
	vim -u NONE -es -c 'set backup backupcopy=no' -c '%s/^5$/five/' \
		-c wq text
	vim -u NONE -es -c 'set nobackup backupcopy=yes' -c '%s/^6$/six/' \
		-c wq text
	ln text hard
	vim -u NONE -es -c '%s/^7$/seven/' -c wq text
	ls -A
	cat text hard
}
if have vim; then
	both run_vim "vim saves"
fi

run_unzip() {
	(cd "$T" && zip -qry "$OLDPWD/a.zip" sample/deep/er sample/deep/f?)
	unzip -q a.zip
	unzip -tq a.zip
	rm a.zip
}
if have zip unzip && [ -d sample ]; then
	both run_unzip "zip and unzip"
fi

run_make() {
	local i

	# Those of the make that runs the tests.
	unset MAKEFLAGS MFLAGS MAKELEVEL
	for i in {1..20}; do
		echo "int f$i(void); int f$i(void) { return $i; }" >"f$i.c"
	done
	cat >main.c <<-'END'
		#include <stdio.h>
		int f20(void);
		int main(void) { return printf("%d\n", f20()) < 0; }
	END
	cat >Makefile <<-'END'
		OBJS = main.o $(patsubst %,f%.o,$(shell seq 20))
		prog: libf.a; $(CC) -o $@ main.c libf.a
		libf.a: $(OBJS); ar rcD $@ $^
	END
	make -s -j2 CFLAGS=-O0
	./prog
	make -q || exit
	touch f3.c
	! make -q || exit
	make -s
	./prog
}
if have make "${CC:-cc}" ar; then
	both run_make "a C program is built by make, again after a change, and runs"
fi

run_find() {
	cp -a "$T/sample" .
	find sample -newermt 2002-01-01 -type f | wc -l
	find sample -size +8k -printf '%P %s\n' | LC_ALL=C sort
	find sample -links 2 -printf '%P\n' | LC_ALL=C sort
	find sample -perm -4000
	find sample -samefile sample/deep/f1 -printf '%P\n' | LC_ALL=C sort
	find sample -type f -exec md5sum {} + | LC_ALL=C sort -k 2
	find sample -name '*3*' -type f -delete
	find sample -empty
	du -s --apparent-size -B1 --exclude='d*' sample/sparse
	grep -rl 5999 sample | LC_ALL=C sort
}
if [ -d sample ]; then
	both run_find "cp -a, find, du, grep -r"
	# Blocks of one file, which no file system counts in folders: not more than
	# its bytes and a block, and fewer where there are holes.
	for f in deep/f200 sparse; do
		used=$(du -B1 "$MNT/run_find/sample/$f" | cut -f1)
		size=$(stat -c %s "$MNT/run_find/sample/$f")
		case $f in
		sparse) [ "$used" -le 8192 ] ;;
		*) [ "$used" -ge "$size" ] && [ "$used" -lt $((size + 2049)) ] ;;
		esac || fail "du: $used bytes for $size of $f"
	done
	ok "du counts bytes that are there"
fi

run_copies() {
	local mode

	head -c 3000000 /dev/urandom >"$T/random.$$"
	[ -e "$T/random" ] || mv "$T/random.$$" "$T/random"
	cp "$T/random" a
	for mode in auto never; do
		cp --reflink=$mode a b.$mode
		cmp a b.$mode
	done
	cp --sparse=always a c
	cmp a c
	dd if=a of=d bs=1M oflag=direct conv=fsync status=none
	dd if=a of=e bs=64k iflag=direct,fullblock status=none
	cmp a d
	cmp a e
	split -b 1000000 a part.
	cat part.* | cmp - a
	install -m 751 a f
	mv f g
	shred -u -n 1 e
	truncate -s 1000 g
	ls
}
both run_copies "cp --reflink, dd with O_DIRECT, split, install, shred"

run_move() {
	cp -a "$T/sample" "$T/moving"
	mv "$T/moving" moved
	[ ! -e "$T/moving" ] || exit
	listing moved
	mv moved "$T/moving"
	[ ! -e moved ] || exit
	listing "$T/moving"
	mv "$T/moving" moved
}
if [ -d sample ] && have getfattr getfacl; then
	both run_move "mv of a folder from outside, and back"
fi

rm -f random*
umnt
mnt
clean
for d in disk/*; do
	same_content "$d" "$MNT/${d##*/}"
done
ok "burned and mounted again, all of it is the same"
if [ -e "$MNT/run_git/clone" ]; then
	git -C "$MNT/run_git/clone" fsck --full >"$T/out" 2>&1 ||
		fail "git fsck: $(cat "$T/out")"
	[ "$("$MNT/run_make/prog")" = 20 ] || fail "the program does not run"
	ok "the repository is sound, and the program runs"
fi
umnt
