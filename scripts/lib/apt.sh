# SPDX-License-Identifier: MIT
# The packages of this machine, and the archive that its apt uses.
# shellcheck shell=bash

installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# need_packages PACKAGE...: as root, installs those that are missing; otherwise says how, and exits.
need_packages() {
	local missing=() package
	command -v dpkg-query apt-get >/dev/null ||
		die "this machine has no apt: the lab needs Debian or Ubuntu"
	for package; do
		installed "$package" || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	if ((EUID)); then
		say "packages are missing; install them with this command, then start again:"
		printf '  sudo apt-get install --no-install-recommends %s\n' "${missing[*]}" >&2
		exit 2
	fi
	say "installing ${missing[*]}"
	apt_update_once
	quietly apt-install env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o Dpkg::Options::=--force-unsafe-io -o APT::Install-Recommends=false \
		install "${missing[@]}" ||
		die "apt-get could not install: ${missing[*]}"
}

apt_update_once() {
	[[ ${APT_UPDATED:-} ]] && return
	quietly apt-update env DEBIAN_FRONTEND=noninteractive apt-get -q update ||
		die "apt-get update failed"
	APT_UPDATED=1
}

# The Debian archive in apt's own lists; nothing if it has none.
mirror_from_lists() {
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null |
		awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# The first address that ends in /debian, in one-line or deb822 sources.
mirror_from_files() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
		sed 's/#.*//' | tr -s ' \t' '\n' |
		grep -E '^(http|https|file|mirror\+file):.*/debian/?$|^mirror\+file:.*debian' |
		head -n 1
}

# The Debian archive that this machine's apt uses; nothing if it uses none (Ubuntu).
debian_mirror() {
	local uri=${DEVMEM_MIRROR:-}
	[[ $uri ]] || uri=$(mirror_from_lists || true)
	[[ $uri ]] || uri=$(mirror_from_files || true)
	if [[ $uri == mirror+file:* ]]; then
		# Cloud images keep a list of mirrors in a file.
		uri=$(grep -oE '^(http|https|file):[^[:space:]]+' "${uri#mirror+file:}" | head -n 1)
	fi
	printf '%s' "${uri%/}"
}

debian_keyring() {
	local file
	for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
		if [[ -e $file ]]; then
			printf '%s' "$file"
			return
		fi
	done
	die "debian-archive-keyring is not installed"
}
