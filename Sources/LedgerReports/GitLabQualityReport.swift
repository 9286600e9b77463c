import DMALedger

/// GitLab's code quality report: what a merge request shows as new and as fixed.
///
/// GitLab compares fingerprints between branches and keeps one finding each, so the second occurrence of a fingerprint
/// in the file has its number behind it. Captures that cannot be read are findings too, because there is no other
/// place for them. Keeps a number for each fingerprint.
public struct GitLabQualityReport: CollectionRenderer {
  private let locator: SourceLocator
  private var occurrences = OccurrenceCounter()
  private var isFirst = true

  /// A report; `locator` says how files are named in it.
  public init(locator: SourceLocator = SourceLocator()) {
    self.locator = locator
  }

  /// The opening of the list.
  public mutating func begin(total: Int?) -> [UInt8] {
    Array("[".utf8)
  }

  /// An entry for each finding of a capture, and for each of its files that could not be read.
  public mutating func add(_ capture: CaptureRecord) -> [UInt8] {
    var bytes: [UInt8] = []
    for trouble in capture.readingTroubles {
      let path = locator.place(nil, in: capture).path
      bytes += entry(
        "unreadable", "major", trouble, occurrences.next("unreadable:\(Printable.text(capture.name))"),
        (path, 1))
    }
    for finding in capture.report.findings {
      bytes += entry(
        finding.rule.rawValue, Self.severity(finding), TextReport.capitalized(finding.message),
        occurrences.next(finding.fingerprint), locator.place(finding.bestPlace, in: capture))
    }
    return bytes
  }

  /// The end of the list.
  public mutating func finish() -> [UInt8] {
    Array((isFirst ? "]\n" : "\n]\n").utf8)
  }

  private mutating func entry(
    _ check: String, _ severity: String, _ description: String, _ occurrence: String,
    _ place: (path: String, line: Int)
  ) -> [UInt8] {
    var json = JSONWriter()
    json.object(.oneLine) { json in
      json.member("description", Printable.text(description))
      json.member("check_name", check)
      // The finding's own fingerprint where there is but one of it.
      json.member("fingerprint", occurrence.hasSuffix(":1") ? String(occurrence.dropLast(2)) : occurrence)
      json.member("severity", severity)
      json.object("location") { json in
        json.member("path", Printable.text(place.path))
        json.object("lines") { $0.member("begin", place.line) }
      }
    }
    defer { isFirst = false }
    return Array((isFirst ? "\n" : ",\n").utf8) + json.bytes
  }

  private static func severity(_ finding: Finding) -> String {
    switch finding.severity {
    case .error: finding.certainty == .proved ? "critical" : "major"
    case .warning: "minor"
    case .note: "info"
    }
  }
}
