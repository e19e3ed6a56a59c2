#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench/lab.sh printed and what was counted meanwhile (both on standard input), as tables. table.py COMMAND-LINE

The last line of its output is everything as one line of JSON. Exit status 1: a limit was missed.
"""
import json
import statistics
import sys

from markdown import Table, spread
from measured import (GIB, Comparison, calls_per_gib, check_counting, fragments_per_gib, kib_per_enter, load_sum,
                      results_of, sends_of)
from peers import peers, reached
from scale import scale

MAX_CALLS = 1 / 100        # of ncdevmem's
MIN_KIB = 256             # for each io_uring_enter
MAX_LATENCY = 1.05         # of a loop without a low-water mark
MAX_INSTRUCTIONS = 1.05    # of the leanest loop's
MAX_COPYING = 1.00         # of plain epoll's
MAX_LARGE_PAGES = 1 / 5    # of what it takes with pages of 4 KiB
MAX_ECHO = 0.40            # of what an echo that copies takes
MAX_ECHO_CALLS = 0.80      # of the system calls that it makes
MAX_SENDING = 0.30         # of a plain send
TARGET_LATENCY, TARGET_DEFAULT, TARGET_SENDING = 1.03, 60, 95     # where this is to come to
MAX_SENDING_LEAN = 1.25    # of the leanest loop's: how much TCP sends in the calls themselves varies by a tenth
SMALL, LARGE = 4 << 10, 64 << 10


def compared_line(table, what, c, most, target="", blank=0):
    """A comparison, the other one first; no limit: None."""
    values = [""] * blank + [spread(c.sums[n]) for n in reversed(c.names)]
    table.line(what, values, f"{c.ratio:.4f}", f"<= {most:.2f}" if most else "", not most or c.ratio <= most, target)


def add_calls(table, results):
    calls, raw = calls_per_gib(results)
    ratio = calls["libdevmem"] / calls["ncdevmem"]
    table.line("system calls per GiB", [f"{calls[k]:.0f}" for k in ("ncdevmem", "leanest", "libdevmem")],
               f"1/{1 / ratio:.0f}", "<= 1/100", ratio <= MAX_CALLS)
    table.figures["system_calls_per_gib"] = calls | {"ratio": ratio, "ncdevmem_writes_left_out": raw["ncdevmem"][1]}
    return raw["ncdevmem"]


def add_enters(table, results, suffix, what):
    kib = {}
    for name in ("leanest", "libdevmem"):
        kib[name] = kib_per_enter([r for r in results if r["name"] == name + suffix])
    table.line(f"KiB per io_uring_enter, {what}", ["", *(spread(rounds, 0) for rounds in kib.values())], "", ">= 256",
               statistics.median(kib["libdevmem"]) >= MIN_KIB)
    table.figures["kib_per_enter" + suffix] = {name: statistics.median(rounds) for name, rounds in kib.items()}


def add_latency(table, results):
    rounds = [r for r in results if r["name"] == "pingpong"]

    def us(who, key):
        return spread([r[who][key] for r in rounds], 2)

    def ratio_to(other, key):
        return statistics.median(r["managed"][key] / r[other][key] for r in rounds)

    for key, what in (("median_us", "median"), ("p99_us", "99th per cent")):
        ratio, limit = ratio_to("without", key), key == "median_us"
        table.line(f"64-byte ping-pong, us, {what}", ["", us("without", key), us("managed", key)], f"{ratio:.4f}",
                   "<= 1.05" if limit else "", not limit or ratio <= MAX_LATENCY)
    for key, what in (("median_us", "- of plain TCP"), ("p99_us", "- of plain TCP, 99th per cent")):
        ratio = ratio_to("plain", key)
        table.line(what, ["", us("plain", key), us("managed", key)], f"{ratio:.4f}",
                   target=reached(ratio, TARGET_LATENCY, 2) if key == "median_us" else "")
        table.figures["pingpong, " + key] = {"of_plain": ratio, "of_without": ratio_to("without", key)}


# With small pages the library's descriptors and accounts weigh more than the limit allows: none there. Nor where nothing is
# paced: how often a receiver is woken varies by a third from run to run with large pages, and that is most of the cost.
ZCRX = (("-small", SMALL, "4 KiB, streaming", False), ("-large", LARGE, "64 KiB, streaming", False),
        ("-large-paced", LARGE, "64 KiB, paced", True))


def zcrx(table, results, counted, counts):
    table.head("zcrx, million instructions per GiB", "leanest", "libdevmem")
    compared = {}
    for suffix, page_size, what, limited in ZCRX:
        both = (results_of(results, "leanest_zcrx" + suffix, "by hand, zcrx", page_size),
                results_of(results, "libdevmem-zcrx" + suffix, "zcrx", page_size))
        c = Comparison(counted, counts, "libdevmem-zcrx" + suffix, "leanest_zcrx" + suffix)
        compared_line(table, what, c, MAX_INSTRUCTIONS if limited else None)
        table.figures["zcrx" + suffix] = c.figures()
        for key, label, of in (("fragments_per_gib", "- fragments", fragments_per_gib),
                               ("kib_per_enter", "- KiB per io_uring_enter", kib_per_enter)):
            values = [of(r) for r in both]
            table.line(label, [spread(v, 0) for v in values])
            table.figures["zcrx" + suffix][key] = [statistics.median(v) for v in values]
        compared["zcrx, " + what] = c
    c = Comparison(counted, counts, "libdevmem-zcrx-large-paced", "leanest_zcrx-mark")
    compared_line(table, "- the same, marks alike", c, None)
    table.figures["zcrx-mark"] = c.figures()
    table.end("With 64 KiB the NIC merges, as hardware with LRO or HW-GRO does; with 4 KiB it does not, and packets are of two\n"
              "pages. The leanest loop has a fixed low-water mark of 512 KiB; the library takes up to 768 KiB, and 3 MiB with\n"
              "large pages, as in the last line the loop does. What remains there is what the library counts, and what it\n"
              "waits with, so that a tail below the mark is not held back.")
    return compared


def copy(table, results, counted, counts):
    table.head("copy, million instructions per GiB", "epoll, mark", "epoll", "libdevmem")
    compared = {}
    for suffix, what in (("", "streaming"), ("-paced", "paced")):
        results_of(results, "libdevmem-copy" + suffix, "copy", 0)
        c = Comparison(counted, counts, "libdevmem-copy" + suffix, "epoll" + suffix)
        marked = counted.per_gib(counts["epoll-mark" + suffix], counted.last_processor(counts))[1]
        values = [spread(marked), *(spread(c.sums[n]) for n in reversed(c.names))]
        table.line(what, values, f"{c.ratio:.4f}", "<= 1.00", c.ratio <= MAX_COPYING)
        table.figures["copy" + suffix] = c.figures() | {"epoll_with_mark": statistics.median(marked)}
        compared["copy, " + what] = c
    table.end("The ratio is to plain epoll; \"mark\" is the same with SO_RCVLOWAT 512 KiB; the engine's goes up to 768 KiB.")
    return compared


def pages(table, results, counted, counts):
    table.head("devmem with default options", "4 KiB", "default")
    small = results_of(results, "pages-small", "devmem", SMALL)
    large = results_of(results, "pages-default", "devmem", LARGE)
    c = Comparison(counted, counts, "pages-default", "pages-small")
    compared_line(table, "million instructions per GiB, streaming", c, MAX_LARGE_PAGES,
                  reached(c.median["pages-default"], TARGET_DEFAULT))
    fragments = [fragments_per_gib(r) for r in (small, large)]
    medians = [statistics.median(f) for f in fragments]
    table.line("fragments per GiB", [spread(f, 0) for f in fragments], f"{medians[1] / medians[0]:.4f}")
    table.figures["pages"] = c.figures() | {"fragments_per_gib": medians}
    table.end("Engine devmem with default options, which take pages of 64 KiB from a buffer of 128 MiB, against the\n"
              "same with 4 KiB. For both the NIC merges, as hardware with LRO or HW-GRO does: without, no fragment is\n"
              "larger than a packet.")
    return {}


def devmem(table, results, counted, counts):
    table.head("devmem, pages of 4 KiB", "ncdevmem", "leanest", "libdevmem")
    of_ncdevmem = add_calls(table, results)
    add_enters(table, results, "", "streaming")
    add_enters(table, results, "-paced", "paced")
    add_latency(table, results)
    compared = {}
    for suffix, what in (("", "streaming"), ("-paced", "paced")):
        results_of(results, "leanest" + suffix, "by hand, devmem", SMALL)
        results_of(results, "libdevmem" + suffix, "devmem", SMALL)
        c = Comparison(counted, counts, "libdevmem" + suffix, "leanest" + suffix)
        compared_line(table, f"million instructions per GiB, {what}", c, MAX_INSTRUCTIONS, blank=1)
        table.figures["instructions" + suffix] = c.figures()
        compared[what] = c
    table.end(f"System calls are for {of_ncdevmem[2]} MiB, set-up left out, and so are {of_ncdevmem[1]} writes with which\n"
              "ncdevmem prints; ping-pong is against the same loop without a low-water mark, and against epoll on plain\n"
              "TCP, the median being the mean of ten connections' medians. Packets are of two pages.")
    return compared


# With pages of 4 KiB the kernel's account of each fragment is more than two copies take, so there is no limit.
ECHO = (("", LARGE, "64 KiB, streaming", True), ("-paced", LARGE, "64 KiB, paced", True),
        ("-small", SMALL, "4 KiB, streaming", False))


def echo(table, results, counted, counts):
    table.head("echo", "copying", "libdevmem")
    calls = calls_per_gib(results)[0]
    ratio = calls["echo"] / calls["echo_copy"]
    table.line("system calls per GiB", [f"{calls[k]:.0f}" for k in ("echo_copy", "echo")], f"{ratio:.4f}",
               f"<= {MAX_ECHO_CALLS:.2f}", ratio <= MAX_ECHO_CALLS)
    table.figures["echo_calls_per_gib"] = {k: calls[k] for k in ("echo", "echo_copy")} | {"ratio": ratio}
    compared = {}
    for suffix, page_size, what, limited in ECHO:
        results_of(results, "echo_copy" + suffix, "none, epoll", 0)
        results_of(results, "echo" + suffix, "devmem", page_size)
        sends_of(results, "echo" + suffix)
        c = Comparison(counted, counts, "echo" + suffix, "echo_copy" + suffix)
        compared_line(table, f"million instructions per GiB, {what}", c, MAX_ECHO if limited else None)
        table.figures["echo" + suffix] = c.figures()
        compared["echo, " + what] = c
    table.end("Per GiB that comes and goes back. The copying echo receives and sends 1 MiB at a time (epoll); a copy is one\n"
              "instruction for 8 bytes here. With 64 KiB the NIC merges. What the NIC does is not counted.")
    return compared


def send(table, results, counted, counts):
    table.head("sending, 1 MiB at a time", "plain", "leanest", "libdevmem")
    results_of(results, "tx_plain", "none, send", 0)
    results_of(results, "leanest_tx", "by hand, devmem", 0)
    results_of(results, "tx", "devmem", 0)
    sends_of(results, "tx")
    plain, lean = (Comparison(counted, counts, "tx", other) for other in ("tx_plain", "leanest_tx"))
    values = [spread(v) for v in (plain.sums["tx_plain"], lean.sums["leanest_tx"], lean.sums["tx"])]
    for c, of, most in ((plain, "a plain send", MAX_SENDING), (lean, "the leanest", MAX_SENDING_LEAN)):
        table.line(f"million instructions per GiB, of {of}", values, f"{c.ratio:.4f}", f"<= {most:.2f}", c.ratio <= most,
                   reached(c.median["tx"], TARGET_SENDING))
        table.figures["send, of " + of] = c.figures()
    enters = {name: statistics.median(r["enter_calls"] * GIB / r["bytes"] for r in results if r["name"] == name)
              for name in ("tx_plain", "leanest_tx", "tx")}
    table.line("system calls per GiB", [f"{n:.0f}" for n in enters.values()])
    table.figures["send_calls_per_gib"] = enters
    table.end("On one connection. What the NIC does is not counted.")
    return {"sending": lean}


HOST = (("seconds per GiB", lambda r: r["seconds"]),
        ("processor seconds per GiB", lambda r: r["user_seconds"] + r["system_seconds"]))


def host(table, results):
    table.head("copy on this machine's loopback", "epoll, mark", "epoll", "libdevmem")
    found = {"epoll-mark": results_of(results, "host-epoll-mark", "none, epoll", 0),
             "epoll": results_of(results, "host-epoll", "none, epoll", 0),
             "copy": results_of(results, "host-copy", "copy", 0)}
    if {r["name"] for r in results if r.get("verified")} != {"verified-epoll", "verified-copy"}:
        sys.exit("the bytes were not verified")
    for what, of in HOST:
        rounds = {name: [of(r) * GIB / r["bytes"] for r in some] for name, some in found.items()}
        median = {name: statistics.median(values) for name, values in rounds.items()}
        ratio = median["copy"] / median["epoll"]
        table.line(what, [spread(n, 3) for n in rounds.values()], f"{ratio:.4f}")
        table.figures["host " + what] = {"rounds": rounds, "median": median, "ratio": ratio}
    run = next(r for r in results if r["name"] == "host")
    table.end(f"Kernel {run['kernel']}; {run['rounds']} x {run['mib']} MiB of each, in turns: medians, and between which\n"
              "values all lie. Before that every byte was verified. The ratio is to plain epoll; times have no limit.")
    table.figures["host"] = run


def lab(table, results, counted, counts):
    run = next(r for r in results if r["name"] == "run")
    check_counting(counts, counted.last_processor(counts))
    print(f"In the lab, kernel {run['kernel']}, emulated; {run['rounds']} x {run['mib']} MiB, in turns: medians, and\n"
          "between which values all lie. Instructions are those on the processor of what is measured, in the kernel and out of it.")
    parts = {"devmem": devmem, "zcrx": zcrx, "copy": copy, "pages": pages, "echo": echo, "send": send,
             "peers": peers, "scale": scale, "many": scale}
    compared = {}
    for part in run["parts"].split():
        compared |= parts[part](table, results, counted, counts)
    if compared:
        print("\nWhere the differences are:\n\n```", end="")
        for what, comparison in compared.items():
            table.figures["differences_" + what] = comparison.differences(what)
        print("```")
    table.figures["run"] = run


def main():
    counted = load_sum()
    lines = sys.stdin.read().splitlines()
    results = [json.loads(line) for line in lines if line.startswith("{")]
    counts = counted.read(line for line in lines if not line.startswith("{"))
    names = {r["name"] for r in results}
    table = Table()
    if "run" in names:
        lab(table, results, counted, counts)
    if "host" in names:
        host(table, results)
    if not names & {"run", "host"}:
        sys.exit("nothing was measured")
    table.figures |= {"command": sys.argv[1], "missed": table.missed, "results": results}
    print(json.dumps(table.figures))
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
