# SPDX-License-Identifier: MIT
# What every script here starts with: messages, the cache folder, the lock, logs of quiet steps.
# shellcheck shell=bash

set -euo pipefail
umask 022
export LC_ALL=C
# A chroot or "su" may leave out what Debian keeps its tools in.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

: "${ME:=lab}"

say() {
	printf '%s: %s\n' "$ME" "$*" >&2
}

# die [-N] MESSAGE: the first argument may be the exit status (2 when not said).
die() {
	local status=2
	if [[ $1 =~ ^-[0-9]+$ ]]; then
		status=${1#-}
		shift
	fi
	say "error: $*"
	exit "$status"
}

# bash takes ~ from the password file when HOME is not set.
home=~
CACHE=${DEVMEM_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/devmem}
[[ $CACHE == /* ]] || CACHE=$PWD/$CACHE
LOGS=$CACHE/logs

make_cache() {
	mkdir -p "$CACHE" "$LOGS" 2>/dev/null ||
		die "cannot write to $CACHE (DEVMEM_CACHE=FOLDER names another)"
	CACHE=$(cd "$CACHE" && pwd -P)
	LOGS=$CACHE/logs
}

# quietly NAME COMMAND...: output goes to a log, which is shown only when the command fails.
quietly() {
	local log=$LOGS/$1.log status=0
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if ((status)); then
		tail -n 60 "$log" >&2
		say "failed ($status): $* (all of it: $log)"
	fi
	return "$status"
}

hash_of() {
	sha256sum | cut -c1-12
}

# One preparation at a time. The lock goes with the process, however it ends.
lock_cache() {
	exec {LOCK_FD}>"$CACHE/lock"
	flock -n "$LOCK_FD" && return
	say "waiting for another preparation to finish"
	flock "$LOCK_FD"
}

unlock_cache() {
	exec {LOCK_FD}>&-
}
