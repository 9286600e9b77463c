import DMALedger

/// The findings of a run counted by fingerprint, in order of their first appearance: the same bug in a thousand
/// captures is one bug.
///
/// Keeps one example of each of the first ``longest`` bugs of a severity, and counts the rest.
struct BugTally {
  /// One bug: an example of it, and how often it was seen.
  struct Bug {
    var finding: Finding
    /// The capture of the example. Hostile text.
    var capture: String
    /// Where the example is, as a locator names it. Hostile text.
    var place: (path: String, line: Int)
    /// The example's lines, `trace.txt:12: what it shows` and the line itself. Hostile text.
    var lines: [String]
    var findings = 1
    var captures = 1
    fileprivate var lastCapture: Int
  }

  /// Bugs of one severity kept as examples.
  static let longest = 200

  private(set) var bugs: [Severity: [Bug]] = [:]
  private var index: [String: Int] = [:]
  /// Findings of bugs that no example was kept of.
  private(set) var others: [Severity: Int] = [:]
  /// Captures by what they came to.
  private(set) var outcomes: [CaptureRecord.Outcome: Int] = [:]
  private(set) var captures = 0

  mutating func add(_ capture: CaptureRecord, _ locator: SourceLocator) {
    captures += 1
    outcomes[capture.outcome, default: 0] += 1
    for finding in capture.report.findings { add(finding, capture, locator) }
  }

  private mutating func add(_ finding: Finding, _ capture: CaptureRecord, _ locator: SourceLocator) {
    let severity = finding.severity
    // A rule's severity depends on what stands behind it, and then it is another table.
    let key = "\(severity.rawValue) \(finding.fingerprint)"
    if let known = index[key] {
      bugs[severity]?[known].findings += 1
      if bugs[severity]?[known].lastCapture != captures {
        bugs[severity]?[known].captures += 1
        bugs[severity]?[known].lastCapture = captures
      }
      return
    }
    guard bugs[severity, default: []].count < Self.longest else {
      others[severity, default: 0] += 1
      return
    }
    index[key] = bugs[severity, default: []].count
    let lines = finding.evidence.prefix(12).flatMap {
      ["\(capture.report.placeName($0.at)): \($0.note)", "    \($0.text)"]
    }
    bugs[severity, default: []].append(
      Bug(
        finding: finding, capture: capture.name, place: locator.place(finding.bestPlace, in: capture),
        lines: lines, lastCapture: captures))
  }

  /// Where a bug that is gone may still be: `2 captures of this run are unreadable or inconclusive`; `nil` where all are
  /// decided.
  var undecided: String? {
    let count = outcomes[.inconclusive, default: 0] + outcomes[.unreadable, default: 0]
    if count == 0 { return nil }
    return
      "\(counted(count, "capture of this run is", "captures of this run are")) unreadable or inconclusive"
  }

  /// `unbalanced`, or with several captures `3 unbalanced, 1 inconclusive, 116 balanced`.
  var headline: String {
    let parts = [CaptureRecord.Outcome.unbalanced, .unreadable, .inconclusive, .balanced].compactMap {
      outcome in
      outcomes[outcome].map { captures == 1 ? outcome.rawValue : "\($0) \(outcome.rawValue)" }
    }
    return parts.isEmpty ? "no capture" : parts.joined(separator: ", ")
  }
}
