#!/bin/bash
# SPDX-License-Identifier: MIT
# messages.sh ENGINE: 10,000 messages of random sizes, with their lengths in front, from the far end into device memory: every byte
# is checked, and nearly all of them came without a copy. Runs in the lab.
set -euo pipefail

ENGINE=${1:?usage: messages.sh ENGINE}

fail() {
	echo "messages: $ENGINE: $*"
	cat /tmp/log
	exit 1
}

figure() {
	sed -n "s/.*\"$1\": \([0-9]*\),\?$/\1/p" /tmp/json
}

gpu_message_server --engine "$ENGINE" --verify --connections 1 --port 5202 --json /tmp/json --no-progress lab0 2>/tmp/log &
server=$!
until grep -q listening /tmp/log; do kill -0 $server && sleep 0.1; done
sent=$(ip netns exec far /build/examples/message_client --messages 10000 192.0.2.1 5202) || fail "the sender failed"
wait $server || fail "it ended with $?"
grep -q "\"engine\": \"$ENGINE\"" /tmp/json || fail "another engine"
grep -q "^messages  *10000 of ${sent#* messages of }, 0 wrong" /tmp/log || fail "not all came: $sent"
(($(figure tokens_outstanding) == 0)) || fail "fragments are out"
bytes=$(figure bytes)
(($(figure bytes_device) >= bytes * 9 / 10)) || fail "$(figure bytes_device) of $bytes bytes without a copy"
echo "== messages, engine $ENGINE: $sent, 0 wrong"
