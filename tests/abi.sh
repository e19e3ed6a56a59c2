#!/bin/bash
# SPDX-License-Identifier: MIT
# abi.sh BUILD: the interface is the one that is written down in abi/, the library of this build has it, and programs that were
# compiled with the last release still run. "abi.sh --update" writes it down, in the commit that changes it: look at the diff.
#
# What is compared are libraries made of the headers and src/devmem.map alone, in which no function does anything. They have
# every public type and no other, so that neither the compiler nor what is inside matters; and a release's can be made of its
# tag at any time. Constants are not in a library, and are compared by value.
set -euo pipefail
export LC_ALL=C

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
ABI=$TREE/abi/libdevmem.so.0
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

fail() {
	echo "abi: $*"
	exit 1
}

# ------------------------------------------------------------------------------------ an interface

# all_headers TREE: one that includes them all.
all_headers() {
	(cd "$1/include" && printf '#include "%s"\n' devmem/*.h)
}

# preprocessed TREE FLAG...
preprocessed() {
	local tree=$1
	shift
	all_headers "$tree" | cc -E "$@" -I"$tree/include" -x c -
}

# Each declaration becomes a function.
functions() {
	all_headers "$1"
	preprocessed "$1" -P |
		awk -v RS=';' 'sub(/.*visibility\("default"\)+/, "") { print $0 " { __builtin_trap(); }" }'
}

# constants TREE: each name and its value, enumerators and macros.
constants() {
	{
		preprocessed "$1" -P | grep -oE '\<DEVMEM_[A-Z0-9_]+ =' | cut -d ' ' -f 1
		preprocessed "$1" -dM | sed -n 's/^#define \(DEVMEM_[A-Z0-9_]*\) .*/\1/p' | grep -vE '^DEVMEM_(API|VERSION_.*|.*_H|H)$'
	} | sort >"$WORK/names"
	{
		echo '#include <stdio.h>' && all_headers "$1" && echo 'int main(void) {'
		sed 's/.*/printf("& %lld\\n", (long long)(&));/' "$WORK/names"
		echo 'return 0; }'
	} >"$WORK/constants.c"
	cc -w -I"$1/include" -o "$WORK/constants" "$WORK/constants.c" && "$WORK/constants"
}

# interface TREE NAME [COMPILER]: NAME.so and NAME.constants, in WORK.
interface() {
	functions "$1" >"$WORK/functions.c"
	(cd "$WORK" && "${3:-cc}" -std=gnu11 -g -w -shared -fPIC -I"$1/include" -Wl,-soname,libdevmem.so.0 \
		-Wl,--version-script="$1/src/devmem.map" -o "$2.so" functions.c)
	constants "$1" >"$WORK/$2.constants"
}

dump() {
	abidw --no-corpus-path --no-show-locs --no-comp-dir-path --no-elf-needed --no-parameter-names --drop-undefined-syms \
		--type-id-style hash "$1"
}

# ------------------------------------------------------------------------------------ compared

# Structures that begin with their size, whose size is passed, or that the library makes: they may grow at their end (NEWS.md).
cat >"$WORK/growing" <<-'END'
	[suppress_type]
	name_regexp = ^devmem_([a-z]+_opts|stats|plan|backend|memory|backend_info|feature_info|restored)$
	type_kind = struct
	has_data_member_inserted_at = end
	has_size_change = yes
END

# same OLD NEW: nothing was added either. What differs goes to WORK/log.
same() {
	abidiff "$1" "$2" >"$WORK/log" 2>&1
}

same_constants() {
	diff "$1" "$2" >"$WORK/log"
}

# compatible OLD NEW: what was compiled with OLD runs with NEW.
compatible() {
	abidiff --no-added-syms --suppressions "$WORK/growing" "$1" "$2" >"$WORK/log" 2>&1
}

# None is gone or has another value.
compatible_constants() {
	comm -23 <(sort "$1") <(sort "$2") >"$WORK/log" || return
	[[ ! -s $WORK/log ]]
}

# ------------------------------------------------------------------------------------ a test of the verdict

# damaged SED-SCRIPT [FILE]: an interface of a copy that is changed like that.
damaged() {
	rm -rf "$WORK/copy"
	mkdir -p "$WORK/copy/src"
	cp -r "$TREE/include" "$WORK/copy"
	cp "$TREE/src/devmem.map" "$WORK/copy/src"
	sed -i "$1" "$WORK/copy/${2:-include/devmem/devmem.h}"
	! diff -r "$TREE/include" "$WORK/copy/include" >/dev/null || ! cmp -s "$TREE/src/devmem.map" "$WORK/copy/src/devmem.map" ||
		fail "this changes nothing: $1"
	interface "$WORK/copy" damaged
}

notices() {
	local what=$1
	shift
	damaged "$@"
	! compatible "$WORK/now.so" "$WORK/damaged.so" || ! compatible_constants "$WORK/now.constants" "$WORK/damaged.constants" ||
		fail "not noticed: $what"
}

