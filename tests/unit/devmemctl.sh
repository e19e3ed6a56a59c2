#!/bin/bash
# SPDX-License-Identifier: MIT
# devmemctl.sh PROGRAM WITHOUT_URING: the tool without any privilege and without a NIC for it: help, wrong arguments, the reason why
# loopback cannot, output for programs. What it finds on a NIC that can: tests/lab/doctor.sh.
set -euo pipefail

PROGRAM=$1 WITHOUT=$2
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
export TERM=xterm

UNPRIVILEGED=()
if ((EUID == 0)); then
	UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all)
fi

fail() {
	echo "devmemctl: $*"
	tail -n 40 "$WORK/out" "$WORK/err" 2>/dev/null || true
	exit 1
}

# run STATUS ARGUMENT...: what it prints goes to two files.
run() {
	local want=$1 status=0
	shift
	"${UNPRIVILEGED[@]}" "$PROGRAM" "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
	((status == want)) || fail "$*: status $status instead of $want"
	! grep -q $'\033' "$WORK/out" "$WORK/err" || fail "$*: colours, and this is no terminal"
}

says() {
	grep -qE -- "$2" "$WORK/$1" || fail "nothing like \"$2\""
}

# wrong WORDS ARGUMENT...: status 2, and one line that says what to do.
wrong() {
	local words=$1
	shift
	run 2 "$@"
	says err "$words"
	[[ ! -s $WORK/out && $(wc -l <"$WORK/err") == 1 ]] || fail "$*: not one line on standard error"
}

