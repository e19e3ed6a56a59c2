#!/bin/bash
# SPDX-License-Identifier: MIT
# devmem-perf.sh PROGRAM HOSTILE: the tool without any privilege and on loopback, where the kernel copies: every mode and direction,
# bytes that are wrong, ends that go in the middle, and what is no client at all. On a NIC that can: tests/lab/perf.sh.
set -euo pipefail

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/tool.sh"
# shellcheck disable=SC2034 # tool.sh shows them
HOSTILE=$2 PORT=0 SERVER='' LOG=$WORK/server LOGS=("$WORK/server" "$WORK/dying")
trap 'kill $SERVER 2>/dev/null || true; rm -rf "$WORK"' EXIT

until_it_says() {
	local tries
	for tries in {1..500}; do
		! grep -qsE -- "$2" "$1" || return 0
		sleep 0.02
	done
	fail "nothing like \"$2\" in $1 ($tries tries)"
}

# Ports that nobody has.
free_ports() {
	PORT=$((20000 + 2 * (RANDOM % 6000)))
	! grep -qE "^ *[0-9]+: [0-9A-F]+:($(printf '%04X|%04X' $PORT $((PORT + 1)))) " /proc/net/tcp /proc/net/tcp6 || free_ports
}

# serve ARGUMENT...: in the background, until it listens.
serve() {
	free_ports
	rm -f "$LOG"
	"${UNPRIVILEGED[@]}" "$PROGRAM" server -m 4 -p $PORT "$@" >>"$LOG" 2>&1 &
	SERVER=$!
	until_it_says "$LOG" 'ready on port'
}

# served STATUS [SIGNAL]
served() {
	local status=0
	[[ ! ${2:-} ]] || kill "-$2" "$SERVER"
	wait "$SERVER" || status=$?
	SERVER=
	((status == $1)) || fail "the server ended with $status instead of $1"
}

client() {
	local want=$1 name=$2
	shift 2
	run "$want" client -m 4 -p $PORT --json "$WORK/$name.json" "$@"
}

wrong_arguments() {
	wrong 'the first word must be "server" or "client"'
	wrong 'an interface is missing' server
	wrong 'no interface "nosuch0"' server nosuch0
	wrong 'no interface "a\?b"' server $'a\033b'
	wrong '--directon cannot be used, did you mean --direction\?' client --directon tx lo ::1
	wrong '--once is for the server' client -1 lo ::1
	wrong '--time wants seconds' client -t x lo ::1
	wrong '--coalesce wants a number from 0 to 100000' client --coalesce 100001 lo ::1
	wrong 'more threads than connections' client -T 2 lo ::1
	wrong '--size wants a number of bytes.*not "1K,x"' client --size 1K,x lo ::1
	wrong '--size wants a number of bytes' client --size , lo ::1
	wrong 'at most 32 sizes' client --size "$(seq -s , 33)" lo ::1
	wrong '--corrupt wants --verify' client --corrupt 1 lo ::1
	wrong 'cannot write the figures' client --json /nosuch/file lo ::1
	run 1 server -e devmem lo
	says "$ERR" 'cannot bind'
	free_ports
	run 1 client -p $PORT -H ::1
	says "$ERR" "cannot connect to \[::1\]:$PORT: .*nobody listens"
	says "$ERR" 'is "devmem-perf server" running'
}

# Every byte is compared, and both ends have counted the same: or the client says so, and ends with 1.
modes() {
	local direction
	serve -e copy --progress lo
	for direction in to-server to-client both; do
		client 0 stream-$direction -n 3000001 -v -D $direction -c 3 -T 2 lo ::1
		client 0 messages-$direction -M messages -n 100K -v -D $direction lo 127.0.0.1
	done
	client 0 coalesced -n 3000001 -v -D both -c 8 --coalesce 2000 lo ::1
	client 0 rr -M rr -n 50K -l 100 -r 3000 -v -c 3 -T 2 -o 4 -e syscall lo ::1
	client 0 host -M rr -n 3200 --rate 500 -H --plot "$WORK/rr.svg" ::1
	client 0 timed -t 0.15 -w 0.05 -i 0.05 --progress --pin 0 lo ::1
	says "$ERR" '^ +[0-9.]+ s  in 0 bit/s, out '
	says "$OUT" '^to server +[0-9.]+ .?bit/s'
	client 0 copied -n 1M --plot "$WORK/stream.svg" lo ::1
	says "$OUT" "times from a send until this machine's kernel has copied it\)$"
	says "$OUT" "^WARNING: not zero-copy: the server's processor copied 1 MiB$"
	# a test of each size, and a table of all
	client 0 sweep -M rr -l 64,4K,64K -n 256K --plot "$WORK/sweep.svg" lo ::1
	says "$OUT" '^ +4 KiB .*bit/s .*bit/s .*s .*s +[0-9]+  no$'
	[[ $(grep -cE '^ +[0-9]+ (bytes|KiB) ' "$OUT") == 3 ]] || fail "not a line for each size"
	# more than anything can: what waits is late, and what was never sent is told
	client 0 overload -M rr -t 0.05 -w 0 --rate 1000000000 lo ::1
	says "$OUT" '^WARNING: [0-9]+ messages were due and were never sent'
}

