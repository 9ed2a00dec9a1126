#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The includes of the tree keep to the layers, and the script that says so
# finds each kind of breach.
. "$top_srcdir/tests/mount/lib.sh"

check=$top_srcdir/scripts/check-layers

run_check() {
	"$check" "$T/tree" >"$T/out" 2>&1
}

# breach FILE INCLUDE - the line INCLUDE in FILE must be found, and named.
breach() {
	mkdir -p "$T/tree/$(dirname "$1")"
	echo "#include $2" >>"$T/tree/$1"
	expect_exit 1 run_check
	grep -q "^$1:" "$T/out" || fail "breach in $1 not named"
	ok "found: $2 in $1"
	sound_tree
}

# A tree that is in order, with each thing where it may be.
sound_tree() {
	rm -rf "$T/tree"
	mkdir -p "$T/tree/common" "$T/tree/burner" "$T/tree/fs" "$T/tree/cli"
	echo '#include <errno.h>' >"$T/tree/common/why.c"
	printf '#include %s\n' '"config.h"' '"common/why.h"' \
		'"burner/library.h"' '<libburn/libburn.h>' \
		'<libisofs/libisofs.h>' >"$T/tree/burner/burn.c"
	printf '#include %s\n' '"burner/disc.h"' '<fuse_lowlevel.h>' \
		>"$T/tree/fs/fuse.c"
	echo '# include <fuse3/fuse.h>' >"$T/tree/fs/fuse_ops.c"
	echo '#include <sqlite3.h>' >"$T/tree/fs/stage_db.c"
	printf '#include %s\n' '"fs/tree.h"' '"burner/disc.h"' \
		'"cli/cli.h"' >"$T/tree/cli/main.c"
}

"$check" "$top_srcdir" || fail "the tree breaks the layers"
ok "the tree keeps to the layers"

sound_tree
run_check || fail "a sound tree was refused"
ok "a sound tree passes"

breach common/a.c '"burner/disc.h"'
breach common/a.h '<fs/tree.h>'
breach burner/a.c '"fs/tree.h"'
breach burner/a.c '"cli/cli.h"'
breach fs/a.h '"cli/cli.h"'
breach fs/a.c '"burner/library.h"'
breach fs/a.c '"../burner/disc.h"'
breach fs/a.c '"tree.h"'
breach fs/a.c '"fs/tree.c"'
breach fs/a.c 'MACRO'
breach fs/sub/a.c '"cli/cli.h"'
breach fs/a.c '<libburn/libburn.h>'
breach cli/a.c '<libisofs/libisofs.h>'
breach fs/a.c '<blkid.h>'
breach fs/tree.c '<fuse3/fuse_lowlevel.h>'
breach fs/fuse_third.c '<fuse_lowlevel.h>'
breach cli/fuse.c '<fuse_lowlevel.h>'
breach fs/tree.c '<sqlite3.h>'
breach cli/stage.c '<sqlite3.h>'

rm -rf "$T/tree"
mkdir "$T/tree"
expect_exit 2 run_check
ok "an empty tree is not taken for a good one"
