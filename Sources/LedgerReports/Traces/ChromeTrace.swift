public import DMALedger

/// The report in the older JSON form that chrome://tracing and several other viewers read.
///
/// A group is a process. Threads in it are its events and its devices, with as many for each as it had references at a
/// time: viewers want slices of one thread to lie within each other, and asynchronous ones, which need not, are shown far
/// from their group. Times are microseconds with three digits behind the point. Where a viewer reads Perfetto's own
/// form, that one says more.
public enum ChromeTrace {
  /// The trace as UTF-8 text that ends in a newline.
  public static func render(_ report: Report) -> [UInt8] {
    let timeline = Timeline(report)
    var json = JSONWriter()
    var arrows = 0
    json.object { json in
      json.member("displayTimeUnit", "ns")
      json.array("traceEvents", of: timeline.groups.indices) { json, index in
        var process = ChromeProcess(timeline, index, report, arrows: arrows)
        process.write(&json)
        arrows = process.arrows
      }
    }
    json.endLine()
    return json.bytes
  }
}

/// One group's events.
private struct ChromeProcess {
  private let timeline: Timeline
  private let life: GroupTimeline
  private let report: Report
  private let index: Int
  private let pid: Int
  /// The thread of marked events; the devices' follow. The one with its process's number comes first, as the main one.
  private var eventThread: Int { pid }
  private var lastThread: Int
  /// How many arrows there are, those of other groups included: each needs a number of its own.
  private(set) var arrows: Int
  /// The arrows that end at an event.
  private var arrowsTo: [Int: [Int]] = [:]

  init(_ timeline: Timeline, _ index: Int, _ report: Report, arrows: Int) {
    self.timeline = timeline
    self.index = index
    self.report = report
    self.arrows = arrows
    life = timeline.groups[index]
    pid = index + 1
    lastThread = pid
  }

  mutating func write(_ json: inout JSONWriter) {
    let name =
      life.group.id == nil
      ? "IOMMU group without known number" : "IOMMU group \(TextGroup.shortName(life.group))"
    describe("process", "\(name): \(life.group.verdict.rawValue)", 0, rank: index, &json)
    counter(life.group.initial.min, life.heldBefore, at: timeline.origin, &json)
    for happening in life.events {
      counter(happening.count.min, happening.held, at: happening.position, &json)
    }
    if let last = life.events.last { counter(last.count.min, last.held, at: timeline.captureEnd, &json) }
    if !life.gaps.isEmpty {
      let thread = newThread("count not known", &json)
      for gap in life.gaps {
        slice(
          EventWords.name(ofGap: gap, in: life), "loss", thread,
          from: gap.lowerBound < 0 ? timeline.origin : life.events[gap.lowerBound].position,
          to: gap.upperBound < life.events.count ? life.events[gap.upperBound].position : nil, &json)
      }
    }
    for lane in life.lanes {
      for row in 0..<lane.rows {
        let thread = newThread(Printable.text(lane.name) + (row == 0 ? "" : " (\(row + 1))"), &json)
        for holding in lane.holdings where holding.row == row { reference(holding, thread, &json) }
      }
    }
    marks(&json)
  }

  private mutating func newThread(_ name: String, _ json: inout JSONWriter) -> Int {
    lastThread += 1
    describe("thread", name, lastThread, rank: lastThread, &json)
    return lastThread
  }

  /// What all events have; `content` writes the rest.
  private func event(
    _ phase: String, _ name: String, _ thread: Int, at position: Int64?, _ json: inout JSONWriter,
    _ content: (inout JSONWriter) -> Void = { _ in }
  ) {
    json.object(.oneLine) { json in
      json.member("ph", phase)
      json.member("name", name)
      json.member("pid", pid)
      json.member("tid", thread)
      if let position { json.member("ts", thousandths: time(position)) }
      content(&json)
    }
  }

  /// An axis of even steps has a microsecond for each.
  private func time(_ position: Int64) -> Int64 {
    timeline.axis == .order ? (position - timeline.origin) * 1000 : position
  }

  /// The name of a process or a thread, and its place among the others.
  private func describe(_ kind: String, _ name: String, _ thread: Int, rank: Int, _ json: inout JSONWriter) {
    event("M", kind + "_name", thread, at: nil, &json) { json in
      json.object("args") { $0.member("name", name) }
    }
    event("M", kind + "_sort_index", thread, at: nil, &json) { json in
      json.object("args") { $0.member("sort_index", rank) }
    }
  }

  private func counter(_ count: Int, _ held: Int, at position: Int64, _ json: inout JSONWriter) {
    for (name, value) in [("owner_cnt", count), ("held by right", held)] {
      event("C", name, 0, at: position, &json) { json in
        json.object("args") { $0.member("references", value) }
      }
    }
  }

  /// What lasts to the end has no length: it begins and never ends.
  private func slice(
    _ name: String, _ category: String, _ thread: Int, from start: Int64, to end: Int64?,
    _ json: inout JSONWriter, _ content: (inout JSONWriter) -> Void = { _ in }
  ) {
    event(end == nil ? "B" : "X", name, thread, at: start, &json) { json in
      if let end { json.member("dur", thousandths: time(end) - time(start)) }
      json.member("cat", category)
      content(&json)
    }
  }

  private mutating func reference(
    _ holding: GroupTimeline.Holding, _ thread: Int, _ json: inout JSONWriter
  ) {
    let start = holding.first.map { life.events[$0].position } ?? timeline.origin
    slice(
      EventWords.name(holding), holding.kind.rawValue, thread, from: start,
      to: holding.last.map { life.events[$0].position }, &json
    ) { json in
      json.object("args") { json in
        json.member("line", holding.first.map { life.events[$0].at.line })
        json.member("given back in line", holding.last.map { life.events[$0].at.line })
      }
    }
    if let refusal = EventWords.refusal(after: holding, in: life) {
      arrows += 1
      arrowsTo[refusal, default: []].append(arrows)
      arrow("s", arrows, thread, at: start, &json)
    }
  }

  private func arrow(_ phase: String, _ id: Int, _ thread: Int, at position: Int64, _ json: inout JSONWriter)
  {
    event(phase, "refused because of it", thread, at: position, &json) { json in
      json.member("cat", "leaked")
      json.member("id", id)
      if phase == "f" { json.member("bp", "e") }
    }
  }

  private mutating func marks(_ json: inout JSONWriter) {
    let told = life.events.indices.filter { life.events[$0].mark != .none }
    if told.isEmpty { return }
    describe("thread", "events", eventThread, rank: eventThread, &json)
    for index in told {
      let happening = life.events[index]
      let ending = arrowsTo[index] ?? []
      // An arrow ends at a slice, and an instant is none.
      event(
        ending.isEmpty ? "i" : "X", EventWords.name(happening, in: life), eventThread,
        at: happening.position, &json
      ) { json in
        if ending.isEmpty { json.member("s", "t") } else { json.member("dur", thousandths: 1) }
        json.member("cat", happening.mark.rawValue)
        arguments(happening, &json)
      }
      for id in ending { arrow("f", id, eventThread, at: happening.position, &json) }
    }
  }

  private func arguments(_ event: GroupTimeline.Event, _ json: inout JSONWriter) {
    json.object("args") { json in
      json.member("source", Printable.text(report.sources[event.at.source].path))
      json.member("line", event.at.line)
      json.member("text", event.text.map(Printable.text))
      if !event.notes.isEmpty { json.member("notes", Printable.text(event.notes.joined(separator: "; "))) }
    }
  }
}