# The wrong byte is found where it is, by whichever end gets it.
wrong_bytes() {
	local direction
	for direction in to-server to-client; do
		client 1 wrong -n 300K -v --corrupt 200000 -D $direction -e copy lo ::1
		says "$ERR" 'a wrong byte: byte 200000 of connection 0 is 0x'
	done
	client 1 wrong-rr -n 3K -v --corrupt 2000 -M rr -e copy lo ::1
	says "$ERR" 'a wrong byte: byte 2000 of connection 0 is 0x'
}

# dying ARGUMENT...: a client that goes on until it is ended, once it is at it.
dying() {
	rm -f "$WORK/dying"
	"${UNPRIVILEGED[@]}" "$PROGRAM" client -p $PORT -m 4 -t 100 -i 0.01 -w 0 --progress "$@" lo ::1 >"$WORK/died" 2>"$WORK/dying" &
	DYING=$!
	until_it_says "$WORK/dying" ' s  in '
}

# died STATUS
died() {
	local status=0
	wait "$DYING" 2>/dev/null || status=$?
	((status == $1)) || fail "the client ended with $status instead of $1"
}

# A client that is killed is no harm to the next; while it is served another is told to wait.
client_dies() {
	dying -D both
	client 1 busy -n 1K lo ::1
	says "$ERR" 'the server: a test is under way: try again'
	kill -KILL $DYING
	died 137
	until_it_says "$LOG" 'the client has gone'
	client 0 next -n 1M lo ::1
	# in order, by a signal
	dying -D both --json "$WORK/ended.json"
	kill -TERM $DYING
	died 143
	says "$WORK/died" '^ended by signal 15 \(Terminated\) after [0-9.]+ s: the figures are of this end alone$'
	says "$WORK/died" '^sent  .*[1-9].*bit/s, '
	says "$WORK/died" '^to client .*[1-9].*bit/s, '
	says "$WORK/died" '^client: lo, '
	until_it_says "$LOG" 'the client: it was ended by a signal'
	# before anything was measured
	: >"$LOG"
	"${UNPRIVILEGED[@]}" "$PROGRAM" client -p $PORT -m 4 -w 100 lo ::1 >"$WORK/died" 2>"$WORK/dying" &
	DYING=$!
	until_it_says "$LOG" 'a test of'
	kill -TERM $DYING
	died 143
	says "$WORK/dying" 'ended by signal 15 \(Terminated\), before anything was measured'
}

# talk TEXT ANSWER: whoever it is, it gets an answer, and the server goes on.
talk() {
	local answer
	exec 7<>"/dev/tcp/127.0.0.1/$PORT"
	printf '%b' "$1" >&7 2>/dev/null || true	# it may have heard enough
	answer=$(timeout 10 cat <&7 2>/dev/null | tr -d '\0') || true
	exec 7>&-
	[[ $answer == *"$2"* ]] || fail "\"$1\" was answered by \"$answer\""
}

strangers() {
	talk 'GET / HTTP/1.1\r\n\r\n' 'it is not devmem-perf'
	talk 'devmem-perf 9 test\n\n' 'another version'
	talk 'devmem-perf 1 go\n\n' 'must be the parameters'
	talk 'devmem-perf 1 test\nsize -1\n\n' 'damaged'
	talk "devmem-perf 1 test\n$(printf 'x %.0s' {1..3000})" 'its message is too long'
	exec 7<>"/dev/tcp/127.0.0.1/$PORT" 7>&-	# and one that goes without a word
	client 0 after -n 1M -e copy lo ::1
	served 143 TERM
}

