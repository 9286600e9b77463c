import DMALedger

/// Any number of captures as JSON records, one a line: the output that other programs read, join and merge, described
/// by `Schema/dmaledger.records-1.schema.json`.
///
/// A capture is its `capture` record, then for each group a `group` record and its `change` records, then `finding`
/// and `diagnostic` records. Every record says which capture it belongs to, so that files can be concatenated and
/// records sorted into tables; the `capture` record says how many follow, so that a torn file shows. Nothing of a
/// report is lost: ``RecordsReader`` makes it again.
public struct JSONLinesReport: CollectionRenderer {
  /// The shape of the records; a change that could break a reader changes its number.
  public static let schema = "dmaledger.records/1"

  private let toolVersion: String

  /// Records that name this version of the program as their maker.
  public init(toolVersion: String) {
    self.toolVersion = toolVersion
  }

  /// Nothing: any record may be the first.
  public mutating func begin(total: Int?) -> [UInt8] { [] }

  /// The records of one capture, each ending in a newline.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] { records(of: capture) }

  /// Nothing: any record may be the last.
  public mutating func finish() -> [UInt8] { [] }

  /// The records of one capture, which need no renderer's state: threads may make them side by side.
  public func records(of capture: CaptureRecord) -> [UInt8] {
    var json = JSONWriter()
    let report = capture.report
    json.record("capture", of: capture) { json in
      json.member("schema", Self.schema)
      json.object("tool") { json in
        json.member("name", "dmaledger")
        json.member("version", toolVersion)
      }
      json.member("outcome", capture.outcome.rawValue)
      json.array("unreadable", of: capture.unreadable) { json, error in
        json.object { json in
          json.member("path", error.path)
          json.member("reason", error.reason)
        }
      }
      json.memberOfCapture(report)
    }
    for (place, group) in report.groups.enumerated() {
      json.record("group", of: capture) { json in
        json.member("index", place)
        json.membersWithoutChanges(of: group)
      }
      for (index, change) in group.changes.enumerated() {
        json.record("change", of: capture) { json in
          json.member("group_index", place)
          json.member("group", group.id?.value)
          json.member("incarnation", group.incarnation)
          json.member("index", index)
          json.members(of: change)
        }
      }
    }
    for (index, finding) in report.findings.enumerated() {
      json.record("finding", of: capture) { json in
        json.member("index", index)
        json.members(of: finding)
        json.member("novelty", finding.novelty?.rawValue)
      }
    }
    for (index, diagnostic) in report.diagnostics.enumerated() {
      json.record("diagnostic", of: capture) { json in
        json.member("index", index)
        json.members(of: diagnostic)
      }
    }
    return json.bytes
  }
}

extension JSONWriter {
  fileprivate mutating func record(
    _ type: String, of capture: CaptureRecord, members: (inout JSONWriter) -> Void
  ) {
    object(.oneLine) { json in
      json.member("type", type)
      json.member("capture_id", capture.id)
      json.member("capture_name", capture.name)
      members(&json)
    }
    endLine()
  }

  fileprivate mutating func memberOfCapture(_ report: Report) {
    member("verdict", report.verdict.rawValue)
    array("reasons", of: report.reasons) { json, reason in json.string(reason) }
    array("answers", of: report.answers) { json, answer in
      json.object { json in json.members(of: answer) }
    }
    object("kernel") { json in json.members(of: report.kernel) }
    array("sources", of: report.sources) { json, source in
      json.object { json in json.members(of: source) }
    }
    if report.unattributed.total > 0 {
      object("unattributed") { json in json.members(of: report.unattributed) }
    }
    array("recipe", of: report.recipe) { json, line in json.string(line) }
    object("records") { json in
      json.member("group", report.groups.count)
      json.member("change", report.groups.reduce(0) { $0 + $1.changes.count })
      json.member("finding", report.findings.count)
      json.member("diagnostic", report.diagnostics.count)
    }
  }
}
