#!/usr/bin/env python3
"""Reads Perfetto and Chrome traces of captures with the official schema and in the viewer, and compares them with the JSON report.

usage: judge_traces.py DMALEDGER SAMPLE... --viewer SAMPLE...

The viewer takes seconds for each sample, so it is shown those behind --viewer only.

Prints one line for each problem. Exits 1 if there is any.
"""

import json
import os
import subprocess
import sys
import tempfile

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

from browser import Browser
from perfetto_ui import Viewer


def run(program, form, sample):
    done = subprocess.run([program, "analyze", "--format", form, sample], capture_output=True, stdin=subprocess.DEVNULL)
    return done.stdout


def unknown(message, where="trace"):
    """Fields that the official schema does not have, at any depth."""
    for field in UnknownFieldSet(message):
        yield f"{where} has an unknown field {field.field_number}"
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for one in value if field.is_repeated else [value]:
                yield from unknown(one, f"{where}.{field.name}")


class Reading:
    """What a trace says, by the name of its tracks."""

    def __init__(self, trace):
        self.tracks = {}
        self.events = {}
        for packet in trace.packet:
            if packet.HasField("track_descriptor"):
                self.tracks[packet.track_descriptor.uuid] = packet.track_descriptor
            if packet.HasField("track_event"):
                self.events.setdefault(packet.track_event.track_uuid, []).append((packet.timestamp, packet.track_event))

    def children(self, uuid):
        return [track for track in self.tracks.values() if track.parent_uuid == uuid]

    def below(self, uuid):
        for track in self.children(uuid):
            yield track
            yield from self.below(track.uuid)


def times_fit(group):
    return all("ts_ns" in change for change in group["changes"])


def judge_counter(name, steps, group, key):
    """The counter at each moment must be what the last change of that moment left."""
    wanted = {}
    last = 0
    for change in group["changes"]:
        # Two CPUs' lines may be a little out of order; effects are not, and a track does not go back.
        last = max(last, change["ts_ns"])
        if change["after"].get(key) is not None:
            wanted[last] = change["after"][key]
    for moment, count in wanted.items():
        seen = [value for time, value in steps if time <= moment]
        if not seen or seen[-1] != count:
            yield f"{name}: the counter is {seen[-1:]} at {moment}, the report says {count}"


def judge_perfetto(program, sample, facts):
    raw = run(program, "perfetto", sample)
    try:
        trace = Trace.FromString(raw)
    except DecodeError as error:
        yield f"not a trace: {error}"
        return
    yield from unknown(trace)
    clocks = {clock.clock_id for packet in trace.packet for clock in packet.clock_snapshot.clocks}
    for packet in trace.packet:
        if packet.HasField("track_event") and packet.timestamp_clock_id not in clocks:
            yield f"an event by clock {packet.timestamp_clock_id}, which no snapshot names"
    reading = Reading(trace)
    roots = [track for track in reading.tracks.values() if not track.parent_uuid]
    if [root.name for root in roots] != ["IOMMU groups"]:
        yield f"the roots are {[root.name for root in roots]}"
        return
    groups = sorted(reading.children(roots[0].uuid), key=lambda track: track.sibling_order_rank)
    if len(groups) != len(facts["groups"]):
        yield f"{len(groups)} groups instead of {len(facts['groups'])}"
        return
    for track, group in zip(groups, facts["groups"]):
        yield from judge_group(reading, track, group)


