#!/usr/bin/env python3
"""Writes captures whose names attack the outputs: of files, devices, drivers and tasks.

usage: hostile_captures.py CAPTURE DIRECTORY

Each is CAPTURE with one text in front of the name of every device and driver and in the place of a task's, and in a file
with that text in its name, byte by byte: it need not be UTF-8. One more has a name as long as names may be.
"""

import os
import pathlib
import re
import sys

TEXTS = [
    b"<script>alert(1)</script>", b"]]>", b"a'&amp;b", b"a\x00b", b"\x1b[31mred", "\u202egpj".encode(), b"\xff\xfe",
    "\u2066x\u2069\u2028".encode(), b"::error::owned", b"x ::stop-commands::y", b"##[error]owned", b"%0A::error::owned", b"a,line=1,title=b::c",
    b"#", b"x # SKIP all", "#\u0301 TODO".encode(), b"a|b|c", b"\\|", b"`", b"``` x", "`\u0301".encode(), b"@everyone",
    b"#1 !1", b"[x](http://e.vil)", b"<img src=x onerror=alert(1)>", b"{0}", b"\\", b"reboot: System halted", b"...",
    b"1..0", b"</details>", b"- x", b"http://e.vil/", b"~label $a$", "\U0001f600".encode(), b"\r", b"x\tok 9",
]


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    capture = pathlib.Path(arguments[0]).read_bytes()
    directory = pathlib.Path(arguments[1])
    for number, text in enumerate(TEXTS):
        hostile = re.sub(rb'(dev|drv)="', lambda match: match[0] + text, capture)
        hostile = hostile.replace(b"vfiocheck-", text.replace(b"\r", b"") + b"-")
        # A file name holds anything but a slash and a NUL.
        name = b"%02d " % number + text.replace(b"/", b"\\").replace(b"\0", b"\x01")
        (directory / os.fsdecode(name)).write_bytes(hostile)
    (directory / ("n" * 255)).write_bytes(capture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
