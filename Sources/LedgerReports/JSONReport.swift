public import DMALedger

/// The report as JSON: the contract of every machine that reads it, described by
/// `Schema/dmaledger.report-1.schema.json`.
///
/// Keys stand in a fixed order and are absent where a report has no value; an array is there even when it is
/// empty. What repeats hundreds of times (changes, evidence) takes one line each, so that `grep` and `diff`
/// work.
public enum JSONReport {
  /// The shape of the text below; a change that could break a reader changes its number.
  public static let schema = "dmaledger.report/1"

  /// The report as UTF-8 text that ends in a newline.
  ///
  /// - Parameters:
  ///   - report: What to write.
  ///   - toolVersion: The version of the program that made the report.
  ///   - captureID: The content hash of the capture, where it was asked for.
  public static func render(_ report: Report, toolVersion: String, captureID: String? = nil) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("schema", schema)
      json.object("tool") { json in
        json.member("name", "dmaledger")
        json.member("version", toolVersion)
      }
      json.member("capture_id", captureID)
      json.member("verdict", report.verdict.rawValue)
      json.array("reasons", of: report.reasons) { json, reason in json.string(reason) }
      json.array("answers", of: report.answers) { json, answer in
        json.object { json in json.members(of: answer) }
      }
      json.object("kernel") { json in json.members(of: report.kernel) }
      json.array("sources", of: report.sources) { json, source in
        json.object { json in json.members(of: source) }
      }
      json.array("groups", of: report.groups) { json, group in
        json.object { json in json.members(of: group) }
      }
      if report.unattributed.total > 0 {
        json.object("unattributed") { json in json.members(of: report.unattributed) }
      }
      json.array("findings", of: report.findings) { json, finding in
        json.object { json in json.members(of: finding) }
      }
      json.array("recipe", of: report.recipe) { json, line in json.string(line) }
      json.array("diagnostics", of: report.diagnostics) { json, diagnostic in
        json.object { json in json.members(of: diagnostic) }
      }
    }
    json.endLine()
    return json.bytes
  }
}

extension JSONWriter {
  mutating func members(of kernel: KernelSummary) {
    member("release", kernel.release)
    member("test_driver_remove", kernel.testDriverRemove.rawValue)
    if kernel.fix != .unknown { member("fix", kernel.fix.rawValue) }
    member("windows", kernel.windows)
    member("reprobes", kernel.reprobes)
  }

  mutating func members(of answer: Answer) {
    member("group", answer.group?.value)
    member("incarnation", answer.incarnation)
    member("device", answer.device)
    member("cause", answer.cause.rawValue)
    member("certainty", answer.certainty.rawValue)
    member("headline", answer.headline)
    member("at", answer.at)
    array("steps", of: answer.steps) { json, step in
      json.object(.oneLine) { json in
        json.member("text", step.text)
        json.member("ts_ns", step.time)
        json.member("at", step.at)
      }
    }
    array("legitimate", of: answer.legitimate) { json, holder in
      json.object(.oneLine) { json in json.members(of: holder) }
    }
    array("leaked", of: answer.leaked) { json, holder in
      json.object(.oneLine) { json in json.members(of: holder) }
    }
    if let unexplained = answer.unexplained { member("unexplained", unexplained) }
    member("fix", answer.fix)
  }

  mutating func members(of source: SourceSummary) {
    member("path", source.path)
    member("format", source.format)
    member("compression", source.compression)
    member("bytes", source.bytes)
    member("lines", source.lines)
    member("understood_lines", source.understoodLines)
    member("events", source.events)
    member("first_ts_ns", source.firstTime)
    member("last_ts_ns", source.lastTime)
    member("lost_events", source.lostEvents)
    if source.countsTicks { member("counts_ticks", true) }
    array("unparsed", of: source.unparsed) { json, shape in
      json.object(.oneLine) { json in
        json.member("shape", shape.shape)
        json.member("count", shape.count)
        json.member("first_line", shape.firstLine)
      }
    }
  }

  mutating func members(of group: GroupReport) {
    membersWithoutChanges(of: group)
    array("changes", of: group.changes) { json, change in
      json.object(.oneLine) { json in json.members(of: change) }
    }
  }

