#!/bin/bash
# SPDX-License-Identifier: MIT
# grow.sh TARGET SECONDS: runs a fuzz target that was built with -DDEVMEM_FUZZ=ON, from its good input on. Fails if it finds an
# input that breaks the parser (which it names and keeps), and if it reaches no code that the good input had not reached: then
# libFuzzer is blind, and finding nothing means nothing.
set -eu

target=$1 seconds=$2
work=$(mktemp -d)
log=$work/log
mkdir "$work/corpus"
"$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -artifact_prefix="$work/" -print_final_stats=1 \
	"$work/corpus" >"$log" 2>&1 || {
	tail -n 60 "$log"
	echo "$(basename "$target"): the input that did it is in $work"
	exit 1
}

# coverage WORD: what the first line with that word says of it
coverage() {
	sed -n "s/.*$1.*cov: \([0-9]*\).*/\1/p" "$log" | head -n 1
}

first=$(coverage INITED) last=$(coverage DONE)
grep -E 'number_of_executed_units|peak_rss' "$log"
rm -rf "$work"
echo "$(basename "$target"): $first blocks and edges reached by the good input, $last after $seconds s"
[[ $first && $last ]] && ((last > first))
