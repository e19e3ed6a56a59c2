# SPDX-License-Identifier: MIT
"""What was printed and counted, and comparisons of it. Ends the program when it is not what it is taken for."""
import importlib.util
import os
import statistics
import sys

CONTROL = 20000000          # instructions: bench/control.c
KERNEL = ("kernel", "labnic", "udmabuf")
GIB, KIB = 1 << 30, 1 << 10
HERE = os.path.dirname(os.path.abspath(__file__))


def load_sum():
    spec = importlib.util.spec_from_file_location("count_sum", os.path.join(HERE, "../lab/count/sum.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_counting(counts, processor):
    """bench/control.c executed a known number of instructions on two processors, one after the other."""
    for name, where in (("control-sender", 0), ("control-receiver", processor)):
        found = {key[0]: n for _, one in counts[name] for key, n in one.items() if key[2] == "spin"}
        if list(found) != [where] or not 0 <= found[where] - CONTROL < 10:
            sys.exit(f"counting is broken: {name} executed {found} instead of {CONTROL} on processor {where}")


def calls_per_gib(results):
    calls = {r["of"]: (r["calls"], r["writes"], r["mib"]) for r in results if r["name"] == "calls"}
    # What ncdevmem prints is not part of receiving.
    return {of: (n - (w if "ncdevmem" in of else 0)) * 1024 / mib for of, (n, w, mib) in calls.items()}, calls


def results_of(results, name, engine, page_size):
    """That it was what it is taken for: another engine or page would be another comparison."""
    found = [r for r in results if r["name"] == name]
    wrong = [r for r in found if r["engine"] != engine or r["page_size"] != page_size]
    if not found or wrong:
        sys.exit(f"{name}: not with engine {engine} and pages of {page_size} bytes: {wrong or 'no results'}")
    return found


def sends_of(results, name):
    """That it sent from device memory; the programs themselves end if anything was copied."""
    wrong = [r for r in results if r["name"] == name and r["tx_engine"] != "devmem"]
    if wrong:
        sys.exit(f"{name}: not sent from device memory: {wrong}")


def fragments_per_gib(results):
    return [r["fragments"] * GIB / r["bytes"] for r in results]


def kib_per_enter(results):
    return [r["bytes"] / KIB / r["enter_calls"] for r in results]


def print_places(found):
    """Where the difference is: in the program and its libraries, or in the kernel that it makes work."""
    (one, other), found = list(found), list(found.values())
    width = max(10, len(one), len(other))
    for where, of in (("the program", False), ("the kernel", True)):
        a, b = (sum(n for key, n in functions.items() if (key[0] in KERNEL) == of) for functions in found)
        print(f"  {a:{width}.2f} {b:{width}.2f} {a - b:+9.2f}  all of {where}")


class Comparison:
    """Million instructions per GiB of two programs that received the same, in turns: medians, and each round's."""

    def __init__(self, counted, counts, one, other):
        processor = counted.last_processor(counts)
        self.counted, self.names = counted, (one, other)
        self.functions, self.sums = {}, {}
        for name in self.names:
            self.functions[name], self.sums[name] = counted.per_gib(counts[name], processor)
        self.median = {name: statistics.median(self.sums[name]) for name in self.names}
        self.ratio = self.median[one] / self.median[other]

    def figures(self):
        return {"million_per_gib": self.sums, "median": self.median, "ratio": self.ratio}

    def differences(self, what):
        print(f"\n{what}: ", end="")
        _, differences = self.counted.compare(*(self.functions[n] for n in self.names), self.names, 10)
        print_places(self.functions)
        return differences
