#!/bin/bash
# SPDX-License-Identifier: MIT
# devmem-nc.sh PROGRAM HOSTILE: the tool without any privilege and on loopback, where the kernel copies: help, wrong arguments, both
# families, what is checked, what interrupts it. What it does on a NIC that can: tests/lab/nc_peers.sh.
set -euo pipefail

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/tool.sh"
# shellcheck disable=SC2034 # tool.sh shows them
HOSTILE=$2 PORT=0 LOGS=("$WORK/received" "$WORK/receiver")

# port_is STATE: of the port here, in hexadecimal; 0A: it listens.
port_is() {
	grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$PORT") [0-9A-F:]+ $1 " /proc/net/tcp /proc/net/tcp6
}

# A port that nobody has.
free_port() {
	PORT=$((20000 + RANDOM % 12000))
	! port_is .. || free_port
}

# until_it_listens PROCESS
until_it_listens() {
	local tries
	for tries in {1..500}; do
		! port_is 0A || return 0
		kill -0 "$1" 2>/dev/null || break
		sleep 0.02
	done
	fail "it does not listen ($tries tries)"
}

# receive ARGUMENT...: in the background, until it listens.
receive() {
	free_port
	# a shell has its background jobs ignore SIGINT
	"${UNPRIVILEGED[@]}" env --default-signal=INT "$PROGRAM" -f lo -e copy --buffer 4 -l -p $PORT "$@" >"$WORK/received" \
		2>"$WORK/receiver" &
	RECEIVER=$!
	until_it_listens $RECEIVER
}

# received STATUS
received() {
	local status=0
	wait $RECEIVER || status=$?
	((status == $1)) || fail "the receiver ended with $status instead of $1"
}

# lines WORD BYTES: what "yes WORD" says.
lines() {
	{ yes "$1" || true; } | head -c "$2"
}

wrong_arguments() {
	wrong '-f is missing'
	wrong '-p is missing' -f lo -l
	wrong 'no interface "nosuch0"' -f nosuch0 -l -p 1
	wrong 'no interface "a\?b"' -f $'a\033b' -l -p 1
	wrong 'there is no option -x' -f lo -x
	wrong '--nosuch cannot be used' -f lo --nosuch
	wrong '--bufer=3 cannot be used, did you mean --buffer\?' -f lo --bufer=3
	wrong '--port wants a value' -f lo --port
	wrong 'nosuch.invalid: ' -f lo -s nosuch.invalid -p 1 -4
	wrong 'not of the same family' -f lo -s ::1 -c 127.0.0.1 -p 1
	wrong 'cannot write the summary' -f lo -s ::1 -p 1 --json /nosuch/file
	wrong 'no backend "nosuch"|nosuch' -f lo -s ::1 -p 1 --backend nosuch
}

# Loopback cannot, and that is no success unless copying was allowed.
device_memory_or_nothing() {
	run 1 -f lo
	says "$ERR" 'cannot bind: .*lo|cannot bind: '
	run 1 -f lo -l -p 1 -e devmem
	says "$ERR" 'engine auto the kernel copies instead'
	run 1 -f lo -s ::1 -p 1 -e devmem </dev/null
	says "$ERR" 'engine auto the kernel copies instead'
	run 1 -f lo -s ::1 -p 1 -L </dev/null
	says "$ERR" '-L does not allow it'
	free_port
	run 1 -f lo -s ::1 -p $PORT </dev/null
	says "$ERR" 'bytes will be copied: '
	says "$ERR" "cannot connect to \[::1\]:$PORT: .*: nobody listens there"
}

# stream RECEIVER SENDER [ARGUMENT...]: what goes in comes out, by these addresses.
stream() {
	head -c 3000001 /dev/urandom >"$WORK/in"
	receive -s "$1" "${@:3}" --json "$WORK/r.json"
	run 0 -f lo -e copy --buffer 4 -s "$2" -p $PORT "${@:3}" --json "$WORK/s.json" <"$WORK/in"
	received 0
	cmp "$WORK/in" "$WORK/received" || fail "$1: something else came out"
	says "$WORK/r.json" '"bytes": 3000001,'
	says "$WORK/r.json" '"bytes_device": 0,'
	says "$WORK/s.json" '"bytes_sent_copied": 3000001,'
	says "$WORK/receiver" '^total_received=0$'
}

# Both families; a name; and everywhere, where either reaches it.
addresses() {
	stream 127.0.0.1 127.0.0.1
	stream ::1 ::1
	stream ::ffff:127.0.0.1 localhost -4
	head -c 1000 /dev/urandom >"$WORK/in"
	for address in 127.0.0.1 ::1; do
		receive
		run 0 -f lo -s $address -p $PORT <"$WORK/in"
		received 0
		cmp "$WORK/in" "$WORK/received" || fail "everywhere, $address: something else came out"
	done
}

