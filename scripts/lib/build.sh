# SPDX-License-Identifier: MIT
# Builds for the guest, in the root: the project, the NICs, and the guest's own helper.
#
# Each checkout has a folder /work/ID in the root, and under the same name in the guest. In it are
# src (a copy of the tree), build, nic-KERNEL and guest.
# shellcheck shell=bash

set_work() {
	WORK=/work/$(basename "$TREE" | tr -c 'a-zA-Z0-9._\n-' _)-$(hash_of <<<"$TREE")
	mkdir -p "$ROOT$WORK"/{src,guest}
	echo "$TREE" >"$ROOT$WORK/origin"
}

copy_tree() {
	rsync -rlpt --delete --delete-excluded --exclude=/.git --exclude='/build*' \
		--exclude=__pycache__ "$TREE/" "$ROOT$WORK/src/"
}

build_project() {
	[[ ! $NO_PROJECT ]] || return 0
	[[ -e $ROOT$WORK/src/CMakeLists.txt ]] || {
		say "warning: the tree has no CMakeLists.txt, so /build is empty"
		return
	}
	if [[ ! -e $ROOT$WORK/build/build.ninja ]]; then
		say "configuring the project for the guest"
		quietly cmake in_root cmake -S "$WORK/src" -B "$WORK/build" -G Ninja \
			-DCMAKE_BUILD_TYPE=RelWithDebInfo || die -1 "cmake failed"
	fi
	quietly build in_root ninja -C "$WORK/build" || die -1 "the project does not build"
}

# Sets MODULE to the module's path in the root.
build_nic() {
	local dir=$WORK/nic-$KERNEL
	MODULE=
	[[ ! $NO_NIC ]] || return 0
	[[ -e $ROOT$WORK/src/lab/nic/Makefile || -e $ROOT$WORK/src/lab/nic/Kbuild ]] || {
		say "warning: the tree has no lab/nic, so the guest has no lab0 and lab1"
		[[ $NIC_NAME != labnic ]] || NIC_NAME=
		return
	}
	mkdir -p "$ROOT$dir"
	rsync -rlpt "$ROOT$WORK/src/lab/nic/" "$ROOT$dir/"
	quietly nic in_root make -C "/usr/src/linux-headers-$KERNEL" M="$dir" modules ||
		die -1 "the NIC module does not build for $KERNEL"
	MODULE=$dir/labnic.ko
	[[ -e $ROOT$MODULE ]] || die -1 "the build of lab/nic made no labnic.ko"
}

# The model of gve, which runs on the host.
build_gve() {
	[[ ! $NO_NIC && -e $ROOT$WORK/src/lab/gve/Makefile ]] || return 0
	quietly gve in_root make -s -C "$WORK/src/lab/gve" OUT="$WORK/guest" || die -1 "cannot build lab/gve"
}

build_guest() {
	local source=$WORK/src/lab/guest/leftovers.c target=$WORK/guest/leftovers
	[[ $ROOT$target -nt $ROOT$source ]] && return
	quietly guest in_root sh -c "gcc -O2 -Wall -D_GNU_SOURCE -I/usr/include/libnl3 \
		-o $target $source -lnl-genl-3 -lnl-3" || die -1 "cannot build lab/guest"
}

# Runs on the host, whatever libc that has.
build_host() {
	local source=$WORK/src/lab/host/tsc_khz.c target=$WORK/guest/tsc_khz
	[[ $ROOT$target -nt $ROOT$source ]] && return
	quietly host in_root gcc -O2 -Wall -D_GNU_SOURCE -static -o "$target" "$source" || die -1 "cannot build lab/host"
}

build_all() {
	set_work
	copy_tree
	build_guest
	build_host
	build_nic
	build_gve
	build_project
}
