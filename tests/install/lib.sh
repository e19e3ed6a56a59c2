# SPDX-License-Identifier: MIT
# What a user does with an installed libdevmem: programs build with it, outside of the tree, by pkg-config and CMake, shared and
# static, in C and C++; each receives, and its bytes are right. For whoever has set ME, WORK, a folder for what is in the way;
# DOC, where its documents are installed; and CXX_COMPILERS. Bytes come on loopback, unless INTERFACE, ADDRESS, SENDER (what a
# command that sends begins with) and EXPECTED say otherwise. PKG_CONFIG_PATH and so on lead to it, and the folder that this is
# called in is the user's.
# shellcheck shell=bash disable=SC2153

INSTALL_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
MINIMAL=$DOC/examples/minimal
STRICT=(-pedantic -Wall -Wextra -Werror)
BYTES=$((16 << 20))
RECEIVER=''
[[ ${INTERFACE:-} ]] || INTERFACE=lo ADDRESS=127.0.0.1 SENDER=() EXPECTED="engine copy: $BYTES bytes, 0 without a copy"

fail() {
	echo "$ME: $*"
	exit 1
}

# For the exit trap.
end_receiver() {
	[[ ! $RECEIVER ]] || kill "$RECEIVER" 2>/dev/null || true
}

# ------------------------------------------------------------------------------------ programs that receive

# send WORD PORT: until somebody listens there. 1: nobody does, for 10 seconds.
send() {
	local try
	# shellcheck disable=SC2016 # expanded by the inner shell
	for ((try = 0; try < 200; try++)); do
		kill -0 "$RECEIVER" 2>/dev/null || return
		! "${SENDER[@]}" bash -c 'head -c "$1" < <(yes "$2") >"/dev/tcp/$3/$4"' bash "$BYTES" "$1" "$ADDRESS" "$2" 2>/dev/null ||
			return 0
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
		timeout 30 "$@" "$INTERFACE" "$port" >"$WORK/said" 2>&1 &
		RECEIVER=$!
		send "$word" "$port" || true
		wait "$RECEIVER" || status=$?
		RECEIVER=''
	done
	return "$status"
}

works() {
	received devmem "$@" || fail "$*: status $?: $(<"$WORK/said")"
	[[ $(<"$WORK/said") == "$EXPECTED, 0 wrong" ]] || fail "$*: $(<"$WORK/said")"
	echo "ok $*"
}

# A test of the verdict: one letter is wrong.
notices() {
	local status=0
	received devnem "$@" || status=$?
	[[ $status == 1 && $(<"$WORK/said") == *" $((BYTES / 7)) wrong" ]] ||
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

# ------------------------------------------------------------------------------------ programs that build

# flags OPTION...: of pkg-config, as an array.
flags() {
	read -ra FLAGS <<<"$(pkg-config "$@" devmem)"
}

by_pkg_config() {
	local compiler
	flags --cflags --libs
	[[ ! " ${FLAGS[*]} " =~ ' '-l(uring|nl) ]] || fail "who links with the shared library gets: ${FLAGS[*]}"
	cc "${STRICT[@]}" "$MINIMAL/receive.c" "${FLAGS[@]}" -o c
	shared ./c
	notices ./c
	for compiler in "${CXX_COMPILERS[@]}"; do
		"$compiler" -std=c++17 "${STRICT[@]}" "$MINIMAL/receive.cpp" "${FLAGS[@]}" -o "$compiler"
		shared "./$compiler"
	done
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
	cp "$INSTALL_TESTS/CMakeLists.txt" .
	build . user -DFROM="$MINIMAL"
	shared user/c_devmem
	shared user/cxx_devmem
	static user/c_devmem_static
	static user/cxx_devmem_static
}

examples_build() {
	local example
	build "$DOC/examples" examples
	cp -r "$DOC/examples" make
	make -C make -j 2 CFLAGS='-O1 -Wall -Wextra -Werror' CXXFLAGS="-O1 ${STRICT[*]}" >"$WORK/log" 2>&1 || fail "make: $(<"$WORK/log")"
	for example in gpu_recv_server gpu_epoll_server gpu_nics_server gpu_echo_server gpu_gather_server gpu_message_server message_client send_client; do
		examples/$example --help | grep "^usage: $example" >/dev/null || fail "$example, by CMake"
		make/$example --help | grep "^usage: $example" >/dev/null || fail "$example, by make"
	done
	for example in examples/cuda_receive make/cuda/receive; do
		[[ $($example 2>&1) == *'usage: cuda_receive '* ]] || fail "$example: $($example 2>&1)"
	done
	shared examples/minimal_receive
	shared examples/minimal_receive_cxx
	shared make/minimal/receive
	shared make/minimal/receive_cxx
	(($(wc -l <"$MINIMAL/receive.c") <= 80)) || fail "the minimal program has more than 80 lines"
}