  mutating func membersWithoutChanges(of group: GroupReport) {
    member("id", group.id?.value)
    member("incarnation", group.incarnation)
    member("verdict", group.verdict.rawValue)
    array("reasons", of: group.reasons) { json, reason in json.string(reason) }
    member("initial", group.initial)
    member("final", group.final)
    member("peak", group.peak)
    member("excess", group.excess)
    member("owner", group.owner.rawValue)
    array("devices", of: group.devices) { json, device in
      json.object(.oneLine) { json in json.members(of: device) }
    }
    array("holders", of: group.holders) { json, holder in
      json.object(.oneLine) { json in json.members(of: holder) }
    }
    if let folded = group.foldedChanges {
      object("folded_changes") { json in json.members(of: folded) }
    }
  }

  private mutating func members(of folded: FoldedChanges) {
    member("index", folded.place)
    member("count", folded.count)
    object("calls", .oneLine) { json in json.members(of: folded.calls) }
    object("effective", .oneLine) { json in json.members(of: folded.effective) }
    member("first_ts_ns", folded.firstTime)
    member("first_at", folded.firstAt)
    member("last_ts_ns", folded.lastTime)
    member("last_at", folded.lastAt)
  }

  fileprivate mutating func members(of device: DeviceReport) {
    member("name", device.name)
    member("driver", device.driver)
    member("bound", device.isBound)
    member("outstanding", device.outstanding)
  }

  fileprivate mutating func members(of holder: Holder) {
    member("kind", holder.kind.rawValue)
    member("count", holder.count)
    member("device", holder.device)
    member("driver", holder.driver)
    member("since_ts_ns", holder.since)
    member("at", holder.at)
  }

  mutating func members(of change: Change) {
    member("ts_ns", change.time)
    member("call", change.call.rawValue)
    member("device", change.device)
    member("driver", change.driver)
    member("pid", change.pid)
    member("comm", change.comm)
    member("cpu", change.cpu)
    member("result", change.result)
    if change.isAfterGap { member("after_gap", true) }
    member("before", change.before)
    member("after", change.after)
    member("certainty", change.certainty.rawValue)
    member("at", change.at)
  }

  mutating func members(of tally: CallTally) {
    for kind in OwnershipCallKind.allCases where tally[kind] > 0 {
      member(kind.rawValue, tally[kind])
    }
  }

  mutating func members(of finding: Finding) {
    member("rule", finding.rule.rawValue)
    member("severity", finding.severity.rawValue)
    member("certainty", finding.certainty.rawValue)
    member("group", finding.group?.value)
    member("incarnation", finding.incarnation)
    member("device", finding.device)
    member("driver", finding.driver)
    member("excess", finding.excess)
    if finding.occurrences > 1 { member("occurrences", finding.occurrences) }
    member("message", finding.message)
    member("cause", finding.cause)
    member("remedy", finding.remedy)
    member("fingerprint", finding.fingerprint)
    array("evidence", of: finding.evidence) { json, evidence in
      json.object(.oneLine) { json in json.members(of: evidence) }
    }
  }

  fileprivate mutating func members(of evidence: Evidence) {
    member("source", evidence.at.source)
    member("line", evidence.at.line)
    member("ts_ns", evidence.time)
    member("note", evidence.note)
    member("text", evidence.text)
  }

  mutating func members(of diagnostic: Diagnostic) {
    member("level", diagnostic.level.rawValue)
    member("source", diagnostic.source)
    member("line", diagnostic.line)
    member("offset", diagnostic.offset)
    member("message", diagnostic.message)
  }

  /// A moment, as an integer of nanoseconds.
  fileprivate mutating func member(_ name: String, _ time: Nanoseconds?) {
    member(name, time.map { Int($0.value) })
  }

  /// An interval; `max` is absent where nothing bounds it.
  fileprivate mutating func member(_ name: String, _ count: Count) {
    object(name, .oneLine) { json in
      json.member("min", count.min)
      json.member("max", count.max)
    }
  }

  /// A line of a source.
  fileprivate mutating func member(_ name: String, _ line: LineReference?) {
    guard let line else { return }
    object(name, .oneLine) { json in
      json.member("source", line.source)
      json.member("line", line.line)
    }
  }
}
