#!/bin/bash
# SPDX-License-Identifier: MIT
# example.sh EXAMPLES WITHOUT_URING [LOADER...]: the examples as they are, on this machine's loopback interface and without
# any capability: they copy; and where io_uring is refused, they do that by system calls. Same verified bytes, honest
# statistics, of who receives, who gathers, who sends and who echoes. LOADER starts programs that were built for another system. What the same binary does on a bound queue:
# tests/lab/engines.sh.
set -euo pipefail

EXAMPLES=$1 WITHOUT_URING=$2 LOADER=("${@:3}")
SERVER_COMMAND=("${LOADER[@]}" "$EXAMPLES/gpu_recv_server")
EPOLL=("${LOADER[@]}" "$EXAMPLES/gpu_epoll_server")
NICS=("${LOADER[@]}" "$EXAMPLES/gpu_nics_server")
ECHO=("${LOADER[@]}" "$EXAMPLES/gpu_echo_server")
GATHER=("${LOADER[@]}" "$EXAMPLES/gpu_gather_server")
SENDER=("${LOADER[@]}" "$EXAMPLES/send_client")
REFUSED=("${LOADER[@]}" "$WITHOUT_URING")
CONNECTIONS=4 MIB=8 SERVER=''
WORK=$(mktemp -d)
trap '[[ ! $SERVER ]] || kill "$SERVER" 2>/dev/null || true; rm -rf "$WORK"' EXIT

fail() {
	echo "example: $*"
	cat "$WORK/log" "$WORK/sender" "$WORK/json" 2>/dev/null || true
	exit 1
}

UNPRIVILEGED=()
if ((EUID == 0)); then
	UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all)
	"${UNPRIVILEGED[@]}" grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status || fail "capabilities are left"
fi

# start PORT COMMAND...: the server, until it listens. 1: somebody else has the port.
start() {
	local port=$1
	shift
	"${UNPRIVILEGED[@]}" "$@" --connections $CONNECTIONS --buffer 8 --port "$port" --json "$WORK/json" \
		--no-progress lo >"$WORK/log" 2>&1 &
	SERVER=$!
	while kill -0 "$SERVER" 2>/dev/null; do
		! grep -qs listening "$WORK/log" || return 0
		sleep 0.05
	done
	grep -q 'in use' "$WORK/log" || fail "$* did not start"
	return 1
}

# ended NAME STATUS EXPECTED: "-": any.
ended() {
	[[ $3 == - || $2 == "$3" ]] || fail "the $1 ended with $2 instead of $3"
}

# exchange SENDER-STATUS SERVER-STATUS SENDER... -- SERVER...: the pattern, on four connections, from the one to the other.
exchange() {
	local sends=$1 serves=$2 port status=0 sender=()
	shift 2
	while [[ $1 != -- ]]; do
		sender+=("$1")
		shift
	done
	shift
	rm -f "$WORK"/*
	for ((port = 20000 + $$ % 10000; port < 65536; port += 1009)); do
		! start "$port" "$@" || break
	done
	timeout 30 "${UNPRIVILEGED[@]}" "${sender[@]}" --connections $CONNECTIONS --bytes "${MIB}M" 127.0.0.1 "$port" \
		>"$WORK/sender" 2>&1 || status=$?
	ended sender $status "$sends"
	status=0
	wait "$SERVER" || status=$?
	ended server $status "$serves"
}

# attached PID: has a connection been attached? Then a socket has two descriptors.
attached() {
	kill -0 "$1" 2>/dev/null || fail "the server has ended"
	[[ $(readlink "/proc/$1"/fd/* | grep '^socket' | sort | uniq -d) ]]
}

# lacks_a_descriptor COMMAND...: with a connection open, there is no descriptor to attach the next one with. That one is lost, with a
# sentence and a status, and others are served when there are some again; nothing is left, which valgrind says where there is one: the
# sanitizers take what main() still names for used.
lacks_a_descriptor() {
	local port status=0 fds=0 echo=()
	rm -f "$WORK"/*
	for ((port = 20000 + $$ % 10000; port < 65536; port += 1009)); do
		! start "$port" "$@" || break
	done
	exec 8<>"/dev/tcp/127.0.0.1/$port"
	echo "so that something is held" >&8
	until attached "$SERVER"; do
		sleep 0.05
	done
	while [[ -e /proc/$SERVER/fd/$fds ]]; do
		fds=$((fds + 1))
	done
	prlimit --pid "$SERVER" --nofile=$((fds + 1)):
	exec 9<>"/dev/tcp/127.0.0.1/$port"
	until grep -q ': a connection broke: cannot duplicate descriptor' "$WORK/log"; do
		kill -0 "$SERVER" 2>/dev/null || fail "the server has ended"
		sleep 0.05
	done
	prlimit --pid "$SERVER" --nofile=1024:
	exec 8<&- 9<&-
	[[ $* != *echo* ]] || echo=(--echo)
	timeout 30 "${SENDER[@]}" "${echo[@]}" --connections $((CONNECTIONS - 2)) --bytes 100K 127.0.0.1 "$port" >"$WORK/sender" 2>&1 ||
		fail "a client is not served after that"
	wait "$SERVER" || status=$?
	ended "server that lacked a descriptor" $status 1
}

# receive COMMAND...: from an ordinary sender.
receive() {
	exchange 0 0 "${SENDER[@]}" -- "$@" --verify
	sed -n 's/^engine *//p' "$WORK/log"
}

