#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench/lab.sh printed and what was counted meanwhile (both on standard input), as a table.

The last line of its output is everything as one line of JSON. Exit status 1: a limit was missed.
"""
import importlib.util
import json
import os
import statistics
import sys

MOST_CALLS = 1 / 100        # of ncdevmem's
LEAST_KIB = 256             # for each io_uring_enter
MOST_LATENCY = 1.05         # of a loop without a low-water mark
MOST_INSTRUCTIONS = 1.05    # of the leanest loop's
MOST_COPYING = 1.00         # of plain epoll's
MOST_LARGE_PAGES = 1 / 5    # of what it takes with pages of 4 KiB
MOST_ECHO = 0.40            # of what an echo that copies takes
MOST_ECHO_CALLS = 0.80      # of the system calls that it makes
MOST_SENDING = 0.30         # of a plain send
MOST_SENDING_LEAN = 1.25    # of the leanest loop's: how much TCP sends in the calls themselves varies by a tenth
SMALL, LARGE = 4 << 10, 64 << 10

CONTROL = 20000000          # instructions: bench/control.c
KERNEL = ("kernel", "labnic", "udmabuf")
GIB, KIB = 1 << 30, 1 << 10
HERE = os.path.dirname(os.path.abspath(__file__))


def load_sum():
    spec = importlib.util.spec_from_file_location("count_sum", os.path.join(HERE, "../lab/count/sum.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Table:
    def __init__(self):
        self.missed = 0
        self.figures = {}

    def line(self, what, values, ratio, limit, good):
        self.missed += not good
        cells = "".join(f"{v:>12}" for v in values)
        verdict = "" if not limit else "ok" if good else "MISSED"
        print(f"{what:<34}{cells}   {ratio:<14} {limit:<10} {verdict}".rstrip())


def check_counting(counts, processor):
    """bench/control.c executed a known number of instructions on two processors, one after the other."""
    for name, where in (("control-sender", 0), ("control-receiver", processor)):
        found = {key[0]: n for _, one in counts[name] for key, n in one.items() if key[2] == "spin"}
        if list(found) != [where] or not 0 <= found[where] - CONTROL < 10:
            sys.exit(f"counting is broken: {name} executed {found} instead of {CONTROL} on processor {where}")


def calls_per_gib(results):
    calls = {r["of"]: (r["calls"], r["writes"], r["mib"]) for r in results if r["name"] == "calls"}
    # What ncdevmem prints is not part of receiving.
    return {of: (n - (w if of == "ncdevmem" else 0)) * 1024 / mib for of, (n, w, mib) in calls.items()}, calls


def add_calls(table, results):
    calls, raw = calls_per_gib(results)
    ratio = calls["libdevmem"] / calls["ncdevmem"]
    table.line("system calls per GiB", [f"{calls[k]:.0f}" for k in ("ncdevmem", "leanest", "libdevmem")],
               f"1/{1 / ratio:.0f}", "<= 1/100", ratio <= MOST_CALLS)
    table.figures["system_calls_per_gib"] = calls | {"ratio": ratio, "ncdevmem_writes_left_out": raw["ncdevmem"][1]}
    return raw["ncdevmem"]


def add_enters(table, results, suffix, what):
    kib = {}
    for name in ("leanest", "libdevmem"):
        kib[name] = kib_per_enter([r for r in results if r["name"] == name + suffix])
    table.line(f"KiB per io_uring_enter, {what}", ["", f"{kib['leanest']:.0f}", f"{kib['libdevmem']:.0f}"], "",
               ">= 256", kib["libdevmem"] >= LEAST_KIB)
    table.figures["kib_per_enter" + suffix] = kib


def add_latency(table, results):
    r = next(r for r in results if r["name"] == "pingpong")
    for key, what in (("median_us", "median"), ("p99_us", "99th per cent")):
        ratio = r["managed"][key] / r["without"][key]
        limit = key == "median_us"
        table.line(f"64-byte ping-pong, us, {what}", ["", f"{r['without'][key]:.2f}", f"{r['managed'][key]:.2f}"],
                   f"{ratio:.4f}", "<= 1.05" if limit else "", not limit or ratio <= MOST_LATENCY)
    table.figures["pingpong"] = r


def add_places(found):
    """Where the difference is: in the program and its libraries, or in the kernel that it makes work."""
    (one, other), found = list(found), list(found.values())
    width = max(10, len(one), len(other))
    for where, of in (("the program", False), ("the kernel", True)):
        a, b = (sum(n for key, n in functions.items() if (key[0] in KERNEL) == of) for functions in found)
        print(f"  {a:{width}.2f} {b:{width}.2f} {a - b:+9.2f}  all of {where}")


class Comparison:
    """Instructions per GiB of two programs that received the same, in turns."""

    def __init__(self, counted, counts, one, other):
        processor = counted.last_processor(counts)
        self.counted, self.names = counted, (one, other)
        self.functions, self.sums = {}, {}
        for name in self.names:
            self.functions[name], self.sums[name] = counted.per_gib(counts[name], processor)
        self.mean = {name: statistics.mean(self.sums[name]) for name in self.names}
        self.ratio = self.mean[one] / self.mean[other]

    def figures(self):
        return {"million_per_gib": self.sums, "ratio": self.ratio}

    def differences(self, what):
        print(f"\n{what}: ", end="")
        _, differences = self.counted.compare(*(self.functions[n] for n in self.names), self.names, 10)
        add_places(self.functions)
        return differences


def results_of(results, name, engine, page_size):
    """That it was what it is taken for: another engine or page would be another comparison."""
    found = [r for r in results if r["name"] == name]
    wrong = [r for r in found if r["engine"] != engine or r["page_size"] != page_size]
    if not found or wrong:
        sys.exit(f"{name}: not with engine {engine} and pages of {page_size} bytes: {wrong or 'no results'}")
    return found


def fragments_per_gib(results):
    return statistics.median(r["fragments"] * GIB / r["bytes"] for r in results)


def headline(columns):
    print(f"\n{'':<34}{''.join(f'{c:>12}' for c in columns)}   {'ratio':<14} limit")


def kib_per_enter(results):
    return statistics.median(r["bytes"] / KIB / r["enter_calls"] for r in results)


# With small pages the library's descriptors and accounts weigh more than the limit allows: none there. Nor where nothing is
# paced: how often a receiver is woken varies by a third from run to run with large pages, and that is most of the cost.
ZCRX = (("-small", SMALL, "4 KiB, streaming", False), ("-large", LARGE, "64 KiB, streaming", False),
        ("-large-paced", LARGE, "64 KiB, paced", True))


def zcrx(table, results, counted, counts):
    headline(("", "leanest", "zcrx"))
    compared = {}
    for suffix, page_size, what, limited in ZCRX:
        both = (results_of(results, "leanest_zcrx" + suffix, "by hand, zcrx", page_size),
                results_of(results, "libdevmem-zcrx" + suffix, "zcrx", page_size))
        c = Comparison(counted, counts, "libdevmem-zcrx" + suffix, "leanest_zcrx" + suffix)
        table.line(f"million instr., {what}", ["", *(f"{c.mean[n]:.1f}" for n in reversed(c.names))],
                   f"{c.ratio:.4f}", "<= 1.05" if limited else "", not limited or c.ratio <= MOST_INSTRUCTIONS)
        table.figures["zcrx" + suffix] = c.figures()
        for key, label, of in (("fragments_per_gib", "  fragments", fragments_per_gib),
                               ("kib_per_enter", "  KiB per io_uring_enter", kib_per_enter)):
            values = [of(r) for r in both]
            table.line(label, ["", *(f"{v:.0f}" for v in values)], "", "", True)
            table.figures["zcrx" + suffix][key] = values
        compared["zcrx, " + what] = c
    c = Comparison(counted, counts, "libdevmem-zcrx-large-paced", "leanest_zcrx-mark")
    table.line("  the same, marks alike", ["", *(f"{c.mean[n]:.1f}" for n in reversed(c.names))], f"{c.ratio:.4f}", "", True)
    table.figures["zcrx-mark"] = c.figures()
    print("\nInstructions and fragments per GiB. With 64 KiB the NIC merges, as hardware with LRO or HW-GRO does;\n"
          "with 4 KiB it does not. The leanest loop has a fixed low-water mark of 512 KiB; the library takes up to 1 MiB\n"
          "with large pages, and in the last line so does the loop. What remains there is mostly the timer that the\n"
          "library waits with, so that a tail below the mark is not held back.")
    return compared


def copy(table, results, counted, counts):
    headline(("epoll, mark", "epoll", "copy"))
    compared = {}
    for suffix, what in (("", "streaming"), ("-paced", "paced")):
        results_of(results, "libdevmem-copy" + suffix, "copy", 0)
        c = Comparison(counted, counts, "libdevmem-copy" + suffix, "epoll" + suffix)
        marked = statistics.mean(counted.per_gib(counts["epoll-mark" + suffix], counted.last_processor(counts))[1])
        values = [marked, *(c.mean[n] for n in reversed(c.names))]
        table.line(f"million instr. per GiB, {what}", [f"{v:.1f}" for v in values], f"{c.ratio:.4f}", "<= 1.00",
                   c.ratio <= MOST_COPYING)
        table.figures["copy" + suffix] = c.figures() | {"epoll_with_mark": marked}
        compared["copy, " + what] = c
    print("\nThe ratio is to plain epoll; \"mark\" is the same with SO_RCVLOWAT 512 KiB, as the engine sets it.")
    return compared


def pages(table, results, counted, counts):
    headline(("", "4 KiB", "default"))
    small = results_of(results, "pages-small", "devmem", SMALL)
    large = results_of(results, "pages-default", "devmem", LARGE)
    c = Comparison(counted, counts, "pages-default", "pages-small")
    table.line("million instr. per GiB, streaming", ["", *(f"{c.mean[n]:.1f}" for n in reversed(c.names))],
               f"{c.ratio:.4f}", "<= 0.20", c.ratio <= MOST_LARGE_PAGES)
    fragments = [fragments_per_gib(r) for r in (small, large)]
    table.line("fragments per GiB", ["", *(f"{f:.0f}" for f in fragments)],
               f"{fragments[1] / fragments[0]:.4f}", "", True)
    table.figures["pages"] = c.figures() | {"fragments_per_gib": fragments}
    print("\nEngine devmem with default options, which take pages of 64 KiB from a buffer of 128 MiB, against the\n"
          "same with 4 KiB. For both the NIC merges, as hardware with LRO or HW-GRO does: without, no fragment is\n"
          "larger than a packet.")
    return {}


def devmem(table, results, counted, counts):
    headline(("ncdevmem", "leanest", "libdevmem"))
    of_ncdevmem = add_calls(table, results)
    add_enters(table, results, "", "streaming")
    add_enters(table, results, "-paced", "paced")
    add_latency(table, results)
    compared = {}
    for suffix, what in (("", "streaming"), ("-paced", "paced")):
        results_of(results, "leanest" + suffix, "by hand, devmem", SMALL)
        results_of(results, "libdevmem" + suffix, "devmem", SMALL)
        c = Comparison(counted, counts, "libdevmem" + suffix, "leanest" + suffix)
        table.line(f"million instr. per GiB, {what}", ["", *(f"{c.mean[n]:.1f}" for n in reversed(c.names))],
                   f"{c.ratio:.4f}", "<= 1.05", c.ratio <= MOST_INSTRUCTIONS)
        table.figures["instructions" + suffix] = c.figures()
        compared[what] = c
    print(f"\nPages of 4 KiB. System calls are for {of_ncdevmem[2]} MiB, set-up left out, and so are "
          f"{of_ncdevmem[1]} writes with which\nncdevmem prints; ping-pong is against the same loop without a "
          "low-water mark.")
    return compared


# With pages of 4 KiB the kernel's account of each fragment is more than two copies take, so there is no limit.
ECHO = (("", LARGE, "64 KiB, streaming", True), ("-paced", LARGE, "64 KiB, paced", True),
        ("-small", SMALL, "4 KiB, streaming", False))


def sends_of(results, name):
    """That it sent from device memory; the programs themselves end if anything was copied."""
    wrong = [r for r in results if r["name"] == name and r["tx_engine"] != "devmem"]
    if wrong:
        sys.exit(f"{name}: not sent from device memory: {wrong}")


def echo(table, results, counted, counts):
    headline(("", "copying", "echo"))
    calls = calls_per_gib(results)[0]
    ratio = calls["echo"] / calls["echo_copy"]
    table.line("system calls per GiB, echo", ["", *(f"{calls[k]:.0f}" for k in ("echo_copy", "echo"))], f"{ratio:.4f}",
               f"<= {MOST_ECHO_CALLS:.2f}", ratio <= MOST_ECHO_CALLS)
    table.figures["echo_calls_per_gib"] = {k: calls[k] for k in ("echo", "echo_copy")} | {"ratio": ratio}
    compared = {}
    for suffix, page_size, what, limited in ECHO:
        results_of(results, "echo_copy" + suffix, "none, epoll", 0)
        results_of(results, "echo" + suffix, "devmem", page_size)
        sends_of(results, "echo" + suffix)
        c = Comparison(counted, counts, "echo" + suffix, "echo_copy" + suffix)
        table.line(f"million instr., {what}", ["", *(f"{c.mean[n]:.1f}" for n in reversed(c.names))], f"{c.ratio:.4f}",
                   f"<= {MOST_ECHO:.2f}" if limited else "", not limited or c.ratio <= MOST_ECHO)
        table.figures["echo" + suffix] = c.figures()
        compared["echo, " + what] = c
    print("\nPer GiB that comes and goes back. The copying echo receives and sends 1 MiB at a time (epoll); a copy is one\n"
          "instruction for 8 bytes here. With 64 KiB the NIC merges. What the NIC does is not counted.")
    return compared


def send(table, results, counted, counts):
    headline(("plain", "leanest", "libdevmem"))
    results_of(results, "tx_plain", "none, send", 0)
    results_of(results, "leanest_tx", "by hand, devmem", 0)
    results_of(results, "tx", "devmem", 0)
    sends_of(results, "tx")
    plain, lean = (Comparison(counted, counts, "tx", other) for other in ("tx_plain", "leanest_tx"))
    values = [f"{v:.1f}" for v in (plain.mean["tx_plain"], lean.mean["leanest_tx"], lean.mean["tx"])]
    for c, of, most in ((plain, "a plain send", MOST_SENDING), (lean, "the leanest", MOST_SENDING_LEAN)):
        table.line(f"million instr., of {of}", values, f"{c.ratio:.4f}", f"<= {most:.2f}", c.ratio <= most)
        table.figures["send, of " + of] = c.figures()
    enters = {name: statistics.median(r["enter_calls"] * GIB / r["bytes"] for r in results if r["name"] == name)
              for name in ("tx_plain", "leanest_tx", "tx")}
    table.line("system calls per GiB", [f"{n:.0f}" for n in enters.values()], "", "", True)
    table.figures["send_calls_per_gib"] = enters
    print("\nPer GiB, 1 MiB at a time on one connection. What the NIC does is not counted.")
    return {"sending": lean}


NATIVE = (("seconds per GiB", lambda r: r["seconds"]),
          ("processor seconds per GiB", lambda r: r["user_seconds"] + r["system_seconds"]))


def native(table, results):
    headline(("epoll, mark", "epoll", "copy"))
    found = {"epoll-mark": results_of(results, "native-epoll-mark", "none, epoll", 0),
             "epoll": results_of(results, "native-epoll", "none, epoll", 0),
             "copy": results_of(results, "native-copy", "copy", 0)}
    if {r["name"] for r in results if r.get("verified")} != {"verified-epoll", "verified-copy"}:
        sys.exit("the bytes were not verified")
    for what, of in NATIVE:
        rounds = {name: [of(r) * GIB / r["bytes"] for r in some] for name, some in found.items()}
        median = {name: statistics.median(values) for name, values in rounds.items()}
        ratio = median["copy"] / median["epoll"]
        table.line(what + ", median", [f"{n:.3f}" for n in median.values()], f"{ratio:.4f}", "", True)
        table.figures["native " + what] = {"rounds": rounds, "median": median, "ratio": ratio}
    run = next(r for r in results if r["name"] == "native")
    print(f"\nLoopback of this machine, kernel {run['kernel']}; {run['rounds']} x {run['mib']} MiB of each, in turns.\n"
          "Before that every byte was verified. The ratio is to plain epoll; times have no limit.")
    table.figures["native"] = run


def lab(table, results, counted, counts):
    run = next(r for r in results if r["name"] == "run")
    check_counting(counts, counted.last_processor(counts))
    print(f"In the lab, kernel {run['kernel']}, emulated; {run['rounds']} x {run['mib']} MiB, in turns.\n"
          "Instructions are those on the processor of what is measured, in the kernel and out of it.")
    parts = {"devmem": devmem, "zcrx": zcrx, "copy": copy, "pages": pages, "echo": echo, "send": send}
    compared = {}
    for part in run["parts"].split():
        compared |= parts[part](table, results, counted, counts)
    for what, comparison in compared.items():
        table.figures["differences_" + what] = comparison.differences(what)
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
    if "native" in names:
        native(table, results)
    if not names & {"run", "native"}:
        sys.exit("nothing was measured")
    table.figures |= {"missed": table.missed, "results": results}
    print(json.dumps(table.figures))
    return 1 if table.missed else 0


sys.exit(main())