# say_test CONNECTIONS BYTES: the parameters of a test.
say_test() {
	printf '%s\n' 'devmem-perf 1 test' 'mode 0' 'direction 0' 'size 1024' 'response 1024' 'depth 1' "connections $1" 'threads 1' \
		'time_ms 1000' 'warmup_ms 0' 'interval_ms 1000' "bytes $2" 'rate 0' 'verify 0' 'corrupt 18446744073709551615' ''
}

# hears WORDS: the one that talks on 7.
hears() {
	local answer
	answer=$(timeout 20 sed "/$1/q" <&7) || true
	[[ $answer == *"$1"* ]] || fail "instead of \"$1\" a client hears \"$answer\""
}

# Whoever does not go on is let go, at each step; the limits are of a whole step, and not of each byte.
clients_that_hold_it() {
	local peer
	serve -e copy --patience 0.5 --max-time 0.5 lo
	exec 7<>"/dev/tcp/127.0.0.1/$PORT"
	hears 'it did not send a message in time'
	"$HOSTILE" drip $PORT 1 'devmem-perf 1 test' >/dev/null	# it ends when it is let go
	exec 7<>"/dev/tcp/127.0.0.1/$PORT"
	say_test 1 0 >&7
	hears "does not allow so long a test"
	exec 7<>"/dev/tcp/127.0.0.1/$PORT"
	say_test 2 1024 >&7
	hears 'ready'
	exec 8<>"/dev/tcp/127.0.0.1/$((PORT + 1))"
	hears 'did not make its connections in the time'
	exec 7<>"/dev/tcp/127.0.0.1/$PORT" 8>&-
	say_test 1 1024 >&7
	hears 'ready'
	exec 8<>"/dev/tcp/127.0.0.1/$((PORT + 1))"
	hears 'attached'
	hears 'it did not send a message in time'
	exec 7<>"/dev/tcp/127.0.0.1/$PORT" 8>&-
	say_test 1 1024 >&7
	hears 'ready'
	exec 8<>"/dev/tcp/127.0.0.1/$((PORT + 1))"
	hears 'attached'
	printf 'devmem-perf 1 go\n\n' >&7
	hears 'did not end the test in the time'
	exec 7>&- 8>&-
	served 143 TERM
	# more than have a seat: a client that speaks at once is served at once
	serve -e copy --patience 100 lo
	"$HOSTILE" reset $PORT 50
	"$HOSTILE" drip $PORT 200 'devmem-perf 1 test' >"$WORK/drips" &
	peer=$!
	until_it_says "$WORK/drips" drips
	client 0 beside -n 1M lo ::1
	kill $peer
	served 143 TERM
}

server_dies() {
	serve -e copy lo
	dying
	served 143 TERM
	died 1
	says "$WORK/dying" 'the server: stopped by a signal|the server has gone'
	says "$LOG" '^received  .*bit/s, '	# its own summary
	serve -e copy --once lo
	client 0 once -n 1K lo ::1
	served 0
}

# What the server cannot do the client says, in its words.
server_cannot() {
	local files
	files=$(ulimit -S -n)
	ulimit -S -n 60
	serve -e copy lo
	ulimit -S -n "$files"
	client 1 too-many -n 100M -c 100 lo ::1
	says "$ERR" 'the server: the server cannot take that many connections'
	"$HOSTILE" idle $PORT 60 >"$WORK/idle" &
	until_it_says "$WORK/idle" idle
	client 0 enough -n 1M -c 3 lo ::1
	kill $!
	served 143 TERM
}

