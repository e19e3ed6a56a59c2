#!/bin/bash
# SPDX-License-Identifier: MIT
# printed.sh [PAGE]: what docs/lab.md (or PAGE) says that a command prints is what it prints. "<!-- run: NAME -->" stands above a
# block of commands, which run as printed, from the top of the tree; "<!-- prints: NAME -->" above lines, each of which must be a
# line of the output. At least one such pair must be there.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PAGE=${1:-docs/lab.md}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# block MARK: the one that follows it.
block() {
	awk -v mark="<!-- $1 -->" '$0 == mark { marked = 1; next } marked && /^```/ { if (inside) exit; inside = 1; next } inside' "$PAGE"
}

mapfile -t names < <(sed -n 's/^<!-- run: \(.*\) -->$/\1/p' "$PAGE")
((${#names[@]})) || { echo "$PAGE: no commands are marked" && exit 1; }
for name in "${names[@]}"; do
	block "run: $name" >"$WORK/commands"
	block "prints: $name" >"$WORK/wanted"
	[[ -s $WORK/commands && -s $WORK/wanted ]] || { echo "$PAGE: $name: no commands, or nothing that they print" && exit 1; }
	bash -e "$WORK/commands" >"$WORK/output" 2>&1 || { cat "$WORK/output" && exit 1; }
	while IFS= read -r line; do
		grep -qxF -- "$line" <(tr -d '\r' <"$WORK/output") ||
			{ cat "$WORK/output" && echo "$PAGE: $name: it does not print: $line" && exit 1; }
	done <"$WORK/wanted"
	echo "ok $name"
done
