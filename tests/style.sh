#!/bin/bash
# SPDX-License-Identifier: MIT
# style.sh <LIST: C and C++ files are laid out as .clang-format says, no line has more than 100 columns, and codespell knows each
# word. LIST has the tree's files, one a line. What is planted must be found, or nothing that was not found counts. Other versions
# of the two programs lay code out otherwise and know other words: then the last line says so, and the exit status is 77.
set -euo pipefail

CLANG_FORMAT=14 CODESPELL=2.2	# Debian 12's
COLUMNS_MAX=100
# mdoc's own (Nd, Fo), libtool's folder, a letter pair in a test; "inflight" is the kernel's name for it
WORDS=nd,fo,hsa,te,inflight
FAILED=0 SKIPPED=''
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

mapfile -t FILES
mapfile -t CODE < <(printf '%s\n' "${FILES[@]}" | grep -E '\.(c|h|cpp)$')
mapfile -t TEXT < <(printf '%s\n' "${FILES[@]}" | grep -vE '\.(svg|json|bin)$|^LICENSES/')
((${#CODE[@]})) || { echo "style.sh: standard input lists no file of C or C++: git ls-files | $0" >&2 && exit 2; }

# too_long FILE...: tells lines over the limit. A tab goes to the next column that eight divides.
too_long() {
	local file
	for file; do
		LC_ALL=C.UTF-8 expand "$file" | LC_ALL=C.UTF-8 awk -v file="$file" -v max=$COLUMNS_MAX \
			'length($0) > max { print file ":" NR ": " length($0) " columns" }'
	done
}

fail() {
	echo "$1"
	FAILED=1
}

# planted NAME TEXT SAID COMMAND...: the command is given a file with TEXT, and must say SAID about it.
planted() {
	local file=$TMP/$1 said=$3
	printf '%s\n' "$2" >"$file"
	shift 3
	[[ $("$@" "$file" 2>&1) == *"$said"* ]] || fail "what was planted was not found: $*"
}

check_columns() {
	local long
	planted long.c "/* $(printf '%098d' 0) */" "104 columns" too_long
	long=$(too_long "${CODE[@]}")
	[[ ! $long ]] || fail "$long"
	echo "${#CODE[@]} files of C and C++: $(grep -c . <<<"$long" || true) lines over $COLUMNS_MAX columns"
}

check_layout() {
	local style=--style=file:.clang-format
	if [[ $(clang-format --version) != *" version $CLANG_FORMAT."* ]]; then
		SKIPPED+="clang-format is not $CLANG_FORMAT. "
		return
	fi
	planted layout.c 'int  f( void );' clang-format-violations clang-format --dry-run "$style"
	clang-format --dry-run -Werror "${CODE[@]}" || fail "not laid out as .clang-format says: clang-format -i FILE"
	echo "clang-format: clean"
}

check_words() {
	if [[ $(codespell --version) != "$CODESPELL"* ]]; then
		SKIPPED+="codespell is not $CODESPELL. "
		return
	fi
	planted words.txt "rec""ieve" "==> receive" codespell -L "$WORDS"
	codespell -L "$WORDS" --ignore-regex='\\[nt]' "${TEXT[@]}" || fail "words that codespell does not know; those that are right belong into WORDS in $0"
	echo "codespell: clean"
}

check_columns
check_layout
check_words
((!FAILED)) || exit 1
[[ ! $SKIPPED ]] || { echo "${SKIPPED}Debian 12's are what the tree is checked with" && exit 77; }
