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
        print(f"{what:<34}{cells}   {ratio:<14} {limit:<10} {'ok' if good else 'MISSED'}")


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
        kib[name] = statistics.median(r["bytes"] / KIB / r["enter_calls"] for r in results
                                      if r["name"] == name + suffix)
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


def add_instructions(table, counted, counts, suffix, what):
    functions, sums = {}, {}
    processor = counted.last_processor(counts)
    for name in ("leanest", "libdevmem"):
        functions[name], sums[name] = counted.per_gib(counts[name + suffix], processor)
    mean = {name: statistics.mean(sums[name]) for name in sums}
    ratio = mean["libdevmem"] / mean["leanest"]
    table.line(f"million instr. per GiB, {what}", ["", f"{mean['leanest']:.1f}", f"{mean['libdevmem']:.1f}"],
               f"{ratio:.4f}", "<= 1.05", ratio <= MOST_INSTRUCTIONS)
    table.figures["instructions" + suffix] = {"million_per_gib": sums, "ratio": ratio}
    return functions


def add_places(found):
    """Where the difference is: in the program and its libraries, or in the kernel that it makes work."""
    for where, of in (("the program", False), ("the kernel", True)):
        sums = {name: sum(n for key, n in functions.items() if (key[0] in KERNEL) == of)
                for name, functions in found.items()}
        print(f"  {sums['libdevmem']:10.2f} {sums['leanest']:10.2f} {sums['libdevmem'] - sums['leanest']:+9.2f}  "
              f"all of {where}")


def main():
    counted = load_sum()
    lines = sys.stdin.read().splitlines()
    results = [json.loads(line) for line in lines if line.startswith("{")]
    counts = counted.read(line for line in lines if not line.startswith("{"))
    run = next(r for r in results if r["name"] == "run")
    check_counting(counts, counted.last_processor(counts))
    table = Table()
    print(f"Receiving in the lab, kernel {run['kernel']}, emulated; {run['rounds']} x {run['mib']} MiB, in turns\n")
    print(f"{'':<34}{'ncdevmem':>12}{'leanest':>12}{'libdevmem':>12}   {'ratio':<14} limit")
    of_ncdevmem = add_calls(table, results)
    add_enters(table, results, "", "streaming")
    add_enters(table, results, "-paced", "paced")
    add_latency(table, results)
    functions = {}
    for suffix, what in (("", "streaming"), ("-paced", "paced")):
        functions[what] = add_instructions(table, counted, counts, suffix, what)
    print(f"\nSystem calls are for {of_ncdevmem[2]} MiB, set-up left out, and so are {of_ncdevmem[1]} writes with which "
          "ncdevmem prints;\nping-pong is against the same loop without a low-water mark; instructions are those on "
          "the\nreceiver's processor, in the kernel and out of it.")
    for what, found in functions.items():
        print(f"\n{what}: ", end="")
        _, differences = counted.compare(found["libdevmem"], found["leanest"], ("libdevmem", "leanest"), 10)
        add_places(found)
        table.figures["differences_" + what] = differences
    table.figures |= {"run": run, "missed": table.missed, "results": results}
    print(json.dumps(table.figures))
    return 1 if table.missed else 0


sys.exit(main())
