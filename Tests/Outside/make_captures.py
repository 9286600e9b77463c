#!/usr/bin/env python3
"""Makes many small captures out of the samples: each is a sample with lines left out, the same ones every time.

usage: make_captures.py SAMPLES FOLDER COUNT

A tenth of them are packed by `zstd` where there is one, every fiftieth is damaged, empty or no capture at all, and every
fortieth is an incident of several files.
"""

import os
import random
import shutil
import subprocess
import sys


def texts(samples):
    for folder, folders, names in os.walk(samples):
        folders.sort()
        for name in sorted(names):
            if name != "truth.json" and not name.endswith(".md"):
                with open(os.path.join(folder, name), "rb") as file:
                    yield file.read()


def thinned(text, chance):
    lines = text.splitlines(keepends=True)
    dropped = chance.choice([0, 0, 0.02, 0.3])
    return b"".join(line for line in lines if line.startswith(b"#") or chance.random() >= dropped)


def write(path, text):
    with open(path, "wb") as file:
        file.write(text)


def main(samples, target, count):
    chance = random.Random(45)
    originals = [text for text in texts(samples)]
    packer = shutil.which("zstd")
    packed = []
    for index in range(count):
        folder = os.path.join(target, f"host{index % 7}", f"run{index % 40:02}")
        os.makedirs(folder, exist_ok=True)
        name = os.path.join(folder, f"capture{index:05}")
        text = thinned(chance.choice(originals), chance)
        if index % 50 == 7:
            text = chance.choice([b"", b"not a capture\n" * 30, text[: len(text) // 2], chance.randbytes(900)])
        if index % 40 == 5:
            os.makedirs(name + ".incident")
            write(os.path.join(name + ".incident", "a.txt"), text)
            write(os.path.join(name + ".incident", "b.txt"), thinned(chance.choice(originals), chance))
            continue
        write(name + ".txt", text)
        if index % 10 == 3 and packer:
            packed.append(name + ".txt")
    for start in range(0, len(packed), 500):
        subprocess.run([packer, "-q", "--rm", *packed[start : start + 500]], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(64)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
