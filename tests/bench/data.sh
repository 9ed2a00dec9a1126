# SPDX-License-Identifier: GPL-2.0-or-later
#
# The data that the rows work on: made once, when first needed, below $B.
# Sourced by run.

# need_tree - $B/tree: 17,000 small files.
need_tree() {
	local n=$((17000 / SCALE)) list=$W/list

	[ ! -d "$B/tree" ] || return 0
	mkdir "$B/tree"
	if [ -n "${BENCH_TREE:-}" ]; then
		cp -r "$BENCH_TREE/." "$B/tree"
		return
	fi
	# In the order of the folders, so that they are whole.
	find /usr/include /usr/lib /usr/share -xdev -type f -size -256k |
		LC_ALL=C sort >"$list.all"
	head -n "$n" "$list.all" >"$list"
	tar -cf - -T "$list" 2>/dev/null | tar -xf - -C "$B/tree"
}

# need_few - $B/few: a tenth of them.
need_few() {
	need_tree
	[ ! -d "$B/few" ] || return 0
	mkdir "$B/few"
	find "$B/tree" -type f -printf '%P\n' | LC_ALL=C sort |
		awk -v n="$(small 1700)" 'NR <= n' |
		tar -cf - -C "$B/tree" -T - | tar -xf - -C "$B/few"
	need_iso few
}

need_tar() {
	[ -f "$B/tree.tar" ] ||
		tar -cf "$B/tree.tar" -C "$B" tree
}

need_git() {
	local git=(git -C "$B/tree.git.work" -c user.name=bench
		-c user.email=bench@localhost -c gc.auto=0)

	need_tree
	[ ! -d "$B/tree.git" ] || return 0
	cp -r "$B/tree" "$B/tree.git.work"
	"${git[@]}" init -q
	"${git[@]}" add -Af .
	"${git[@]}" commit -qm all
	quiet git clone -q --bare "$B/tree.git.work" "$B/tree.git"
	rm -rf "$B/tree.git.work"
}

# need_big - $B/big/big: 1 GiB.
need_big() {
	[ ! -d "$B/big" ] || return 0
	mkdir "$B/big"
	"$WORK" write "$B/big/big" $((1024 / SCALE > 0 ? 1024 / SCALE : 1)) \
		1024
	need_iso big
}

# need_names N - $B/nN: N files of a few bytes, 1000 a folder.
need_names() {
	local dir=$B/n$1

	[ ! -d "$dir" ] || return 0
	mkdir "$dir"
	"$WORK" create "$dir" "$1" $((($1 + 999) / 1000))
	need_iso "n$1"
}

# need_iso NAME - $B/NAME.iso of the folder, as discfs would burn it.
need_iso() {
	[ -f "$B/$1.iso" ] ||
		quiet xorriso -md5 on -joliet on \
			-outdev "stdio:$B/$1.iso" -map "$B/$1" / \
			-commit
}
