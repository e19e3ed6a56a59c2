#!/bin/bash
# SPDX-License-Identifier: MIT
# devmemctl on the lab's NIC: the doctor names what is in the way, what it says to do about it is typed and helps, and
# what it warns of is what the library runs into; "show" tells who has bound what; and neither changes anything.
# "doctor.sh PART...": those parts alone; lesser: on a NIC without split, contexts and rules (--nic 'no_split=1 no_contexts=1 no_ntuple=1');
# gve, gve_qpl: on one that passes for such a NIC.
set -euo pipefail

VIEW=(/devmem/lab/guest/nic-view near)
NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all)
LIMIT=/sys/module/udmabuf/parameters/size_limit_mb
SERVER=''

fail() {
	echo "doctor: $*"
	cat /tmp/out /tmp/log 2>/dev/null || true
	exit 1
}

# doctor STATUS ARGUMENT...
doctor() {
	local want=$1 status=0
	shift
	"${AS[@]}" /build/tools/devmemctl doctor "$@" >/tmp/out 2>&1 || status=$?
	((status == want)) || fail "$*: status $status instead of $want"
}
AS=()

# has LEVEL CHECK WORDS: a line of the last output.
has() {
	grep -qE "^$1 +$2( |\$).*$3" /tmp/out || fail "no line \"$1 $2\" with \"$3\""
}

# The kernel has a setting for it only from 6.14 on.
has_threshold() {
	[[ $(uname -r) != 6.12.* ]]
}

# only CHECK: there is no other problem.
only() {
	[[ $(grep -c '^problem' /tmp/out) == 1 ]] || fail "more is in the way than $1, or nothing"
	grep -q "^problem  $1 " /tmp/out || fail "$1 is not what is in the way"
}

# do_it CHECK: type what it says.
do_it() {
	local command
	command=$(sed -n "s/^[a-z]* *$1 .* -> //p" /tmp/out)
	echo "== $1: $command"
	sh -euc "$command" || fail "\"$command\" failed"
}

# start_server ARGUMENT...: until it listens.
start_server() {
	gpu_recv_server --no-progress "$@" lab0 >/tmp/log 2>&1 &
	SERVER=$!
	until grep -q listening /tmp/log; do
		kill -0 "$SERVER" 2>/dev/null || fail "gpu_recv_server $* did not start"
		sleep 0.1
	done
}

stop_server() {
	kill -TERM "$SERVER"
	wait "$SERVER" || fail "gpu_recv_server ended with $?"
}

unchanged() {
	"${VIEW[@]}" | diff /tmp/before - || fail "the NIC is not as it was"
}

# ------------------------------------------------------------------------------ what cannot, and what can

sending() {
	doctor 0 lab0
	case $(uname -r) in
	6.12.*) has warning sending 'what is sent is copied' ;;
	*)
		has ok sending 'sends from device memory'
		ethtool -K lab0 tx off >/dev/null
		doctor 0 lab0
		has warning sending 'while TX checksumming is off.* -> ethtool -K lab0 tx on sg on'
		ethtool -K lab0 tx on sg off >/dev/null
		doctor 0 lab0
		has warning sending 'while scatter-gather is off'
		do_it sending
		doctor 0 lab0
		has ok sending 'sends from device memory'
		;;
	esac
}

interfaces() {
	doctor 1 lo
	has problem driver 'no driver that could bind device memory -> use lab0, which can$'
	only driver
	grep -q '^lo cannot receive into device memory, whatever is changed$' /tmp/out || fail "no verdict"
	ip link add ctl0 type veth peer name ctl1
	doctor 1 ctl0
	has problem driver 'veth cannot bind device memory: it is no hardware.* -> use lab0, which can$'
	only driver
	doctor 0
	has cannot 'ctl0:' veth
	has cannot lo: 'no driver'
	has can lab0 ''
	ip link delete ctl0
	doctor 2 nosuch0
}

