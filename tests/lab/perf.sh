#!/bin/bash
# SPDX-License-Identifier: MIT
# devmem-perf on a NIC that can, in the guest: every engine, mode and direction without a copied byte, threads and queues, what
# copies and says so, ends that go in the middle; and after each the NICs are as they were.
set -euo pipefail

NEAR=2001:db8:1ab::1 NEAR4=192.0.2.1	# lab0
WORK=$(mktemp -d)
LOG=$WORK/server OUT=$WORK/client JSON=$WORK/json
SERVER=

fail() {
	tail -n 30 "$LOG" "$OUT" 2>/dev/null || true
	echo "perf: $*"
	exit 1
}

settings() {
	/devmem/lab/guest/nic-view near
	/devmem/lab/guest/nic-view far
}

as_before() {
	local now
	now=$(settings)
	[[ $now == "$BEFORE" ]] || fail "$1: a NIC is not as it was: $(diff <(echo "$BEFORE") <(echo "$now"))"
}

serve() {
	rm -f "$LOG" "$OUT" "$JSON"
	timeout 120 devmem-perf server "$@" >"$LOG" 2>&1 &
	SERVER=$!
	until_it_says "$LOG" 'ready on port'
}

until_it_says() {
	local tries
	for tries in {1..600}; do
		! grep -qsE -- "$2" "$1" || return 0
		sleep 0.1
	done
	fail "nothing like \"$2\" in $1 ($tries tries)"
}

served() {
	local status=0
	wait "$SERVER" || status=$?
	((status == $1)) || fail "the server ended with $status instead of $1"
}

client() {
	ip netns exec far timeout 120 devmem-perf client --json "$JSON" "$@" >"$OUT" 2>&1 || fail "client $* ended with $?"
}

# holds CONDITION...: of the figures, as Python reads them.
holds() {
	python3 - "$JSON" "$@" <<-'END' || fail "$* does not hold"
	import json, sys
	j = json.load(open(sys.argv[1]))
	server, client = j['server'], j['client']
	for condition in sys.argv[2:]:
	    if not eval(condition):
	        sys.exit(f'{condition}: {json.dumps({k: v for k, v in server.items() if k != "intervals"}, indent=1)}')
	END
}

# between SERVER-OPTIONS CLIENT-OPTIONS CONDITION...: a test, and afterwards all is as before.
between() {
	local what
	# shellcheck disable=SC2086 # they are several words
	serve --once $1 lab0
	# shellcheck disable=SC2086
	client $2
	served 0
	holds "j['ok'] and j['nic_restored']" "${@:3}"
	as_before "$1 and $2"
	what=$(sed -n '2,4p' "$OUT" | grep -E '^(to|latency)' | cut -c1-100 | tr '\n' ';')
	echo "== server $1, client $2: $what"
}

BEFORE=$(settings)
NONE_COPIED="j['zero_copy'] and j['bytes_copied'] == 0"
ALL_BY_NIC="server['bytes_device'] == server['bytes_received'] == 33554432 == client['bytes_sent_device']"

# ------------------------------------------------------------------------------------ streams

for engine in devmem zcrx; do
	between "-e $engine" "-e devmem -n 32M lab1 $NEAR" "$NONE_COPIED" "$ALL_BY_NIC" "server['engine'] == '$engine'" \
		"client['tx_engine'] == 'devmem'" "server['fragments'] >= server['descriptors'] > 0" \
		"server['queues'] == 1 and server['page_size'] >= 4096" "server['pools'] == 1 and server['pool_pages'] > 0"
	between "-e $engine" "-e devmem -n 4M -v -c 3 lab1 $NEAR4" "$NONE_COPIED" "server['bytes_device'] == 4194304"
done
holds "server['enter_calls'] > 0"
between "-e devmem -b 4096" "-e devmem -n 32M lab1 $NEAR" "$NONE_COPIED" "$ALL_BY_NIC" "server['page_size'] == 4096" \
	"server['release_operations'] > 0 and server['fragments_per_release'] > 2" "server['fragments_per_descriptor'] > 1"

# From the server's device memory, into the client's.
between "-e devmem" "-e devmem -n 8M -v -D to-client lab1 $NEAR" "$NONE_COPIED" "client['bytes_device'] == 8388608" \
	"server['bytes_sent_device'] == 8388608 and server['engine'] is None"
