# SPDX-License-Identifier: GPL-2.0-or-later
#
# What discfs is measured against.  Sourced by run.
#
#   peer_why PEER           why it cannot be measured here; nothing: it can
#   peer_up PEER [BASE [VERIFY]]
#                           mount it at $M, empty, or showing BASE: the name of
#                           a base made by a row ($B/BASE is the tree,
#                           $B/BASE.iso the image of it); VERIFY is discfs'
#   peer_save PEER          unmount it, and wait until it has saved
#   peer_down PEER          unmount it and drop what it wrote
#   peer_backing PEER       the file or folder that holds its bytes
#
# All of them keep their bytes on the file system of $W.

peer_why() {
	local program=$1

	case $1 in
	discfs | ext4 | dd | md5sum | unstaged | of-1000 | most) return ;;
	overlay)
		grep -q overlay /proc/filesystems || modprobe overlay 2>/dev/null ||
			echo "the kernel has no overlayfs"
		return
		;;
	floor) program=$FLOOR ;;
	esac
	command -v "$program" >/dev/null || echo "$1 is not installed"
}

# is_mounted DIR
is_mounted() {
	mountpoint -q "$1"
}

await() {
	local i

	for ((i = 0; i < 12000; i++)); do
		! "$@" || return 0
		sleep 0.01
	done
	die "in vain: $*"
}

# is_gone PROGRAM - no process of it is left.
is_gone() {
	! pgrep -r D,R,S,T -x "$1" >/dev/null
}

# discfs_place - where it is mounted, without an image.
discfs_place() {
	P=$W/peer/discfs
	M=$P/mnt
	mkdir -p "$M"
}

# discfs_mount IMAGE [OPTS]
discfs_mount() {
	"$DISCFS" mount -o "stage=$P/stage,commit=manual${2:+,$2}" \
		"$1" "$M"
}

peer_up() {
	local peer=$1 base=${2:-} verify=${3:-none} lower

	P=$W/peer/$peer
	M=$P/mnt
	lower=$P/lower
	mkdir -p "$P" "$M"
	[ -z "$base" ] || lower=$B/$base
	case $peer in
	ext4)
		[ -z "$base" ] || cp -a "$lower/." "$M"
		;;
	discfs)
		if [ -n "$base" ]; then
			cp "$B/$base.iso" "$P/disc.iso"
		else
			: >"$P/disc.iso"
		fi
		discfs_mount "$P/disc.iso" "verify=$verify"
		;;
	floor)
		# In a session of its own, as any daemon: the scheduler groups by it.
		setsid "$FLOOR" "$P/data" "$M" &
		await is_mounted "$M"
		[ -z "$base" ] || cp -a "$lower/." "$M"
		;;
	overlay | fuse-overlayfs | unionfs-fuse)
		mkdir -p "$P/lower" "$P/upper" "$P/work"
		overlay_up "$peer" "$lower"
		;;
	fuseiso)
		fuseiso "$B/$base.iso" "$M"
		;;
	archivemount)
		if [ -n "$base" ]; then
			archivemount -o readonly "$B/$base.iso" "$M"
		else
			tar -cf "$P/archive.tar" -T /dev/null
			archivemount -o nobackup "$P/archive.tar" "$M"
		fi
		;;
	fuse-zip)
		fuse-zip "$P/archive.zip" "$M"
		;;
	esac
}

overlay_up() {
	local dirs="lowerdir=$2,upperdir=$P/upper,workdir=$P/work"

	case $1 in
	overlay) mount -t overlay overlay -o "$dirs" "$M" ;;
	fuse-overlayfs) quiet fuse-overlayfs -o "$dirs" "$M" ;;
	unionfs-fuse)
		unionfs-fuse -o cow,suid,dev "$P/upper=RW:$2=RO" "$M"
		;;
	esac
}

peer_down() {
	local peer=$1

	cd "$W"
	case $peer in
	discfs)
		peer=discfs
		! is_mounted "$M" || quiet "$DISCFS" umount --keep "$M"
		;;
	*)
		! is_mounted "$M" || umount "$M"
		;;
	esac
	await is_gone "$peer"
	rm -rf --one-file-system "$P"
}

peer_save() {
	[ "$1" != discfs ] || quiet "$DISCFS" commit "$M"
	umount "$M"
	await is_gone "$1"
}

peer_backing() {
	case $1 in
	discfs) find "$P/stage" "$P/disc.iso" -type f ;;
	floor) echo "$P/data" ;;
	fuseiso | archivemount | bsdtar) find "$B" -maxdepth 1 -type f ;;
	ext4) find "$M" -type f ;;
	*) find "$P/upper" "$B" -type f ;;
	esac
}

# cold PEER - nothing of the mount in the kernel's caches, all bytes below it.
cold() {
	sync -f "$W"
	echo 3 >/proc/sys/vm/drop_caches
	peer_backing "$1" | tr '\n' '\0' | xargs -0r cat >/dev/null
}
