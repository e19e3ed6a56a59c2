#!/bin/sh
# SPDX-License-Identifier: MIT
# gve's device does not come back from a reset, under a receiver. To ask the driver for the RSS table or a rule would stop
# the machine then: the receiver does not, says so at its end, and the NIC can be put back when its driver was loaded again.
set -eu

fault=/devmem/lab/guest/nic-fault

expected() {
	echo "lab: expected warning: $1" >/dev/kmsg
}

gpu_recv_server --queues 1 lab0 2>/tmp/server.err &
server=$!
until [ -n "$(ss -Hlt 'sport = :5201')" ]; do sleep 0.1; done
ip netns exec far timeout 20 /build/examples/send_client -c 2 -n 4G 192.0.2.1 5201 2>/dev/null &
until [ "$($fault --counter split)" -gt 1000 ]; do sleep 0.1; done
$fault fail_admin_time 1
$fault reset 1
until dmesg | grep -q 'Reset failed'; do sleep 0.1; done
sleep 5	# the transaction looks at its settings every two seconds
kill -0 $server
expected __netif_mp_close_rxq	# docs/hardware.md: a queue that ends while its interface does not run
kill -TERM $server
status=0
wait $server || status=$?
cat /tmp/server.err
[ $status -eq 1 ]
grep -q 'gave up after a reset that failed' /tmp/server.err

# The administrator's part.
device=$(cat /run/lab/lab0.device)
echo "${device##*/}" >/sys/bus/pci/drivers/gve/unbind
echo "${device##*/}" >/sys/bus/pci/drivers/gve/bind
first="nsenter --net=/proc/1/ns/net ip"	# the network namespace in which the interface begins
name=$($first -br link | awk '$3 == "02:67:76:65:00:01" { print $1 }')
$first link set "$name" name lab0 netns near
devmemctl restore lab0
