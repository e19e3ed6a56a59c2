#!/bin/bash
# SPDX-License-Identifier: MIT
# tap.sh TREE: what scripts/test makes of other people's test results (scripts/lib/suite.sh).
set -euo pipefail

LOGS=$(mktemp -d)
trap 'rm -rf "$LOGS"' EXIT
# shellcheck source=/dev/null
. "$1/scripts/lib/suite.sh"

# counts PASSED FAILED SKIPPED STATUS STREAM
counts() {
	local want="$1 $2 $3"
	PASSED=0 FAILED=0 SKIPPED=0
	# shellcheck disable=SC2016 # expanded by the inner shell
	tap sample sh -c 'printf "%b" "$1"; exit "$2"' sh "$5" "$4" >"$LOGS/shown"
	[[ "$PASSED $FAILED $SKIPPED" == "$want" ]] && return
	echo "$PASSED $FAILED $SKIPPED instead of $want: $5"
	cat "$LOGS/shown"
	exit 1
}

counts 2 0 0 0 '== a\nTAP version 13\n1..2\n# words\nok 1 x.one\nok 2 x.two\n'
counts 1 0 1 0 '== a\n1..2\nok 1 x.one\nok 2 x.two # SKIP no such NIC\n'
grep -q 'SKIP no such NIC' "$LOGS/shown"
counts 1 0 1 0 '== a\n1..2\nok 1 x.one\nok 2 x.two # XFAIL not here\n'
counts 1 1 0 1 '== a\n1..2\nok 1 x.one\nnot ok 2 x.two\n'
counts 1 1 0 0 '== a\n1..2\nok 1 x.one\nnot ok 2 x.two # SKIP and failed\n'
# two streams; the second does not come, or ends too soon
counts 3 0 0 0 '== a\n1..2\nok 1 x.one\nok 2 x.two\n== b\n1..1\nok 1 x.one\n'
counts 1 1 0 0 '== a\n1..1\nok 1 x.one\n== b\n'
counts 1 1 0 0 '== a\n1..2\nok 1 x.one\n'
counts 2 1 0 0 '== a\n1..1\nok 1 x.one\nok 2 x.two\n'
# it fails, and no case has said so
counts 1 1 0 3 '== a\n1..1\nok 1 x.one\n'
counts 0 1 0 0 ''