has() {
	grep -q "\"$1\": $2,\?$" "$WORK/json" || fail "$1 is not $2"
}

# copied ENGINE: what its figures must be.
copied() {
	has engine "\"$1\""
	has bytes $((CONNECTIONS * MIB << 20))
	has bytes_device 0
	has bytes_host $((CONNECTIONS * MIB << 20))
	has connections $CONNECTIONS
	has verified true
	has tokens_outstanding 0
	has release_operations 0
	has queues_used 0
	has page_size 0
	has nic_restored true
}

# sent_copied COMMAND...: from memory to memory; the sender says how.
sent_copied() {
	exchange 0 0 "$@" --device lo -- "${SERVER_COMMAND[@]}" --verify
	has verified true
	has bytes $((CONNECTIONS * MIB << 20))
	grep -q " 0.0 MiB sent from device memory, $((CONNECTIONS * MIB)).0 MiB copied on their way; engine copy: " \
		"$WORK/sender" || fail "the sender does not say how it sent"
}

# echoed SENDER... -- ECHO...: the same bytes come back, and all is accounted for.
echoed() {
	exchange 0 0 "$@"
	has bytes $((CONNECTIONS * MIB << 20))
	has bytes_sent 0
	has bytes_sent_copied $((CONNECTIONS * MIB << 20))
	has connections $CONNECTIONS
	has sends_outstanding 0
	has tokens_outstanding 0
	has send_notices 0
	has tx_engine '"copy"'
	has nic_restored true
	sed -n 's/^engine *//p' "$WORK/log"
}

# state PID LETTER: until it is in that state: T, stopped; S, it sleeps.
state() {
	until grep -q "^State:.*$2" "/proc/$1/status"; do
		kill -0 "$1" 2>/dev/null || fail "a program has ended"
		sleep 0.01
	done
}

