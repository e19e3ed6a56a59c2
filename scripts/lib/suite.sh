# SPDX-License-Identifier: MIT
# Runs named checks, a few at a time: prints a line for each, keeps its output, and counts results.
# A guest of the lab waits about as much as it works, so three of them share two processors well.
# shellcheck shell=bash

JOBS=${JOBS:-3}
ONLY=${ONLY:-}	# a regular expression: run the checks whose names match
PASSED=0 FAILED=0 SKIPPED=0 MATCHED=0
declare -A RUNNING=()	# by process: its name and start time

# wanted NAME: what others are built from is always wanted.
wanted() {
	[[ ! $ONLY || $1 == lab-prepare || $1 == build-* ]] && return
	[[ $1 =~ $ONLY ]] && MATCHED=$((MATCHED + 1))
}

# begin NAME COMMAND...: starts a check as soon as there is room. Its line is printed when it ends.
begin() {
	local name=$1
	shift
	wanted "$name" || return 0
	while ((${#RUNNING[@]} >= JOBS)); do
		await_one
	done
	set -m	# a process group of its own: see end_running
	(
		set +m
		status=0
		"$@" || status=$?
		exit "$status"
	) >"$LOGS/test-$name.log" 2>&1 </dev/null &
	set +m
	RUNNING[$!]="$name $SECONDS"
}

# check NAME COMMAND...: runs a check alone, and waits for its end.
check() {
	await_all
	begin "$@"
	await_all
}

await_one() {
	local pid status=0
	wait -n -p pid "${!RUNNING[@]}" || status=$?
	# shellcheck disable=SC2086 # a name and a number
	tell "$status" ${RUNNING[$pid]}
	unset "RUNNING[$pid]"
}

await_all() {
	while ((${#RUNNING[@]})); do
		await_one
	done
}

# tell STATUS NAME BEGAN: prints the result of a check. 77 is a skip, for which the last line of the
# output gives the reason.
tell() {
	local status=$1 name=$2 seconds=$((SECONDS - $3)) log=$LOGS/test-$2.log
	case $status in
	0) PASSED=$((PASSED + 1)) && printf 'ok    %-28s %3d s\n' "$name" "$seconds" ;;
	77)
		SKIPPED=$((SKIPPED + 1))
		printf 'SKIP  %-28s %s\n' "$name" "$(tail -n 1 "$log")"
		;;
	*)
		FAILED=$((FAILED + 1))
		printf 'FAIL  %-28s status %d, full log: %s\n' "$name" "$status" "$log"
		tail -n "${TAIL:-80}" "$log" | sed 's/^/      /'
		;;
	esac
}

# tap NAME COMMAND...: runs a check alone whose output is TAP (https://testanything.org): one or
# more streams, each announced by a line that begins with "==". Its lines are shown, and each of its
# results is counted as it is: a skip is no pass.
tap() {
	local name=$1 log=$LOGS/test-$1.log status=0 failed started
	shift
	wanted "$name" || return 0
	await_all	# so that no other check's failure is counted as this one's
	failed=$FAILED started=$SECONDS
	"$@" >"$log" 2>&1 </dev/null || status=$?
	count_tap <"$log"
	if ((MISSING || (status && FAILED == failed))); then
		printf '      status %d, %d plans or results missing\n' "$status" "$MISSING"
		FAILED=$((FAILED + 1))
	fi
	if ((FAILED == failed)); then
		printf 'ok    %-28s %3d s\n' "$name" $((SECONDS - started))
		return
	fi
	printf 'FAIL  %-28s status %d, full log: %s\n' "$name" "$status" "$log"
	tail -n "${TAIL:-80}" "$log" | sed 's/^/      /'
}

# Counts TAP results. Sets MISSING to the number of plans and results that are missing or unplanned.
count_tap() {
	local line plan promised=0 streams=0
	MISSING=0
	while IFS= read -r line; do
		case $line in
		'== '*) MISSING=$((MISSING + 1)) streams=$((streams + 1)) ;;
		1..*)
			plan=${line#1..}
			promised=$((promised + ${plan%% *}))
			MISSING=$((MISSING - 1))
			;;
		'not ok '*) FAILED=$((FAILED + 1)) promised=$((promised - 1)) ;;
		'ok '*'# '[Ss][Kk][Ii][Pp]* | 'ok '*'# XFAIL'*) SKIPPED=$((SKIPPED + 1)) promised=$((promised - 1)) ;;
		'ok '*) PASSED=$((PASSED + 1)) promised=$((promised - 1)) ;;
		*) continue ;;
		esac
		printf '      %s\n' "$line"
	done
	MISSING=$((${MISSING#-} + ${promised#-} + (streams == 0)))
}

# For the exit trap: background processes do not get an interrupt, and a shell that waits for a
# program would not pass it on. So this ends their process groups.
end_running() {
	local groups=("${!RUNNING[@]}")
	((${#groups[@]} == 0)) || kill -- "${groups[@]/#/-}" 2>/dev/null || true
}

# Prints the last line, which callers read.
tell_result() {
	if ((SKIPPED)); then
		printf '\n%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
	else
		printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
	fi
	if [[ $ONLY ]] && ((!MATCHED)); then
		echo "no check of these parts matches ONLY=$ONLY" >&2
		return 2
	fi
	((FAILED == 0 && PASSED > 0))
}
