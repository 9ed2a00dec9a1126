# SPDX-License-Identifier: GPL-2.0-or-later
#
# The rows of the benchmark.  Sourced by run.
#
#   row NAME UNIT "PEER[<=LIMIT] ..." TITLE
#
# LIMIT is for discfs' value divided by the peer's, the median of all rounds; the
# peer "most" stands for discfs itself, with a limit to its own value.
# Each row has functions NAME_prepare PEER (not measured; may be missing),
# NAME_work PEER (its seconds are the value) or NAME_measure PEER (prints the
# value), and NAME_clean PEER (may be missing: peer_down).

small() { # of $FILES, $FOLDERS ... in a smoke run
	echo "$(($1 / SCALE > 0 ? $1 / SCALE : 1))"
}

# ---- writing into the mount ----

row cp-tree s "floor<=1.2 fuse-overlayfs<=0.5 ext4<=1.1 unionfs-fuse" \
	"cp -r of $((17000 / SCALE)) small files into the mount"
cp-tree_prepare() { need_tree && peer_up "$1"; }
cp-tree_work() { cp -r "$B/tree" "$M"; }

row cp-save s "fuse-zip archivemount" \
	"the same, and an unmount that saves it (discfs: verified)"
cp-save_prepare() { need_tree && peer_up "$1" "" full; }
cp-save_work() { cp -r "$B/tree" "$M" && peer_save "$1"; }

row untar s "floor<=1.2 fuse-overlayfs<=0.6 ext4" "tar x of the same"
untar_prepare() { need_tree && need_tar && peer_up "$1"; }
untar_work() { tar -xf "$B/tree.tar" -C "$M"; }

row rsync s "floor<=1.2 fuse-overlayfs<=0.6 ext4" "rsync -a of the same"
rsync_prepare() { need_tree && peer_up "$1"; }
rsync_work() { rsync -a "$B/tree" "$M"; }

row git-clone s "floor<=1.2 fuse-overlayfs<=0.6 ext4" "git clone of the same"
git-clone_prepare() { need_git && peer_up "$1"; }
git-clone_work() { git clone -q --no-hardlinks "$B/tree.git" "$M/clone"; }

row create-one s "floor<=1.2 fuse-overlayfs<=0.4 ext4" \
	"create and remove $((50000 / SCALE)) empty files in one folder"
create-one_prepare() { peer_up "$1"; }
create-one_work() {
	"$WORK" create "$M" "$(small 50000)" 1
	"$WORK" remove "$M" "$(small 50000)" 1
}

row create-many s "floor<=1.2 fuse-overlayfs<=0.4 ext4" \
	"the same in many folders"
create-many_prepare() { peer_up "$1"; }
create-many_work() {
	"$WORK" create "$M" "$(small 50000)" "$(small 500)"
	"$WORK" remove "$M" "$(small 50000)" "$(small 500)"
}

row write-big s "floor<=1.15 ext4" \
	"sequential write of $((2048 / SCALE)) MiB with fsync"
write-big_prepare() { peer_up "$1"; }
write-big_work() { "$WORK" write "$M/big" "$(small 2048)" 1024 fsync; }

row write-4k s "floor<=1.15 ext4" \
	"$((64 / SCALE)) MiB in writes of 4 KiB"
write-4k_prepare() { peer_up "$1"; }
write-4k_work() { "$WORK" write "$M/big" "$(small 64)" 4; }

row rewrite-4k s "floor<=1.15 ext4" \
	"$((16384 / SCALE)) random writes of 4 KiB into a staged file"
rewrite-4k_prepare() {
	peer_up "$1"
	"$WORK" write "$M/big" "$(small 256)" 1024
}
rewrite-4k_work() { "$WORK" rewrite "$M/big" "$(small 256)" "$(small 16384)"; }

row patch-4k s "floor<=1.15 ext4" \
	"the same into a file on the disc"
patch-4k_prepare() { need_big && peer_up "$1" big; }
patch-4k_work() { "$WORK" rewrite "$M/big" "$(small 1024)" "$(small 16384)"; }

# ---- reading out of it ----

row tar-staged s "floor<=1.2 ext4<=1.5 fuse-overlayfs" \
	"tar c of the small files, staged"
