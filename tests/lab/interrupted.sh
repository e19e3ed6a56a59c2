#!/bin/sh
# SPDX-License-Identifier: MIT
# SIGINT and SIGTERM in the middle of a transfer: the receiver ends in order and the NICs are as they were.
set -eu
view=/devmem/lab/guest/nic-view

$view >/tmp/before
for signal in INT TERM; do
	gpu_recv_server --verify --queues 2 --json /tmp/json lab0 &
	server=$!
	until [ -n "$(ss -Hlt 'sport = :5201')" ]; do sleep 0.1; done
	ip netns exec far /build/examples/send_client -c 4 -n 4G 192.0.2.1 5201 2>/tmp/client &
	client=$!
	sleep 3
	if cmp -s /tmp/before - <<-END
	$($view)
	END
	then
		echo "nothing was changed while the receiver ran: this shows nothing"
		exit 1
	fi
	kill -$signal $server
	wait $server || { echo "the receiver ended with $?"; exit 1; }
	if wait $client; then echo 'the sender was not interrupted: this shows nothing'; exit 1; fi
	cat /tmp/json
	grep -q '"nic_restored": true' /tmp/json
	grep -q '"tokens_outstanding": 0' /tmp/json
	if grep -q '"bytes": 0,' /tmp/json; then echo 'nothing was received'; exit 1; fi
	$view | diff /tmp/before -
done
