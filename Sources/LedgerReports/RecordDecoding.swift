import DMALedger

/// The parts of a report from their JSON, member by member in the order of ``JSONReport``.
extension CaptureRecord {
  /// A capture whose groups, findings and diagnostics follow in records of their own.
  init(_ members: inout JSONMembers) throws(JSONError) {
    let id = try members.need("capture_id").string()
    let name = try members.need("capture_name").string()
    let schema = try members.need("schema")
    guard try schema.string() == JSONLinesReport.schema else {
      throw JSONError(offset: schema.offset, message: "expected the schema '\(JSONLinesReport.schema)'")
    }
    var tool = try members.need("tool").object()
    _ = try tool.need("name").string()
    _ = try tool.need("version").string()
    try tool.finish()
    let outcome = try members.need("outcome")
    let unreadable = try members.list("unreadable") { (error: inout JSONMembers) throws(JSONError) in
      InputError(path: try error.need("path").string(), reason: try error.need("reason").string())
    }
    self.init(id: id, name: name, report: try Report(&members), unreadable: unreadable)
    guard try outcome.string() == self.outcome.rawValue else {
      throw JSONError(
        offset: outcome.offset, message: "the outcome does not follow from the rest of the record")
    }
  }
}

extension Report {
  fileprivate init(_ members: inout JSONMembers) throws(JSONError) {
    let verdict: Verdict = try members.choice("verdict")
    let reasons = try members.texts("reasons")
    let answers = try members.list("answers") { (answer: inout JSONMembers) throws(JSONError) in
      try Answer(&answer)
    }
    self.init(
      verdict: verdict, reasons: reasons,
      kernel: try KernelSummary(members.need("kernel")),
      sources: try members.list("sources") { (source: inout JSONMembers) throws(JSONError) in
        try SourceSummary(&source)
      }, groups: [], unattributed: try CallTally(members.take("unattributed")), findings: [], diagnostics: [])
    self.answers = answers
    recipe = try members.texts("recipe")
  }
}

extension KernelSummary {
  fileprivate init(_ value: JSONValue) throws(JSONError) {
    var members = try value.object()
    let release = try members.text("release")
    let testDriverRemove: TestDriverRemove = try members.choice("test_driver_remove")
    let fix: FixStanding? = try members.choiceIfThere("fix")
    self.init(
      release: release, testDriverRemove: testDriverRemove, windows: try members.count("windows"),
      reprobes: try members.count("reprobes"))
    self.fix = fix ?? .unknown
    try members.finish()
  }
}

extension SourceSummary {
  fileprivate init(_ members: inout JSONMembers) throws(JSONError) {
    self.init(
      path: try members.need("path").string(), format: try members.need("format").string(),
      compression: try members.need("compression").string(), bytes: try members.count("bytes"),
      lines: try members.count("lines"), understoodLines: try members.count("understood_lines"),
      events: try members.count("events"), firstTime: try members.time("first_ts_ns"),
      lastTime: try members.time("last_ts_ns"), lostEvents: try members.count("lost_events"),
      unparsed: try members.list("unparsed") { (shape: inout JSONMembers) throws(JSONError) in
        UnparsedShape(
          shape: try shape.need("shape").string(), count: try shape.count("count"),
          firstLine: try shape.count("first_line"))
      })
    countsTicks = try members.take("counts_ticks")?.bool() ?? false
  }
}

extension CallTally {
  fileprivate init(_ value: JSONValue?) throws(JSONError) {
    self.init()
    guard var members = try value?.object() else { return }
    for kind in OwnershipCallKind.allCases {
      if let value = members.take(kind.rawValue) { self[kind] = try value.count(kind.rawValue) }
    }
    try members.finish()
  }
}

