# SPDX-License-Identifier: MIT
"""The same bytes by every receiver there is: what each takes, and libdevmem's engines compared with each of the others."""
import statistics

from markdown import spread
from measured import GIB, calls_per_gib, results_of

SMALL, LARGE = 4 << 10, 64 << 10
COPIED = "rep_movs_alternative"     # the kernel's copy to user space, 8 bytes an instruction
MAX_OF_LEANEST, MAX_OF_EPOLL, MAX_OF_NCDEVMEM = 1.05, 1.00, 1 / 100

# As bench/peers.sh calls them: what they say of themselves, and with which pages.
FOREIGN = "none, not ours"
ROWS = {
    "ncdevmem-small": ("`ncdevmem` of the kernel's tests", FOREIGN, 0),
    "iou-zcrx-small": ("`iou-zcrx` of the kernel's tests", FOREIGN, 0),
    "iperf3-none": ("iperf3", FOREIGN, 0),
    "epoll-none": ("epoll and `recv`", "none, epoll", 0),
    "leanest-small": ("leanest loop, devmem, 4 KiB pages", "by hand, devmem", SMALL),
    "leanest-default": ("leanest loop, devmem, default pages", "by hand, devmem", LARGE),
    "leanest_zcrx-small": ("leanest loop, zcrx, 4 KiB pages", "by hand, zcrx", SMALL),
    "leanest_zcrx-default": ("leanest loop, zcrx, default pages", "by hand, zcrx", LARGE),
    "devmem-small": ("libdevmem `devmem`, 4 KiB pages", "devmem", SMALL),
    "devmem-default": ("libdevmem `devmem`, default pages", "devmem", LARGE),
    "syscall-small": ("libdevmem `syscall`, 4 KiB pages", "syscall", SMALL),
    "syscall-default": ("libdevmem `syscall`, default pages", "syscall", LARGE),
    "zcrx-small": ("libdevmem `zcrx`, 4 KiB pages", "zcrx", SMALL),
    "zcrx-default": ("libdevmem `zcrx`, default pages", "zcrx", LARGE),
    "copy-none": ("libdevmem `copy`", "copy", 0),
}
OURS = [name for name, (_, engine, _) in ROWS.items() if engine in ("devmem", "syscall", "zcrx", "copy")]
COMMON = ("ncdevmem-small", "iou-zcrx-small", "iperf3-none", "epoll-none")

# Million instructions per GiB that the project wants to come to.
TARGETS = {"devmem-small": 470, "devmem-default": 60, "zcrx-small": 85, "zcrx-default": 16}

NOTE = """\
One connection, in turns: {rounds} x {mib} MiB with pages of 4 KiB, four times that with default ones and where bytes are copied.
The NIC merges packets for all, as hardware with LRO or HW-GRO does. Instructions are those on the receiver's processor;
system calls are counted exactly, apart from the rounds and without set-up; copies are those by the kernel, 1 where each byte
is copied once. `ncdevmem` prints each fragment and `iou-zcrx` compares each byte, which is nearly all that they take: they
are a measure of system calls, not of cost. {iou}In iperf3's figures are its start and its
control connection.{rates}"""

IOU = """`iou-zcrx` ends after 2 MiB: its calls are those for the second, times 1,024;
"few" if it made no more for that than for the first. """
RATES = """
Rates are from an ordinary boot, {rounds} rounds, in which all of it is emulated, the wire and its copying too. They are this
emulator's, and scatter so much that they only show that nobody is several times slower than the others."""

SHOWN = """\
What the lab can show: how many instructions are executed, how many system calls are made, and what is copied. Kernel, TCP and
library are the real ones, and these repeat on any machine. What only hardware can: line rate, cache misses, memory bandwidth
and PCIe, interrupts and power. An instruction that misses the cache counts as one here, and a copy of 8 bytes too, so a
receiver that copies is cheaper here than anywhere else."""


def reached(value, most, digits=0):
    return f"<= {most:.{digits}f}" + ("" if value <= most else ", not yet")


