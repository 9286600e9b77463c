import DMALedger

/// A file of records cannot be used, and where the trouble is.
public struct RecordsError: Error, Sendable {
  /// Line number after decompression, from 1.
  public var line: Int
  /// Bytes after decompression in front of the trouble.
  public var offset: Int
  /// What is wrong.
  public var message: String
  /// Whether everything is right up to a last capture that is not all there, as after a kill or a full disk.
  public var isTornEnd: Bool
}

/// Makes captures from the records of ``JSONLinesReport``, as they come.
///
/// It holds the records of one capture at a time. Only what the writer could have written is accepted: a value that
/// is lost or misread here would be a wrong verdict there.
public struct RecordsReader: Sendable {
  /// Longer lines are refused: memory has to have a bound.
  public static let longestLine = 64 << 20

  /// Bytes after decompression up to and with the last capture that was complete.
  public private(set) var completeBytes = 0

  private var rest: [UInt8] = []
  private var lines = 0
  /// Bytes in front of the current line.
  private var offset = 0
  private var open: OpenCapture?
  private let skipsChanges: Bool

  /// A reader at the start of a file. With `skipsChanges` the reports come without the changes of their groups, for
  /// readers that want verdicts and findings only; the records are counted all the same.
  public init(skipsChanges: Bool = false) {
    self.skipsChanges = skipsChanges
  }

  /// Takes the next bytes, cut anywhere, and appends every capture that they complete.
  public mutating func read(_ bytes: Span<UInt8>, into captures: inout [CaptureRecord]) throws(RecordsError) {
    var start = 0
    for index in 0..<bytes.count where bytes[index] == UInt8(ascii: "\n") {
      if rest.isEmpty {
        try take(bytes.extracting(start..<index), into: &captures)
      } else {
        append(bytes.extracting(start..<index))
        var line: [UInt8] = []
        swap(&line, &rest)
        try take(line.span, into: &captures)
        line.removeAll(keepingCapacity: true)
        swap(&line, &rest)
      }
      start = index + 1
    }
    append(bytes.extracting(start..<bytes.count))
    if rest.count > Self.longestLine {
      throw failure(0, "the line is longer than \(Self.longestLine) bytes")
    }
  }

  /// Fails where the file ends in the middle of a capture.
  public mutating func finish() throws(RecordsError) {
    if !rest.isEmpty {
      throw RecordsError(
        line: lines + 1, offset: offset, message: "the last line has no newline: it may be cut",
        isTornEnd: true)
    }
    if let open {
      throw RecordsError(
        line: lines, offset: offset, message: "the records end in the middle of \(open.description)",
        isTornEnd: true)
    }
  }

  private mutating func append(_ bytes: Span<UInt8>) {
    rest.reserveCapacity(rest.count + bytes.count)
    for index in 0..<bytes.count { rest.append(bytes[index]) }
  }

  private mutating func take(_ line: Span<UInt8>, into captures: inout [CaptureRecord]) throws(RecordsError) {
    lines += 1
    do throws(JSONError) {
      try takeRecord(try JSONValue(parsing: line))
    } catch {
      throw failure(error.offset, error.message)
    }
    offset += line.count + 1
    guard let record = open?.complete else { return }
    captures.append(record)
    open = nil
    completeBytes = offset
  }

  private mutating func takeRecord(_ value: JSONValue) throws(JSONError) {
    var members = try value.object()
    let type = try members.need("type")
    let name = try type.string()
    if name == "capture" {
      if let open {
        throw JSONError(offset: 0, message: "a capture begins in the middle of \(open.description)")
      }
      open = try OpenCapture(&members)
    } else {
      guard var capture = open else {
        throw JSONError(offset: 0, message: "a \(name) record stands outside of a capture")
      }
      // Out of the optional while it grows, or every record would copy the report.
      open = nil
      if name == "change", skipsChanges {
        capture.skipChange()
      } else {
        try capture.take(name, type.offset, &members)
        try members.finish()
      }
      open = capture
      return
    }
    try members.finish()
  }

  private func failure(_ place: Int, _ message: String) -> RecordsError {
    RecordsError(
      line: max(lines, 1), offset: offset + place, message: message, isTornEnd: false)
  }
}

/// A capture whose records are not all read.
private struct OpenCapture: Sendable {
  private var record: CaptureRecord
  private let promised: (groups: Int, changes: Int, findings: Int, diagnostics: Int)
  private var changes = 0

  init(_ members: inout JSONMembers) throws(JSONError) {
    record = try CaptureRecord(&members)
    var records = try members.need("records").object()
    promised = (
      groups: try records.count("group"), changes: try records.count("change"),
      findings: try records.count("finding"), diagnostics: try records.count("diagnostic")
    )
    try records.finish()
  }

  var description: String { "the capture '\(record.name)'" }

  /// The capture, once everything that was promised is there.
  var complete: CaptureRecord? {
    let report = record.report
    let isComplete =
      report.groups.count == promised.groups && changes == promised.changes
      && report.findings.count == promised.findings && report.diagnostics.count == promised.diagnostics
    return isComplete ? record : nil
  }

  mutating func skipChange() {
    changes += 1
  }

  mutating func take(_ type: String, _ offset: Int, _ members: inout JSONMembers) throws(JSONError) {
    let id = try members.need("capture_id")
    let name = try members.need("capture_name")
    guard try id.string() == record.id, try name.string() == record.name else {
      throw JSONError(offset: id.offset, message: "the record belongs to another capture than \(description)")
    }
    switch type {
    case "group":
      try members.expect("index", record.report.groups.count)
      record.report.groups.append(try GroupReport(&members))
    case "change":
      try members.expect("group_index", record.report.groups.count - 1)
      let last = record.report.groups.count - 1
      guard last >= 0 else { throw JSONError(offset: 0, message: "a change stands in front of its group") }
      try members.expect("group", record.report.groups[last].id?.value)
      try members.expect("incarnation", record.report.groups[last].incarnation)
      try members.expect("index", record.report.groups[last].changes.count)
      record.report.groups[last].changes.append(try Change(&members))
      changes += 1
    case "finding":
      try members.expect("index", record.report.findings.count)
      record.report.findings.append(try Finding(&members))
    case "diagnostic":
      try members.expect("index", record.report.diagnostics.count)
      record.report.diagnostics.append(try Diagnostic(&members))
    default:
      throw JSONError(offset: offset, message: "unknown type of record '\(type)'")
    }
  }
}
