#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fuzzer's corpus, each input once: what it began with, and what it found.
. "$top_srcdir/tests/mount/lib.sh"

REPLAY=${DISCFS%/*}/tests/fuzz/replay
[ -x "$REPLAY" ] || fail "$REPLAY was not built"

set -- "$top_srcdir"/tests/fuzz/corpus/*
[ -e "$1" ] || fail "no corpus"
TMPDIR=$T "$REPLAY" "$@" >said 2>&1 || fail "$(tail -n 5 said)"
ok "$# inputs"
