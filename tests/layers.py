#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls of the library go down the layers only, and never in a circle. layers.py OBJECTS

OBJECTS: the folder of the library's object files, which mirrors src/. What calls what is read from their relocations, not
from includes: a function that is only passed on counts too, a table of functions does not. What src/ includes is read as well:
a room includes what it may call. Exit status 1: a circle, a call or an include upward, or an object whose room is unknown.
"""
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict

# From the bottom to the top. Rooms of one layer know nothing of each other. Files in src/ itself are rooms of their own.
LAYERS = (
    ("base",),
    ("memory", "netlink", "tokens", "uring"),
    ("backends", "nic", "recv.c"),
    ("bind",),
    ("recv",),
    ("engines", "tx"),
    ("ring",),
)
FACES = {"bind": "bind", "recv": "recv.c", "tokens": "tokens", "tx": "tx"}     # which room a file in src/ belongs to
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
SHARED = {"ring.h"}     # what all rooms of the loop may include: the ring and the socket, made of each room's part

RELOCATION = re.compile(r"R_\w+\s+([A-Za-z_]\w*)")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")


def room_of(unit):
    return unit.split("/")[0] if "/" in unit else FACES.get(unit)


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def objects_in(folder):
    """Path of each object file by the name of what it was compiled from, without .c"""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".o"):
                unit = os.path.relpath(os.path.join(path, name), folder)
                found[re.sub(r"(\.c)?\.o$", "", unit)] = os.path.join(path, name)
    return found


def functions_of(objects):
    """Which unit defines each global function"""
    where = {}
    for unit, path in objects.items():
        for line in output_of("nm", "--defined-only", path):
            _, kind, name = line.split()
            if kind in "TW":
                where[name] = unit
    return where


def calls_of(objects):
    """calls[a][b]: how unit a calls b, as (caller, callee)"""
    where, calls = functions_of(objects), defaultdict(lambda: defaultdict(set))
    for unit, path in objects.items():
        caller = None
        for line in output_of("objdump", "-dr", "--no-show-raw-insn", path):
            function, relocation = FUNCTION.match(line), RELOCATION.search(line)
            if function:
                caller = function.group(1)
            elif relocation and where.get(relocation.group(1), unit) != unit:
                calls[unit][where[relocation.group(1)]].add((caller, relocation.group(1)))
    return calls


def circles_in(calls):
    """Groups of units each of which reaches the others (Tarjan's strongly connected components)"""
    index, low, stack, circles = {}, {}, [], []

    def visit(unit):
        index[unit] = low[unit] = len(index)
        stack.append(unit)
        for other in calls.get(unit, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[unit] = min(low[unit], low[other])
        if low[unit] == index[unit]:
            at = stack.index(unit)
            circle = stack[at:]
            del stack[at:]
            if len(circle) > 1:
                circles.append(sorted(circle))

    for unit in sorted(calls):
        if unit not in index:
            visit(unit)
    return circles


def upward(a, b):
    return room_of(a) != room_of(b) and LEVEL[room_of(b)] >= LEVEL[room_of(a)]


def complaints_about(objects):
    unknown = [unit for unit in objects if room_of(unit) not in LEVEL]
    if unknown:
        return [f"src/{unit}.c is in no room that tests/layers.py knows" for unit in sorted(unknown)], 0, 0
    calls = calls_of(objects)
    circles = circles_in(calls)
    ups = [(a, b, how) for a in sorted(calls) for b in sorted(calls[a]) if upward(a, b) for how in sorted(calls[a][b])]
    complaints = ["a circle of calls: " + ", ".join(circle) for circle in circles]
    complaints += [f"a call upward: {a}.c, {caller}() -> {b}.c, {callee}()" for a, b, (caller, callee) in ups]
    return complaints, len(circles), len(ups)


def includes_upward(src):
    found = []
    for path, _, names in os.walk(src):
        for name in sorted(names):
            file = os.path.relpath(os.path.join(path, name), src)
            if not name.endswith((".c", ".h")) or file in SHARED:
                continue
            for line in open(os.path.join(src, file), encoding="utf-8"):
                included = re.match(r'#include "((?:\w+/)?\w+)\.h"', line)
                if not included or included.group(1) + ".h" in SHARED:
                    continue
                a, b = file[:-2], included.group(1)
                if room_of(b) in LEVEL and upward(a, b):
                    found.append(f"an include upward: src/{file} includes {b}.h")
    return found


def check_planted():
    """What is planted here must be found: a circle, and a call from the lowest room into the highest one"""
    with tempfile.TemporaryDirectory() as folder:
        for unit, text in (("base/a", "void b(void); void a(void); void a(void) { b(); }"),
                           ("ring/b", "void a(void); void b(void); void b(void) { a(); }")):
            os.makedirs(os.path.join(folder, os.path.dirname(unit)))
            subprocess.run(("gcc", "-xc", "-c", "-", "-o", os.path.join(folder, unit + ".o")), input=text, text=True, check=True)
        _, circles, ups = complaints_about(objects_in(folder))
    if (circles, ups) != (1, 1):
        sys.exit(f"of a planted circle and a planted call upward {circles} and {ups} were found")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    check_planted()
    objects = objects_in(sys.argv[1])
    if len(objects) < 50:
        sys.exit(f"only {len(objects)} object files below {sys.argv[1]}")
    complaints, circles, ups = complaints_about(objects)
    includes = includes_upward(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src"))
    print(*complaints, *includes, sep="\n", end="\n" if complaints or includes else "")
    print(f"{len(objects)} objects: {circles} circles of calls, {ups} calls upward, {len(includes)} includes upward; "
          "what was planted was found")
    return 1 if complaints or includes else 0


if __name__ == "__main__":
    sys.exit(main())
