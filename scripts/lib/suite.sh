# SPDX-License-Identifier: MIT
# Runs named checks, one line each, keeps their output, and counts.
# shellcheck shell=bash

PASSED=0 FAILED=0 SKIPPED=0

# check NAME COMMAND...: exit status 77 is a skip; the last line of the output says why.
check() {
	local name=$1 log=$LOGS/test-$1.log status=0 started=$SECONDS
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0) PASSED=$((PASSED + 1)) && printf 'ok    %-28s %3d s\n' "$name" $((SECONDS - started)) ;;
	77)
		SKIPPED=$((SKIPPED + 1))
		printf 'SKIP  %-28s %s\n' "$name" "$(tail -n 1 "$log")"
		;;
	*)
		FAILED=$((FAILED + 1))
		printf 'FAIL  %-28s status %d, all of it: %s\n' "$name" "$status" "$log"
		tail -n "${TAIL:-80}" "$log" | sed 's/^/      /'
		;;
	esac
}

# The line that is counted by whoever runs this.
tell_result() {
	if ((SKIPPED)); then
		printf '\n%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
	else
		printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
	fi
	((FAILED == 0 && PASSED > 0))
}
