# SPDX-License-Identifier: MIT
"""What a byte costs as something grows: a table for each curve, and a limit for connections."""
import statistics

from markdown import spread
from measured import KIB

MAX_GROWTH = 1.25                  # of what a byte costs with 1,024 connections, to that with 16
FEW, MANY = "16", "1024"
PAGES = {"small": "4 KiB", "default": "default pages", "coalesced": "default pages, coalesced"}
EPOLL = "none, epoll"

CURVES = {
    "connections": ("connections", "The same bytes in all, {portion}, sent in turns."),
    "many": ("connections that have room", "The same bytes in all, {portion}, sent in turns at fixed times. \"Coalesced\" is with\n"
             "coalesce_us of 2,000."),
    "fragments": ("bytes of a fragment, at most", "Up to 2 KiB packets of that size, not merged, in pages of 4 KiB; from there on\n"
                  "pages of that size, filled by packets that the NIC merges."),
    "queues": ("queues", "Sixteen connections, one ring. With engine zcrx a ring has one queue."),
    "tokens": ("tokens that the receiver keeps", "It gives the oldest back when it has more."),
}


def size_of(point):
    return int(point[:-1]) * KIB if point.endswith("K") else int(point)


def name_of(curve, engine, pages):
    return engine if curve == "fragments" or pages == "none" else f"{engine}, {PAGES[pages]}"


def read(results, counted, counts):
    """{curve: {name: {point: figures}}}"""
    processor = counted.last_processor(counts)
    found = {}
    for r in results:
        parts = r["name"].split("/")
        if len(parts) != 4:
            continue
        curve, engine, pages, point = parts
        points = found.setdefault(curve, {}).setdefault(name_of(curve, engine, pages), {})
        if r["engine"] != (EPOLL if engine == "epoll" else engine):
            raise SystemExit(f"{r['name']}: by engine {r['engine']}")
        figures = points.setdefault(point, {"bytes": r["bytes"], "page_size": r["page_size"], "each": {}})
        for key in ("enter_calls", "completions", "releases", "fragments"):
            figures["each"].setdefault(key, []).append(r["bytes"] / KIB / max(1, r[key]))
        figures["million_per_gib"] = counted.per_gib(counts[r["name"]], processor)[1]
        figures["median"] = statistics.median(figures["million_per_gib"])
    return found


def points_of(lines):
    return sorted({p for points in lines.values() for p in points}, key=size_of)


def add_limit(table, lines):
    for name, points in lines.items():
        ratio = points[MANY]["median"] / points[FEW]["median"]
        limited = name != "epoll"
        table.line(f"{MANY} to {FEW}, {name}", [f"{ratio:.3f}" if n == name else "" for n in lines], "",
                   f"<= {MAX_GROWTH}" if limited else "", not limited or ratio <= MAX_GROWTH)


def add_curve(table, curve, lines):
    what, note = CURVES[curve]
    portion = next(iter(next(iter(lines.values())).values()))["bytes"] >> 20
    table.head(f"million instructions per GiB by {what}", *lines)
    for point in points_of(lines):
        cells = [spread(points[point]["million_per_gib"]) if point in points else "" for points in lines.values()]
        table.line(point.replace("K", " KiB"), cells)
    if curve == "many":
        add_limit(table, lines)
    table.end(note.format(portion=f"{portion} MiB"))


# What bends have to do with. With zcrx each fragment is a completion, and there are no releases; epoll has no fragments.
CAUSES = {"enter_calls": ("system call", ("devmem", "zcrx", "epoll")), "completions": ("receive", ("devmem", "epoll")),
          "fragments": ("fragment", ("devmem", "zcrx"))}


def add_causes(table, curve, lines):
    for key, (what, engines) in CAUSES.items():
        mine = {name: points for name, points in lines.items() if name.split(",")[0] in engines}
        table.head(f"KiB for each {what}, by {CURVES[curve][0]}", *mine)
        for point in points_of(mine):
            table.line(point.replace("K", " KiB"),
                       [spread(points[point]["each"][key]) if point in points else "" for points in mine.values()])
        table.end("")


def scale(table, results, counted, counts):
    found = read(results, counted, counts)
    for curve in CURVES:
        if curve in found:
            add_curve(table, curve, found[curve])
            add_causes(table, curve, found[curve])
    table.figures["scale"] = found
    return {}
