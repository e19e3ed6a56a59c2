# SPDX-License-Identifier: MIT
# What the tests of a tool share, sourced with its program as $1: it runs without any privilege, and says what is wrong.
# shellcheck shell=bash disable=SC2034

PROGRAM=$1
NAME=$(basename "$0" .sh)
PAGE=$(dirname "${BASH_SOURCE[0]}")/../../man/$NAME.1
WORK=$(mktemp -d)
OUT=$WORK/out ERR=$WORK/err
LOGS=()			# more that is shown when it fails
trap 'rm -rf "$WORK"' EXIT

UNPRIVILEGED=()
if ((EUID == 0)); then
	UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all)
fi

fail() {
	echo "$NAME: $*"
	tail -n 40 "$OUT" "$ERR" "${LOGS[@]}" 2>/dev/null | cat -v || true
	exit 1
}

# run STATUS ARGUMENT...: standard input is the caller's.
run() {
	local want=$1 status=0
	shift
	"${UNPRIVILEGED[@]}" "$PROGRAM" "$@" >"$OUT" 2>"$ERR" || status=$?
	((status == want)) || fail "$*: status $status instead of $want"
	! grep -q $'\033' "$OUT" "$ERR" || fail "$*: colours, and this is no terminal"
}

says() {
	grep -qE -- "$2" "$1" || fail "nothing like \"$2\" in $1"
}

# wrong WORDS ARGUMENT...: status 2, and one line that says what to do.
wrong() {
	local words=$1
	shift
	run 2 "$@" </dev/null
	says "$ERR" "$words"
	[[ ! -s $OUT && $(wc -l <"$ERR") == 1 ]] || fail "$*: not one line on standard error"
}

# Each option that its help names is in its page; and there is its version.
has_help_and_page() {
	local word
	run 0 --help
	says "$OUT" "^usage: $NAME "
	says "$OUT" '^Exit status: '
	while read -r word; do
		grep -q "^\.It .*Fl -${word#--}\b" "$PAGE" || fail "$word is not in the manual page"
	done < <(grep -oE -- '--[a-z0-9-]+' "$OUT" | sort -u)
	run 0 --version
	says "$OUT" "^$NAME [0-9]+\.[0-9]+\.[0-9]+\$"
}
