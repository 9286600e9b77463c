#!/usr/bin/env python3
"""Judges reports by their schema, with a validator that shares no code with the writer.

usage: validate_report.py SCHEMA REPORT...

Prints one line for each problem: file, JSON path, what is wrong. Exits 1 if there is any, 64 on wrong usage.
Beyond the schema it refuses what a lenient parser would let pass: a name given twice in one object, NaN and
Infinity, and a text that does not end in exactly one newline.
"""

import json
import sys

import jsonschema


def members_once(pairs):
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"name given twice in one object: {name!r}")
    return dict(pairs)


def refuse_constant(text):
    raise ValueError(f"not JSON: {text}")


def problems(validator, path):
    try:
        with open(path, "rb") as file:
            text = file.read()
        report = json.loads(
            text.decode("utf-8"), object_pairs_hook=members_once, parse_constant=refuse_constant
        )
    except (OSError, ValueError) as error:
        yield "$", str(error)
        return
    if not text.endswith(b"\n") or text.endswith(b"\n\n"):
        yield "$", "the text does not end in exactly one newline"
    for error in sorted(validator.iter_errors(report), key=lambda error: error.json_path):
        yield error.json_path, error.message


def judge(arguments, usage, problems):
    """Prints what `problems` yields of each file by the schema: a place, and what is wrong there."""
    if len(arguments) < 2:
        print(usage, file=sys.stderr)
        return 64
    with open(arguments[0], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    is_clean = True
    for path in arguments[1:]:
        for place, what in problems(validator, path):
            is_clean = False
            # Reports quote hostile text; it must not reach the terminal as it is.
            print(ascii(f"{path}: {place}: {what}")[1:-1])
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(judge(sys.argv[1:], __doc__, problems))
