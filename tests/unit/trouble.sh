#!/bin/bash
# SPDX-License-Identifier: MIT
# trouble.sh TREE: what the lab takes for a complaint of the kernel. A warning that a test announced is none, once.
set -euo pipefail

RUN=$(mktemp -d)
trap 'rm -rf "$RUN"' EXIT
# shellcheck source=/dev/null
. "$1/scripts/lib/qemu.sh"

fail() {
	echo "trouble: $*"
	exit 1
}

trace() {
	[[ ${1:-} != cut ]] || echo '[ 1.1] ------------[ cut here ]------------'
	printf '%s\n' '[ 1.1] WARNING: net/core/skbuff.c:1 at skb_checksum+0x2/0x3, CPU#1' '[ 1.1] Call Trace:' '[ 1.1]  there+0x1/0x2' \
		'[ 1.1] ---[ end trace 0000000000000000 ]---'
}

expected() {
	echo '[ 1.0] lab: expected warning: skb_checksum'
}

# noticed WHAT: is standard input a complaint? quiet WHAT: it is none.
noticed() {
	cat >"$RUN/log"
	has_trouble "$RUN/log" || fail "not noticed: $1"
}

quiet() {
	cat >"$RUN/log"
	! has_trouble "$RUN/log" || fail "taken for a complaint: $1"
}

echo '[ 1.0] all is well' | quiet 'an ordinary line'
trace cut | noticed 'a warning'
{ trace && seq 200000; } | noticed 'a warning at the beginning of a long log'
{ expected && trace cut; } | quiet 'one that was expected'
{ expected && trace; } | quiet 'one that was expected, as the console shows it'
{ expected && trace cut && trace cut; } | noticed 'another one'
{ trace && expected; } | noticed 'one before it was expected'
{ echo '[ 1.0] WARNING: first' && expected && trace; } | noticed 'one before an expected one'
{ expected && trace | sed 's/skb_checksum/other/'; } | noticed 'one of another function'
{ expected && trace && echo '[ 1.2] BUG: unable to handle'; } | noticed 'a BUG behind an expected one'
echo "trouble: 10 logs"