# Without a lease, and with one: then nothing is asked that only the NIC can answer.
netkit() {
	[[ $(uname -r) != 6.* && $(uname -r) != 7.0.* ]] || return 0
	ip link add ctl0 type netkit mode l2 peer name ctl1 numrxqueues 2
	ip link set ctl0 up
	ip link set ctl1 up
	doctor 1 ctl1
	has problem driver 'netkit cannot bind device memory here; .* -> have a NIC lease a queue to it'
	only driver
	/build/tests/lab/lab_netkit lease ctl1 1
	doctor 0 ctl1
	has ok driver 'netkit can bind'
	has ok settings 'those of the NIC that leases its queues count'
	has ok queues '1 of 2 RX queues are available'
	has ok sending 'sends from device memory'
	grep -q '^ctl1 can receive into device memory$' /tmp/out || fail "no verdict"
	doctor 0 lab0
	has ok queues '2 of 4 RX queues .*: 1 leased to containers'
	ip link delete ctl0
}

as_it_is() {
	doctor 0 lab0
	has ok kernel 'supports device memory'
	has ok privileges ''
	has ok driver 'labnic can bind'
	has ok link 'up, MTU 9000'
	has ok merging 'GRO is on'
	has ok xdp 'no program'
	has ok queues '3 of 4 RX queues are available'
	has ok n-tuple 'rules are on'
	has ok contexts 'it has RSS contexts'
	has '(ok|warning)' rings '1024 entries, MTU 9000'
	has ok iommu ''
	has ok gpu 'lab0 is not on PCI'
	grep -q '^lab0 can receive into device memory$' /tmp/out || fail "no verdict"
}

# In no folder that cannot be written to is anything changed: so there is nothing but copying.
journal() {
	mkdir -p /run/devmem
	mount -t tmpfs -o ro,mode=0755 none /run/devmem
	doctor 1 lab0
	has problem journal 'Read-only file system -> let the programs.? user write to the folder'
	umount /run/devmem
	mount -t tmpfs -o mode=0755,size=4096 none /run/devmem
	head -c 4096 /dev/zero >/run/devmem/ballast
	doctor 1 lab0
	has problem journal 'No space left on device'
	umount /run/devmem
}

split() {
	ethtool -K lab0 rx off >/dev/null
	doctor 0 lab0
	has ok checksums 'turned on for as long as'
	ethtool -K lab0 rx on >/dev/null
	ethtool -G lab0 tcp-data-split off
	doctor 0 lab0
	has ok split 'off; turned on for as long as'
	! has_threshold || has ok hds-thresh '256 bytes; set to 0'
	ethtool -G lab0 tcp-data-split on
	doctor 0 lab0
	has ok split 'is on$'
	# ... and asking whether it could be turned on has not done so
	ethtool -G lab0 tcp-data-split off
	doctor 0 lab0
	has ok split 'off;'
}

# -------------------------------------------------------------------------------- what is in the way for now

# The kernel refuses to bind with a program in any mode. The lab's driver knows the generic one alone.
xdp() {
	if /build/tests/lab/lab_xdp_pass lab0 native 2>/tmp/log; then fail "the NIC has native XDP by now: test that, too"; fi
	grep -q 'not supported' /tmp/log || fail "something else keeps a program from being attached"
	/build/tests/lab/lab_xdp_pass lab0
	ip link show lab0 | grep -q xdpgeneric || fail "no program is attached: this shows nothing"
	doctor 1 lab0
	has problem xdp 'generic.*attached, and the kernel binds no queue while there is one'
	only xdp
	if gpu_recv_server --engine devmem lab0 >/tmp/log 2>&1; then fail "it was bound in spite of XDP"; fi
	grep -qi 'bind:.*xdp' /tmp/log || fail "something else than XDP keeps it from being bound"
	do_it xdp
	doctor 0 lab0
	has ok xdp ''
}

queues_taken() {
	start_server --queues 3
	doctor 1 lab0
	has problem queues '0 of 4 RX queues are available .*: 3 bound, 3 steered to by rules -> .*devmemctl show lab0'
	only queues
	has ok split 'is on$'
	! has_threshold || has ok hds-thresh '0$'
	doctor 1
	has cannot lab0: '0 of 4 RX queues'
	stop_server
	doctor 0 lab0
}

link_down() {
	ip link set dev lab0 down
	doctor 0 lab0
	has warning link 'lab0 is down'
	has ok queues '3 of 4'
	do_it link
	doctor 0 lab0
	has ok link ''
}

rules_off() {
	ethtool -K lab0 ntuple off || { echo "== the NIC's rules cannot be turned off"; return 0; }
	doctor 1 lab0
	has problem n-tuple 'rules are off'
	only n-tuple
	do_it n-tuple
	doctor 0 lab0
}

