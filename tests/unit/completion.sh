#!/bin/bash
# SPDX-License-Identifier: MIT
# completion.sh PROGRAM FOLDER: the completions that were made for devmemctl, by the shells themselves. What they offer is what
# the program's help names.
set -euo pipefail

PROGRAM=$1 MADE=$2
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

fail() {
	echo "completion: $*"
	exit 1
}

# offers WANTED WORD...: what bash would complete the last word to.
offers() {
	local want=$1
	shift
	COMP_WORDS=(devmemctl "$@") COMP_CWORD=$#
	COMPREPLY=()
	_devmemctl
	[[ "${COMPREPLY[*]}" == "$want" ]] || fail "bash, \"$*\": \"${COMPREPLY[*]}\" instead of \"$want\""
}

verbs() {
	"$PROGRAM" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

# options VERB: in the order of its help.
options() {
	"$PROGRAM" "$1" --help | sed -n 's/^  -., \(--[a-z-]*\).*/\1/p'
}

in_bash() {
	local verb
	# shellcheck source=/dev/null
	. "$MADE/bash"
	complete -p devmemctl >/dev/null || fail "bash does not complete devmemctl"
	offers "$(verbs | xargs) --help --version" ''
	offers doctor doc
	offers '--version' --v
	for verb in $(verbs); do
		offers "$(options "$verb" | xargs)" "$verb" -
	done
	offers '--backend --buffer' doctor --b
	offers 'udmabuf dma-heap' doctor --backend ''
	offers dma-heap doctor -b d
	offers udmabuf doctor --backend = ud
	offers 'udmabuf dma-heap' doctor --backend =
	offers '' plan --queues ''
	offers lo doctor lo
	offers lo restore --json lo
	offers '' backends lo
	offers '' doctor "\$(touch $WORK/ran)"
	[[ ! -e $WORK/ran ]] || fail "bash ran what was typed"
	mkdir "$WORK/journals"
	offers "$WORK/journals" show --journal "$WORK/jour"
}

# As it is typed, at a terminal of zsh's own.
in_zsh() {
	command -v zsh >/dev/null || { echo "not tried in zsh: it is not here"; return; }
	cp "$MADE/zsh" "$WORK/_devmemctl"
	zsh -n "$WORK/_devmemctl" || fail "zsh cannot read it"
	zsh -f "$(dirname "${BASH_SOURCE[0]}")/completion.zsh" "$WORK" || fail "zsh"
}

in_bash
in_zsh
