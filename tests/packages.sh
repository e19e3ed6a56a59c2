#!/bin/bash
# SPDX-License-Identifier: MIT
# packages.sh BUILD: what cpack makes of a build with DEVMEM_DEB and prefix /usr: three packages that need what they use, share no
# file, and together are what a user's program builds with. They are unpacked, not installed.
set -euo pipefail
export LC_ALL=C

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$(cd "$1" && pwd -P)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
ROOT=$WORK/root

fail() {
	echo "packages: $*"
	exit 1
}

package() {
	local files=("$WORK"/deb/"$1"_*.deb)
	[[ -f ${files[0]} && ${#files[@]} == 1 ]] || fail "no package $1"
	printf '%s' "${files[0]}"
}

# depends PACKAGE ON...
depends() {
	local field on
	field=$(dpkg-deb -f "$(package "$1")" Depends)
	for on in "${@:2}"; do
		[[ ", $field," == *", $on "* ]] || fail "$1 does not depend on $on, but on $field"
	done
}

files() {
	dpkg-deb -c "$(package "$1")" | awk '$6 !~ /\/$/ { print $6 }'
}

cpack --config "$BUILD/CPackConfig.cmake" -B "$WORK/deb" >"$WORK/log" 2>&1 || fail "cpack: $(<"$WORK/log")"
[[ $(find "$WORK/deb" -maxdepth 1 -name '*.deb' | wc -l) == 3 ]] || fail "not three packages"
depends libdevmem0 libc6 liburing2 libnl-genl-3-200
depends libdevmem-dev libdevmem0 liburing-dev libnl-genl-3-dev
depends devmem-tools libdevmem0 libc6

for name in libdevmem0 libdevmem-dev devmem-tools; do
	files $name >>"$WORK/files"
	files $name | grep "/usr/share/doc/$name/copyright$" >/dev/null || fail "$name has no licence"
	dpkg-deb -x "$(package $name)" "$ROOT"
done
[[ ! $(sort "$WORK/files" | uniq -d) ]] || fail "in two packages: $(sort "$WORK/files" | uniq -d)"
[[ $(dpkg-deb -f "$(package libdevmem0)" Version) == *-0* ]] || fail "not older than a package of Debian's own"
! dpkg-deb --ctrl-tarfile "$(package libdevmem0)" | tar -t | grep -E 'inst|rm' || fail "cpack added scripts to libdevmem0"
[[ $(files libdevmem0 | grep -c '\.so') == 2 ]] || fail "libdevmem0 is more, or less, than the library: $(files libdevmem0)"

# The tools' pages, and the library's with one for each function; as they are found, by man, through those that lead to others.
[[ $(files devmem-tools | grep -c 'man1/.*\.1\.gz$') == $(find "$TREE/man" -name '*.1' | wc -l) ]] || fail "manual pages are missing"
[[ $(files devmem-tools | grep -c '/man/') == $(find "$TREE/man" -name '*.1' | wc -l) ]] || fail "devmem-tools has pages of others"
for file in bash-completion/completions/devmemctl zsh/vendor-completions/_devmemctl; do
	[[ -s $ROOT/usr/share/$file ]] || fail "devmem-tools has no $file"
done
! files libdevmem0 | grep '/man/' || fail "libdevmem0 has manual pages"
for name in devmem.7 $(sed -n 's/^\t\(devmem_[a-z_]*\);/\1.3/p' "$TREE/src/devmem.map"); do
	page=$ROOT/usr/share/man/man${name##*.}/$name.gz
	files libdevmem-dev | grep -F "${page#"$ROOT"}" >/dev/null || fail "libdevmem-dev has no $name"
	man -M "$ROOT/usr/share/man" "${name##*.}" "${name%.*}" 2>/dev/null | grep '^NAME' >/dev/null || fail "man does not show $name"
done

LIB=$(dirname "$(find "$ROOT" -name libdevmem.so.0)")
export PKG_CONFIG_PATH=$LIB/pkgconfig LD_LIBRARY_PATH=$LIB
read -ra flags <<<"$(pkg-config --cflags --libs devmem)"
cc "$ROOT/usr/share/doc/devmem/examples/minimal/receive.c" "${flags[@]}" -o "$WORK/receive"
ldd "$WORK/receive" | grep -F "$LIB/libdevmem.so.0" >/dev/null || fail "it is not this library that is used"
"$ROOT/usr/bin/devmem-nc" --version | grep -F "$(pkg-config --modversion devmem)" >/dev/null || fail "devmem-nc does not run"
