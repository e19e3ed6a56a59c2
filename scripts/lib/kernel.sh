# SPDX-License-Identifier: MIT
# Debian's kernels: lists them, and unpacks one with its headers into the root.
# shellcheck shell=bash disable=SC2153,SC2034

# Runs apt with lists of its own, which leaves the host's package state alone.
lab_apt() {
	local tool=$1 dir=$CACHE/apt
	shift
	"$tool" -q -o Dir::State="$dir/state" -o Dir::State::status=/dev/null \
		-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" \
		-o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Acquire::Languages=none -o APT::Architecture=amd64 \
		-o APT::Architectures=amd64 -o APT::Sandbox::User=root "$@"
}

# Uses the archive that the root came from, which mmdebstrap wrote into its sources.list.
write_sources() {
	local uri suite keyring
	uri=${DEVMEM_MIRROR:-$(awk '$1 == "deb" { sub(/^deb (\[[^]]*\] )?/, ""); print $1; exit }' \
		"$ROOT/etc/apt/sources.list")}
	keyring=$(debian_keyring)
	mkdir -p "$CACHE"/apt/{state,lists/partial,cache/archives/partial}
	for suite in "$SUITE" "$SUITE-updates" "$SUITE-backports"; do
		echo "deb [signed-by=$keyring] $uri $suite main"
	done >"$CACHE/apt/sources.list"
}

# Full versions (7.3.4+deb13-amd64) that have headers and an image, oldest first.
list_kernels() {
	lab_apt apt-cache pkgnames linux- | awk '
		!/^linux-(headers|image|binary)-[0-9].*-amd64$/ || /-(cloud|rt)-amd64$/ { next }
		{ kind = $0; sub(/^linux-/, "", kind); version = kind
		  sub(/-.*/, "", kind); sub(/^[a-z]+-/, "", version)
		  if (kind == "headers") headers[version] = 1; else image[version] = 1 }
		END { for (v in headers) if (v in image) print v }' | sort -V
}

# Reads the archive's lists again, at most once a day unless --refresh asks for it.
refresh_kernels() {
	local list=$CACHE/apt/kernels
	[[ -s $list && ! ${REFRESH:-} && $(find "$list" -mmin -1440) ]] && return
	write_sources
	if ! quietly kernel-lists lab_apt apt-get update; then
		[[ -s $list ]] || die "cannot read the archive's package lists"
		say "warning: using the package lists of $(date -r "$list" +%F)"
		return
	fi
	list_kernels >"$list.new"
	[[ -s $list.new ]] || die "the archive has no kernel with headers"
	mv "$list.new" "$list"
}

# resolve_kernel latest|6.12|7.3.4|7.3.4+deb13-amd64: sets KERNEL to the newest that matches.
resolve_kernel() {
	local want=$1
	if [[ -e $ROOT/work/kernel-$want ]]; then
		KERNEL=$want
		return
	fi
	refresh_kernels
	KERNEL=$(newest_kernel "$want" <"$CACHE/apt/kernels")
	[[ $KERNEL ]] || die "no kernel matches '$want'; the archive has:" \
		"$(tr '\n' ' ' <"$CACHE/apt/kernels")"
}

newest_kernel() {
	awk -v want="$1" '
		want == "latest" || $0 == want { found = $0; next }
		index($0, want) == 1 && substr($0, length(want) + 1, 1) ~ /[.+-]/ { found = $0 }
		END { if (found != "") print found }'
}

# The kernel of 6.12 is one package; since about 6.19 it is three.
kernel_packages() {
	local version=$1 base=${1%-amd64} name names
	names=$(lab_apt apt-cache pkgnames linux-)
	for name in "linux-base-$version" "linux-modules-$version" "linux-binary-$version" \
		"linux-image-$version" "linux-headers-$version" "linux-headers-$base-common" \
		"linux-kbuild-$base"; do
		[[ $name == linux-image-* && $names == *"linux-binary-$version"* ]] && continue
		grep -qx -- "$name" <<<"$names" && echo "$name"
	done
	return 0
}

# Leaves the packages' own checksums of modules in the file that says that this kernel is there.
unpack_kernel() {
	local version=$1 new=$CACHE/.kernel.$$ packages
	packages=$(kernel_packages "$version")
	rm -rf "$CACHE"/.kernel.*
	mkdir "$new"
	# shellcheck disable=SC2086 # a list
	(cd "$new" && lab_apt apt-get download $packages) || return
	local file
	for file in "$new"/*.deb; do
		dpkg-deb --fsys-tarfile "$file" |
			tar -x -C "$ROOT" --keep-directory-symlink --no-same-owner \
				--exclude='./usr/share/doc*' || return
		dpkg-deb --ctrl-tarfile "$file" | tar -x -O ./md5sums >>"$new/md5sums" || true	# some have none
	done
	in_root depmod "$version" || return
	grep '\.ko' "$new/md5sums" >"$ROOT/work/kernel-$version.new" || return
	mv "$ROOT/work/kernel-$version.new" "$ROOT/work/kernel-$version"
	rm -rf "$new"
}

# Sets KERNEL_IMAGE as well.
make_kernel() {
	local start=$SECONDS
	if [[ ! -s $ROOT/work/kernel-$KERNEL ]]; then
		# The lists may be older than the archive.
		[[ -e $CACHE/apt/sources.list ]] || write_sources
		say "unpacking kernel $KERNEL (once)"
		quietly kernel unpack_kernel "$KERNEL" || retry_kernel
		say "kernel unpacked in $((SECONDS - start)) s"
	fi
	for KERNEL_IMAGE in "$ROOT/usr/lib/modules/$KERNEL/vmlinuz" "$ROOT/boot/vmlinuz-$KERNEL"; do
		[[ -e $KERNEL_IMAGE ]] && prefer_unpacked && return
	done
	die "kernel $KERNEL came without an image"
}

# An emulated processor takes seconds to unpack the kernel at each boot. QEMU can boot the unpacked
# kernel by its PVH entry.
prefer_unpacked() {
	local unpacked=$ROOT/work/vmlinux-$KERNEL
	if [[ ! -e $unpacked ]]; then
		quietly unpack-image unpack_image "$KERNEL_IMAGE" "$unpacked" || : >"$unpacked"	# empty: do not try again
	fi
	[[ ! -s $unpacked ]] || KERNEL_IMAGE=$unpacked
}

# image_field IMAGE OFFSET BYTES: prints a field of the image's header.
# [Documentation/arch/x86/boot.rst]
image_field() {
	od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# unpack_image IMAGE TO: unpacks the payload at the header's payload_offset, without the size that
# ends it.
unpack_image() {
	local image=$1 to=$2 begin bytes tool
	begin=$((($(image_field "$image" 497 1) + 1) * 512 + $(image_field "$image" 584 4)))
	bytes=$(($(image_field "$image" 588 4) - 4))
	dd if="$image" of="$to.packed" iflag=skip_bytes,count_bytes skip=$begin count=$bytes bs=1M || return
	for tool in zstd xz gzip; do
		! in_root "$tool" -dc <"$to.packed" >"$to.new" || break
	done
	rm -f "$to.packed"
	# Only a kernel with a PVH entry (Xen's ELF note 18) is of use.
	in_root readelf -n "${to#"$ROOT"}.new" | grep '0x00000012' >/dev/null && mv "$to.new" "$to"
}

retry_kernel() {
	REFRESH=1 resolve_kernel "$WANT"
	quietly kernel unpack_kernel "$KERNEL" || die "could not unpack kernel $KERNEL"
}
