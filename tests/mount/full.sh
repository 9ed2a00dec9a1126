#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A disc is filled until nothing goes in any more, by many shapes of trees.  What
# was accepted is burned, fits, and is there; what is removed before gives its
# room back.
#
#   FULL_SHAPES  of them, by name
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires python3
CAPACITY=4 # MiB
cat >fill.py <<'END'
import errno, os, sys

def put(path, data=b""):
    """A file, all of it or none."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        while data:
            data = data[os.write(fd, data):]
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(fd)

def small(i):
    put("%d" % i, b"x")

def empty(i):
    put("empty-%d" % i)

def folders(i):
    os.mkdir("folder %d" % i)

def long_names(i):
    put("%05d-" % i + "n" * 249, b"long" * (i % 3))

def long_links(i):
    os.symlink("%d/" % i + "target/" * (i % 130) + "end", "%05d-" % i + "l" * (i % 249))

def hard_links(i):
    if i == 0:
        put("f", b"linked")
    else:
        os.link("f", "link-%d" % i)

def attributes(i):
    put("with-attributes-%d" % i)
    try:
        os.setxattr("with-attributes-%d" % i, "user.text", b"v" * (1 + i * 37 % 3000))
    except OSError:
        os.unlink("with-attributes-%d" % i)
        raise

def half_blocks(i):
    # Continuation areas of which one fits into a block, and not two.
    put("half-%d" % i)
    try:
        os.setxattr("half-%d" % i, "user.half", b"h" * 1000)
    except OSError:
        os.unlink("half-%d" % i)
        raise

def deep(i):
    # A hundred levels each, two files on each of them.
    os.mkdir("level-%d" % i)
    if i % 100 == 99:
        put("level-%d/bottom" % i)
    else:
        os.chdir("level-%d" % i)
        put("leaf", b"leaf")
        put("another leaf of a longer name", b"leaf" * 700)

def mixed(i):
    [small, empty, folders, long_names, attributes][i % 5](i)

os.chdir(sys.argv[2])
shape = globals()[sys.argv[1]]
top = os.getcwd()
i = refused = 0
# What is too large for the rest may be followed by something that is not.
while refused < 5:
    try:
        if i % 100 == 0 and sys.argv[1] == "deep":
            os.chdir(top)
        shape(i)
    except OSError as e:
        if e.errno != errno.ENOSPC:
            raise
        refused += 1
        if sys.argv[1] == "deep":
            break
    i += 1
print(i)
END

free_blocks() {
	local blocks size

	blocks=$(stat -f -c %a "$MNT")
	size=$(stat -f -c %S "$MNT")
	echo $((blocks * size / 2048))
}

# fill SHAPE DIR - print how many went in.
fill() {
	local n=0

	case $1 in
	one_file)
		cp "$T/source" "$2/all" 2>err && fail "all of it fits"
		grep -q 'No space left' err || fail "$(cat err)"
		;;
	copies)
		while cp -r "$T/tree" "$2/copy.$n" 2>err; do
			n=$((n + 1))
		done
		! grep -v 'No space left' err || fail "cp has other trouble"
		echo $n
		;;
	*)
		python3 fill.py "$@"
		;;
	esac
}

head -c $(((CAPACITY + 1) << 20)) /dev/urandom >source
mkdir -p tree/a/b/c
for i in {1..20}; do
	head -c $((i * 1500)) source >"tree/a/file $i"
	head -c $((i * 100)) source >"tree/a/b/c/$i"
	ln -s "../b/$i" "tree/a/link $i"
done

all_shapes="one_file copies small empty folders long_names long_links
	hard_links attributes half_blocks deep mixed"
for shape in ${FULL_SHAPES:-$all_shapes}; do
	for joliet in "" nojoliet; do
		what="$shape${joliet:+, $joliet}"
		rm -f "$IMG"
		new_image
		mnt -o "capacity=${CAPACITY}M${joliet:+,$joliet}"
		before=$(free_blocks)
		mkdir "$MNT/d"
		fill "$shape" "$MNT/d" >/dev/null
		[ "$(free_blocks)" -lt 700 ] || [ "$shape" = copies ] ||
			fail "$what: full, and $(free_blocks) blocks are free"
		rm -r "$MNT/d"
		[ $((before - $(free_blocks))) -lt 3 ] ||
			fail "$what: $before blocks free, $(free_blocks) at last"
		mkdir "$MNT/d"
		n=$(fill "$shape" "$MNT/d")
		rm -rf want got
		cp -a "$MNT/d" want
		umnt >out 2>&1 || fail "$what: $(cat out)"
		size=$(($(stat -c %s "$IMG") / 2048))
		[ $size -le $((CAPACITY * 512)) ] ||
			fail "$what: $size blocks, more than fit"
		[ $size -gt $((CAPACITY * 512 / 5)) ] ||
			fail "$what: only $size blocks went in"
		# xorriso needs a time that grows with the square of the links.
		if [ "$shape" = hard_links ]; then
			untar "$IMG" got.tar
			mv got.tar/d got
			rmdir got.tar
		else
			on_image "$IMG" - -osirrox on -extract /d got
		fi
		same_tree -l want got
		ok "$what: ${n:+$n, }$size blocks"
	done
done