# The receiver is stopped, so that the sender waits; it is stopped and goes on, more than once, and so does the receiver.
stops_and_goes_on() {
	local port sender status=0 MIB=16
	rm -f "$WORK"/*
	for ((port = 20000 + $$ % 10000; port < 65536; port += 1009)); do
		! start "$port" "${SERVER_COMMAND[@]}" --verify || break
	done
	kill -STOP "$SERVER"
	state "$SERVER" T
	"${UNPRIVILEGED[@]}" "${SENDER[@]}" --device lo --connections $CONNECTIONS --bytes "${MIB}M" 127.0.0.1 "$port" >"$WORK/sender" 2>&1 &
	sender=$!
	until [[ $(readlink "/proc/$sender"/fd/* | grep -c '^socket') -ge $((2 * CONNECTIONS)) ]]; do
		kill -0 $sender 2>/dev/null || fail "the sender has ended"
		sleep 0.02
	done
	for _ in 1 2 3; do
		state $sender S
		kill -STOP $sender
		state $sender T
		kill -CONT $sender
	done
	kill -CONT "$SERVER"
	wait $sender || fail "the sender ended with $? after SIGCONT"
	wait "$SERVER" || status=$?
	ended server $status 0
	has verified true
}

# The sender is there before its receiver, and tries again until somebody listens.
waits_for_its_receiver() {
	local port sender status=0
	rm -f "$WORK"/*
	for ((port = 20000 + $$ % 10000; port < 65536; port += 1009)); do
		"${SENDER[@]}" --wait --connections $CONNECTIONS --bytes 100K 127.0.0.1 "$port" >"$WORK/sender" 2>&1 &
		sender=$!
		state $sender S
		! start "$port" "${SERVER_COMMAND[@]}" --verify || break
		kill $sender
	done
	wait $sender || fail "the sender that waits ended with $?"
	wait "$SERVER" || status=$?
	ended server $status 0
	has verified true
}

[[ $("${REFUSED[@]}" EPERM /bin/sh -c 'echo runs') == runs ]] || fail "no policy can be set"
if "${SERVER_COMMAND[@]}" --engine devmem --port $((10000 + $$ % 10000)) lo >"$WORK/log" 2>&1; then
	fail "engine devmem was not refused on loopback"
fi
grep -q 'bind: lo cannot receive into device memory' "$WORK/log" || fail "the refusal does not say why"

receive "${SERVER_COMMAND[@]}"
if grep -q '"engine": "syscall"' "$WORK/json"; then
	grep -q 'io_uring' "$WORK/log" || fail "io_uring is not there, and it does not say so"
	echo "this machine has no io_uring: engine copy is not shown by itself"
	copied syscall
else
	copied copy
fi
for refusal in EPERM ENOSYS; do
	receive "${REFUSED[@]}" $refusal "${SERVER_COMMAND[@]}"
	copied syscall
done

receive "${EPOLL[@]}"
has engine '"\(copy\|syscall\)"'
has connections $CONNECTIONS
has verified true
has bytes $((CONNECTIONS * MIB << 20))
has tokens_outstanding 0
receive "${REFUSED[@]}" EPERM "${EPOLL[@]}"
copied syscall
exchange 0 1 "${SENDER[@]}" --corrupt -- "${EPOLL[@]}" --verify
echo "received in an epoll loop"

# all_nics NAME: of two, added up.
all_nics() {
	cat "$WORK"/json.0 "$WORK"/json.1 | awk -v name="\"$1\":" '$1 == name { n += $2 } END { print n }'
}

# lo twice: who takes which connection is the kernel's choice
receive "${NICS[@]}" lo
[[ $(all_nics bytes) == $((CONNECTIONS * MIB << 20)) && $(all_nics connections) == "$CONNECTIONS" ]] || fail "two NICs: bytes are missing"
[[ $(cat "$WORK"/json.[01] | grep -c '"verified": \(true\|null\)') == 2 ]] || fail "two NICs: not verified"
receive "${REFUSED[@]}" ENOSYS "${NICS[@]}" lo lo
exchange 0 1 "${SENDER[@]}" --corrupt -- "${NICS[@]}" lo --verify
if timeout 10 "${NICS[@]}" lo nosuch --port $((10000 + $$ % 10000)) >"$WORK/log" 2>&1; then fail "a NIC that is not there"; fi
grep -q 'nosuch: there is no interface' "$WORK/log" || fail "a NIC that is not there has no reason"
echo "received on several NICs"

# 8 MiB are 81 messages of 100 KiB and a short one
exchange 0 0 "${SENDER[@]}" -- "${GATHER[@]}" --verify --message 100
has verified true
grep -q "gathered     $((CONNECTIONS * 82)) messages" "$WORK/log" || fail "it does not say how many messages it gathered"
exchange 0 0 "${SENDER[@]}" -- "${REFUSED[@]}" EPERM "${GATHER[@]}" --verify --message 64
has verified true
exchange 0 1 "${SENDER[@]}" --corrupt -- "${GATHER[@]}" --verify
# each is longer than the buffer that it comes into
MIB=16 exchange 0 0 "${SENDER[@]}" -- "${GATHER[@]}" --verify --message 24576
has verified true
echo "gathered: by the processor"

sent_copied "${SENDER[@]}"
sent_copied "${SENDER[@]}" --engine syscall
sent_copied "${REFUSED[@]}" EPERM "${SENDER[@]}"
exchange 0 1 "${SENDER[@]}" --device lo --corrupt -- "${SERVER_COMMAND[@]}" --verify
if "${SENDER[@]}" --device lo --engine devmem 127.0.0.1 9 >"$WORK/sender" 2>&1; then
	fail "the sender's engine devmem was not refused on loopback"
fi
grep -q '\(lo: the kernel does not bind\|memory of backend\|this kernel cannot send\)' "$WORK/sender" || fail "the sender's refusal does not say why"
stops_and_goes_on
waits_for_its_receiver
echo "sent from device memory: copied on loopback"

echoed "${SENDER[@]}" --echo -- "${ECHO[@]}"
echoed "${SENDER[@]}" --echo --device lo -- "${ECHO[@]}" --sends 2
echoed "${SENDER[@]}" --echo --device lo -- "${REFUSED[@]}" EPERM "${ECHO[@]}" --sends 2
echoed "${REFUSED[@]}" ENOSYS "${SENDER[@]}" --echo --device lo -- "${REFUSED[@]}" ENOSYS "${ECHO[@]}"
exchange 1 - "${SENDER[@]}" --echo --corrupt -- "${ECHO[@]}"
exchange 1 - "${SENDER[@]}" --echo --corrupt --device lo -- "${ECHO[@]}"
grep -q 'what came back: it is not what was sent' "$WORK/sender" || fail "the sender does not say what is wrong"
echo "echoed: copied on loopback"

VALGRIND=(valgrind --quiet --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=99)
if ((${#LOADER[@]})) || grep -q '__[at]san_init' "${SERVER_COMMAND[-1]}" ||
	! "${VALGRIND[@]}" "${SERVER_COMMAND[@]}" --help >/dev/null 2>&1; then
	VALGRIND=()	# none, or not for programs with a sanitizer or of another system
fi
for server in "${SERVER_COMMAND[-1]}" "${ECHO[-1]}" "${GATHER[-1]}"; do
	lacks_a_descriptor "${VALGRIND[@]}" "${LOADER[@]}" "$server"
done
echo "went on after a lack of descriptors${VALGRIND[0]:+, and left nothing}"

# A signal before anybody came: nothing was verified, and nothing is wrong.
rm -f "$WORK"/*
for ((port = 20000 + $$ % 10000; port < 65536; port += 1009)); do
	! start "$port" "${SERVER_COMMAND[@]}" --verify || break
done
kill "$SERVER"
wait "$SERVER" || fail "it ended with $? though nothing came"
grep -q '^verified     nothing: no byte came$' "$WORK/log" || fail "it says something else than that nothing came"
has verified null
