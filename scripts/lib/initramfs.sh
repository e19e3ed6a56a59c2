# SPDX-License-Identifier: MIT
# The guest's initramfs, for its first few hundred milliseconds: busybox, the modules for 9p, one
# script.
# shellcheck shell=bash disable=SC2153,SC2034

INITRAMFS_MODULES=(virtio_pci virtio_mmio virtio_console virtio_rng 9pnet_virtio 9p overlay)

# Lists modules and their dependencies in load order (modules.dep has the nearest first).
module_files() {
	local kernel=$1
	shift
	awk -v wanted="$*" '
		function base(path) { sub(/.*\//, "", path); sub(/\.ko.*/, "", path)
			gsub(/-/, "_", path); return path }
		{ sub(/:$/, "", $1); line[base($1)] = $0 }
		END {
			n = split(wanted, want, " ")
			for (i = 1; i <= n; i++) {
				m = split(line[want[i]], file, " ")
				for (j = m; j >= 1; j--) if (!seen[file[j]]++) print file[j]
			}
		}' "$ROOT/usr/lib/modules/$kernel/modules.dep"
}

# Sets INITRAMFS to the part that depends on nothing but the kernel.
make_initramfs() {
	INITRAMFS=$CACHE/initramfs-$KERNEL-$(declare -p INITRAMFS_MODULES ROOT | hash_of)
	[[ -s $INITRAMFS ]] && return
	quietly initramfs build_initramfs "$CACHE/.initramfs.$$" || die "could not make the initramfs"
	rm -rf "$CACHE"/.initramfs.*
}

build_initramfs() {
	local dir=$1 file name
	rm -rf "$CACHE"/.initramfs.* "$CACHE/initramfs-$KERNEL-"*
	mkdir -p "$dir"/{bin,modules,proc,sys,dev,lower,upper,root,lab}
	cp "$ROOT/usr/bin/busybox" "$dir/bin/"
	ln -s busybox "$dir/bin/sh"
	module_files "$KERNEL" "${INITRAMFS_MODULES[@]}" | while read -r file; do
		name=${file##*/}
		name=${name%%.ko*}.ko
		case $file in
		*.xz) xz -dc "$ROOT/usr/lib/modules/$KERNEL/$file" ;;
		*) cat "$ROOT/usr/lib/modules/$KERNEL/$file" ;;
		esac >"$dir/modules/$name"
		echo "$name" >>"$dir/modules/order"
	done
	pack_cpio "$dir" >"$INITRAMFS.new"
	mv "$INITRAMFS.new" "$INITRAMFS"
}

# Uses busybox's cpio, so the host needs none.
pack_cpio() {
	(cd "$1" && find . -mindepth 1 | "$ROOT/usr/bin/busybox" cpio -o -H newc -R 0:0 2>/dev/null)
}
