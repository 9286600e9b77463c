public import DMALedger

/// The bugs of an earlier run, to tell what is new in this one. A bug is a fingerprint, whatever the capture.
public struct Baseline: Sendable {
  /// A bug of the earlier run, described by the first of its findings.
  public struct Bug: Sendable {
    /// The hash that two findings of one bug have in common.
    public var fingerprint: String
    /// The rule that found it.
    public var rule: Rule
    /// How much it mattered.
    public var severity: Severity
    /// The driver, where one is to blame. Hostile text.
    public var driver: String?
    /// The capture in which it was found first. Hostile text.
    public var capture: String
  }

  private var places: [String: Int] = [:]
  /// In order of their first appearance.
  public private(set) var bugs: [Bug] = []

  /// A baseline without bugs: everything is new.
  public init() {}

  /// Adds what an earlier run found in a capture.
  public mutating func add(_ capture: CaptureRecord) {
    for finding in capture.report.findings where places[finding.fingerprint] == nil {
      places[finding.fingerprint] = bugs.count
      bugs.append(
        Bug(
          fingerprint: finding.fingerprint, rule: finding.rule, severity: finding.severity,
          driver: finding.driver, capture: capture.name))
    }
  }

  /// Says of every finding of a capture whether the earlier run had it.
  public func mark(_ capture: inout CaptureRecord) {
    for index in capture.report.findings.indices {
      let isKnown = places[capture.report.findings[index].fingerprint] != nil
      capture.report.findings[index].novelty = isKnown ? .known : .new
    }
  }

  /// The bugs that are not among these fingerprints, in their order.
  public func gone(from seen: Set<String>) -> [Bug] {
    bugs.filter { !seen.contains($0.fingerprint) }
  }
}