def read(results, counted, counts):
    """{row: figures} of those that were there."""
    absent = {r["of"]: r["why"] for r in results if r["name"] == "absent"}
    calls = calls_per_gib(results)[0]
    processor = counted.last_processor(counts)
    found = {}
    for row, (_, engine, page_size) in ROWS.items():
        if row.rsplit("-", 1)[0] in absent:
            continue
        results_of(results, "peer-" + row, engine, page_size)
        functions, sums = counted.per_gib(counts["peer-" + row], processor)
        copied = sum(n for key, n in functions.items() if key[1] == COPIED) * 1e6 * 8 / GIB
        found[row] = {"million_per_gib": sums, "median": statistics.median(sums), "copies": copied,
                      "calls_per_gib": calls["peer-" + row],
                      "mib_per_second": [r["bytes"] / (1 << 20) / r["seconds"] for r in results
                                         if r["name"] == "rate-" + row]}
    return found, absent


def add_costs(table, found, absent, results):
    runs = [r for r in results if r["name"] == "run"]
    rates = next((r for r in runs if r["parts"] == "rates"), None)
    table.head("receiving 1 GiB", "million instructions", "system calls", "copies", "MiB/s")
    for row, (what, _, _) in ROWS.items():
        if row not in found:
            table.line(what, ["absent", "", "", ""])
            continue
        f = found[row]
        calls = f"{f['calls_per_gib']:.0f}" if f["calls_per_gib"] > 0 else "few"
        table.line(what, [spread(f["million_per_gib"]), calls, f"{f['copies']:.2f}",
                          spread(f["mib_per_second"], 0) if f["mib_per_second"] else ""])
    why = "".join(f"`{name}` is absent: {reason}.\n" for name, reason in absent.items())
    table.end(why + NOTE.format(rounds=runs[0]["rounds"], mib=runs[0]["mib"],
                                iou="" if absent else IOU, rates=RATES.format(rounds=rates["rounds"]) if rates else ""))


def leanest_of(row):
    engine, pages = row.split("-")
    return {"devmem": "leanest-", "syscall": "leanest-", "zcrx": "leanest_zcrx-"}.get(engine, "") + pages


def ratio(found, key, row, other):
    if other not in found:
        return ""
    if found[other][key] <= 0:  # too few to be seen in the little that can be counted
        return ""
    return f"{found[row][key] / found[other][key]:.3f}"


def add_ratios(table, found):
    for key, what in (("median", "instructions, of those of"), ("calls_per_gib", "system calls, of those of")):
        table.head(what, "ncdevmem", "iou-zcrx", "iperf3", "epoll", "its leanest loop")
        for row in OURS:
            table.line(ROWS[row][0], [ratio(found, key, row, other) for other in (*COMMON, leanest_of(row))])
        table.end("Less than 1: libdevmem takes less.")


def add_limits(table, found):
    table.head("what was asked for, million instructions", "", "libdevmem")
    for row, most in TARGETS.items():
        mine, lean = found[row]["median"], found[leanest_of(row)]["median"]
        table.line(ROWS[row][0].replace("libdevmem ", ""), [f"leanest {lean:.1f}", f"{mine:.1f}"], f"{mine / lean:.4f}",
                   target=f"{reached(mine, most)}; {reached(mine / lean, MAX_OF_LEANEST, 2)}")
    mine, epoll = found["copy-none"]["median"], found["epoll-none"]["median"]
    table.line("`copy`", [f"epoll {epoll:.1f}", f"{mine:.1f}"], f"{mine / epoll:.4f}", f"<= {MAX_OF_EPOLL:.2f}",
               mine <= epoll * MAX_OF_EPOLL)
    for row in ("devmem-small", "devmem-default"):
        mine, theirs = found[row]["calls_per_gib"], found["ncdevmem-small"]["calls_per_gib"]
        table.line("system calls, " + ROWS[row][0].replace("libdevmem ", ""), [f"ncdevmem {theirs:.0f}", f"{mine:.0f}"],
                   f"1/{theirs / mine:.0f}", "<= 1/100", mine <= theirs * MAX_OF_NCDEVMEM)
    table.end(SHOWN)


def peers(table, results, counted, counts):
    found, absent = read(results, counted, counts)
    add_costs(table, found, absent, results)
    add_ratios(table, found)
    add_limits(table, found)
    table.figures["peers"] = found
    table.figures["absent"] = absent
    return {}