allows() {
	local what=$1
	shift
	damaged "$@"
	compatible "$WORK/now.so" "$WORK/damaged.so" || fail "not allowed: $what: $(<"$WORK/log")"
	compatible_constants "$WORK/now.constants" "$WORK/damaged.constants" || fail "not allowed: $what: $(<"$WORK/log")"
	! same "$WORK/now.so" "$WORK/damaged.so" || ! same_constants "$WORK/now.constants" "$WORK/damaged.constants" ||
		fail "not seen: $what"
}

can_fail() {
	local last='uint32_t max_sends;.*'
	notices 'a function that is gone' '/^\tdevmem_wake;$/d' src/devmem.map
	notices 'another version node' 's/^DEVMEM_0.2/DEVMEM_0.9/' src/devmem.map
	notices 'a member that is gone' "/$last/d"
	notices 'a member in the middle' "s/uint32_t lowat;/uint32_t more; &/"
	notices 'a member that is gone and one at the end' "s/uint32_t lowat;//; s/$last/& \nuint32_t more;/"
	notices 'a structure that may not grow' 's/^\tuint8_t flags;/\tuint64_t more; &/'
	notices 'another type of a parameter' 's/int timeout_ms)/long timeout_ms)/'
	notices 'another result' 's/^DEVMEM_API void devmem_wake/DEVMEM_API int devmem_wake/'
	notices 'an operation that is gone' '/(\*unmap)/d' include/devmem/backend.h
	notices 'another number' 's/DEVMEM_EVENT_LOW = 7/DEVMEM_EVENT_LOW = 77/'
	notices 'a macro that is gone' '/define DEVMEM_NIC_KEEP/d'
	allows 'a member at the end' "s/$last/& \nuint32_t more, still_more;/"
	allows 'another macro' 's/^#define DEVMEM_NIC_KEEP/#define DEVMEM_NIC_MORE 2u\n&/'
	damaged 's/^DEVMEM_API void devmem_wake.*/&\nDEVMEM_API int devmem_more(int);/'
	sed -i 's/^\tdevmem_wake;/&\n\tdevmem_more;/' "$WORK/copy/src/devmem.map"
	interface "$WORK/copy" damaged
	compatible "$WORK/now.so" "$WORK/damaged.so" || fail "not allowed: another function: $(<"$WORK/log")"
	! same "$WORK/now.so" "$WORK/damaged.so" || fail "not seen: another function"
}

# ------------------------------------------------------------------------------------ checked

stale() {
	fail "$1; if it is meant, \"tests/abi.sh --update\", and look at the diff of abi/:
$(<"$WORK/log")"
}

is_written_down() {
	same "$ABI.abi" "$WORK/now.so" || stale "the headers or src/devmem.map say something else than abi/"
	same_constants "$ABI.constants" "$WORK/now.constants" || stale "constants are others than in abi/"
	interface "$TREE" clang clang
	same "$ABI.abi" "$WORK/clang.so" || fail "it depends on the compiler: $(<"$WORK/log")"
	same "$ABI.abi" "$1" || fail "the library is not what its headers say: $(<"$WORK/log")"
}

in_git() {
	git -C "$TREE" -c safe.directory="$TREE" "$@" 2>/dev/null
}

# The last release that this version promises to be compatible with: of the same MAJOR, and while that is 0 of the same MINOR.
last_release() {
	local version
	version=$(sed -n 's/^#define DEVMEM_VERSION_\(MAJOR\|MINOR\) //p' "$TREE/include/devmem/devmem.h" | xargs | tr ' ' .)
	[[ $version == 0.* ]] || version=${version%%.*}
	in_git tag --merged HEAD --sort=-v:refname --list "v$version.*" | head -n 1
}

is_compatible() {
	local release
	release=$(last_release || true)
	if [[ ! $release ]]; then
		echo "there is no release yet to be compatible with"
		return
	fi
	mkdir "$WORK/release"
	in_git archive "$release" include src/devmem.map | tar -x -C "$WORK/release"
	interface "$WORK/release" released
	compatible "$WORK/released.so" "$WORK/now.so" || fail "programs of $release do not run any more: $(<"$WORK/log")"
	compatible_constants "$WORK/released.constants" "$WORK/now.constants" ||
		fail "constants of $release are gone, or are others: $(<"$WORK/log")"
	echo "compatible with $release"
}

command -v abidiff >/dev/null || { echo "abidiff is missing (abigail-tools)" && exit 77; }
interface "$TREE" now
if [[ ${1:?usage: abi.sh BUILD, or --update} == --update ]]; then
	dump "$WORK/now.so" >"$ABI.abi"
	cp "$WORK/now.constants" "$ABI.constants"
	exit
fi
is_written_down "$1/libdevmem.so"
is_compatible
can_fail
echo "$(grep -c '<elf-symbol ' "$ABI.abi") functions and $(wc -l <"$ABI.constants") constants are as they are written down"