extension GroupReport {
  /// A group whose changes follow in records of their own.
  init(_ members: inout JSONMembers) throws(JSONError) {
    self.init(
      id: try members.number("id").map(GroupID.init), incarnation: try members.count("incarnation"),
      verdict: try members.choice("verdict"), reasons: try members.texts("reasons"),
      initial: try members.interval("initial"), final: try members.interval("final"),
      peak: try members.interval("peak"), excess: try members.interval("excess"),
      owner: try members.choice("owner"),
      devices: try members.list("devices") { (device: inout JSONMembers) throws(JSONError) in
        DeviceReport(
          name: try device.need("name").string(), driver: try device.text("driver"),
          isBound: try device.take("bound")?.bool(), outstanding: try device.need("outstanding").integer())
      },
      holders: try members.list("holders") { (holder: inout JSONMembers) throws(JSONError) in
        try Holder(&holder)
      }, changes: [])
    if var folded = try members.take("folded_changes")?.object() {
      foldedChanges = try FoldedChanges(&folded)
      try folded.finish()
    }
  }
}

extension FoldedChanges {
  fileprivate init(_ members: inout JSONMembers) throws(JSONError) {
    self.init(
      place: try members.count("index"), count: try members.count("count"),
      calls: try CallTally(members.take("calls")), effective: try CallTally(members.take("effective")),
      firstTime: try members.time("first_ts_ns"), firstAt: try LineReference(members.need("first_at")),
      lastTime: try members.time("last_ts_ns"), lastAt: try LineReference(members.need("last_at")))
  }
}

extension Answer {
  fileprivate init(_ members: inout JSONMembers) throws(JSONError) {
    self.init(
      group: try members.number("group").map(GroupID.init), incarnation: try members.number("incarnation"),
      device: try members.text("device"), cause: try members.choice("cause"),
      certainty: try members.choice("certainty"), headline: try members.need("headline").string(),
      at: try members.place("at"),
      steps: try members.list("steps") { (step: inout JSONMembers) throws(JSONError) in
        let text = try step.need("text").string()
        let time = try step.time("ts_ns")
        return Step(text: text, at: try step.place("at"), time: time)
      },
      legitimate: try members.list("legitimate") { (holder: inout JSONMembers) throws(JSONError) in
        try Holder(&holder)
      },
      leaked: try members.list("leaked") { (holder: inout JSONMembers) throws(JSONError) in
        try Holder(&holder)
      },
      unexplained: try members.intervalIfThere("unexplained"), fix: try members.need("fix").string())
  }
}

extension Holder {
  fileprivate init(_ members: inout JSONMembers) throws(JSONError) {
    self.init(
      kind: try members.choice("kind"), count: try members.number("count"),
      device: try members.text("device"),
      driver: try members.text("driver"), since: try members.time("since_ts_ns"), at: try members.place("at"))
  }
}

extension Change {
  init(_ members: inout JSONMembers) throws(JSONError) {
    self.init(
      time: try members.time("ts_ns"), call: try members.choice("call"), device: try members.text("device"),
      driver: try members.text("driver"), pid: try members.number("pid"), comm: try members.text("comm"),
      cpu: try members.number("cpu"), result: try members.number("result"),
      before: try members.interval("before"), after: try members.interval("after"),
      certainty: try members.choice("certainty"), at: try LineReference(members.need("at")),
      isAfterGap: try members.take("after_gap")?.bool() ?? false)
  }
}

extension Finding {
  init(_ members: inout JSONMembers) throws(JSONError) {
    let occurrences = try members.number("occurrences")
    self.init(
      rule: try members.choice("rule"), severity: try members.choice("severity"),
      certainty: try members.choice("certainty"), group: try members.number("group").map(GroupID.init),
      incarnation: try members.number("incarnation"), device: try members.text("device"),
      driver: try members.text("driver"), excess: try members.number("excess"),
      message: try members.need("message").string(), cause: try members.text("cause"),
      remedy: try members.need("remedy").string(), fingerprint: try members.need("fingerprint").string(),
      evidence: try members.list("evidence") { (evidence: inout JSONMembers) throws(JSONError) in
        Evidence(
          at: LineReference(
            source: try evidence.need("source").integer(), line: try evidence.need("line").integer()),
          time: try evidence.time("ts_ns"), note: try evidence.need("note").string(),
          text: try evidence.need("text").string())
      })
    self.occurrences = max(1, occurrences ?? 1)
    novelty = try members.choiceIfThere("novelty")
  }
}