tar-staged_prepare() {
	need_tree && peer_up "$1"
	cp -r "$B/tree" "$M"
	cold "$1"
}
tar-staged_work() { tar_of "$1" tree; }

row tar-imported s "floor<=1.2 ext4<=1.5 fuseiso<=0.3 bsdtar" \
	"the same, on the disc"
tar-imported_prepare() {
	need_tree && need_iso tree && peer_up "$1" tree
	cold "$1"
}
tar-imported_work() { tar_of "$1" tree; }

row tar-again s "floor ext4 fuseiso" "the same, again"
tar-again_prepare() {
	tar-imported_prepare "$1"
	tar_of "$1" tree
}
tar-again_work() { tar_of "$1" tree; }

# All of them would take archivemount more than ten minutes.
row tar-few s "archivemount fuseiso bsdtar" \
	"tar c of $(small 1700) of the small files, on the disc"
tar-few_prepare() {
	need_few && peer_up "$1" few
	cold "$1"
}
tar-few_work() { tar_of "$1" few; }

# tar_of PEER BASE - bsdtar takes the image as it is.
tar_of() {
	if [ "$1" = bsdtar ]; then
		bsdtar -cf - "@$B/$2.iso"
	else
		tar -cf - -C "$M" .
	fi | cat >/dev/null
}

row read-big s "floor<=1.15 fuseiso<=0.3 ext4 bsdtar" \
	"sequential read of $((1024 / SCALE)) MiB on the disc"
read-big_prepare() {
	need_big && peer_up "$1" big
	cold "$1"
}
read-big_work() {
	if [ "$1" = bsdtar ]; then
		bsdtar -xOf "$B/big.iso" big >/dev/null
	else
		"$WORK" read "$M/big" 1024
	fi
}

row reads-1 s "floor<=1.15 fuseiso<=0.3 ext4" \
	"$((20000 / SCALE)) random reads of 4 KiB, one job"
reads-1_prepare() { read-big_prepare "$1"; }
reads-1_work() { "$WORK" reads "$M/big" "$(small 20000)" 1; }

row reads-4 s "floor<=1.15 fuseiso<=0.3 ext4" "the same, four jobs"
reads-4_prepare() { read-big_prepare "$1"; }
reads-4_work() { "$WORK" reads "$M/big" "$(small 5000)" 4; }

row find-first s "fuse-overlayfs<=0.6 overlay floor" \
	"first find -ls over $((100000 / SCALE)) files"
find-first_prepare() {
	need_names "$(small 100000)" && peer_up "$1" "n$(small 100000)"
	cold "$1"
}
find-first_work() { find "$M" -ls >/dev/null; }

row find-again s "overlay<=1.2 fuse-overlayfs floor" "the same, again"
find-again_prepare() {
	find-first_prepare "$1"
	find "$M" -ls >/dev/null
}
find-again_work() { find "$M" -ls >/dev/null; }

# ---- single steps ----

row first-byte s "most<=0.02 overlay<=0.05 fuse-overlayfs" \
	"first byte written into a file of $((1024 / SCALE)) MiB on the disc"
first-byte_prepare() { need_big && peer_up "$1" big; }
first-byte_work() {
	printf x | dd of="$M/big" conv=notrunc bs=1 count=1 status=none
}

row cp-inside s "most<=0.05 ext4 overlay" \
	"cp of a file of $((1024 / SCALE)) MiB inside of the mount"
cp-inside_prepare() { need_big && peer_up "$1" big; }
cp-inside_work() { cp "$M/big" "$M/copy"; }

step=0
for name in lookup create rename write; do
	step=$((step + 1))
	row "flat-$name" us "of-1000<=1.2" \
		"a $name, $((1000000 / SCALE)) files on the disc for 1000"
	eval "flat-${name}_prepare() { flat_up \$1; }"
	eval "flat-${name}_measure() { flat_step $step; }"
	eval "flat-${name}_clean() { peer_down discfs; }"
done

