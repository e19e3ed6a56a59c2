#!/bin/bash
# SPDX-License-Identifier: MIT
# site.sh BUILD ARTEFACTS: the target docs makes the site, in which every link leads somewhere (docs/site/build.py looks), and
# everything that has to be there is. Where there is a browser, ARTEFACTS gets pictures of some pages, for people to look at; a
# picture of a page that is empty would be smaller.
set -euo pipefail

BUILD=$1 ARTEFACTS=$2
SITE=$BUILD/site
cmake --build "$BUILD" --target docs
for page in index.html style.css docs/hardware.html docs/troubleshooting.html docs/data-path.svg man/index.html \
	man/devmem_wait.3.html man/devmem.7.html man/devmemctl.1.html include/devmem/devmem.h.html NEWS.html; do
	[[ -s $SITE/$page ]] || { echo "$page is not in the site" && exit 1; }
done
grep -q 'href="../docs/[a-z-]*.html"' "$SITE/man/devmem_wait.3.html" || { echo "a manual page has no index" && exit 1; }
! grep -rlE 'href="[^":]*\.md[#"]' "$SITE" || { echo "these lead to Markdown" && exit 1; }

browser=$(command -v chromium || command -v google-chrome || true)
[[ $browser ]] || { echo "no browser (Debian: chromium), so no pictures" && exit 0; }
mkdir -p "$ARTEFACTS"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
for page in index docs/scaling man/devmem_wait.3; do
	picture=$ARTEFACTS/$(basename "$page").png
	rm -f "$picture"
	timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$profile" \
		--window-size=1280,1400 --screenshot="$picture" "file://$SITE/$page.html" >"$profile/log" 2>&1 ||
		{ cat "$profile/log" && exit 1; }
	(($(stat -c %s "$picture") > 50000)) || { echo "$picture shows next to nothing" && exit 1; }
	echo "$picture"
done