# As programs read it.
figures() {
	command -v python3 >/dev/null || { echo "no python3: figures and pictures were not read"; return; }
	python3 - "$WORK" <<-'END' || fail "what was written is not right"
	import glob, json, sys, xml.etree.ElementTree as xml
	work = sys.argv[1]
	def sums(name):
	    j = json.load(open(f'{work}/{name}.json'))
	    server, client = j['server'], j['client']
	    assert j['ok'] and j['error'] is None and j['nic_restored'], name
	    assert client['total_sent'] == server['total_received'] and server['total_sent'] == client['total_received'], name
	    assert not j['zero_copy'] and not server['zero_copy'] and server['bytes_device'] == 0, name
	    assert server['bytes_plain'] == server['bytes_received'], name
	    return j
	for path in glob.glob(work + '/*.json'):
	    json.load(open(path))
	for mode, n in ('stream', 3145728), ('messages', 102400):
	    for way in 'to-server', 'to-client', 'both':
	        j = sums(f'{mode}-{way}')
	        for key in ('to_server',) * (way != 'to-client') + ('to_client',) * (way != 'to-server'):
	            assert j[key]['bytes'] == n and j[key]['messages'] == n // j['test']['size'], (mode, way, j[key])
	        sender = j['client'] if way != 'to-client' else j['server']
	        assert sender['latency_ns']['count'] == n // j['test']['size'] and sender['latency_ns']['of'] == 'send-completion'
	        assert sum(p['messages'] for p in sender['intervals']) == n // j['test']['size'] or way == 'both'
	j = sums('rr')
	assert j['to_server']['bytes'] == 51200 and j['to_client']['bytes'] == 512 * 3000
	l = j['client']['latency_ns']
	assert l['count'] == 512 and l['of'] == 'round-trip'
	assert 0 < l['min'] <= l['p50'] <= l['p90'] <= l['p99'] <= l['p999'] <= l['p9999'] <= l['max']
	assert len(j['client']['threads']) == 2 and sum(t['bytes_received'] for t in j['client']['threads']) == 512 * 3000
	j = sums('host')
	assert j['client']['interface'] is None and j['client']['latency_ns']['count'] == 50
	j = sums('timed')
	assert j['client']['threads'][0]['cpu'] == 0 and j['server']['threads'][0]['cpu'] is None and j['client']['intervals']
	assert sums('overload')['client']['unsent'] > 0
	j = json.load(open(work + '/wrong.json'))
	assert not j['ok'] and 'a wrong byte' in j['error'] and 'client' not in j
	j = json.load(open(work + '/ended.json'))
	assert not j['ok'] and j['error'] == 'a signal ended it' and 'server' not in j
	assert j['client']['nanoseconds'] > 0 and j['client']['bytes_sent'] > 0 and j['client']['unsent'] == 0
	j = json.load(open(work + '/rr.json'))
	assert j['server']['copied_connections'] == j['client']['copied_connections'] == j['test']['connections'], j
	j = json.load(open(work + '/sweep.json'))
	assert j['ok'] and [t['test']['size'] for t in j['tests']] == [64, 4096, 65536], j
	assert all(t['ok'] and t['to_server']['bytes'] == t['to_client']['bytes'] == 262144 for t in j['tests'])
	words = [t.text for t in xml.parse(work + '/sweep.svg').getroot().iter('{http://www.w3.org/2000/svg}text')]
	assert '4 KiB' in words and 'size' in words and 'seconds' not in words, words
	assert any('requests of several sizes' in w for w in words), words
	for name in 'rr', 'stream':
	    svg = xml.parse(f'{work}/{name}.svg').getroot()
	    words = [t.text for t in svg.iter('{http://www.w3.org/2000/svg}text')]
	    assert svg.tag.endswith('svg') and 'Throughput' in words and 'seconds' in words and 'p99' in words, words
	    of = 'from request to response' if name == 'rr' else "from a send until this machine's kernel has copied it"
	    assert f'Latency, {of}' in words, words
	    assert any(w.endswith('bit/s') for w in words) and any(w.split()[-1] in ('ns', 'us', 'ms', 's') for w in words), words
	    assert any(w.startswith('server ::1: receives by engine copy') for w in words), words
	    assert any(w.startswith('client ') and w.endswith('retransmits') and ', kernel ' in w for w in words), words
	    assert any(w.endswith(' UTC') for w in words), words
	    lines = [p.get('d') for p in svg.iter('{http://www.w3.org/2000/svg}path') if p.get('stroke-width')]
	    assert len(lines) == (4 if name == 'rr' else 3) and not any('nan' in l or 'inf' in l for l in lines), lines
	END
}

has_help_and_page
wrong_arguments
modes
wrong_bytes
client_dies
strangers
clients_that_hold_it
server_dies
server_cannot
figures
echo "devmem-perf: help, wrong arguments, modes and directions, wrong bytes, both ends' deaths, strangers, figures"