pieces() {
	stream ::1 ::1 -z 3
	stream ::1 ::1 -z 1000
	stream ::1 ::1 -e syscall -m 1
}

# By pieces of a few bytes, as they are typed: none waits for the next.
as_it_is_typed() {
	receive -s ::1
	mkfifo "$WORK/typed"
	"${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s ::1 -p $PORT <"$WORK/typed" >/dev/null 2>&1 &
	exec 7>"$WORK/typed"
	for word in one two three; do
		echo $word >&7
		for _ in {1..500}; do
			! grep -q $word "$WORK/received" || break
			sleep 0.02
		done
		grep -q $word "$WORK/received" || fail "$word was not sent until more came"
	done
	exec 7>&-
	received 0
}

validation() {
	receive -s ::1 -v 7
	lines $'\1\2\3\4\5\6' 700000 | run 0 -f lo -e copy --buffer 4 -s ::1 -p $PORT
	received 0
	says "$WORK/received" '^Validated buffer$'
	receive -s ::1 -v 7 --json "$WORK/r.json"
	lines $'\1\2\3\4\5\7' 700000 | "${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s ::1 -p $PORT >/dev/null 2>&1 || true
	received 1
	says "$WORK/receiver" '^Failed validation: expected=6, actual=7, index=5$'
	says "$WORK/receiver" 'validation failed: .* the first at 5 of the stream'
	says "$WORK/r.json" '"ok": false'
	[[ ! -s $WORK/received ]] || fail "wrong bytes, and something on standard output"
	# the summary, and nothing else
	receive -s ::1 -v 7 --json -
	lines $'\1\2\3\4\5\6' 70 | run 0 -f lo -e copy --buffer 4 -s ::1 -p $PORT
	received 0
	[[ $(head -n 1 "$WORK/received") == '{' ]] || fail "not only the summary on standard output"
	# one byte of many
	receive -s ::1 -v 7
	{ lines $'\1\2\3\4\5\6' 350000 && printf '\1\2\3\4\5\7\n' && lines $'\1\2\3\4\5\6' 7000; } |
		run 0 -f lo -e copy --buffer 4 -s ::1 -p $PORT
	received 1
	says "$WORK/receiver" 'at least 1 are wrong, the first at 350005'
}

# both_in_the_middle SIGNAL STATUS: each end says how far it came, and its summary is whole.
both_in_the_middle() {
	local sender status=0
	receive -s ::1 --json "$WORK/r.json"
	rm -f "$WORK/half" && mkfifo "$WORK/half"
	"${UNPRIVILEGED[@]}" env --default-signal=INT "$PROGRAM" -f lo -e copy --buffer 4 -s ::1 -p $PORT --json "$WORK/s.json" \
		<"$WORK/half" >/dev/null 2>"$ERR" &
	sender=$!
	exec 7>"$WORK/half"
	head -c 5000 /dev/zero >&7
	until [[ $(wc -c <"$WORK/received") == 5000 ]]; do
		kill -0 $RECEIVER $sender || fail "an end is over before it was interrupted"
		sleep 0.02
	done
	kill "-$1" $RECEIVER
	received "$2"
	kill "-$1" $sender
	wait $sender || status=$?
	exec 7>&-
	# the receiver's end may have reached the sender before the signal
	((status == $2 || status == 1)) || fail "the sender ended with $status"
	says "$WORK/receiver" '^devmem-nc: ended by signal'
	says "$WORK/receiver" 'received: 0 bytes in device memory.* 4.9 KiB that came through'
	says "$WORK/r.json" '"bytes": 5000,'
	says "$ERR" 'sent: 0 bytes from device memory, 4.9 KiB copied'
	says "$WORK/s.json" '"bytes": 5000,'
	! command -v python3 >/dev/null || python3 -c 'import json, sys
for name in sys.argv[1:]:
	o = json.load(open(name))
	assert not o["ok"] and o["error"], o' "$WORK/r.json" "$WORK/s.json" || fail "not the JSON that it should be"
}

# A signal ends it in order, with the number that shells give that.
interrupted() {
	receive -s ::1 --json "$WORK/r.json"
	kill -TERM $RECEIVER
	received 143
	says "$WORK/receiver" '^devmem-nc: ended by signal 15 \(Terminated\), before there was a connection$'
	says "$WORK/r.json" '"error": "ended by signal 15 .*"'
	says "$WORK/r.json" '"nic_restored": true'
	both_in_the_middle INT 130
	both_in_the_middle TERM 143
	# while it writes to somebody who does not read
	mkfifo "$WORK/slow"
	free_port
	"${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -l -p $PORT -s ::1 >"$WORK/slow" 2>"$WORK/receiver" &
	RECEIVER=$!
	exec 8<"$WORK/slow"
	until_it_listens $RECEIVER
	head -c 3000000 /dev/zero | "${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s ::1 -p $PORT >/dev/null 2>&1 &
	head -c 1 <&8 >/dev/null	# it has begun, and the pipe is filling
	kill -TERM $RECEIVER
	received 143
	exec 8<&-
	wait
	# to somebody who has gone
	receive -s ::1
	run 0 -f lo -e copy --buffer 4 -s ::1 -p $PORT </dev/null
	received 0
}

