#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What "scripts/bench scale --json" wrote (standard input), as commands for gnuplot: scale-CURVE.svg for each curve."""
import json
import statistics
import sys

from scale import CURVES, size_of


def data_of(curve, points):
    """x, median, least, most"""
    rows = []
    for point, f in points.items():
        x = statistics.median(f["each"]["fragments"]) * 1024 if curve == "fragments" else size_of(point)
        rows.append((x, f["median"], min(f["million_per_gib"]), max(f["million_per_gib"])))
    return "\n".join(" ".join(f"{v:.2f}" for v in row) for row in sorted(rows))


def plot(curve, lines):
    what = CURVES[curve][0] if curve != "fragments" else "bytes of a fragment, mean"
    print(f"set output 'scale-{curve}.svg'\nset xlabel '{what}'")
    for i, points in enumerate(lines.values()):
        print(f"$line{i} << end\n{data_of(curve, points)}\nend")
    print("plot " + ", ".join(f"$line{i} using 1:2:3:4 with yerrorlines title '{name}'" for i, name in enumerate(lines)))


def main():
    scale = json.load(sys.stdin)["scale"]
    print("set terminal svg size 720,440 font 'sans-serif,13' background 'white'\n"
          "set logscale x 2\nset logscale y\nset key outside below\nset grid\nset yrange [10:*]\n"
          "set ylabel 'million instructions per GiB'")
    for curve, lines in scale.items():
        plot(curve, lines)


main()
