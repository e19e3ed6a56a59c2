#!/bin/bash
# SPDX-License-Identifier: MIT
# readme.sh BUILD [FILE]: runs the commands under "<!-- run: loopback -->" in README.md (or FILE), as printed, in a folder whose
# build/release is BUILD, and looks for what the page says of their end. In a network namespace of its own, if that can be had:
# the port that the page names is free there. Then a page that is damaged must fail.
set -euo pipefail

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$(cd "$1" && pwd -P)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
mkdir "$WORK/build"
ln -s "$BUILD" "$WORK/build/release"
APART=(unshare --user --map-root-user --net)
"${APART[@]}" true 2>/dev/null || APART=()

# commands FILE: the block that follows the mark.
commands() {
	awk '/^<!-- run: loopback -->$/ { marked = 1; next }
		marked && /^```/ { if (inside) exit; inside = 1; next }
		inside' "$1"
}

# runs FILE: are its commands there, and do they do what the page says?
runs() {
	local page=$1
	commands "$page" >"$WORK/commands"
	[[ -s $WORK/commands ]] || { echo "$page: no commands are marked" && return 1; }
	# shellcheck disable=SC2016 # expanded by the inner shell
	(cd "$WORK" && timeout 60 "${APART[@]}" bash -ec \
		'((!$1)) || ip link set lo up || exit 1
		. ./commands' bash "${#APART[@]}") >"$WORK/output" 2>&1 || { cat "$WORK/output" && return 1; }
	grep 'every byte is right' "$WORK/output"
}

grep -q '.every byte is right.' "$TREE/README.md" || { echo "README.md does not say what its commands print" && exit 1; }
runs "${2:-$TREE/README.md}" || exit 1
sed 's|^PATH=.*|PATH=/usr/bin:/bin|' "$TREE/README.md" >"$WORK/damaged.md"
if runs "$WORK/damaged.md" >"$WORK/said"; then echo "a program that is not found was not noticed" && exit 1; fi
grep -q 'gpu_recv_server: command not found' "$WORK/said" || { cat "$WORK/said" && exit 1; }
