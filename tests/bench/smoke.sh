#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The benchmark runs, says what it skips, and reports in three forms.  No time
# is looked at.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires xorriso genisoimage bsdtar gnuplot python3
[ "$(id -u)" -eq 0 ] || skip "the benchmark needs root"

# nosums.so comes before a sanitizer.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0

# bench ROUNDS PEERS [ROW...]
bench() {
	FLOOR=$top_builddir/tests/bench/floor \
		WORK=$top_builddir/tests/bench/work \
		NOSUMS=$top_builddir/tests/bench/nosums.so \
		BENCH_DIR=$T BENCH_OUT=$T BENCH_SCALE=1000 BENCH_ROUNDS=$1 \
		BENCH_PEERS=$2 "$top_srcdir/tests/bench/run" "${@:3}" \
		>/dev/null
}

peers="floor xorriso genisoimage bsdtar dd md5sum unstaged of-1000"
bench 1 "$peers"
"$top_srcdir/tests/bench/run" -l >rows
while read -r row _; do
	grep -Eq "^\| $row: .* \| [0-9.]+ (s|us|KiB) \|" bench.md ||
		fail "no figure of $row: $(cat bench.md)"
done <rows
! grep -F skipped bench.md || fail "skipped"
ok "every row runs"

python3 - <<'EOF' || fail "$(cat bench.svg)"
import json
import xml.etree.ElementTree as xml

drawn = {e.text for e in xml.parse("bench.svg").iter() if e.text}
for row in json.load(open("bench.json"))["rows"]:
    for peer in row["peers"]:
        label = row["name"] + " / " + peer["name"]
        assert label in drawn or peer["name"] == "most", label
EOF
ok "the plot names every row and peer"

bench 2 "floor ext4" write-4k
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
bench 2 floor write-4k
grep -Fq '| floor | skipped: floor is not installed |' bench.md ||
	fail "a peer that cannot run is not told: $(cat bench.md)"
ok "a peer that is not there is skipped, and told"
