#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
iperf3_control.py receive|send ADDRESS PORT BYTES COMMAND...: an unchanged iperf3 at the other end of COMMAND's connection.

iperf3 talks about a test on one connection, and its bytes go on another to the same port. This speaks for the first one, as
much of its protocol as that takes [iperf3: src/iperf_client_api.c, iperf_server_api.c]; the second is COMMAND's.

receive: an "iperf3 -c ADDRESS" is to come, and COMMAND to listen there when it may.
send: an "iperf3 -s" is at ADDRESS; COMMAND connects there, and sends its standard input.

Prints, and nothing else is printed, how many bytes iperf3 says it sent or received. Without its cookie, which comes first on each connection.
"""

import json
import socket
import struct
import subprocess
import sys
import time

TEST_START, TEST_RUNNING, TEST_END = 1, 2, 4
PARAM_EXCHANGE, CREATE_STREAMS = 9, 10
EXCHANGE_RESULTS, DISPLAY_RESULTS, IPERF_DONE = 13, 14, 16
COOKIE = 37
LISTEN, CLOSE_WAIT = "0A", "08"


def read(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            sys.exit("iperf3 closed its control connection")
        data += more
    return data


def say(sock, state):
    sock.sendall(struct.pack("b", state))


def expect(sock, state):
    got = struct.unpack("b", read(sock, 1))[0]
    if got != state:
        sys.exit(f"iperf3 says {got} instead of {state}")


def read_json(sock):
    return json.loads(read(sock, struct.unpack(">I", read(sock, 4))[0]))


def say_json(sock, value):
    data = json.dumps(value).encode()
    sock.sendall(struct.pack(">I", len(data)) + data)


def results(count):
    stream = {"id": 1, "bytes": count, "retransmits": -1, "jitter": 0, "errors": 0, "omitted_errors": 0, "packets": 0,
              "omitted_packets": 0, "start_time": 0, "end_time": 1}
    return {"cpu_util_total": 0, "cpu_util_user": 0, "cpu_util_system": 0, "sender_has_retransmits": -1,
            "streams": [stream]}


def until(what, condition, process):
    """A process that ends will not do what is waited for."""
    while not condition():
        if process.poll() not in (None, 0):
            sys.exit(f"{what}: the command ended with {process.returncode}")
        time.sleep(0.02)


def sockets(port, state, namespace):
    """What bytes wait to be read on each socket of this port, in that state."""
    command = ["ip", "netns", "exec", namespace, "cat", "/proc/net/tcp", "/proc/net/tcp6"]
    lines = [line.split() for line in subprocess.run(command, stdout=subprocess.PIPE, check=True,
                                                     text=True).stdout.split("\n")]
    return [int(f[4].split(":")[1], 16) for f in lines
            if len(f) > 4 and f[1].endswith(f":{port:04X}") and f[3] == state]


def receive(address, port, command):
    """We are the server that iperf3 has been told of."""
    with socket.create_server((address, port), family=socket.AF_INET6, reuse_port=True) as listener:
        control, _ = listener.accept()
    read(control, COOKIE)
    say(control, PARAM_EXCHANGE)
    read_json(control)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until("listening", lambda: sockets(port, LISTEN, "near"), process)
    for state in (CREATE_STREAMS, TEST_START, TEST_RUNNING):
        say(control, state)
    expect(control, TEST_END)
    say(control, EXCHANGE_RESULTS)
    count = read_json(control)["streams"][0]["bytes"]
    say_json(control, results(count))
    say(control, DISPLAY_RESULTS)
    expect(control, IPERF_DONE)
    control.close()
    return count, process.wait()


def send(address, port, count, command):
    """We are the client, and count bytes are to arrive: iperf3 stops reading when it hears that the test is over."""
    control = socket.create_connection((address, port))
    cookie = b"abcdefghijklmnopqrstuvwxyz0123456789\0"
    control.sendall(cookie)
    expect(control, PARAM_EXCHANGE)
    say_json(control, {"tcp": True, "omit": 0, "time": 0, "num": count, "blockcount": 0, "parallel": 1, "len": 131072,
                       "pacing_timer": 1000, "client_version": "3.18"})
    expect(control, CREATE_STREAMS)
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    process.stdin.write(cookie)
    process.stdin.flush()
    expect(control, TEST_START)
    expect(control, TEST_RUNNING)
    process.stdin.write(bytes(range(256)) * (count // 256))
    process.stdin.close()
    status = process.wait()
    until("being read", lambda: not any(sockets(port, CLOSE_WAIT, "far")), process)
    say(control, TEST_END)
    expect(control, EXCHANGE_RESULTS)
    say_json(control, results(count))
    got = read_json(control)["streams"][0]["bytes"]
    expect(control, DISPLAY_RESULTS)
    say(control, IPERF_DONE)
    return got, status


def main():
    role, address, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if role == "receive":
        count, status = receive(address, port, sys.argv[5:])
    else:
        count, status = send(address, port, count, sys.argv[5:])
    print(count)
    sys.exit(status)


main()