def judge_group(reading, track, group):
    name = track.name
    if "id" in group and f"group {group['id']}" not in name or group["verdict"] not in name:
        yield f"{name} is {group.get('id')}, {group['verdict']}"
    counters = {child.name: child for child in reading.children(track.uuid) if child.HasField("counter")}
    for label, key in (("owner_cnt", "min"), ("owner_cnt, at least", "min"), ("owner_cnt, at most", "max")):
        if label in counters and times_fit(group):
            steps = [(time, event.counter_value) for time, event in reading.events.get(counters[label].uuid, [])]
            yield from judge_counter(f"{name}, {label}", steps, group, key)
    leaks = ended = 0
    begun = {}
    flows, endings = set(), set()
    for child in reading.below(track.uuid):
        depth = []
        for time, event in sorted(reading.events.get(child.uuid, []), key=lambda one: (one[0], one[1].type != TrackEvent.TYPE_SLICE_END)):
            if event.type == TrackEvent.TYPE_SLICE_BEGIN:
                depth.append(event)
                lines = [note.int_value for note in event.debug_annotations if note.name == "line"]
                begun[lines[0] if lines else None] = time
                flows |= set(event.flow_ids)
            elif event.type == TrackEvent.TYPE_SLICE_END:
                if not depth:
                    yield f"{name}, {child.name}: an end without a beginning at {time}"
                    continue
                ended += 1
                if "leaked" in depth.pop().categories:
                    yield f"{name}, {child.name}: a leak ends"
            elif event.type == TrackEvent.TYPE_INSTANT:
                endings |= set(event.terminating_flow_ids)
        leaks += sum("leaked" in event.categories for event in depth)
    wanted = [holder for holder in group["holders"] if holder["kind"] == "leaked"]
    if leaks != len(wanted):
        yield f"{name}: {leaks} leaks are drawn, the report has {len(wanted)}"
    for holder in group["holders"]:
        if "at" in holder and "since_ts_ns" in holder and begun.get(holder["at"]["line"]) != holder["since_ts_ns"]:
            yield f"{name}: line {holder['at']['line']} begins at {begun.get(holder['at']['line'])}, not {holder['since_ts_ns']}"
    if flows != endings:
        yield f"{name}: arrows begin as {flows} and end as {endings}"
    refused = any(change["call"] in ("query", "claim", "device_claim") and change.get("result", 0) != 0 for change in group["changes"])
    early = [holder for holder in wanted if "since_ts_ns" in holder
             and any(change["call"] == "query" and change.get("result") == 1 and change["ts_ns"] > holder["since_ts_ns"] for change in group["changes"])]
    if refused and early and not flows:
        yield f"{name}: no arrow leads from the leak to the refusal"


def judge_chrome(program, sample, facts):
    trace = json.loads(run(program, "chrome", sample))
    events = trace["traceEvents"]
    for index, group in enumerate(facts["groups"]):
        own = [event for event in events if event["pid"] == index + 1]
        name = next(event["args"]["name"] for event in own if event["name"] == "process_name")
        threads = {event["tid"]: event["args"]["name"] for event in own if event["name"] == "thread_name"}
        for device in group["devices"]:
            if device["name"] not in threads.values():
                yield f"{name}: no thread is called {device['name']}, only {list(threads.values())}"
        for thread in threads:
            slices = sorted((round(event["ts"] * 1000), -round(event.get("dur", float(10**15)) * 1000))
                            for event in own if event["tid"] == thread and event["ph"] in "BX")
            for (start, length), (later, _) in zip(slices, slices[1:]):
                if later < start - length:
                    yield f"{name}, {threads[thread]}: slices at {start} and {later} overlap"
        leaks = [event for event in own if event["ph"] == "B" and event["cat"] == "leaked"]
        if len(leaks) != sum(holder["kind"] == "leaked" for holder in group["holders"]):
            yield f"{name}: {len(leaks)} leaks"
        if [event["id"] for event in own if event["ph"] == "s"] != [event["id"] for event in own if event["ph"] == "f"]:
            yield f"{name}: arrows do not end where they should"
        if times_fit(group):
            steps = [(round(event["ts"] * 1000), event["args"]["references"]) for event in own if event["ph"] == "C" and event["name"] == "owner_cnt"]
            yield from judge_counter(name, steps, group, "min")


COUNTERS = """select c.ts, c.value from counter c join track t on t.id = c.track_id join track parent on parent.id = t.parent_id
    where parent.name = {} and t.name in ('owner_cnt', 'owner_cnt, at least') order by c.ts"""
CHROME_COUNTERS = """select c.ts, c.value from counter c join process_counter_track t on t.id = c.track_id join process using (upid)
    where process.name = {} and t.name = 'owner_cnt references' order by c.ts"""
SLICES = """select s.ts, s.dur, s.depth, s.category, t.name as track, extract_arg(s.arg_set_id, 'debug.line') as line
    from slice s join track t on t.id = s.track_id order by s.ts"""