no_privilege() {
	AS=("${NOBODY[@]}")
	doctor 1 lab0
	has problem privileges 'CAP_NET_ADMIN, which this process does not have'
	has warning driver 'only a process that may bind can find out'
	has ok xdp ''
	# the memory may be had, as by a group that owns the device
	doctor 1 --backend udmabuf lab0
	has problem udmabuf 'cannot be opened by this user.* -> run as root'
	AS=()
}

# The kernel has all of it, and root may have it; larger pages since 7.3.
features() {
	devmemctl features >/tmp/out
	! grep -v '^works ' /tmp/out | grep -v '^cannot  large-pages .*Linux 7.3' || fail "these cannot be had"
	(($(grep -c '^works ' /tmp/out) >= 11)) || fail "not many features: $(cat /tmp/out)"
}

no_uring() {
	sysctl -q -w kernel.io_uring_disabled=2
	doctor 0 lab0
	has warning io_uring 'disabled by policy.*; plain system calls are used instead'
	[[ $(devmemctl features | sed -n 's/^cannot  \([a-z_-]*\) .*disabled by policy.*/\1/p' | xargs) == 'zcrx io_uring busy-poll' ]] ||
		fail "features without io_uring: $(devmemctl features)"
	do_it io_uring
	doctor 0 lab0
	has ok io_uring ''
}

# -------------------------------------------------------------------------------------------------- memory

memory() {
	local before
	before=$(cat $LIMIT)
	echo 8 >$LIMIT
	doctor 0 lab0	# the other one is enough
	has warning udmabuf 'a buffer can be up to 8 MiB here \(size_limit_mb\), but you want 64 MiB'
	doctor 1 --backend udmabuf lab0
	has problem udmabuf '8 MiB here'
	only udmabuf
	doctor 0 --backend udmabuf --buffer 8 lab0
	doctor 1 --backend udmabuf lab0
	do_it udmabuf
	doctor 0 --backend udmabuf lab0
	has ok udmabuf 'can be up to 64 MiB'
	has warning 'huge pages' 'takes 32: with pages of 4 KiB'
	if grep -q dma-heap /tmp/out; then fail "a backend that was not asked for"; fi
	echo "$before" >$LIMIT
	doctor 1 --buffer 1000000 lab0
	has problem memory 'is available, but you want 976.6 GiB'
	doctor 1 --buffer 1 lab0
	has problem rings 'too small: the rings of 1 queue'
}

no_device() {
	local dev=/tmp/no-dev
	mkdir -p $dev
	# what is there of /dev in a container
	AS=(unshare --mount sh -c "mount --bind $dev /dev && exec \"\$@\"" sh)
	doctor 1 --backend udmabuf lab0
	has problem udmabuf '/dev/udmabuf is missing.* -> modprobe udmabuf'
	only udmabuf
	doctor 1 --backend dma-heap lab0
	has problem dma-heap 'dma_heap/system is missing'
	doctor 1 lab0
	has problem memory 'neither udmabuf nor dma-heap.* -> modprobe udmabuf$'
	only memory
	AS=()
	doctor 2 --backend nosuch lab0
}

# ---------------------------------------------------------------------------------------------------- show