# flat_up PEER - discfs, or of-1000: discfs with the small disc.
flat_up() {
	local n

	n=$(small $([ "$1" = of-1000 ] && echo 1000 || echo 1000000))
	need_names "$n" && peer_up discfs "n$n"
}
flat_step() {
	"$WORK" each "$M" "$M/written" "$(small 4096)" | cut -d' ' -f"$1"
}

# ---- mounting ----

for n in 10000 100000 1000000; do
	row "mount-$n" s "xorriso<=1.0" \
		"mount to first ls, $n files"
	eval "mount-${n}_prepare() { need_names \$(small $n); }"
	eval "mount-${n}_work() { mount_to_ls \$1 \$(small $n); }"
	eval "mount-${n}_clean() { mount_down \$1; }"
done
mount_to_ls() {
	local image=$B/n$2.iso

	if [ "$1" = xorriso ]; then
		quiet xorriso -indev "stdio:$image" -lsd /
	else
		discfs_place
		discfs_mount "$image"
		ls "$M" >/dev/null
	fi
}
# What is measured in a subshell is unmounted by its caller.
mount_down() {
	[ "$1" != discfs ] || {
		discfs_place
		peer_down "$1"
	}
}

row memory-mounted KiB "xorriso<=0.35" \
	"memory when mounted, $((1000000 / SCALE)) files"
memory-mounted_prepare() { mount-1000000_prepare "$1"; }
memory-mounted_measure() { memory "$1" VmRSS; }
memory-mounted_clean() { mount_down "$1"; }

row memory-import KiB "xorriso<=1.25" "peak memory of the import, the same"
memory-import_prepare() { mount-1000000_prepare "$1"; }
memory-import_measure() { memory "$1" VmHWM; }
memory-import_clean() { mount_down "$1"; }

memory() {
	local n

	n=$(small 1000000)
	if [ "$1" = xorriso ]; then
		"$WORK" run xorriso -indev "stdio:$B/n$n.iso" -lsd / \
			2>"$W/log" | awk '{ print $2 }'
	else
		mount_to_ls "$1" "$n"
		awk -v what="$2:" '$1 == what { print $2 }' \
			"/proc/$(daemon)/status"
	fi
}
daemon() {
	pgrep -of '^[^ ]*(discfs mount|mount\.discfs) '
}

# All of it within what the stage may add.
row remount s "unstaged most<=2" \
	"mount with a stage of $((100000 / SCALE)) deltas"
remount_prepare() {
	discfs_place
	: >"$P/disc.iso"
	[ "$1" = unstaged ] || {
		discfs_mount "$P/disc.iso"
		"$WORK" create "$M" "$(small 100000)" "$(small 100)"
		quiet "$DISCFS" umount --keep "$M"
		await is_gone discfs
	}
}
remount_work() {
	discfs_mount "$P/disc.iso"
	ls "$M" >/dev/null
}
remount_clean() { peer_down discfs; }

# ---- burning ----

row commit-big s "xorriso<=1.0 dd genisoimage" \
	"commit of one file of $((1024 / SCALE)) MiB (MD5 on, verify off)"
commit-big_prepare() { need_big && commit_up "$1" big; }
commit-big_work() { commit "$1" big; }
commit-big_clean() { mount_down "$1"; }

# discfs always sums; here its sums cost nothing, and are worth as much.
row commit-unsummed s "dd<=1.15 xorriso" \
	"the same, MD5 off (discfs: taken out by nosums.so)"
commit-unsummed_prepare() {
	need_big && LD_PRELOAD=$([ "$1" != discfs ] || echo "$NOSUMS") \
		commit_up "$1" big
}
commit-unsummed_work() { commit "$1" big off; }
commit-unsummed_clean() { mount_down "$1"; }

row commit-tree s "xorriso<=1.0 genisoimage" "commit of the small files"
commit-tree_prepare() { need_tree && commit_up "$1" tree; }
commit-tree_work() { commit "$1" tree; }
commit-tree_clean() { mount_down "$1"; }

# commit_up PEER BASE [VERIFY] - content is in the stage, or is what xorriso is
# given.
commit_up() {
	rm -f "$W/out.iso"
	if [ "$1" = discfs ]; then
		peer_up discfs "" "${3:-none}"
		cp -r "$B/$2" "$M"
	fi
}

