#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sums the output of "scripts/lab run --count FILE", per function and per GiB."""
import argparse
import collections
import json
import re
import sys

GIB = 1 << 30


def read(lines):
    """{name: [(bytes, Counter of (processor, object, function))]}"""
    counts = collections.defaultdict(list)
    for line in lines:
        if line.startswith("count "):
            _, name, size = line.split()
            counts[name].append((int(size), collections.Counter()))
        else:
            processor, n, where, function = line.rstrip("\n").split("\t")
            counts[name][-1][1][int(processor), where, function] += int(n)
    return counts


def last_processor(counts):
    """The processor on which the receiver runs alone."""
    return max(key[0] for rounds in counts.values() for _, found in rounds for key in found)


def per_gib(rounds, processor, only=re.compile("")):
    """Million instructions per GiB of each function, the mean of all rounds, and each round's sum."""
    functions, sums = collections.Counter(), []
    for size, found in rounds:
        scale = GIB / (size or GIB) / 1e6
        mine = {key[1:]: n * scale for key, n in found.items()
                if key[0] == processor and only.search(key[2])}
        sums.append(sum(mine.values()))
        for key, n in mine.items():
            functions[key] += n / len(rounds)
    return functions, sums


def describe(name, rounds, functions, sums, top):
    print(f"{name}: {sum(sums) / len(sums):.1f} million instructions per GiB "
          f"({len(rounds)} x {rounds[0][0] / (1 << 20):.0f} MiB, {min(sums):.1f} to {max(sums):.1f})")
    for (where, function), n in functions.most_common(top):
        print(f"  {n:9.2f}  {where}:{function}")


def compare(one, other, names, top):
    keys = sorted(set(one) | set(other), key=lambda k: -abs(one[k] - other[k]))
    a, b = sum(one.values()), sum(other.values())
    print(f"{names[0]} / {names[1]} = {a / b:.4f}; the largest differences, million instructions per GiB:")
    print(f"  {names[0]:>10} {names[1]:>10} {'more':>9}")
    for key in keys[:top]:
        print(f"  {one[key]:10.2f} {other[key]:10.2f} {one[key] - other[key]:+9.2f}  {':'.join(key)}")
    return a / b, [{"function": ":".join(k), names[0]: one[k], names[1]: other[k]} for k in keys[:top]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--processor", type=int, help="default: the last, on which the receiver runs alone")
    parser.add_argument("--compare", nargs=2, metavar=("NAME", "WITH"), help="compare two counts by function")
    parser.add_argument("--only", metavar="PATTERN", type=re.compile, default="",
                        help="only functions whose name matches (anywhere in it)")
    parser.add_argument("--top", type=int, default=10, help="how many functions to show (default 10)")
    parser.add_argument("--json", metavar="OUT", help="the figures, for programs (- for standard output)")
    args = parser.parse_args()
    with open(args.file, encoding="utf-8") as lines:
        counts = read(lines)
    if not counts:
        sys.exit(f"{args.file}: it has no counts (does the program set marks?)")
    processor = last_processor(counts) if args.processor is None else args.processor
    result = {"processor": processor, "unit": "million instructions per GiB", "counts": {}}
    means = {}
    for name, rounds in counts.items():
        means[name], sums = per_gib(rounds, processor, args.only)
        result["counts"][name] = {"bytes": rounds[0][0], "rounds": sums, "functions":
                                  {":".join(k): n for k, n in means[name].most_common()}}
        if args.json != "-" and not args.compare:
            describe(name, rounds, means[name], sums, args.top)
    if args.compare:
        if not set(args.compare) <= set(means):
            sys.exit(f"{args.file}: no such count; it has {', '.join(means)}")
        result["ratio"], result["differences"] = compare(*(means[n] for n in args.compare), args.compare, args.top)
    if args.json:
        out = sys.stdout if args.json == "-" else open(args.json, "w", encoding="utf-8")
        json.dump(result, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