show() {
	start_server --queues 2
	devmemctl show lab0 >/tmp/out
	devmemctl show --json lab0 >/tmp/json
	cat /tmp/out
	grep -qE '^  queue 3 +napi [0-9]+, dma-buf [0-9]+$' /tmp/out || fail "queue 3 is not shown as bound"
	grep -qE '^  queue 1 +napi [0-9]+$' /tmp/out || fail "queue 1 is not shown as free"
	grep -qE "^  dma-buf [0-9]+ belongs to process $SERVER \(gpu_recv_server; its dma-buf has 64 MiB" /tmp/out ||
		fail "the owner is not $SERVER"
	grep -qE '^  page pool [0-9]+( napi [0-9]+)?, dma-buf [0-9]+, in flight 1024 pages' /tmp/out || fail "no page pool"
	grep -qE '^  rule [0-9]+: tcp4 to \*:5201 from \*:\* -> context [0-9]+, queue 2 3$' /tmp/out || fail "no rule"
	grep -qE "^    process $SERVER \(gpu_recv_server\) lives, has queue 2, 3$" /tmp/out || fail "no owner in the journal"
	grep -qE "^    to be undone: the RSS table, changed by process $SERVER$" /tmp/out || fail "nothing to be undone"
	python3 - "$SERVER" /tmp/json <<-'END' || fail "not the JSON that it should be"
		import json, sys
		i, = json.load(open(sys.argv[2]))["interfaces"]
		b, = i["bindings"]
		assert i["interface"] == "lab0" and i["split"] == "on" and not i["hds_thresh"], i
		assert b["owner"] == int(sys.argv[1]) and b["queues"] == [2, 3] and b["dmabuf"], b
		assert [q["dmabuf"] for q in i["queues"]] == [None, None, b["dmabuf"], b["dmabuf"]], i
		pools = [p for p in i["page_pools"] if p["dmabuf"] == b["dmabuf"]]
		assert len(pools) == 2 and all(p["in_flight"] == 1024 and p["in_flight_bytes"] for p in pools), pools
		assert {r["flow"][:4] for r in i["rules"]} == {"tcp4", "tcp6"}, i
		assert all(r["queues"] == [2, 3] and r["context"] for r in i["rules"]), i
		o, = i["journal"]["owners"]
		assert o["pid"] == int(sys.argv[1]) and o["state"] == "lives" and o["queues"] == [2, 3], o
		assert len(i["journal"]["changes"]) >= 5 and not i["journal"]["damaged"], i["journal"]
	END
	"${NOBODY[@]}" /build/tools/devmemctl show lab0 >/tmp/out
	grep -qE '^  dma-buf [0-9]+ belongs to an unknown process: .*run as root$' /tmp/out || fail "an owner, and nobody may look"
	stop_server
	devmemctl show lab0 >/tmp/out
	if grep -q 'dma-buf\|rule\|journal' /tmp/out; then fail "something is bound, and the server has ended"; fi
}

# What a server left that was killed is shown, and put back.
restore() {
	start_server --queues 2
	kill -KILL "$SERVER"
	wait "$SERVER" || true
	devmemctl show lab0 >/tmp/out
	grep -qE "^    process $SERVER \(gpu_recv_server\) died" /tmp/out || fail "the owner is not dead"
	grep -qE "^    to be undone: the RSS table, changed by process $SERVER \(\"devmemctl restore\"\)$" /tmp/out ||
		fail "nothing to be undone"
	doctor 0 lab0
	has warning journal 'a process died and left [0-9]+ settings changed -> devmemctl restore lab0'
	devmemctl plan lab0 >/dev/null || true
	[[ $(devmemctl show lab0 | grep -c 'to be undone') -ge 5 ]] || fail "looking has put something back"
	devmemctl restore >/tmp/out
	cat /tmp/out
	grep -q "^undone   lab0: header/data split and its threshold: as it was before process $SERVER$" /tmp/out ||
		fail "it does not tell what it did"
	devmemctl restore --json lab0 >/tmp/json
	python3 -c 'import json; o = json.load(open("/tmp/json")); assert o == {"changes": [], "complete": True}, o' ||
		fail "not the JSON that it should be"
}

# A ring takes the queue with its first connection.
show_zcrx() {
	local client
	start_server --engine zcrx
	ip netns exec far bash -c 'exec 3<>/dev/tcp/192.0.2.1/5201; exec sleep 1000' &
	client=$!
	until devmemctl show lab0 | tee /tmp/out | grep -qE '^  queue 3 .*, io_uring \(zcrx\)$'; do
		kill -0 "$SERVER" "$client" || fail "the server or its client ended"
	done
	grep -qE "^  io_uring of queue 3 belongs to process $SERVER \(gpu_recv_server;" /tmp/out || fail "the owner is not $SERVER"
	grep -qE '^  page pool .*, io_uring \(zcrx\), in flight [1-9]' /tmp/out || fail "no page pool of io_uring"
	doctor 0 lab0
	has ok queues '2 of 4 RX queues .*: 1 with io_uring \(zcrx\)'
	stop_server
	kill "$client"
}

