#!/bin/bash
# SPDX-License-Identifier: MIT
# install.sh BUILD: what cmake --install makes of this build is complete and can be moved, and a user's programs build with it,
# outside of the tree: by pkg-config and CMake, shared and static, in C and C++; each receives on loopback, and its bytes are
# right. Needs no privilege.
# shellcheck disable=SC2034 # what tests/install/lib.sh uses
set -euo pipefail
export LC_ALL=C

ME=install
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$(cd "$1" && pwd -P)
WORK=$(mktemp -d)
PREFIX=/opt/first
MOVED=$WORK/moved
LIB=$MOVED/lib DOC=$MOVED/share/doc/devmem
CXX_COMPILERS=(c++ clang++)

# shellcheck source=/dev/null
. "$TREE/tests/install/lib.sh"
trap 'end_receiver; rm -rf "$WORK"' EXIT

# Elsewhere than it was installed to, and that is elsewhere than it was configured for.
stage() {
	DESTDIR=$WORK/stage cmake --install "$BUILD" --prefix "$PREFIX" >"$WORK/log" || fail "cmake --install: $(<"$WORK/log")"
	[[ $(find "$WORK/stage" -type f -not -path "$WORK/stage$PREFIX/*") == '' ]] || fail "files outside of the prefix"
	mv "$WORK/stage$PREFIX" "$MOVED"
	rm -rf "$WORK/stage"
	export PKG_CONFIG_PATH=$LIB/pkgconfig CMAKE_PREFIX_PATH=$MOVED LD_LIBRARY_PATH=$LIB PATH=$MOVED/bin:$PATH
}

# ------------------------------------------------------------------------------------ what is there

files_are_there() {
	local file
	for file in include/devmem/{devmem,opts,admin,backend,cuda,drm}.h lib/libdevmem.{a,so,so.0} lib/pkgconfig/devmem.pc \
		lib/cmake/devmem/devmemConfig{,Version}.cmake share/doc/devmem/{README.md,NEWS.md,SECURITY.md,MIT.txt} \
		share/doc/devmem/examples/{CMakeLists.txt,Makefile,devmem-receive.service,minimal/receive.c,minimal/receive.cpp} \
		share/doc/devmem/examples/cuda/{receive.c,checksum.cu,checksum.ptx} \
		share/bash-completion/completions/devmemctl share/zsh/site-functions/_devmemctl \
		share/doc/devmem/docs/{hardware.md,troubleshooting.md,data-path.svg}; do
		[[ -s $MOVED/$file ]] || fail "$file is not installed"
	done
	[[ -L $LIB/libdevmem.so && $(readlink "$LIB/libdevmem.so") == libdevmem.so.0 ]] || fail "libdevmem.so does not lead to .so.0"
	grep "^## $(pkg-config --modversion devmem)\>" "$DOC/NEWS.md" >/dev/null || fail "NEWS.md has nothing of this version"
}

# Programs have debug information, which may name the source: what is looked at is text.
names() {
	grep -rIlF -e "$1" "$2"
}

# Of the processor's protection only the landing pads are looked for: the linker drops the mark of a file for which one object,
# such as the C library's start code, was compiled without. On other processors than x86-64 it is left out.
is_hardened() {
	local file=$1 symbols
	symbols=$(nm -D "$file")
	readelf -lW "$file" | grep GNU_RELRO >/dev/null || fail "$file: no RELRO"
	readelf -d "$file" | grep -E 'FLAGS.*NOW' >/dev/null || fail "$file: no BIND_NOW, so RELRO is not full"
	grep 'U __stack_chk_fail' <<<"$symbols" >/dev/null || fail "$file: no stack protector"
	grep 'U __[a-z]*_chk@' <<<"$symbols" >/dev/null || fail "$file: no FORTIFY"
	[[ $(uname -m) != x86_64 || $(objdump -d "$file" | grep -c endbr64) -gt 0 ]] || fail "$file: no CET"
}

