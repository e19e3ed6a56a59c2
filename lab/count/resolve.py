#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns the output of the guest and the plugin (standard input) into instructions per function (standard output).

resolve.py GUEST=HERE...: each folder of the guest, and where it is on the host.

From the guest: "count NAME", "map LINE-OF-/proc/self/maps", "bytes N" (mark.h), "symbol ADDRESS NAME [MODULE]"
(guest.sh). From the plugin, with the counts in the same order: "blocks", "at PROCESSOR ADDRESS INSTRUCTIONS". The result:

    count NAME BYTES
    PROCESSOR INSTRUCTIONS OBJECT FUNCTION      separated by tabs, most first
"""
import bisect
import collections
import functools
import os
import subprocess
import sys

KERNEL_HALF = 1 << 63


class Symbols:
    """Finds the function that an address belongs to: the nearest symbol at or before it."""

    def __init__(self, symbols):
        unique = dict(sorted(symbols, key=lambda s: s[1], reverse=True))
        self.addresses = sorted(unique)
        self.names = [unique[a] for a in self.addresses]

    def find(self, address):
        i = bisect.bisect_right(self.addresses, address) - 1
        return self.names[i] if i >= 0 else None


def lines_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False).stdout.splitlines()


@functools.lru_cache(None)
def elf(path):
    """Returns (file offset, size, address) of each loaded segment, and the functions."""
    loads = [line.split() for line in lines_of("readelf", "-lW", path) if line.strip().startswith("LOAD")]
    symbols = []
    for line in lines_of("nm", "--defined-only", path) + lines_of("nm", "-D", "--defined-only", path):
        address, kind, name = line.split(None, 2)
        if kind in "tTwWiI":
            symbols.append((int(address, 16), name.split("@")[0]))
    return [(int(w[1], 16), int(w[4], 16), int(w[2], 16)) for w in loads], Symbols(symbols)


class Count:
    def __init__(self, name):
        self.name, self.bytes, self.maps, self.functions = name, 0, [], collections.Counter()

    def add_map(self, words):
        start, end = (int(x, 16) for x in words[0].split("-"))
        if "x" in words[1]:
            self.maps.append((start, end, int(words[2], 16), words[5] if len(words) > 5 else "?"))

    def user(self, address, others, folders):
        """A block keeps the address that it had in the program that ran it first, so others' maps are searched too."""
        for start, end, offset, path in self.maps + others:
            if start <= address < end:
                break
        else:
            return "?", f"{address >> 12:x}000"  # another program's
        for guest, here in folders:
            if path.startswith(guest + "/"):
                path = here + path[len(guest):]
        at = address - start + offset
        if os.path.exists(path):
            loads, symbols = elf(path)
            for file_offset, size, loaded in loads:
                if file_offset <= at < file_offset + size:
                    return os.path.basename(path), symbols.find(at - file_offset + loaded) or "?"
        return os.path.basename(path), "?"


def read(stream):
    common, blocks, kernel = Count("common"), [], []
    counts = [common]
    for line in stream:
        words = line.split()
        if words[0] == "count":
            counts.append(Count(words[1]))
        elif words[0] == "map":
            counts[-1].add_map(words[1:])
        elif words[0] == "bytes":
            counts[-1].bytes = int(words[1])
        elif words[0] == "symbol":
            module = words[3].strip("[]") if len(words) > 3 else "kernel"
            kernel.append((int(words[1], 16), (module, words[2])))
        elif words[0] == "blocks":
            blocks.append([])
        elif words[0] == "at":
            blocks[-1].append((int(words[1]), int(words[2], 16), int(words[3])))
    return common.maps, counts[1:], blocks, Symbols(kernel)


def main():
    folders = [tuple(argument.split("=", 1)) for argument in sys.argv[1:]]
    common, counts, blocks, kernel = read(sys.stdin)
    if len(counts) != len(blocks):
        sys.exit(f"{len(counts)} counts were named but {len(blocks)} ended: a program failed in between")
    others = common + [one for count in counts for one in count.maps]
    for count, found in zip(counts, blocks):
        for processor, address, instructions in found:
            if address >= KERNEL_HALF:
                where = kernel.find(address) or ("kernel", "?")
            else:
                where = count.user(address, others, folders)
            count.functions[processor, *where] += instructions
        print(f"count {count.name} {count.bytes}")
        for (processor, module, function), n in count.functions.most_common():
            print(processor, n, module, function, sep="\t")


main()