plan() {
	devmemctl plan lab0 >/tmp/out || fail "plan: $?"
	grep -q '^1 queue with rings of 1024 entries, MTU 9000, 1 connection that streams$' /tmp/out || fail "plan"
	devmemctl plan --json --queues 2 --page-size 4K --buffer 16 lab0 >/tmp/json
	python3 - /tmp/json <<-'END' || fail "not the JSON that it should be"
		import json, sys
		p = json.load(open(sys.argv[1]))
		assert p["fits"] and p["queues"] == 2 and p["ring_entries"] == 1024 and p["mtu"] == 9000, p
		assert p["pinned_bytes"] == 2 * 1024 * 4096 and p["buffer_bytes"] == 16 << 20 and p["page_size"] == 4096, p
	END
	if devmemctl plan --queues 2 --buffer 8 lab0 >/tmp/out 2>/tmp/log; then fail "8 MiB are enough?"; fi
	grep -q 'a buffer of 8192 KiB is too small' /tmp/log || fail "plan does not say why"
	[[ $(devmemctl plan --page-size 5000 lab0 2>&1; echo $?) == *"not a power of two"*2 ]] || fail "a page of 5000"
}

# --------------------------------------------------------------------------------------------------- lesser

lesser() {
	doctor 1 lab0
	has problem split 'cannot split headers from data'
	has problem n-tuple 'lab0 has no flow rules'
	has ok contexts 'it has no RSS contexts: with several queues each connection needs a rule'
	[[ $(grep -c '^problem' /tmp/out) == 2 ]] || fail "something else is in the way, too"
	doctor 1
	has cannot lab0: 'cannot split'
}

# gve with one queue, and no rules at first (--nic mimic=gve): what it says to do is in words that this driver takes.
gve() {
	ethtool -L lab0 rx 1
	doctor 1 lab0
	has problem queues '0 of 1 RX queues .* -> ethtool -L lab0 rx 2'
	has problem n-tuple 'rules are off'
	do_it queues
	do_it n-tuple
	doctor 0 lab0
	has ok resets 'other connections are kept out of bound queues'
	has ok pages 'gve has no larger ones'
	has ok 'huge pages' 'none are needed, as the driver of lab0 has no large pages'
	! grep -q 'rx-page-size\|nr_hugepages' /tmp/out || fail "it advises pages that this driver does not have"
	[[ $(devmemctl plan lab0) != *advice* ]] || fail "plan advises pages that this driver does not have: $(devmemctl plan lab0)"
	AS=(setpriv "--inh-caps=-bpf,-sys_admin" "--bounding-set=-bpf,-sys_admin")
	doctor 0 lab0
	has warning resets 'may fail with EFAULT.* CAP_BPF.* -> .*cap_net_admin,cap_bpf'
	AS=()
	ethtool -L lab0 rx 4
	ethtool -K lab0 ntuple off
}

# In another queue format it lists the split, and refuses it (--nic mimic=gve-qpl).
gve_qpl() {
	doctor 1 lab0
	has problem split 'cannot split headers from data in its present mode -> .* in queue format DQO-RDA'
	has warning sending 'Driver does not support netmem TX.* -> .* in queue format DQO-RDA'
	if gpu_recv_server --engine devmem lab0 >/tmp/log 2>&1; then fail "it was bound without a split"; fi
	grep -q 'cannot split headers from data' /tmp/log || fail "something else than the split keeps it from being bound"
	doctor 1
	has cannot lab0: 'cannot split'
}

# An unknown driver that reports its split only while it is on (--nic mimic=silent).
silent() {
	doctor 0 lab0
	has warning split 'the driver does not report it.* -> ethtool -G lab0 tcp-data-split on'
	start_server --engine devmem
	ethtool -g lab0 | grep -q 'TCP data split:.*on' || fail "it was bound without a split"
	doctor 0 lab0
	has ok split 'is on$'
	stop_server
	doctor 0 lab0
	has warning split 'the driver does not report it'	# turned off again, which it does not report
	do_it split
	doctor 0 lab0
	has ok split 'is on$'
	ethtool -G lab0 tcp-data-split off
}

"${VIEW[@]}" >/tmp/before
parts=("$@")
((${#parts[@]})) || parts=(interfaces netkit as_it_is sending split xdp queues_taken link_down rules_off no_privilege features no_uring memory
	journal no_device show show_zcrx restore plan)
for part in "${parts[@]}"; do
	echo "== $part"
	$part
	unchanged
done