all_is_hardened() {
	local file
	for file in "$MOVED"/bin/* "$LIB"/libdevmem.so; do
		is_hardened "$file"
	done
	readelf -h "$MOVED"/bin/devmemctl | grep -E 'Type:.*(DYN|PIE)' >/dev/null || fail "devmemctl has a fixed address"
}

nothing_names_the_build() {
	local folder file
	names "$TREE" "$BUILD/CMakeCache.txt" >/dev/null || fail "names of folders are not found where they are"
	for folder in "$TREE" "$BUILD" "$WORK" "$PREFIX"; do
		! names "$folder" "$MOVED" || fail "these name $folder"
	done
	for file in "$MOVED"/bin/* "$LIB"/libdevmem.so; do
		! readelf -d "$file" | grep -E 'R(UN)?PATH' || fail "$file has a path for its libraries"
	done
}

map() {
	sed -n 's/^\t\(devmem_[a-z_]*\);/\1/p' "$TREE/src/devmem.map" | sort
}

# DEVMEM_0.2 is an absolute symbol, the version's own. A static library can hide nothing, but keeps to its name.
symbols_are_ours() {
	readelf -d "$LIB/libdevmem.so" | grep 'SONAME.*\[libdevmem\.so\.0\]' >/dev/null || fail "the SONAME is not libdevmem.so.0"
	diff <(map) <(nm -D --defined-only "$LIB/libdevmem.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort) ||
		fail "other symbols are exported than src/devmem.map says"
	! nm -g --defined-only "$LIB/libdevmem.a" | awk 'NF == 3 { print $3 }' | grep -v '^devmem_' || fail "foreign names in libdevmem.a"
}

# Each function is found in the manual by its name, and what is found is a page.
manual_is_there() {
	local name
	for name in devmem DEVMEM_OPTS devmem_event $(map); do
		[[ $(man -w "$name") == "$MOVED"/share/man/man[37]/* ]] || fail "man does not find $name"
		man "$name" 2>&1 | grep "^NAME" >/dev/null || fail "man $name has nothing to show: $(man "$name" 2>&1 | head -n 3)"
	done
	man 3 devmem_wake | tr -s '\n ' ' ' | grep 'devmem_wait, .*devmem_wake, .* one turn' >/dev/null || fail "man shows another page for devmem_wake"
}

# What they name in the place of a link is there, too.
links_lead_somewhere() {
	local page
	find "$DOC" -name '*.md' -print0 | xargs -0 python3 -B "$TREE/tests/links.py" || fail "links of installed pages lead nowhere"
	grep -F 'devmemctl-doctor(1)' "$DOC/docs/hardware.md" >/dev/null || fail "the pages name no manual page"
	# shellcheck disable=SC2013,SC2016 # names without blanks; no commands
	for page in $(grep -rhoE '`[A-Za-z_-]+\([137]\)`' "$DOC" --include='*.md' | grep -E 'devmem|DEVMEM' | tr -d '`' | sort -u); do
		[[ $(man -w "${page//[^0-9]/}" "${page%(*}") == "$MOVED"/share/man/* ]] || fail "there is no $page, which pages name"
	done
}

# Each program runs and has a page, and so has each verb.
tools_run() {
	local program name
	for program in "$MOVED"/bin/*; do
		name=$(basename "$program")
		"$program" --help | grep -i usage >/dev/null || fail "$name --help"
		[[ $("$program" --version) == "$name $(pkg-config --modversion devmem)" ]] || fail "$name is of another version"
		[[ $(man -w "$name") == "$MOVED/share/man/man1/$name.1" ]] || fail "man does not find $name"
	done
	for name in doctor show plan backends features restore; do
		[[ $(man -w "devmemctl-$name") == "$MOVED"/* ]] || fail "man does not find devmemctl-$name"
	done
	[[ $(cd "$MOVED/bin" && echo *) == 'devmem-nc devmem-perf devmemctl' ]] || fail "other programs than those are installed"
}

# finds WHAT LANGUAGE: does find_package() take these arguments?
finds() {
	mkdir -p find
	printf 'cmake_minimum_required(VERSION 3.16)\nproject(find LANGUAGES %s)\nfind_package(devmem %s)\n' "$2" "$1" >find/CMakeLists.txt
	cmake -S find -B find >"$WORK/log" 2>&1
}

# The shared library takes nothing but itself; the static one says what it lacks; another minor version is refused.
cmake_says_no() {
	PKG_CONFIG_LIBDIR=/nowhere finds '0.2 REQUIRED' NONE || fail "not found without pkg-config: $(<"$WORK/log")"
	! PKG_CONFIG_LIBDIR=/nowhere finds 'REQUIRED COMPONENTS static' C || fail "static was found without liburing"
	tr -s '\n ' ' ' <"$WORK/log" | grep 'static needs liburing and libnl-genl-3.0' >/dev/null || fail "no reason: $(<"$WORK/log")"
	! finds '0.3 REQUIRED' NONE || fail "it takes itself for 0.3"
	! finds '0.1 REQUIRED' NONE || fail "it takes itself for 0.1"
	! finds 'REQUIRED COMPONENTS other' NONE || fail "it has a component of any name"
}

stage
mkdir "$WORK/user"
cd "$WORK/user"
files_are_there
nothing_names_the_build
all_is_hardened
symbols_are_ours
manual_is_there
links_lead_somewhere
tools_run
by_pkg_config
by_pkg_config_static
by_cmake
cmake_says_no
examples_build
