#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# coverage.sh - the fuzzer that is guided by coverage (import_fuzzer.c), for
# FUZZ_SECONDS, by libFuzzer where clang has it, else by AFL++.  "make
# check-fuzz" runs it in the folder of the build, with what it needs:
#
#   FUZZ_SOURCES  of the fuzzer and of the layers below it
#   FUZZ_FLAGS    of the compiler
#   FUZZ_LIBS     of the linker
#   FUZZ_CORPUS   where to begin; new inputs go into fuzz/queue
#
# A failure leaves its input in fuzz/, and its name is the last line; it belongs
# into the corpus together with its mend.  77: no such fuzzer is installed.
set -eu

work=$PWD/fuzz
tmp=${TMPDIR:-/tmp}/discfs-fuzz.$$
mkdir -p "$work/queue" "$tmp"
trap 'rm -rf "$tmp"' EXIT

echo 'int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n);
int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n)
{
	return n && p ? 0 : 0;
}' >"$tmp/empty.c"

# can COMPILER SANITIZERS - whether it makes fuzzers.
can() {
	command -v "$1" >/dev/null &&
		"$1" "-fsanitize=$2" -o "$tmp/empty" "$tmp/empty.c" 2>/dev/null
}

# build COMPILER SANITIZERS - one command: it is a build of its own, with all
# of it watched, malloc too.
build() {
	sed 's/^#define HAVE_TCMALLOC.*//' config.h >"$work/config.h"
	echo "$1: $work/import_fuzzer"
	# Lists, or nothing.
	# shellcheck disable=SC2086
	"$1" -g -O1 -fno-omit-frame-pointer "-fsanitize=$2" -I"$work" $FUZZ_FLAGS \
		-o "$work/import_fuzzer" $FUZZ_SOURCES $FUZZ_LIBS
}

# libisofs forgets a little memory where an import fails.
export ASAN_OPTIONS=detect_leaks=0 TMPDIR="$tmp"

if can "${FUZZ_CC:-clang}" fuzzer,address,undefined; then
	build "${FUZZ_CC:-clang}" fuzzer,address,undefined
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		"$work/import_fuzzer" -dict="$FUZZ_CORPUS/../iso9660.dict" \
		-max_len=65536 -timeout=20 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$work/" \
		-max_total_time="$FUZZ_SECONDS" "$work/queue" "$FUZZ_CORPUS"
elif can afl-clang-fast fuzzer; then
	build afl-clang-fast fuzzer
	AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
		afl-fuzz -V "$FUZZ_SECONDS" -t 20000 -m none \
		-x "$FUZZ_CORPUS/../iso9660.dict" -i "$FUZZ_CORPUS" \
		-o "$work/afl" -- "$work/import_fuzzer"
	if ls "$work"/afl/default/{crashes,hangs}/id* 2>/dev/null; then
		exit 1
	fi
else
	echo "neither clang with libFuzzer (libclang-rt-dev) nor AFL++ is there"
	exit 77
fi
