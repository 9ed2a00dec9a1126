# SPDX-License-Identifier: GPL-2.0-or-later
#
# The data that the rows work on: made once, when first needed, below $W/base.
# Sourced by run.

# need_tree - $W/base/tree: 17,000 small files.
need_tree() {
	local n=$((17000 / SCALE)) list=$W/list

	[ ! -d "$W/base/tree" ] || return 0
	mkdir "$W/base/tree"
	if [ -n "${BENCH_TREE:-}" ]; then
		cp -r "$BENCH_TREE/." "$W/base/tree"
		return
	fi
	# In the order of the folders, so that they are whole.
	find /usr/include /usr/lib /usr/share -xdev -type f -size -256k |
		LC_ALL=C sort >"$list.all"
	head -n "$n" "$list.all" >"$list"
	tar -cf - -T "$list" 2>/dev/null | tar -xf - -C "$W/base/tree"
}

need_tar() {
	[ -f "$W/base/tree.tar" ] ||
		tar -cf "$W/base/tree.tar" -C "$W/base" tree
}

need_git() {
	local git=(git -C "$W/base/tree.git.work" -c user.name=bench
		-c user.email=bench@localhost -c gc.auto=0)

	need_tree
	[ ! -d "$W/base/tree.git" ] || return 0
	cp -r "$W/base/tree" "$W/base/tree.git.work"
	"${git[@]}" init -q
	"${git[@]}" add -Af .
	"${git[@]}" commit -qm all
	quiet git clone -q --bare "$W/base/tree.git.work" "$W/base/tree.git"
	rm -rf "$W/base/tree.git.work"
}

# need_big - $W/base/big/big: 1 GiB.
need_big() {
	[ ! -d "$W/base/big" ] || return 0
	mkdir "$W/base/big"
	"$WORK" write "$W/base/big/big" $((1024 / SCALE > 0 ? 1024 / SCALE : 1)) \
		1024
	need_iso big
}

# need_names N - $W/base/nN: N files of a few bytes, 1000 a folder.
need_names() {
	local dir=$W/base/n$1

	[ ! -d "$dir" ] || return 0
	mkdir "$dir"
	"$WORK" create "$dir" "$1" $((($1 + 999) / 1000))
	need_iso "n$1"
}

# need_iso NAME - $W/base/NAME.iso of the folder, as discfs would burn it.
need_iso() {
	[ -f "$W/base/$1.iso" ] ||
		quiet xorriso -md5 on -joliet on \
			-outdev "stdio:$W/base/$1.iso" -map "$W/base/$1" / \
			-commit
}
