#!/usr/bin/env python3
"""Judges files of records by their schema, line by line.

usage: validate_records.py SCHEMA FILE...

Prints one line for each problem: file, line, JSON path, what is wrong. Exits 1 if there is any, 64 on wrong usage.
Beyond the schema: no name twice in an object, no NaN, every line ends in a newline, and every capture is followed by
exactly the records that it announces.
"""

import json
import sys

from validate_report import judge, members_once, refuse_constant


def problems(validator, path):
    announced = {}
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    if lines.pop() != b"":
        yield f"{len(lines) + 1}: $", "the last line has no newline"
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(
                line.decode("utf-8"), object_pairs_hook=members_once, parse_constant=refuse_constant
            )
        except ValueError as error:
            yield f"{number}: $", str(error)
            continue
        for error in sorted(validator.iter_errors(record), key=lambda error: error.json_path):
            yield f"{number}: {error.json_path}", error.message
        kind = record.get("type")
        if kind == "capture":
            if any(announced.values()):
                yield f"{number}: $", f"records are missing in front of this capture: {announced}"
            announced = dict(record.get("records", {}))
        else:
            announced[kind] = announced.get(kind, 0) - 1
    if any(announced.values()):
        yield f"{len(lines)}: $", f"records are missing at the end: {announced}"


if __name__ == "__main__":
    sys.exit(judge(sys.argv[1:], __doc__, problems))
