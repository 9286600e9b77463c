"""Makes the corpus that fuzzing begins with from the real captures in samples/: python3 make_corpus.py DMALEDGER

What fuzzing found and somebody committed (names beginning with "found-") is left alone. Inputs are short, because what
libFuzzer changes in a long one is seldom what matters; lines that name what the ledger lives on are kept first.
"""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "samples"
CORPUS = HERE / "Corpus"
INCIDENT_FILES = ["trace.txt", "report.txt", "dmesg.txt", "groups.txt", "vmm.log"]
WORDS = re.compile(
    rb"iommu_group|_dma_owner|_default_domain|really_probe|driver_bound|device_remove|unbind|vfio|iommu group|"
    rb"00:0[0-9]\.0|group_id|DMA|probe of|Linux version|Command line|LOST|buffer started|=> ")


def excerpt(data, room):
    """Header lines, then lines that matter with their neighbours, in order, up to `room` bytes."""
    lines = data.splitlines(keepends=True)
    wanted = set(index for index, line in enumerate(lines) if line.startswith(b"#"))
    size = sum(len(lines[index]) for index in wanted)
    for index, line in enumerate(lines):
        if not WORDS.search(line):
            continue
        for near in (index, index + 1):
            if near < len(lines) and near not in wanted and size + len(lines[near]) <= room:
                wanted.add(near)
                size += len(lines[near])
    for index, line in enumerate(lines):
        if size + len(line) <= min(room, 1500) and index not in wanted:
            wanted.add(index)
            size += len(line)
    return b"".join(lines[index] for index in sorted(wanted))


def write(target, name, data):
    (CORPUS / target / re.sub(r"[^A-Za-z0-9.+-]", "-", name)).write_bytes(data)


def main(dmaledger):
    for target in ["lines", "dialects", "analyzer", "parts", "cpus", "renderers", "records"]:
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith("found-"):
                old.unlink()
    formats = {path.name: path.read_bytes() for path in sorted((SAMPLES / "formats").iterdir())}
    incidents = {
        folder.name: {name: (folder / name).read_bytes() for name in INCIDENT_FILES if (folder / name).exists()}
        for folder in sorted(SAMPLES.iterdir())
        if folder.is_dir() and folder.name != "formats"
    }
    for number, (name, data) in enumerate(formats.items()):
        write("dialects", name, b"\0" + excerpt(data, 2500))
        if number % 3 == 0:
            write("lines", name, bytes([number % 4, number]) + data[:700])
        write("analyzer", name, bytes([number % 64]) + excerpt(data, 2000))
        if number % 4 == 0:
            write("renderers", name, bytes([number % 128]) + excerpt(data, 2000))
        if re.search(rb"^.{,24}-\d+ +\[\d+\] ", data, re.M) and number % 3 == 1:
            write("cpus", name, bytes([number]) + excerpt(data, 2500))
        if name.startswith("graph"):
            write("parts", name, bytes([number]) + data[:1500])
    write("lines", "frame", bytes([0, 1]) + bytes.fromhex("28b52ffd0420090000610a620a0a4ac59d37"))
    for number, (name, files) in enumerate(incidents.items()):
        trace = excerpt(next(iter(files.values())), 3500)
        write("analyzer", name, bytes([number % 64]) + trace)
        together = b"\x0c\n".join(excerpt(data, 2500) for data in files.values())
        write("analyzer", name + "+logs", b"\x06" + together)
        write("renderers", name, b"\x46" + together)
        if "graph" not in name:
            write("cpus", name, bytes([number]) + trace)
        if "graph" in name:
            write("parts", name, bytes([number]) + excerpt(trace, 3000))
        if "dmesg.txt" in files:
            write("dialects", name + "-dmesg", b"\0" + excerpt(files["dmesg.txt"], 2500))
        short = HERE / "excerpt.txt"
        short.write_bytes(excerpt(trace, 1800))
        run = subprocess.run([dmaledger, "analyze", "--format", "jsonl", "--no-github", "excerpt.txt"], cwd=HERE, capture_output=True)
        short.unlink()
        if run.stdout:
            write("records", name, run.stdout)
    size = sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file())
    print(f"{sum(1 for path in CORPUS.rglob('*') if path.is_file())} inputs, {size} bytes", file=sys.stderr)


main(str(pathlib.Path(sys.argv[1]).resolve()))