helps() {
	local verb verbs
	run 0 --help
	mapfile -t verbs < <(sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' "$WORK/out")
	((${#verbs[@]})) || fail "no verbs"
	for verb in "${verbs[@]}"; do
		run 0 "$verb" --help
		says out "^usage: devmemctl $verb "
		says out '^Exit status: '
		run 0 "$verb" -h
		wrong "$verb --help" "$verb" --no-such-option
		wrong 'no interface.* "nosuch0"' "$verb" nosuch0
	done
	run 0 --version
	says out '^devmemctl [0-9]+\.[0-9]+\.[0-9]+$'
}

wrong_arguments() {
	wrong 'the verb is missing: see "devmemctl --help"'
	wrong 'nosuch is not a verb: see "devmemctl --help"' nosuch
	wrong 'a\?b is not a verb' $'a\033b'
	wrong 'docter is not a verb: did you mean "devmemctl doctor"\?' docter
	wrong 'feat is not a verb: did you mean "devmemctl features"\?' feat
	wrong '--bufer=8 cannot be used here: did you mean --buffer\?' doctor --bufer=8 lo
	wrong 'there is no option -x' doctor -x
	wrong 'completions are for bash and zsh' completion fish
	wrong 'name of an interface is missing' plan
	wrong '"b" is one more' doctor a b
	wrong 'there is no option -z' doctor -z
	wrong '--queues cannot be used here' doctor --queues
	wrong '--buffer wants a value' doctor --buffer
	wrong '"x"' plan --queues x lo
	wrong '"0"' doctor --buffer 0 lo
	wrong '"-1"' plan --connections=-1 lo
	wrong '"99999999999999999999"' doctor --buffer 99999999999999999999 lo
	wrong '"64KB"' plan --message 64KB lo
	wrong 'no backend "nosuch"' doctor --backend nosuch lo
	wrong '--queues cannot be used here' restore --queues
}

# loopback can never do it: no advice about the machine, its memory or privileges is given, as none would help.
loopback() {
	run 1 doctor lo
	says out '^problem  driver +it has no driver that could bind device memory -> use '
	says out '^ok       copying +programs receive on it all the same'
	says out '^lo cannot receive into device memory, whatever is changed$'
	[[ $(grep -c '^problem ' "$WORK/out") == 1 ]] || fail "more than the driver is in the way of loopback"
	! grep -qE '^[a-z]+ +(udmabuf|dma-heap|memory|huge pages|privileges) ' "$WORK/out" || fail "advice that does not help"
	run 1 plan lo
	says err 'lo: cannot read the ring sizes \("ethtool -g lo"\)'
}

# todo CHECK: what is said to do about it.
todo() {
	sed -nE "s/^(warning|problem) +$1 .* -> //p" "$WORK/out"
}

machine() {
	run 1 doctor
	says out '^ok       kernel |^problem  kernel '
	says out '^problem  privileges .*CAP_NET_ADMIN.* -> |^problem  kernel '
	says out '^cannot   lo: '
	[[ $(grep -cE '^(warning|problem) ' "$WORK/out") == $(grep -cE '^(warning|problem) .* -> .' "$WORK/out") ]] ||
		fail "something is wrong, and nothing said about what to do"
	# neither backend is the way out of the other's absence
	[[ $(todo udmabuf) != *dma-heap* && $(todo dma-heap) != *udmabuf* ]] || fail "they advise each other"
	[[ -e /dev/udmabuf || -e /dev/dma_heap ]] || [[ $(todo memory) == 'modprobe udmabuf' ]] || fail "no way out of no memory"
	run 1 doctor --backend shm
	says out '^problem  shm .*no NIC can write to'
	[[ -e /dev/udmabuf || -e /dev/dma_heap ]] || says out 'shm .* -> modprobe udmabuf, and --backend udmabuf$'
	! grep -qE '^[a-z]+ +(udmabuf|dma-heap) ' "$WORK/out" || fail "other backends than the one that was named"
}

show() {
	if grep -q '^problem  kernel ' "$WORK/doctor"; then
		run 1 show lo
		says err 'netlink'
	else
		run 0 show lo
		says out '^lo: driver none, up, MTU [0-9]+, header/data split unknown$'
	fi
}

# Whatever machine this is: shared memory works, and a device that is not there is missed.
backends() {
	run 0 backends
	says out '^works   shm +plain shared memory.*: [0-9]+ MiB are available; '
	says out '^works   import +memory that somebody else'
	[[ -e /dev/udmabuf ]] || says out '^cannot  udmabuf .*/dev/udmabuf is missing .*modprobe udmabuf'
	[[ -e /dev/dma_heap ]] || says out '^cannot  dma-heap .*CONFIG_DMABUF_HEAPS_SYSTEM'
	[[ -e /dev/dri ]] || says out '^cannot  drm .*(there is no card in /dev/dri|libdrm.so.2)'
	[[ $(grep -cE '^(works|cannot) ' "$WORK/out") == $(wc -l <"$WORK/out") ]] || fail "lines that say neither"
}

# Whatever machine this is: what only the library has a say in is there, and privileges are missing here.
features() {
	run 0 features
	says out '^works   copy +the kernel copies into a buffer'
	says out '^works   gather '
	says out '^cannot  devmem .*: (binding device memory needs CAP_NET_ADMIN|this kernel cannot receive into device memory: )'
	says out '^(works|cannot) +io_uring '
	[[ $(grep -cE '^(works|cannot) ' "$WORK/out") == $(wc -l <"$WORK/out") ]] || fail "lines that say neither"
	[[ $(grep -cE '^cannot .*: ' "$WORK/out") == $(grep -c '^cannot ' "$WORK/out") ]] || fail "no reason"
}

# Each of its calls is refused, in more ways than those that a kernel has: the line says what the library then does.
without_uring() {
	local call
	for call in 12:setup 1:enter 13:register; do
		"$WITHOUT" "$call" "$PROGRAM" doctor lo >"$WORK/out" 2>"$WORK/err" || true
		says out '^warning +io_uring .*io_uring.*; plain system calls are used instead'
	done
	says out '^warning +io_uring .* -> allow io_uring_setup, io_uring_enter and io_uring_register'
}

# Nothing to do, and something in the place of a journal that is none: it is told of, and the next time it is gone. What really is restored: tests/lab/test_journal.c.
restoring() {
	local netns
	netns=$(stat -Lc %i /proc/self/ns/net)
	run 0 restore --journal "$WORK/nowhere"
	says out '^nothing to put back$'
	mkdir "$WORK/run"
	run 0 restore --journal "$WORK/run" lo
	says out '^nothing to put back$'
	head -c 5000 /dev/zero >"$WORK/run/$netns-1.journal"
	run 1 restore --journal "$WORK/run" --json
	says err 'the journal was damaged.* kept as .*damaged-1'
	says out '"complete": false'
	[[ $(wc -c <"$WORK/run/$netns-1.damaged-1") == 5000 ]] || fail "what is no journal was not kept"
	run 0 restore --journal "$WORK/run" lo
	says out '^nothing to put back$'
	run 0 show --journal "$WORK/run" lo
	says out 'a damaged journal is kept as .*damaged-1'
	mkfifo -m 600 "$WORK/run/$netns-1.journal"
	run 1 restore --journal "$WORK/run" lo
	says err 'is not a regular file, so it is not a journal'
	run 0 show --journal "$WORK/run" lo
	says out 'is not a regular file, so it is not a journal'
}

for_programs() {
	command -v python3 >/dev/null || { echo "JSON is not parsed: no python3 here"; return; }
	run 1 doctor --json lo
	python3 - "$WORK/out" <<-'END' || fail "not the JSON that it should be"
		import json, sys
		o = json.load(open(sys.argv[1]))
		assert o["interface"] == "lo" and o["can"] is False, o
		assert {c["level"] for c in o["checks"]} <= {"ok", "warning", "problem"}, o
		assert all(c["check"] and c["fact"] for c in o["checks"]), o
		assert all(c["todo"] for c in o["checks"] if c["level"] != "ok"), o
	END
	run 1 doctor --json
	python3 - "$WORK/out" <<-'END' || fail "not the JSON that it should be"
		import json, sys
		o = json.load(open(sys.argv[1]))
		lo = [i for i in o["interfaces"] if i["interface"] == "lo"]
		assert o["interface"] is None and len(lo) == 1 and not lo[0]["can"] and lo[0]["todo"], o
	END
	run 0 backends --json
	python3 - "$WORK/out" <<-'END' || fail "not the JSON that it should be"
		import json, sys
		o = json.load(open(sys.argv[1]))["backends"]
		assert [b["backend"] for b in o][:3] == ["udmabuf", "dma-heap", "shm"] and o[2]["works"], o
		assert all((b["errno"] == 0) == b["works"] and b["what"] and b["text"] for b in o), o
	END
	run 0 features --json
	python3 - "$WORK/out" <<-'END' || fail "not the JSON that it should be"
		import json, sys
		o = {f["feature"]: f for f in json.load(open(sys.argv[1]))["features"]}
		assert o["copy"]["works"] and not o["devmem"]["works"], o
		assert all((f["errno"] == 0) == f["works"] and f["what"] and bool(f["text"]) != f["works"] for f in o.values()), o
	END
}

# The same on a terminal: there are colours, unless NO_COLOR is set.
on_a_terminal() {
	command -v script >/dev/null || { echo "nothing is shown on a terminal: no script(1) here"; return; }
	script -qec "'$PROGRAM' doctor lo" /dev/null </dev/null >"$WORK/out" || true
	grep -q $'\033\[31mproblem ' "$WORK/out" || fail "no colours on a terminal"
	NO_COLOR=1 script -qec "'$PROGRAM' doctor lo" /dev/null </dev/null >"$WORK/out" || true
	says out '^problem '
	! grep -q $'\033' "$WORK/out" || fail "colours in spite of NO_COLOR"
}

full_disk() {
	local status=0
	"$PROGRAM" --help >/dev/full 2>"$WORK/err" || status=$?
	((status == 1)) || fail "status $status though nothing could be written"
	says err 'cannot write: No space left'
}

helps
wrong_arguments
loopback
machine
run 1 doctor
cp "$WORK/out" "$WORK/doctor"
show
backends
features
without_uring
restoring
for_programs
on_a_terminal
full_disk