extension Diagnostic {
  init(_ members: inout JSONMembers) throws(JSONError) {
    self.init(
      level: try members.choice("level"), source: try members.number("source"),
      line: try members.number("line"),
      offset: try members.number("offset"), message: try members.need("message").string())
  }
}

extension LineReference {
  fileprivate init(_ value: JSONValue) throws(JSONError) {
    var members = try value.object()
    self.init(source: try members.need("source").integer(), line: try members.need("line").integer())
    try members.finish()
  }
}

// MARK: - The kinds of members

extension JSONMembers {
  mutating func text(_ name: String) throws(JSONError) -> String? { try take(name)?.string() }

  mutating func number(_ name: String) throws(JSONError) -> Int? { try take(name)?.integer() }

  /// A number of something: never below zero.
  mutating func count(_ name: String) throws(JSONError) -> Int {
    try need(name).count(name)
  }

  /// Fails where a number is not what the records before it make it.
  mutating func expect(_ name: String, _ expected: Int?) throws(JSONError) {
    let value = take(name)
    if try value?.integer() != expected {
      let expectation = expected.map { "\($0)" } ?? "absent"
      throw JSONError(
        offset: value?.offset ?? offset,
        message: "\"\(name)\" should be \(expectation): records are missing or out of order")
    }
  }

  mutating func time(_ name: String) throws(JSONError) -> Nanoseconds? {
    try number(name).map { Nanoseconds(Int64($0)) }
  }

  mutating func place(_ name: String) throws(JSONError) -> LineReference? {
    guard let value = take(name) else { return nil }
    return try LineReference(value)
  }

  mutating func interval(_ name: String) throws(JSONError) -> Count {
    try Self.interval(need(name))
  }

  mutating func intervalIfThere(_ name: String) throws(JSONError) -> Count? {
    guard let value = take(name) else { return nil }
    return try Self.interval(value)
  }

  private static func interval(_ value: JSONValue) throws(JSONError) -> Count {
    var members = try value.object()
    let count = Count(min: try members.count("min"), max: try members.number("max"))
    try members.finish()
    return count
  }

  /// One of a fixed set of words.
  mutating func choice<Choice: RawRepresentable<String>>(_ name: String) throws(JSONError) -> Choice {
    if let choice: Choice = try choiceIfThere(name) { return choice }
    throw JSONError(offset: offset, message: "the member \"\(name)\" is missing")
  }

  mutating func choiceIfThere<Choice: RawRepresentable<String>>(_ name: String) throws(JSONError) -> Choice? {
    guard let value = take(name) else { return nil }
    let word = try value.string()
    guard let choice = Choice(rawValue: word) else {
      throw JSONError(
        offset: value.offset, message: "\"\(name)\" is '\(word)'; a newer dmaledger may have written it")
    }
    return choice
  }

  mutating func texts(_ name: String) throws(JSONError) -> [String] {
    var texts: [String] = []
    for value in try need(name).array() { texts.append(try value.string()) }
    return texts
  }

  /// An array of objects, each read by `element` to its last member.
  mutating func list<Element>(
    _ name: String, _ element: (inout JSONMembers) throws(JSONError) -> Element
  ) throws(JSONError) -> [Element] {
    var elements: [Element] = []
    for value in try need(name).array() {
      var members = try value.object()
      elements.append(try element(&members))
      try members.finish()
    }
    return elements
  }
}

extension JSONValue {
  /// The value of a member that counts something.
  fileprivate func count(_ name: String) throws(JSONError) -> Int {
    let count = try integer()
    if count < 0 { throw JSONError(offset: offset, message: "\"\(name)\" is below zero") }
    return count
  }
}
