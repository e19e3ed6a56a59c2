#!/bin/bash
# SPDX-License-Identifier: MIT
# fresh_root.sh [OPTION of scripts/lab]...: from nothing to a program that receives, as on a new machine. The packages are built in a
# fresh Debian 13; lintian has no error and no warning for any of them; apt installs them in another one, with what they need; a
# user's programs build with them there, and receive on loopback; and then, with the package's library, on the lab's NIC.
#
# The fresh system is made once and kept, with apt's lists and the packages that are installed later: only that needs the network. It
# takes root. Whatever is mounted, or runs, in a root is in namespaces of its own, which go with it, whatever ends this.
set -euo pipefail

# shellcheck disable=SC2034 # what the files in scripts/lib use
ME=fresh-root
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
for file in common apt root build; do
	# shellcheck source=/dev/null
	. "$TREE/scripts/lib/$file.sh"
done

FRESH_PACKAGES=(build-essential cmake ninja-build pkgconf file lintian)
FRESH_LATER=(liburing-dev libnl-genl-3-dev)
SEPARATE=(setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child)
SCRATCH='' CHILD='' CHILD_SIGNAL=KILL	# unshare ignores others, and what it runs dies with it

skip() {
	echo "no fresh root can be made here: $*"
	exit 77
}

# What in_fresh does, with nothing.
can_separate() {
	local dir status=0
	dir=$(mktemp -d "$CACHE/.try.XXXXXX")
	mkdir "$dir"/{lower,changes,work,merged}
	"${SEPARATE[@]}" --mount-proc mount -t overlay \
		-o "lowerdir=$dir/lower,upperdir=$dir/changes,workdir=$dir/work" overlay "$dir/merged" || status=$?
	rm -rf "$dir"
	return "$status"
}

clean_up() {
	[[ ! $CHILD ]] || { kill -$CHILD_SIGNAL "$CHILD" && wait "$CHILD"; } 2>/dev/null || true
	[[ ! $SCRATCH ]] || rm -rf "$SCRATCH"
}

# supervised COMMAND...: so that a signal is not kept waiting for it.
supervised() {
	local status=0
	"$@" &
	CHILD=$!
	wait "$CHILD" || status=$?
	CHILD=''
	return "$status"
}

# step NAME COMMAND...
step() {
	local start=$SECONDS name=$1
	shift
	quietly "fresh-$name" supervised "$@" || die -1 "$name"
	echo "ok $name, $((SECONDS - start)) s"
}

# in_fresh ROOT COMMAND...: in the kept system, with what has changed there in ROOT/changes.
in_fresh() {
	local root=$SCRATCH/$1
	shift
	mkdir -p "$root"/{changes,work,merged}
	# shellcheck disable=SC2016 # expanded by the inner shell
	exec "${SEPARATE[@]}" sh -ec 'lower=$1 root=$2
		shift 2
		mount -t overlay -o "lowerdir=$lower,upperdir=$root/changes,workdir=$root/work" overlay "$root/merged"
		mount -t proc proc "$root/merged/proc"
		exec chroot "$root/merged" "$@"' sh "$FRESH" "$root" \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# ------------------------------------------------------------------------------------ the system

run_fresh_mmdebstrap() {
	local include
	include=$(IFS=,; printf '%s' "${FRESH_PACKAGES[*]}")
	# shellcheck disable=SC2016 # expanded by mmdebstrap's shell
	exec "${SEPARATE[@]}" --mount-proc mmdebstrap --mode=root --variant=minbase --components=main \
		--include="$include" --dpkgopt=force-unsafe-io --skip=cleanup/apt/lists "${APT_OPTIONS[@]}" \
		--customize-hook='mkdir -p "$1/debs/partial"' \
		--customize-hook='APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -q --yes --download-only \
			-o Dir::Cache::Archives="$1/debs" install '"${FRESH_LATER[*]}" \
		"$SUITE" "$@"
}

make_fresh() {
	local mirror
	mirror=$(debian_mirror)
	set_apt_options
	rm -rf "$CACHE"/fresh-* "$CACHE/.fresh.new"
	step system run_fresh_mmdebstrap "$CACHE/.fresh.new" ${mirror:+"$mirror"}
	mv "$CACHE/.fresh.new" "$FRESH"
}

# Sets FRESH, the folder of the system, and SCRATCH, one of our own. The lock is shared by all that use them, so that what one left
# that was killed outright is removed when nobody does.
prepare() {
	local lock
	FRESH=$CACHE/fresh-$({ declare -p SUITE FRESH_PACKAGES FRESH_LATER && declare -f run_fresh_mmdebstrap; } | hash_of)
	exec {lock}>"$CACHE/fresh.lock"
	! flock -n "$lock" || rm -rf "$CACHE"/.fresh.*
	if [[ ! -d $FRESH ]]; then
		supervised flock "$lock"
		[[ -d $FRESH ]] || make_fresh
	fi
	supervised flock -s "$lock"
	SCRATCH=$(mktemp -d "$CACHE/.fresh.XXXXXX")
}

# apt_install ROOT PACKAGE...: with what they need, which is there.
apt_install() {
	in_fresh "$1" apt-get -q --yes --no-install-recommends -o Dpkg::Use-Pty=0 -o Dir::Cache::Archives=/debs install "${@:2}"
}

# ------------------------------------------------------------------------------------ the packages

build_packages() {
	in_fresh build sh -ec 'cd /work/src
		cmake --preset deb -DDEVMEM_WERROR=ON -DDEVMEM_MAINTAINER="A Test <test@example.com>"
		cmake --build --preset deb
		cd build/deb
		cpack'
}

# And a test of the verdict: without its licence a package is not right.
look_at_packages() {
	# shellcheck disable=SC2016 # expanded in the root
	in_fresh user sh -ec 'check="lintian --allow-root --fail-on error,warning"
		$check /packages/*.deb
		dpkg-deb -R /packages/libdevmem0_*.deb /tmp/worse
		rm /tmp/worse/usr/share/doc/libdevmem0/copyright
		dpkg-deb -b /tmp/worse /tmp/worse.deb
		! $check /tmp/worse.deb'
}

# The library, and what was built with it: /share in the lab.
in_the_lab() {
	local share=$SCRATCH/user/changes/user
	cp "$SCRATCH"/user/changes/packages/libdevmem0_*.deb "$share"
	CHILD_SIGNAL=TERM
	supervised "$TREE/scripts/lab" run "$@" --share "$share" -- /devmem/tests/lab/installed.sh
}

main() {
	local changes packages=()
	((EUID == 0)) || skip "it takes root"
	make_cache
	can_separate || skip "namespaces, or mounts in them, are not allowed"
	need_packages mmdebstrap debian-archive-keyring rsync
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	prepare
	ROOT=$SCRATCH/build/changes WORK=/work
	changes=$SCRATCH/user/changes
	mkdir -p "$ROOT$WORK/src" "$changes/packages"
	copy_tree
	step needs apt_install build "${FRESH_LATER[@]}"
	step packages build_packages
	mv "$ROOT$WORK"/src/build/deb/*.deb "$changes/packages"
	packages=("$changes"/packages/*.deb)
	step lintian look_at_packages
	step installation apt_install user "${packages[@]#"$changes"}"
	cp -r "$TREE/tests/install" "$changes/tests"
	supervised in_fresh user /tests/user.sh /user
	in_the_lab "$@"
}

main "$@"
