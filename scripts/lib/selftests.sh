# SPDX-License-Identifier: MIT
# Builds the kernel's own device-memory tests from Debian's linux-source package, in the root. The
# guest has them in /selftests: tools/testing/selftests/drivers/net/hw/ncdevmem and iou-zcrx.
# shellcheck shell=bash disable=SC2153,SC2034

SELFTEST_FILES=(
	MAINTAINERS	# ynl's generator finds the top of the tree by it, and without it never ends
	Documentation/netlink include/uapi/linux tools/net/ynl tools/scripts
	tools/testing/selftests/net/lib tools/testing/selftests/drivers/net
	tools/testing/selftests/kselftest.h tools/testing/selftests/kselftest
)
# Headers that are newer than those of Debian 13.
SELFTEST_HEADERS=(dma-buf errqueue ethtool ethtool_netlink ethtool_netlink_generated netdev
	typelimits udmabuf uio io_uring io_uring/zcrx)
SELFTEST_LIBURING=lab/guest/liburing_zcrx.h
# Unpacked beside the tests, because netkit's tests load BPF programs into the kernel. The host's
# clang builds these: it puts their variables where the tests write them, and gcc does not.
SELFTEST_PACKAGES=(bpftool libbpf-dev)
SELFTEST_HOST_PACKAGES=(clang)
SELFTEST_BPF=(nk_forward nk_primary_rx_redirect)

# Sets SELFTESTS to the tests' folder in the root.
make_selftests() {
	local branch start=$SECONDS
	branch=$(grep -oE '^[0-9]+\.[0-9]+' <<<"$KERNEL")
	SELFTESTS=/work/selftests-$branch-$({
		declare -f build_selftests build_iou_zcrx build_bpf unpack_packages unpack_source
		cat "$TREE/$SELFTEST_LIBURING"
	} | hash_of)
	[[ -d $ROOT$SELFTESTS ]] && return
	rm -rf "$ROOT/work/selftests-$branch-"* "$CACHE"/.source.*
	say "building the kernel's own tests from linux-source-$branch (once)"
	quietly linux-source unpack_source "$branch" "$ROOT$SELFTESTS.new" ||
		die "could not unpack linux-source-$branch"
	quietly selftest-packages unpack_packages "$ROOT$SELFTESTS.new" ||
		die "could not unpack ${SELFTEST_PACKAGES[*]}"
	quietly selftests build_selftests "$SELFTESTS.new" || die -1 "ncdevmem does not build"
	mv "$ROOT$SELFTESTS.new" "$ROOT$SELFTESTS"
	say "built in $((SECONDS - start)) s"
}

unpack_source() {
	local package=linux-source-$1 dir=$2 temporary=$CACHE/.source.$$ status=0
	rm -rf "$dir"
	mkdir "$dir" "$temporary"
	(cd "$temporary" && lab_apt apt-get download "$package") || return
	# Some of the files are not in every version, so an error of tar alone is no failure.
	dpkg-deb --fsys-tarfile "$temporary/"*.deb |
		tar -x -O "./usr/src/$package.tar.xz" | xz -dc -T0 |
		tar -x -C "$dir" --strip-components=1 --no-same-owner \
			"${SELFTEST_FILES[@]/#/$package/}" || status=$?
	rm -rf "$temporary"
	[[ -e $dir/MAINTAINERS && -e $dir/tools/testing/selftests/drivers/net/hw/ncdevmem.c ]] ||
		return $((status ? status : 1))
}

# Unpacks Debian 13's versions, even if there are newer ones.
unpack_packages() {
	local dir=$1 temporary=$CACHE/.packages.$$ file
	mkdir "$temporary"
	(cd "$temporary" && lab_apt apt-get download "${SELFTEST_PACKAGES[@]/%//$SUITE}") || return
	for file in "$temporary"/*.deb; do
		dpkg-deb --fsys-tarfile "$file" |
			tar -x -C "$dir" --no-same-owner ./usr/sbin ./usr/include 2>/dev/null || true
	done
	rm -rf "$temporary"
	[[ -x $dir/usr/sbin/bpftool && -e $dir/usr/include/bpf/bpf_helpers.h ]]
}

build_selftests() {
	local dir=$1 name
	mkdir -p "$ROOT$dir/headers/linux/io_uring"
	for name in "${SELFTEST_HEADERS[@]}"; do
		[[ -e $ROOT$dir/include/uapi/linux/$name.h ]] || continue
		sed -E 's/\b__user\b//; /linux\/compiler(_types)?\.h/d' \
			"$ROOT$dir/include/uapi/linux/$name.h" >"$ROOT$dir/headers/linux/$name.h"
	done
	in_root make -C "$dir/tools/net/ynl" GENS='ethtool netdev' RSTS='' libynl.a || return
	# shellcheck disable=SC2016 # expanded in the root
	in_root sh -c 'set -e; cd "$1/tools/testing/selftests/drivers/net/hw"
		gcc -std=gnu11 -O2 -I"$1/headers" -I"$1/tools/net/ynl/lib" \
			-I"$1/tools/net/ynl/generated" -I"$1/tools/testing/selftests" \
			-o ncdevmem ncdevmem.c "$1/tools/net/ynl/libynl.a"' sh "$dir" || return
	build_bpf "$dir" || return
	build_iou_zcrx "$dir"
}

# Builds the BPF programs that this kernel version has (6.12 has none).
build_bpf() {
	local folder=$ROOT$1/tools/testing/selftests/drivers/net/hw name
	for name in "${SELFTEST_BPF[@]}"; do
		[[ -e $folder/$name.bpf.c ]] || continue
		clang -O2 -g --target=bpf -I"$ROOT$1/usr/include" -idirafter "$ROOT/usr/include" \
			-idirafter "$ROOT/usr/include/x86_64-linux-gnu" -c "$folder/$name.bpf.c" -o "$folder/$name.bpf.o" || return
	done
}

# If there is no iou-zcrx (6.12) or it does not build, iou-zcrx.missing says why, and only the
# comparisons with it are left out. Its time limit of five seconds is raised, because the clock of a
# guest that counts instructions leaps by more than that while it reads a file.
build_iou_zcrx() {
	local folder=$1/tools/testing/selftests/drivers/net/hw
	cp "$TREE/$SELFTEST_LIBURING" "$ROOT$1/headers/"
	# shellcheck disable=SC2016 # expanded in the root
	in_root sh -c 'cd "$2" && sed "s/gettimeofday_ms() + 5000/gettimeofday_ms() + 600000/" iou-zcrx.c |
		gcc -std=gnu11 -O2 -I"$1/headers" -include liburing_zcrx.h -x c -o iou-zcrx - -luring' \
		sh "$1" "$folder" 2>&1 | tee "$ROOT$folder/iou-zcrx.missing"
	[[ ! -e $ROOT$folder/iou-zcrx ]] || rm "$ROOT$folder/iou-zcrx.missing"
}