# commit PEER BASE [MD5] - as xorriso's -md5.
commit() {
	case $1 in
	discfs) quiet "$DISCFS" commit "$M" ;;
	dd)
		dd if="$B/big/big" of="$W/out.iso" bs=1M conv=fsync \
			status=none
		;;
	xorriso)
		quiet xorriso -md5 "${3:-on}" -joliet on \
			-outdev "stdio:$W/out.iso" -map "$B/$2" / -commit
		;;
	genisoimage)
		quiet genisoimage -R -J -o "$W/out.iso" "$B/$2"
		sync "$W/out.iso"
		;;
	esac
}

for n in 10000 100000 1000000; do
	row "commit-one-$n" s "xorriso<=0.8 genisoimage" \
		"commit of one changed file on a disc of $n files"
	eval "commit-one-${n}_prepare() { grown_up \$1 \$(small $n); }"
	eval "commit-one-${n}_measure() { grow \$1 | cut -d' ' -f1; }"
	eval "commit-one-${n}_clean() { mount_down \$1; }"
done

row commit-memory KiB "xorriso<=1.25 genisoimage" \
	"peak memory of it, $((1000000 / SCALE)) files"
commit-memory_prepare() { grown_up "$1" "$(small 1000000)"; }
commit-memory_measure() { grow "$1" | cut -d' ' -f2; }
commit-memory_clean() { mount_down "$1"; }

grown_up() {
	need_names "$2"
	cp "$B/n$2.iso" "$W/out.iso"
	date >"$W/changed"
	if [ "$1" = discfs ]; then
		discfs_place
		discfs_mount "$W/out.iso" verify=none
		cp "$W/changed" "$M/0/file-0"
	fi
}

# Seconds and peak memory.
grow() {
	local pid seconds

	case $1 in
	xorriso)
		"$WORK" run xorriso -md5 on -joliet on \
			-dev "stdio:$W/out.iso" \
			-update "$W/changed" /0/file-0 -commit 2>"$W/log"
		return
		;;
	genisoimage)
		"$WORK" run bash -c "set -o pipefail; $(genisoimage_grows)" \
			2>"$W/log"
		return
		;;
	esac
	pid=$(daemon)
	echo 5 >"/proc/$pid/clear_refs" # the peak begins anew
	seconds=$("$WORK" run "$DISCFS" commit "$M" 2>"$W/log" |
		cut -d' ' -f1)
	awk -v s="$seconds" '$1 == "VmHWM:" { print s, $2 }' \
		"/proc/$pid/status"
}

# The command that appends a session: without the sums of what it holds.
genisoimage_grows() {
	local blocks

	blocks=$(($(stat -c %s "$W/out.iso") / 2048))
	echo "genisoimage -R -J -C 0,$blocks -M '$W/out.iso' -graft-points" \
		"0/file-0='$W/changed' |" \
		"dd of='$W/out.iso' bs=1M oflag=append conv=notrunc,fsync"
}

row verify s "md5sum<=1.1" \
	"reading back a session of $((1024 / SCALE)) MiB, after the burn"
verify_prepare() {
	need_big
	if [ "$1" = md5sum ]; then
		dd if="$B/big.iso" iflag=nocache count=0 status=none
	else
		commit_up "$1" big full
	fi
}
# discfs' part is what "status" calls verifying.  Asked seldom: each time takes a
# processor away from it for some milliseconds.
verify_measure() {
	local state start= end= commit

	if [ "$1" = md5sum ]; then
		"$WORK" run md5sum "$B/big.iso" 2>"$W/log" | cut -d' ' -f1
		return
	fi
	quiet "$DISCFS" commit "$M" &
	commit=$!
	while kill -0 $commit 2>/dev/null; do
		state=$("$DISCFS" status --json "$M" | tr -d ' \n')
		case $state in
		*'"state":"verifying"'*)
			end=$EPOCHREALTIME
			[ -n "$start" ] || start=$end
			;;
		esac
		sleep 0.03
	done
	wait $commit
	awk -v a="$start" -v b="$end" 'BEGIN { printf "%.6f", b - a }'
}
verify_clean() { mount_down "$1"; }
