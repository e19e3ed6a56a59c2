#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
A NIC without RSS contexts, several bound queues: each connection has a rule of its own, for as long as it lasts. More
connections come, one after the other, than the NIC has rules. In the guest, on such a NIC (--nic no_contexts=1, --nic gve).

The sender waits for its rule before it sends, so that not one byte may be copied. How many are copied of a sender that
does not wait is told. Then the rule table is full: a connection is received all the same, copied.
"""

import json
import os
import re
import socket
import struct
import subprocess
import time

NIC, PORT, NEAR = "lab0", 5201, "192.0.2.1"
RULES = 64  # of labnic, and of the lab's model of gve
AT_A_TIME, ROUNDS, BYTES = 8, 9, 32 << 10
LIMIT = 120  # seconds; under emulation everything takes its time


def fail(why):
    for log in "/tmp/log", "/tmp/json":
        if os.path.exists(log):
            print(open(log).read())
    raise SystemExit(f"own_rules: {why}")


def rules():
    shown = subprocess.run(["ethtool", "-n", NIC], capture_output=True, text=True).stdout
    return len(re.findall("^Filter:", shown, re.M))


def until(what, true):
    end = time.monotonic() + LIMIT
    while not true():
        if time.monotonic() > end:
            fail(f"{what}: not in {LIMIT} s")
        time.sleep(0.05)


def pattern(n):
    """What gpu_recv_server --verify checks: examples/pattern.c."""
    x, mask, out = 88172645463325252, (1 << 64) - 1, bytearray()
    for _ in range(n):
        x ^= x << 13 & mask
        x ^= x >> 7
        x ^= x << 17 & mask
        out.append(x >> 32 & 255)
    return bytes(out)


def counting(n, modulo):
    """What devmem-nc -v checks."""
    return bytes((i + 1) % modulo or 10 for i in range(n))


def dial():
    """From the other end. A socket stays in the namespace where it was made."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    far = os.open("/run/netns/far", os.O_RDONLY)
    os.setns(far, os.CLONE_NEWNET)
    s = socket.create_connection((NEAR, PORT), timeout=LIMIT)
    os.setns(here, os.CLONE_NEWNET)
    os.close(far)
    os.close(here)
    return s


def end(s):
    """The other end closes when it has taken everything."""
    s.shutdown(socket.SHUT_WR)
    if s.recv(1):
        fail("something came back")
    s.close()


def serve(*command):
    for old in "/tmp/log", "/tmp/json":
        if os.path.exists(old):
            os.unlink(old)
    server = subprocess.Popen(command, stderr=open("/tmp/log", "w"))
    listens = ["ss", "-Hlt", f"sport = :{PORT}"]
    until("listening", lambda: server.poll() is not None or subprocess.run(listens, capture_output=True).stdout)
    if server.poll() is not None:
        fail(f"{command[0]} ended with {server.returncode}")
    return server


def served(server):
    if server.wait(LIMIT):
        fail(f"the server ended with {server.returncode}")
    if rules():
        fail(f"{rules()} rules are left")
    return json.load(open("/tmp/json"))


def receive(connections):
    return serve("gpu_recv_server", "--verify", "--no-progress", "--queues", "2", "--json", "/tmp/json",
                 "--connections", str(connections), NIC)


def has(result, **wanted):
    for name, value in wanted.items():
        if result[name] != value:
            fail(f"{name} is {result[name]} instead of {value}")


def in_turn():
    """Each round's rules are gone before the next one's are made."""
    n = AT_A_TIME * ROUNDS
    server, sent = receive(n), pattern(BYTES)
    for _ in range(ROUNDS):
        until("no rule", lambda: rules() == 0)
        open_now = [dial() for _ in range(AT_A_TIME)]
        until("a rule for each", lambda: rules() == AT_A_TIME)
        for s in open_now:
            s.sendall(sent)
        for s in open_now:
            end(s)
    has(served(server), bytes=n * BYTES, bytes_device=n * BYTES, bytes_host=0, connections=n, queues_used=2,
        verified=True, nic_restored=True, tokens_outstanding=0)
    print(f"{n} connections with a rule of their own, {AT_A_TIME} at a time and {RULES} rules: {n * BYTES >> 10} KiB "
          "verified, none copied")


def who_does_not_wait():
    server = receive(AT_A_TIME)
    subprocess.run(["ip", "netns", "exec", "far", "/build/examples/send_client", "-c", str(AT_A_TIME), "-n", "4M", NEAR,
                    str(PORT)], check=True, stderr=subprocess.DEVNULL)
    result = served(server)
    has(result, bytes=AT_A_TIME << 22, verified=True, nic_restored=True)
    if not result["bytes_device"]:
        fail("everything was copied")
    print(f"{AT_A_TIME} senders that do not wait for their rules: {result['bytes_host'] >> 10} KiB of {AT_A_TIME << 12} "
          "came before them and were copied")


def a_full_table():
    server, sent, made = receive(3), pattern(BYTES), []
    for at in range(RULES):
        subprocess.run(["ethtool", "-N", NIC, "flow-type", "tcp4", "dst-port", str(10000 + at), "action", "0", "loc",
                        str(at)], check=True, capture_output=True)
    for _ in range(2):
        s = dial()
        s.sendall(sent)
        end(s)
    for at in range(RULES):
        subprocess.run(["ethtool", "-N", NIC, "delete", str(at)], check=True, capture_output=True)
    s = dial()
    until("a rule again", lambda: rules() == 1)
    s.sendall(sent)
    end(s)
    has(served(server), bytes=3 * BYTES, bytes_device=BYTES, bytes_host=2 * BYTES, connections=3, verified=True,
        nic_restored=True)
    told = open("/tmp/log").read().count("connections that cannot be steered are copied")
    if told != 1:
        fail(f"told {told} times that a connection cannot be steered")
    print("with a full rule table connections are copied, which is told once, and steered when there is room again")


def netcat():
    n = 1 << 20
    server = serve("devmem-nc", "-f", NIC, "-l", "-4", "-p", str(PORT), "-q", "2", "-v", "7", "-L", "--json", "/tmp/json")
    silent = dial()
    until("a rule for the first", lambda: rules() == 1)
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    silent.close()  # by a reset
    until("no rule", lambda: rules() == 0)
    s = dial()
    until("a rule", lambda: rules() == 1)
    s.sendall(counting(n, 7))
    s.shutdown(socket.SHUT_WR)
    served(server)
    s.close()
    print(f"devmem-nc -l -q 2 -L: {n >> 10} KiB without a copy, after a connection that broke")


def main():
    in_turn()
    who_does_not_wait()
    a_full_table()
    netcat()


if __name__ == "__main__":
    main()
