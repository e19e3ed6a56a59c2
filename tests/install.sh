#!/bin/bash
# SPDX-License-Identifier: MIT
# install.sh BUILD: what cmake --install makes of this build is complete and can be moved, and a user's programs build with it,
# outside of the tree: by pkg-config and CMake, shared and static, in C and C++; each receives on loopback, and its bytes are
# right. Needs no privilege.
set -euo pipefail
export LC_ALL=C

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$(cd "$1" && pwd -P)
WORK=$(mktemp -d)
RECEIVER=''
trap '[[ ! $RECEIVER ]] || kill "$RECEIVER" 2>/dev/null || true; rm -rf "$WORK"' EXIT

PREFIX=/opt/first
MOVED=$WORK/moved
LIB=$MOVED/lib DOC=$MOVED/share/doc/devmem
MINIMAL=$DOC/examples/minimal
STRICT=(-pedantic -Wall -Wextra -Werror)
BYTES=$((16 << 20))

fail() {
	echo "install: $*"
	exit 1
}

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
	for file in include/devmem/{devmem,opts,backend}.h lib/libdevmem.{a,so,so.0} lib/pkgconfig/devmem.pc \
		lib/cmake/devmem/devmemConfig{,Version}.cmake share/doc/devmem/{README.md,NEWS.md,MIT.txt} \
		share/doc/devmem/examples/{CMakeLists.txt,Makefile,devmem-receive.service,minimal/receive.c,minimal/receive.cpp} \
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

# DEVMEM_0.1 is an absolute symbol, the version's own. A static library can hide nothing, but keeps to its name.
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
	man 3 devmem_wake | tr -s '\n ' ' ' | grep 'devmem_wait, devmem_wake, .* one turn' >/dev/null || fail "man shows another page for devmem_wake"
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

# ------------------------------------------------------------------------------------ a user's programs

# send WORD PORT: until somebody listens there. 1: nobody does, for 10 seconds.
send() {
	local try
	for ((try = 0; try < 200; try++)); do
		kill -0 "$RECEIVER" 2>/dev/null || return
		! { head -c "$BYTES" < <(yes "$1") >"/dev/tcp/127.0.0.1/$2"; } 2>/dev/null || return 0
		sleep 0.05
	done
	return 1
}

# received WORD PROGRAM...: sends it, again and again; prints what the program says and gives its status. 2: the port was taken.
received() {
	local word=$1 port status=2
	shift
	for ((port = 14000 + RANDOM % 3000; status == 2 && port < 19000; port += 997)); do
		status=0
		timeout 30 "$@" lo "$port" >"$WORK/said" 2>&1 &
		RECEIVER=$!
		send "$word" "$port" || true
		wait "$RECEIVER" || status=$?
		RECEIVER=''
	done
	return "$status"
}

works() {
	received devmem "$@" || fail "$*: status $?: $(<"$WORK/said")"
	[[ $(<"$WORK/said") == "engine copy: $BYTES bytes, 0 of them wrong" ]] || fail "$*: $(<"$WORK/said")"
	echo "ok $*"
}

# A test of the verdict: one letter is wrong.
notices() {
	local status=0
	received devnem "$@" || status=$?
	[[ $status == 1 && $(<"$WORK/said") == *" $((BYTES / 7)) of them wrong" ]] ||
		fail "$*: wrong bytes, but status $status: $(<"$WORK/said")"
}

loads_libdevmem() {
	readelf -d "$1" | grep 'NEEDED.*\[libdevmem\.so\.0\]' >/dev/null
}

shared() {
	loads_libdevmem "$1" || fail "$1 is not linked with the shared library"
	works "$1"
}

static() {
	! loads_libdevmem "$1" || fail "$1 is not linked with the static library"
	works "$1"
}

# flags OPTION...: of pkg-config, as an array.
flags() {
	read -ra FLAGS <<<"$(pkg-config "$@" devmem)"
}