CHROME_SLICES = """select s.ts, s.dur, s.depth, s.category, thread.name as track, extract_arg(s.arg_set_id, 'args.line') as line
    from slice s join thread_track t on t.id = s.track_id join thread using (utid) order by s.ts"""
FLOWS = """select source.category as source, target.category as target, source.ts as ts, target.ts as reached from flow
    join slice source on source.id = flow.slice_out join slice target on target.id = flow.slice_in"""
LOSSES = "select name, value from stats where value != 0 and severity != 'info'"


def judge_viewer(viewer, program, sample, facts, folder):
    """What the viewer's own trace processor makes of both forms must be what the report says."""
    for form in ("perfetto", "chrome"):
        path = os.path.join(folder, f"{form}.trace")
        with open(path, "wb") as file:
            file.write(run(program, form, sample))
        with viewer.open(path) as trace:
            for problem in judge_loaded(trace, form, facts):
                yield f"{form}: {problem}"


def judge_loaded(trace, form, facts):
    for loss in trace.query(LOSSES):
        yield f"the viewer complains: {loss}"
    slices = trace.query(SLICES if form == "perfetto" else CHROME_SLICES)
    for one in slices:
        # Slices of a row follow each other; one within another would be drawn below it.
        if one["depth"] != 0 and one["dur"] not in (0, 1):
            yield f"a slice of {one['track']} at {one['ts']} lies within another"
    leaks = sorted((one["ts"], one["line"]) for one in slices if one["category"] == "leaked" and one["dur"] == -1)
    wanted = sorted((holder["since_ts_ns"], holder["at"]["line"]) for group in facts["groups"] for holder in group["holders"]
                    if holder["kind"] == "leaked" and "at" in holder)
    if leaks != wanted:
        yield f"the leaks are {leaks}, the report has {wanted}"
    for flow in trace.query(FLOWS):
        if (flow["source"], flow["target"]) != ("leaked", "refusal") or flow["reached"] < flow["ts"]:
            yield f"an arrow leads from {flow}"
    paths = trace.paths()
    if form == "perfetto":
        groups = [path for path in paths if len(path) == 2 and path[0] == "IOMMU groups"]
    else:
        # Processes have their number behind their name; the report's first group is the first.
        groups = sorted((path for path in paths if len(path) == 1), key=lambda path: int(path[0].split()[-1]))
    if len(groups) != len(facts["groups"]):
        yield f"the viewer shows {groups}"
        return
    for path, group in zip(groups, facts["groups"]):
        name = path[-1] if form == "perfetto" else path[-1].rsplit(" ", 1)[0]
        if f"group {group.get('id', 'without')}" not in name or group["verdict"] not in name:
            yield f"{name} stands where group {group.get('id')} should, {group['verdict']}"
        steps = trace.query((COUNTERS if form == "perfetto" else CHROME_COUNTERS).format("'" + name.replace("'", "''") + "'"))
        if times_fit(group):
            yield from judge_counter(name, [(step["ts"], step["value"]) for step in steps], group, "min")
        # A viewer that puts a device elsewhere hides whose a leak is.
        below = [one[-1] for one in paths if one[: len(path)] == path and len(one) == len(path) + 1]
        for device in group["devices"]:
            if not any(track == device["name"] or track.startswith(device["name"] + " ") for track in below):
                yield f"{name} has no track {device['name']}: {below}"
        if form == "perfetto" and not below[0].startswith("owner_cnt"):
            yield f"{name} begins with {below[0]}"


def main(arguments):
    if len(arguments) < 2 or "--viewer" not in arguments:
        print(__doc__, file=sys.stderr)
        return 64
    program, *samples = arguments
    split = samples.index("--viewer")
    samples, shown = samples[:split], samples[split + 1:]
    is_clean = True
    with tempfile.TemporaryDirectory() as folder, Browser() as browser, Viewer(browser) as viewer:
        for sample in dict.fromkeys(samples + shown):
            facts = json.loads(run(program, "json", sample))
            judges = [judge_perfetto(program, sample, facts), judge_chrome(program, sample, facts)]
            if sample in shown:
                judges.append(judge_viewer(viewer, program, sample, facts, folder))
            for problem in (problem for judge in judges for problem in judge):
                is_clean = False
                print(ascii(f"{sample}: {problem}")[1:-1])
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
