public import DMALedger

/// The report in the older JSON form that chrome://tracing and several other viewers read.
///
/// A group is a process, a device a thread in it; references are asynchronous slices, which may overlap. Times are
/// microseconds with three digits behind the point. Where a viewer reads Perfetto's own form, that one says more.
public enum ChromeTrace {
  /// The trace as UTF-8 text that ends in a newline.
  public static func render(_ report: Report) -> [UInt8] {
    let timeline = Timeline(report)
    var json = JSONWriter()
    json.object { json in
      json.member("displayTimeUnit", "ns")
      json.array("traceEvents", of: timeline.groups.indices) { json, index in
        events(of: index, report, timeline, &json)
      }
    }
    json.endLine()
    return json.bytes
  }

  /// What all events have; `content` writes the rest.
  private static func event(
    _ phase: String, _ name: String, pid: Int, tid: Int = 0, at position: Int64?, _ timeline: Timeline,
    _ json: inout JSONWriter, _ content: (inout JSONWriter) -> Void = { _ in }
  ) {
    json.object(.oneLine) { json in
      json.member("ph", phase)
      json.member("name", name)
      json.member("pid", pid)
      json.member("tid", tid)
      // An axis of even steps has a microsecond for each.
      if let position {
        json.member(
          "ts", thousandths: timeline.axis == .order ? (position - timeline.origin) * 1000 : position)
      }
      content(&json)
    }
  }

  private static func events(of index: Int, _ report: Report, _ timeline: Timeline, _ json: inout JSONWriter)
  {
    let life = timeline.groups[index]
    let pid = index + 1
    let name =
      life.group.id == nil
      ? "IOMMU group without known number" : "IOMMU group \(TextGroup.shortName(life.group))"
    event("M", "process_name", pid: pid, at: nil, timeline, &json) { json in
      json.object("args") { $0.member("name", "\(name): \(life.group.verdict.rawValue)") }
    }
    counter(life.group.initial.min, life.heldBefore, pid, at: timeline.origin, timeline, &json)
    for happening in life.events {
      counter(happening.count.min, happening.held, pid, at: happening.position, timeline, &json)
    }
    for (number, lane) in life.lanes.enumerated() {
      let tid = number + 1
      event("M", "thread_name", pid: pid, tid: tid, at: nil, timeline, &json) { json in
        json.object("args") { $0.member("name", Printable.text(lane.name)) }
      }
      for (place, holding) in lane.holdings.enumerated() {
        slice(holding, id: "\(index).\(number).\(place)", pid, tid, life, timeline, &json)
      }
    }
    for happening in life.events where happening.mark != .none {
      event("i", EventWords.name(happening, in: life), pid: pid, at: happening.position, timeline, &json) {
        json in
        json.member("s", "p")
        json.member("cat", happening.mark.rawValue)
        arguments(happening, report, &json)
      }
    }
  }

  private static func counter(
    _ count: Int, _ held: Int, _ pid: Int, at position: Int64, _ timeline: Timeline, _ json: inout JSONWriter
  ) {
    event("C", "owner_cnt", pid: pid, at: position, timeline, &json) { json in
      json.object("args") { $0.member("owner_cnt", count) }
    }
    event("C", "held by right", pid: pid, at: position, timeline, &json) { json in
      json.object("args") { $0.member("held", held) }
    }
  }

  private static func slice(
    _ holding: GroupTimeline.Holding, id: String, _ pid: Int, _ tid: Int, _ life: GroupTimeline,
    _ timeline: Timeline, _ json: inout JSONWriter
  ) {
    let name = EventWords.name(holding)
    let start = holding.first.map { life.events[$0].position } ?? timeline.origin
    event("b", name, pid: pid, tid: tid, at: start, timeline, &json) { json in
      json.member("cat", holding.kind.rawValue)
      json.member("id", id)
      json.object("args") { $0.member("line", holding.first.map { life.events[$0].at.line }) }
    }
    guard let last = holding.last else { return }
    event("e", name, pid: pid, tid: tid, at: life.events[last].position, timeline, &json) { json in
      json.member("cat", holding.kind.rawValue)
      json.member("id", id)
    }
  }

  private static func arguments(_ event: GroupTimeline.Event, _ report: Report, _ json: inout JSONWriter) {
    json.object("args") { json in
      json.member("source", Printable.text(report.sources[event.at.source].path))
      json.member("line", event.at.line)
      json.member("text", event.text.map(Printable.text))
      if !event.notes.isEmpty { json.member("notes", Printable.text(event.notes.joined(separator: "; "))) }
    }
  }
}