by_pkg_config() {
	flags --cflags --libs
	[[ ! " ${FLAGS[*]} " =~ ' '-l(uring|nl) ]] || fail "who links with the shared library gets: ${FLAGS[*]}"
	cc "${STRICT[@]}" "$MINIMAL/receive.c" "${FLAGS[@]}" -o c
	shared ./c
	notices ./c
	c++ -std=c++17 "${STRICT[@]}" "$MINIMAL/receive.cpp" "${FLAGS[@]}" -o cxx
	shared ./cxx
	clang++ -std=c++17 "${STRICT[@]}" "$MINIMAL/receive.cpp" "${FLAGS[@]}" -o cxx_clang
	shared ./cxx_clang
}

# libdevmem alone, and all that there is (where the linker says that glibc's dlopen() still loads what it loads).
by_pkg_config_static() {
	flags --static --cflags --libs
	cc "${STRICT[@]}" "$MINIMAL/receive.c" "${FLAGS[@]/#-ldevmem/-l:libdevmem.a}" -o c_static
	static ./c_static
	c++ -std=c++17 "${STRICT[@]}" "$MINIMAL/receive.cpp" "${FLAGS[@]/#-ldevmem/-l:libdevmem.a}" -o cxx_static
	static ./cxx_static
	cc -static "$MINIMAL/receive.c" "${FLAGS[@]}" -o c_all_static 2>"$WORK/log" || fail "cc -static: $(<"$WORK/log")"
	static ./c_all_static
}

# build SOURCE NAME ARGUMENT...: with CMake.
build() {
	local source=$1 name=$2
	shift 2
	{ cmake -S "$source" -B "$name" "$@" && cmake --build "$name" -j 2; } >"$WORK/log" 2>&1 || fail "$name: $(<"$WORK/log")"
}

by_cmake() {
	cp "$TREE/tests/install/CMakeLists.txt" .
	build . user -DFROM="$MINIMAL"
	shared user/c_devmem
	shared user/cxx_devmem
	static user/c_devmem_static
	static user/cxx_devmem_static
}

# finds WHAT LANGUAGE: does find_package() take these arguments?
finds() {
	mkdir -p find
	printf 'cmake_minimum_required(VERSION 3.16)\nproject(find LANGUAGES %s)\nfind_package(devmem %s)\n' "$2" "$1" >find/CMakeLists.txt
	cmake -S find -B find >"$WORK/log" 2>&1
}

# The shared library takes nothing but itself; the static one says what it lacks; another minor version is refused.
cmake_says_no() {
	PKG_CONFIG_LIBDIR=/nowhere finds '0.1 REQUIRED' NONE || fail "not found without pkg-config: $(<"$WORK/log")"
	! PKG_CONFIG_LIBDIR=/nowhere finds 'REQUIRED COMPONENTS static' C || fail "static was found without liburing"
	tr -s '\n ' ' ' <"$WORK/log" | grep 'static needs liburing and libnl-genl-3.0' >/dev/null || fail "no reason: $(<"$WORK/log")"
	! finds '0.2 REQUIRED' NONE || fail "it takes itself for 0.2"
	! finds '0.0 REQUIRED' NONE || fail "it takes itself for 0.0"
	! finds 'REQUIRED COMPONENTS other' NONE || fail "it has a component of any name"
}

examples_build() {
	local example
	build "$DOC/examples" examples
	cp -r "$DOC/examples" make
	make -C make -j 2 CFLAGS='-O1 -Wall -Wextra -Werror' CXXFLAGS="-O1 ${STRICT[*]}" >"$WORK/log" 2>&1 || fail "make: $(<"$WORK/log")"
	for example in gpu_recv_server gpu_echo_server gpu_gather_server send_client; do
		examples/$example --help | grep "^usage: $example" >/dev/null || fail "$example, by CMake"
		make/$example --help | grep "^usage: $example" >/dev/null || fail "$example, by make"
	done
	shared examples/minimal_receive
	shared examples/minimal_receive_cxx
	shared make/minimal/receive
	shared make/minimal/receive_cxx
	(($(wc -l <"$MINIMAL/receive.c") <= 40)) || fail "the minimal program has more than 40 lines"
}

stage
mkdir "$WORK/user"
cd "$WORK/user"
files_are_there
nothing_names_the_build
symbols_are_ours
manual_is_there
tools_run
by_pkg_config
by_pkg_config_static
by_cmake
cmake_says_no
examples_build