between "-e devmem" "-e zcrx -n 8M -v -D both lab1 $NEAR" "$NONE_COPIED" "client['engine'] == 'zcrx'" \
	"server['bytes_device'] == client['bytes_device'] == 8388608"

# ------------------------------------------------------------------------------------ threads and queues

between "-e devmem -q 2" "-e devmem -n 16M -c 8 -T 2 lab1 $NEAR" "$NONE_COPIED" "server['queues'] == 2" \
	"len(server['threads']) == 2 and all(t['bytes_received'] == 8388608 for t in server['threads'])"
between "-e zcrx" "-e devmem -n 16M -c 4 -T 2 lab1 $NEAR" "$NONE_COPIED" "server['queues'] == 2" \
	"all(t['bytes_received'] == 8388608 for t in server['threads'])"

# ------------------------------------------------------------------------------------ messages

between "-e devmem" "-e devmem -M rr -l 4K -n 800K lab1 $NEAR" "$NONE_COPIED" "client['latency_ns']['count'] == 200" \
	"j['to_client']['messages'] == 200 and client['latency_ns']['of'] == 'round-trip'"
between "-e devmem" "-e devmem -M rr -n 100K -v -o 4 -c 2 --rate 2000 lab1 $NEAR" "$NONE_COPIED" \
	"client['latency_ns']['count'] == 1600 and server['bytes_device'] == 102400 == client['bytes_device']"
between "-e devmem" "-e devmem -M messages -n 1M -l 1K -v lab1 $NEAR" "$NONE_COPIED" "j['to_server']['messages'] == 1024"

# ------------------------------------------------------------------------------------ what copies says so

between "-e devmem" "-H -n 8M -v $NEAR" "not j['zero_copy'] and server['zero_copy'] and not client['zero_copy']" \
	"server['bytes_device'] == 8388608 and client['bytes_sent_copied'] == 8388608"
grep -q "^WARNING: not zero-copy: the client's processor copied 8 MiB, since it was run with --host-memory" "$OUT" ||
	fail "the client's copies, and no warning"
/devmem/lab/guest/nic-fault nosplit_every 3
serve --once -e devmem lab0
client -e devmem -n 8M -v lab1 $NEAR
served 0
/devmem/lab/guest/nic-fault nosplit_every 0
holds "not j['zero_copy'] and not server['zero_copy'] and client['zero_copy']" "server['bytes_linear'] > 0" \
	"server['bytes_device'] > 0 and server['bytes_device'] + server['bytes_linear'] == 8388608"
grep -q "^WARNING: not zero-copy: the server's processor copied" "$OUT" || fail "the server's copies, and no warning"
as_before "packets that were not split"
echo "== bytes of packets that were not split are counted, and there is a warning"

# ------------------------------------------------------------------------------------ in the middle

# dies SIGNAL: the client does, and the next one is served.
dies() {
	ip netns exec far timeout 120 devmem-perf client -e devmem -t 100 -w 0 -i 0.1 --progress -D both lab1 $NEAR >"$OUT" 2>&1 &
	until_it_says "$OUT" ' s  in '
	ip netns pids far | xargs kill "-$1"
	wait $! || true
	until_it_says "$LOG" "$2"
}

serve -e devmem lab0
dies TERM 'the client: it was ended by a signal'
as_before "a client ended by SIGTERM"
dies KILL 'the client has gone'
ip netns exec far devmem-perf client -H -n 1M -v $NEAR >"$OUT" 2>&1 || fail "nobody is served after a client was killed"
ip netns exec far devmemctl restore lab1 >"$OUT" 2>&1 || fail "what the killed client left cannot be undone"
as_before "a killed client"
ip netns exec far timeout 120 devmem-perf client -e devmem -t 100 -w 0 -i 0.1 --progress lab1 $NEAR >"$OUT" 2>&1 &
CLIENT=$!
until_it_says "$OUT" ' s  in '
pkill -TERM -P $SERVER devmem-perf
served 143
! wait $CLIENT || fail "the server was ended, and the client is content"
as_before "a server ended by SIGTERM"
echo "== clients and a server that ended in the middle: the next is served, the NICs are as they were"
