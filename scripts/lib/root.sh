# SPDX-License-Identifier: MIT
# The Debian 13 root folder: the place to build in (chroot) and the guest's file system (9p).
#
# The packages are only unpacked and no maintainer script runs. So making the folder takes seconds,
# and needs no root, no chroot and no mounts. fix_root does the few things that scripts would do.
# shellcheck shell=bash disable=SC2153,SC2034

SUITE=trixie
ROOT_PACKAGES=(
	base-files base-passwd bash coreutils dash debianutils diffutils findutils gawk grep
	gzip hostname less libc-bin mawk mount ncurses-base procps psmisc sed tar
	util-linux xz-utils zstd
	gcc-14 gcc libc6-dev make cmake ninja-build pkgconf gdb strace
	bison flex libelf-dev pahole
	liburing-dev libnl-3-dev libnl-genl-3-dev libcmocka-dev libdrm-dev libmnl-dev
	libpci-dev
	busybox-static ethtool iperf3 iproute2 kmod socat
	python3 python3-yaml python3-jsonschema
	qemu-system-x86
)
# These packages come from the suite's backports, if those have them: only QEMU 11.1 and later have vfio-user-pci.
# Everything else in backports has a lower priority than the suite.
BACKPORTS='qemu-system-* seabios ipxe-qemu'

# Sets ROOT. Its name has a hash of all that the root is made from, so a change of any makes a new
# root, and old ones can be removed.
set_root() {
	local inputs
	inputs=$(printf '%s\n' "$SUITE" "${ROOT_PACKAGES[@]}" "$BACKPORTS" \
		"$(declare -f fix_root run_mmdebstrap backports_hook)")
	ROOT=$CACHE/root-$(hash_of <<<"$inputs")
}

make_root() {
	set_root
	[[ -d $ROOT ]] && return
	local new=$CACHE/.root.$$ start=$SECONDS
	say "making the Debian 13 root (once)"
	remove_old_roots
	rm -rf "$new"
	if ! quietly mmdebstrap run_mmdebstrap "$new" --setup-hook="$(backports_hook)"; then
		say "warning: cannot make the root with QEMU of $SUITE-backports: trying without"
		rm -rf "$new"
		quietly mmdebstrap run_mmdebstrap "$new" || die "could not make the Debian 13 root"
	fi
	quietly fix-root fix_root "$new" || die "could not finish the Debian 13 root"
	mv "$new" "$ROOT"
	say "root made in $((SECONDS - start)) s"
}

# The host's proxy and clock settings, because mmdebstrap's apt does not read the host's
# configuration.
apt_settings() {
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::(https?::Proxy|Check-|https?::Timeout|Retries)' || true
}

# Sets APT_OPTIONS to these settings as arguments for mmdebstrap.
set_apt_options() {
	local line
	APT_OPTIONS=()
	# These files use no process substitution: it needs /proc, which a chroot may not have.
	while IFS= read -r line; do
		[[ ! $line ]] || APT_OPTIONS+=(--aptopt="$line")
	done <<<"$(apt_settings)"
}

# backports_hook: prints a hook for mmdebstrap, which adds the backports at the mirror that it uses
# for the release.
backports_hook() {
	local pins="Package: $BACKPORTS\nPin: release n=$SUITE-backports\nPin-Priority: 990\n"
	cat <<-END
		printf '$pins' >"\$1/etc/apt/preferences.d/lab"
		sed -n 's/^\(deb .*\) $SUITE /\1 $SUITE-backports /p' "\$1/etc/apt/sources.list" |
			grep . >"\$1/etc/apt/sources.list.d/backports.list"
	END
}

# run_mmdebstrap FOLDER [OPTION...]
run_mmdebstrap() {
	local root=$1 include mirror
	shift
	mirror=$(debian_mirror)
	include=$(IFS=,; printf '%s' "${ROOT_PACKAGES[*]}")
	set_apt_options
	# "chrootless" is dangerous for packages with scripts; "extract" runs none.
	mmdebstrap --mode=chrootless --variant=extract --components=main --include="$include" "$@" \
		--skip=output/mknod --skip=check/chrootless "${APT_OPTIONS[@]}" \
		"$SUITE" "$root" ${mirror:+"$mirror"}
}

# fix_root FOLDER: finishes a new root, before it gets its name.
fix_root() {
	local root=$1 name
	for name in passwd group; do
		cp "$root/usr/share/base-passwd/$name.master" "$root/etc/$name"
	done
	ln -sfn mawk "$root/usr/bin/awk"
	ln -sfn gcc "$root/usr/bin/cc"
	ln -sfn /proc/self/mounts "$root/etc/mtab"
	printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\tlab\n' >"$root/etc/hosts"
	echo lab >"$root/etc/hostname"
	: >"$root/etc/machine-id"
	mkdir -p "$root"/{work,build,devmem,share,selftests,proc,sys,dev}
	# Make device nodes where that is allowed; elsewhere in_root borrows the host's /dev.
	rm -rf "${root:?}"/dev/*
	mknod -m 666 "$root/dev/null" c 1 3 2>/dev/null || true
	mknod -m 666 "$root/dev/zero" c 1 5 2>/dev/null || true
	mknod -m 666 "$root/dev/urandom" c 1 9 2>/dev/null || true
	# A build needs only this of /proc, so nothing has to be mounted: objtool looks for its stack
	# here, to explain an overflow.
	mkdir -p "$root/proc/self"
	echo '7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]' >"$root/proc/self/maps"
	in_root_at "$root" ldconfig
	in_root_at "$root" qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p' >"$root/work/qemu-version"
	# Compile Python's modules here: the guest would do so at every start.
	in_root_at "$root" python3 -c \
		'import argparse, ctypes, json, jsonschema, random, socket, subprocess, yaml' || true
}

# in_root COMMAND...: runs COMMAND with the root folder as /, and leaves no mount behind.
in_root() {
	in_root_at "$ROOT" "$@"
}

in_root_at() {
	local root=$1
	shift
	local clean=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
		TERM="${TERM:-dumb}")
	if ((EUID == 0)) && (: >"$root/dev/null") 2>/dev/null; then
		chroot "$root" "${clean[@]}" "$@"
		return
	fi
	# A mount namespace of its own, which ends with its last process.
	local flags=(--mount)
	((EUID)) && flags+=(--map-root-user)
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare "${flags[@]}" -- sh -c '
		root=$1; shift
		mount --rbind /dev "$root/dev" && exec chroot "$root" "$@"' sh "$root" "${clean[@]}" "$@"
}

can_chroot() {
	((EUID == 0)) || unshare --mount --map-root-user true 2>/dev/null
}

# A guest holds a shared lock on the root that it runs from.
hold_root() {
	exec {ROOT_FD}>>"$ROOT.lock"
	flock -s "$ROOT_FD"
}

remove_old_roots() {
	local dir
	for dir in "$CACHE"/.root.*; do
		[[ -d $dir ]] && remove_tree "$dir"
	done
	for dir in "$CACHE"/root-*; do
		[[ -d $dir && $dir != "$ROOT" ]] || continue
		flock -n -x "$dir.lock" true 2>/dev/null || continue
		remove_tree "$dir"
		rm -f "$dir.lock"
	done
}

# Packages may contain folders without write permission.
remove_tree() {
	rm -rf "$1" 2>/dev/null || { chmod -R u+rwX "$1" && rm -rf "$1"; }
}