# Somebody who looks whether the port is open is not the sender; a signal that stops nothing, and a lack of descriptors, are no end.
others_come_first() {
	local fds=0
	head -c 300000 /dev/urandom >"$WORK/in"
	receive
	"$HOSTILE" reset $PORT 1
	until grep -q 'has not sent anything, and its connection is over' "$WORK/receiver"; do
		kill -0 $RECEIVER 2>/dev/null || fail "it ended with a connection that was reset"
		sleep 0.02
	done
	while [[ -e /proc/$RECEIVER/fd/$fds ]]; do
		fds=$((fds + 1))
	done
	prlimit --pid $RECEIVER --nofile=$fds:
	exec 9<>"/dev/tcp/127.0.0.1/$PORT"
	until grep -q 'cannot accept a connection now: Too many open files' "$WORK/receiver"; do
		kill -0 $RECEIVER 2>/dev/null || fail "it ended without descriptors"
		sleep 0.02
	done
	kill -STOP $RECEIVER
	kill -CONT $RECEIVER
	prlimit --pid $RECEIVER --nofile=1024:
	exec 9<&-
	run 0 -f lo -e copy --buffer 4 -s 127.0.0.1 -p $PORT <"$WORK/in"
	received 0
	cmp "$WORK/in" "$WORK/received" || fail "something else came out"
}

# ends_or WORDS: the receiver ends by itself, in 20 s, or they are the fault.
ends_or() {
	local tries
	for tries in {1..1000}; do
		kill -0 $RECEIVER 2>/dev/null || return 0
		sleep 0.02
	done
	kill $RECEIVER
	fail "$1 ($tries tries)"
}

# silent NUMBER: connections that send nothing, until they are there.
silent() {
	: >"$WORK/idle"		# what was told before is not told of these
	"$HOSTILE" idle $PORT "$1" >"$WORK/idle" &
	until grep -q idle "$WORK/idle"; do
		kill -0 $RECEIVER 2>/dev/null || fail "it ended with a connection that sends nothing"
		sleep 0.02
	done
}

# Whoever is silent holds up nobody: neither one, nor more than there is room for.
silent_strangers() {
	local strangers
	head -c 300000 /dev/urandom >"$WORK/in"
	for strangers in 1 12; do
		receive
		silent $strangers
		"${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s 127.0.0.1 -p $PORT <"$WORK/in" >/dev/null 2>&1 &
		ends_or "a sender is kept out by silent connections, $strangers of them"
		received 0
		cmp "$WORK/in" "$WORK/received" || fail "something else came out"
		says "$WORK/receiver" 'has not sent anything, and another one has: its connection is closed'
		wait
	done
	says "$WORK/receiver" 'has not sent anything, and too many others wait: its connection is closed'
}

# Who is silent for a while, and then sends, keeps the place in spite of those that come later and send nothing.
slow_to_begin() {
	receive
	rm -f "$WORK/slowly" && mkfifo "$WORK/slowly"
	"${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s 127.0.0.1 -p $PORT <"$WORK/slowly" >/dev/null 2>&1 &
	exec 7>"$WORK/slowly"
	until port_is 01; do
		sleep 0.02
	done
	"$HOSTILE" leave $PORT 1
	silent 1
	echo late >&7
	exec 7>&-
	ends_or "who came first and was slow has lost its place"
	received 0
	wait
	[[ $(cat "$WORK/received") == late ]] || fail "who came first and was slow has lost its place"
}

# Nobody reads any more: an error, and not the end of the program by SIGPIPE.
reader_is_gone() {
	local status
	free_port
	{
		"${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -l -p $PORT -s ::1 2>"$WORK/receiver" ||
			echo $? >"$WORK/status"
	} | true &
	until_it_listens $$
	head -c 300000 /dev/zero | "${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s ::1 -p $PORT >/dev/null 2>&1 || true
	wait
	status=$(cat "$WORK/status")
	((status == 1)) || fail "status $status with nobody to read"
	says "$WORK/receiver" 'cannot write to standard output: Broken pipe'
}

