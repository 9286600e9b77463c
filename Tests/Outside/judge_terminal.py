#!/usr/bin/env python3
"""Runs the text report on real terminals, which pipes are not: pseudo-terminals of several widths and locales.

usage: judge_terminal.py DMALEDGER SAMPLE

Prints one line for each problem. Exits 1 if there is any.
"""

import fcntl
import os
import pty
import re
import struct
import sys
import termios


def shown(program, arguments, columns, locale):
    """What a terminal of so many columns is sent, as lines without colour."""
    child, terminal = pty.fork()
    if child == 0:
        # The size has to be there before the program asks for it.
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        environment = {"PATH": os.environ["PATH"], "LC_ALL": locale, "TERM": "xterm"}
        os.execve(program, [program, *arguments], environment)
    output = b""
    while True:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:
            # The other side is closed.
            break
        if not chunk:
            break
        output += chunk
    os.waitpid(child, 0)
    os.close(terminal)
    text = re.sub(r"\x1b\[[\d;]*m", "", output.decode())
    return text.replace("\r\n", "\n").split("\n")


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    program, sample = os.path.abspath(arguments[0]), arguments[1]
    problems = []
    for columns, locale, options, wanted in (
        (80, "C.UTF-8", [], "┣━ leaked"), (120, "en_US.utf8", [], "┣━ leaked"), (80, "C", [], "## leaked"),
        (80, "C.UTF-8", ["--ascii"], "## leaked"), (70, "C.UTF-8", [], None), (70, "C.UTF-8", ["--chart"], "┣━ leaked"),
        (80, "C.UTF-8", ["--no-chart"], None),
    ):
        lines = shown(program, [sample, *options], columns, locale)
        case = f"{columns} columns, {locale}, {options}"
        drawn = [line for line in lines if "owner_cnt  " in line]
        if bool(drawn) != (wanted is not None):
            problems.append(f"{case}: {len(drawn)} charts")
        if wanted and not any(wanted in line for line in lines):
            problems.append(f"{case}: {wanted} is not there")
        # What is to be pasted into a shell is not wrapped; this report has none of it.
        wide = [line for line in lines if len(line) > columns]
        if wide:
            problems.append(f"{case}: {len(wide)} lines wrap, the first is {wide[0]!r}")
        # The answer is what the first screen is for.
        first = "\n".join(lines[:24])
        if "not viable because" not in first.replace("\n", " ") or "owner_cnt  " in first:
            problems.append(f"{case}: the first screen has something else than the answer")
    for problem in problems:
        print(ascii(problem)[1:-1])
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
