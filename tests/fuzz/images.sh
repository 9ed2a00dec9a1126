#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Damaged images, at random: refused in words or taken, and nothing worse.
#
#   FUZZ_SECONDS  how long (default 8)
#   FUZZ_SEED     the first one (default: the time); a seed decides all
. "$top_srcdir/tests/mount/lib.sh"
requires xorriso genisoimage

FUZZ=${DISCFS%/*}/tests/fuzz/images
[ -x "$FUZZ" ] || fail "$FUZZ was not built"

mkdir -p tree/deep/{1..4}/leaf tree/many
for i in {1..40}; do
	echo "$i" >"tree/many/a file with number $i"
done
echo x >"tree/$(printf 'n%.0s' {1..250})"
ln -s "$(printf '/t%.0s' {1..200})" tree/link
ln tree/many/*1 tree/hard 2>/dev/null || ln "tree/many/a file with number 1" \
	tree/hard
head -c 3000 /dev/urandom >tree/boot.img
setfattr -n user.colour -v "$(printf 'red%.0s' {1..50})" tree/hard || true
mkfifo tree/fifo

xorriso -md5 on -xattr on -joliet on -outdev stdio:md5.iso -map tree / \
	-commit >xorriso.log 2>&1
for i in 1 2; do
	xorriso -md5 on -dev stdio:md5.iso -map tree "/again$i" -commit \
		>xorriso.log 2>&1
done
genisoimage -quiet -R -J -T -b boot.img -no-emul-boot -o rock.iso tree
genisoimage -quiet -J -joliet-long -o joliet.iso tree 2>genisoimage.log
genisoimage -quiet -iso-level 1 -o plain.iso tree 2>genisoimage.log
genisoimage -quiet -udf -R -z -o udf.iso tree 2>genisoimage.log

"$FUZZ" "${FUZZ_SEED:-$EPOCHSECONDS}" "${FUZZ_SECONDS:-8}" "$TEST_SLOW" \
	md5.iso rock.iso joliet.iso plain.iso udf.iso >said ||
	fail "the damaged one is victim.iso; a seed makes it again"
ok "$(cat said)"
