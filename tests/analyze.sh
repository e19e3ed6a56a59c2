#!/bin/bash
# SPDX-License-Identifier: MIT
# analyze.sh BUILD: clang-tidy (.clang-tidy: analyzer, bugprone, concurrency) on src/, by BUILD/compile_commands.json, and cppcheck on
# src/, tools/ and examples/. A fault that is planted must be found by each, or nothing that was not found counts. Other versions
# find other things: then they are shown, the last line says so, and the exit status is 77.
set -euo pipefail

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$1
CLANG_TIDY=14 CPPCHECK=2.10	# Debian 12's
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
cd "$TREE"

# The analyzer looks at each function with less patience than by itself, which takes a sixth of the time.
TIDY=(clang-tidy --quiet --config-file=.clang-tidy)
for argument in -Xclang -analyzer-config -Xclang mode=shallow; do
	TIDY+=("--extra-arg=$argument")
done

# Left out, for what they say is not so here:
#   readdirCalled       readdir() of a DIR that no other thread has is safe
#   invalidFunctionArg  it takes the descriptor of an anonymous mmap(), -1, for a wrong one
#   memleak             it takes what mmap() returned for lost, where a macro compares it
# What is left out in one place stands there, with the reason: cppcheck-suppress, NOLINT.
# shellcheck disable=SC2054 # the commas are cppcheck's
CPP=(cppcheck --quiet --enable=warning,portability,performance --library=posix --inline-suppr --error-exitcode=1
	--template='{file}:{line}: {message} [{id}]' --suppress=readdirCalled --suppress=invalidFunctionArg --suppress=memleak
	--include=tests/cppcheck.h -I include -I src -I tools -I examples)

tidy() {
	local status=0
	printf '%s\n' src/*.c src/*/*.c | xargs -P "$(nproc)" -n 4 "${TIDY[@]}" -p "$BUILD" >"$TMP/tidy" 2>"$TMP/errors" || status=1
	grep -E 'warning:|error:' "$TMP/tidy" | sort -u || ((!status)) || tail -n 20 "$TMP/errors"
	return "$status"
}

cpp() {
	"${CPP[@]}" -j "$(nproc)" src tools examples 2>&1
}

cat >"$TMP/planted.c" <<'END'
int planted(int n)
{
	int *p = 0, unset;

	if (n)
		return unset;
	return *p;
}
END
# planted ID COMMAND...: the command finds something by this name, and fails.
planted() {
	local id=$1 status=0
	shift
	"$@" >"$TMP/found" 2>&1 || status=$?
	((status)) && grep -qF "$id" "$TMP/found" && return
	echo "what was planted was not found: $*"
	exit 1
}

planted clang-analyzer-core "${TIDY[@]}" "$TMP/planted.c" -- -std=gnu11
planted '[uninitvar]' "${CPP[@]}" "$TMP/planted.c"

FAILED=0
tidy || FAILED=1
cpp || FAILED=1
if [[ $(clang-tidy --version) != *" version $CLANG_TIDY."* || $(cppcheck --version) != *" $CPPCHECK"* ]]; then
	echo "clang-tidy is not $CLANG_TIDY, or cppcheck is not $CPPCHECK: Debian 12's are what the tree is checked with"
	exit 77
fi
((FAILED)) || echo "clang-tidy and cppcheck: clean"
exit "$FAILED"