# Closed from the beginning: nothing else comes to lie there, and that is written into.
closed_descriptors() {
	local status=0
	free_port
	"${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -l -p $PORT -s ::1 2>"$WORK/receiver" >&- &
	RECEIVER=$!
	until_it_listens $RECEIVER
	echo something | "${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s ::1 -p $PORT >/dev/null 2>&1 || true
	received 1
	says "$WORK/receiver" 'cannot write to standard output: Bad file descriptor'
	receive -s ::1
	"${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s ::1 -p $PORT >"$OUT" 2>"$ERR" <&- || status=$?
	((status == 1)) || fail "status $status without standard input"
	says "$ERR" 'cannot read standard input: Bad file descriptor'
	received 0
}

# Who gave it to us does not want to wait for the reader; we do.
output_that_does_not_wait() {
	command -v python3 >/dev/null || { echo "standard output always waits: no python3 here"; return; }
	head -c 3000001 /dev/urandom >"$WORK/in"
	mkfifo "$WORK/busy"
	free_port
	python3 -c 'import os, sys; os.set_blocking(1, False); os.execv(sys.argv[1], sys.argv[1:])' "$PROGRAM" -f lo -e copy --buffer 4 -l \
		-p $PORT -s ::1 >"$WORK/busy" 2>"$WORK/receiver" &
	RECEIVER=$!
	exec 8<"$WORK/busy"
	until_it_listens $RECEIVER
	"${UNPRIVILEGED[@]}" "$PROGRAM" -f lo -e copy --buffer 4 -s ::1 -p $PORT <"$WORK/in" >/dev/null 2>&1 &
	head -c 1 <&8 >"$WORK/received"	# it has begun, and the pipe is filling
	cat <&8 >>"$WORK/received"
	exec 8<&-
	received 0
	wait
	cmp "$WORK/in" "$WORK/received" || fail "something else came out"
}

# A line now and then, and only there.
on_a_terminal() {
	command -v script >/dev/null || { echo "nothing is shown on a terminal: no script(1) here"; return; }
	receive -s ::1
	rm -f "$WORK/typed" && mkfifo "$WORK/typed"
	script -qec "'$PROGRAM' -f lo -e copy --buffer 4 -s ::1 -p $PORT <'$WORK/typed'" /dev/null </dev/null >"$OUT" &
	exec 7>"$WORK/typed"
	echo something >&7
	for _ in {1..600}; do
		! grep -q '10 bytes, .*/s, 0.0 % without a copy' "$OUT" || break
		sleep 0.1
	done
	exec 7>&-
	received 0
	wait
	says "$OUT" '10 bytes, .*/s, 0.0 % without a copy'
	! grep -q $'\r' "$WORK/receiver" || fail "progress where there is no terminal"
}

# In the place of ncdevmem: the lines that scripts look for.
by_the_other_name() {
	ln -sf "$PROGRAM" "$WORK/ncdevmem"
	free_port
	PROGRAM=$WORK/ncdevmem
	receive -s ::1 -v 7
	lines $'\1\2\3\4\5\6' 70000 | run 0 -f lo -e copy --buffer 4 -s ::1 -p $PORT
	received 0
	for line in '^using ifindex=[0-9]+$' '^Waiting or connection on ::1:[0-9]+$' '^Got connection from ::1:[0-9]+$' \
		'^received frag_page=.*, frag_size=[0-9]+, .*total_received=' '^ncdevmem: client exited$' '^total_received='; do
		says "$WORK/receiver" "$line"
	done
	says "$WORK/received" '^Validated buffer$'
	for line in '^Connect to ::1 [0-9]+ \(via lo\)$' '^sendmsg_ret=[0-9]+$' '^tx complete \[0,0\]$' '^ncdevmem: tx ok$'; do
		says "$ERR" "$line"
	done
}

for_programs() {
	command -v python3 >/dev/null || { echo "JSON is not parsed: no python3 here"; return; }
	python3 - "$WORK/s.json" "$WORK/r.json" <<-'END' || fail "not the JSON that it should be"
		import json, sys
		s, r = (json.load(open(name)) for name in sys.argv[1:])
		assert s["mode"] == "send" and s["ok"] and s["error"] is None and s["sends_outstanding"] == 0, s
		assert s["engine"] == "copy" and s["engine_reason"] and s["backend"], s
		assert r["mode"] == "receive" and r["nic_restored"] is True and r["tokens_outstanding"] == 0, r
	END
}

full_disk() {
	local status=0
	"$PROGRAM" --help >/dev/full 2>"$ERR" || status=$?
	((status == 1)) || fail "status $status though nothing could be written"
	says "$ERR" 'cannot write: No space left'
}

has_help_and_page
wrong_arguments
device_memory_or_nothing
addresses
pieces
for_programs
as_it_is_typed
validation
interrupted
others_come_first
silent_strangers
slow_to_begin
reader_is_gone
closed_descriptors
output_that_does_not_wait
on_a_terminal
full_disk
by_the_other_name
