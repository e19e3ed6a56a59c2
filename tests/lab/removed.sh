#!/bin/sh
# SPDX-License-Identifier: MIT
# The NIC goes away under a receiver: the kernel has nothing to complain of, and the receiver can still be ended.
set -eu

queues=2
[ "$LAB_NIC_NAME" != gve ] || queues=1	# one rule leads to one queue
gpu_recv_server --queues $queues lab0 &
server=$!
until [ -n "$(ss -Hlt 'sport = :5201')" ]; do sleep 0.1; done
ip netns exec far /build/examples/send_client -c 4 -n 4G 192.0.2.1 5201 2>/tmp/client &
sleep 2
rmmod "$LAB_NIC_NAME"
sleep 1
kill -0 $server
kill -TERM $server
status=0
wait $server || status=$?
[ $status -le 1 ]	# 1: a NIC that is gone cannot be put back
kill %2 2>/dev/null || true
