# SPDX-License-Identifier: MIT
# What every script here uses: messages, the cache folder and its lock, logs of quiet steps.
# shellcheck shell=bash

set -euo pipefail
umask 022
export LC_ALL=C
# A chroot or "su" may leave out the folders of Debian's system tools.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

: "${ME:=lab}"

say() {
	printf '%s: %s\n' "$ME" "$*" >&2
}

# die [-N] MESSAGE: exits with status N, by default 2.
die() {
	local status=2
	if [[ $1 =~ ^-[0-9]+$ ]]; then
		status=${1#-}
		shift
	fi
	say "error: $*"
	exit "$status"
}

# If HOME is not set, bash takes ~ from the password file.
home=~
CACHE=${DEVMEM_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/devmem}
[[ $CACHE == /* ]] || CACHE=$PWD/$CACHE
LOGS=$CACHE/logs

make_cache() {
	mkdir -p "$CACHE" "$LOGS" 2>/dev/null ||
		die "cannot write to $CACHE (set DEVMEM_CACHE to use another folder)"
	CACHE=$(cd "$CACHE" && pwd -P)
	LOGS=$CACHE/logs
}

# quietly NAME COMMAND...: writes the output to a log, and shows its end only if the command fails.
quietly() {
	local log=$LOGS/$1.log status=0
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if ((status)); then
		tail -n 60 "$log" >&2
		say "failed ($status): $* (full log: $log)"
	fi
	return "$status"
}

hash_of() {
	sha256sum | cut -c1-12
}

# Allows one preparation at a time. The lock ends with the process, however that ends.
lock_cache() {
	exec {LOCK_FD}>"$CACHE/lock"
	flock -n "$LOCK_FD" && return
	say "waiting for another preparation to finish"
	flock "$LOCK_FD"
}

unlock_cache() {
	exec {LOCK_FD}>&-
}
