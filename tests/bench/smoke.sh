#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The benchmark runs, says what it skips, and reports in both forms.  No time
# is looked at.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
[ "$(id -u)" -eq 0 ] || skip "the benchmark needs root"

# bench PEERS ROW
bench() {
	FLOOR=$top_builddir/tests/bench/floor \
		WORK=$top_builddir/tests/bench/work \
		BENCH_DIR=$T BENCH_OUT=$T BENCH_SCALE=1000 BENCH_ROUNDS=2 \
		BENCH_PEERS=$1 "$top_srcdir/tests/bench/run" "$2" >/dev/null
}

bench "floor ext4" write-4k
for peer in floor ext4; do
	grep -Eq "\| $peer \| [0-9.]+ s \| [0-9.]+ \([0-9.]+, [0-9.]+\) \|" \
		bench.md || fail "no ratio to $peer: $(cat bench.md)"
done
ok "a row of the benchmark, as Markdown"

[ "$(tr -d ' \n' <bench.json | grep -Eo \
	'"values":\[[0-9.]+,[0-9.]+\],"ratio":[0-9.]+' | wc -l)" -eq 2 ] ||
	fail "not two peers of two rounds: $(cat bench.json)"
ok "the same as JSON"

mount --bind /dev/null "$top_builddir/tests/bench/floor"
bench floor write-4k
grep -Fq '| floor | skipped: floor is not installed |' bench.md ||
	fail "a peer that cannot run is not told: $(cat bench.md)"
ok "a peer that is not there is skipped, and told"
