# SPDX-License-Identifier: MIT
# What tests with other people's programs share: one end waits for a connection in near, the other makes it in far, and both
# have said what they did. In the guest; PORT is the caller's.
# shellcheck shell=bash disable=SC2034,SC2153

WORK=$(mktemp -d)
LOG=$WORK/log		# of what waits for connections
OTHER=$WORK/other	# of what makes them
JSON=$WORK/json

fail() {
	tail -n 30 "$LOG" "$OTHER" "$JSON" 2>/dev/null || true
	echo "$(basename "$0" .sh): $*"
	exit 1
}

# serve COMMAND...: in near, until it listens.
serve() {
	local tries
	rm -f "$LOG" "$OTHER" "$JSON"
	timeout 120 "$@" >"$LOG" 2>&1 &
	SERVER=$!
	for tries in {1..300}; do
		[[ ! $(ss -Hlt "sport = :$PORT") ]] || return 0
		kill -0 "$SERVER" 2>/dev/null || break
		sleep 0.1
	done
	fail "$1 does not listen (after $tries tries)"
}

# connect COMMAND...: from far.
connect() {
	ip netns exec far timeout 120 "$@" >"$OTHER" 2>&1 || fail "$* ended with $?"
}

served() {
	wait "$SERVER" || fail "the server ended with $?"
}

has() {
	grep -q "\"$1\": $2,\?$" "$JSON" || fail "$1 is not $2"
}

figure() {
	sed -n "s/.*\"$1\": \([0-9]*\),\?$/\1/p" "$JSON"
}

# nearly ALL NAME: what comes before a rule takes effect, or cannot be split, is copied and counted.
nearly() {
	local got
	got=$(figure "$2")
	((got <= $1 && got >= $1 * 99 / 100)) || fail "$2 is $got of $1"
}
