"""Writes the page of figures: python3 figures.py DMALEDGER LOGS ARTICLE

LOGS is the folder in which Scripts/fuzz leaves the logs of its last run of each target; DMALEDGER the program whose memory
is measured with each of hostile-inputs.txt.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = {
    "lines": "bytes to lines: zstd, damage, portions, the sieve",
    "dialects": "lines to events, in each dialect",
    "analyzer": "several sources to a report",
    "parts": "a file read in parts by two threads",
    "cpus": "a trace in a file for each CPU, and whole",
    "renderers": "a report through every output",
    "records": "files of records",
}

HEADER = """# Robustness

What was tried to make dmaledger crash, hang, grow or contradict itself, and what it cost.

<!-- Written by `Scripts/fuzz --figures`; do not edit. -->

## Overview

Captures come from crashed machines, half-written disks and untrusted jobs. Fuzzing with coverage and address sanitizer
asks each stage for what it promises, with any bytes at all: no crash, at most {seconds} seconds of processor time an input
under the sanitizer, and the properties that `Tests/Fuzzing` states, such as

- every line is accounted for, and every place that a report names exists;
- packing, portions and threads change nothing that is said, save how much of a damaged zstd block is read;
- verdict, reasons and findings agree; every defect has lines that show it;
- JSON, XML, traces and pages are well-formed, and nothing in them commands a terminal, a browser or a CI runner;
- records come back as they were, and a torn file keeps its complete captures.

## Inputs tried

{run}

| target | what is asked | inputs | bytes | edges reached | committed inputs | peak memory |
|---|---|--:|--:|--:|--:|--:|
"""

MEMORY = """
Edges are counted in the whole program ({edges:,} in all, renderers and standard library included); no target can reach more
than the part it is about. Not asked: lines of function_graph behind whose end another text goes on, as where a newline
was lost. Of these the report may miss the first call.

## Memory

Resident memory of `dmaledger analyze -`, an optimised build without sanitizer. 32 MiB is what it may take for any
capture, however long and whatever is in it.

| input | bytes read | exit code | seconds | peak memory |
|---|--:|--:|--:|--:|
"""


GIANTS = """
## Giants

At full size, by `Scripts/check-giants --record`, which fails above 32 MiB. Zeros cannot be packed tighter: four bytes stand for the
largest block of zstd, 128 KiB.

| input | bytes read | exit code | seconds | peak memory |
|---|--:|--:|--:|--:|
"""


def giant_rows():
    rows = []
    for line in (HERE / "giants.txt").read_text().splitlines():
        *cells, peak = line.split(" | ")
        rows.append(f"| {' | '.join(cells)} | {int(peak.split()[0]) / 1024:.0f} MiB |")
    return rows


def value(log, name):
    found = re.findall(rf"^stat::{name}:\s*(\d+)", log, re.M)
    return int(found[-1]) if found else 0


def fuzz_rows(logs):
    rows, total, seconds = [], 0, set()
    for target, words in TARGETS.items():
        path = logs / f"{target}.log"
        if not path.exists():
            sys.exit(f"no run of {target}: Scripts/fuzz {target} SECONDS")
        log = path.read_text(errors="replace")
        if "property violated" in log or "ERROR: " in log:
            sys.exit(f"the last run of {target} failed")
        total = int(re.search(r"\((\d+) inline 8-bit counters\)", log)[1])
        seconds.add(int(re.search(r"Done \d+ runs in (\d+) second", log)[1]))
        committed = sum(1 for _ in (HERE / "Corpus" / target).iterdir())
        edges = int(re.findall(r" cov: (\d+)", log)[-1])
        rows.append(
            f"| `{target}` | {words} | {value(log, 'number_of_executed_units'):,} | {value(log, 'bytes_tried'):,} | "
            f"{edges:,} | {committed} | {value(log, 'peak_rss_mb')} MB |")
    return rows, total, max(seconds)


def measure(dmaledger, command):
    """Exit code, seconds, peak resident bytes and bytes read."""
    source = subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE)
    begun = time.monotonic()
    sink = subprocess.Popen(
        [dmaledger, "analyze", "--no-github", "--format", "json", "-"], stdin=source.stdout, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    source.stdout.close()
    said = sink.stdout.read()
    _, status, usage = os.wait4(sink.pid, 0)
    seconds = time.monotonic() - begun
    source.terminate()
    source.wait()
    read = re.search(rb'"bytes": (\d+)', said)
    return os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss * 1024, int(read[1]) if read else 0


def memory_rows(dmaledger):
    rows = []
    for line in (HERE / "hostile-inputs.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, command = line.split(" | ", 1)
        code, seconds, peak, read = measure(dmaledger, command)
        print(f"{name}: {peak / 2**20:.0f} MiB, {seconds:.1f} s, exit code {code}", file=sys.stderr)
        if code not in (0, 1, 2, 3):
            sys.exit(f"{name}: exit code {code}")
        rows.append(f"| {name} | {read:,} | {code} | {seconds:.1f} | {peak / 2**20:.0f} MiB |")
    return rows


def main(dmaledger, logs, article):
    rows, edges, seconds = fuzz_rows(pathlib.Path(logs))
    run = f"The last run gave each target at most {seconds} seconds; what it found new goes into the next."
    memory = memory_rows(str(pathlib.Path(dmaledger).resolve()))
    limit = re.search(r"mostSeconds: (\d+)", (HERE / "Sources/fuzz/main.swift").read_text())[1]
    pathlib.Path(article).write_text(
        HEADER.format(seconds=limit, run=run) + "\n".join(rows) + "\n" + MEMORY.format(edges=edges) + "\n".join(memory) + "\n"
        + GIANTS + "\n".join(giant_rows()) + "\n")


main(*sys.argv[1:])
