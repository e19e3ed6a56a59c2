#!/bin/bash
# SPDX-License-Identifier: MIT
# The library's own instructions per fragment, from completion to descriptor to released token, counted by callgrind:
# they repeat exactly, whatever else the machine does. Fails if there are more than the limit.
# bench/hotpath.sh BUILD_FOLDER
set -euo pipefail

PROGRAM=${1:?usage: bench/hotpath.sh BUILD_FOLDER}/bench/hotpath
MOST=60			# instructions per fragment, without merging
MAX_GROWTH=110		# per cent, from 1 to 1,024 sockets

OUT=$(mktemp "${TMPDIR:-/tmp}/hotpath.XXXXXX")
trap 'rm -f "$OUT"' EXIT

# count SOCKETS MERGE: prints the instructions per hundred fragments
count() {
	local fragments total
	fragments=$(valgrind --quiet --tool=callgrind --collect-atstart=no --toggle-collect='one_completion*' \
		--callgrind-out-file="$OUT" "$PROGRAM" "$1" "$2" 100)
	fragments=${fragments% *}
	total=$(sed -n 's/^totals: //p' "$OUT")
	((fragments > 0 && total > 0)) || { echo "nothing was counted" >&2; exit 1; }
	echo $((total * 100 / fragments))
}

# If the program cannot make an io_uring, it exits with 77, and so does this script.
one=$(count 1 1)
many=$(count 1024 1)
merged=$(count 1 1024)
printf 'instructions per fragment   1 socket   1,024 sockets\n'
printf '  without merging         %5d.%02d %12d.%02d\n' $((one / 100)) $((one % 100)) $((many / 100)) $((many % 100))
printf '  merging neighbours      %5d.%02d\n' $((merged / 100)) $((merged % 100))
((one <= MOST * 100)) || { echo "more than $MOST"; exit 1; }
((many * 100 <= one * MAX_GROWTH)) || { echo "growth of more than $((MAX_GROWTH - 100)) %"; exit 1; }
