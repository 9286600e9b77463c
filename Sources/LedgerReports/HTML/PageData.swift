import DMALedger

/// What the page's script draws from: the timeline as compact JSON, columns instead of objects.
///
/// Strings stand once in a table and are made printable before they get there, so that the script may show them as they
/// are. No `<` appears, so that nothing in it can end the script element that holds it.
enum PageData {
  static func render(_ timeline: Timeline, sources: [String]) -> [UInt8] {
    var strings = StringTable()
    var json = JSONWriter()
    json.object(.compact) { json in
      json.member("axis", timeline.axis.rawValue)
      if timeline.countsTicks { json.member("ticks", true) }
      // A string: the script's numbers hold 53 bits only.
      json.member("start", "\(timeline.start)")
      json.member(
        "span", Int(clamping: timeline.end.subtractingReportingOverflow(timeline.start).partialValue))
      json.member("events", timeline.eventCount)
      json.numbers("sources", sources.map { strings.index(of: $0) })
      json.array("calls", of: OwnershipCallKind.allCases) { json, call in json.string(call.rawValue) }
      json.array("marks", of: GroupTimeline.Mark.allCases) { json, mark in json.string(mark.rawValue) }
      json.array("kinds", of: GroupTimeline.Holding.Kind.allCases) { json, kind in json.string(kind.rawValue)
      }
      json.array("groups", of: timeline.groups) { json, group in
        json.object { json in members(of: group, timeline, &strings, &json) }
      }
      json.array("strings", of: strings.texts) { json, text in json.string(text) }
    }
    return json.bytes.flatMap { $0 == UInt8(ascii: "<") ? Array(#"\u003c"#.utf8) : [$0] }
  }

  private static func members(
    of timeline: GroupTimeline, _ whole: Timeline, _ strings: inout StringTable, _ json: inout JSONWriter
  ) {
    let group = timeline.group
    json.member("name", TextGroup.shortName(group))
    json.member("count", timeline.events.count)
    pair("initial", group.initial, &json)
    pair("final", group.final, &json)
    if timeline.finalGap != nil { json.member("open", true) }
    json.object("events") { json in columns(of: timeline, whole, &strings, &json) }
    json.array("lanes", of: timeline.lanes) { json, lane in
      json.object { json in
        json.member("name", strings.index(of: lane.name))
        json.array("holdings", of: lane.holdings) { json, holding in
          json.numbers([
            GroupTimeline.Holding.Kind.allCases.firstIndex(of: holding.kind) ?? 0, holding.count ?? -1,
            holding.driver.map { strings.index(of: $0) } ?? -1, holding.first ?? -1, holding.last ?? -1,
            holding.row,
          ])
        }
      }
    }
  }

  /// One array for each property of an event; a single number where it is the same for all.
  private static func columns(
    of timeline: GroupTimeline, _ whole: Timeline, _ strings: inout StringTable, _ json: inout JSONWriter
  ) {
    let events = timeline.events
    let changes = events.map { $0.change.map { timeline.group.changes[$0] } }
    column(
      "at", events.map { Int(clamping: $0.position.subtractingReportingOverflow(whole.start).partialValue) },
      &json)
    column("rank", events.map(\.rank), &json)
    column("call", changes.map { $0?.call.ordinal ?? -1 }, &json)
    column("mark", events.map { GroupTimeline.Mark.allCases.firstIndex(of: $0.mark) ?? 0 }, &json)
    column("low", events.map(\.count.min), &json)
    column("high", events.map { $0.count.max ?? -1 }, &json)
    column("held", events.map(\.held), &json)
    column("source", events.map(\.at.source), &json)
    column("line", events.map(\.at.line), &json)
    column("device", changes.map { $0?.device.map { strings.index(of: $0) } ?? -1 }, &json)
    column("driver", changes.map { $0?.driver.map { strings.index(of: $0) } ?? -1 }, &json)
    column("comm", changes.map { $0?.comm.map { strings.index(of: $0) } ?? -1 }, &json)
    column("pid", changes.map { $0?.pid ?? -1 }, &json)
    column("cpu", changes.map { $0?.cpu ?? -1 }, &json)
    // A call whose result is not known, like everything that is no call, has none.
    sparse("result", changes.map { $0?.result.map { [$0] } }, &json)
    sparse("gap", events.map { $0.gap.map { [$0.min, $0.max ?? -1] } }, &json)
    sparse("text", events.map { $0.text.map { [strings.index(of: $0)] } }, &json)
    sparse("notes", events.map { $0.notes.isEmpty ? nil : $0.notes.map { strings.index(of: $0) } }, &json)
  }

  private static func pair(_ name: String, _ count: Count, _ json: inout JSONWriter) {
    json.numbers(name, [count.min, count.max ?? -1])
  }

  private static func column(_ name: String, _ values: [Int], _ json: inout JSONWriter) {
    if let first = values.first, values.allSatisfy({ $0 == first }) {
      json.member(name, first)
    } else {
      json.numbers(name, values)
    }
  }

  /// What only some events have, by the event's index.
  private static func sparse(_ name: String, _ values: [[Int]?], _ json: inout JSONWriter) {
    json.object(name) { json in
      for (index, value) in values.enumerated() {
        if let value { json.numbers("\(index)", value) }
      }
    }
  }
}

/// Strings that repeat by the thousand, each once.
private struct StringTable {
  private(set) var texts: [String] = []
  private var places: [String: Int] = [:]

  mutating func index(of text: String) -> Int {
    let safe = Printable.text(text)
    if let place = places[safe] { return place }
    places[safe] = texts.count
    texts.append(safe)
    return texts.count - 1
  }
}
